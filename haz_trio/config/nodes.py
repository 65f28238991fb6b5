"""The tree of a YAML file: scalars as written, sequences and mappings, each with its place."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from haz_trio.errors import Diagnostic, Severity, SourceText, Span
from haz_trio.values import frozen_with

Place: TypeAlias = tuple[int, int, int, int]
"""Line, column, end line, end column, counted from 0 as the YAML library does; the end is open."""

_NULLS = frozenset(("", "~", "null"))
_STANDARD = "tag:yaml.org,2002:"


@frozen_with(eq=False)
class Scalar:
    """``text`` is the source text without its quotes; ``tag`` is the resolved explicit tag."""

    text: str
    plain: bool
    tag: str | None
    place: Place

    @property
    def standard_tag(self) -> str:
        """``str`` for ``!!str`` and the like; empty without a tag and for local tags."""
        tag = self.tag
        if tag is None or not tag.startswith(_STANDARD):
            return ""
        return tag.removeprefix(_STANDARD)

    @property
    def is_null(self) -> bool:
        if self.tag is not None and (standard := self.standard_tag) in ("null", "str"):
            return standard == "null"
        return self._spells_null

    @property
    def is_omission(self) -> bool:
        """Whether a key with this value is as good as not given.

        That is so for null, and for its plain spelling also where ``!!str`` makes it a text
        elsewhere (haz 0.2.0, as it runs).
        """
        return self._spells_null or self.is_null

    @property
    def _spells_null(self) -> bool:
        return self.plain and (self.text in _NULLS or self.text.lower() == "null")

    @property
    def is_merge_key(self) -> bool:
        return self.text == "<<" and self.plain and self.tag is None


@frozen_with(eq=False)
class Sequence:
    items: tuple[Node, ...]
    place: Place


@frozen_with(eq=False)
class Mapping:
    """Keys and values in source order; merge keys have been applied, keys are unique as text."""

    entries: tuple[tuple[Node, Node], ...]
    place: Place


Node: TypeAlias = Scalar | Sequence | Mapping


@attrs.define
class Sheet:
    """One file while it is read: where it came from, and what was found wrong so far."""

    source: SourceText
    problems: list[Diagnostic] = attrs.field(factory=list)

    def span(self, place: Place) -> Span:
        """A place as a span; the library may set it behind the last line, a span never is."""
        line, column, end_line, end_column = place
        last = len(self.source.lines) - 1
        if line > last:
            line, column = last, len(self.source.lines[last])
        if end_line > last:
            end_line, end_column = last, len(self.source.lines[last])
        if (end_line, end_column) < (line, column):
            end_line, end_column = line, column
        return Span(self.source, line + 1, column + 1, end_line + 1, end_column + 1)

    def add(
        self,
        code: str,
        message: str,
        place: Place,
        *,
        label: str = "",
        key_path: str = "",
        help: str = "",
        related: tuple[Diagnostic, ...] = (),
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Note a problem; ``code`` is the number of a rule, or ``yaml``."""
        self.problems.append(
            Diagnostic(
                message,
                code=f"haz::cfg::{code}",
                span=self.span(place),
                label=label,
                key_path=key_path,
                help=help,
                related=related,
                severity=severity,
            )
        )

    def here(self, message: str, place: Place) -> tuple[Diagnostic]:
        """A place that belongs to a problem."""
        return (Diagnostic(message, span=self.span(place), label=message),)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """The problems in the order of their places."""
        return tuple(sorted(self.problems, key=_position))


def _position(problem: Diagnostic) -> tuple[int, int]:
    span = problem.span
    return (span.line, span.column) if span is not None else (0, 0)
