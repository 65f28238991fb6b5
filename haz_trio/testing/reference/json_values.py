"""What configuration files hold, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Body: TypeAlias = "dict[str, Json]"
Files: TypeAlias = "dict[str, str | bytes]"  # paths below the root, with contents


def texts(value: Json) -> tuple[str, ...]:
    """A list of texts that may be left out; numbers and booleans as YAML spells them (CFG-005)."""
    return tuple(map(text, value)) if isinstance(value, list) else ()


def text(value: Json) -> str:
    """A scalar as the text that JSON writes for it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def mapping(value: Json) -> Mapping[str, Json]:
    """A mapping that may be left out."""
    return value if isinstance(value, dict) else {}
