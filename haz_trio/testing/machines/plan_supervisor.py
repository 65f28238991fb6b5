"""A supervisor that knows the rules: it feeds a plan, follows what it says, and objects.

What it holds messages against are its own books (``plan_books``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

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
    OutputOverlap,
)
from haz_trio.testing.machines.plan_books import Books
from haz_trio.testing.machines.plan_claims import Claims, Readers
from haz_trio.testing.machines.plan_port import MakePlan, SupervisedPlan
from haz_trio.testing.trial import DifferenceError, must


class Supervisor(Books):
    """A plan under supervision; every message is checked against the books when it comes.

    Raises ``DifferenceError`` as soon as the plan says something that breaks a rule.
    """

    def __init__(
        self,
        tasks: Iterable[PlannedTask],
        slots: int = 100,
        caps: Mapping[str, int] | None = None,
        *,
        readers: Mapping[str, Iterable[TaskId]] | None = None,
        edges: Collection[tuple[TaskId, TaskId]] = (),
        fail_fast: bool = False,
        retries: int = 0,
        make: MakePlan = Plan,
    ) -> None:
        super().__init__(tasks, Limits(slots, caps or {}))
        self.fail_fast: bool = fail_fast
        self.retries: int = retries
        self.readers: Mapping[str, Iterable[TaskId]] = readers or {}
        self.plan: SupervisedPlan = make(
            self.tasks.values(),
            self.limits,
            consumers=Readers(self.readers),
            edges=edges,
            fail_fast=fail_fast,
            retries=retries,
        )
        self.claims: Claims = Claims(self.tasks, self.readers, edges)
        self.sound: bool = False  # the last messages broke no rule
        self.stopped: bool = False
        self.closed: bool = False  # nothing new starts
        self.halting: bool = False  # what is in flight is told to halt
        self.history: list[Decision | Event] = []

    # -- what a test does ----------------------------------------------------------------------

    def start(self) -> list[Decision | Event]:
        self.sound = False
        messages = self._heard(self.plan.start())
        must(
            messages[:1] == [RunStarted(tuple(self.tasks))],
            "EXEC-001",
            "the run begins with all tasks",
        )
        self._take(messages[1:])
        self._check()
        self.sound = True
        return messages

    def feed(self, fact: Fact) -> list[Decision | Event]:
        self.sound = False
        messages = self._heard(self.plan.feed(fact))
        self._note(fact, messages)
        self._take(messages)
        self._check()
        self.sound = True
        return [m for m in messages if not isinstance(m, TaskWaits | TaskResumed)]

    def _heard(self, messages: list[Decision | Event]) -> list[Decision | Event]:
        """Without the remarks on who is ready, which are held against the books here."""
        for message in messages:
            if isinstance(message, TaskReady):
                must(not self.closed, "EXEC-012", "nobody is ready after the end of admission")
                must(message.task not in self.told_ready, "EXEC-002", "ready once")
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
                self._claim(id, result.outputs, result.outputs)
            case Missed(id, key):
                self.looking.remove(id)
                self._note_miss(id, key, started=Run(id) in messages)
            case Ran(id, result, written):
                key = self.running.pop(id)
                overlaps = self._claim(id, written, result.outputs)
                if overlaps:
                    must(Drop(id) in messages, "EXEC-020", "an overlap is not stored")
                else:
                    foreign = {p for p in result.outputs if self.claims.owners.get(p, id) != id}
                    must(
                        Keep(id, frozenset(foreign)) in messages,
                        "CACHE-017",
                        "a success is stored",
                    )
                    self.keeping[id] = key
            case Kept(id):
                del self.keeping[id]
            case Ended(id) if self._is_tried_again(id):
                must(Run(id) in messages, "EXEC-009", "tries are left")
                self.failed[id] = self.failed.get(id, 0) + 1
                said = any(isinstance(m, TryFailed) and m.task == id for m in messages)
                must(said, "EXEC-009", "a failed try is told")
            case Ended(id) | Broke(id) | Halted(id):
                must(Run(id) not in messages, "EXEC-009", "no try is left")
                if self.fail_fast and not isinstance(fact, Halted):
                    self.stopped = self.closed = self.halting = True
                self.looking.discard(id)
                self.running.pop(id, None)
                self._leave_lines(id)
        begins = any(isinstance(m, RunStarted) for m in messages)
        must(not begins, "EXEC-001", "the run begins once")

    def _note_cancel(self, id: TaskId, messages: list[Decision | Event]) -> None:
        if id in self.outcomes or id in self.keeping or id in self.halted:
            must(messages == [], "EXEC-013", "it is too late, or has been asked for already")
            return
        self.unwanted.add(id)
        if id in self.steps:
            must(messages == [Halt(id)], "EXEC-013", "the others go on")
        else:
            gone = TaskSettled(id, Cancelled(ByCaller()))
            must(messages[:1] == [gone], "EXEC-013", "who stands still is cancelled at once")
            self._leave_lines(id)

    def _note_miss(self, id: TaskId, key: str, *, started: bool) -> None:
        task = self.tasks[id]
        line = self.lines.setdefault(task.lock, []) if task.lock else []
        self.waiters.pop(id, None)
        if self.closed or id in self.halted:
            must(not started, "EXEC-012", "nothing starts after the end of admission or a halt")
            self._leave_lines(id)
        elif key in {*self.running.values(), *self.keeping.values()}:
            must(not started, "EXEC-007", "no two tasks with one key run")
            self._leave_lines(id)
            self.waiters[id] = key
        elif started:
            ahead = line[: line.index(id)] if task.lock else []
            alike = task.shared and all(self.tasks[other].shared for other in ahead)
            must(alike or not ahead, "MUTEX-003 MUTEX-004", f"{id} overtook {ahead}")
            self._leave_lines(id)
            self.running[id] = key
        else:
            ahead = line[: line.index(id)]
            must(bool(ahead or self.blockers(task)), "MUTEX-005", f"{id} waits for somebody")

    def _is_tried_again(self, id: TaskId) -> bool:
        return self.failed.get(id, 0) < self.retries and not self.closed and id not in self.halted

    def _claim(
        self, id: TaskId, claimed: Iterable[str], outputs: Iterable[str]
    ) -> list[OutputOverlap]:
        overlaps = self.claims.note(id, claimed, outputs)
        self.closed = self.closed or self.claims.circular or bool(overlaps)
        self.halting = self.halting or self.claims.circular
        return overlaps

    def _leave_lines(self, id: TaskId) -> None:
        self.waiters.pop(id, None)
        for line in self.lines.values():
            if id in line:
                line.remove(id)

    def _take(self, messages: Iterable[Decision | Event]) -> None:
        for message in messages:
            must(self.finished is None, "EXEC-021", "the end comes last")
            self.history.append(message)
            match message:
                case TaskStarted(id):
                    fresh = id not in self.seen and id not in self.outcomes
                    must(fresh and id in self.told_ready, "EXEC-001", "a ready task starts once")
                    self.seen.append(id)
                case TaskResumed(id):
                    still = id in self.seen and id not in self.steps
                    must(still, "MUTEX-005", "who stood still goes on")
                case Look(id, upstream):
                    self._take_look(id, upstream)
                case Run(id):
                    must(id in self.running, "EXEC-007", "a command runs after a miss")
                case TaskWaits(id):
                    must(id not in self.steps, "MUTEX-005", "who waits does nothing")
                case TryFailed(id, number=number, tries=tries):
                    counted = (self.failed.get(id), self.retries + 1)
                    right = id in self.running and (number, tries) == counted
                    must(right, "EXEC-009", "tries are counted")
                case Keep(id) | Drop(id):
                    must(id in self.tasks, "CACHE-017", "a result is a task's")
                case Halt(id):
                    asked = self.halting or id in self.unwanted
                    must(asked and id in self.steps, "EXEC-013", "only what is in flight halts")
                    must(id not in self.halted, "EXEC-013", "halt once")
                    self.halted.add(id)
                case TaskSettled(id, outcome):
                    ended = id in self.tasks and id not in self.flying
                    must(ended and id not in self.outcomes, "EXEC-011", "settled once")
                    self.outcomes[id] = outcome
                case ViolationFound(violation):
                    self.violations.append(violation)
                case RunFinished(report):
                    self.end(report)
                case _:
                    raise DifferenceError("EXEC-001", "what a plan may say", message, "a message")

    def _take_look(self, id: TaskId, upstream: tuple[Upstream, ...]) -> None:
        task = self.tasks[id]
        must(not self.closed, "EXEC-012", "nothing is looked at after the end of admission")
        first = id in self.seen and id not in self.outcomes and id not in self.flying
        must(first, "EXEC-007", "who has started is looked at")
        told = [each.task for each in upstream] == sorted(set(task.hard))
        must(told, "CACHE-007", "a look is told of all hard predecessors")
        for each in upstream:
            outcome = self.outcomes.get(each.task)
            if not isinstance(outcome, Completed):
                raise DifferenceError("EXEC-002", f"{each.task} before {id}", outcome, "completed")
            streams = (outcome.record.stdout, outcome.record.stderr)
            printed = (each.stdout, each.stderr) == streams
            must(printed, "CACHE-007", "a look is told what predecessors have printed")
        settled = self.outcomes.keys() >= set(task.weak)
        must(settled, "DAG-009", "weak predecessors have settled")
        self.looking.add(id)
        if task.lock is not None:
            line = self.lines.setdefault(task.lock, [])
            if id not in line:
                line.append(id)

    def _check(self) -> None:
        now = self.plan.statistics()
        in_flight = (len(self.looking), len(self.running), len(self.keeping))
        counted = (now.looking, now.running, now.keeping, now.settled)
        must(counted == (*in_flight, len(self.outcomes)), "EXEC-017", "tasks are counted")
        every = now.waiting + now.ready + now.parked + sum(in_flight) + now.settled
        must(every == len(self.tasks), "EXEC-017", "no task is lost")
        must(self.plan.finished == (self.finished is not None), "EXEC-021", "the end is told")
        must(self.plan.finished or any(in_flight), "EXEC-001", "something is under way")
        if not self.closed:
            fitting = any(map(self.fits, self.untouched()))
            must(not fitting, "EXEC-004 EXEC-005", "what fits is admitted")
            waiting = {id for line in self.lines.values() for id in line} - self.looking
            parked = len(waiting) + len(self.waiters)
            must(now.parked + self.due() <= parked, "MUTEX-005", "no wake-up is lost")
        if self.finished is not None:
            report = self.finished
            must(self.plan.report() == report, "EXEC-021", "the report is the one that was told")
            ordered = list(report.outcomes) == sorted(self.tasks)
            must(ordered, "EXEC-017", "a report has all tasks in their order")
            must(report.outcomes == self.outcomes, "EXEC-009", "a report has what was told")
            must(report.stopped == self.stopped, "EXEC-012", "a report knows of a stop")
            found = report.violations == tuple(self.violations)
            must(found, "EXEC-019 EXEC-020", "a report has the violations")
        self.claims.check(self.violations)
