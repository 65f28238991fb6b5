"""Tests of haz_trio.output.diagnostics: drawn, narrated and JSON, as they are printed."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.errors import Diagnostic, Severity, SourceText, Span
from haz_trio.output.columns import cells, display_width
from haz_trio.output.diagnostics import Style, render_diagnostics, render_error, style_for
from haz_trio.output.palette import Drawing
from haz_trio.output.places import rule_of, shown_path
from haz_trio.values import evolve

SOURCE = SourceText(
    "/ws/lib/haz.yml",
    ("name: lib", "tasks:", "  build:", "    command: make all", "    # the end"),
)


def at(line: int, column: int, end: int, source: SourceText = SOURCE) -> Span:
    return Span(source, line, column, line, end)


PROBLEM = Diagnostic(
    "expected a list like `[a, b]`, found the text `make all`",
    code="haz::cfg::021",
    span=at(4, 14, 22),
    label="a list belongs here",
    key_path="tasks.build.command",
    help="write the words as a list, or use `shell`:\n  command: [make, all]",
)
DRAWN = """\
haz::cfg::021

  × expected a list like `[a, b]`, found the text `make all` (at
  │ `tasks.build.command`)
   ╭─[lib/haz.yml:4:14]
 3 │   build:
 4 │     command: make all
   ·              ────┬───
   ·                  ╰── a list belongs here
 5 │     # the end
   ╰────
  help: write the words as a list, or use `shell`:
          command: [make, all]

"""


def render(*diagnostics: Diagnostic, headline: str = "", style: Style = Style.PRETTY) -> str:
    return render_diagnostics(diagnostics, headline=headline, style=style, cwd="/ws")


def test_a_problem_with_a_place() -> None:
    """Code, sentence, snippet and help, in the shape of cli.md 8.3."""
    assert render(PROBLEM) == DRAWN


def test_ascii() -> None:
    """A terminal that shows no UTF-8 gets the same drawn with ASCII characters."""
    assert render(PROBLEM, style=Style.ASCII) == (
        "haz::cfg::021\n\n"
        "  x expected a list like `[a, b]`, found the text `make all` (at\n"
        "  | `tasks.build.command`)\n"
        "   ,-[lib/haz.yml:4:14]\n"
        " 3 |   build:\n"
        " 4 |     command: make all\n"
        "   :              ^^^^|^^^\n"
        "   :                  `-- a list belongs here\n"
        " 5 |     # the end\n"
        "   `----\n"
        "  help: write the words as a list, or use `shell`:\n"
        "          command: [make, all]\n\n"
    )


def test_narrated() -> None:
    """Plain sentences with inclusive columns, in the order of cli.md 8.4."""
    assert render(evolve(PROBLEM, causes=("why",)), style=Style.NARRATED) == (
        "expected a list like `[a, b]`, found the text `make all` (at `tasks.build.command`)\n"
        "    Diagnostic severity: error\n"
        "    Caused by: why\n"
        "Begin snippet for lib/haz.yml starting at line 3, column 1\n\n"
        "snippet line 3:   build:\n"
        "snippet line 4:     command: make all\n"
        "    label at line 4, columns 14 to 21: a list belongs here\n"
        "snippet line 5:     # the end\n"
        "diagnostic help: write the words as a list, or use `shell`:\n"
        "  command: [make, all]\n"
        "diagnostic code: haz::cfg::021\n\n"
    )


def test_json() -> None:
    """Every field of a problem under the names of cli.md 8.5, numbers from 1, end exclusive."""
    owner = Diagnostic("the first one", span=at(1, 7, 10))
    text = render(evolve(PROBLEM, related=(owner,)), headline="ignored", style=Style.JSON)
    problems = [json.loads(line) for line in text.splitlines()]
    assert len(problems) == 1
    related = problems[0].pop("related")
    assert problems[0] == {
        "code": "haz::cfg::021",
        "rule": "CFG-021",
        "severity": "error",
        "message": PROBLEM.message,
        "file": "lib/haz.yml",
        "line": 4,
        "col": 14,
        "endLine": 4,
        "endCol": 22,
        "keyPath": "tasks.build.command",
        "label": "a list belongs here",
        "help": PROBLEM.help,
        "causes": [],
    }
    assert (related[0]["message"], related[0]["line"], related[0]["related"]) == (
        "the first one",
        1,
        [],
    )


def test_json_without_a_place() -> None:
    """What has no place has null there, and undecodable bytes survive as surrogates."""
    text = render(Diagnostic("bad \udcff (DAG-014)"), style=Style.JSON)
    problem = json.loads(text)
    assert text.isascii()
    assert (problem["file"], problem["line"], problem["endCol"]) == (None, None, None)
    assert (problem["rule"], problem["message"]) == ("DAG-014", "bad \udcff (DAG-014)")
    assert render(style=Style.JSON) == ""


def test_several_problems() -> None:
    """A headline, then each problem behind its severity, with or without a code."""
    text = render(
        PROBLEM,
        Diagnostic("cannot read /ws/b/haz.yml", causes=("permission denied",)),
        Diagnostic("x.txt is ignored (CFG-023)", severity=Severity.WARNING),
        headline="3 configuration error(s) found",
    )
    assert text == (
        "  × 3 configuration error(s) found\n\n"
        f"Error: {DRAWN}"
        "Error: \n  × cannot read /ws/b/haz.yml\n  ╰─▶ permission denied\n\n"
        "Warning: \n  ! warning: x.txt is ignored (CFG-023)\n\n"
    )


def test_several_problems_narrated() -> None:
    """The same blocks without a drawing."""
    text = render(
        Diagnostic("one"),
        Diagnostic("two", severity=Severity.WARNING),
        headline="2 configuration error(s) found",
        style=Style.NARRATED,
    )
    assert text == (
        "2 configuration error(s) found\n    Diagnostic severity: error\n\n"
        "Error: one\n    Diagnostic severity: error\n\n"
        "Warning: two\n    Diagnostic severity: warning\n\n"
    )


def test_one_problem_below_a_headline() -> None:
    """The headline is the first sentence, and the problem its cause."""
    text = render(Diagnostic("no root found", causes=("start: /ws",)), headline="discovery failed")
    assert text == "  × discovery failed\n  ├─▶ no root found\n  ╰─▶ start: /ws\n\n"


def test_warnings_alone() -> None:
    """Without a headline, warnings stand for themselves."""
    text = render(Diagnostic("a", severity=Severity.WARNING), Diagnostic("b"))
    assert text == "  ! warning: a\n\n  × b\n\n"


def test_render_error() -> None:
    """A problem without a place, drawn and narrated."""
    causes = ["`nope:x` names no project", "`lib:y` names no task"]
    assert render_error("target resolution failed", causes) == (
        "  × target resolution failed\n"
        "  ├─▶ `nope:x` names no project\n"
        "  ╰─▶ `lib:y` names no task\n\n"
    )
    assert render_error("target resolution failed", causes, style=Style.NARRATED) == (
        "target resolution failed\n"
        "    Diagnostic severity: error\n"
        "    Caused by: `nope:x` names no project\n"
        "    Caused by: `lib:y` names no task\n\n"
    )


def test_causes_wrap_below_themselves() -> None:
    """Continuations keep their margins, also those of a list inside a cause."""
    cause = "2 error(s) during construction:\n  1. task `p:a`: reference `~:nope` finds nothing"
    text = render_diagnostics([Diagnostic("graph failed", causes=("first " * 9, cause))], width=46)
    assert text == (
        "  × graph failed\n"
        "  ├─▶ first first first first first first\n"
        "  │   first first first\n"
        "  ╰─▶ 2 error(s) during construction:\n"
        "        1. task `p:a`: reference `~:nope`\n"
        "           finds nothing\n\n"
    )


def test_repeated_causes_are_said_once() -> None:
    """A chain whose levels quote each other is not printed twice (cli.md 8.5)."""
    assert render(Diagnostic("a", causes=("a", "b", "b"))) == "  × a\n  ╰─▶ b\n\n"


def test_related_places() -> None:
    """Each further place has its note and its snippet, unless a cause or the problem has it."""
    problem = Diagnostic(
        "the name is taken",
        span=at(1, 7, 10),
        causes=("it waits",),
        related=(
            Diagnostic("the first owner", span=at(3, 3, 8), label="here"),
            Diagnostic("it waits", span=at(4, 5, 12)),
            Diagnostic("no place", span=at(1, 7, 10)),
        ),
    )
    assert (
        render(problem)
        == """\
  × the name is taken
  ╰─▶ it waits
   ╭─[lib/haz.yml:1:7]
 1 │ name: lib
   ·       ───
 2 │ tasks:
   ╰────
  note: the first owner
   ╭─[lib/haz.yml:3:3]
 2 │ tasks:
 3 │   build:
   ·   ──┬──
   ·     ╰── here
 4 │     command: make all
   ╰────
   ╭─[lib/haz.yml:4:5]
 3 │   build:
 4 │     command: make all
   ·     ───────
 5 │     # the end
   ╰────
  note: no place

"""
    )


def test_narrated_related_places() -> None:
    """A further place is told behind the code."""
    owner = Diagnostic("the first owner", span=at(1, 7, 10), label="here")
    text = render(Diagnostic("taken", code="c", related=(owner,)), style=Style.NARRATED)
    assert text.splitlines()[2:] == [
        "diagnostic code: c",
        "related: the first owner",
        "Begin snippet for lib/haz.yml starting at line 1, column 1",
        "",
        "snippet line 1: name: lib",
        "    label at line 1, columns 7 to 9: here",
        "snippet line 2: tasks:",
        "",
    ]


@pytest.mark.parametrize(
    ("line", "column", "end", "drawn"),
    [
        (("a: x"), 4, 5, ("   ┬", "   ╰── here")),
        (("a: xy"), 4, 6, ("   ─┬", "    ╰── here")),
        (("a: "), 4, 4, ("   ▲", "   ╰── here")),
        (("a:"), 9, 9, ("  ▲", "  ╰── here")),
        (("\ta: x"), 5, 6, ("       ┬", "       ╰── here")),
        (("a\t: x"), 5, 6, ("      ┬", "      ╰── here")),
        (("日本: x"), 5, 6, ("      ┬", "      ╰── here")),
        (("日本: x"), 1, 3, ("──┬─", "  ╰── here")),
        (("e\u0301: x"), 5, 6, ("   ┬", "   ╰── here")),
        (("\x1b[2J: x"), 7, 8, ("           ┬", "           ╰── here")),
        (("a: \x1b"), 4, 5, ("   ───┬──", "      ╰── here")),
    ],
)
def test_the_mark_stands_below_its_place(
    line: str, column: int, end: int, drawn: tuple[str, str]
) -> None:
    """Tabs, wide, combining and escaped characters move the mark as they move the text."""
    source = SourceText("/ws/x", (line,))
    text = render(Diagnostic("m", span=at(1, column, end, source), label="here"))
    assert tuple(text.splitlines()[3:5]) == tuple(f"   · {part}" for part in drawn)


LINE = st.text(alphabet=st.sampled_from("ab: \t日ｆ\u0301🎉\x1b\udcff"), min_size=1, max_size=40)


@given(LINE, st.data())
def test_the_column_of_the_mark(line: str, data: st.DataObject) -> None:
    """The first stroke stands in the column that the text before the place takes."""
    column = data.draw(st.integers(1, len(line)))
    end = data.draw(st.integers(column, len(line) + 1))
    source = SourceText("/ws/x", (line,))
    lines = render(Diagnostic("m", span=at(1, column, end, source))).splitlines()
    shown, stroke = lines[2].removeprefix(" 1 │ "), lines[3].removeprefix("   · ")
    before = "".join(cells(line)[: column - 1])
    assert len(stroke) - len(stroke.lstrip(" ")) == display_width(before)
    assert stroke.strip() in ("▲", "─" * display_width("".join(cells(line)[column - 1 : end - 1])))
    assert ("".join(cells(line))).rstrip() == shown or not line.strip()
    assert "\x1b" not in "".join(lines)


def test_a_span_over_several_lines_marks_its_first_one() -> None:
    """The mark goes to the end of the line in which the span begins."""
    problem = Diagnostic("m", span=Span(SOURCE, 3, 3, 5, 4))
    assert render(problem).splitlines()[1:] == [
        "   ╭─[lib/haz.yml:3:3]",
        " 2 │ tasks:",
        " 3 │   build:",
        "   ·   ──────",
        " 4 │     command: make all",
        "   ╰────",
        "",
    ]
    assert "line 3, columns 3 to 8" in render(problem, style=Style.NARRATED)


def test_a_place_behind_the_end_of_a_file() -> None:
    """An unexpected end is shown as an empty line."""
    problem = Diagnostic("the end came early", span=at(6, 1, 1))
    assert render(problem).splitlines()[1:] == [
        "   ╭─[lib/haz.yml:6:1]",
        " 5 │     # the end",
        " 6 │",
        "   · ▲",
        "   ╰────",
        "",
    ]
    empty = Diagnostic("nothing", span=at(1, 1, 1, SourceText("/ws/x", ())))
    assert render(empty).splitlines()[1:3] == ["   ╭─[x:1:1]", " 1 │"]


def test_line_numbers_are_aligned() -> None:
    """From line 9 to line 10 the gutter is as wide as the widest number."""
    source = SourceText("/ws/x", tuple("abcdefghijk"))
    assert render(Diagnostic("m", span=at(9, 1, 2, source))).splitlines()[1:] == [
        "    ╭─[x:9:1]",
        "  8 │ h",
        "  9 │ i",
        "    · ─",
        " 10 │ j",
        "    ╰────",
        "",
    ]


@pytest.mark.parametrize("column", [1, 150, 50_000, 99_999])
def test_a_very_long_line_is_cut_around_its_place(column: int) -> None:
    """The place and what is around it are shown, and the mark still stands below it."""
    line = "ab" * 50_000
    source = SourceText("/ws/x", (line, line))
    lines = render(Diagnostic("m", span=at(1, column, column + 1, source))).splitlines()
    shown, stroke = lines[2].removeprefix(" 1 │ "), lines[3].removeprefix("   · ")
    assert display_width(shown) <= 201
    assert shown[stroke.index("─")] == line[column - 1]
    assert shown.startswith("…") == (column > 101)
    assert shown.endswith("…") == (column < 99_900)
    assert all(len(each) < 220 for each in lines)


@pytest.mark.parametrize("far", [0, 5_000])
def test_a_line_without_any_width_is_cut_as_well(far: int) -> None:
    """Where characters take no column, the ellipses still say that there is more of the line."""
    line = "\u0301" * far + "x" + "\u0301" * 5_000
    span = at(1, far + 1, far + 2, SourceText("/ws/x", (line,)))
    lines = render(Diagnostic("m", span=span)).splitlines()
    shown, stroke = lines[2].removeprefix(" 1 │ "), lines[3].removeprefix("   · ")
    assert shown.replace("\u0301", "") == ("…x…" if far else "x…")
    assert stroke == (" ─" if far else "─")


@pytest.mark.parametrize("column", [1, 500_000])
def test_the_rest_of_a_long_line_costs_nothing(column: int) -> None:
    """A file that a program wrote on one line may have a thousand places to show."""
    line = "ab" * 500_000
    problem = Diagnostic("m", span=at(2, column, len(line), SourceText("/ws/x", (line,) * 3)))
    tracemalloc.start()
    try:
        render(problem)
        assert tracemalloc.get_traced_memory()[1] < len(line) // 10
    finally:
        tracemalloc.stop()


def test_names_move_no_cursor() -> None:
    """Control characters in sentences, paths, labels and help are spelled out."""
    source = SourceText("/ws/a\x1b[2J\n.yml", ("x\x07",))
    evil = "\x1b]0;t\x07"
    problem = Diagnostic(
        evil, span=at(1, 1, 2, source), label=evil, help=evil, causes=(evil + "!",)
    )
    for style in (Style.PRETTY, Style.ASCII, Style.NARRATED, Style.JSON):
        text = render(problem, style=style)
        assert all(c.isprintable() or c == "\n" for c in text)


def test_colour_changes_no_text() -> None:
    """Without its escapes, a coloured report is the plain one, also where lines wrap."""
    import re

    wide = evolve(PROBLEM, message="word " * 40, causes=("cause " * 40, "last " * 40))
    problems = [wide, evolve(wide, severity=Severity.WARNING, related=(PROBLEM,))]
    plain = render_diagnostics(problems, headline="2 problems", cwd="/ws")
    coloured = render_diagnostics(problems, headline="2 problems", cwd="/ws", colour=True)
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert "\x1b[31mhaz::cfg::021\x1b[0m" in coloured


@given(st.integers(0, 120), st.lists(st.text("ab ", min_size=1, max_size=30), max_size=8))
def test_lines_fit(width: int, words: list[str]) -> None:
    """Nothing but a single long word or the source itself is wider than the terminal."""
    text = render_diagnostics([Diagnostic("m", causes=tuple(words), help="h " * 50)], width=width)
    assert max(map(len, text.splitlines())) <= max(width - 2, 40)


@pytest.mark.parametrize(
    ("path", "cwd", "shown"),
    [
        ("/ws/lib/haz.yml", "/ws", "lib/haz.yml"),
        ("/ws/lib/haz.yml", "/ws/lib", "haz.yml"),
        ("/ws/lib/haz.yml", "/ws/li", "/ws/lib/haz.yml"),
        ("/ws/lib/haz.yml", "/ws/lib/src", "/ws/lib/haz.yml"),
        ("/ws/lib/haz.yml", "/", "ws/lib/haz.yml"),
        ("/ws/lib/haz.yml", "", "/ws/lib/haz.yml"),
    ],
)
def test_shown_path(path: str, cwd: str, shown: str) -> None:
    """Relative below the current directory, absolute elsewhere."""
    assert shown_path(path, cwd) == shown


@pytest.mark.parametrize(
    ("code", "message", "rule"),
    [
        ("haz::cfg::021", "x (DAG-001)", "CFG-021"),
        ("haz::cfg::yaml", "x", ""),
        ("haz::cfg::yaml", "x (CFG-004)", "CFG-004"),
        ("", "cyclic dependency among 3 tasks (DAG-014)", "DAG-014"),
        ("", "a plain sentence", ""),
    ],
)
def test_rule_of(code: str, message: str, rule: str) -> None:
    """A rule comes from the code, else from the sentence."""
    assert rule_of(Diagnostic(message, code=code)) == rule


@pytest.mark.parametrize(
    ("env", "drawing", "style"),
    [
        ({}, Drawing.UNICODE, Style.PRETTY),
        ({}, Drawing.ASCII, Style.ASCII),
        ({"NO_GRAPHICS": "1"}, Drawing.ASCII, Style.NARRATED),
        ({"NO_GRAPHICS": ""}, Drawing.UNICODE, Style.NARRATED),
        ({"NO_GRAPHICS": "0"}, Drawing.UNICODE, Style.PRETTY),
    ],
)
def test_style_for(env: dict[str, str], drawing: Drawing, style: Style) -> None:
    """NO_GRAPHICS narrates whatever its value, but for 0 (cli.md 4)."""
    assert style_for(env, drawing) is style
