"""Short ways to parse one file and to look at what was said about it."""

from __future__ import annotations

from haz_trio.config.files import (
    OverlayFile,
    ProjectFile,
    WorkspaceFile,
    parse_overlay_file,
    parse_project_file,
    parse_workspace_file,
)
from haz_trio.errors import Diagnostic, Severity

File = WorkspaceFile | ProjectFile | OverlayFile
PATH = "/ws/file.yml"


def parse(kind: str, text: str | bytes) -> File:
    """A file of a kind: ``workspace``, ``project`` or ``overlay``."""
    data = text if isinstance(text, bytes) else text.encode()
    match kind:
        case "workspace":
            return parse_workspace_file(PATH, data)
        case "project":
            return parse_project_file(PATH, data)
        case _:
            return parse_overlay_file(PATH, data, "over")


def project(text: str | bytes) -> ProjectFile:
    file = parse("project", text)
    assert isinstance(file, ProjectFile)
    return file


def workspace(text: str | bytes) -> WorkspaceFile:
    file = parse("workspace", text)
    assert isinstance(file, WorkspaceFile)
    return file


def errors(file: File) -> list[Diagnostic]:
    return [d for d in file.diagnostics if d.severity is Severity.ERROR]


def warnings(file: File) -> list[Diagnostic]:
    return [d for d in file.diagnostics if d.severity is Severity.WARNING]


def brief(diagnostic: Diagnostic) -> tuple[str, str]:
    """Code and place of a diagnostic: ``("004", "1:7")``."""
    span = diagnostic.span
    assert span is not None, diagnostic
    return diagnostic.code.removeprefix("haz::cfg::"), f"{span.line}:{span.column}"


def marked(diagnostic: Diagnostic) -> str:
    """The text below which a diagnostic draws its line; spans of one line only."""
    span = diagnostic.span
    assert span is not None
    assert span.line == span.end_line
    return span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]


def body(text: str) -> str:
    """A project file with one task ``t`` whose body is ``text``."""
    return "name: a\ntasks:\n  t:\n" + "".join(f"    {line}\n" for line in text.split("\n"))
