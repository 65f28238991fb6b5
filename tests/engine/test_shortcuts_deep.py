"""With every shortcut a run comes to what it comes to with none of them, whatever was edited.

Random edits on twin workspaces under a coarse clock, where much that happens leaves no other
stamp behind (F1, F2).
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from haz_trio.trust import SENSES
from tests.engine.shortcut_world import MILLISECOND, SECOND, Clock, Twin, populate, project
from tests.shortcut_edits import draw


def campaign(folder: Path, seed: int, edits: int, *, tick: int, digits: int) -> tuple[int, int]:
    """Edit and run both twins in turn; how many looks and loads the shortcuts have spared."""
    dice = random.Random(seed)
    clock = Clock(folder, tick, digits)
    host = {"MODE": "1"}
    quick = Twin(folder / "quick", clock.senses, True, host)
    plain = Twin(folder / "plain", SENSES, False, host)
    for twin in (quick, plain):
        populate(twin.root)
    history = [f"seed {seed}"]
    slack = 2 * SECOND if digits == 0 else 20 * MILLISECOND
    pauses = [0, 0, 1000, tick // 2, tick, slack + 2 * tick, slack + 2 * tick, 10 * SECOND]
    done = 0
    while done < edits:
        for _ in range(dice.choice([0, 0, 1, 1, 2, 4])):
            name, edit = draw(dice, project)
            history.append(name)
            for twin in (quick, plain):
                edit(twin.root)
            done += 1
            if dice.random() < 0.3:
                clock.advance(dice.choice(pauses))
        if dice.random() < 0.05:
            host["MODE"] = dice.choice("123")
            history.append(f"MODE {host['MODE']}")
        back = dice.random() < 0.04
        clock.advance(-dice.choice([tick, slack, 10 * SECOND]) if back else dice.choice(pauses))
        names = dice.choice([(), (), (), ("gen",), ("use",), ("tree", "all"), ("lit",)])
        history.append(f"run {' '.join(names)} at {clock.now}")
        found, wanted = quick.run(names), plain.run(names)
        assert found == wanted, "\n".join(history)
        assert quick.tree() == plain.tree(), "\n".join(history)
        clock.advance(dice.choice(pauses))
    return quick.proven, quick.snapshots


CLOCKS = [
    pytest.param(10 * MILLISECOND, 1, id="fine"),
    pytest.param(SECOND, 0, id="coarse"),
]


@pytest.mark.parametrize(("tick", "digits"), CLOCKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_shortcuts_change_nothing(tmp_path: Path, seed: int, tick: int, digits: int) -> None:
    """The same outcomes, keys, output and files, after each of some edits."""
    proven, snapshots = campaign(tmp_path, seed, 50, tick=tick, digits=digits)
    assert proven > 10
    assert snapshots > 3


@pytest.mark.deep
@pytest.mark.parametrize(("tick", "digits"), CLOCKS)
@pytest.mark.parametrize("seed", range(100, 120))
def test_10000_edits_change_nothing(tmp_path: Path, seed: int, tick: int, digits: int) -> None:
    """The same for 10,000 edits on each clock."""
    campaign(tmp_path, seed, 500, tick=tick, digits=digits)
