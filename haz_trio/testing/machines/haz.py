"""A program beside the reference: any edits, questions and runs of one workspace, step by step."""

from __future__ import annotations

from contextlib import ExitStack
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from haz_trio.testing.moves import Ask, Move, Turn
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.small_monorepo import Knobs
from haz_trio.testing.strategies.moves import TASKS, edits, runs, turns
from haz_trio.testing.subject import Subject
from haz_trio.testing.trial import new_trial
from haz_trio.testing.workspace import WorkspaceMachine


class HazMachine(RuleBasedStateMachine):
    """Subclasses name the program; ``HazMachine.TestCase`` of one is a test for pytest.

    Exit codes, executed tasks, files, both streams and what ``haz why`` says are compared after
    every run; a ``DifferenceError`` names the rules.
    """

    subject: ClassVar[Subject]
    known: ClassVar[frozenset[str]] = frozenset()  # differences of a profile that are no findings

    def __init__(self) -> None:
        super().__init__()
        self.stack: ExitStack = ExitStack()
        self.workspace: WorkspaceMachine

    @initialize(first=st.lists(turns(), max_size=2))
    def a_workspace(self, first: list[Turn]) -> None:
        knobs = Knobs()
        for turn in first:
            knobs = knobs.turned(turn.knob, turn.value)
        trial = self.stack.enter_context(new_trial(self.subject, self.known))
        self.workspace = WorkspaceMachine(trial, knobs)

    @rule(edit=edits())
    def somebody_edits(self, edit: Move) -> None:
        self.workspace.play(edit)

    @rule(run=runs())
    def somebody_runs(self, run: Move) -> None:
        self.workspace.play(run)

    @rule(id=st.sampled_from(TASKS))
    def somebody_asks_why(self, id: Id) -> None:
        self.workspace.play(Ask(id))

    def teardown(self) -> None:
        self.stack.close()


def check_haz(
    program: Subject,
    *,
    examples: int = 20,
    steps: int = 10,
    seed: int = 0,
    known: frozenset[str] = frozenset(),
    shrink: bool = True,
) -> None:
    """Try a program; raises ``DifferenceError`` for the smallest history that differs.

    ``steps`` is how many edits and runs a history has at most. ``known`` are names of differences
    of a profile. The notes of the error are the steps; without ``shrink`` they may be many.
    """

    class Machine(HazMachine):
        subject = program

    Machine.known = known
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(seeded(seed)(Machine), settings=chosen)
