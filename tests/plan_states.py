"""The states of a task as a picture, drawn from what plans do: each arrow has been gone."""

from __future__ import annotations

import random
from collections.abc import Iterator

from haz_trio.model.names import TaskId
from haz_trio.plan.admission import Limits
from haz_trio.plan.board import State
from haz_trio.plan.machine import Plan
from haz_trio.plan.messages import (
    Broke,
    CancelRequested,
    Ended,
    Fact,
    Halt,
    Halted,
    Hit,
    Kept,
    Messages,
    Missed,
    Ran,
    StopRequested,
)
from haz_trio.plan.outcome import Exited, Record
from haz_trio.plan.selection import PlannedTask

SEEDS = 400
_RECORD = Record("k", b"", b"")
_OTHERS = {
    (State.WAITING, State.READY): "released",
    (State.READY, State.LOOKING): "admitted: Look",
    (State.PARKED, State.READY): "called",
    (State.READY, State.WAITING): "closing",
    (State.PARKED, State.WAITING): "closing",
    (State.WAITING, State.SETTLED): "skipped, cancelled",
}
Arrow = tuple[State, State]


def arrows() -> dict[Arrow, set[str]]:
    """Every change of state in many random runs, and what it was called for."""
    found: dict[Arrow, set[str]] = {}
    for seed in range(SEEDS):
        _Walk(random.Random(seed), found).go()  # a picture is no secret
    return found


class _Walk:
    """One run, with facts at random; ``found`` gets what its tasks go through."""

    def __init__(self, dice: random.Random, found: dict[Arrow, set[str]]) -> None:
        self.dice, self.found = dice, found
        self.ids = [TaskId("p", name) for name in "abcdef"]
        retries = dice.randrange(2)
        self.plan = Plan(list(self._tasks()), Limits(dice.randint(1, 3), {}), retries=retries)
        self.fact: Fact | None = None
        self.told: set[TaskId] = set()
        self._watch()

    def _tasks(self) -> Iterator[PlannedTask]:
        for place, id in enumerate(self.ids):
            before = [other for other in self.ids[:place] if self.dice.random() < 0.2]
            lock = self.dice.choice([None, "m"])
            yield PlannedTask(id, tuple(before), (), frozenset(), lock, self.dice.random() < 0.3)

    def _watch(self) -> None:
        """Hear of every move on the board."""
        board = self.plan._board
        move = board.move

        def moved(task: int, state: State) -> None:
            before = board.state(task)
            move(task, state)
            if before is not state:
                self._note(self.ids[task], (before, state))

        board.move = moved  # type: ignore[method-assign]

    def _note(self, id: TaskId, arrow: Arrow) -> None:
        is_own = self.fact is not None and getattr(self.fact, "task", None) == id
        label = type(self.fact).__name__ if is_own else _OTHERS.get(arrow, "")
        if arrow in _OTHERS:
            label = _OTHERS[arrow]
        assert label, f"{arrow} because of {self.fact}"
        self.found.setdefault(arrow, set()).add(label)

    def go(self) -> None:
        self._hear(self.plan.start())
        while not self.plan.finished:
            self.fact = self._any_fact()
            self._hear(self.plan.feed(self.fact))

    def _hear(self, messages: Messages) -> None:
        self.told |= {message.task for message in messages if isinstance(message, Halt)}

    def _any_fact(self) -> Fact:
        if self.dice.random() < 0.02:
            return StopRequested()
        if self.dice.random() < 0.05:
            return CancelRequested(self.dice.choice(self.ids))
        facts: list[Fact] = []
        for number, id in enumerate(self.ids):
            match self.plan._board.state(number):
                case State.LOOKING:
                    key = self.dice.choice("xy")
                    facts += [Hit(id, _RECORD), Missed(id, key), Missed(id, key), Broke(id, "")]
                case State.RUNNING:
                    facts += [Ran(id, _RECORD), Ran(id, _RECORD), Ended(id, Exited(1))]
                    facts.append(Broke(id, ""))
                case State.KEEPING:
                    facts.append(Kept(id))
                case _:
                    continue
            if id in self.told and self.plan._board.state(number) is not State.KEEPING:
                facts.append(Halted(id))
        return self.dice.choice(facts)


def page() -> str:
    """The picture as a page, for Graphviz."""
    lines = []
    for (before, after), labels in sorted(arrows().items()):
        label = "\\n".join(sorted(labels))
        lines.append(f'    {before.name} -> {after.name} [label=" {label} "];')
    graph = "\n".join(
        [
            "digraph states {",
            "    rankdir=LR;",
            "    node [shape=box, style=rounded, fontname=Helvetica];",
            "    edge [fontname=Helvetica, fontsize=10];",
            *lines,
            "}",
        ]
    )
    return f"""\
# The states of a task

Made by `python -m tests.reference`: drawn from what plans do in {SEEDS} random runs, so that each
arrow has been gone. An arrow bears the facts of the task that lead along it, or, in small letters,
what the plan did because of other tasks; `haz_trio/plan/machine.py` tells what the states mean.

```{{graphviz}}
:alt: The states of a task from WAITING to SETTLED and the facts that lead from one to the next

{graph}
```
"""
