"""The bytes of one configuration file into declarations and diagnostics; opens no file.

Bytes become text (``text.py``), text a tree with places (``reader.py``), the tree raw classes
(``schema.py``, ``structure.py``), and those what the model knows (``bodies.py`` and here).
Bad content never raises: every problem is a diagnostic with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from haz_trio.config.advice import pattern_remarks
from haz_trio.config.bodies import build_tasks
from haz_trio.config.nodes import Sheet
from haz_trio.config.reader import read_tree
from haz_trio.config.scalars import AUTO
from haz_trio.config.schema import (
    CacheDto,
    CleanDto,
    ConcurrencyDto,
    ExecutionDto,
    Name,
    OutputDto,
    OverlayDto,
    ProjectDto,
    WorkspaceDto,
)
from haz_trio.config.structure import structure
from haz_trio.config.text import decode
from haz_trio.errors import Diagnostic, InvalidTextError, Severity, SourceText, Span
from haz_trio.model.names import check_name, quote
from haz_trio.model.patterns import Pattern, parse_pattern
from haz_trio.model.tasks import Task
from haz_trio.model.workspace import Settings
from haz_trio.values import field, frozen

T = TypeVar("T")


@frozen
class Entry:
    """One entry of ``projects``; the pattern is workspace-absolute (CFG-010)."""

    pattern: Pattern
    place: Span


@frozen
class WorkspaceFile:
    """``workspace.yml``; nothing but ``diagnostics`` counts when one of them is an error."""

    entries: tuple[Entry, ...] = ()
    settings: Settings = field(factory=Settings)
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen
class ProjectFile:
    """``haz.yml``; ``name`` is ``None`` when it is missing or refused."""

    name: str | None = None
    name_place: Span | None = None
    tags: frozenset[str] = frozenset()
    tasks: Mapping[str, Task] = field(factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen
class OverlayFile:
    """An overlay; ``tags_filter`` is ``None`` when it is not given; ``place`` is its value's,
    or else the file's first character.
    """

    tags_filter: frozenset[str] | None = None
    tasks: Mapping[str, Task] = field(factory=dict)
    place: Span | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def parse_workspace_file(path: str, data: bytes) -> WorkspaceFile:
    """``.haz/workspace.yml`` (CFG-009, 010, 027 to 031, 034, 035)."""
    sheet, dto = _read(path, data, WorkspaceDto)
    if dto is None:
        return WorkspaceFile(diagnostics=sheet.sorted())
    entries = _entries(sheet, dto.projects or ())
    settings = _settings(sheet, dto)
    return WorkspaceFile(entries, settings, sheet.sorted())


def parse_project_file(path: str, data: bytes) -> ProjectFile:
    """``haz.yml`` (CFG-013 to 022, 032, 033)."""
    sheet, dto = _read(path, data, ProjectDto)
    if dto is None:
        return ProjectFile(diagnostics=sheet.sorted())
    name = None
    if dto.name is not None and _check(sheet, dto.name, "013", "the project name", "name"):
        name = dto.name.value
    tags = _tags(sheet, dto.tags or (), "014", "tags")
    tasks = build_tasks(sheet, dto.tasks, None)
    place = sheet.span(dto.name.place) if dto.name is not None else None
    return ProjectFile(name, place, tags, tasks, sheet.sorted())


def parse_overlay_file(path: str, data: bytes, name: str) -> OverlayFile:
    """``.haz/tasks/NAME.yml`` (CFG-024, 025); the tasks carry ``name`` as their source."""
    sheet, dto = _read(path, data, OverlayDto)
    if dto is None:
        return OverlayFile(diagnostics=sheet.sorted())
    tags_filter = None
    if dto.tags_filter is not None:
        tags_filter = _tags(sheet, dto.tags_filter, "024", "tagsFilter")
        line, column, *_ = place = dto.given.value("tagsFilter")
        if not dto.tags_filter:
            sheet.add(
                "024",
                "`tagsFilter` is empty, and would select nothing or everything",
                place,
                label="no tags",
                key_path="tagsFilter",
                help="leave the key out to reach every project",
            )
    else:
        line, column, *_ = dto.given.place
        place = (line, column, line, column + 1)
    tasks = build_tasks(sheet, dto.tasks, name)
    return OverlayFile(tags_filter, tasks, sheet.span(place), sheet.sorted())


def _read(path: str, data: bytes, cls: type[T]) -> tuple[Sheet, T | None]:
    text = decode(path, data)
    if isinstance(text, Diagnostic):
        source = text.span.source if text.span is not None else SourceText(path, ())
        return Sheet(source, [text]), None
    sheet = Sheet(text.source)
    root = read_tree(text, sheet)
    return sheet, structure(root, sheet, cls) if root is not None else None


def _check(sheet: Sheet, name: Name, code: str, what: str, key_path: str) -> bool:
    """Whether a name is an identifier; notes why not."""
    try:
        check_name(name.value)
    except InvalidTextError as problem:
        sheet.add(
            code,
            f"{what} {quote(name.value)} is refused: {problem}",
            name.place,
            label="refused",
            key_path=key_path,
            help="use letters, digits, `_` and `-`, starting with a letter or digit",
        )
        return False
    return True


def _tags(sheet: Sheet, names: tuple[Name, ...], code: str, key: str) -> frozenset[str]:
    seen: dict[str, Name] = {}
    for index, name in enumerate(names):
        if not _check(sheet, name, code, f"in `{key}`, the tag", f"{key}[{index}]"):
            continue
        first = seen.setdefault(name.value, name)
        if first is not name:
            sheet.add(
                code,
                f"the tag {quote(name.value)} occurs twice in `{key}`",
                name.place,
                label="again here",
                key_path=f"{key}[{index}]",
                help="remove one of the two",
                related=sheet.here("first occurrence here", first.place),
            )
    return frozenset(seen)


def _entries(sheet: Sheet, names: tuple[Name, ...]) -> tuple[Entry, ...]:
    found = []
    for index, name in enumerate(names):
        text, key_path = name.value, f"projects[{index}]"
        try:
            pattern = parse_pattern(text)
            if not pattern.is_absolute:
                raise InvalidTextError("it must start with `/`, which is the workspace root")
        except InvalidTextError as problem:
            sheet.add(
                "010",
                f"the entry {quote(text)} of `projects` is refused: {problem}",
                name.place,
                label="refused in `projects`",
                key_path=key_path,
                help="write a folder or a glob from the workspace root, such as `/lib`",
            )
            continue
        found.append(Entry(pattern, sheet.span(name.place)))
        for message in () if text.isascii() else pattern_remarks(pattern):
            sheet.add("010", message, name.place, key_path=key_path, severity=Severity.WARNING)
    return tuple(found)


def _settings(sheet: Sheet, dto: WorkspaceDto) -> Settings:
    """The settings that are given, and the defaults of the model for all others."""
    cache = dto.cache or CacheDto()
    clean = cache.clean or CleanDto()
    concurrency = dto.concurrency or ConcurrencyDto()
    execution = dto.execution or ExecutionDto()
    caps: dict[str, int] = {}
    for tag, cap in (concurrency.tags or {}).items():
        path = f"concurrency.tags.{tag.value}"
        if _check(sheet, tag, "029", "in `concurrency.tags`, the tag", path):
            caps[tag.value] = cap
    default = Settings()
    grace = execution.cancel_grace
    return Settings(
        hash=cache.hash or default.hash,
        max_age=clean.max_age,
        max_size=clean.max_size,
        concurrency=None if concurrency.default == AUTO else concurrency.default,
        tag_caps=caps,
        output_mode=(dto.output or OutputDto()).mode or default.output_mode,
        cancel_grace=default.cancel_grace if grace is None else grace,
        containment=execution.containment or default.containment,
        outputs=execution.outputs or default.outputs,
    )
