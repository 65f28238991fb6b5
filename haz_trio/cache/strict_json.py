"""JSON as the cache reads it: no member twice, whole numbers only, and not too long ones."""

from __future__ import annotations

import json
from typing import NoReturn

from haz_trio.cache.manifest import Json

_DIGITS = 20  # of the largest integer


def load_strictly(data: bytes) -> Json:
    """The value that a UTF-8 document holds; raises ``ValueError`` and ``RecursionError``."""
    value: Json = _DECODER.decode(data.decode())
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a member twice")
    return members


def _integer(text: str) -> int:
    if len(text) > _DIGITS or text == "-0":
        raise ValueError(f"{text[:_DIGITS]} is not an integer")
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:_DIGITS]} is not an integer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_float=_refuse,
    parse_constant=_refuse,
)
