"""Wrong implementations fit the sources, and the kit finds them."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest

from tests.mutants.judge import judge
from tests.mutants.patches import MUTANTS, Mutant


def test_there_are_enough_of_them_and_each_has_a_name() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_source(mutant: Mutant) -> None:
    """What it replaces is there exactly once, and what comes of it is Python."""
    spec = importlib.util.find_spec(f"haz_trio.{mutant.module}")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    assert source.count(mutant.old) == 1
    compile(source.replace(mutant.old, mutant.new), spec.origin, "exec")


def test_the_kit_finds_a_mutant() -> None:
    """The others take ``python -m tests.mutants.judge``."""
    (mutant,) = (each for each in MUTANTS if each.name == "failures-exit-with-zero")
    assert judge(mutant, 0, time.time() + 120).rules
