"""Values of Python as bytes, the same in every process; what has no such bytes is refused.

Functions, classes and modules in a value are left to the caller, who knows what they are made of.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import pathlib
import re
import types
import uuid
from collections.abc import Callable, Mapping
from typing import TypeAlias

Encode: TypeAlias = Callable[[object], bytes]

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
_PRINTED = (
    *(range, slice, bytearray, decimal.Decimal, fractions.Fraction, uuid.UUID),
    *(datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone),
)


class NoBytesError(Exception):
    """A value that nothing but itself stands for; ``value`` is the one inside of the whole."""

    def __init__(self, value: object, why: str = "") -> None:
        self.value: object = value
        self.why: str = why
        super().__init__(why)


def digest(data: bytes) -> bytes:
    """16 bytes that stand for a part."""
    return hashlib.blake2b(data, digest_size=16).digest()


def framed(tag: str, *parts: bytes) -> bytes:
    """Parts under a tag, so that no two lists of parts have one text."""
    pieces = [tag.encode(), b"(", *(b"%d:" % len(part) + part for part in parts), b")"]
    return b"".join(pieces)


def encode(value: object, others: Encode) -> bytes:
    """The bytes of a value; ``others`` gives those of functions, classes and modules.

    Raises ``NoBytesError``, also for what contains itself.
    """
    return _Encoding(others).encode(value)


class _Encoding:
    def __init__(self, others: Encode) -> None:
        self._others = others
        self._open: set[int] = set()

    def encode(self, value: object) -> bytes:
        kind = type(value)
        if kind in _PLAIN or kind in _PRINTED:
            return framed(kind.__name__, repr(value).encode("utf-8", "surrogatepass"))
        if isinstance(value, enum.Enum):
            return framed("enum", self._others(kind), value.name.encode())
        if isinstance(value, _CODE):
            return self._others(value)
        if id(value) in self._open:
            raise NoBytesError(value, "it contains itself")
        self._open.add(id(value))
        try:
            return self._compound(value)
        finally:
            self._open.remove(id(value))

    def _compound(self, value: object) -> bytes:
        kind = type(value)
        if kind in (tuple, list):
            assert isinstance(value, tuple | list), "these are the two"
            return framed(kind.__name__, *map(self.encode, value))
        if kind in (set, frozenset):
            assert isinstance(value, set | frozenset), "these are the two"
            return framed(kind.__name__, *sorted(map(self.encode, value)))
        if kind in (dict, types.MappingProxyType):
            assert isinstance(value, Mapping), "these are mappings"
            pairs = ((self.encode(key), self.encode(item)) for key, item in value.items())
            return framed("dict", *(part for pair in pairs for part in pair))
        if isinstance(value, pathlib.PurePath):
            return framed("path", kind.__name__.encode(), str(value).encode("utf-8", "replace"))
        if isinstance(value, re.Pattern):
            return framed("pattern", self.encode(value.pattern), self.encode(value.flags))
        if isinstance(value, functools.partial):
            return framed(
                "partial", *map(self.encode, (value.func, value.args, dict(value.keywords)))
            )
        if isinstance(value, types.MethodType):
            return framed("method", self.encode(value.__func__), self.encode(value.__self__))
        fields = _fields(value)
        if fields is None:
            raise NoBytesError(value)
        return framed("object", self._others(kind), self.encode(fields))


_CODE = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)


def _fields(value: object) -> dict[str, object] | None:
    """What a value consists of that was declared with its fields; ``None`` for any other.

    Named tuples, data classes, and classes of attrs or of haz_trio.
    """
    kind = type(value)
    if isinstance(value, tuple) and isinstance(names := getattr(kind, "_fields", None), tuple):
        return {name: getattr(value, name) for name in names}
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    attributes = getattr(kind, "__attrs_attrs__", None)
    if isinstance(attributes, tuple):
        return {each.name: getattr(value, each.name) for each in attributes}
    return None
