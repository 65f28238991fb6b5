"""Every row of cli.md 16 that names an exit code or standard output, on real directories.

``python -m tests.cli.rows`` prints the same as a table. The screens of ``haz init`` (cli.md 13.4)
are in test_init_dialogue.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from tests.cli.rows.playing import Haz, Stage
from tests.cli.rows.reading import Expected, Row, Scene, read_tables
from tests.cli.rows.server import Answer
from tests.cli.rows.tally import count

SCENES = read_tables()
ROWS = [row for scene in SCENES for row in scene.rows]
PLACES = [(at, row) for at, scene in enumerate(SCENES) for row in scene.rows]

StageOf: TypeAlias = Callable[[int], Stage]


@pytest.fixture(scope="module")
def haz() -> Iterator[Haz]:
    with Haz.started() as started:
        yield started


@pytest.fixture(scope="module")
def stage_of(haz: Haz, tmp_path_factory: pytest.TempPathFactory) -> StageOf:
    """The stage of a scene, made when the first of its rows is played."""
    stages: dict[int, Stage] = {}

    def make(at: int) -> Stage:
        if at not in stages:
            stages[at] = Stage(haz, SCENES[at], tmp_path_factory.mktemp("scene"))
        return stages[at]

    return make


@pytest.mark.parametrize(("at", "row"), PLACES, ids=[row.name for row in ROWS])
def test_row(at: int, row: Row, stage_of: StageOf) -> None:
    """A row gives what the original gives, or what its reason says instead of it."""
    stage = stage_of(at)
    done = stage.play(row)
    assert stage.differences(row, row.expected, done) == []
    if row.ours:
        assert stage.differences(row, row.original, done), "it agrees: the reason is out of date"


def test_no_row_is_missing() -> None:
    """The tables have as many rows as those of the specification, each once."""
    counts = "A96 B43 C31 D37 E28 F116 K29 L43 I14 H12 J27 M20 O26 N18 P13"
    wanted = {word[0]: int(word[1:]) for word in counts.split()}
    assert Counter(row.name[0] for row in ROWS) == wanted
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_nearly_all_rows_agree() -> None:
    """95 of 100 rows agree, and each that differs names where that was decided."""
    tally = count(ROWS)
    assert tally.share >= 0.95, str(tally)
    decided = re.compile(r"(decisions|cli|config|execution|query|cache)\.md [\dB]")
    assert [row.name for row in ROWS if row.ours and not decided.match(row.reason)] == []


@pytest.mark.parametrize(
    ("expected", "complaint"),
    [
        (Expected(1, "a\nb\n", ("[p:t] said", "end"), ("a/haz.yml:4:14",)), ""),
        (Expected(1, "a\nb\n", (), ("CFG-021", "p:t")), ""),
        (Expected(0, "a\nb\n"), "exit code 1 instead of 0"),
        (Expected(1, "a\nb"), "standard output"),
        (Expected(1, "b\na\n"), "standard output"),
        (Expected(1, "b\na\n", mixed=True), "standard output"),
        (Expected(1, "a\nb\n", ("end", "[p:t] said")), "no line '[p:t] said\\n'"),
        (Expected(1, "a\nb\n", ("end", "[p:t] said"), mixed=True), ""),
        (Expected(1, "a\nb\n", ("[p:t] sai",)), "no line '[p:t] sai\\n'"),
        (Expected(1, "a\nb\n", (), ("CFG-02",)), "no word 'CFG-02'"),
        (Expected(1, "a\nb\n", (), ("haz.yml:4:13",)), "no word 'haz.yml:4:13'"),
    ],
)
def test_a_difference_is_noticed(
    expected: Expected, complaint: str, haz: Haz, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is compared: the exit code, every byte of standard output, lines in order, words."""
    stage = Stage(haz, Scene(()), tmp_path_factory.mktemp("none"))
    snippet = (
        "Begin snippet for haz.yml starting at line 3, column 1\n    label at line 4, column 14"
    )
    done = Answer(1, "a\nb\n", f"CFG-021\n[p:t] said\nmore\nend\n{snippet}: x\n")
    found = stage.differences(Row("X1", "a", "haz", expected), expected, done)
    assert bool(found) == bool(complaint)
    assert not found or found[0].startswith(complaint)
