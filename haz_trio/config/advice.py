"""What is said about paths and globs of tasks besides that they are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

from haz_trio.model.names import quote
from haz_trio.model.patterns import Pattern, unassigned

_WIDE_CLASS = re.compile(r"\[[^\]]*[^\x00-\x7f\]]")


def pattern_remarks(pattern: Pattern) -> Iterator[str]:
    """What is allowed in a pattern, and surprising; only texts beyond ASCII have any."""
    unknown = unassigned(pattern.text)
    if unknown:
        yield (
            f"{quote(pattern.text)} contains U+{ord(unknown[0]):04X}, "
            "which this Python's Unicode does not know"
        )
    if pattern.is_glob and _WIDE_CLASS.search(pattern.text):
        yield (
            f"the class in {quote(pattern.text)} matches single bytes, "
            "and a character beyond ASCII has several; use `{…,…}` instead"
        )


def path_advice(text: str) -> str:
    """How to write a path or glob that is refused, where that can be told from its text."""
    segments = text.split("/")
    if ".." in segments:
        return "`..` is refused: write the path from the workspace root, with `/` at its start"
    if "." in segments:
        return "leave the `.` out: a path without `/` at its start begins at the project"
    if any("**" in each and each != "**" for each in segments):
        return "`**` stands alone between slashes: `src/**/*.py`"
    return ""
