"""Where every task of a run stands, what it waits for, and what became of it.

Knows nothing of slots, locks, keys and stops: it only counts, and says who has become ready.
"""

from __future__ import annotations

import enum
from heapq import heappop, heappush

from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Upstream
from haz_trio.plan.outcome import Completed, Outcome
from haz_trio.plan.selection import Selection


class State(enum.IntEnum):
    """The states of a task; the theory is told in ``haz_trio.plan.machine``."""

    WAITING = 0
    READY = 1
    PARKED = 2
    LOOKING = 3
    RUNNING = 4
    KEEPING = 5
    SETTLED = 6


class Board:
    """The states of all tasks; tasks are numbers in canonical order.

    ``counts`` has the number of tasks in each state.
    ``effort`` counts the edges followed so far to release and to cascade.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._size = len(selection.ids)
        self._states = [State.WAITING] * self._size
        self._unmet = [
            len(hard) + len(weak)
            for hard, weak in zip(selection.hard.before, selection.weak.before, strict=True)
        ]
        self._released = [task for task in range(self._size) if not self._unmet[task]]
        self._outcomes: list[Outcome | None] = [None] * self._size
        self.counts: list[int] = [0] * len(State)
        self.counts[State.WAITING] = self._size
        self.effort: int = 0

    @property
    def in_flight(self) -> int:
        """How many tasks are looked at, run or are being stored."""
        return sum(self.counts[s] for s in (State.LOOKING, State.RUNNING, State.KEEPING))

    @property
    def all_settled(self) -> bool:
        return self.counts[State.SETTLED] == self._size

    def state(self, task: int) -> State:
        return self._states[task]

    def move(self, task: int, state: State) -> None:
        self.counts[self._states[task]] -= 1
        self.counts[state] += 1
        self._states[task] = state

    def standing(self, *states: State) -> list[int]:
        """All tasks in one of these states; walks all tasks, so not for every fact."""
        return [task for task, state in enumerate(self._states) if state in states]

    def settle(self, task: int, outcome: Outcome) -> None:
        """End a task and release the successors that waited for nothing else.

        Weak successors are satisfied by any outcome, hard ones by a completion alone.
        """
        self.move(task, State.SETTLED)
        self._outcomes[task] = outcome
        self._satisfy(self._selection.weak.after[task])
        if isinstance(outcome, Completed):
            self._satisfy(self._selection.hard.after[task])

    def next_released(self) -> int | None:
        """The first waiting task whose predecessors have all been satisfied; each only once."""
        while self._released:
            task = heappop(self._released)
            if self._states[task] is State.WAITING:
                return task
        return None

    def recall(self) -> list[int]:
        """Make everybody who is ready or parked wait again, released; who that is."""
        idle = self.standing(State.READY, State.PARKED)
        for task in idle:
            self.move(task, State.WAITING)
            heappush(self._released, task)
        return idle

    def unsettled_descendants(self, root: int) -> list[int]:
        """The transitive hard successors that have not settled, in canonical order.

        Each task is entered by one cascade only: behind a descendant that has settled before,
        all have.
        """
        found: set[int] = set()
        trail = [root]
        while trail:
            successors = self._selection.hard.after[trail.pop()]
            self.effort += len(successors)
            for successor in successors:
                if successor not in found and self._states[successor] is not State.SETTLED:
                    found.add(successor)
                    trail.append(successor)
        return sorted(found)

    def upstream(self, task: int) -> tuple[Upstream, ...]:
        """What the hard predecessors, all completed, contribute to the key of a task."""
        contributions = []
        for before in self._selection.hard.before[task]:
            outcome = self._outcomes[before]
            assert isinstance(outcome, Completed)
            record = outcome.record
            id = self._selection.ids[before]
            contributions.append(Upstream(id, record.stdout, record.stderr))
        return tuple(contributions)

    def outcomes(self) -> dict[TaskId, Outcome]:
        """What became of the tasks that have settled, in canonical order."""
        pairs = zip(self._selection.ids, self._outcomes, strict=True)
        return {id: outcome for id, outcome in pairs if outcome is not None}

    def _satisfy(self, successors: list[int]) -> None:
        self.effort += len(successors)
        for successor in successors:
            self._unmet[successor] -= 1
            if not self._unmet[successor] and self._states[successor] is State.WAITING:
                heappush(self._released, successor)
