"""What changed in the keys of a task and of its predecessors since their last results.

Reads only; what an older cache does not tell is said to be unknown, never guessed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from haz_trio.cache.history import History, Result
from haz_trio.cache.recipe import Recipe, key_of
from haz_trio.cache.recorded import FromHost, Recorded, Streams, recorded
from haz_trio.engine.differences import (
    Difference,
    Doubt,
    FunctionDiffers,
    How,
    Module,
    PredecessorDiffers,
    Which,
    differences,
)
from haz_trio.engine.explain import Explanation, Keyed, Unkeyed, View, reading_cache
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.values import evolve, frozen

_NO_SECRET = bytes(32)  # only to give the readable form something; nothing is compared then


@frozen
class Comparison:
    """One task now and then; ``last`` is ``None`` when no earlier result can be read."""

    task: TaskId
    view: View
    last: Result | None
    differences: tuple[Difference, ...] = ()


def compare(workspace: Workspace, explanation: Explanation) -> tuple[Comparison, ...]:
    """The explained task first, then each predecessor that is to blame, every task once.

    A predecessor that has no result now is compared with its last result.
    One that has a result with other streams is compared with the result that the task saw.
    Raises ``OSError`` when there is a cache that cannot be opened.
    """
    with reading_cache(workspace) as root:
        history = History(root)
        found: dict[TaskId, Comparison] = {}
        pending: list[tuple[TaskId, Streams | None]] = [(explanation.target, None)]
        for task, seen in pending:
            if task not in found:
                view = explanation.views[task]
                found[task] = _compare(task, seen, view, history, workspace.root)
                pending += _blamed(found[task], explanation)
        return tuple(found.values())


def _compare(
    task: TaskId, seen: Streams | None, view: View, history: History, root: str
) -> Comparison:
    last = None if seen is None else history.with_streams(task, seen)
    if last is None:
        last = history.last(task)
    if last is None:
        return Comparison(task, view, None)
    now, secret = recorded(view.recipe, history.secret or _NO_SECRET), history.secret
    if _same_environment(last, now, view.recipe):
        now, secret = evolve(now, env=last.recipe.env), _NO_SECRET
    found = differences(last.recipe, now, _doubt(view, values=secret is None))
    return Comparison(task, view, last, tuple(_with_module(d, view, last, root) for d in found))


def _with_module(difference: Difference, view: View, last: Result, root: str) -> Difference:
    """What can be told of a function whose module nobody may execute: how old its file is."""
    path = view.job.node.module
    unread = isinstance(difference, FunctionDiffers) and difference.how is How.UNKNOWN
    if not (unread and path):
        return difference
    try:
        newer = os.stat(root.rstrip("/") + path).st_mtime_ns > last.stored_ns
    except OSError:
        newer = None
    return evolve(difference, module=Module(path, newer))


def _doubt(view: View, *, values: bool) -> Doubt:
    match view.standing:
        case Keyed():
            return Doubt(values=values)
        case Unkeyed(waiting, _, unread):
            return Doubt(
                waiting=frozenset(waiting),
                unread=lambda path: any(pattern.matches(path) for pattern in unread),
                values=values,
            )


def _blamed(
    comparison: Comparison, explanation: Explanation
) -> Iterator[tuple[TaskId, Streams | None]]:
    """Predecessors that changed or have no result, with the streams that the task once saw."""
    standing = comparison.view.standing
    waiting = standing.waiting if isinstance(standing, Unkeyed) else ()
    changed = {
        d.task
        for d in comparison.differences
        if isinstance(d, PredecessorDiffers) and d.which in (Which.STDOUT, Which.STDERR)
    }
    for task in sorted({*waiting, *changed}):
        seen = comparison.last.recipe.upstream.get(task) if comparison.last else None
        hit = explanation.views[task].hit is not None
        yield task, seen if hit else None


def _same_environment(last: Result, now: Recorded, recipe: Recipe) -> bool:
    """Whether the recorded key comes out with today's values: then no value has changed.

    This is certain, whatever became of the secret since the result was stored.
    """
    before = last.recipe
    if _shape(before) != _shape(now):
        return False
    inputs = ((path, bytes.fromhex(digest)) for path, digest in before.inputs.items())
    upstream = (
        (id.project, id.task, bytes.fromhex(s.stdout), bytes.fromhex(s.stderr))
        for id, s in before.upstream.items()
    )
    mixed = Recipe(
        hash_name=before.hash_name,
        platform=before.platform,
        root=before.root,
        action=before.action,
        outputs=tuple(sorted(before.outputs)),
        inputs=tuple(sorted(inputs)),
        upstream=tuple(sorted(upstream)),
        host_env=recipe.host_env,
        overrides=recipe.overrides,
    )
    return key_of(mixed) == last.key


def _shape(recipe: Recorded) -> dict[str, tuple[type, bool]]:
    """The variables without their values: where each is from, and whether it is set."""
    return {n: (type(v), v == FromHost(None)) for n, v in recipe.env.items()}
