"""What a key is made of (CACHE-005 to CACHE-011), and in what two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import attrs

from haz_trio.testing.reference.references import Id

Streams = tuple[bytes, bytes]
Difference = tuple[str, str, str]  # the part of a key, what of it, and what became of that
_K = TypeVar("_K")


@attrs.frozen
class Key:
    """Two results are the same if their keys are equal."""

    hash: str
    root: str
    action: str
    outputs: frozenset[str]
    inputs: tuple[tuple[str, bytes], ...]  # paths and contents
    upstream: tuple[tuple[Id, Streams], ...]
    host: tuple[tuple[str, str | None], ...]
    override: tuple[tuple[str, str], ...]


def differences(before: Key, now: Key) -> set[Difference]:
    """All that an answer to ``haz why --diff`` has to name.

    Digests of two functions cannot be compared: who is in both keys has not changed then.
    """
    found: set[Difference] = set()
    same = before.hash == now.hash
    if not same:
        found.add(("cache.hash", before.hash, now.hash))
    if before.action != now.action:
        found.add(("action", "", ""))
    inputs = _compared(dict(before.inputs), dict(now.inputs))
    found |= {("inputs", it, how) for it, how in inputs if same or how != "changed"}
    outputs = _compared(dict.fromkeys(before.outputs, 0), dict.fromkeys(now.outputs, 0))
    found |= {("outputs", it, how) for it, how in outputs}
    found |= {("env", it, how) for it, how in _compared(_variables(before), _variables(now))}
    old, new = dict(before.upstream), dict(now.upstream)
    for (project, task), how in _compared(old, new):
        name = f"{project}:{task}"
        if how != "changed":
            found.add(("deps", name, how))
        elif same:
            pairs = zip(old[project, task], new[project, task], strict=True)
            streams = zip(("stdout", "stderr"), pairs, strict=True)
            found |= {("deps", name, f"{it} changed") for it, (a, b) in streams if a != b}
    return found


def _variables(key: Key) -> dict[str, tuple[str, str | None]]:
    """Values, with where they come from: that counts as well."""
    return {name: ("host", value) for name, value in key.host} | {
        name: ("override", value) for name, value in key.override
    }


def _compared(before: Mapping[_K, object], now: Mapping[_K, object]) -> Iterator[tuple[_K, str]]:
    for name in before.keys() | now.keys():
        if name not in before:
            yield name, "added"
        elif name not in now:
            yield name, "removed"
        elif before[name] != now[name]:
            yield name, "changed"
