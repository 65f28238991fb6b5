"""Events as JSON objects, for programs (docs/events.md); knows neither clock nor task graph.

One encoder follows one run.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, assert_never

import attrs

from haz_trio.model.names import TaskId
from haz_trio.output.descriptors import PIECE
from haz_trio.output.receipts import Receipts, ending, status_object
from haz_trio.output.renderers import Narrator
from haz_trio.output.summary import violation_text
from haz_trio.output.writes import Target, Write
from haz_trio.plan.messages import (
    CommandEnded,
    Event,
    RunClosed,
    RunFinished,
    RunNote,
    RunStarted,
    RunStopping,
    Stream,
    TaskBegun,
    TaskMissed,
    TaskNote,
    TaskOutput,
    TaskReady,
    TaskResumed,
    TaskSettled,
    TaskStarted,
    TaskWaits,
    TryFailed,
    ViolationFound,
)
from haz_trio.plan.outcome import (
    Completed,
    Outcome,
    OutputOverlap,
    RunReport,
    RuntimeCycle,
    Source,
    Violation,
)

VERSION = 1
Object: TypeAlias = dict[str, object]


@attrs.define
class _Life:
    """What is remembered of a task until it ends; times are seconds of the run."""

    ready: float | None = None
    started: float | None = None
    waiting: tuple[str, float] | None = None
    waits: dict[str, float] = attrs.field(factory=dict)
    offsets: Counter[Stream] = attrs.field(factory=Counter)
    tries: int = 0
    key: str | None = None

    def stop_waiting(self, at: float) -> None:
        if self.waiting is not None:
            on, since = self.waiting
            self.waits[on] = self.waits.get(on, 0.0) + at - since
            self.waiting = None


@attrs.define
class Encoder:
    """Turns events into objects.

    ``epoch`` is the unix time at which the run began, in seconds; ``slots`` and ``caps`` are
    the limits of the run; ``locks`` names the mutex of a task that has one.
    With ``fail_fast`` the first failure stops the run.
    """

    epoch: float
    slots: int
    caps: Mapping[str, int]
    locks: Mapping[TaskId, str]
    fail_fast: bool = False
    _lives: dict[TaskId, _Life] = attrs.field(factory=dict, init=False)
    _report: RunReport | None = attrs.field(default=None, init=False)
    _seq: int = attrs.field(default=0, init=False)
    _receipts: Receipts = attrs.field(init=False)

    @_receipts.default
    def _make_receipts(self) -> Receipts:
        return Receipts(self.fail_fast)

    def __call__(self, event: Event, at: float) -> list[Object]:
        """The objects for an event that happened ``at`` seconds after the run began."""
        objects = []
        self._receipts.notice(event)
        for kind, members in self._encode(event, at):
            head = {"v": VERSION, "type": kind, "ts": round(self.epoch + at, 6), "seq": self._seq}
            self._seq += 1
            objects.append(head | members)
        return objects

    def _encode(self, event: Event, at: float) -> Iterator[tuple[str, Object]]:
        match event:
            case RunStarted(tasks):
                limits = {"jobs": self.slots, "tag_caps": dict(sorted(self.caps.items()))}
                yield "run_start", {"tasks": [str(id) for id in tasks], **limits}
            case TaskReady(task):
                self._life(task).ready = at
                yield "task_ready", {"task": str(task)}
            case TaskStarted(task):
                life = self._life(task)
                life.started = at
                life.waits["slot"] = at - (at if life.ready is None else life.ready)
            case TaskWaits(task, obstacle):
                life = self._life(task)
                life.stop_waiting(at)
                life.waiting = (obstacle.value, at)
                name = self.locks.get(task) if obstacle.value == "mutex" else None
                yield "task_wait", _without_none(task=str(task), on=obstacle.value, name=name)
            case TaskResumed(task):
                self._life(task).stop_waiting(at)
                yield "task_resume", {"task": str(task)}
            case TaskMissed(task, key, reason):
                self._life(task).key = key
                yield "task_miss", {"task": str(task), "key": key, "reason": reason}
            case TaskBegun(task, key):
                life = self._life(task)
                life.stop_waiting(at)
                life.key = key
                if not life.tries:  # once more for a further try, or when who we followed died
                    life.tries = 1
                    yield "task_start", {"task": str(task), "key": key}
            case TryFailed(task, status, number, tries):
                self._life(task).tries = number + 1
                ended = status_object(status)
                yield "task_retry", {"task": str(task), "try": number, "tries": tries, **ended}
            case TaskOutput(task, stream, data):
                if data:
                    yield "task_output", self._output(task, stream, data)
            case TaskSettled(task, outcome):
                yield "task_end", self._end(task, outcome, at)
            case TaskNote(task, text):
                yield "diagnostic", {"severity": "note", "task": str(task), "message": text}
            case RunNote(text):
                yield "diagnostic", {"severity": "note", "message": text}
            case ViolationFound(violation):
                yield "diagnostic", _violation(violation)
            case RunFinished(report):
                self._report = report
            case CommandEnded() | RunStopping():
                pass  # the receipts have it
            case RunClosed(exit_code):
                yield "run_end", self._run_end(exit_code, at)
            case _:
                assert_never(event)

    def _life(self, task: TaskId) -> _Life:
        return self._lives.setdefault(task, _Life())

    def _output(self, task: TaskId, stream: Stream, data: bytes) -> Object:
        offsets = self._life(task).offsets
        head = {"task": str(task), "stream": stream.value, "offset": offsets[stream]}
        offsets[stream] += len(data)
        try:
            return {**head, "text": data.decode()}
        except UnicodeDecodeError:
            return {**head, "base64": base64.b64encode(data).decode("ascii")}

    def _end(self, task: TaskId, outcome: Outcome, at: float) -> Object:
        life = self._lives.pop(task, _Life())
        life.stop_waiting(at)
        end: Object = {
            "task": str(task),
            **_without_none(key=life.key),
            **ending(outcome),
        }
        if life.started is not None:
            end["duration"] = round(at - life.started, 6)
            end["waits"] = {on: round(time, 6) for on, time in sorted(life.waits.items())}
        if life.tries > 1:
            end["tries"] = life.tries
        return end | self._receipts.of(task, outcome)

    def _run_end(self, exit_code: int, at: float) -> Object:
        end: Object = {"exit_code": exit_code, "duration": round(at, 6)}
        if self._report is not None:
            end |= {"stopped": self._report.stopped, "counts": counts(self._report)}
        if self._receipts.was_stopped:
            end["cause"] = self._receipts.stop
        return end


@attrs.define
class JsonRenderer:
    """Events as lines of JSON on standard output, and what the run says of itself on the other."""

    encode: Encoder
    narrate: Narrator

    def __call__(self, event: Event, at: float) -> Iterable[Write]:
        return [*lines_of(self.encode, event, at), *self.narrate(event, at)]


@attrs.define
class SummaryBook:
    """An observer that writes down what ``--summary`` tells when the run is over."""

    encode: Encoder
    _ends: list[Object] = attrs.field(factory=list, init=False)
    _diagnostics: list[Object] = attrs.field(factory=list, init=False)
    _head: Object = attrs.field(factory=dict, init=False)

    def notice(self, event: Event, at: float) -> None:
        if isinstance(event, TaskOutput):
            return
        for each in self.encode(event, at):
            members = {name: value for name, value in each.items() if name not in _ENVELOPE}
            match each["type"]:
                case "task_end":
                    self._ends.append(members)
                case "diagnostic":
                    self._diagnostics.append(members)
                case "run_start":
                    self._head |= {**members, "started": each["ts"]}
                case "run_end":
                    self._head |= members
                case _:
                    pass

    async def wait_ready(self) -> None:
        """Nothing here is slow."""

    def document(self) -> bytes:
        """The whole run as one JSON document; its tasks in canonical order."""
        order = {task: place for place, task in enumerate(_texts(self._head.get("tasks")))}
        ends = sorted(self._ends, key=lambda end: order[str(end["task"])])
        whole = {"v": VERSION, **self._head, "tasks": ends, "diagnostics": self._diagnostics}
        return json.dumps(whole, indent=2).encode("ascii") + b"\n"


_ENVELOPE = frozenset({"v", "type", "ts", "seq"})


def lines_of(encode: Encoder, event: Event, at: float) -> list[Write]:
    """An event as lines for standard output, or what stands in for it."""
    data = b"".join(as_line(each) for each in encode(event, at))
    pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
    return [Write(Target.STDOUT, piece) for piece in pieces]


def as_line(value: Mapping[str, object]) -> bytes:
    """An object as one line of ASCII."""
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def counts(report: RunReport) -> dict[str, int]:
    """How many tasks ended in each way; ``cached`` are among the completed."""
    found = dict.fromkeys(("completed", "cached", "failed", "errored", "skipped", "cancelled"), 0)
    for _, outcome in report:
        found[type(outcome).__name__.lower()] += 1
        found["cached"] += isinstance(outcome, Completed) and outcome.source is Source.CACHE
    return found


def _violation(violation: Violation) -> Object:
    told: Object = {"severity": "error", "message": violation_text(violation)}
    match violation:
        case OutputOverlap(first, second, path):
            return {**told, "rule": "EXEC-020", "tasks": [str(first), str(second)], "path": path}
        case RuntimeCycle(nodes, _, _, path):
            return {**told, "rule": "EXEC-019", "tasks": [str(n) for n in nodes], "path": path}
        case _:
            assert_never(violation)


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _without_none(**members: object) -> Object:
    return {name: value for name, value in members.items() if value is not None}
