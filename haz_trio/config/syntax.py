"""What the YAML library complains about, as diagnostics with a place and a way out (CFG-002)."""

from __future__ import annotations

import re

import yaml

from haz_trio.config.nodes import Place, Sheet
from haz_trio.errors import Diagnostic

MAX_DEPTH = 255
TOO_DEEP = (
    f"values are nested more than {MAX_DEPTH} levels deep",
    "no key of a configuration needs more than a few levels",
)
_KNOWN: tuple[tuple[str, str, str], ...] = (
    ("maximum nesting depth", *TOO_DEEP),  # of libyaml, which has a limit of its own
    (
        r"mapping values are not allowed",
        "a `:` that ends a key cannot stand here",
        "put text that contains `: ` into quotes, and indent keys of one mapping alike",
    ),
    (
        r"expected ',' or '\]'",
        "a list that was opened with `[` is not closed",
        "separate entries with `,` and close the list with `]`; quote entries that contain "
        "one of `[ ] { } , :`",
    ),
    (
        r"expected ',' or '\}'",
        "a mapping that was opened with `{` is not closed",
        "separate entries with `,` and close the mapping with `}`; quote values that contain "
        "one of `[ ] { } , :`",
    ),
    (
        r"unexpected end of stream|unexpected document separator",
        "a quoted text is not closed",
        "add the closing quote",
    ),
    (
        r"could not find expected ':'",
        "a key without `:`",
        "write `key: value`; a value that goes on needs more indentation than its key",
    ),
    (
        r"expected <?block end>?|expected '?-'? indicator",
        "the indentation fits no mapping or list that is open here",
        "indent the entries of one mapping or list alike",
    ),
    (
        r"tab character where an indentation",
        "a tab cannot indent",
        "indent with spaces; where a block of text begins with a tab, write how many spaces "
        "indent it, as in `|2`",
    ),
    (
        r"unknown escape character|escape sequence|escape code",
        "an unknown escape in a text in double quotes",
        "double the backslash, or use single quotes",
    ),
    (
        r"<?document start>?",
        "the document has ended, and something follows",
        "remove the `...` line, or what follows it: one file, one document",
    ),
)
_INDENT = re.compile(r"[ \t]*(?:[-?:][ \t]+)*[-?:]?[ \t]*")
_NOTHING = re.compile(r"[ \t]*(?:#.*)?")
_SCALAR_ENTRY = re.compile(r" *(?:- +)*-[ \t]+(?![-?:]\s|.*:(?:\s|$))")
_TABS = re.compile(r"[ \t]+")
_INDICATOR = re.compile(r"[+-]?[0-9]")
_LINE = re.compile(r"[^\r\n]*")
_WHOLE_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_ENTRY = re.compile(r"( *)-[ \t]++(?![-?:]\s|.*:(?:\s|$))")
_MAY_GO_ON = re.compile(r"[|>\"']")  # a text may begin that the following lines belong to
_QUOTED_ENTRY = re.compile(r" *-[ \t]+(?:\"[^\"\\]*\"|'[^']*')[ \t]*(?: #.*)?")
_START = re.compile(r"character .*cannot start any token")


def soften_tab(text: str, problem: yaml.YAMLError, *, in_flow: bool) -> str | None:
    """The text with spaces for the harmless tabs that the library stopped at, or ``None``.

    YAML allows tabs that indent nothing: in brackets, before a comment or the end of a line,
    behind a key, and between ``-`` and a scalar.
    """
    mark = getattr(problem, "problem_mark", None)
    if mark is None or text[mark.index : mark.index + 1] != "\t":
        return None
    found = _LINE.match(text, mark.index - mark.column)
    assert found is not None, "every position is in a line"
    before, rest = found[0][: mark.column], found[0][mark.column :]
    harmless = (
        in_flow
        or text[: mark.index].rstrip().endswith(("[", "{", ","))  # just opened: no event yet
        or _NOTHING.fullmatch(rest)
        or not _INDENT.fullmatch(before)
        or _SCALAR_ENTRY.match(found[0])
    )
    if not harmless:
        return None
    spaces = _TABS.sub(_as_spaces, rest, count=1)
    after = text[found.end() :]
    above = text[: mark.index - mark.column].rstrip()
    above = above[max(above.rfind("\n"), above.rfind("\r")) + 1 :]
    if _ends_itself(above) and not _is_in_block_text(text, problem):
        after = _soften_alike(found[0], after)
    return text[: mark.index] + spaces + after


def _is_in_block_text(text: str, problem: yaml.YAMLError) -> bool:
    """Whether the library stopped in a text behind ``|`` or ``>``."""
    begins = getattr(problem, "context_mark", None)
    return begins is not None and text[begins.index : begins.index + 1] in ("|", ">")


def _as_spaces(blanks: re.Match[str]) -> str:
    return " " * len(blanks[0])


def _soften_alike(line: str, rest: str) -> str:
    """What follows a line, with spaces for the tabs that are harmless for the same reason.

    The library stops at each of them, and reads the text from its beginning every time.
    These are lines that hold nothing, and entries of the list that ``line`` has one of, as long
    as no text can have begun of which tabs are a part.
    """
    entry = _ENTRY.match(line)
    indent = len(entry[1]) if entry else -1
    done: list[str] = []
    at = 0
    while _ends_itself(line) and at < len(rest):
        found = _WHOLE_LINE.match(rest, at)
        assert found is not None, "every position is in a line"
        whole = found[0]
        line = whole.rstrip("\r\n")
        at = found.end()
        deep = len(line) - len(line.lstrip(" "))
        if _NOTHING.fullmatch(line):
            end = len(line) - len(line.lstrip(" \t"))
        else:
            indent = indent if deep >= indent else -1  # the list has ended
            alike = _ENTRY.match(line) if deep == indent else None
            end = alike.end() if alike else 0
        done.append(whole[:end].replace("\t", " ") + whole[end:])
    return "".join(done) + rest[at:]


def _ends_itself(line: str) -> bool:
    """Whether no text begins in a line that goes on in the next one."""
    return bool(
        not _MAY_GO_ON.search(line) or _NOTHING.fullmatch(line) or _QUOTED_ENTRY.fullmatch(line)
    )


def indicate_indent(text: str, problem: yaml.YAMLError, *, innermost: Place | None) -> str | None:
    """The text with the number of spaces that indent a block scalar, or ``None``.

    libyaml cannot tell where a text begins whose first character is a tab, unless told by the
    number behind ``|`` or ``>``, an indentation indicator of one digit (YAML 1.2.2, 8.1.1.1).
    """
    mark = getattr(problem, "problem_mark", None)
    begins = getattr(problem, "context_mark", None)
    if innermost is None or mark is None or begins is None:
        return None
    behind = begins.index + 1
    if not _is_in_block_text(text, problem) or not text.startswith("\t", mark.index):
        return None
    spaces = text[mark.index - mark.column : mark.index]
    more = mark.column - innermost[1]
    if spaces.strip(" ") or not 0 < more < 10 or _INDICATOR.match(text, behind):
        return None
    return f"{text[:behind]}{more}{text[behind:]}"


def report_syntax(
    sheet: Sheet, text: str, problem: yaml.YAMLError, innermost: Place | None
) -> None:
    """Note why the library stopped; every such problem gets a place.

    ``innermost`` is where the innermost open value begins: what is not closed at the end of the
    file is marked there.
    """
    reason = str(getattr(problem, "problem", None) or getattr(problem, "reason", None) or problem)
    mark = getattr(problem, "problem_mark", None)
    message, help = _explain(reason)
    if mark is None:
        sheet.add("yaml", message, _place_of(text, problem), label="here", help=help)
        return
    if _START.search(reason):
        message, help = _unfit(text[mark.index : mark.index + 1])
    escape = "escape" in reason and text[mark.index : mark.index + 1] != "\\"
    place = _character(mark.line, mark.column - escape)  # one parser points behind the backslash
    context = getattr(problem, "context_mark", None)
    begins = None if context is None else _character(context.line, context.column)
    if mark.index >= len(text):
        if "node content" in reason and innermost is not None:
            begins = _character(*innermost[:2])
            message, help = _unclosed(sheet, begins)
        sheet.add("yaml", message, begins or place, label="it begins here", help=help)
        return
    related: tuple[Diagnostic, ...] = ()
    if begins is not None and begins != place:
        related = sheet.here("it begins here", begins)
    sheet.add("yaml", message, place, label="here", help=help, related=related)


def _unclosed(sheet: Sheet, begins: Place) -> tuple[str, str]:
    line, column, *_ = begins
    bracket = sheet.source.lines[line][column : column + 1]
    return _explain("expected ',' or '}'" if bracket == "{" else "expected ',' or ']'")


def _explain(reason: str) -> tuple[str, str]:
    for pattern, message, help in _KNOWN:
        if re.search(pattern, reason):
            return message, help
    return f"this is not YAML: {reason}", "see yaml.org for the syntax"


def _unfit(character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab cannot indent", "indent with spaces"
    return (
        f"a value cannot start with `{character}`",
        "put text that starts with one of `% @ \\`` into quotes",
    )


def _place_of(text: str, problem: yaml.YAMLError) -> Place:
    """For a character that the library refuses: it gives an offset, but no line."""
    at = getattr(problem, "position", 0)
    lines = re.split(r"\r\n|\n|\r", text[: max(at, 0)])
    return _character(len(lines) - 1, len(lines[-1]))


def _character(line: int, column: int) -> Place:
    return (line, column, line, column + 1)
