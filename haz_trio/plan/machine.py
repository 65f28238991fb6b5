"""The plan of a run: facts in, decisions and events out (execution.md 4, 6 and 8).

*Life of a task.*

    WAITING ──▶ READY ──Look──▶ LOOKING ──Hit──────────────────────────────▶ SETTLED
                  ▲                │ Missed                                     ▲
                  │                ├──Run──▶ RUNNING ──Ran: Keep──▶ KEEPING ────┤ Kept
                  └──── PARKED ◀───┘            └── Ran: Drop, Ended, Broke ────┘

WAITING: a hard predecessor has not completed yet, or a weak one has not settled (4.6).
READY: only a slot or a tag is missing; ``admission`` says who is next, in canonical order.
LOOKING: the engine derives the key and tries to restore; slot and tags are held, no mutex is.
PARKED: the look missed, but the mutex is taken (``locks``) or a task with the same key runs
(``flights``). Slot and tags are given back; a task that is called is READY again, and is looked
at again under a key derived anew (decisions.md 18).
RUNNING: the command runs; slot, tags and mutex are held.
All that stays with the task from try to try: a retry is not a new look.
KEEPING: the command has succeeded and its result is being stored; everything is held until then,
the mutex by MUTEX-006, slot and tags so that what the task releases comes before later tasks.

*What follows from an outcome.* A failure skips all hard descendants at once (EXEC-011), a
cancellation in flight cancels them; a weak successor only waits for its predecessor to settle.

*Closing.* A stop, an output overlap and a run-time cycle close the admission for good: whatever
is ready or parked then, or becomes ready later, is cancelled. With ``fail_fast`` the first
failure is a stop. A stop and a cycle also tell every task that is LOOKING or RUNNING to halt.
A step that has been told to halt may still say what it was about to say, except that no miss
and no retry starts a command any more.
When nothing is in flight, what remains is cancelled.

*Cancelling one task.* One that has not been admitted is cancelled where it stands, one that is
LOOKING or RUNNING is told to halt, and what is KEEPING or SETTLED stays; everybody else goes on.

*Messages.* ``start`` and ``feed`` return decisions and events in the order in which they are to
be carried out: first what the fact means for its own task, then violations, then the outcomes of
others, then halts, then looks; each group in canonical order.
A fact that the state of its task does not allow is a bug in the driver: it raises and changes
nothing.

*Cost.* A feed never walks the tasks (but for a stop and the first violation of each kind, once);
``PlanStatistics.effort`` counts what queues and searches have handled, and tests hold it to grow
linearly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from haz_trio.model.names import TaskId
from haz_trio.plan.admission import Limits
from haz_trio.plan.board import Board, State
from haz_trio.plan.gates import Gates
from haz_trio.plan.messages import (
    Broke,
    CancelRequested,
    Drop,
    Ended,
    Fact,
    Halt,
    Halted,
    Hit,
    Keep,
    Kept,
    Look,
    Messages,
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
    ViolationFound,
)
from haz_trio.plan.outcome import (
    ByCaller,
    CancelCause,
    Cancelled,
    Completed,
    Errored,
    ExitStatus,
    Failed,
    InFlight,
    InRuntimeCycle,
    Outcome,
    OutputOverlap,
    Record,
    RunCancelled,
    RunReport,
    RuntimeCycle,
    Skipped,
    Source,
    UpstreamCancelled,
    UpstreamErrored,
    UpstreamFailed,
    Violation,
)
from haz_trio.plan.selection import PlannedTask, Selection
from haz_trio.plan.statistics import PlanStatistics, UnexpectedFactError
from haz_trio.plan.violations import Consumers, Revelations, nobody

__all__ = ["Limits", "Plan", "PlanStatistics", "PlannedTask", "UnexpectedFactError"]


class Plan:
    """One run; see the module's docstring for its theory."""

    def __init__(
        self,
        tasks: Iterable[PlannedTask],
        limits: Limits,
        *,
        consumers: Consumers = nobody,
        edges: Iterable[tuple[TaskId, TaskId]] = (),
        fail_fast: bool = False,
        retries: int = 0,
    ) -> None:
        """``consumers`` names the tasks that read a workspace-absolute path.

        They may lie outside the run. ``edges`` are the static producer edges, producer first.
        Raises ``ValueError`` for an id planned twice, a predecessor outside the run, a cycle of
        edges, and a cap below 1.
        """
        selection = Selection.of(tasks, edges)
        self.tasks: tuple[PlannedTask, ...] = selection.tasks
        self.limits: Limits = limits
        self._numbers = selection.numbers
        self._ids = selection.ids
        self._revelations = Revelations(selection, consumers)
        self._board = Board(selection)
        self._gates = Gates(selection, limits, self._board)
        self._seen = bytearray(len(self._ids))  # 1: TaskStarted has been said
        self._told: dict[int, CancelCause] = {}  # those who have been told to halt, and why
        self._kept: dict[int, Record] = {}
        self._fail_fast, self._tries = fail_fast, retries + 1
        self._failed: dict[int, int] = {}  # tries that have failed and were not the last
        self._circling: frozenset[int] = frozenset()
        self._violations: list[Violation] = []
        self._started = self._closed = self._stopped = False
        self._report: RunReport | None = None

    @property
    def finished(self) -> bool:
        """Whether ``RunFinished`` has been said."""
        return self._report is not None

    def report(self) -> RunReport:
        """How the run ended; raises ``RuntimeError`` before it has."""
        if self._report is None:
            raise RuntimeError("the run has not finished yet, so there is no report")
        return self._report

    def statistics(self) -> PlanStatistics:
        effort = self._board.effort + self._gates.effort + self._revelations.effort
        return PlanStatistics(*[*self._board.counts, effort])

    def start(self, *, stopped: bool = False) -> Messages:
        """The first decisions, none if ``stopped`` before; once, or ``RuntimeError`` is raised."""
        if self._started:
            raise RuntimeError("the plan has been started already")
        self._started = True
        out: Messages = [RunStarted(self._ids)]
        if stopped:
            self._stop(out)
        self._go_on(out)
        return out

    def feed(self, fact: Fact) -> Messages:
        """What follows from a fact; raises ``UnexpectedFactError`` if it cannot be true now."""
        if not self._started:
            raise UnexpectedFactError(f"{fact} before the plan was started")
        out: Messages = []
        match fact:
            case Hit(id, record):
                self._hit(self._expect(fact, id, State.LOOKING), record, out)
            case Missed(id, key):
                self._missed(self._expect(fact, id, State.LOOKING), key, out)
            case Ran(id, record, written):
                self._ran(self._expect(fact, id, State.RUNNING), record, written, out)
            case Kept(id):
                self._stored(self._expect(fact, id, State.KEEPING), out)
            case Ended(id, status):
                self._ended(self._expect(fact, id, State.RUNNING), status, out)
            case Broke(id, reason):
                self._broke(self._expect(fact, id, State.LOOKING, State.RUNNING), reason, out)
            case Halted(id):
                self._halted(self._expect(fact, id, State.LOOKING, State.RUNNING), out)
            case CancelRequested(id):
                self._cancel(self._expect(fact, id, *State), out)
            case StopRequested():
                self._stop(out)
            case _:
                assert_never(fact)
        self._go_on(out)
        return out

    def _expect(self, fact: Fact, id: TaskId, *states: State) -> int:
        """The number of the fact's task, if the fact can be true of it now."""
        task = self._numbers.get(id)
        if task is None:
            raise UnexpectedFactError(f"{fact}, but {id} is not part of this run")
        state = self._board.state(task)
        if state not in states:
            raise UnexpectedFactError(f"{fact} while {id} is {state.name}")
        if isinstance(fact, Halted) and task not in self._told:
            raise UnexpectedFactError(f"{fact}, but {id} has not been told to halt")
        return task

    # -- the transitions: one for each fact ----------------------------------------------------

    def _hit(self, task: int, record: Record, out: Messages) -> None:
        self._gates.finish_hit(task)
        self._settle(task, Completed(Source.CACHE, record), out)
        outputs = record.outputs
        self._answer(self._revelations.of(task, claimed=outputs, outputs=outputs), out)

    def _missed(self, task: int, key: str, out: Messages) -> None:
        if task in self._told:
            self._halted(task, out)
        elif self._closed:
            self._gates.end_step(task)
            self._settle(task, Cancelled(RunCancelled()), out)
        else:
            id, obstacle = self._ids[task], self._gates.park_or_run(task, key)
            out.append(Run(id) if obstacle is None else TaskWaits(id, obstacle))

    def _ran(self, task: int, record: Record, written: Iterable[str], out: Messages) -> None:
        outputs = record.outputs
        violations = self._revelations.of(task, claimed=written, outputs=outputs)
        if any(isinstance(violation, OutputOverlap) for violation in violations):
            self._gates.end_step(task)
            out.append(Drop(self._ids[task]))
            self._settle(task, Completed(Source.FRESH, record), out)
        else:
            self._gates.keep(task)
            self._kept[task] = record
            out.append(Keep(self._ids[task], self._revelations.foreign(task, outputs)))
        self._answer(violations, out)

    def _stored(self, task: int, out: Messages) -> None:
        self._gates.end_step(task)
        self._settle(task, Completed(Source.FRESH, self._kept.pop(task)), out)

    def _ended(self, task: int, status: ExitStatus, out: Messages) -> None:
        id, number = self._ids[task], self._failed.get(task, 0) + 1
        if number < self._tries and not self._closed and task not in self._told:
            self._failed[task] = number
            out += (TryFailed(id, status, number, self._tries), Run(id))
        else:
            self._fail(task, Failed(status), Skipped(UpstreamFailed(id)), out)

    def _broke(self, task: int, reason: str, out: Messages) -> None:
        self._fail(task, Errored(reason), Skipped(UpstreamErrored(self._ids[task])), out)

    def _halted(self, task: int, out: Messages) -> None:
        self._gates.end_step(task)
        self._withdraw(task, self._told[task], out)

    def _cancel(self, task: int, out: Messages) -> None:
        state = self._board.state(task)
        if state in (State.WAITING, State.READY, State.PARKED):
            self._gates.withdraw(task)
            self._withdraw(task, ByCaller(), out)
        elif state in (State.LOOKING, State.RUNNING):
            self._halt((task,), ByCaller(), out)

    def _stop(self, out: Messages) -> None:
        self._stopped = True
        self._close(frozenset(), out)
        self._halt(self._board.standing(State.LOOKING, State.RUNNING), InFlight(), out)

    # -- what the transitions are made of ------------------------------------------------------

    def _fail(self, task: int, outcome: Outcome, others: Outcome, out: Messages) -> None:
        self._gates.end_step(task)
        self._settle(task, outcome, out)
        self._cascade(task, others, out)
        if self._fail_fast and not self._stopped:
            self._stop(out)

    def _withdraw(self, task: int, cause: CancelCause, out: Messages) -> None:
        self._settle(task, Cancelled(cause), out)
        self._cascade(task, Cancelled(UpstreamCancelled(self._ids[task])), out)

    def _settle(self, task: int, outcome: Outcome, out: Messages) -> None:
        self._board.settle(task, outcome)
        out.append(TaskSettled(self._ids[task], outcome))

    def _cascade(self, root: int, outcome: Outcome, out: Messages) -> None:
        for task in self._board.unsettled_descendants(root):
            self._settle(task, outcome, out)

    def _answer(self, violations: list[Violation], out: Messages) -> None:
        """Tell of violations, and end the run as the last of them asks for."""
        self._violations += violations
        out += map(ViolationFound, violations)
        last = violations[-1] if violations else None
        if isinstance(last, RuntimeCycle):
            self._close(frozenset(self._numbers[id] for id in last.nodes), out)
            self._halt(self._board.standing(State.LOOKING, State.RUNNING), InFlight(), out)
        elif last is not None:
            self._close(frozenset(), out)

    def _close(self, circle: frozenset[int], out: Messages) -> None:
        """Admit nobody any more, and settle everybody who is ready or parked."""
        if not self._closed:
            self._closed = True
            self._gates.close()
            self._circling = circle.intersection(self._board.recall())
        self._promote(out)

    def _halt(self, tasks: Iterable[int], cause: CancelCause, out: Messages) -> None:
        for task in tasks:
            if task not in self._told:
                self._told[task] = cause
                out.append(Halt(self._ids[task]))

    def _promote(self, out: Messages) -> None:
        """Make the tasks ready that have been released, or cancel them when it is too late."""
        while (task := self._board.next_released()) is not None:
            if not self._closed:
                out.append(TaskReady(self._ids[task]))
                self._gates.offer((task,))
            elif task in self._circling:
                self._settle(task, Skipped(InRuntimeCycle()), out)
            else:
                self._settle(task, Cancelled(RunCancelled()), out)

    def _go_on(self, out: Messages) -> None:
        """What follows from every fact: new tasks are admitted, or the run comes to its end."""
        self._promote(out)
        while (task := self._gates.admit()) is not None:
            id = self._ids[task]
            out.append(TaskResumed(id) if self._seen[task] else TaskStarted(id))
            self._seen[task] = 1
            out.append(Look(id, self._board.upstream(task)))
        if self._closed and not self._board.in_flight:
            for task in self._board.standing(State.WAITING):
                self._settle(task, Cancelled(RunCancelled()), out)
        if self._board.all_settled and self._report is None:
            violations = tuple(self._violations)
            self._report = RunReport(self._board.outcomes(), violations, stopped=self._stopped)
            out.append(RunFinished(self._report))
