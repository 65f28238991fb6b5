"""The errors for words of the command line that mean nothing (cli.md 2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haz_trio.errors import UsageError


def refused(text: str) -> UsageError:
    """The error that says a sentence about the command line."""
    # Imported here, as below: help and lines without mistakes need no attrs (cli.md 14.5).
    from haz_trio.errors import UsageError

    return UsageError(text)


def expected(words: Iterable[str]) -> str:
    """A few words about the words that are known, two or more."""
    *others, last = (f"`{word}`" for word in words)
    return f"expected {', '.join(others)} or {last}"


def bad_value(text: str, reason: object, flag: str = "") -> UsageError:
    """The error for a word or a flag's value that cannot be parsed."""
    from haz_trio.model.names import quote

    shown = text if text else quote(text)
    where = f"{flag}={shown}" if flag and not text else shown
    whose = f"{flag}: " if flag and text else ""
    return refused(f"{whose}couldn't parse `{where}`: {reason}")
