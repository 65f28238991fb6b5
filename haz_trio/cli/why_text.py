"""The reports of ``haz why`` as text: the plain one byte for byte as the original's (cli.md 11).

The report of ``--diff`` is ours: a block for each task, the same ``name: value`` lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import assert_never

from haz_trio.cache.entries import Damaged, NoEntry, Unreadable
from haz_trio.cache.files import explain as reason_of
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.manifest_reader import OtherSchema
from haz_trio.cache.verification import Blocked, Foretold
from haz_trio.engine.comparison import Comparison
from haz_trio.engine.differences import (
    ActionDiffers,
    Difference,
    FunctionDiffers,
    How,
    InputDiffers,
    Module,
    OutputDiffers,
    PredecessorDiffers,
    SettingDiffers,
    VariableDiffers,
    Which,
)
from haz_trio.engine.explain import Explanation, Keyed, Unkeyed, View
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId, quote
from haz_trio.model.tasks import Action, Argv, Called, Function, Keyable, Mutex, Shell

# Spacing marks that extend the letter before them: the original escapes these as well.
_EXTENDING = re.compile(
    "[\u09be\u09d7\u0b3e\u0b57\u0bbe\u0bd7\u0cc0\u0cc2\u0cc7\u0cc8\u0cca\u0ccb\u0cd5\u0cd6\u0d3e"
    "\u0d57\u0dcf\u0ddf\u1715\u1734\u1b35\u1b3b\u1b3d\u1b43\u1b44\u1baa\u1bf2\u1bf3\u302e\u302f"
    "\ua953\ua9c0\uff9e\uff9f\U000111c0\U00011235\U0001133e\U0001134d\U00011357\U000114b0"
    "\U000114bd\U000115af\U000116b6\U00011930\U0001193d\U00016ff0\U00016ff1\U0001d165\U0001d166"
    "\U0001d16d-\U0001d172]"
)
_SIGNS = {How.ADDED: "+", How.REMOVED: "-", How.CHANGED: "~", How.UNKNOWN: "?"}


def report(explanation: Explanation, graph: TaskGraph) -> str:
    """The plain report of a task whose key is known; empty sections are left out."""
    return "".join(f"{line}\n" for line in _report(explanation, graph))


def _report(explanation: Explanation, graph: TaskGraph) -> Iterator[str]:
    id, view = explanation.target, explanation.view
    assert isinstance(view.standing, Keyed), "the caller has refused what has no key"
    task = view.job.node.task
    yield str(id)
    yield action_line(task.action)
    yield from _section(
        "inputs", [path + _producer(path, graph) for path, _ in view.recipe.inputs]
    )
    yield from _section("outputs", [pattern.text for pattern in task.outputs])
    yield from _section("deps", list(map(str, graph.hard[id])))
    yield from _section("weakDeps", list(map(str, graph.weak[id])))
    if task.mutex is not None:
        yield _mutex(task.mutex)
    yield from _section("env.from_host", sorted(task.env.from_host))
    yield from _section("env.override", [f"{n}={value}" for n, value in task.env.override])
    yield f"cache_key: {view.standing.key}"
    yield f"cache_lookup: {lookup(view.standing.found)}"


def lookup(found: Foretold) -> str:
    """What a look found, in the original's words where it has any."""
    match found:
        case Manifest():
            return "hit"
        case NoEntry():
            return "miss: no entry"
        case OtherSchema():
            return "miss: schema mismatch"
        case Damaged():
            return "miss: corrupt entry"
        case Unreadable():
            return "miss: unreadable"
        case Blocked():
            return "miss: cannot be restored"
        case _:
            assert_never(found)


def detail(found: Foretold) -> str:
    """What more is known of a miss, or nothing."""
    match found:
        case Manifest() | NoEntry():
            return ""
        case OtherSchema(reason) | Damaged(reason, _) | Blocked(reason):
            return reason
        case Unreadable(problem):
            return reason_of(problem)
        case _:
            assert_never(found)


def action_line(action: Action | Keyable, *, one_line: bool = False) -> str:
    """The action; a script stands as it is, or quoted when it has to be one line."""
    match action:
        case Argv(argv):
            return f"command: [{', '.join(map(_quoted, argv))}]"
        case Shell(script, shell):
            return f"shell ({shell}): {_quoted(script) if one_line else script}"
        case Function():
            return f"function: {action}"
        case Called(function):
            return f"function: {function}"
        case _:
            assert_never(action)


def _quoted(word: str) -> str:
    """A word in double quotes; also marks that would combine with the quote are escaped."""
    return f'"{"".join(map(_shown, word))}"'


def _shown(character: str) -> str:
    if not character.isascii() and (
        unicodedata.category(character) in ("Mn", "Me") or _EXTENDING.match(character)
    ):
        return f"\\u{{{ord(character):x}}}"
    return quote(character)[1:-1]


def _section(name: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"{name}:"
        yield from (f"  {item}" for item in items)


def _producer(path: str, graph: TaskGraph) -> str:
    match graph.producers_of(path):
        case ():
            return ""
        case (producer,):
            return f" (produced by {producer})"
        case _:
            return " (producer: undetermined)"


def _mutex(mutex: Mutex) -> str:
    return f"mutex: scope={mutex.scope.value}, name={mutex.name}, mode={mutex.mode.value}"


def comparison_text(comparisons: Sequence[Comparison], graph: TaskGraph) -> str:
    """The report of ``--diff``: blocks with an empty line between them."""
    return "\n".join("".join(f"{line}\n" for line in _block(c, graph)) for c in comparisons)


def _block(comparison: Comparison, graph: TaskGraph) -> Iterator[str]:
    yield str(comparison.task)
    yield from _standing(comparison.view)
    if comparison.last is None:
        yield "last_key: none recorded"
        yield "changed: unknown"
        return
    yield f"last_key: {comparison.last.key}"
    if comparison.differences:
        yield "changed:"
        yield from (
            f"  {line}"
            for d in comparison.differences
            for line in _lines(d, comparison.task, graph)
        )
    else:
        yield "changed: nothing"


def _standing(view: View) -> Iterator[str]:
    match view.standing:
        case Keyed(key, found):
            yield f"cache_key: {key}"
            yield f"cache_lookup: {lookup(found)}"
            if detail(found):
                yield f"reason: {detail(found)}"
        case Unkeyed(waiting, problems):
            yield "cache_key: unknown"
            yield from (f"reason: {problem}" for problem in problems)
            yield from (f"reason: predecessor {id} has no result in the cache" for id in waiting)
        case _:
            assert_never(view.standing)


def _lines(difference: Difference, task: TaskId, graph: TaskGraph) -> Iterator[str]:
    match difference:
        case SettingDiffers(name, before, now):
            yield f"{name}: {before} -> {now}"
        case ActionDiffers(before, now):
            yield f"action: - {action_line(before, one_line=True)}"
            yield f"action: + {action_line(now, one_line=True)}"
        case FunctionDiffers(part, How.UNKNOWN, module):
            yield f"action: {part} {_unread(module)}; `haz run --explain {task}` tells"
        case FunctionDiffers(part, how):
            yield f"action: {_SIGNS[how]} {part}"
        case OutputDiffers(_, pattern, how):
            yield f"outputs: {_SIGNS[how]} {_one_line(pattern)}"
        case InputDiffers(path, how):
            yield f"inputs: {_SIGNS[how]} {_one_line(path)}{_producer(path, graph)}"
        case PredecessorDiffers(other, which):
            yield f"deps: {_predecessor(other, which)}"
        case VariableDiffers(name, How.UNKNOWN):
            yield f"env: {name} cannot be compared (the secret of the cache is gone)"
        case VariableDiffers(name, how):
            yield f"env: {name} {how.value}"
        case _:
            assert_never(difference)


def _unread(module: Module | None) -> str:
    """What can be said of the code of a function without executing its module."""
    match module:
        case Module(path, None):
            return f"cannot be compared: {_one_line(path)} is gone"
        case Module(path, True):
            return f"may have changed: {_one_line(path)} is newer than the last result"
        case Module(path, False):
            return (
                f"cannot be compared: {_one_line(path)} is older than the last result, "
                "but what it uses may have changed"
            )
        case _:
            return "cannot be compared"


def _predecessor(task: TaskId, which: Which) -> str:
    match which:
        case Which.ADDED:
            return f"+ {task}"
        case Which.REMOVED:
            return f"- {task}"
        case Which.STDOUT | Which.STDERR:
            return f"{task} {which.value}"
        case Which.UNKNOWN:
            return f"{task} has no result now"
        case _:
            assert_never(which)


def _one_line(path: str) -> str:
    """A path as it is, or quoted when it holds what would spoil the line."""
    return path if path.isprintable() else quote(path)
