"""Pairs of keys and values into a mapping: duplicate keys are refused, merge keys applied.

A merge key takes a mapping or a list of mappings; keys of the mapping itself win wherever ``<<``
stands, and among several sources the later one wins, as in the original.
"""

from __future__ import annotations

from collections.abc import Iterator

from haz_trio.config.nodes import Mapping, Node, Place, Scalar, Sequence, Sheet
from haz_trio.errors import Severity
from haz_trio.model.names import quote


def build_mapping(sheet: Sheet, nodes: list[Node], place: Place) -> Mapping:
    """A mapping of alternating keys and values; what is wrong with it goes to ``sheet``."""
    entries: list[tuple[Node, Node]] = []
    seen: dict[str, Scalar] = {}
    sources: list[Mapping] = []
    for index in range(0, len(nodes), 2):
        key, value = nodes[index], nodes[index + 1]
        if isinstance(key, Scalar):
            if key.is_merge_key:
                sources.extend(_sources(sheet, value))
                continue
            if (first := seen.setdefault(key.text, key)) is not key:
                _duplicate(sheet, first, key)
                continue
        entries.append((key, value))
    if sources:
        entries.extend(_merged(sheet, sources, seen))
    return Mapping(tuple(entries), place)


def _duplicate(sheet: Sheet, first: Scalar, key: Scalar) -> None:
    sheet.add(
        "yaml",
        f"the key {quote(key.text)} occurs twice in one mapping",
        key.place,
        label="again here",
        help="keys are compared as text; keep one of them",
        related=sheet.here("first occurrence here", first.place),
    )


def _sources(sheet: Sheet, value: Node) -> Iterator[Mapping]:
    match value:
        case Mapping():
            yield value
        case Sequence(items):
            for item in items:
                yield from _sources(sheet, item)
        case Scalar():
            if value.is_omission:
                return
            sheet.add(
                "yaml",
                f"`<<` merges mappings, and {quote(value.text)} is none",
                value.place,
                label="not a mapping",
                help="write `<<: *anchor`, or `<<: [*one, *two]`, where the anchors are mappings",
            )


def _merged(
    sheet: Sheet, sources: list[Mapping], own: dict[str, Scalar]
) -> Iterator[tuple[Node, Node]]:
    merged: dict[str, tuple[Node, Node]] = {}
    for source in sources:
        for key, value in source.entries:
            if not isinstance(key, Scalar):
                yield key, value
                continue
            if key.text in own:
                continue
            before = merged.get(key.text)
            if before is not None and before[1] is not value:
                _overridden(sheet, before[0], key)
            merged[key.text] = (key, value)
    yield from merged.values()


def _overridden(sheet: Sheet, before: Node, key: Scalar) -> None:
    sheet.add(
        "yaml",
        f"two sources of one merge define {quote(key.text)}; the later one is taken",
        key.place,
        label="taken",
        help="define the key beside `<<` to say which value is meant",
        related=sheet.here("not taken", before.place),
        severity=Severity.WARNING,
    )
