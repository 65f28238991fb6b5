"""Text in brackets that starts with ``?`` or ``:``, which the YAML library cannot read (CFG-001).

YAML 1.2 lets plain text start with either where no blank and no bracket follows; the library takes
the character for the indicator of a key or a value, as in YAML 1.1.
Such characters travel through it as private ones, one for one.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import yaml

from haz_trio.config.text import Text, unused
from haz_trio.values import evolve

Loader: TypeAlias = Any  # Any: the C and the Python loader have no common base class
MAX_SCANS = 100  # what follows such a text may be read only after it has been replaced
_SAFE = r"(?=[^\s,\[\]{}])"
# What it looks for comes first and what has to stand before it later: four times as fast.
_CANDIDATE = re.compile(rf"[?:](?:(?<![^\s,\[{{].)|\?(?<=:.)){_SAFE}", re.DOTALL)
_INDICATOR = re.compile(rf"[?:]{_SAFE}")
_NODE_ENDS = (
    yaml.ScalarToken,
    yaml.AliasToken,
    yaml.FlowSequenceEndToken,
    yaml.FlowMappingEndToken,
)


def free_starts(text: Text, loader: Loader) -> Text:
    """The text as the library can read it; most files hold nothing of the kind."""
    if not _CANDIDATE.search(text.parsed):
        return text
    private = unused(text.parsed)
    table = {character: next(private, character) for character in "?:"}
    parsed = text.parsed
    for _ in range(MAX_SCANS):
        places = _mistaken(parsed, loader)
        if not places:
            break
        parsed = _replace(parsed, places, table)
    if parsed == text.parsed:
        return text
    own = tuple((stand_in, character) for character, stand_in in table.items())
    return evolve(text, parsed=parsed, replaced=(*text.replaced, *own))


def _mistaken(text: str, loader: Loader) -> list[int]:
    """Where the library sees an indicator and YAML a text, as far as it gets."""
    places: list[int] = []
    before: yaml.Token | None = None
    try:
        for token in yaml.scan(text, Loader=loader):
            at = token.start_mark.index
            follows = isinstance(token, yaml.ValueToken) and isinstance(before, _NODE_ENDS)
            indicates = isinstance(token, (yaml.KeyToken, yaml.ValueToken)) and not follows
            if indicates and token.end_mark.index > at and _INDICATOR.match(text, at):
                places.append(at)
            before = token
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        if mark is not None and text.startswith(":?", mark.index):
            places.append(mark.index + 1)
    return places


def _replace(text: str, places: list[int], table: dict[str, str]) -> str:
    parts: list[str] = []
    done = 0
    for at in places:
        parts += [text[done:at], table[text[at]]]
        done = at + 1
    return "".join(parts) + text[done:]
