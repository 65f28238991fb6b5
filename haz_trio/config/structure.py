"""Nodes into the classes of ``schema.py``, through cattrs; every misfit is noted, none raises.

A hook takes a ``Spot``, which is a node with its key path and the rule that it falls under.
A hook that cannot give a value notes why and raises ``Unreadable``; the mapping or list around it
catches that and goes on with the next.
"""

from __future__ import annotations

import difflib
import enum
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin

import attrs
import cattrs

from haz_trio.config import scalars
from haz_trio.config.nodes import Mapping as MappingNode
from haz_trio.config.nodes import Node, Place, Scalar, Sequence, Sheet
from haz_trio.config.schema import (
    EXTENSION,
    FILES,
    Age,
    Count,
    Given,
    Key,
    MutexDto,
    Name,
    Names,
    Parallelism,
    Seconds,
    Size,
    keys_of,
)
from haz_trio.errors import InvalidTextError
from haz_trio.model.names import quote

DtoClass: TypeAlias = type[Any]  # Any: the schema classes have no base class in common
TypeForm: TypeAlias = Any  # Any: a type expression such as ``X | None`` has no type of its own

T = TypeVar("T")
_ROOT = Key("yaml", "write a mapping of keys to values", items="yaml")
_QUOTED = 60


class Unreadable(Exception):
    """The value cannot be read; why has been noted."""


@attrs.frozen(eq=False)
class Spot:
    """A node, how it is reached, and what to say when it does not fit."""

    node: Node
    sheet: Sheet
    about: Key = _ROOT
    parent: Spot | None = None
    step: str = ""
    inside: bool = False  # part of the value that ``about`` describes, not the value itself

    @property
    def path(self) -> str:
        before = self.parent.path if self.parent is not None else ""
        return (before + self.step).removeprefix(".")

    def child(self, node: Node, step: str, about: Key | None = None) -> Spot:
        return Spot(node, self.sheet, about or self.about, self, step, about is None)

    def note(self, message: str, *, place: Place | None = None, label: str = "") -> Unreadable:
        about = self.about
        self.sheet.add(
            about.items if self.inside else about.rule,
            message,
            place or self.node.place,
            label=label or "expected here",
            key_path=self.path,
            help=about.help,
        )
        return Unreadable()

    def misfit(self, wanted: str) -> Unreadable:
        """Something else was expected here."""
        return self.note(f"expected {wanted}, found {describe(self.node)}{self.at}")

    @property
    def at(self) -> str:
        path = self.path
        return f" (at `{path}`)" if path else ""


def structure(root: Node, sheet: Sheet, cls: type[T]) -> T | None:
    """A file as an instance of one of ``schema.FILES``; problems go to ``sheet``."""
    try:
        return _converter.structure(Spot(root, sheet), cls)
    except Unreadable:
        return None


def describe(node: Node) -> str:
    """A node in a few words, with the beginning of a scalar's text."""
    match node:
        case MappingNode():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar() if node.is_null:
            return "null"
        case Scalar(text):
            shown = text if len(text) <= _QUOTED else text[:_QUOTED] + "…"
            return f"the text {quote(shown)}"


# -- hooks ------------------------------------------------------------------------------------


def _name(spot: Spot, _: object) -> Name:
    node = spot.node
    if type(node) is Scalar and node.tag is None and not node.is_null:
        return Name(node.text, node.place)
    return Name(_text(spot), node.place)


def _text(spot: Spot) -> str:
    node = spot.node
    if not isinstance(node, Scalar) or node.is_null:
        raise spot.misfit("text")
    try:
        return scalars.text_of(node)
    except InvalidTextError as problem:
        raise spot.note(f"{problem}{spot.at}") from None


def _names(spot: Spot, _: object) -> Names:
    node = spot.node
    if not isinstance(node, Sequence):
        raise spot.misfit("a list")
    found = []
    for index, item in enumerate(node.items):
        try:
            found.append(_name(spot.child(item, f"[{index}]"), Name))
        except Unreadable:
            continue
    if node.items and not found:
        raise Unreadable  # an empty list would draw a second complaint
    return tuple(found)


def _parsed(parse: Callable[[str], T]) -> Callable[[Spot, object], T]:
    """A hook for text that ``parse`` understands or refuses with ``InvalidTextError``."""

    def hook(spot: Spot, _: object) -> T:
        text = _text(spot)
        try:
            return parse(text)
        except InvalidTextError as problem:
            raise spot.note(f"`{spot.path}` is {quote(text)}: {problem}", label="here") from None

    return hook


def _number(parse: Callable[[Scalar], T], wanted: str) -> Callable[[Spot, object], T]:
    """A hook for scalars that ``parse`` understands or refuses with ``InvalidTextError``."""

    def hook(spot: Spot, _: object) -> T:
        node = spot.node
        if not isinstance(node, Scalar) or node.is_null:
            raise spot.misfit(wanted)
        try:
            return parse(node)
        except InvalidTextError as problem:
            raise spot.note(
                f"`{spot.path}` is {quote(node.text)}: {problem}", label="here"
            ) from None

    return hook


def _enum(spot: Spot, cls: type[enum.Enum]) -> enum.Enum:
    text = _text(spot)
    for member in cls:
        if member.value == text:
            return member
    choice = " or ".join(f"`{member.value}`" for member in cls)
    raise spot.note(f"`{spot.path}` is {quote(text)}: it must be {choice}", label="here")


def _mutex(spot: Spot, _: object) -> Name | MutexDto:
    match spot.node:
        case MappingNode():
            return _converter.structure(spot, MutexDto)
        case Sequence():
            raise spot.misfit("a name or a mapping of `name` and `mode`")
        case _:
            return _name(spot, Name)


def _table_hook(kind: TypeForm) -> Callable[[Spot, object], Mapping[Name, object]]:
    handler = _converter.get_structure_hook(get_args(kind)[1])
    value_type = get_args(kind)[1]

    def hook(spot: Spot, _: object) -> Mapping[Name, object]:
        node = spot.node
        if not isinstance(node, MappingNode):
            raise spot.misfit("a mapping")
        found: dict[Name, object] = {}
        for key, value in node.entries:
            try:
                name = _name(spot.child(key, ""), Name)
            except Unreadable:
                continue
            inner = spot.child(value, f".{name.value}")
            try:
                found[name] = handler(inner, value_type)
            except Unreadable:
                continue
        return found

    return hook


def _class_hook(cls: DtoClass) -> Callable[[Spot, object], object]:
    readers = {
        name: (attribute.name, about, _strip_null(attribute.type))
        for name, (attribute, about) in keys_of(cls).items()
    }
    handlers = {name: _converter.get_structure_hook(r[2]) for name, r in readers.items()}
    required = [(name, r[1]) for name, r in readers.items() if r[1].required]
    extensible = cls in FILES

    def hook(spot: Spot, _: object) -> object:
        entries = _entries(spot)
        values: dict[str, object] = {}
        keys: dict[str, tuple[Place, Place]] = {}
        seen, meant = set[str](), set[str]()
        for key, value in entries:
            if type(key) is not Scalar or key.is_null:
                spot.child(key, "").misfit("a key")
                continue
            name = key.text
            reader = readers.get(name)
            if reader is None:
                if not (extensible and name.startswith(EXTENSION)):
                    meant.update(_unknown(spot, key, list(readers)))
                continue
            seen.add(name)
            attribute, about, kind = reader
            if about.nullable and type(value) is Scalar and value.is_omission:
                continue
            keys[name] = (key.place, value.place)
            try:
                values[attribute] = handlers[name](spot.child(value, f".{name}", about), kind)
            except Unreadable:
                continue
        for name, about in required:
            if name not in seen | meant:
                _missing(spot, name, about)
        return cls(**values, given=Given(spot.node.place, keys))

    return hook


def _entries(spot: Spot) -> tuple[tuple[Node, Node], ...]:
    match spot.node:
        case MappingNode(entries):
            return entries
        case Scalar() if spot.node.is_null:
            return ()
        case _:
            raise spot.misfit("a mapping")


def _unknown(spot: Spot, key: Scalar, allowed: list[str]) -> list[str]:
    """Note an unknown key; returns the key that was probably meant, if any."""
    near = difflib.get_close_matches(key.text, allowed, 1)
    listed = ", ".join(f"`{name}`" for name in allowed)
    spot.sheet.add(
        "004",
        f"unknown key `{key.text}`; allowed are {listed}",
        key.place,
        label="unknown key",
        key_path=f"{spot.path}.{key.text}".removeprefix("."),
        help=f"did you mean `{near[0]}`?" if near else "remove it, or use one of the allowed keys",
    )
    return near


def _missing(spot: Spot, name: str, about: Key) -> None:
    line, column, *_ = spot.node.place
    spot.sheet.add(
        about.rule,
        f"the required key `{name}` is missing",
        (line, column, line, column + 1),
        label=f"no `{name}` in this mapping",
        key_path=name,
        help=about.help,
    )


def _strip_null(kind: TypeForm) -> TypeForm:
    """``X | None`` as ``X``: null is dealt with before a hook is asked."""
    origin: object = get_origin(kind)
    if origin not in (Union, types.UnionType):
        return kind
    rest = [part for part in get_args(kind) if part is not types.NoneType]
    return Union[tuple(rest)]  # noqa: UP007  # the parts are known only here


def _is_enum(kind: TypeForm) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _is_table(kind: TypeForm) -> bool:
    origin: object = get_origin(kind)
    return origin is Mapping


_converter = cattrs.Converter()
_converter.register_structure_hook_factory(_is_table, _table_hook)
_converter.register_structure_hook_factory(attrs.has, _class_hook)
_converter.register_structure_hook_func(_is_enum, _enum)
_converter.register_structure_hook_func(lambda kind: kind == Names, _names)
_converter.register_structure_hook_func(lambda kind: kind == Name | MutexDto, _mutex)
_converter.register_structure_hook_func(lambda kind: kind is Name, _name)
_converter.register_structure_hook_func(lambda kind: kind is Age, _parsed(scalars.parse_age))
_converter.register_structure_hook_func(lambda kind: kind is Size, _parsed(scalars.parse_size))
_converter.register_structure_hook_func(
    lambda kind: kind is Seconds, _number(scalars.seconds_of, "a number of seconds")
)
_converter.register_structure_hook_func(
    lambda kind: kind is Count, _number(scalars.count_of, "a whole number from 1 on")
)
_converter.register_structure_hook_func(
    lambda kind: kind is Parallelism,
    _number(scalars.parallelism_of, "`auto` or a whole number from 1 on"),
)
