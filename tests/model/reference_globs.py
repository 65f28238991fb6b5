"""A slow matcher for globs, written from the table of the dialect and from nothing else.

It reads the pattern as a list of items and tries every way to match them, one byte after another.
"""

from __future__ import annotations

from typing import TypeAlias

SLASH = ord("/")
Items: TypeAlias = "list[tuple[str, frozenset[int] | list[Items]]]"

ANY = frozenset(range(256))
NO_SLASH = ANY - {SLASH}


class Refused(Exception):
    """The pattern is malformed."""


def slow_match(pattern: str, path: str) -> bool:
    """Whether a glob matches a path; raises ``Refused`` for what the dialect does not have."""
    check_structure(pattern)
    data = path.encode("utf-8", "surrogateescape")
    items, _ = _parse(pattern, 0, nested=False)
    return _ways(items, data, 0, [])


def check_structure(pattern: str) -> None:
    """The rules about segments, which are cut at every slash whatever stands around it."""
    segments = pattern.removeprefix("/").split("/")
    if not pattern or "" in segments or "." in segments or ".." in segments:
        raise Refused("segments")
    if any("**" in segment and segment != "**" for segment in segments):
        raise Refused("stars")


def _parse(text: str, at: int, *, nested: bool) -> tuple[Items, int]:
    """Items of ``text`` from ``at``: to the end, or to the comma or brace that ends a branch."""
    items: Items = []
    while at < len(text):
        if nested and text[at] in ",}":
            return items, at
        if text.startswith("**", at):
            at = _deep(text, at, items)
            continue
        character = text[at]
        at += 1
        if character == "*":
            items.append(("many", NO_SLASH))
        elif character == "?":
            items.append(("one", NO_SLASH))
        elif character == "[":
            members, at = _class(text, at)
            items.append(("one", members))
        elif character == "{":
            if nested:
                raise Refused("nested braces")
            branches, at = _branches(text, at)
            items.append(("either", branches))
        elif character == "}":
            raise Refused("brace without beginning")
        else:
            if character == "\\":
                if at == len(text):
                    raise Refused("dangling backslash")
                character = text[at]
                at += 1
            items.extend(("one", frozenset((byte,))) for byte in character.encode())
    if nested:
        raise Refused("open brace")
    return items, at


def _deep(text: str, at: int, items: Items) -> int:
    """``**``: any directories; what stands around it decides about its slashes."""
    at += 2
    run = 1
    while text.startswith("/**", at):
        at += 3
        run += 1
    last = at == len(text)
    if not items:
        # `**` alone is everything; a leading `**/` is nothing or directories with their slash
        if last:
            items.append(("many", ANY))
            return at
        slash: Items = [("one", frozenset((SLASH,)))]
        items.append(("either", [[], slash, [("many", ANY), *slash]]))
        return at + 1
    if last:
        items.append(("many", ANY))  # the slash before it is among the items already
        return at
    # `x/**/y`: the slash before it stands; then nothing, or anything and another slash
    items.append(("either", [[], [("many", ANY), ("one", frozenset((SLASH,)))]]))
    return at + 1


def _class(text: str, at: int) -> tuple[frozenset[int], int]:
    negated = text[at : at + 1] in ("!", "^")
    at += negated
    end = text.find("]", at + 1)
    if end < 0:
        raise Refused("open class")
    inside, members = text[at:end], set[int]()
    ranges: list[list[str]] = []
    dash = False
    for place, character in enumerate(inside):
        if character == "-" and place > 0 and not dash:
            dash = True
        elif dash:
            ranges[-1][1] = character
            if ranges[-1][0] > character:
                raise Refused("range")
            dash = False
        else:
            ranges.append([character, character])
    if dash:
        ranges.append(["-", "-"])
    for low, high in ranges:
        first, final = low.encode(), high.encode()
        if low == high:
            members.update(first)
        else:  # spelled byte by byte, the range lies between the two bytes that meet
            members.update(first[:-1], range(first[-1], final[0] + 1), final[1:])
    return (ANY - members if negated else frozenset(members)), end + 1


def _branches(text: str, at: int) -> tuple[list[Items], int]:
    branches: list[Items] = []
    while True:
        items, at = _parse(text, at, nested=True)
        if items:
            branches.append(items)
        at += 1
        if text[at - 1] == "}":
            return branches or [[]], at


def _ways(items: Items, data: bytes, at: int, rest: list[Items]) -> bool:
    """Whether ``items`` and then all of ``rest`` can consume exactly ``data[at:]``."""
    if not items:
        return _ways(rest[0], data, at, rest[1:]) if rest else at == len(data)
    (kind, value), others = items[0], items[1:]
    if isinstance(value, list):
        return any(_ways(branch, data, at, [others, *rest]) for branch in value)
    fits = at < len(data) and data[at] in value
    if kind == "one":
        return fits and _ways(others, data, at + 1, rest)
    return _ways(others, data, at, rest) or (fits and _ways(items, data, at + 1, rest))
