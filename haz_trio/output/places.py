"""How files are named in reports, and what belongs to a sentence."""

from __future__ import annotations

import re

from haz_trio.errors import Diagnostic

_CODE = re.compile(r"haz::([a-z]+)::(\d{3})")
_RULE = re.compile(r"\b[A-Z]{2,7}-\d{3}\b")


def shown_path(path: str, cwd: str) -> str:
    """A path relative to ``cwd`` when it is below it, else as it is."""
    base = cwd.rstrip("/") + "/"
    return path[len(base) :] if cwd and path.startswith(base) else path


def message_of(diagnostic: Diagnostic) -> str:
    """The sentence with the key path, unless it names the key path already."""
    path = diagnostic.key_path
    if not path or path in diagnostic.message:
        return diagnostic.message
    return f"{diagnostic.message} (at `{path}`)"


def rule_of(diagnostic: Diagnostic) -> str:
    """The rule that was broken, like ``CFG-021``, or empty when none is named."""
    code = _CODE.fullmatch(diagnostic.code)
    if code:
        return f"{code[1].upper()}-{code[2]}"
    named = _RULE.findall(diagnostic.message)
    return named[-1] if named else ""
