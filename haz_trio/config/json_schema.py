"""JSON Schemas (2020-12) of the three kinds of files, made from the classes that parse them.

Whatever the parser accepts the schemas accept.
Of what it refuses, they refuse unknown keys, wrong shapes, missing keys and every value whose
text shows the fault; what takes the whole workspace to see is left to ``haz check``.

A schema sees values where the parser sees source text: ``3`` is a number for one and the text
``3`` for the other. So wherever the parser takes text, numbers and truth values are allowed too.
Only keywords that are in draft 7 as well are used, because editors know no more than that.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping
from typing import Any, TypeAlias, Union, get_args, get_origin  # Any: for TypeForm

import attrs

from haz_trio.config.schema import (
    EXTENSION,
    FILES,
    Age,
    ConcurrencyDto,
    Count,
    EnvDto,
    Key,
    MutexDto,
    Name,
    Names,
    OverlayDto,
    Parallelism,
    ProjectDto,
    Seconds,
    Size,
    TaskDto,
    WorkspaceDto,
    keys_of,
)
from haz_trio.model.names import NAME_BYTES, SHELL_NAME_BYTES, VARIABLE_BYTES
from haz_trio.model.quantities import SECONDS, SIZES

Schema: TypeAlias = dict[str, object]
TypeForm: TypeAlias = Any  # Any: a type expression such as ``X | None`` has no type of its own
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class FileKind(enum.Enum):
    """The three kinds of files, by the words that ``haz schema`` takes."""

    WORKSPACE = "workspace"
    PROJECT = "project"
    OVERLAY = "overlay"


_FILES: Mapping[FileKind, tuple[type[attrs.AttrsInstance], str, str]] = {
    FileKind.WORKSPACE: (
        WorkspaceDto,
        "haz workspace",
        "The file .haz/workspace.yml: the projects of a workspace, and its settings.",
    ),
    FileKind.PROJECT: (
        ProjectDto,
        "haz project",
        "The file haz.yml: the name, the tags and the tasks of a project.",
    ),
    FileKind.OVERLAY: (
        OverlayDto,
        "haz overlay",
        "A file .haz/tasks/NAME.yml: tasks for every project that carries certain tags.",
    ),
}

# -- texts ------------------------------------------------------------------------------------


def _name_pattern(limit: int) -> str:
    return f"[A-Za-z0-9][A-Za-z0-9_-]{{0,{limit - 1}}}"


_NAME = _name_pattern(NAME_BYTES)
_REFERENCE = rf"~:{_NAME}|\^~?:{_NAME}|\[{_NAME}\]~?:{_NAME}|{_NAME}:{_NAME}"
# No control characters, no empty segment, neither `.` nor `..`, and `**` only alone.
_SEGMENT = (
    r"(?!\.{1,2}(?:/|$))"
    r"(?:\*\*(?=/|$)|(?:(?!\*\*)[^/\u0000-\u001f\u007f-\u009f])+)"
)
_SEGMENTS = rf"{_SEGMENT}(?:/{_SEGMENT})*"
_WHOLE = (
    r"0[xX][0-9a-fA-F](?:_?[0-9a-fA-F])*|0[oO][0-7](?:_?[0-7])*|0[bB][01](?:_?[01])*"
    r"|[0-9](?:_?[0-9])*"
)
# Numbers of ours that YAML takes for texts, and no others: those stand in quotes.
_ODD_WHOLE = rf"(?=\+?0[xXoObB0-9]|.*_|\+)\+?(?:{_WHOLE})"
_REAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_BLANK = r"[ \t\r\n]*"
_LIMIT = 1 << 64


def _text(pattern: str = "") -> Schema:
    """A text; what YAML would read as a number or truth value counts as its source text."""
    found: Schema = {"type": ["string", "number", "boolean"]}
    if pattern:
        found["pattern"] = f"^(?:{pattern})$"
    return found


def _string(pattern: str) -> Schema:
    """A text of a form that no number and no truth value has."""
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def _name(limit: int = NAME_BYTES, prefix: str = "") -> Schema:
    """An identifier; a number can be one unless it has a minus sign."""
    return {**_text(prefix + _name_pattern(limit)), "minimum": 0}


_VARIABLE = rf"[A-Za-z_][A-Za-z0-9_]{{0,{VARIABLE_BYTES - 1}}}"
_PATTERN = _text(f"/?{_SEGMENTS}")
_OUTPUT: Schema = {**_PATTERN, "not": {"type": "string", "pattern": r"^/?\.haz(?:/|$)"}}

# What the checks behind the parser (``bodies.py``, ``files.py``) say about one text of a key.
_TEXTS: Mapping[tuple[type[attrs.AttrsInstance], str], Schema] = {
    (WorkspaceDto, "projects"): _string(f"/{_SEGMENTS}"),
    (ProjectDto, "name"): _name(),
    (ProjectDto, "tags"): _name(),
    (OverlayDto, "tagsFilter"): _name(),
    (TaskDto, "inputs"): _PATTERN,
    (TaskDto, "outputs"): _OUTPUT,
    (TaskDto, "deps"): _string(_REFERENCE),
    (TaskDto, "weakDeps"): _string(_REFERENCE),
    (TaskDto, "mutex"): _name(prefix="(?:~:)?"),
    (TaskDto, "shell_type"): _name(SHELL_NAME_BYTES),
    (MutexDto, "name"): _name(prefix="(?:~:)?"),
    (EnvDto, "from_host"): {"type": ["string", "boolean"], "pattern": f"^(?:{_VARIABLE})$"},
}
_TABLE_KEYS: Mapping[tuple[type[attrs.AttrsInstance], str], str] = {
    (ProjectDto, "tasks"): _NAME,
    (OverlayDto, "tasks"): _NAME,
    (EnvDto, "override"): _VARIABLE,
    (ConcurrencyDto, "tags"): _NAME,
}
_LISTS: Mapping[tuple[type[attrs.AttrsInstance], str], Schema] = {
    (TaskDto, "command"): {"minItems": 1},
    (OverlayDto, "tagsFilter"): {"minItems": 1},
}
_REPEATING = {(TaskDto, "command"), (WorkspaceDto, "projects")}

# -- rules between the keys of one mapping ----------------------------------------------------


def _given(key: str) -> Schema:
    """The key is there and not null."""
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}


_TOGETHER: Mapping[type[attrs.AttrsInstance], Schema] = {
    TaskDto: {
        "oneOf": [_given("command"), _given("shell")],
        "if": _given("shell_type"),
        "then": _given("shell"),
    },
    MutexDto: {"required": ["name", "mode"]},
}
_NEVER_NULL = {(MutexDto, "name"), (MutexDto, "mode")}

_NUMBERS: Mapping[object, Schema] = {
    Age: _string(rf"(?!.*([{''.join(SECONDS)}]).*\1)(?:[0-9]+[{''.join(SECONDS)}])+"),
    Size: {
        "type": ["string", "integer"],
        "pattern": f"^[0-9]+(?:{'|'.join(filter(None, SIZES))})?$",
        "minimum": 0,
        "exclusiveMaximum": _LIMIT,
    },
    Seconds: {
        "type": ["string", "number"],
        "pattern": f"^{_BLANK}{_REAL}{_BLANK}$",
        "minimum": 0,
        "exclusiveMaximum": _LIMIT,
    },
    Count: {
        "type": ["string", "integer"],
        "pattern": rf"^{_BLANK}\+?(?:{_WHOLE}){_BLANK}$",
        "minimum": 1,
        "exclusiveMaximum": _LIMIT,
    },
    Parallelism: {
        "type": ["string", "integer"],
        "pattern": f"^(?:auto|{_ODD_WHOLE})$",
        "minimum": 1,
        "exclusiveMaximum": _LIMIT,
    },
}


def file_schema(kind: FileKind) -> Schema:
    """The schema of one kind of files, ready for ``json.dumps``."""
    cls, title, description = _FILES[kind]
    maker = _Maker()
    body = maker.mapping(cls)
    assert cls in FILES, "the root mappings take keys of other programs"
    found: Schema = {
        "$schema": DIALECT,
        "title": title,
        "description": description,
        **body,
        "patternProperties": {f"^{EXTENSION}": {"description": "Ignored; for other programs."}},
    }
    if maker.definitions:
        found["$defs"] = maker.definitions
    return found


class _Maker:
    """One schema in the making."""

    def __init__(self) -> None:
        self.definitions: Schema = {}

    def mapping(self, cls: type[attrs.AttrsInstance]) -> Schema:
        """A mapping with the keys of a class, and no others."""
        properties: Schema = {}
        required = []
        for name, (attribute, about) in keys_of(cls).items():
            value = self._value(cls, name, attribute.type)
            if about.nullable and (cls, name) not in _NEVER_NULL:
                value = _or_null(value)
            properties[name] = {"description": _description(about), **value}
            if about.required:
                required.append(name)
        found: Schema = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        }
        if required:
            found["required"] = required
        return {**found, **_TOGETHER.get(cls, {})}

    def _value(self, cls: type[attrs.AttrsInstance], key: str, annotation: TypeForm) -> Schema:
        kind = _without_none(annotation)
        here = (cls, key)
        text = _TEXTS.get(here, _text())
        if kind == Names:
            return self._list(here, text)
        if kind is Name:
            return text
        if kind == Name | MutexDto:
            return {"anyOf": [text, self.mapping(MutexDto)]}
        origin: object = get_origin(kind)
        if origin is Mapping:
            return {
                "type": "object",
                "propertyNames": {"pattern": f"^(?:{_TABLE_KEYS[here]})$"},
                "additionalProperties": self._plain(get_args(kind)[1]),
            }
        return self._plain(kind)

    def _list(self, here: tuple[type[attrs.AttrsInstance], str], item: Schema) -> Schema:
        found: Schema = {"type": "array", "items": item, **_LISTS.get(here, {})}
        if here not in _REPEATING:
            # As numbers 1 and 1.0 are equal, as texts they are not.
            found["if"] = {"items": {"type": "string"}}
            found["then"] = {"uniqueItems": True}
        return found

    def _plain(self, kind: TypeForm) -> Schema:
        """The schema of a type whatever key it stands behind."""
        if kind in _NUMBERS:
            return _NUMBERS[kind]
        if kind is Name:
            return _text()
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return {"enum": [member.value for member in kind]}
        assert attrs.has(kind), f"no schema for {kind}"
        if kind is not TaskDto:
            return self.mapping(kind)
        if "task" not in self.definitions:
            self.definitions["task"] = {
                "description": "A task: a command or a shell script, and what it needs.",
                **self.mapping(kind),
            }
        return {"$ref": "#/$defs/task"}


def _description(about: Key) -> str:
    """The help of a key as a sentence, with the rule that it falls under."""
    return f"{about.help[0].upper()}{about.help[1:]} (CFG-{about.rule})."


def _or_null(value: Schema) -> Schema:
    """The value, or null for a key that is not given."""
    kinds = value.get("type")
    if "enum" in value:
        return {"enum": [*_listed(value["enum"]), None]}
    if kinds is None:
        return {"anyOf": [*_listed(value["anyOf"]), {"type": "null"}]}
    return {**value, "type": [*_listed(kinds), "null"]}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _without_none(kind: TypeForm) -> TypeForm:
    origin: object = get_origin(kind)
    if origin not in (Union, types.UnionType):
        return kind
    rest = tuple(part for part in get_args(kind) if part is not types.NoneType)
    return Union[rest]  # noqa: UP007  # the parts are known only here
