"""Why a task did not succeed, back to one root, and what was done to its command (docs/events.md).

A receipt is made of what observers are told anyway, so that every reader of events can have it.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import TypeAlias, assert_never

from haz_trio.model.names import TaskId
from haz_trio.output.summary import cause_text
from haz_trio.plan.messages import (
    CommandEnded,
    Event,
    RunStopping,
    TaskSettled,
    ViolationFound,
)
from haz_trio.plan.outcome import (
    ByCaller,
    BySignal,
    ByTimeLimit,
    CancelCause,
    Cancelled,
    Completed,
    Errored,
    Exited,
    ExitStatus,
    Failed,
    InFlight,
    InRuntimeCycle,
    Outcome,
    OutputOverlap,
    RunCancelled,
    Signalled,
    SkipCause,
    Skipped,
    StopCause,
    TimedOut,
    UpstreamCancelled,
    UpstreamErrored,
    UpstreamFailed,
)

Object: TypeAlias = dict[str, object]


class Receipts:
    """Follows one run.

    ``fail_fast`` says that the first failure stops it; else only a violation does, or somebody.
    """

    def __init__(self, fail_fast: bool = False) -> None:
        self.fail_fast: bool = fail_fast
        self._ends: dict[TaskId, Object] = {}  # of those that may be roots
        self._commands: dict[TaskId, CommandEnded] = {}
        self._stop: Object | None = None

    def notice(self, event: Event) -> None:
        """Remember what later receipts need."""
        match event:
            case CommandEnded(task):
                self._commands[task] = event
            case RunStopping(cause):
                self._stop = self._stop or _stop_object(cause)
            case ViolationFound(violation):
                rule = "EXEC-020" if isinstance(violation, OutputOverlap) else "EXEC-019"
                self._stop = self._stop or {"kind": "violation", "rule": rule}
            case TaskSettled(task, Failed() | Errored() as outcome):
                self._ends[task] = _task_object(task, outcome)
                if self.fail_fast:
                    self._stop = self._stop or self._ends[task]
            case TaskSettled(task, Cancelled(InFlight() | ByCaller() as cause) as outcome):
                self._ends[task] = _task_object(task, outcome) | {"cause": self._cause(cause)}
            case _:
                pass

    @property
    def stop(self) -> Object:
        """What ended the run early."""
        return self._stop or {"kind": "caller"}

    @property
    def was_stopped(self) -> bool:
        """Whether anything has ended the run early so far."""
        return self._stop is not None

    def of(self, task: TaskId, outcome: Outcome) -> Object:
        """The members of a receipt; after ``notice`` of the event that brings the outcome."""
        found: Object = {}
        if isinstance(outcome, Skipped | Cancelled):
            found["cause"] = self._cause(outcome.cause)
        command = self._commands.pop(task, None)
        if command is None:
            return found
        if isinstance(outcome, Cancelled) or isinstance(getattr(outcome, "status", 0), TimedOut):
            found["ended"] = status_object(command.status)
        if command.sent:
            found["signals"] = [
                {"name": signal_name(sent.signal), "at": round(sent.at, 6)}
                for sent in command.sent
            ]
        if command.grace is not None:
            found["grace"] = command.grace
        if command.outlived:
            found["outlived_by"] = list(command.outlived)
        if command.survivors:
            found["survivors"] = list(command.survivors)
        return found

    def _cause(self, cause: SkipCause | CancelCause) -> Object:
        match cause:
            case UpstreamFailed(root) | UpstreamErrored(root) | UpstreamCancelled(root):
                return self._ends.get(root, {"kind": "task", "task": str(root)})
            case InRuntimeCycle():
                return {"kind": "violation", "rule": "EXEC-019"}
            case InFlight() | RunCancelled():
                return self.stop
            case ByCaller():
                return _stop_object(cause)
            case _:
                assert_never(cause)


def ending(outcome: Outcome) -> Object:
    """How a task ended: the members of a ``task_end`` that depend on its state."""
    state: Object = {"state": type(outcome).__name__.lower()}
    match outcome:
        case Completed(source, record):
            outputs = list(record.outputs)
            return {**state, "source": source.value, "key": record.key, "outputs": outputs}
        case Failed(status):
            return state | status_object(status)
        case Errored(reason):
            return {**state, "reason": reason}
        case Skipped(cause) | Cancelled(cause):
            upstream = getattr(cause, "upstream", None)
            state["reason"] = cause_text(cause)
            return state if upstream is None else {**state, "upstream": str(upstream)}
        case _:
            assert_never(outcome)


def status_object(status: ExitStatus) -> Object:
    """How a command ended, as members."""
    match status:
        case Exited(code):
            return {"exit": code}
        case Signalled(number):
            return {"signal": number}
        case TimedOut(seconds):
            return {"timed_out": seconds}
        case _:
            assert_never(status)


def signal_name(number: int) -> str:
    """``SIGTERM``, or the number of a signal that has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def chain(end: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The causes of a ``task_end``, the root last; empty for a task that is its own root."""
    found: list[Mapping[str, object]] = []
    cause = end.get("cause")
    while isinstance(cause, dict):
        found.append(cause)
        cause = cause.get("cause")
    return found


def _task_object(task: TaskId, outcome: Outcome) -> Object:
    found: Object = {"kind": "task", "task": str(task), "state": type(outcome).__name__.lower()}
    match outcome:
        case Failed(status):
            return found | status_object(status)
        case Errored(reason):
            return found | {"reason": reason}
        case Completed() | Skipped() | Cancelled():
            return found
        case _:
            assert_never(outcome)


def _stop_object(cause: StopCause) -> Object:
    match cause:
        case BySignal(number):
            return {"kind": "signal", "name": signal_name(number)}
        case ByTimeLimit(seconds):
            return {"kind": "time_limit", "seconds": seconds}
        case ByCaller():
            return {"kind": "caller"}
        case _:
            assert_never(cause)
