"""The command reference in docs is what the declarations say."""

from __future__ import annotations

import pytest

from tests import reference


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("commands.md", reference.markdown()),
        ("haz.1", reference.manual()),
        *reference.made_pages(),
    ],
    ids=lambda value: value if len(value) < 40 else "",
)
def test_the_reference_is_up_to_date(name: str, made: str) -> None:
    """`python -m tests.reference` would change nothing."""
    assert (reference.DOCS / name).read_text() == made


def test_every_command_is_there() -> None:
    """Commands in commands too, and every option with its help."""
    words = [command.words for command in reference.commands()]
    assert words[:2] == ["haz", "haz run"]
    assert "haz cache clean" in words
    rows = dict(next(c.rows for c in reference.commands() if c.words == "haz run"))
    assert "Example" in rows["-j, --jobs N|P%"]


@pytest.mark.parametrize(
    ("text", "line"),
    [(".x 'y'", "\\&.x 'y'"), ("'x", "\\&'x"), ("a\\b --c", "a\\eb \\-\\-c"), ("a\nb", "a b")],
)
def test_troff_is_not_taken_for_requests(text: str, line: str) -> None:
    """Backslashes, hyphens and leading dots are text."""
    assert reference._roff(text) == line
