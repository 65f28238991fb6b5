"""From Ctrl-C to the prompt, a few times for every commit: ``python -m tests.faults.ctrl_c``."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.faults.ctrl_c import LATE, Ended, Way, interrupt, percentile


@pytest.mark.row("A03", "B04")
@pytest.mark.parametrize("way", [Way(), Way(held=True), Way(strict=True), Way(barren=True)])
def test_fifty_stubborn_tasks_and_one_press(tmp_path: Path, way: Way) -> None:
    """Nobody is left, and nobody is waited for much longer than the grace."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    ended = interrupt(tmp_path, random.Random(seed), way)
    assert ended.names == ()
    assert ended.beyond < LATE
    assert not ended.is_odd, ended


def test_only_an_interpreter_that_is_not_ready_may_end_with_one() -> None:
    """What haz itself ends with is the signal or 130, whatever it says."""
    unready = b"Fatal Python error: init_import_site: Failed to import the site module\n"
    codes = {-signal.SIGINT: b"", 130: b"", 1: unready}
    assert not any(Ended(0, code, 0, (), said).is_odd for code, said in codes.items())
    assert Ended(0, 1, 0, (), b"Traceback (most recent call last):\n").is_odd
    assert Ended(0, 0, 0, (), unready).is_odd


def test_percentiles_are_those_of_the_values() -> None:
    """Ninety-nine of a hundred values are not above the one that is named."""
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (50.0, 99.0)
    assert percentile(values[:4], 0.99) == 4.0
    assert percentile([], 0.5) == 0.0
