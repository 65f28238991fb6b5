"""What a key is made of (cache.md C2): the recipe, its one encoding, its form for people.

Every value is encoded as a tag, a big-endian u64 and a payload, so that no two recipes share an
encoding however their parts are cut:

    n  0                  nothing        t  bytes, UTF-8     text
    b  bytes, the bytes   bytes          l  items, the items list

Decides everything from its arguments; the platform is that of this process.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias, assert_never

from haz_trio.cache.hashing import digest_bytes
from haz_trio.cache.pretty_json import Value as Json
from haz_trio.cache.pretty_json import Written, pretty, pretty_part
from haz_trio.model.patterns import Anchored
from haz_trio.model.tasks import Argv, Called, Environment, Keyable, Shell
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Upstream
from haz_trio.values import frozen

FORMAT = "haz-trio recipe 1"
PLATFORM = (sys.platform, os.uname().machine)
SHORTEST_SECRET, LONGEST_SECRET = 16, 64  # bytes

Value: TypeAlias = "bytes | str | Sequence[Value] | None"
_HEAD = struct.Struct(">cQ").pack
_NOTHING = _HEAD(b"n", 0)
_PAIR = _HEAD(b"l", 2)
_DIGEST = _HEAD(b"b", 32)


@frozen
class Recipe:
    """The components of a key after the format, in the order of the encoding.

    Make one with ``of``, which brings each component into its canonical order.
    Digests are 32 bytes.
    """

    hash_name: HashName
    platform: tuple[str, str]  # system and machine
    root: str  # the project's root, workspace-absolute
    action: Keyable
    outputs: tuple[tuple[str, str], ...]  # "glob" or "literal", workspace-absolute pattern
    inputs: tuple[tuple[str, bytes], ...]  # workspace-absolute path, content
    upstream: tuple[tuple[str, str, bytes, bytes], ...]  # project, task, stdout, stderr
    host_env: tuple[tuple[str, bytes | None], ...]  # without names that an override shadows
    overrides: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls,
        *,
        hash_name: HashName,
        root: str,
        action: Keyable,
        outputs: Iterable[Anchored],
        inputs: Iterable[tuple[str, bytes]],
        upstream: Iterable[Upstream],
        env: Environment,
        host: Mapping[str, str],
    ) -> Recipe:
        """Compose a recipe; neither order nor repetition in the arguments matters.

        A value of ``host`` that is not UTF-8 holds lone surrogates, as ``os.environ`` has it.
        """
        shadowed = {name for name, _ in env.override}
        return cls(
            hash_name=hash_name,
            platform=PLATFORM,
            root=root,
            action=action,
            outputs=tuple(sorted({("glob" if p.is_glob else "literal", p.text) for p in outputs})),
            inputs=_in_order(tuple(inputs)),
            upstream=tuple(
                sorted({(u.task.project, u.task.task, u.stdout, u.stderr) for u in upstream})
            ),
            host_env=tuple(
                (name, _bytes(host[name]) if name in host else None)
                for name in sorted(env.from_host - shadowed)
            ),
            overrides=tuple(sorted(env.override)),
        )


def encode(recipe: Recipe) -> bytes:
    """The canonical encoding; differs whenever the recipe differs (cache.md K1)."""
    match recipe.action:
        case Argv(argv):
            action: Value = ("command", argv)
        case Shell(script, shell):
            action = ("shell", shell, script)
        case Called(function, its_parts):
            action = ("function", function, its_parts)
        case _:
            assert_never(recipe.action)
    parts = [_HEAD(b"l", 9), _encode_scope(recipe.hash_name, recipe.platform)]
    for component in (recipe.root, action, recipe.outputs):
        _encode(component, parts)
    parts.append(_encode_inputs(recipe.inputs))
    for component in (recipe.upstream, recipe.host_env, recipe.overrides):
        _encode(component, parts)
    return b"".join(parts)


def key_of(recipe: Recipe) -> str:
    """The key: 64 hexadecimal digits (CACHE-001)."""
    return digest_bytes(recipe.hash_name, encode(recipe)).hex()


def readable(recipe: Recipe, secret: bytes) -> bytes:
    """``recipe.json``: for people, and to say which component of two recipes differs.

    Values of variables are there only as digests keyed with ``secret`` (16 to 64 random bytes
    of this cache), so that a guess cannot be tried by who has the file alone (decisions.md 17).
    """
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise ValueError(f"a secret has 16 to 64 bytes, not {len(secret)}")

    def veiled(name: str, value: bytes) -> str:
        # Imported here: it takes milliseconds, and many tasks have no variables.
        from hashlib import blake2b

        # With the name in it, equal values of two variables do not show.
        data = _bytes(name) + b"=" + value
        return blake2b(data, key=secret, digest_size=16).hexdigest()

    match recipe.action:
        case Argv(argv):
            action: dict[str, Json] = {"command": argv}
        case Shell(script, shell):
            action = {"shell": script, "shell_type": shell}
        case Called(function, parts):
            action = {"function": function, "parts": {name: part.hex() for name, part in parts}}
        case _:
            assert_never(recipe.action)
    document: dict[str, Json] = {
        "format": FORMAT,
        "hash_function": recipe.hash_name.value,
        "platform": recipe.platform,
        "project_root": recipe.root,
        "action": action,
        "outputs": [{"kind": kind, "pattern": pattern} for kind, pattern in recipe.outputs],
        "inputs": _readable_inputs(recipe.inputs),
        "deps": {
            f"{project}:{task}": {"stdout": out.hex(), "stderr": err.hex()}
            for project, task, out, err in recipe.upstream
        },
        "env": {
            "from_host": {
                name: None if value is None else veiled(name, value)
                for name, value in recipe.host_env
            },
            "override": {name: veiled(name, _bytes(value)) for name, value in recipe.overrides},
        },
    }
    return pretty(document, ascii_only=True).encode("ascii") + b"\n"


@lru_cache(maxsize=8)  # the tasks of a project follow each other, and often share their inputs
def _in_order(inputs: tuple[tuple[str, bytes], ...]) -> tuple[tuple[str, bytes], ...]:
    return tuple(sorted(set(inputs)))


@lru_cache(maxsize=8)  # a run has one
def _encode_scope(hash_name: HashName, platform: tuple[str, str]) -> bytes:
    """The first two components."""
    parts: list[bytes] = []
    _encode((FORMAT, hash_name.value), parts)
    _encode(platform, parts)
    return b"".join(parts)


@lru_cache(maxsize=8)  # as above
def _readable_inputs(inputs: tuple[tuple[str, bytes], ...]) -> Written:
    digests: dict[str, Json] = {path: digest.hex() for path, digest in inputs}
    return pretty_part(digests, depth=1, ascii_only=True)


@lru_cache(maxsize=8)  # as above
def _encode_inputs(inputs: tuple[tuple[str, bytes], ...]) -> bytes:
    # Written out, because inputs are most of what there is to encode in a workspace.
    parts = [_HEAD(b"l", len(inputs))]
    for path, digest in inputs:
        name = _bytes(path)
        parts += (_PAIR, _HEAD(b"b", len(name)), name, _DIGEST, digest)
    return b"".join(parts)


def _encode(value: Value, parts: list[bytes]) -> None:
    if isinstance(value, str):
        data = _bytes(value)
        parts += (_HEAD(b"t", len(data)), data)
    elif isinstance(value, bytes):
        parts += (_HEAD(b"b", len(value)), value)
    elif value is None:
        parts.append(_NOTHING)
    else:
        parts.append(_HEAD(b"l", len(value)))
        for item in value:
            _encode(item, parts)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
