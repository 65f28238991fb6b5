"""Two recipes compared, part by part; values of variables are never shown (cli.md 14.3).

Knows nothing of files or of the cache: recipes come in their readable form.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias

from haz_trio.cache.recorded import Recorded, Value
from haz_trio.model.names import TaskId
from haz_trio.model.tasks import Called, Keyable
from haz_trio.values import frozen


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


@frozen
class InputDiffers:
    path: str
    how: How


@frozen
class VariableDiffers:
    name: str
    how: How


@frozen
class ActionDiffers:
    before: Keyable
    now: Keyable


@frozen
class Module:
    """The file of a function, workspace-absolute, and whether it is newer than the last result.

    ``newer`` is ``None`` when it is not there.
    """

    path: str
    newer: bool | None


@frozen
class FunctionDiffers:
    """A part of a function or of what it uses: its code, a default, a variable, a module.

    ``module`` is there for code that has not been read.
    """

    part: str
    how: How
    module: Module | None = None


@frozen
class OutputDiffers:
    """A declared output pattern in workspace coordinates; ``kind`` is literal or glob."""

    kind: str
    pattern: str
    how: How


@frozen
class PredecessorDiffers:
    task: TaskId
    which: Which


@frozen
class SettingDiffers:
    """Something of the workspace or the machine: the hash function, the platform, the root."""

    name: str
    before: str
    now: str


Difference: TypeAlias = (
    SettingDiffers
    | ActionDiffers
    | FunctionDiffers
    | OutputDiffers
    | InputDiffers
    | PredecessorDiffers
    | VariableDiffers
)


@frozen
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
        yield SettingDiffers("cache.hash", before.hash_name.value, now.hash_name.value)
    if before.platform != now.platform:
        yield SettingDiffers("platform", " ".join(before.platform), " ".join(now.platform))
    if before.root != now.root:
        yield SettingDiffers("project root", before.root, now.root)
    yield from _actions(before.action, now.action)
    for kind, pattern in sorted(before.outputs ^ now.outputs, key=lambda output: output[::-1]):
        how = How.ADDED if (kind, pattern) in now.outputs else How.REMOVED
        yield OutputDiffers(kind, pattern, how)
    yield from _inputs(before, now, doubt, comparable)
    yield from _predecessors(before, now, doubt, comparable)
    for name in sorted(before.env.keys() | now.env.keys()):
        changed = _variable(before.env.get(name), now.env.get(name), doubt)
        if changed is not None:
            yield VariableDiffers(name, changed)


def _actions(before: Keyable, now: Keyable) -> Iterator[ActionDiffers | FunctionDiffers]:
    if not isinstance(before, Called) or not isinstance(now, Called):
        if before != now:
            yield ActionDiffers(before, now)
        return
    if before.function != now.function:
        yield ActionDiffers(before, now)
    if not now.parts:  # its code has not been read
        yield FunctionDiffers(f"code of {now.function}", How.UNKNOWN)
        return
    old, new = dict(before.parts), dict(now.parts)
    for part in sorted(old.keys() | new.keys()):
        if part not in old:
            yield FunctionDiffers(part, How.ADDED)
        elif part not in new:
            yield FunctionDiffers(part, How.REMOVED)
        elif old[part] != new[part]:
            yield FunctionDiffers(part, How.CHANGED)


def _inputs(
    before: Recorded, now: Recorded, doubt: Doubt, comparable: bool
) -> Iterator[InputDiffers]:
    for path in sorted(before.inputs.keys() | now.inputs.keys()):
        if path not in before.inputs:
            yield InputDiffers(path, How.ADDED)
        elif path not in now.inputs:
            if not doubt.unread(path):
                yield InputDiffers(path, How.REMOVED)
        elif comparable and before.inputs[path] != now.inputs[path]:
            yield InputDiffers(path, How.CHANGED)


def _predecessors(
    before: Recorded, now: Recorded, doubt: Doubt, comparable: bool
) -> Iterator[PredecessorDiffers]:
    for task in sorted({*before.upstream, *now.upstream, *doubt.waiting}):
        old, new = before.upstream.get(task), now.upstream.get(task)
        if old is None:
            yield PredecessorDiffers(task, Which.ADDED)
        if task in doubt.waiting:
            yield PredecessorDiffers(task, Which.UNKNOWN)
        elif new is None:
            yield PredecessorDiffers(task, Which.REMOVED)
        elif old is not None and comparable:
            if old.stdout != new.stdout:
                yield PredecessorDiffers(task, Which.STDOUT)
            if old.stderr != new.stderr:
                yield PredecessorDiffers(task, Which.STDERR)


def _variable(old: Value | None, new: Value | None, doubt: Doubt) -> How | None:
    if old is None:
        return How.ADDED
    if new is None:
        return How.REMOVED
    if type(old) is not type(new):
        return How.CHANGED  # from the host on one side, set by the task on the other
    if old.veiled is None or new.veiled is None:
        return None if old.veiled == new.veiled else How.CHANGED  # unset on one side
    if doubt.values:
        return How.UNKNOWN
    return None if old == new else How.CHANGED
