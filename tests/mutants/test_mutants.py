"""Wrong implementations fit the sources, and the kit finds them."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest

from tests.mutants.every import EVERY
from tests.mutants.haz import UNCHANGED
from tests.mutants.patches import MUTANTS, Mutant
from tests.mutants.turn import play_turn


def test_there_are_enough_of_them_and_each_has_a_name() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.name for mutant in EVERY}) == len(EVERY)


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_source(mutant: Mutant) -> None:
    """What it replaces is there exactly once, and what comes of it is Python."""
    spec = importlib.util.find_spec(f"haz_trio.{mutant.module}")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    assert source.count(mutant.old) == 1
    compile(source.replace(mutant.old, mutant.new), spec.origin, "exec")


@pytest.mark.parametrize(
    ("name", "seconds", "found"),
    [("failures-exit-with-zero", 30.0, "running"), (UNCHANGED, 1.5, "")],
)
def test_the_kit_finds_a_mutant_and_nothing_else(name: str, seconds: float, found: str) -> None:
    """The others take ``python -m tests.mutants.judge``."""
    turn = play_turn(name, 0, ("running",), {}, seconds, time.time() + 60)
    assert turn.area == found
    assert bool(turn.rules) is bool(found)
    assert turn.examples == turn.next["running"] > 0
