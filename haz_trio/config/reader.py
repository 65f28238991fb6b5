"""Text into a tree of nodes: anchors, one document, limits (CFG-002, CFG-003, config.md 3).

Scalars keep their source text; nothing here knows what a key means.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn, TypeAlias

import attrs
import yaml

from haz_trio.config.merging import build_mapping
from haz_trio.config.nodes import Node, Place, Scalar, Sequence, Sheet
from haz_trio.config.starts import free_starts
from haz_trio.config.syntax import MAX_DEPTH, TOO_DEEP, indicate_indent, report_syntax, soften_tab
from haz_trio.config.text import Text
from haz_trio.model.names import quote
from haz_trio.values import evolve, frozen

MAX_NODES = 250_000
MAX_TEXT = 64 << 20
MAX_ANCHORS = 50_000
MAX_ALIASES = 50_000
MAX_MERGES = 10_000
FREE_ALIASES = 100
ALIASES_PER_ANCHOR = 10
MAX_ATTEMPTS = 100  # one for each line whose tabs the library does not know to be harmless

LOADERS = tuple(
    getattr(yaml, name) for name in ("CSafeLoader", "SafeLoader") if hasattr(yaml, name)
)
Loader: TypeAlias = Any  # Any: the C and the Python loader have no common base class
Event: TypeAlias = Any  # Any: nor have their events a common type that is declared
_ANCHOR = re.compile(r"&[^\s,\[\]{}]+[ \t]+(?=[^\s#!])")


class _TooMuch(Exception):
    """A limit is passed, or the text cannot be read any further; the problem has been noted."""


@attrs.define
class _Frame:
    """An open sequence or mapping."""

    start: Place
    anchor: str | None
    is_mapping: bool
    is_flow: bool
    nodes_before: int
    children: list[Node] = attrs.field(factory=list)
    height: int = 0


@frozen
class _Anchored:
    """What an anchor names: a node, how many nodes it stands for, and how deep it is."""

    node: Node
    nodes: int
    height: int


def read_tree(text: Text, sheet: Sheet, loader: Loader = LOADERS[0]) -> Node | None:
    """The root node of the only document, or ``None`` when there is no readable one."""
    before = len(sheet.problems)
    for attempt in range(MAX_ATTEMPTS):
        text = free_starts(text, loader)
        builder = _Builder(text, sheet)
        try:
            for event in yaml.parse(text.parsed, Loader=loader):
                builder.feed(event)
            builder.check_aliases()
        except _TooMuch:
            return None
        except yaml.YAMLError as problem:
            last = attempt == MAX_ATTEMPTS - 1
            softened = None if last else _softened(text, problem, builder)
            if softened is None:
                report_syntax(sheet, text.parsed, problem, builder.innermost)
                return None
            text = evolve(text, parsed=softened)
            del sheet.problems[before:]
            continue
        break
    return builder.root


def _softened(text: Text, problem: yaml.YAMLError, builder: _Builder) -> str | None:
    """What the library can read, where it has stopped at a tab that YAML allows."""
    indicated = indicate_indent(text.parsed, problem, innermost=builder.innermost)
    return indicated or soften_tab(text.parsed, problem, in_flow=builder.in_flow)


class _Builder:
    """Builds the tree event by event, without recursion."""

    def __init__(self, text: Text, sheet: Sheet) -> None:
        self.root: Node | None = None
        self._text = text
        self._sheet = sheet
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: the anchored node is still open
        self._counts = {"nodes": 0, "text": 0, "anchors": 0, "aliases": 0, "merges": 0}
        self._documents = 0
        self._nodes = 0
        self._last_alias: Place = (0, 0, 0, 0)

    def feed(self, event: Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.SequenceStartEvent():
                self._open(event, is_mapping=False)
            case yaml.MappingStartEvent():
                self._open(event, is_mapping=True)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._document(event)
            case yaml.StreamEndEvent() if not self._documents:
                self._fail("the file is empty", event, "a mapping of keys to values is expected")

    @property
    def innermost(self) -> Place | None:
        """Where the innermost value that is still open begins."""
        return self._frames[-1].start if self._frames else None

    @property
    def in_flow(self) -> bool:
        """Whether the innermost value that is still open is written in brackets."""
        return bool(self._frames) and self._frames[-1].is_flow

    def check_aliases(self) -> None:
        aliases, anchors = self._counts["aliases"], self._counts["anchors"]
        if aliases > FREE_ALIASES and aliases > ALIASES_PER_ANCHOR * anchors:
            self._sheet.add(
                "yaml",
                f"{aliases} aliases for {anchors} anchors are too many",
                self._last_alias,
                label="the last alias",
                help=f"beyond {FREE_ALIASES} aliases, an anchor may have "
                f"{ALIASES_PER_ANCHOR} of them on average; write some values out",
            )
            raise _TooMuch

    # -- events -------------------------------------------------------------------------------

    def _document(self, event: Event) -> None:
        self._documents += 1
        if self._documents > 1:
            self._fail(
                "the file holds more than one YAML document",
                event,
                "remove the extra `---` separator: one file, one document",
            )

    def _scalar(self, event: Event) -> None:
        value = event.value
        if self._text.replaced:
            value = self._text.original(value)
        if not value.isascii():
            self._check_surrogates(value, event)
        place = _place(event)
        if event.anchor is not None:
            place = self._behind_anchor(event, place)
        self._count_nodes(1, event)
        self._count("text", len(value), MAX_TEXT, "characters of text", event)
        node = Scalar(value, event.style is None or event.style == "", event.tag, place)
        if node.text == "<<" and node.is_merge_key:
            self._count("merges", 1, MAX_MERGES, "merge keys", event)
        if event.anchor is not None:
            self._anchor(event.anchor, _Anchored(node, 1, 0), event)
        self._attach(node, 0)

    def _open(self, event: Event, *, is_mapping: bool) -> None:
        self._check_depth(1, event)
        place = _place(event)
        if event.anchor is not None:
            place = self._behind_anchor(event, place)
            self._anchor(event.anchor, None, event)
        self._frames.append(
            _Frame(place, event.anchor, is_mapping, bool(event.flow_style), self._nodes)
        )
        self._count_nodes(1, event)

    def _close(self, event: Event) -> None:
        frame = self._frames.pop()
        end = event.end_mark
        place = (frame.start[0], frame.start[1], end.line, end.column)
        if event.start_mark.index == end.index and frame.children:
            # the end of a block is seen only at the next token; what ends it is its last child
            last = frame.children[-1].place
            if last[2:] > frame.start[:2]:
                place = (frame.start[0], frame.start[1], last[2], last[3])
        node: Node
        if frame.is_mapping:
            node = build_mapping(self._sheet, frame.children, place)
        else:
            node = Sequence(tuple(frame.children), place)
        if frame.anchor is not None:
            nodes = self._nodes - frame.nodes_before
            self._anchors[frame.anchor] = _Anchored(node, nodes, frame.height + 1)
        self._attach(node, frame.height + 1)

    def _alias(self, event: Event) -> None:
        self._count("aliases", 1, MAX_ALIASES, "aliases", event)
        self._last_alias = _place(event)
        if event.anchor not in self._anchors:
            self._fail(
                f"the alias `*{event.anchor}` names no anchor",
                event,
                f"put `&{event.anchor}` before the value that is meant, above this line; "
                "text that starts with `*` needs quotes",
            )
        anchored = self._anchors[event.anchor]
        if anchored is None:
            self._fail(
                f"the alias `*{event.anchor}` stands inside the value that it names",
                event,
                "a value cannot contain itself",
            )
        self._count_nodes(anchored.nodes, event)
        self._check_depth(anchored.height, event)
        self._attach(anchored.node, anchored.height)

    # -- helpers ------------------------------------------------------------------------------

    def _attach(self, node: Node, height: int) -> None:
        if not self._frames:
            self.root = node
            return
        frame = self._frames[-1]
        frame.children.append(node)
        frame.height = max(frame.height, height)

    def _anchor(self, name: str, anchored: _Anchored | None, event: Event) -> None:
        self._count("anchors", 1, MAX_ANCHORS, "anchors", event)
        self._anchors[name] = anchored

    def _behind_anchor(self, event: Event, place: Place) -> Place:
        """The place of the value itself when its anchor stands before it on the same line."""
        found = _ANCHOR.match(self._text.parsed, event.start_mark.index)
        if found is None:
            return place
        return (place[0], place[1] + len(found[0]), place[2], place[3])

    def _check_surrogates(self, value: str, event: Event) -> None:
        if any("\ud800" <= character <= "\udfff" for character in value):
            self._fail(
                f"the text {quote(value)} holds half of a surrogate pair",
                event,
                "write the character itself, or both halves",
            )

    def _check_depth(self, more: int, event: Event) -> None:
        if len(self._frames) + more > MAX_DEPTH:
            message, help = TOO_DEEP
            self._fail(message, event, help)

    def _count_nodes(self, more: int, event: Event) -> None:
        self._nodes += more
        if self._nodes > MAX_NODES:
            self._limit(MAX_NODES, "values", event)

    def _count(self, what: str, more: int, limit: int, noun: str, event: Event) -> None:
        self._counts[what] += more
        if self._counts[what] > limit:
            self._limit(limit, noun, event)

    def _limit(self, limit: int, noun: str, event: Event) -> None:
        self._fail(
            f"the file has more than {limit:,} {noun}",
            event,
            "aliases count as what they stand for; distribute the tasks over several projects",
        )

    def _fail(self, message: str, event: Event, help: str) -> NoReturn:
        self._sheet.add("yaml", message, _place(event), label="here", help=help)
        raise _TooMuch


def _place(event: Event) -> Place:
    start, end = event.start_mark, event.end_mark
    return (start.line, start.column, end.line, end.column)
