"""Facts go into the plan, decisions and events come out; all of them are frozen values."""

from __future__ import annotations

import enum
from typing import TypeAlias

from haz_trio.model.names import TaskId
from haz_trio.plan.outcome import (
    ExitStatus,
    Outcome,
    Record,
    RunReport,
    Sent,
    StopCause,
    Violation,
)
from haz_trio.values import frozen

# -- facts: something happened ----------------------------------------------------------------


@frozen
class Hit:
    """The look found an entry and made the outputs right."""

    task: TaskId
    record: Record


@frozen
class Missed:
    """The look found nothing usable; the task has to run, and never beside one of the same key."""

    task: TaskId
    key: str


@frozen
class Ran:
    """The process ended with status 0 and every declared output is there.

    ``record.outputs`` are all files of the result; ``written`` are those that the command
    created or changed, the only ones that it claims (EXEC-020, decisions.md 10).
    """

    task: TaskId
    record: Record
    written: tuple[str, ...] = ()


@frozen
class Kept:
    """The result has been stored, or could not be; either way the task is done."""

    task: TaskId


@frozen
class Ended:
    """The process ended with another status than 0."""

    task: TaskId
    status: ExitStatus


@frozen
class Broke:
    """Expected trouble: a missing input, a program that is not there, an output not made."""

    task: TaskId
    reason: str


@frozen
class Halted:
    """The scope of the step caught the cancellation that a ``Halt`` asked for."""

    task: TaskId


@frozen
class CancelRequested:
    """The caller does not want this one task any more; the others go on."""

    task: TaskId


@frozen
class StopRequested:
    """Nothing new may start, and what is in flight has to end (EXEC-013)."""


Fact: TypeAlias = (
    Hit | Missed | Ran | Kept | Ended | Broke | Halted | CancelRequested | StopRequested
)

# -- decisions: do this -----------------------------------------------------------------------


@frozen
class Upstream:
    """What a hard predecessor contributes to the key: its stream digests (CACHE-007)."""

    task: TaskId
    stdout: bytes
    stderr: bytes


@frozen
class Look:
    """Derive the key, look it up, restore a hit; the answer is Hit, Missed, Broke or Halted."""

    task: TaskId
    upstream: tuple[Upstream, ...]


@frozen
class Run:
    """Run the command; slot, tags and mutex are held.

    The answer is Ran, Ended, Broke or Halted.
    """

    task: TaskId


@frozen
class Keep:
    """Store the result, without the paths that belong to other tasks; the answer is Kept."""

    task: TaskId
    foreign: frozenset[str]


@frozen
class Drop:
    """Forget what the run step left to be stored; there is no answer."""

    task: TaskId


@frozen
class Halt:
    """Cancel the scope of the task's step; the answer is Halted, or what it was about to say."""

    task: TaskId


Decision: TypeAlias = Look | Run | Keep | Drop | Halt

# -- events: told to observers ----------------------------------------------------------------


class Stream(enum.Enum):
    STDOUT = "stdout"
    STDERR = "stderr"


@frozen
class RunStarted:
    tasks: tuple[TaskId, ...]


@frozen
class TaskReady:
    """Once per task: its predecessors are satisfied; only a slot or a tag is missing."""

    task: TaskId


class Obstacle(enum.Enum):
    """What a task can wait for after its look has missed."""

    MUTEX = "mutex"
    KEY = "key"  # another task with the same key runs


@frozen
class TaskWaits:
    """The look missed and the command cannot start yet; slot and tags are given back."""

    task: TaskId
    obstacle: Obstacle


@frozen
class TaskStarted:
    """Once per task, at its first look; its duration counts from here."""

    task: TaskId


@frozen
class TaskResumed:
    """A task that waited is looked at again; it holds a slot and its tags."""

    task: TaskId


@frozen
class TaskMissed:
    """The cache has nothing to use; ``reason`` is for people and never empty."""

    task: TaskId
    key: str
    reason: str


@frozen
class TaskBegun:
    """The key is known, and the command starts now, or what was recorded is shown.

    Once more for each further try.
    """

    task: TaskId
    key: str


@frozen
class TryFailed:
    """The command failed and is started again; ``number`` counts the tries from 1."""

    task: TaskId
    status: ExitStatus
    number: int
    tries: int


@frozen
class TaskOutput:
    """Bytes of a task, as they were written; chunks end anywhere."""

    task: TaskId
    stream: Stream
    data: bytes


@frozen
class CommandEnded:
    """How a command ended that was not left to itself, or left somebody; before what it led to.

    ``sent`` are the signals that it got from us, ``grace`` the seconds that it had after the first
    of them if we asked it to end; ``outlived`` names who had to be ended after it, ``survivors``
    who went on in a session of its own.
    """

    task: TaskId
    status: ExitStatus
    sent: tuple[Sent, ...] = ()
    grace: float | None = None
    outlived: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()


@frozen
class TaskNote:
    """A remark about a task that changes no outcome: not stored, leftovers killed."""

    task: TaskId
    text: str


@frozen
class RunNote:
    """A remark about the whole run that changes no outcome: the cache cannot be written."""

    text: str


@frozen
class TaskSettled:
    task: TaskId
    outcome: Outcome


@frozen
class ViolationFound:
    violation: Violation


@frozen
class RunStopping:
    """Somebody wants the run to end; told at most once."""

    cause: StopCause


@frozen
class RunFinished:
    report: RunReport


@frozen
class RunClosed:
    """The last event of a run of the command line: what the process will end with."""

    exit_code: int


Event: TypeAlias = (
    RunStarted
    | TaskReady
    | TaskWaits
    | TaskStarted
    | TaskResumed
    | TaskMissed
    | TaskBegun
    | TryFailed
    | TaskOutput
    | CommandEnded
    | TaskNote
    | RunNote
    | TaskSettled
    | ViolationFound
    | RunStopping
    | RunFinished
    | RunClosed
)
Messages: TypeAlias = list[Decision | Event]
