"""Paths and patterns of inputs, outputs and projects (PATH-001 to PATH-016).

A workspace-absolute path is plain text: ``/a/b`` below the workspace root, ``/`` the root itself.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from haz_trio.errors import InvalidTextError
from haz_trio.model.globs import SPECIAL, Glob, compile_glob, escape, is_glob
from haz_trio.model.names import quote
from haz_trio.values import field, frozen, frozen_with

WORKSPACE_ROOT = "/"
_FORBIDDEN = {
    "Cc": "control",
    "Cf": "format",
    "Co": "private-use",
    "Cs": "surrogate",
    "Zl": "line/paragraph separator",
    "Zp": "line/paragraph separator",
}


@frozen
class Anchored:
    """A pattern in workspace coordinates: what it matches, and where a walk has to look.

    ``prefix`` is the deepest folder (``/lib/src``, or ``/``) below which every match lies.
    ``depth`` is how many levels below ``prefix`` a match can be, ``None`` for any number.
    """

    text: str
    glob: Glob | None = field(eq=False, repr=False)
    prefix: str = field(eq=False, repr=False)
    depth: int | None = field(eq=False, repr=False)

    @property
    def is_glob(self) -> bool:
        return self.glob is not None

    def matches(self, path: str) -> bool:
        """Whether a workspace-absolute path is matched."""
        if self.glob is None:
            return path == self.text
        return self.glob.matches(path.encode("utf-8", "surrogateescape"))


@frozen_with(order=True)
class Pattern:
    """An input or output as written; equality is textual (PATH-007)."""

    text: str

    @property
    def is_glob(self) -> bool:
        return is_glob(self.text)

    @property
    def is_absolute(self) -> bool:
        return self.text.startswith("/")

    def anchored(self, root: str) -> Anchored:
        """The pattern in workspace coordinates, for a project at ``root`` (``/`` or ``/a/b``)."""
        return _anchor(self.text, root)


def parse_pattern(text: str) -> Pattern:
    """Check a pattern and compile it if it is a glob; raises ``InvalidTextError``."""
    if not text:
        raise InvalidTextError("path pattern is empty")
    if is_glob(text):
        _check_glob(text)
        compile_glob(text)
    else:
        _check_literal(text)
    return Pattern(text)


def join(root: str, relative: str) -> str:
    """A relative path below a workspace-absolute folder."""
    return f"{root.rstrip('/')}/{relative}"


def below(path: str, folder: str) -> bool:
    """Whether a workspace-absolute path is the folder itself or lies below it."""
    return folder == WORKSPACE_ROOT or path == folder or path.startswith(folder + "/")


def check_segment(segment: str) -> None:
    """One component of a literal path (PATH-002); raises ``InvalidTextError``."""
    if not segment:
        raise InvalidTextError("path segment is empty")
    if segment in (".", ".."):
        raise InvalidTextError(f"path segment is the literal `{segment}`")
    _check_codepoints(segment, "path segment")


def unassigned(text: str) -> str:
    """The code points that this Python's Unicode tables do not know: worth a warning."""
    return "".join(c for c in text if unicodedata.category(c) == "Cn")


@lru_cache(maxsize=1 << 16)
def _anchor(text: str, root: str) -> Anchored:
    if not is_glob(text):
        path = text if text.startswith("/") else join(root, text)
        return Anchored(path, None, path.rpartition("/")[0] or WORKSPACE_ROOT, 1)
    whole = text if text.startswith("/") else join(escape(root), text)
    glob = compile_glob(whole)
    written = text.lstrip("/").split("/")
    fixed = next(i for i, segment in enumerate(written) if not SPECIAL.isdisjoint(segment))
    start = WORKSPACE_ROOT if text.startswith("/") else root
    prefix = join(start, "/".join(written[:fixed])) if fixed else start
    return Anchored(whole, glob, prefix, _depth(glob, written[fixed:]))


def _depth(glob: Glob, rest: list[str]) -> int | None:
    """How deep below the fixed prefix a match can be; a class may stand for a slash."""
    return None if "**" in rest or glob.crosses else len(rest)


def _check_literal(text: str) -> None:
    if text == "/":
        raise InvalidTextError("invalid literal path: workspace-absolute path has no segments")
    if text.find("//", 1) > 0:
        raise InvalidTextError("invalid literal path: path contains the empty segment `//`")
    if text.endswith("/"):
        raise InvalidTextError("invalid literal path: path ends with trailing `/`")
    for position, segment in enumerate(text.removeprefix("/").split("/")):
        try:
            check_segment(segment)
        except InvalidTextError as problem:
            raise InvalidTextError(
                f"invalid literal path: invalid segment {quote(segment)} "
                f"at position {position}: {problem}"
            ) from None


def _check_glob(text: str) -> None:
    if text.find("//", 1) > 0:
        raise InvalidTextError("path pattern contains the empty segment `//`")
    if text.endswith("/"):
        raise InvalidTextError("path pattern ends with trailing `/`")
    for position, segment in enumerate(text.removeprefix("/").split("/")):
        try:
            _check_glob_segment(segment)
        except InvalidTextError as problem:
            raise InvalidTextError(
                f"invalid glob segment {quote(segment)} at position {position}: {problem}"
            ) from None


def _check_glob_segment(segment: str) -> None:
    if not segment:
        raise InvalidTextError("glob segment is empty")
    if segment in (".", ".."):
        raise InvalidTextError(f"glob segment is the literal `{segment}`")
    _check_codepoints(segment, "glob segment")
    if "**" in segment and segment != "**":
        raise InvalidTextError("glob segment contains `**` adjacent to other characters")


def _check_codepoints(segment: str, noun: str) -> None:
    if segment.isascii() and segment.isprintable():
        return
    for character in segment:
        kind = _FORBIDDEN.get(unicodedata.category(character))
        if kind is None and _is_noncharacter(character):
            kind = "unassigned"
        if kind is not None:
            raise InvalidTextError(
                f"{noun} contains forbidden {kind} codepoint U+{ord(character):04X}"
            )


def _is_noncharacter(character: str) -> bool:
    """Whether a code point is unassigned for ever; other gaps may be filled by a later Unicode."""
    point = ord(character)
    return 0xFDD0 <= point <= 0xFDEF or point & 0xFFFE == 0xFFFE
