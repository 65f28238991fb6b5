"""Two recipes compared, part by part; values of variables are never shown (cli.md 14.3).

Knows nothing of files or of the cache: recipes come in their readable form.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias, TypeVar

import attrs

from haz_trio.cache.recorded import Recorded
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Action


class How(enum.Enum):
    """What became of a part; ``UNKNOWN`` means that now and then cannot be compared."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNKNOWN = "unknown"


class Which(enum.Enum):
    """What became of a predecessor; ``UNKNOWN`` means that it has no result now."""

    ADDED = "added"
    REMOVED = "removed"
    STDOUT = "stdout changed"
    STDERR = "stderr changed"
    UNKNOWN = "unknown"


@attrs.frozen
class InputDiffers:
    path: str
    how: How


@attrs.frozen
class VariableDiffers:
    name: str
    how: How


@attrs.frozen
class ActionDiffers:
    before: Action
    now: Action


@attrs.frozen
class OutputDiffers:
    """A declared output pattern in workspace coordinates; ``kind`` is literal or glob."""

    kind: str
    pattern: str
    how: How


@attrs.frozen
class PredecessorDiffers:
    task: TaskId
    which: Which


@attrs.frozen
class SettingDiffers:
    """Something of the workspace or the machine: the hash function, the platform, the root."""

    name: str
    before: str
    now: str


Difference: TypeAlias = (
    SettingDiffers
    | ActionDiffers
    | OutputDiffers
    | InputDiffers
    | PredecessorDiffers
    | VariableDiffers
)
_K = TypeVar("_K", str, TaskId)


@attrs.frozen
class Doubt:
    """What cannot be compared now: predecessors without a result, inputs, variables' values.

    ``unread`` says of a workspace-absolute path whether it may be there and unreadable.
    """

    waiting: Collection[TaskId] = ()
    unread: Callable[[str], bool] = lambda path: False
    values: bool = False


def differences(before: Recorded, now: Recorded, doubt: Doubt) -> tuple[Difference, ...]:
    """Everything in which two recipes differ, in the order of the recipe, sorted by name."""
    return tuple(_differences(before, now, doubt))


def _differences(before: Recorded, now: Recorded, doubt: Doubt) -> Iterator[Difference]:
    comparable = before.hash_name == now.hash_name
    if not comparable:
        yield SettingDiffers("cache.hash", before.hash_name, now.hash_name)
    if before.platform != now.platform:
        yield SettingDiffers("platform", " ".join(before.platform), " ".join(now.platform))
    if before.root != now.root:
        yield SettingDiffers("project root", before.root, now.root)
    if before.action != now.action:
        yield ActionDiffers(before.action, now.action)
    for kind, pattern in sorted(before.outputs ^ now.outputs, key=lambda output: output[::-1]):
        how = How.ADDED if (kind, pattern) in now.outputs else How.REMOVED
        yield OutputDiffers(kind, pattern, how)
    for path, how in _compare(before.inputs, now.inputs, comparable=comparable):
        if how is not How.REMOVED or not doubt.unread(path):
            yield InputDiffers(path, how)
    yield from _predecessors(before, now, doubt, comparable)
    for name, how in _compare(before.env, now.env, comparable=not doubt.values):
        yield VariableDiffers(name, how)


def _predecessors(
    before: Recorded, now: Recorded, doubt: Doubt, comparable: bool
) -> Iterator[PredecessorDiffers]:
    for task in sorted({*before.upstream, *now.upstream, *doubt.waiting}):
        old, new = before.upstream.get(task), now.upstream.get(task)
        if task in doubt.waiting:
            if old is None:
                yield PredecessorDiffers(task, Which.ADDED)
            yield PredecessorDiffers(task, Which.UNKNOWN)
        elif old is None:
            yield PredecessorDiffers(task, Which.ADDED)
        elif new is None:
            yield PredecessorDiffers(task, Which.REMOVED)
        elif not comparable:
            yield PredecessorDiffers(task, Which.UNKNOWN)
        else:
            if old.stdout != new.stdout:
                yield PredecessorDiffers(task, Which.STDOUT)
            if old.stderr != new.stderr:
                yield PredecessorDiffers(task, Which.STDERR)


def _compare(
    before: Mapping[_K, object], now: Mapping[_K, object], *, comparable: bool
) -> Iterator[tuple[_K, How]]:
    """The names whose values differ, or may differ, sorted."""
    for name in sorted(before.keys() | now.keys()):
        if name not in before:
            yield name, How.ADDED
        elif name not in now:
            yield name, How.REMOVED
        elif type(before[name]) is not type(now[name]):
            yield name, How.CHANGED  # from the host before, set by the task now, or the reverse
        elif not comparable:
            yield name, How.UNKNOWN
        elif before[name] != now[name]:
            yield name, How.CHANGED
