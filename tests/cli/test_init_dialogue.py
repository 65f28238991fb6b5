"""The screens of ``haz init`` on a display of the test: keys in, frames and a decision out."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cli.init_dialogue import Confirmed, Decision, Declined, Dialogue, Stopped
from haz_trio.cli.init_keys import Key, decode
from haz_trio.cli.init_screen import Screen, draw_tree
from haz_trio.cli.init_terminal import Ended, Incoming, Redraw
from haz_trio.config.folders import list_folder
from haz_trio.config.ignored import Ignored
from haz_trio.config.load import load_workspace
from haz_trio.config.scaffold import make_plan, write_plan
from haz_trio.config.scaffold_tree import Folder, Listing, start
from haz_trio.errors import ConfigError
from haz_trio.output.columns import display_width
from haz_trio.output.palette import Drawing, Palette

KEYS = {
    "↑": Key.UP,
    "↓": Key.DOWN,
    "→": Key.RIGHT,
    "←": Key.LEFT,
    "_": Key.SPACE,
    "⏎": Key.ENTER,
    "h": Key.HIDDEN,
    "?": Key.HELP,
    "q": Key.QUIT,
    "y": Key.YES,
    "n": Key.NO,
    "C": Key.INTERRUPT,
    "x": Key.OTHER,
}
ATTRIBUTES = re.compile(r"\x1b\[[0-9;]*m")


@attrs.define
class Script:
    """Presses keys in order and keeps what is drawn."""

    keys: list[Incoming]
    width: int = 80
    height: int = 24
    frames: list[list[str]] = attrs.field(factory=list)
    bells: int = 0

    def size(self) -> os.terminal_size:
        return os.terminal_size((self.width, self.height))

    def draw(self, lines: Sequence[str], *, bell: bool = False) -> None:
        self.frames.append([ATTRIBUTES.sub("", line) for line in lines])
        self.bells += bell

    def read(self) -> Incoming:
        return self.keys.pop(0)

    @property
    def text(self) -> str:
        return "\n".join(self.frames[-1])


def make_tree(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).mkdir(parents=True, exist_ok=True)
    return root


@pytest.fixture
def d(tmp_path: Path) -> Path:
    """The tree D of cli.md 13.4."""
    make_tree(tmp_path, "lib/src", "lib/tests", "web", "pkgs/a", "pkgs/b", "pkgs/.h")
    make_tree(tmp_path, "node_modules", "target", ".cfg", ".git")
    (tmp_path / ".gitignore").write_text("node_modules\ntarget\n")
    return tmp_path


def play(root: Path, keys: str, script: Script | None = None) -> tuple[Decision, Script]:
    """Press keys; a confirmed plan is written, as the command does."""
    script = script or Script([])
    script.keys += [KEYS[key] for key in keys]
    ignored = Ignored(str(root))
    decision = Dialogue(
        script,
        Palette(),
        str(root),
        lambda path: list_folder(str(root), path, ignored),
        lambda selection: make_plan(str(root), selection, ignored),
    ).run()
    assert script.keys == [], "keys are left"
    if isinstance(decision, Confirmed):
        write_plan(decision.plan)
    return decision, script


def projects(root: Path) -> dict[str, str]:
    return {p.root: p.name for p in load_workspace(root).projects.values()}


@pytest.mark.parametrize(
    ("row", "keys"),
    [
        ("T01", "q"),
        ("T02", "?xq"),
        ("T02, q only closes the help", "?qq"),
        ("T10", "↓_⏎n"),
        ("T12, on the second screen", "⏎q"),
        ("T14", "↓↓↓__q"),
        ("T15", "↓↓↓→q"),
        ("T16", "↓↓→__↓_q"),
        ("T17", "↑_⏎n"),
        ("T32", "⏎x⏎↑↓h_?n"),
    ],
)
def test_leaving_writes_nothing(d: Path, row: str, keys: str) -> None:
    """Rows of 13.4 that end with exit 0 and an untouched folder."""
    before = sorted(d.rglob("*"))
    decision, _ = play(d, keys)
    assert decision == Declined(), row
    assert sorted(d.rglob("*")) == before


@pytest.mark.parametrize("keys", ["C", "⏎C", "?C", "↓_⏎C"])
def test_ctrl_c_stops_everywhere(d: Path, keys: str) -> None:
    """T11: on each screen, and in the help."""
    assert play(d, keys)[0] == Stopped(signal.SIGINT)
    assert not (d / ".haz").exists()


@pytest.mark.parametrize("keys", ["", "⏎", "?"])
def test_a_signal_stops_everywhere(d: Path, keys: str) -> None:
    """A signal, or the end of the terminal, is a decision with its number."""
    script = Script([*(KEYS[key] for key in keys), Ended(signal.SIGHUP)])
    assert play(d, "", script)[0] == Stopped(signal.SIGHUP)


@pytest.mark.parametrize(
    ("row", "keys", "found"),
    [
        (
            "T03",
            "↓_↓__↓_⏎y",
            {"/lib": "lib", "/pkgs/.h": "h", "/pkgs/a": "a", "/pkgs/b": "b", "/web": "web"},
        ),
        ("T08", "__⏎y", None),
        ("T09", "⏎y", {}),
        ("T13", "h↓↓_⏎y", {"/.git": "git"}),
        ("T18", "↓↓→↓_↑___⏎y", {}),
        ("T20", "h↓_h⏎y", {}),
        ("T31", "↓_→↓_⏎y", {"/lib": "lib", "/lib/src": "src"}),
        ("n on screen 1", "n↓_x⏎y", {"/lib": "lib"}),
    ],
)
def test_confirming_writes_what_was_shown(
    d: Path, row: str, keys: str, found: dict[str, str] | None
) -> None:
    """Rows of 13.4 that write; whatever is written loads (Better)."""
    decision, script = play(d, keys)
    assert isinstance(decision, Confirmed), row
    written = projects(d)
    assert found is None or written == found
    shown = {line.split()[0] for line in script.frames[-1] if "name: " in line}
    assert shown == set(written)
    for line in (d / ".haz/workspace.yml").read_text().splitlines():
        assert f"   {line}" in script.frames[-1]


def test_the_root_as_a_project_is_explained_and_refused(d: Path) -> None:
    """T06: the status line explains; Enter ends with a refusal and writes nothing."""
    with pytest.raises(ConfigError) as caught:
        play(d, "_⏎")
    assert "root" in caught.value.diagnostics[0].message
    assert not (d / ".haz").exists()
    _, script = play(d, "_q")
    assert "the root cannot be a project" in script.text
    assert script.bells == 1


def test_an_empty_folder(tmp_path: Path) -> None:
    """T30: Space twice on the root of nothing skips the parent with a bell."""
    decision, script = play(tmp_path, "__⏎y")
    assert isinstance(decision, Confirmed)
    assert script.bells == 2
    assert projects(tmp_path) == {}


def test_the_first_screen(d: Path) -> None:
    """Title, directory, rows with marks and triangles, button, status, keys."""
    frame = play(d, "↓_→↓↓↓__q")[1].frames[-1]
    assert frame == [
        " haz init — select directories to register as projects ",
        f" cwd: {d}"[:80],
        " □ ▼ /",
        " ■   ▼ lib    (project)",
        " □     ▶ src",
        " □     ▶ tests",
        " ▣   ▶ pkgs    (projects parent)",
        " □   ▶ web",
        "",
        "  [ Commit selection (4 projects) ]",
        " `/pkgs/*` takes in hidden ones too: .h",
        " ↑↓ move  → open  ← fold  Space choose  Enter commit  H hidden  ? help  q quit",
    ]


def test_the_second_screen(d: Path) -> None:
    """The files with their content, and the hidden folders that become projects."""
    (d / "web/haz.yml").write_text("name: web\n")
    frame = play(d, "↓↓__↓_⏎n")[1].frames[-1]
    assert frame[:15] == [
        " haz init — confirm scaffold ",
        "",
        " will write .haz/workspace.yml:",
        "   projects:",
        "     - /pkgs/*",
        "     - /web",
        "",
        " will scaffold haz.yml:",
        "   /pkgs/.h        name: h",
        "   /pkgs/a        name: a",
        "   /pkgs/b        name: b",
        "",
        " keeps haz.yml as it is:",
        "   /web",
        "",
    ]
    assert " hidden directories that become projects too:" in frame
    assert " Proceed?  y = write, n / q = decline" in frame


@pytest.mark.parametrize("width", range(8, 90))
def test_hints_are_whole_at_any_width(d: Path, width: int) -> None:
    """A narrow screen shows fewer keys and no piece of one; how to leave is the last to go."""
    frames = play(d, "⏎n", Script([], width=width))[1].frames
    tree, confirmation = (frame[-1] for frame in frames)
    assert tree.endswith(" q quit")
    assert confirmation.startswith(" y proceed"[:width])
    known = "↑↓ move,→ open,← fold,Space choose,Enter commit,H hidden,? help,q quit,"
    known += "y proceed,n decline,q / Esc cancel,Ctrl+C abort"
    shown = [*tree.strip().split("  "), *(confirmation.strip().split("  ") if width > 9 else [])]
    assert set(shown) <= set(known.split(","))
    assert len(shown) == 12 or width < 79


def test_one_project_is_singular(d: Path) -> None:
    """The button counts in words."""
    assert "  [ Commit selection (1 project) ]" in play(d, "↓_q")[1].frames[-1]


def test_a_long_plan_scrolls(tmp_path: Path) -> None:
    """On the second screen the arrows reach every line, and no further."""
    make_tree(tmp_path, *(f"p{n:02}" for n in range(30)))
    script = Script([], height=12)
    play(tmp_path, "__⏎" + "↓" * 100 + "n", script)
    seen = {line for frame in script.frames for line in frame}
    assert all(f"   /p{n:02}        name: p{n:02}" in seen for n in range(30))
    assert all(len(frame) <= 12 for frame in script.frames)
    assert "0 more below" in script.text


def test_a_long_tree_follows_the_focus(tmp_path: Path) -> None:
    """However many rows there are, the focused one is on the screen."""
    make_tree(tmp_path, *(f"p{n:02}" for n in range(40)))
    script = Script([], height=10)
    play(tmp_path, "↓" * 40 + "q", script)
    for number, frame in enumerate(script.frames[1:]):
        assert f" □   ▶ p{number:02}" in frame
        assert len(frame) == 10


def test_another_size_is_drawn_again(d: Path) -> None:
    """A resize draws the same screen once more, without a second bell."""
    script = Script([Key.SPACE, Redraw(), Key.HELP, Redraw(), Key.OTHER, Key.ENTER])
    with pytest.raises(ConfigError):
        play(d, "", script)
    assert script.frames[1] == script.frames[2]
    assert script.frames[3] == script.frames[4]
    assert script.bells == 1


def test_names_cannot_write_to_the_terminal() -> None:
    """Control characters of a directory's name are escaped."""
    tree = start(Listing((Folder("\x1b[2J\udcff"),)))
    screen = Screen(os.terminal_size((80, 24)), Palette())
    lines = [ATTRIBUTES.sub("", line) for line in draw_tree(screen, "/x", tree)]
    assert lines[3] == " □   ▶ \\u{1b}[2J\\xff"


@settings(max_examples=100)
@given(st.integers(1, 100), st.integers(1, 30), st.text(max_size=80), st.booleans())
def test_a_frame_fits_its_screen(columns: int, lines: int, name: str, colour: bool) -> None:
    """No frame is wider or longer than the screen, whatever the names."""
    tree = start(Listing(tuple(Folder(f"{n}{name}") for n in range(9))))
    for drawing in Drawing:
        screen = Screen(os.terminal_size((columns, lines)), Palette(colour, drawing))
        frame = draw_tree(screen, name, tree)
        assert len(frame) <= lines
        assert all(display_width(ATTRIBUTES.sub("", line)) <= columns for line in frame)
        if drawing is Drawing.ASCII and name.isascii():
            assert "".join(frame).isascii()


def test_without_colour_the_focus_still_shows() -> None:
    """NO_COLOR takes the colours; reverse and bold stay."""
    tree = start(Listing((Folder("a"),)))
    for colour in (False, True):
        screen = Screen(os.terminal_size((80, 24)), Palette(colour))
        assert draw_tree(screen, "/x", tree)[2].startswith("\x1b[1;7m")


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", [Key.UP, Key.DOWN, Key.RIGHT, Key.LEFT]),
        (b"\x1bOA\x1bOD", [Key.UP, Key.LEFT]),
        (b"\x1b[1;5A\x1b[3~\x1bOP", [Key.UP, Key.OTHER, Key.OTHER]),
        (b" \r\n", [Key.SPACE, Key.ENTER, Key.ENTER]),
        (
            b"hHqQyYnN?",
            [*[Key.HIDDEN] * 2, *[Key.QUIT] * 2, *[Key.YES] * 2, *[Key.NO] * 2, Key.HELP],
        ),
        (b"\x03\x1a", [Key.INTERRUPT, Key.OTHER]),
        ("é→".encode(), [Key.OTHER, Key.OTHER]),
        (b"\x1bx", [Key.QUIT, Key.OTHER]),
    ],
)
def test_bytes_are_keys(data: bytes, keys: list[Key]) -> None:
    """What terminals send, however it is cut into pieces."""
    assert decode(data, complete=True) == (keys, b"")
    for cut in range(len(data)):
        first, rest = decode(data[:cut], complete=False)
        second, rest = decode(rest + data[cut:], complete=False)
        assert (first + second, rest) == (keys, b"")


def test_an_escape_alone_is_a_key_once_nothing_follows() -> None:
    """Esc is told from the beginning of a sequence by the pause behind it."""
    assert decode(b"\x1b", complete=False) == ([], b"\x1b")
    assert decode(b"\x1b", complete=True) == ([Key.QUIT], b"")
    assert decode(b"\x1b[", complete=False) == ([], b"\x1b[")
    assert decode(b"a\x1b", complete=False) == ([Key.OTHER], b"\x1b")


@given(st.binary(max_size=20))
def test_any_bytes_are_understood(data: bytes) -> None:
    """No input stops the decoder, and nothing is left in the end."""
    keys, rest = decode(data, complete=True)
    assert rest == b""
    assert len(keys) <= len(data)
