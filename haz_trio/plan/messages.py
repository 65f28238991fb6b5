"""Facts go into the plan, decisions and events come out; all of them are frozen values."""

from __future__ import annotations

import enum
from typing import TypeAlias

import attrs

from haz_trio.model.names import TaskId
from haz_trio.plan.outcome import ExitStatus, Outcome, Record, RunReport, Violation

# -- facts: something happened ----------------------------------------------------------------


@attrs.frozen
class Hit:
    """The look found an entry and made the outputs right."""

    task: TaskId
    record: Record


@attrs.frozen
class Missed:
    """The look found nothing usable under this key; the task has to run."""

    task: TaskId
    key: str


@attrs.frozen
class Ran:
    """The process ended with status 0 and every declared output is there.

    ``record.outputs`` are all files of the result; ``written`` are those that the command
    created or changed, the only ones that it claims (EXEC-020, decisions.md 10).
    """

    task: TaskId
    record: Record
    written: tuple[str, ...] = ()


@attrs.frozen
class Kept:
    """The result has been stored, or could not be; either way the task is done."""

    task: TaskId


@attrs.frozen
class Ended:
    """The process ended with another status than 0."""

    task: TaskId
    status: ExitStatus


@attrs.frozen
class Broke:
    """Expected trouble: a missing input, a program that is not there, an output not made."""

    task: TaskId
    reason: str


@attrs.frozen
class Halted:
    """The scope of the step caught the cancellation that a ``Halt`` asked for."""

    task: TaskId


@attrs.frozen
class StopRequested:
    """Nothing new may start, and what is in flight has to end (EXEC-013)."""


Fact: TypeAlias = Hit | Missed | Ran | Kept | Ended | Broke | Halted | StopRequested

# -- decisions: do this -----------------------------------------------------------------------


@attrs.frozen
class Upstream:
    """What a hard predecessor contributes to the key: its stream digests (CACHE-007)."""

    task: TaskId
    stdout: bytes
    stderr: bytes


@attrs.frozen
class Look:
    """Derive the key, look it up, restore a hit; the answer is Hit, Missed, Broke or Halted."""

    task: TaskId
    upstream: tuple[Upstream, ...]


@attrs.frozen
class Run:
    """Run the command; slot, tags and mutex are held.

    The answer is Ran, Ended, Broke or Halted.
    """

    task: TaskId


@attrs.frozen
class Keep:
    """Store the result, without the paths that belong to other tasks; the answer is Kept."""

    task: TaskId
    foreign: frozenset[str]


@attrs.frozen
class Drop:
    """Forget what the run step left to be stored; there is no answer."""

    task: TaskId


@attrs.frozen
class Halt:
    """Cancel the scope of the task's step; the answer is Halted, or what it was about to say."""

    task: TaskId


Decision: TypeAlias = Look | Run | Keep | Drop | Halt

# -- events: told to observers ----------------------------------------------------------------


class Stream(enum.Enum):
    STDOUT = "stdout"
    STDERR = "stderr"


@attrs.frozen
class RunStarted:
    tasks: tuple[TaskId, ...]


@attrs.frozen
class TaskReady:
    """Once per task: its predecessors are satisfied; only a slot or a tag is missing."""

    task: TaskId


class Obstacle(enum.Enum):
    """What a task can wait for after its look has missed."""

    MUTEX = "mutex"
    KEY = "key"  # another task with the same key runs


@attrs.frozen
class TaskWaits:
    """The look missed and the command cannot start yet; slot and tags are given back."""

    task: TaskId
    obstacle: Obstacle


@attrs.frozen
class TaskStarted:
    """Once per task, at its first look; its duration counts from here."""

    task: TaskId


@attrs.frozen
class TaskMissed:
    """The cache has nothing to use; ``reason`` is for people and never empty."""

    task: TaskId
    key: str
    reason: str


@attrs.frozen
class TaskBegun:
    """The key is known, and the command starts now, or what was recorded is shown.

    Once more for each further try.
    """

    task: TaskId
    key: str


@attrs.frozen
class TryFailed:
    """The command failed and is started again; ``number`` counts the tries from 1."""

    task: TaskId
    status: ExitStatus
    number: int
    tries: int


@attrs.frozen
class TaskOutput:
    """Bytes of a task, as they were written; chunks end anywhere."""

    task: TaskId
    stream: Stream
    data: bytes


@attrs.frozen
class TaskNote:
    """A remark about a task that changes no outcome: not stored, leftovers killed."""

    task: TaskId
    text: str


@attrs.frozen
class RunNote:
    """A remark about the whole run that changes no outcome: the cache cannot be written."""

    text: str


@attrs.frozen
class TaskSettled:
    task: TaskId
    outcome: Outcome


@attrs.frozen
class ViolationFound:
    violation: Violation


@attrs.frozen
class RunFinished:
    report: RunReport


@attrs.frozen
class RunClosed:
    """The last event of a run of the command line: what the process will end with."""

    exit_code: int


Event: TypeAlias = (
    RunStarted
    | TaskReady
    | TaskWaits
    | TaskStarted
    | TaskMissed
    | TaskBegun
    | TryFailed
    | TaskOutput
    | TaskNote
    | RunNote
    | TaskSettled
    | ViolationFound
    | RunFinished
    | RunClosed
)
