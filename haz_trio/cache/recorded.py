"""Recipes as ``recipe.json`` records them: read strictly, or not at all (cache.md C5).

The file may come from a hostile branch: whatever its bytes, the answer is a recorded recipe or
``None``.  Knows nothing of keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeAlias, TypeVar

from haz_trio.cache.layout import is_digest
from haz_trio.cache.recipe import FORMAT, Recipe, readable
from haz_trio.errors import InvalidTextError
from haz_trio.model.names import TaskId, check_name, is_variable
from haz_trio.model.tasks import Argv, Called, Keyable, Shell
from haz_trio.model.workspace import HashName
from haz_trio.values import frozen

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
_V = TypeVar("_V")


@frozen
class Streams:
    """The digests of a predecessor's streams, in hexadecimal digits."""

    stdout: str
    stderr: str


@frozen
class FromHost:
    """A variable copied from the host; ``veiled`` is its keyed digest, ``None`` when unset."""

    veiled: str | None


@frozen
class Override:
    """A variable that the task sets."""

    veiled: str


Value: TypeAlias = FromHost | Override


@frozen
class Recorded:
    """The readable parts of a recipe; digests are hexadecimal digits."""

    hash_name: HashName
    platform: tuple[str, str]
    root: str
    action: Keyable
    outputs: frozenset[tuple[str, str]]  # (literal or glob, workspace-absolute pattern)
    inputs: Mapping[str, str]
    upstream: Mapping[TaskId, Streams]
    env: Mapping[str, Value]


def recorded(recipe: Recipe, secret: bytes) -> Recorded:
    """What ``recipe.json`` would say of a recipe."""
    found = parse(readable(recipe, secret))
    assert found is not None, "the reader takes what the writer writes"
    return found


def parse(data: bytes) -> Recorded | None:
    """The recipe that the bytes of a ``recipe.json`` hold, ``None`` in any doubt; never raises."""
    try:
        top = _object(json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse))
        if _text(top["format"]) != FORMAT:
            return None
        env = _object(top["env"])
        return Recorded(
            hash_name=HashName(_text(top["hash_function"])),
            platform=_platform(_list(top["platform"])),
            root=_text(top["project_root"]),
            action=_action(_object(top["action"])),
            outputs=frozenset(map(_output, _list(top["outputs"]))),
            inputs={_path(p): _digest(d) for p, d in _object(top["inputs"]).items()},
            upstream={_task(id): _streams(s) for id, s in _object(top["deps"]).items()},
            env={
                **{_name(n): FromHost(_host(v)) for n, v in _object(env["from_host"]).items()},
                **{_name(n): Override(_veiled(v)) for n, v in _object(env["override"]).items()},
            },
        )
    # All that a wrong shape raises; InvalidTextError is a ValueError.
    except (ValueError, KeyError, RecursionError):
        return None


def _action(record: dict[str, Json]) -> Keyable:
    if "command" in record:
        return Argv(tuple(map(_text, _list(record["command"]))))
    if "function" in record:
        parts = _object(record["parts"]).items()
        return Called(
            _text(record["function"]),
            tuple(sorted((name, bytes.fromhex(_veiled(value))) for name, value in parts)),
        )
    return Shell(_text(record["shell"]), _text(record["shell_type"]))


def _platform(names: list[Json]) -> tuple[str, str]:
    system, machine = names
    return _text(system), _text(machine)


def _output(value: Json) -> tuple[str, str]:
    record = _object(value)
    kind = _text(record["kind"])
    if kind not in ("literal", "glob"):
        raise ValueError("an output is neither literal nor glob")
    return kind, _path(record["pattern"])


def _path(value: Json) -> str:
    text = _text(value)
    if not text.startswith("/"):
        raise ValueError("a path is not workspace-absolute")
    return text


def _task(text: str) -> TaskId:
    project, colon, task = text.partition(":")
    if not colon:
        raise InvalidTextError("a task id has no colon")
    return TaskId(check_name(project), check_name(task))


def _streams(value: Json) -> Streams:
    record = _object(value)
    return Streams(_digest(record["stdout"]), _digest(record["stderr"]))


def _digest(value: Json) -> str:
    text = _text(value)
    if not is_digest(text):
        raise ValueError("a digest is not 64 hexadecimal digits")
    return text


def _name(text: str) -> str:
    if not is_variable(text):
        raise ValueError("a name is none of a variable")
    return text


def _host(value: Json) -> str | None:
    return None if value is None else _veiled(value)


def _veiled(value: Json) -> str:
    text = _text(value)
    if len(text) != 32 or not is_digest(text * 2):
        raise ValueError("a veiled value is not 32 hexadecimal digits")
    return text


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("a member is not a text")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError("a member is not a list")
    return value


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ValueError("a member is not an object")
    return value


def _unique(pairs: Iterable[tuple[str, _V]]) -> dict[str, _V]:
    members: dict[str, _V] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError("an object has a member twice")
        members[name] = value
    return members


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
