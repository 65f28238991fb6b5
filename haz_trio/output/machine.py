"""Diagnostics as JSON, for editors and other programs (cli.md 8.5)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from haz_trio.errors import Diagnostic
from haz_trio.output.places import rule_of, shown_path


def to_json(diagnostics: Sequence[Diagnostic], *, cwd: str) -> str:
    """A line with an object for each problem; lines and columns count characters from 1.

    A problem without a place has null for ``file`` and the numbers; the end is exclusive.
    Bytes of a path that are no UTF-8 are lone surrogates (``\\udcff``), as Python carries them.
    """
    return "".join(json.dumps(found) + "\n" for found in to_objects(diagnostics, cwd=cwd))


def note_as_json(message: str) -> str:
    """A remark that is no problem, in a line like those of problems."""
    return json.dumps({"severity": "note", "message": message}) + "\n"


def to_objects(diagnostics: Sequence[Diagnostic], *, cwd: str) -> list[dict[str, object]]:
    """The same objects, for a document that holds more than diagnostics."""
    return [_as_object(diagnostic, cwd) for diagnostic in diagnostics]


def _as_object(diagnostic: Diagnostic, cwd: str) -> dict[str, object]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "rule": rule_of(diagnostic),
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": shown_path(span.path, cwd) if span else None,
        "line": span.line if span else None,
        "col": span.column if span else None,
        "endLine": span.end_line if span else None,
        "endCol": span.end_column if span else None,
        "keyPath": diagnostic.key_path,
        "label": diagnostic.label,
        "help": diagnostic.help,
        "causes": list(diagnostic.causes),
        "related": [_as_object(related, cwd) for related in diagnostic.related],
    }
