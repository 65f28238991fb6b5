"""A driver that knows the rules: it feeds a plan, follows what it says, and objects.

It keeps its own books (who looks, runs, holds, waits, has written what) in plain sets and walks
them as often as it likes, so that it shares no idea with the plan but the rules themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.messages import (
    Broke,
    CancelRequested,
    Decision,
    Drop,
    Ended,
    Event,
    Fact,
    Halt,
    Halted,
    Hit,
    Keep,
    Kept,
    Look,
    Missed,
    Ran,
    Run,
    RunFinished,
    RunStarted,
    StopRequested,
    TaskReady,
    TaskResumed,
    TaskSettled,
    TaskStarted,
    TaskWaits,
    TryFailed,
    Upstream,
    ViolationFound,
)
from haz_trio.plan.outcome import (
    ByCaller,
    Cancelled,
    Completed,
    Outcome,
    OutputOverlap,
    Record,
    RunReport,
    RuntimeCycle,
    Violation,
)


def tid(name: str) -> TaskId:
    """``b`` is ``p:b``; ``q:b`` is itself."""
    project, _, task = name.rpartition(":")
    return TaskId(project or "p", task)


def planned(
    name: str,
    *,
    hard: Iterable[str] = (),
    weak: Iterable[str] = (),
    tags: Iterable[str] = (),
    lock: str | None = None,
    shared: bool = False,
) -> PlannedTask:
    return PlannedTask(
        id=tid(name),
        hard=tuple(map(tid, hard)),
        weak=tuple(map(tid, weak)),
        tags=frozenset(tags),
        lock=lock,
        shared=shared,
    )


def record(*outputs: str, key: str = "k") -> Record:
    return Record(key, b"o", b"e", outputs)


class Driver:
    """A plan under supervision; every message is checked against the books when it comes."""

    def __init__(
        self,
        tasks: Iterable[PlannedTask],
        slots: int = 100,
        caps: Mapping[str, int] | None = None,
        *,
        readers: Mapping[str, Iterable[TaskId]] | None = None,
        edges: Iterable[tuple[TaskId, TaskId]] = (),
        fail_fast: bool = False,
        retries: int = 0,
    ) -> None:
        self.fail_fast, self.retries = fail_fast, retries
        self.failed: dict[TaskId, int] = {}  # tries that were not the last
        self.told_ready: set[TaskId] = set()
        self.tasks = {task.id: task for task in sorted(tasks, key=lambda t: t.id)}
        self.limits = Limits(slots, caps or {})
        self.readers = readers or {}
        self.plan = Plan(
            self.tasks.values(),
            self.limits,
            consumers=Readers(self.readers),
            edges=edges,
            fail_fast=fail_fast,
            retries=retries,
        )
        self.looking: set[TaskId] = set()
        self.running: dict[TaskId, str] = {}  # with their keys
        self.keeping: dict[TaskId, str] = {}
        self.halted: set[TaskId] = set()
        self.unwanted: set[TaskId] = set()  # whose cancellation was asked for before they settled
        self.seen: list[TaskId] = []
        self.outcomes: dict[TaskId, Outcome] = {}
        self.violations: list[Violation] = []
        self.lines: dict[str, list[TaskId]] = {}  # who may want a lock, in order of admission
        self.waiters: dict[TaskId, str] = {}  # who waits for a key, or was called from there
        self.claims: dict[str, TaskId] = {}
        self.graph = {(a, b) for a, b in edges if a != b and {a, b} <= self.tasks.keys()}
        for task in self.tasks.values():
            self.graph |= {(before, task.id) for before in (*task.hard, *task.weak)}
        self.expected: list[Violation] = []
        self.stopped = self.closed = self.halting = False
        self.finished: RunReport | None = None
        self.history: list[Decision | Event] = []

    # -- what a test does ----------------------------------------------------------------------

    def start(self) -> list[Decision | Event]:
        messages = self._heard(self.plan.start())
        assert messages[0] == RunStarted(tuple(self.tasks))
        self._take(messages[1:])
        self._check()
        return messages

    def feed(self, fact: Fact) -> list[Decision | Event]:
        messages = self._heard(self.plan.feed(fact))
        self._note(fact, messages)
        self._take(messages)
        self._check()
        return [m for m in messages if not isinstance(m, TaskWaits | TaskResumed)]

    def hit(self, name: str, *outputs: str) -> list[Decision | Event]:
        return self.feed(Hit(tid(name), record(*outputs)))

    def miss(self, name: str, key: str = "") -> list[Decision | Event]:
        return self.feed(Missed(tid(name), key or name))

    def ran(self, name: str, *written: str, old: Iterable[str] = ()) -> list[Decision | Event]:
        return self.feed(Ran(tid(name), record(*sorted({*written, *old})), written))

    def kept(self, name: str) -> list[Decision | Event]:
        return self.feed(Kept(tid(name)))

    def run_through(self, name: str, *written: str) -> None:
        """Miss, run and keep a task, each at once."""
        self.miss(name)
        self.ran(name, *written)
        self.kept(name)

    def cancel(self, name: str) -> list[Decision | Event]:
        return self.feed(CancelRequested(tid(name)))

    def looks(self) -> list[str]:
        return [id.task for id in sorted(self.looking)]

    def runs(self) -> list[str]:
        return [id.task for id in sorted(self.running)]

    def _heard(self, messages: list[Decision | Event]) -> list[Decision | Event]:
        """Without the remarks on who is ready, which are held against the books here."""
        for message in messages:
            if isinstance(message, TaskReady):
                assert not self.closed
                assert message.task not in self.told_ready, "ready once"
                self.told_ready.add(message.task)
        return [m for m in messages if not isinstance(m, TaskReady)]

    # -- the books -----------------------------------------------------------------------------

    def _note(self, fact: Fact, messages: list[Decision | Event]) -> None:
        match fact:
            case StopRequested():
                self.stopped = self.closed = self.halting = True
                return
            case CancelRequested(id):
                self._note_cancel(id, messages)
            case Hit(id, result):
                self.looking.remove(id)
                self._leave_lines(id)
                self._expect_violations(id, result.outputs, result.outputs)
            case Missed(id, key):
                self.looking.remove(id)
                self._note_miss(id, key, started=Run(id) in messages)
            case Ran(id, result, written):
                key = self.running.pop(id)
                overlaps = self._expect_violations(id, written, result.outputs)
                if overlaps:
                    assert Drop(id) in messages, "an overlap is not stored"
                else:
                    foreign = {p for p in result.outputs if self.claims.get(p, id) != id}
                    assert Keep(id, frozenset(foreign)) in messages
                    self.keeping[id] = key
            case Kept(id):
                del self.keeping[id]
            case Ended(id) if self._is_tried_again(id):
                assert Run(id) in messages, "tries are left"
                self.failed[id] = self.failed.get(id, 0) + 1
                assert any(isinstance(m, TryFailed) and m.task == id for m in messages)
            case Ended(id) | Broke(id) | Halted(id):
                assert Run(id) not in messages, "no try is left"
                if self.fail_fast and not isinstance(fact, Halted):
                    self.stopped = self.closed = self.halting = True
                self.looking.discard(id)
                self.running.pop(id, None)
                self._leave_lines(id)
        assert len([m for m in messages if isinstance(m, RunStarted)]) == 0

    def _note_cancel(self, id: TaskId, messages: list[Decision | Event]) -> None:
        if id in self.outcomes or id in self.keeping or id in self.halted:
            assert messages == [], "it is too late, or has been asked for already"
            return
        self.unwanted.add(id)
        if id in self.steps:
            assert messages == [Halt(id)], "the others go on"
        else:
            assert messages[0] == TaskSettled(id, Cancelled(ByCaller())), "it stands still"
            self._leave_lines(id)

    def _note_miss(self, id: TaskId, key: str, *, started: bool) -> None:
        task = self.tasks[id]
        line = self.lines.setdefault(task.lock, []) if task.lock else []
        self.waiters.pop(id, None)
        if self.closed or id in self.halted:
            assert not started, (
                "nothing starts after the admission has closed, or was told to halt"
            )
            self._leave_lines(id)
        elif key in {*self.running.values(), *self.keeping.values()}:
            assert not started, "no two tasks with one key run"
            self._leave_lines(id)
            self.waiters[id] = key
        elif started:
            ahead = line[: line.index(id)] if task.lock else []
            assert task.shared or not ahead, f"{id} overtook {ahead}"
            assert all(self.tasks[other].shared for other in ahead), f"{id} overtook {ahead}"
            self._leave_lines(id)
            self.running[id] = key
        else:
            ahead = line[: line.index(id)]
            assert ahead or self.blockers(task), f"{id} parked for nothing"

    def _is_tried_again(self, id: TaskId) -> bool:
        return self.failed.get(id, 0) < self.retries and not self.closed and id not in self.halted

    def _leave_lines(self, id: TaskId) -> None:
        self.waiters.pop(id, None)
        for line in self.lines.values():
            if id in line:
                line.remove(id)

    def _expect_violations(
        self, id: TaskId, claimed: Iterable[str], outputs: Iterable[str]
    ) -> list[OutputOverlap]:
        overlaps = [
            OutputOverlap(self.claims[path], id, path)
            for path in dict.fromkeys(claimed)
            if self.claims.setdefault(path, id) != id
        ]
        self.expected += overlaps
        self.closed = self.closed or bool(overlaps)
        if any(isinstance(violation, RuntimeCycle) for violation in self.expected):
            return overlaps
        for path in outputs:
            for reader in sorted(set(self.readers.get(path, ())) & self.tasks.keys() - {id}):
                if self._reaches(reader, id):
                    self.closed = self.halting = True
                    self.expected.append(RuntimeCycle((), id, reader, path))
                    return overlaps
                self.graph.add((id, reader))
        return overlaps

    def _reaches(self, start: TaskId, end: TaskId) -> bool:
        reached, more = {start}, True
        while more:
            new = {b for a, b in self.graph if a in reached} - reached
            reached |= new
            more = bool(new)
        return end in reached

    def _take(self, messages: Iterable[Decision | Event]) -> None:
        for message in messages:
            assert self.finished is None, "RunFinished comes last"
            self.history.append(message)
            match message:
                case TaskStarted(id):
                    assert id not in self.seen, "started once"
                    assert id not in self.outcomes
                    assert id in self.told_ready
                    self.seen.append(id)
                case TaskResumed(id):
                    assert id in self.seen, "started before"
                    assert id not in self.looking
                    assert id not in self.running
                case Look(id, upstream):
                    self._take_look(id, upstream)
                case Run(id):
                    assert id in self.running
                case TaskWaits(id):
                    assert id not in self.running
                    assert id not in self.looking
                case TryFailed(id, number=number, tries=tries):
                    assert id in self.running
                    assert (number, tries) == (self.failed[id], self.retries + 1)
                case Keep(id) | Drop(id):
                    assert id in self.tasks
                case Halt(id):
                    assert self.halting or id in self.unwanted
                    assert id in self.looking or id in self.running, "halt only what is in flight"
                    assert id not in self.halted, "halt once"
                    self.halted.add(id)
                case TaskSettled(id, outcome):
                    assert id not in self.outcomes, "settled once"
                    assert id not in self.looking
                    assert id not in self.running
                    assert id not in self.keeping
                    self.outcomes[id] = outcome
                case ViolationFound(violation):
                    self.violations.append(violation)
                case RunFinished(report):
                    self.finished = report
                case _:
                    raise AssertionError(f"{message} is not the plan's to say")

    def _take_look(self, id: TaskId, upstream: tuple[Upstream, ...]) -> None:
        task = self.tasks[id]
        assert not self.closed, "nothing is admitted after the admission has closed"
        assert id in self.seen
        assert id not in self.outcomes
        assert id not in self.looking
        assert id not in self.running
        assert id not in self.keeping
        assert [each.task for each in upstream] == sorted(set(task.hard))
        for each in upstream:
            outcome = self.outcomes[each.task]
            assert isinstance(outcome, Completed), "hard predecessors have completed"
            assert (each.stdout, each.stderr) == (outcome.record.stdout, outcome.record.stderr)
        assert self.outcomes.keys() >= set(task.weak), "weak predecessors have settled"
        self.looking.add(id)
        if task.lock is not None:
            line = self.lines.setdefault(task.lock, [])
            if id not in line:
                line.append(id)

    # -- what must be true at all times --------------------------------------------------------

    @property
    def steps(self) -> set[TaskId]:
        """Those with a step that a halt can reach."""
        return self.looking | self.running.keys()

    @property
    def flying(self) -> set[TaskId]:
        """Those that hold a slot and their tags."""
        return self.looking | self.running.keys() | self.keeping.keys()

    def load(self, tag: str) -> int:
        return sum(tag in self.tasks[id].tags for id in self.flying)

    def holders(self, lock: str | None) -> list[PlannedTask]:
        holding = (self.tasks[id] for id in (*self.running, *self.keeping))
        return [task for task in holding if lock is not None and task.lock == lock]

    def blockers(self, task: PlannedTask) -> list[PlannedTask]:
        return [other for other in self.holders(task.lock) if not (task.shared and other.shared)]

    def untouched(self) -> list[PlannedTask]:
        """Tasks whose predecessors are satisfied and that nobody has looked at yet."""
        return [
            task
            for id, task in self.tasks.items()
            if id not in self.seen
            and id not in self.outcomes
            and self.outcomes.keys() >= {*task.hard, *task.weak}
            and all(isinstance(self.outcomes[before], Completed) for before in task.hard)
        ]

    def fits(self, task: PlannedTask) -> bool:
        return len(self.flying) < self.limits.slots and all(
            self.load(tag) < self.limits.tags.get(tag, 10**9) for tag in task.tags
        )

    def due(self) -> int:
        """How many of the parked must have been called at least, so that nothing sleeps on."""
        heads = [
            self.tasks[line[0]]
            for line in self.lines.values()
            if line and line[0] not in self.looking
        ]
        orphans = set(self.waiters.values()) - {*self.running.values(), *self.keeping.values()}
        return sum(not self.blockers(head) for head in heads) + len(orphans)

    def _check(self) -> None:
        now = self.plan.statistics()
        in_flight = (len(self.looking), len(self.running), len(self.keeping))
        assert (now.looking, now.running, now.keeping) == in_flight
        assert now.settled == len(self.outcomes)
        assert now.waiting + now.ready + now.parked + sum(in_flight) + now.settled == len(
            self.tasks
        )
        assert self.plan.finished == (self.finished is not None)
        assert self.plan.finished or any(in_flight), "never stuck"
        if not self.closed:
            assert not any(map(self.fits, self.untouched())), "what fits is admitted"
            waiting = {id for line in self.lines.values() for id in line} - self.looking
            parked = len(waiting) + len(self.waiters)
            assert now.parked + self.due() <= parked, "no wake-up is lost"
        if self.finished is not None:
            assert self.plan.report() is self.finished
            assert list(self.finished.outcomes) == sorted(self.tasks)
            assert self.finished.outcomes == self.outcomes
            assert self.finished.stopped == self.stopped
            assert self.finished.violations == tuple(self.violations)
        self._check_violations()

    def _check_violations(self) -> None:
        assert len(self.violations) == len(self.expected)
        for found, expected in zip(self.violations, self.expected, strict=True):
            if isinstance(found, RuntimeCycle) and isinstance(expected, RuntimeCycle):
                nodes = found.nodes
                assert (nodes[0], nodes[1], nodes[-1]) == (
                    found.producer,
                    found.consumer,
                    found.producer,
                )
                assert len(set(nodes)) == len(nodes) - 1
                assert self.graph >= set(pairwise(nodes[1:]))
                assert found == RuntimeCycle(
                    nodes, expected.producer, expected.consumer, expected.path
                )
            else:
                assert found == expected


class Readers:
    """The tasks that read a path; a class, so that a plan with it can be copied and pickled."""

    def __init__(self, readers: Mapping[str, Iterable[TaskId]]) -> None:
        self.readers = readers

    def __call__(self, path: str) -> Iterable[TaskId]:
        return self.readers.get(path, ())
