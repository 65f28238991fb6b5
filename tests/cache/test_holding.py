"""Which names hold: asked for once, and ahead of time by another process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.holding import Holding
from haz_trio.scout import Scout, send_scout
from haz_trio.trust import ABSENT, FIELDS, ROW, row_at
from tests.process.support import children

SHAPE = Struct(f"{ROW.format}8x")


def packed(root: Path, names: list[bytes]) -> bytes:
    """The rows that these names have now."""
    return b"".join(
        ROW.pack(*row_at(os.fsencode(root) + b"/" + name)) + b"-" * 8 for name in names
    )


def finished() -> None:
    """Wait until a process that was started here has ended, and leave it to be waited for."""
    os.waitid(os.P_PID, children()[-1], os.WEXITED | os.WNOWAIT)


def in_steps(names: list[bytes], step: int = 100) -> Iterator[list[bytes]]:
    """Lists of names, the last one first."""
    return (names[start : start + step] for start in reversed(range(0, len(names), step)))


def sent(root: Path, names: list[bytes], rows: bytes) -> Scout:
    scout = send_scout(os.fsencode(root), len(names), in_steps(names), rows, SHAPE, FIELDS)
    assert scout is not None
    return scout


def test_a_scout_tells_what_holds(tmp_path: Path) -> None:
    """Files, folders and what is absent, in more than one step; nothing that has changed."""
    names = [b"f%d" % number for number in range(700)]
    for number, name in enumerate(names):
        if number % 3:
            (tmp_path / os.fsdecode(name)).touch()
    rows = packed(tmp_path, names)
    (tmp_path / "f4").write_text("changed")
    (tmp_path / "f3").touch()
    (tmp_path / "f5").unlink()
    scout = sent(tmp_path, names, rows)
    finished()
    scout.dismiss()
    assert [number for number, seen in enumerate(bytes(scout.seen)) if not seen] == [3, 4, 5]


def test_a_scout_that_is_dismissed_is_gone(tmp_path: Path) -> None:
    """At any moment, and twice; nobody is left to be waited for."""
    names = [b"no%d" % number for number in range(20_000)]
    scout = sent(tmp_path, names, (ROW.pack(*ABSENT) + b"-" * 8) * len(names))
    scout.dismiss()
    scout.dismiss()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_scout_writes_and_raises_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A root that has gone is a scout that has seen nothing."""
    print("buffered", end="")  # what is to be written once
    scout = sent(tmp_path / "gone", [b"a"], packed(tmp_path, [b"a"]))
    finished()
    scout.dismiss()
    assert bytes(scout.seen) == b"\0"
    assert capfd.readouterr() == ("buffered", "")


def holding(root: Path, names: list[bytes]) -> Holding:
    return Holding(os.fsencode(root) + b"/", names, packed(root, names), SHAPE, FIELDS)


NAMES = [b"a", b"b", b"c", b"d"]
STEPS = st.lists(
    st.tuples(st.sampled_from(["edit", "restore", "command", "run", "ask"]), st.integers(0, 3)),
    max_size=10,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans())
def test_nothing_that_we_have_changed_is_taken_for_what_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], quick: bool
) -> None:
    """Whatever a scout has seen: after a restore, a command, and in the next run.

    Only edits of others may go unseen until the run ends, as they may when they come a moment
    after the look.
    """
    root = tmp_path_factory.mktemp("w")
    for name in NAMES:
        (root / os.fsdecode(name)).touch()
    held = holding(root, NAMES)
    held.look_ahead(1)
    if not quick:
        finished()
    truly, perhaps = [True] * 4, [False] * 4
    for kind, number in steps:
        path = root / os.fsdecode(NAMES[number])
        match kind:
            case "edit":
                path.write_text(path.read_text() + "x")
                perhaps[number] |= truly[number] and held.calm
                truly[number] = False
            case "restore":
                path.write_text(path.read_text() + "y")
                held.touch([number])
                truly[number], perhaps[number] = False, False
            case "command":
                held.disturb()
                path.write_text(path.read_text() + "z")
                truly[number], perhaps = False, [False] * 4
            case "run":
                if not held.calm or held.touched:
                    perhaps = [False] * 4
                held.settle()
            case _:
                found = held.first_amiss([number])
                assert (found is None) == truly[number] or perhaps[number]
                assert held.first_amiss([number], anew=True) == (None if truly[number] else 0)
    held.look_alone()


def test_a_scout_that_is_killed_is_not_missed(tmp_path: Path) -> None:
    """What it has not seen is asked for here."""
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).touch()
    held = holding(tmp_path, NAMES)
    held.look_ahead(1)
    os.kill(children()[0], signal.SIGKILL)
    assert held.first_amiss(range(4)) is None
    held.look_alone()
    assert children() == []


def test_what_has_just_been_seen_is_worth_nobody(tmp_path: Path) -> None:
    """Only names that have still to be asked for count."""
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).touch()
    held = holding(tmp_path, NAMES)
    held.presume({name: row_at(os.fsencode(tmp_path) + b"/" + name) for name in NAMES[1:]})
    held.look_ahead(2)
    assert children() == []
    held.look_ahead(1)
    assert len(children()) == 1
    held.look_alone()


def test_few_names_are_worth_nobody(tmp_path: Path) -> None:
    """A small workspace is looked at before a process could begin."""
    held = holding(tmp_path, NAMES)
    held.look_ahead()
    assert children() == []
