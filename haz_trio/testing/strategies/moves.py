"""Edits and runs for ``WorkspaceMachine``."""

from __future__ import annotations

from hypothesis import strategies as st

from haz_trio.testing.moves import (
    MODES,
    Ask,
    Chmod,
    Damage,
    Export,
    Forge,
    Move,
    Remove,
    Run,
    Turn,
    Write,
)
from haz_trio.testing.reference.small_monorepo import SPELLINGS, Knobs

SOURCES = ("/lib/src/a", "/lib/src/b", "/lib/src/.h", "/lib/src/sub/c")
OTHERS = ("/lib/other", "/app/main", "/app/src/a")
OUTPUTS = ("/lib/out/o.txt", "/lib/gen/a", "/lib/gen/b", "/app/bin", "/lib/l.txt", "/app/l.txt")
CONTENTS = (b"1\n", b"2\n", b"", b"x", b"!\n", b"\x00\xff\r\n\n1", b"a long line\n" * 40)
TASKS = (("lib", "gen"), ("app", "build"), ("app", "test"), ("lib", "lint"), ("app", "lint"))
TURNS: dict[str, tuple[str | bool | int | None, ...]] = {
    "salt": ("s", "t", "s "),
    "spelling": tuple(range(len(SPELLINGS))),
    "deep": (False, True),
    "copies": (True, False),
    "declares": (True, False),
    "variable": (True, False),
    "override": (None, "", "1"),
    "shell": ("sh", "bash"),
    "to_stderr": (False, True),
    "tag": (False, True),
    "mutex": (False, True),
    "comment": ("", "new"),
    "buffered": (False, True),
    "hash": ("blake3", "sha256"),
    "depends": (True, False),
    "reads_bin": (False, True),
    "chmod": (True, False),
    "weak": (False, True),
}


def edits() -> st.SearchStrategy[Move]:
    """Anything but a run."""
    paths = st.sampled_from([*SOURCES, *SOURCES, *OTHERS])
    contents = st.sampled_from(CONTENTS)
    return st.one_of(
        st.builds(Write, paths, contents),
        st.builds(Remove, st.sampled_from([*SOURCES, *SOURCES, "/app/main"])),
        st.builds(Write, st.sampled_from(OUTPUTS), st.sampled_from([b"1\n", b"edited\n"])),
        st.builds(Remove, st.sampled_from(OUTPUTS)),
        st.builds(Forge, st.sampled_from([*SOURCES, *OUTPUTS]), st.booleans()),
        st.builds(
            Chmod, st.sampled_from([*OUTPUTS, *SOURCES]), st.sampled_from([0o644, 0o755, 0o600])
        ),
        turns(),
        turns(),
        st.builds(Export, st.sampled_from("VW"), st.sampled_from([None, "", "1", "2 2"])),
        st.builds(Damage, st.sampled_from(["blobs", "streams", "manifests", "cleared"])),
    )


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    knob = draw(st.sampled_from([*TURNS]))
    return Turn(knob, draw(st.sampled_from(TURNS[knob])))


def runs() -> st.SearchStrategy[Move]:
    some = st.lists(st.sampled_from(TASKS), unique=True, max_size=1).map(tuple)
    modes = st.sampled_from(["", "", "", *MODES])
    return st.one_of(st.just(Run()), st.builds(Run, some, modes))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Knobs, tuple[Move, ...]]:
    """A few files, then runs with edits between them; now and then an edit is taken back."""
    moves: list[Move] = [
        Write(path, draw(st.sampled_from(CONTENTS[:5])))
        for path in draw(st.lists(st.sampled_from(SOURCES), unique=True, max_size=2))
    ]
    knobs = Knobs()
    for turn in draw(st.lists(turns(), max_size=2)):
        knobs = knobs.turned(turn.knob, turn.value)
    moves.append(draw(runs()))
    for _ in range(draw(st.integers(1, 3))):
        moves += draw(st.lists(edits(), max_size=2))
        if draw(st.booleans()):
            moves.append(Ask(draw(st.sampled_from(TASKS))))
        moves.append(draw(runs()))
    return knobs, tuple(moves)
