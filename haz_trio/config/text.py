"""Bytes of a file into text that every YAML parser reads the same way, and back (CFG-001).

The YAML library refuses control characters, takes NEL, LS and PS for line ends, and does not know
surrogate pairs.
Such characters travel through it as private ones that the file does not use, one for one, so that
all columns stay right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from haz_trio.errors import Diagnostic, SourceText, Span
from haz_trio.values import field, frozen

_LINE_END = re.compile(r"\r\n|\n|\r")
_STRANGE = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_PAIR = re.compile(
    r"(?<!\\)(?P<before>(?:\\\\)*)"
    r"(?P<pair>\\u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2}))",
    re.IGNORECASE,
)
_PROLOGUE = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r)|%[^\r\n]*(?:\r\n|\n|\r))+")
_DIRECTIVE = re.compile(r"^%(?!TAG[ \t])", re.MULTILINE)


@frozen
class Text:
    """``parsed`` is for the YAML library; ``original`` undoes the replacements in a value."""

    source: SourceText
    parsed: str = field(repr=False)
    replaced: tuple[tuple[str, str], ...] = ()

    def original(self, value: str) -> str:
        for private, own in self.replaced:
            value = value.replace(private, own)
        return value


def decode(path: str, data: bytes) -> Text | Diagnostic:
    """The text of a file, without a byte order mark, or why there is none."""
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        return _not_utf8(path, data, problem.start)
    text = text.lstrip("\ufeff")
    source = SourceText(path, tuple(_LINE_END.split(text)))
    at = text.find("\0")
    if at >= 0:
        return Diagnostic(
            "the file contains a NUL character",
            code="haz::cfg::001",
            span=_point(source, text[:at]),
            label="U+0000",
            help="remove it; text in UTF-16 or UTF-32 has to be converted to UTF-8",
        )
    prologue = _PROLOGUE.match(text)
    if prologue is not None and "%" in prologue[0]:
        text = _DIRECTIVE.sub("#", prologue[0]) + text[prologue.end() :]
    return _tame(source, text)


def _not_utf8(path: str, data: bytes, at: int) -> Diagnostic:
    source = SourceText(path, tuple(_LINE_END.split(data.decode(errors="replace"))))
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return Diagnostic(
        f"the file is not valid UTF-8: byte 0x{data[at]:02X} at offset {at}",
        code="haz::cfg::001",
        span=_point(source, data[:at].decode().lstrip("\ufeff")),
        label="not UTF-8",
        help=("it looks like UTF-16; " if utf16 else "") + "save the file as UTF-8",
    )


def _point(source: SourceText, before: str) -> Span:
    """The character behind a piece of text."""
    lines = _LINE_END.split(before)
    line, column = len(lines), len(lines[-1]) + 1
    return Span(source, line, column, line, column + 1)


def _tame(source: SourceText, text: str) -> Text:
    strange = sorted(set(_STRANGE.findall(text)))
    pairs = "\\u" in text and _PAIR.search(text) is not None
    if not strange and not pairs:
        return Text(source, text)
    private = unused(text)
    table = dict(zip(strange, private, strict=False))
    replaced = [(stand_in, own) for own, stand_in in table.items()]
    text = text.translate(str.maketrans(table))
    if pairs:
        text = _tame_pairs(text, private, replaced)
    return Text(source, text, tuple(replaced))


def _tame_pairs(text: str, private: Iterator[str], replaced: list[tuple[str, str]]) -> str:
    """Write each escaped surrogate pair as two private escapes: the character, and nothing."""
    known: dict[str, str] = {}

    def replace(found: re.Match[str]) -> str:
        spelled = found["pair"]
        if spelled not in known:
            first, second = next(private, ""), next(private, "")
            if not second:
                return found[0]
            known[spelled] = f"\\u{ord(first):04x}\\u{ord(second):04x}"
            character = _join(int(found["high"], 16), int(found["low"], 16))
            # where a backslash is no escape the text must come back as it was written
            replaced.extend([(known[spelled], spelled), (first + second, character)])
        return found["before"] + known[spelled]

    return _PAIR.sub(replace, text)


def _join(high: int, low: int) -> str:
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def unused(text: str) -> Iterator[str]:
    """Private characters that a text contains neither raw nor as an escape."""
    lowered = text.lower()
    for point in range(0xE000, 0xF900):
        if chr(point) not in text and f"{point:x}" not in lowered:
            yield chr(point)
