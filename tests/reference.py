"""The reference in docs, made from the code: commands and manual page here, other pages by theirs.

``python -m tests.reference`` writes all; a test compares them with what it would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import typer

from haz_trio.cli.app import make_app
from tests import plan_states, reference_pages

DOCS = Path(__file__).resolve().parents[1] / "docs"

Declared: TypeAlias = Any  # Any: click's classes, which Typer keeps in a private module


@attrs.frozen
class Command:
    """A command as it is documented; ``rows`` are its arguments and options with their help."""

    words: str
    usage: str
    help: str
    rows: Sequence[tuple[str, str]]
    epilog: str = ""


def commands() -> list[Command]:
    """Every command, the program itself first, in the order of its help."""
    return list(_walk(typer.main.get_command(make_app()), "haz"))


def _walk(declared: Declared, words: str) -> Iterator[Command]:
    context = declared.context_class(declared, info_name=words, **declared.context_settings)
    pieces = " ".join([words, *declared.collect_usage_pieces(context)])
    records = [each.get_help_record(context) for each in declared.get_params(context)]
    rows = [(name, " ".join(text.split())) for name, text in filter(None, records)]
    yield Command(words, pieces, declared.help or "", rows, declared.epilog or "")
    for name, inner in getattr(declared, "commands", {}).items():
        if not inner.hidden:
            yield from _walk(inner, f"{words} {name}")


def markdown() -> str:
    """The reference as a page: a section for each command, a table for its options."""
    parts = ["# Commands", "Made by `python -m tests.reference` from what `haz --help` shows."]
    for command in commands():
        parts += [f"## {command.words}", command.help, f"```\n{command.usage}\n```"]
        rows = [f"| {_code(name)} | {_cell(text)} |" for name, text in command.rows]
        parts.append("\n".join(["| Word | Meaning |", "|---|---|", *rows]))
        if command.epilog:
            parts.append(command.epilog)
    return "\n\n".join(parts) + "\n"


def manual() -> str:
    """The reference as a page for man(1)."""
    lines = ['.TH HAZ 1 "" "haz-trio" "User Commands"', ".SH NAME"]
    lines.append("haz \\- task dependency graph runner for monorepos")
    for command in commands():
        lines += [f'.SH "{command.words.upper()}"', ".B " + _roff(command.usage), ".PP"]
        lines.append(_roff(command.help))
        for name, text in command.rows:
            lines += [".TP", ".B " + _roff(name), _roff(text)]
        if command.epilog:
            lines += [".PP", _roff(command.epilog)]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _roff(text: str) -> str:
    """Text as troff takes it: backslashes, hyphens that can be copied, no request at the start."""
    escaped = re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"))
    return " ".join(escaped.split())


def main() -> None:
    (DOCS / "commands.md").write_text(markdown())
    (DOCS / "haz.1").write_text(manual())
    for name, made in made_pages():
        (DOCS / name).write_text(made)


def made_pages() -> Iterator[tuple[str, str]]:
    """The other pages that are made from the code, by the name of their file."""
    yield from reference_pages.pages()
    yield "states.md", plan_states.page()


if __name__ == "__main__":
    main()
