"""Odd bytes, forged lines, and terminals that are asked to do things (section Q)."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.output.harmless import Harmless, harmless
from haz_trio.output.writes import Target, Write
from haz_trio.plan.messages import RunNote
from tests.cli.pseudo_terminal import on_terminal
from tests.cli.support import HAZ, Home
from tests.engine.workspaces import sh

ODD = {
    "empty": b"",
    "no_end": b"a",
    "no_second_end": b"a\nb",
    "only_ends": b"\n\n\n",
    "dos": b"a\r\nb\r\n",
    "progress": b"1%\r2%\r100%\n",
    "return_last": b"a\r",
    "nul": b"a\0b\0\n",
    "nul_last": b"\0",
    "latin": b"\xe9t\xe9\n",
    "half": b"\xe2\x82",
    "halves": b"\xe2\x82\n\xac\n",
    "surrogate": b"\xed\xa0\x80\n",
    "too_long": b"\xf8\x88\x80\x80\x80\n",
    "mark": b"\xef\xbb\xbfa\n",
    "wide": "ＡＢ漢字🙂\n".encode(),
    "combining": "e\u0301\u0301\n".encode(),
    "colour": b"\x1b[31mred\x1b[0m\n",
    "colour_open": b"\x1b[31mred\n",
    "escape_last": b"a\x1b",
    "tabs": b"\ta\tb\t\n",
    "bell": b"\a\n",
    "feed": b"a\fb\vc\n",
    "delete": b"\x7f\n",
    "high": bytes(range(128, 256)) + b"\n",
    "low": bytes(range(32)),
    "name": b"[p:name] [p:other] \n",
    "long": b"x" * 70_000,
    "long_end": b"x" * 65_536 + b"\n",
    "many": b"y\n" * 3000,
}
ESCAPES = [
    *(b"\x1b[2J", b"\x1b[H", b"\x1b[1;1H", b"\x1b[5A", b"\x1b[3B", b"\x1b[9C", b"\x1b[9D"),
    *(b"\x1b[s", b"\x1b[u", b"\x1b7", b"\x1b8", b"\x1b[K", b"\x1b[1K", b"\x1b[J", b"\x1b[3J"),
    *(b"\x1b[?25l", b"\x1b[?1049h", b"\x1b[?2004h", b"\x1b[?1000h", b"\x1b[?7l", b"\x1b[4h"),
    *(b"\x1b[L", b"\x1b[M", b"\x1b[P", b"\x1b[@", b"\x1b[5S", b"\x1b[5T", b"\x1b[2;5r", b"\x1b[g"),
    *(b"\x1b[6n", b"\x1b[c", b"\x1b[>c", b"\x1b[0q", b"\x1b[!p", b"\x1bc", b"\x1bD", b"\x1bM"),
    *(b"\x1bE", b"\x1b#8", b"\x1b(0", b"\x1b)B", b"\x1bN", b"\x1b=", b"\x1b>", b"\x1b[20t"),
    *(b"\x1b]0;title\a", b"\x1b]2;title\x1b\\", b"\x1b]52;c;Zm9v\a", b"\x1b]8;;http://x\a"),
    *(b"\x1b]4;1;red\a", b"\x1b]10;?\a", b"\x1b]1337;x\a", b"\x1b]9;note\a", b"\x1b]777;n\a"),
    *(b"\x1bPq#0\x1b\\", b"\x1bP$qm\x1b\\", b"\x1b_x\x1b\\", b"\x1b^x\x1b\\", b"\x1bXx\x1b\\"),
    *(b"\xc2\x9b2J", b"\xc2\x9d0;t\xc2\x9c", b"\xc2\x90x", b"\x0e", b"\x0f", b"\a", b"\b\b\b\b"),
    *(
        "\u202e".encode(),
        "\u2066".encode(),
        "\u200f".encode(),
        "\u061c".encode(),
        b"\x18",
        b"\x05",
    ),
]
TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


def speaker(home: Home, data: bytes, name: str, where: str = "1") -> dict[str, object]:
    """A task that writes bytes."""
    path = home.place.p / f"{name}.bytes"
    path.write_bytes(data)
    return sh(f"cat {name}.bytes >&{where}", inputs=[f"{name}.bytes"])


def is_safe(data: bytes) -> bool:
    """Whether a terminal that reads UTF-8 does nothing but show this, in its colours."""
    text = COLOUR.sub("", data.decode("utf-8", "replace"))
    controls = {character for character in text if unicodedata.category(character) == "Cc"}
    turns = {c for c in text if unicodedata.bidirectional(c) in TURNS or c in "\u200e\u200f\u061c"}
    return controls <= set("\t\r\n") and not turns


@pytest.mark.row("Q02", "Q12", "Q13")
def test_odd_bytes_are_replayed_as_they_were(tmp_path: Path) -> None:
    """Whatever a task writes: fresh and as a hit, one block after the other, byte for byte."""
    home = Home.make(tmp_path, {})
    tasks = {name: speaker(home, data, name) for name, data in ODD.items()}
    home.place.make(tmp_path, tasks)
    line = ("run", "--workspace", "--output-mode", "buffered")
    for _ in ("fresh", "hit"):
        done = home.haz(*line, HAZ_MEMO="0")
        assert done.code == 0, done.err
        rest = done.out
        for data in sorted(ODD.values(), key=len, reverse=True):
            assert data in rest
            rest = rest.replace(data, b"", 1)
        assert rest == b""
    assert done.said(f"({len(ODD)} cached)")


@pytest.mark.row("Q02", "Q13")
def test_odd_bytes_are_whole_lines_when_shown_live(tmp_path: Path) -> None:
    """The name once before each line, one end added where none was, the same from the cache."""
    home = Home.make(tmp_path, {})
    home.place.make(tmp_path, {name: speaker(home, data, name) for name, data in ODD.items()})
    expected: Counter[bytes] = Counter()
    for name, data in ODD.items():
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        expected.update(f"[p:{name}] ".encode() + line for line in lines)
    for _ in ("fresh", "hit"):
        done = home.haz("run", "--workspace", HAZ_MEMO="0")
        assert Counter(done.out.removesuffix(b"\n").split(b"\n")) == expected
        assert done.out.endswith(b"\n")


@pytest.mark.row("Q03")
@pytest.mark.parametrize(
    ("tasks", "lines"), [(8, 400), pytest.param(50, 10_000, marks=pytest.mark.deep)]
)
def test_lines_of_many_tasks_stay_whole(tmp_path: Path, tasks: int, lines: int) -> None:
    """Live lines of tasks that write at once: each intact, each task's in their order."""
    home = Home.make(tmp_path, {f"t{n}": sh(f"seq -f {n}-%.0f {lines}") for n in range(tasks)})
    done = home.haz("run", "--workspace", "-j", str(tasks))
    heard: dict[str, list[int]] = defaultdict(list)
    for line in done.out.decode().splitlines():
        found = re.fullmatch(r"\[p:t(\d+)\] (\d+)-(\d+)", line)
        assert found is not None, line
        assert found[1] == found[2]
        heard[found[1]].append(int(found[3]))
    assert heard == {str(n): list(range(1, lines + 1)) for n in range(tasks)}


@pytest.mark.row("Q04")
def test_two_streams_have_no_common_order(tmp_path: Path) -> None:
    """Each stream keeps its own; what comes first of the two is as it was heard."""
    home = Home.make(tmp_path, {"t": sh("for n in 1 2 3; do echo o$n; echo e$n >&2; done")})
    for _ in ("fresh", "hit"):
        done = home.haz("run", "p:t", HAZ_MEMO="0")
        assert done.out == b"[p:t] o1\n[p:t] o2\n[p:t] o3\n"
        assert done.err.startswith(b"[p:t] e1\n[p:t] e2\n[p:t] e3\n")
    mixed = home.shell('exec "$@" run p:t 2>&1', HAZ_MEMO="0")
    lines = re.findall(rb"\] (.\d)\n", mixed.out)
    assert [line for line in lines if line.startswith(b"o")] == [b"o1", b"o2", b"o3"]
    assert [line for line in lines if line.startswith(b"e")] == [b"e1", b"e2", b"e3"]


@pytest.mark.row("Q05")
def test_a_terminal_is_not_told_what_to_do(tmp_path: Path) -> None:
    """Neither fresh nor from the cache does a sequence but a colour reach a terminal."""
    home = Home.make(tmp_path, {})
    data = b"".join(b"<" + escape + b">\n" for escape in ESCAPES) + b"\x1b[1;31mred\x1b[0m\n"
    home.place.make(tmp_path, {"t": speaker(home, data, "t"), "e": speaker(home, data, "e", "2")})
    for mode in ("live", "buffered"):
        words = [*HAZ, "run", "--workspace", "--output-mode", mode]
        env = {**home.env, "TERM": "xterm", "HAZ_MEMO": "0", "HAZ_PROGRESS": "never"}
        with on_terminal(words, cwd=home.root, env=env) as terminal:
            assert terminal.finish() == 0
        lines = [line for line in terminal.raw.split(b"\r\n") if b"<" in line]
        assert len(lines) == 2 * len(ESCAPES)
        for line in lines:
            assert is_safe(line), line
        assert terminal.raw.count(b"\x1b[1;31mred\x1b[0m") == 2
    done = home.haz("run", "--workspace", "--output-mode", "buffered", HAZ_MEMO="0")
    assert done.out == data  # the cache and a pipe have the bytes themselves


@pytest.mark.row("Q05")
@given(st.lists(st.binary(max_size=12), max_size=6), st.sampled_from(ESCAPES))
def test_no_cut_lets_a_sequence_through(pieces: list[bytes], escape: bytes) -> None:
    """However bytes are cut into writes, together they are as harmless as uncut."""
    data = b"".join([*pieces[:1], escape, *pieces[1:]])
    at = len(data) // 2
    writes = [Write(Target.STDOUT, data[:at]), Write(Target.STDOUT, data[at:])]
    cleaned = Harmless(lambda event, at: writes, [Target.STDOUT])(RunNote(""), 0.0)
    shown = b"".join(write.data for write in cleaned)
    assert shown == harmless(data)
    assert is_safe(shown)
    other = Harmless(lambda event, at: writes, [Target.STDERR])(RunNote(""), 0.0)
    assert b"".join(write.data for write in other) == data


@pytest.mark.row("Q06")
def test_a_task_cannot_speak_for_haz(tmp_path: Path) -> None:
    """What a task prints is behind its name, or text inside an event of its own."""
    forged = (
        '\n{"v":1,"type":"task_finished","task":"p:other","state":"completed"}\n'
        "[p:other] \\342\\234\\223 done in 1ms\\nTasks: 9 completed\\n"
    )
    home = Home.make(tmp_path, {"t": sh(f"printf '{forged}'")})
    done = home.haz("run", "--json", "p:t")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert {event.get("task", "p:t") for event in events} == {"p:t"}
    assert [event["seq"] for event in events] == list(range(len(events)))
    plain = home.haz("run", "-f", "p:t")
    assert all(line.startswith(b"[p:t] ") for line in plain.out.splitlines())
    assert plain.said("Tasks: 1 completed")


@pytest.mark.row("Q11")
def test_surroundings_without_a_terminal_give_plain_text(tmp_path: Path) -> None:
    """No TERM, a dumb one, NO_COLOR, CI, a width of nothing: the same plain bytes."""
    home = Home.make(tmp_path, {"t": sh("echo hi")})
    seen = set()
    surroundings: tuple[dict[str, str], ...] = (
        *({}, {"TERM": ""}, {"TERM": "nonsense", "NO_COLOR": "1"}),
        *({"CI": "true", "COLUMNS": "0"}, {"COLUMNS": "-1", "LINES": "x", "TERM": "linux"}),
    )
    for env in surroundings:
        home.env.update(env)
        done = home.haz("run", "-f", "p:t")
        err = re.sub(rb"\d+m?s( \d+ms)?", b"0ms", done.err)
        seen.add((done.code, done.out, err))
    ((code, out, err),) = seen
    assert (code, out) == (0, b"[p:t] hi\n")
    assert b"\x1b" not in err
    words = [*HAZ, "run", "-f", "p:t"]
    with on_terminal(words, cwd=home.root, env={**home.env, "TERM": "dumb"}) as terminal:
        terminal.resize(0, 0)
        assert terminal.finish() == 0
    assert b"\x1b[3" not in terminal.raw
