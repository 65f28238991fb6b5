"""What became of a task, of a run, and of the exit code (EXEC-009 to EXEC-021)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from haz_trio.model.names import TaskId
from haz_trio.plan.exit_codes import EXIT_SUCCESS, EXIT_TASK_FAILURE
from haz_trio.values import field, frozen

if TYPE_CHECKING:
    from haz_trio.plan.timeline import Timeline
    from haz_trio.plan.waits import Spent


class Source(enum.Enum):
    """Whether a completed task ran in this run or came from the cache."""

    FRESH = "fresh"
    CACHE = "cache"


@frozen
class Record:
    """What a completed task left: its key, its stream digests, and its outputs.

    ``key`` is 64 hexadecimal digits; the digests are 32 bytes each (CACHE-007).
    ``outputs`` are the workspace-absolute paths of the result, sorted (EXEC-020).
    """

    key: str
    stdout: bytes
    stderr: bytes
    outputs: tuple[str, ...] = ()


@frozen
class Exited:
    """A process ended by itself with this status."""

    code: int

    def __str__(self) -> str:
        return f"exit {self.code}"


@frozen
class Signalled:
    """A process was ended by this signal, which we did not send."""

    signal: int

    def __str__(self) -> str:
        return f"signal {self.signal}"


@frozen
class TimedOut:
    """We ended a command that ran for longer than ``seconds`` (``--task-timeout``)."""

    seconds: float

    def __str__(self) -> str:
        return "timed out"


@frozen
class Sent:
    """A signal that we sent to a command and its descendants, ``at`` seconds after its start."""

    signal: int
    at: float


ExitStatus: TypeAlias = Exited | Signalled | TimedOut


@frozen
class UpstreamFailed:
    upstream: TaskId


@frozen
class UpstreamErrored:
    upstream: TaskId


@frozen
class InRuntimeCycle:
    pass


SkipCause: TypeAlias = UpstreamFailed | UpstreamErrored | InRuntimeCycle


@frozen
class InFlight:
    """Cancelled with its run, while it was looked up or ran."""


@frozen
class UpstreamCancelled:
    upstream: TaskId


@frozen
class RunCancelled:
    """Never started: the run was stopped first."""


@frozen
class ByCaller:
    """The program that runs the engine wants it: the end of a run, or of one task alone."""


CancelCause: TypeAlias = InFlight | UpstreamCancelled | RunCancelled | ByCaller


@frozen
class Completed:
    source: Source
    record: Record


@frozen
class Failed:
    """The process ended with another status than 0, or ran out of its time (EXEC-009).

    A process that a stop of the run has ended is ``Cancelled`` instead.
    """

    status: ExitStatus


@frozen
class Errored:
    """The task could not be keyed or started, or did not make what it declared (5.2)."""

    reason: str


@frozen
class Skipped:
    """A hard predecessor did not complete (EXEC-011), or the task is in a run-time cycle."""

    cause: SkipCause


@frozen
class Cancelled:
    cause: CancelCause


Outcome: TypeAlias = Completed | Failed | Errored | Skipped | Cancelled


@frozen
class BySignal:
    """Somebody sent us this signal."""

    number: int


@frozen
class ByTimeLimit:
    """The run has used up its time, in seconds (``--timeout``)."""

    seconds: float


StopCause: TypeAlias = BySignal | ByTimeLimit | ByCaller
"""Who wants a run to stop; failures and violations do so as well, and are told as such."""


@frozen
class OutputOverlap:
    """Two tasks wrote one file (EXEC-020)."""

    first: TaskId
    second: TaskId
    path: str


@frozen
class RuntimeCycle:
    """What ``producer`` wrote at ``path`` is read by ``consumer``, on which it depends (EXEC-019).

    ``nodes`` is the cycle as a chain that starts and ends with ``producer``.
    """

    nodes: tuple[TaskId, ...]
    producer: TaskId
    consumer: TaskId
    path: str


Violation: TypeAlias = OutputOverlap | RuntimeCycle


@frozen
class RunReport:
    """How a run ended: an outcome for every selected task, in canonical order.

    ``timeline`` says when what happened; an engine gives it, a bare plan has no clock.
    """

    outcomes: Mapping[TaskId, Outcome]
    violations: tuple[Violation, ...] = ()
    stopped: bool = False
    timeline: Timeline | None = field(default=None, eq=False, repr=False)

    @property
    def waits(self) -> Mapping[TaskId, Spent]:
        """What each task waited for, reckoned anew each time; empty without a timeline."""
        # Imported here: most who run something do not ask.
        from haz_trio.plan.waits import account

        spent = () if self.timeline is None else account(self.timeline)
        return {each.task: each for each in spent}

    @property
    def succeeded(self) -> bool:
        return not self.violations and not any(
            isinstance(o, Failed | Errored) for o in self.outcomes.values()
        )

    def __iter__(self) -> Iterator[tuple[TaskId, Outcome]]:
        return iter(self.outcomes.items())


def exit_code_for(report: RunReport, signal: int | None = None) -> int:
    """The exit code of a run that ``signal`` may have stopped (EXEC-021)."""
    if signal is not None:
        return 128 + signal
    return EXIT_SUCCESS if report.succeeded else EXIT_TASK_FAILURE
