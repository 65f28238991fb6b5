"""The fast lane: common, well-formed command lines are understood without Typer (cli.md 14.4).

It takes only what it fully understands and leaves everything else to Typer. Both make the same
calls, because the table of the words is made from Typer's declarations.
No library is imported here and no class is made: a whole answer may be found before any is
needed (performance.md 6).
"""

from __future__ import annotations

from haz_trio.cli.lane_table import COMMANDS, GROUPS, ROOT, START, VERSION, VERSION_FLAGS

TYPE_CHECKING = False  # in place of typing's: importing typing takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from haz_trio.cli.lane_types import Call, Flag, Keywords, Positional

UNSAID = "\0"  # the value of a flag like ``--affected[=REV]`` without one; no word holds a NUL
_REFUSED = -1


def match(argv: Sequence[str], environment: Mapping[str, str]) -> tuple[Call, ...] | None:
    """The calls that a command line stands for, or ``None`` where Typer has to say.

    The last call is the command's; one for the options before the command comes first, unless
    nothing says any of them.
    """
    for word in argv:
        # Bytes that are no UTF-8 are carried by characters that are not printable.
        if not word or not word.isprintable():
            return None
    if "_HAZ_COMPLETE" in environment:  # the parser behind Typer answers to it
        return None
    if len(argv) == 1 and argv[0] in VERSION_FLAGS:
        return ((VERSION, {}),)
    flags, variables = ROOT
    said: Keywords = {}
    at = _read(argv, 0, flags, said, None)
    if not 0 <= at < len(argv):
        return None
    for key, variable in variables.items():
        if key not in said and environment.get(variable):
            said[key] = environment[variable]
    path = tuple(argv[at : at + 2]) if argv[at] in GROUPS else (argv[at],)
    if path not in COMMANDS:
        return None
    before = {**_unsaid(flags), **said}
    body, positional, flags = COMMANDS[path]
    given: Keywords = {}
    words: list[str] = []
    end = _read(argv, at + len(path), flags, given, words)
    if end == _REFUSED or not _place(words, positional, given):
        return None
    keywords = {**_unsaid(flags), **given}
    return ((START, before), (body, keywords)) if said else ((body, keywords),)


def _unsaid(flags: Mapping[str, Flag]) -> Keywords:
    """The keywords as they are when nothing is said."""
    return {key: False if kind == "switch" else None for key, kind in flags.values()}


def _read(
    argv: Sequence[str],
    at: int,
    flags: Mapping[str, Flag],
    given: Keywords,
    words: list[str] | None,
) -> int:
    """Take in flags from ``at`` on, and positionals too if there is a list for them.

    Returns where the first word is that has not been taken.
    """
    while at < len(argv):
        word = argv[at]
        if not word.startswith("-"):
            if words is None:
                return at
            words.append(word)
            at += 1
            continue
        at += 1
        if word == "--" and words is not None:
            words += argv[at:]
            return len(argv)
        name, equals, text = word.partition("=")
        if name not in flags or (equals and not name.startswith("--")):
            return _REFUSED
        key, kind = flags[name]
        if kind == "optional" and not equals:
            text = UNSAID
        elif kind != "switch" and not equals:
            if at == len(argv) or argv[at].startswith("-"):
                return _REFUSED
            text = argv[at]
            at += 1
        if kind == "many":
            held = given.setdefault(key, [])
            assert isinstance(held, list)
            held.append(text)
        elif key in given or (kind == "switch" and equals):
            return _REFUSED
        else:
            given[key] = True if kind == "switch" else text
    return at


def _place(words: list[str], positional: Positional | None, given: Keywords) -> bool:
    """Give positionals their keyword; whether there is one for each, and none is missing."""
    if positional is None:
        return not words
    key, many, required = positional
    given[key] = (words if many else words[0]) if words else None
    return len(words) == 1 or (many if words else not required)
