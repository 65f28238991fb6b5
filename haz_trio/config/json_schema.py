"""JSON Schemas (2020-12) of the three kinds of files, made from the classes that parse them.

Whatever the parser accepts the schemas accept.
Of what it refuses, they refuse unknown keys, wrong shapes, missing keys and every value whose
text shows the fault; what takes the whole workspace to see is left to ``haz check``.

A schema sees values where the parser sees source text: ``3`` is a number for one and the text
``3`` for the other. So wherever the parser takes text, numbers and truth values are allowed too.
Only keywords that are in draft 7 as well are used, because editors know no more than that.
The one exception is ``errorMessage``: editors show it, other programs ignore it.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping
from typing import Any, TypeAlias, Union, get_args, get_origin  # Any: for TypeForm

import attrs

from haz_trio.config import json_schema_texts as texts
from haz_trio.config.json_schema_texts import MESSAGE, Schema, told
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
from haz_trio.model.names import SHELL_NAME_BYTES

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

# What the checks behind the parser (``bodies.py``, ``files.py``) say about one text of a key.
_TEXTS: Mapping[tuple[type[attrs.AttrsInstance], str], Schema] = {
    (WorkspaceDto, "projects"): texts.FOLDER,
    (ProjectDto, "name"): texts.name(),
    (ProjectDto, "tags"): texts.name(),
    (OverlayDto, "tagsFilter"): texts.name(),
    (TaskDto, "inputs"): texts.PATTERN,
    (TaskDto, "outputs"): texts.OUTPUT,
    (TaskDto, "deps"): texts.REFERENCE,
    (TaskDto, "weakDeps"): texts.REFERENCE,
    (TaskDto, "mutex"): texts.name(prefix="(?:~:)?"),
    (TaskDto, "shell_type"): texts.name(SHELL_NAME_BYTES),
    (TaskDto, "function"): texts.FUNCTION,
    (MutexDto, "name"): texts.name(prefix="(?:~:)?"),
    (EnvDto, "from_host"): texts.VARIABLE,
}
_TABLE_KEYS: Mapping[tuple[type[attrs.AttrsInstance], str], Schema] = {
    (ProjectDto, "tasks"): texts.NAME_KEY,
    (OverlayDto, "tasks"): texts.NAME_KEY,
    (EnvDto, "override"): texts.VARIABLE_KEY,
    (ConcurrencyDto, "tags"): texts.NAME_KEY,
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


def _not_given(key: str, message: str) -> Schema:
    """The key is not there, or null; an editor marks its value, and not the whole mapping."""
    return {"properties": {key: told({"type": "null"}, message)}}


_ACTION = "The body has no action: add `command: [program, argument]`, or `shell` with a script."
_ONE_ACTION = "The body has `command` already: keep one of the two."
_NOT_BOTH = "The body has `shell` already: keep one of the two."
_SHELL_TYPE = "`shell_type` belongs to `shell`, and the body has none."
_TOGETHER: Mapping[type[attrs.AttrsInstance], Schema] = {
    TaskDto: {
        "anyOf": [told(_given(key), _ACTION) for key in ("command", "shell", "function")],
        "allOf": [
            {"if": _given("command"), "then": _not_given("shell", _ONE_ACTION)},
            {"if": _given("command"), "then": _not_given("function", _ONE_ACTION)},
            {"if": _given("shell"), "then": _not_given("function", _NOT_BOTH)},
            {"if": _given("shell"), "else": _not_given("shell_type", _SHELL_TYPE)},
        ],
    },
    MutexDto: {"required": ["name", "mode"]},
}
_NEVER_NULL = {(MutexDto, "name"), (MutexDto, "mode")}

_NUMBERS: Mapping[object, Schema] = {
    Age: texts.AGE,
    Size: texts.SIZE,
    Seconds: texts.DURATION,
    Count: texts.COUNT,
    Parallelism: texts.PARALLELISM,
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
            value = _explained(value, _sentence(about, about.rule), _sentence(about, about.items))
            if about.nullable and (cls, name) not in _NEVER_NULL:
                value = _or_null(value)
            properties[name] = {"description": _sentence(about, about.rule), **value}
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
        text = _TEXTS.get(here, texts.text())
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
                "propertyNames": _TABLE_KEYS[here],
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
            return texts.text()
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


def _sentence(about: Key, rule: str) -> str:
    """The help of a key as a sentence, with the rule that it falls under."""
    rule = "" if rule == "yaml" else f" (CFG-{rule})"
    return f"{about.help[0].upper()}{about.help[1:]}{rule}."


def _explained(value: Schema, message: str, inner: str) -> Schema:
    """The value with a message, and with one for what is in it, unless there are better ones.

    A mapping gets none: editors would show it in the place of the name of an unknown key.
    """
    found = dict(value)
    for key in ("items", "additionalProperties"):
        if isinstance(nested := found.get(key), dict):
            found[key] = _explained(nested, inner, inner)
    if "enum" in found or found.get("type", "object") != "object":
        found.setdefault(MESSAGE, message)
    return found


def _or_null(value: Schema) -> Schema:
    """The value, or null for a key that is not given."""
    kinds = value.get("type")
    if "enum" in value:
        return {**value, "enum": [*_listed(value["enum"]), None]}
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
