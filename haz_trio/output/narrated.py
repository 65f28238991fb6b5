"""The narrated form of a diagnostic: plain sentences, unwrapped, nothing drawn (cli.md 8.4)."""

from __future__ import annotations

from haz_trio.errors import Diagnostic, Span
from haz_trio.output.places import message_of, shown_path
from haz_trio.output.snippet import shown_lines, source_line
from haz_trio.output.text import escape


def narrate(diagnostic: Diagnostic, header: str, cwd: str) -> list[str]:
    """The lines of one diagnostic behind its header."""
    first, *others = _lines(message_of(diagnostic))
    lines = [header + first, *others]
    lines.append(f"    Diagnostic severity: {diagnostic.severity.value}")
    for cause in dict.fromkeys(diagnostic.causes):
        first, *others = _lines(cause)
        lines += [f"    Caused by: {first}", *others]
    if diagnostic.span is not None:
        lines += _snippet(diagnostic.span, diagnostic.label, cwd)
    if diagnostic.help:
        first, *others = _lines(diagnostic.help)
        lines += [f"diagnostic help: {first}", *others]
    if diagnostic.code:
        lines.append(f"diagnostic code: {diagnostic.code}")
    for related in diagnostic.related:
        first, *others = _lines(message_of(related))
        lines += [f"related: {first}", *others]
        if related.span is not None and related.span != diagnostic.span:
            lines += _snippet(related.span, related.label, cwd)
    return lines


def _snippet(span: Span, label: str, cwd: str) -> list[str]:
    numbers = shown_lines(span)
    path = escape(shown_path(span.path, cwd))
    lines = [f"Begin snippet for {path} starting at line {numbers[0]}, column 1", ""]
    for number in numbers:
        # A tab stays one character: the columns below count characters.
        text = "\t".join(escape(part) for part in source_line(span, number).split("\t"))
        lines.append(f"snippet line {number}: {text}".rstrip())
        if number == span.line:
            lines.append(f"    label at line {number}, {_columns(span)}{_caption(label)}")
    return lines


def _columns(span: Span) -> str:
    """Columns in characters, both ends included."""
    end = span.end_column - 1
    if span.end_line != span.line:
        end = len(source_line(span, span.line))
    if end <= span.column:
        return f"column {span.column}"
    return f"columns {span.column} to {end}"


def _caption(label: str) -> str:
    return f": {escape(label)}" if label else ""


def _lines(text: str) -> list[str]:
    return [escape(line).rstrip() for line in text.rstrip("\n").split("\n")]
