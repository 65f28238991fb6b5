"""Schemas of single values by the form of their text, each with what an editor says of others.

Knows nothing of keys and mappings.
"""

from __future__ import annotations

from typing import TypeAlias

from haz_trio.model.names import NAME_BYTES, VARIABLE_BYTES
from haz_trio.model.quantities import SECONDS, SIZES

Schema: TypeAlias = dict[str, object]
MESSAGE = "errorMessage"  # what an editor says of a value that does not fit


def told(schema: Schema, message: str) -> Schema:
    """The schema with what an editor says of a value that does not fit it."""
    return {**schema, MESSAGE: message}


def text(pattern: str = "") -> Schema:
    """A text; what YAML would read as a number or truth value counts as its source text."""
    found: Schema = {"type": ["string", "number", "boolean"]}
    if pattern:
        found["pattern"] = _whole(pattern)
    return found


def string(pattern: str) -> Schema:
    """A text of a form that no number and no truth value has."""
    return {"type": "string", "pattern": _whole(pattern)}


def name(limit: int = NAME_BYTES, prefix: str = "") -> Schema:
    """An identifier; a number can be one unless it has a minus sign."""
    schema = {**text(prefix + _name_pattern(limit)), "minimum": 0}
    return told(schema, _name_rule(limit))


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _name_pattern(limit: int) -> str:
    return f"[A-Za-z0-9][A-Za-z0-9_-]{{0,{limit - 1}}}"


def _name_rule(limit: int) -> str:
    return (
        "A name has letters, digits, `_` and `-`, begins with a letter or digit, "
        f"and is at most {limit} characters long."
    )


# -- names and references ---------------------------------------------------------------------

_NAME = _name_pattern(NAME_BYTES)
_VARIABLE = rf"[A-Za-z_][A-Za-z0-9_]{{0,{VARIABLE_BYTES - 1}}}"
_VARIABLE_RULE = (
    "The name of a variable has letters, digits and `_`, does not begin with a digit, "
    f"and is at most {VARIABLE_BYTES} characters long."
)
VARIABLE: Schema = {
    "type": ["string", "boolean"],
    "pattern": _whole(_VARIABLE),
    MESSAGE: _VARIABLE_RULE,
}
NAME_KEY: Schema = {"pattern": _whole(_NAME), MESSAGE: _name_rule(NAME_BYTES)}
VARIABLE_KEY: Schema = {"pattern": _whole(_VARIABLE), MESSAGE: _VARIABLE_RULE}
REFERENCE = string(rf"~:{_NAME}|\^~?:{_NAME}|\[{_NAME}\]~?:{_NAME}|{_NAME}:{_NAME}")

# -- paths ------------------------------------------------------------------------------------

# No control characters, no empty segment, neither `.` nor `..`, and `**` only alone.
_SEGMENT = (
    r"(?!\.{1,2}(?:/|$))"
    r"(?:\*\*(?=/|$)|(?:(?!\*\*)[^/\u0000-\u001f\u007f-\u009f])+)"
)
_SEGMENTS = rf"{_SEGMENT}(?:/{_SEGMENT})*"
_PATH_RULE = "has no segment that is empty, `.` or `..`, and `**` only as a whole segment."
FOLDER = told(
    string(f"/{_SEGMENTS}"),
    f"A folder or glob of projects begins with `/`, the workspace root, and {_PATH_RULE}",
)
PATTERN = told(text(f"/?{_SEGMENTS}"), f"A path or glob {_PATH_RULE}")
FUNCTION = told(
    string(r"[^*?\[{\u0000-\u001f\u007f-\u009f]+\.py:[^:\s]+"),
    "A function is a Python file and a name in it, such as tools/seed.py:seed.",
)
OUTPUT = told(
    text(rf"(?!/?\.haz(?:/|$))/?{_SEGMENTS}"),
    f"An output is not in `.haz`; it {_PATH_RULE}",
)

# -- quantities -------------------------------------------------------------------------------

_DIGITS = (
    r"0[xX][0-9a-fA-F](?:_?[0-9a-fA-F])*|0[oO][0-7](?:_?[0-7])*|0[bB][01](?:_?[01])*"
    r"|[0-9](?:_?[0-9])*"
)
# Numbers of ours that YAML takes for texts, and no others: those stand in quotes.
_ODD_DIGITS = rf"(?=\+?0[xXoObB0-9]|.*_|\+)\+?(?:{_DIGITS})"
_REAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_BLANK = r"[ \t\r\n]*"
_LIMIT = 1 << 64

AGE = string(rf"(?!.*([{''.join(SECONDS)}]).*\1)(?:[0-9]+[{''.join(SECONDS)}])+")
SIZE: Schema = {
    "type": ["string", "integer"],
    "pattern": f"^[0-9]+(?:{'|'.join(filter(None, SIZES))})?$",
    "minimum": 0,
    "exclusiveMaximum": _LIMIT,
}
DURATION: Schema = {
    "type": ["string", "number"],
    "pattern": f"^{_BLANK}{_REAL}{_BLANK}$",
    "minimum": 0,
    "exclusiveMaximum": _LIMIT,
}
COUNT: Schema = {
    "type": ["string", "integer"],
    "pattern": rf"^{_BLANK}\+?(?:{_DIGITS}){_BLANK}$",
    "minimum": 1,
    "exclusiveMaximum": _LIMIT,
}
PARALLELISM: Schema = {
    "type": ["string", "integer"],
    "pattern": f"^(?:auto|{_ODD_DIGITS})$",
    "minimum": 1,
    "exclusiveMaximum": _LIMIT,
}
