"""What a key is made of, and how it becomes bytes that say nothing else (cache.md C2).

Every value is ``tag (1 byte) + u64 big-endian length or count + payload``; a decoder in the tests
proves that no two recipes have one encoding.
Knows nothing of files: the inputs come as digests.
"""

from __future__ import annotations

import hashlib
import json
import platform
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs

from haz_trio.cache.hashing import digest_bytes
from haz_trio.model.patterns import Anchored
from haz_trio.model.tasks import Action, Argv, Environment, Shell
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Upstream

FORMAT = "haz-trio recipe 1"
PLATFORM = (sys.platform, platform.machine())

Value: TypeAlias = "bytes | str | Sequence[Value] | None"
_HEAD = struct.Struct(">cQ")


@attrs.frozen
class Recipe:
    """The components of a key, each in its canonical order.

    ``inputs`` are (workspace-absolute path, digest), ``upstream`` (project, task, stdout digest,
    stderr digest), ``host_env`` (name, value as bytes or ``None`` when unset) without the names
    that an override shadows.
    """

    hash_name: HashName
    root: str
    action: Action
    outputs: tuple[tuple[str, str], ...]  # (literal or glob, workspace-absolute pattern)
    inputs: tuple[tuple[str, bytes], ...]
    upstream: tuple[tuple[str, str, bytes, bytes], ...]
    host_env: tuple[tuple[str, bytes | None], ...]
    overrides: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls,
        *,
        hash_name: HashName,
        root: str,
        action: Action,
        outputs: Iterable[Anchored],
        inputs: Iterable[tuple[str, bytes]],
        upstream: Iterable[Upstream],
        env: Environment,
        host: Mapping[str, str],
    ) -> Recipe:
        """Compose a recipe; the order of the arguments' items does not matter."""
        shadowed = {name for name, _ in env.override}
        return cls(
            hash_name=hash_name,
            root=root,
            action=action,
            outputs=tuple(sorted({("glob" if p.is_glob else "literal", p.text) for p in outputs})),
            inputs=tuple(sorted(set(inputs), key=_by_path_bytes)),
            upstream=tuple(
                sorted((u.task.project, u.task.task, u.stdout, u.stderr) for u in upstream)
            ),
            host_env=tuple(
                (name, _bytes(host[name]) if name in host else None)
                for name in sorted(env.from_host - shadowed)
            ),
            overrides=tuple(sorted(env.override)),
        )


def encode(recipe: Recipe) -> bytes:
    """The canonical encoding; differs whenever the recipe differs."""
    parts: list[bytes] = []
    match recipe.action:
        case Argv(argv):
            action: Value = ["command", list(argv)]
        case Shell(script, shell):
            action = ["shell", shell, script]
    components: list[Value] = [
        [FORMAT, recipe.hash_name.value],
        list(PLATFORM),
        recipe.root,
        action,
        [list(output) for output in recipe.outputs],
        [[_bytes(path), digest] for path, digest in recipe.inputs],
        [list(before) for before in recipe.upstream],
        [list(pair) for pair in recipe.host_env],
        [list(pair) for pair in recipe.overrides],
    ]
    _encode(components, parts)
    return b"".join(parts)


def key_of(recipe: Recipe) -> str:
    """The key: 64 hexadecimal digits (CACHE-001)."""
    return digest_bytes(recipe.hash_name, encode(recipe)).hex()


def readable(recipe: Recipe, secret: bytes) -> bytes:
    """``recipe.json``: for people and for ``why``; environment values only as keyed digests.

    The digests are keyed with a random secret of this cache, so that a guess at a value cannot
    be tried by who has the file alone (decisions.md 17).
    """

    def veiled(value: bytes) -> str:
        return hashlib.blake2b(value, key=secret, digest_size=16).hexdigest()

    match recipe.action:
        case Argv(argv):
            action: dict[str, object] = {"command": list(argv)}
        case Shell(script, shell):
            action = {"shell": script, "shell_type": shell}
    document = {
        "format": FORMAT,
        "hash_function": recipe.hash_name.value,
        "platform": list(PLATFORM),
        "project_root": recipe.root,
        "action": action,
        "outputs": [{kind: pattern} for kind, pattern in recipe.outputs],
        "inputs": {path: digest.hex() for path, digest in recipe.inputs},
        "deps": {
            f"{project}:{task}": {"stdout": out.hex(), "stderr": err.hex()}
            for project, task, out, err in recipe.upstream
        },
        "env": {
            "from_host": {
                name: None if value is None else veiled(value) for name, value in recipe.host_env
            },
            "override": {name: veiled(_bytes(value)) for name, value in recipe.overrides},
        },
    }
    return json.dumps(document, indent=2).encode("ascii") + b"\n"


def _encode(value: Value, parts: list[bytes]) -> None:
    match value:
        case None:
            parts.append(_HEAD.pack(b"n", 0))
        case bytes():
            parts += (_HEAD.pack(b"b", len(value)), value)
        case str():
            data = _bytes(value)
            parts += (_HEAD.pack(b"t", len(data)), data)
        case _:
            parts.append(_HEAD.pack(b"l", len(value)))
            for item in value:
                _encode(item, parts)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _by_path_bytes(item: tuple[str, bytes]) -> tuple[bytes, bytes]:
    return _bytes(item[0]), item[1]
