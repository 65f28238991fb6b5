"""What a killed run was doing is told once (peers.md, idea 3)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.cache.cut_off import Begun, CutOff, parse, take_cut_off
from haz_trio.cache.presence import Presence
from haz_trio.living import dead

WHEN = 1_000_000


def nobody(pid: int, ticks: int) -> bool:
    return False


def cut(root: Path) -> list[CutOff]:
    fd = os.open(root, os.O_RDONLY)
    try:
        return take_cut_off(fd, str(root))
    finally:
        os.close(fd)


def present(root: Path) -> Presence:
    (root / "state").mkdir(exist_ok=True)
    fd = os.open(root / "state", os.O_RDONLY)
    try:
        return Presence(fd, str(root / "state"))
    finally:
        os.close(fd)


def killed(root: Path, *lines: str) -> None:
    """What a run has left that had written these lines."""
    folder = root / "state" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"77-{'0' * 16}").write_text("".join(line + "\n" for line in lines))


def test_what_was_running_is_told_once(tmp_path: Path) -> None:
    """What had ended is not named; then nothing is left."""
    killed(tmp_path, f"run {WHEN}", "+ 5 100 p:a", "+ 6 101 p:b", "- 5", "+ 7 102 p:c")
    assert cut(tmp_path) == [
        CutOff(77, WHEN, (Begun("p:b", 6, 101), Begun("p:c", 7, 102)), mourned=False)
    ]
    assert cut(tmp_path) == []
    assert os.listdir(tmp_path / "state" / "runs") == []


def test_a_living_run_is_not_told_of(tmp_path: Path) -> None:
    """Only who has died; what a living one notes is what a killed one leaves."""
    presence = present(tmp_path)
    presence.began("p:a", 5, 100)
    presence.began("p:b", 6, 101)
    presence.ended(5)
    assert cut(tmp_path) == []
    data = Path(presence.path).read_bytes()
    found = parse(77, data)
    assert found is not None
    assert found.running == (Begun("p:b", 6, 101),)
    assert abs(found.began - time.time()) < 60
    presence.close()
    assert os.listdir(tmp_path / "state") == ["runs"]
    assert os.listdir(tmp_path / "state" / "runs") == []


def test_a_run_that_began_no_command_is_forgotten(tmp_path: Path) -> None:
    """Its file goes without a word."""
    killed(tmp_path)
    assert dead(str(tmp_path / "state" / "runs")) != []
    assert cut(tmp_path) == []
    assert dead(str(tmp_path / "state" / "runs")) == []


def test_a_long_run_keeps_a_short_journal(tmp_path: Path) -> None:
    """What has ended is left out when it grows; what runs stays."""
    presence = present(tmp_path)
    presence.began("p:long", 1, 100)
    for pid in range(2, 30_000):
        presence.began("p:" + "x" * 40, pid, 100)
        presence.ended(pid)
    data = Path(presence.path).read_bytes()
    presence.close()
    assert len(data) <= (1 << 20) + 100
    found = parse(1, data)
    assert found is not None
    assert found.running == (Begun("p:long", 1, 100),)


@pytest.mark.parametrize(
    ("cut_off", "end"),
    [
        (CutOff(9, WHEN, (), False), "was cut off while no command was running"),
        (CutOff(9, WHEN, (Begun("p:a", 5, 1),), True), "ran p:a; the watchdog has ended that"),
        (CutOff(9, WHEN, (Begun("p:a", 5, 1),), False), "p:a; nothing of that runs any more"),
        (
            CutOff(9, WHEN, tuple(Begun(f"p:{n}", n, 1) for n in range(2, 9)), True),
            "ran p:2, p:3, p:4, p:5, p:6 and 2 more; the watchdog has ended that",
        ),
    ],
)
def test_the_remark(cut_off: CutOff, end: str) -> None:
    """The process, the time, the tasks, and what became of them."""
    text = cut_off.text(nobody)
    assert text.startswith("the run of process 9, begun 1970-01-1")
    assert text.endswith(end)


def test_who_still_runs_is_named_with_his_pid() -> None:
    """Whatever the watchdog says."""
    running = (Begun("p:a", 5, 1), Begun("p:b", 6, 1))
    text = CutOff(9, WHEN, running, mourned=True).text(lambda pid, ticks: pid == 6)
    assert text.endswith("while it ran p:a, p:b; still running: p:b (pid 6)")


@given(st.binary(max_size=200) | st.text("+- 0123456789run\npa:", max_size=80).map(str.encode))
def test_no_journal_is_too_odd(data: bytes) -> None:
    """A repository may ship anything: a half-written line, other bytes, numbers without end."""
    found = parse(1, b"run 5\n" + data)
    assert found is not None
    assert parse(1, b"run nan\nrun inf\nrun 1e999\n") is None
    assert isinstance(found.text(nobody), str)
