"""Everything that can hold a ready task back, as one: slots, tags, mutexes, equal keys.

Moves tasks between READY, LOOKING, PARKED and RUNNING on the board; what becomes of them, and
what follows, is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable

from haz_trio.plan.admission import Admission, Limits
from haz_trio.plan.board import Board, State
from haz_trio.plan.flights import Flights
from haz_trio.plan.locks import Locks
from haz_trio.plan.messages import Obstacle
from haz_trio.plan.selection import Selection


class Gates:
    """The gates of a run; tasks are numbers.

    Every task that is LOOKING, RUNNING or KEEPING holds a slot and its tags, and must give them
    back by one of ``park_or_run`` and ``end_step``.
    """

    def __init__(self, selection: Selection, limits: Limits, board: Board) -> None:
        """Raises ``ValueError`` for a cap below 1."""
        self._board = board
        self._admission = Admission((task.tags for task in selection.tasks), limits)
        self._locks = Locks((task.lock, task.shared) for task in selection.tasks)
        self._flights = Flights()

    @property
    def effort(self) -> int:
        """How many wake-ups and looks at groups there have been so far."""
        return self._admission.effort + self._locks.effort + self._flights.effort

    def offer(self, tasks: Iterable[int]) -> None:
        """Make tasks ready: each waits for a slot and its tags from now on."""
        for task in tasks:
            self._board.move(task, State.READY)
            self._admission.offer(task)

    def admit(self) -> int | None:
        """The next task that may be looked at, in canonical order; None when nobody may."""
        while (task := self._admission.admit()) is not None:
            if self._board.state(task) is State.READY:
                self._locks.line_up(task)
                self._board.move(task, State.LOOKING)
                return task
            self._admission.release(task)  # withdrawn
        return None

    def park_or_run(self, task: int, key: str) -> Obstacle | None:
        """After a miss: what the task waits for, or ``None`` when it runs now.

        A called task that finds its key in flight leaves the queue of its lock: its next look
        will most likely be a hit, and others need not wait for that.
        """
        obstacle = None
        if self._flights.join(task, key):
            obstacle = Obstacle.KEY
            self._park(task)
            self._locks.leave(task)
            self.offer(self._locks.call(task))
        elif self._locks.acquire(task):
            self._flights.begin(task, key)
            self._board.move(task, State.RUNNING)
            self.offer(self._locks.call(task))
        else:
            obstacle = Obstacle.MUTEX
            self._park(task)
        self.offer(self._flights.pass_on(task))
        return obstacle

    def keep(self, task: int) -> None:
        """The command is done and its result will be stored; the task still holds everything.

        Were its slot free already, a later task could be admitted before the dependents that the
        end of this one makes ready: then one slot would not mean canonical order (EXEC-003).
        """
        self._board.move(task, State.KEEPING)

    def finish_hit(self, task: int) -> None:
        """A look was a hit: also those who wait for the key that the task was to look for."""
        self.offer(self._flights.found(task))
        self.end_step(task)

    def end_step(self, task: int) -> None:
        """A step has ended for good: everything that the task holds is free.

        So are its places among those who were called for a lock or a key.
        """
        self._admission.release(task)
        self.withdraw(task)

    def withdraw(self, task: int) -> None:
        """The task settles, wherever it stands: its mutex and its places in queues are free.

        One that is ready leaves the queue of the slots when it comes to its turn.
        """
        self._locks.leave(task)
        self.offer(self._locks.call(task))
        self.offer(self._flights.end(task))

    def close(self) -> None:
        """Forget everybody who waits; those in flight still hold what they hold."""
        self._admission.clear()
        self._locks.clear()
        self._flights.clear()

    def _park(self, task: int) -> None:
        self._admission.release(task)
        self._board.move(task, State.PARKED)
