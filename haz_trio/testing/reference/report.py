"""What ``haz why`` prints of a task (AUX-013 to AUX-015), but for the key itself."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from haz_trio.testing.reference.globs import is_glob, matches
from haz_trio.testing.reference.graph import Graph, label
from haz_trio.testing.reference.json_values import mapping, text, texts
from haz_trio.testing.reference.references import Id

SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


class MissingInputError(ValueError):
    """A literal input that is no regular file: exit code 2."""


def walk(root: Path) -> dict[str, bool]:
    """Every file of a workspace, by the paths that patterns see; false for a link to nothing.

    Links are followed and have their own path; a folder is not entered again below itself, and
    what lies in ``.haz/cache`` is no file of the workspace.
    """
    found: dict[str, bool] = {}

    def enter(folder: Path, path: str, above: frozenset[str]) -> None:
        here = os.path.realpath(folder)
        if here in above or path == "/.haz/cache":
            return
        for name in os.listdir(folder):
            inside = folder / name
            if inside.is_dir():
                enter(inside, f"{path}/{name}", above | {here})
            elif inside.is_file() or inside.is_symlink():
                found[f"{path}/{name}"] = inside.is_file()

    enter(root, "", frozenset())
    return dict(sorted(found.items(), key=lambda item: os.fsencode(item[0])))


def inputs_of(id: Id, graph: Graph, files: Mapping[str, bool]) -> list[str]:
    """The files that a task's inputs match (CACHE-006); raises ``MissingInputError``."""
    patterns = graph.tasks[id].patterns("inputs")
    for pattern in patterns:
        if not is_glob(pattern) and not files.get(pattern):
            raise MissingInputError(pattern)
    found = [path for path in files if any(matches(pattern, path) for pattern in patterns)]
    if not all(files[path] for path in found):
        raise MissingInputError("a link that leads nowhere")
    return found


def report(id: Id, graph: Graph, files: Mapping[str, bool]) -> list[str]:
    """The lines before ``cache_key``."""
    task = graph.tasks[id]
    lines = [label(id)]
    script = task.body.get("shell")
    if script is None:
        lines.append("command: [" + ", ".join(map(_quoted, task.texts("command"))) + "]")
    else:
        lines += f"shell ({task.body.get('shell_type') or 'sh'}): {text(script)}".split("\n")
    sections = {
        "inputs": [f"{path}{_maker(path, graph)}" for path in inputs_of(id, graph, files)],
        "outputs": list(task.texts("outputs")),
        "deps": sorted(map(label, graph.hard[id])),
        "weakDeps": sorted(map(label, graph.weak[id])),
    }
    for name, rows in sections.items():
        lines += [f"{name}:", *(f"  {row}" for row in rows)] if rows else []
    if task.mutex is not None:
        lines.append(_mutex(task.mutex, id))
    environment = mapping(task.body.get("env"))
    hosts = sorted(texts(environment.get("from_host")))
    overrides: Mapping[str, object] = mapping(environment.get("override"))
    values = [f"{name}={value}" for name, value in sorted(overrides.items())]
    for name, rows in (("env.from_host", hosts), ("env.override", values)):
        lines += [f"{name}:", *(f"  {row}" for row in rows)] if rows else []
    return lines


def _mutex(mutex: tuple[str, bool], id: Id) -> str:
    lock, shared = mutex
    own = lock.startswith(f"{id[0]}/")
    scope, name = ("project", lock.partition("/")[2]) if own else ("workspace", lock)
    return f"mutex: scope={scope}, name={name}, mode={'shared' if shared else 'exclusive'}"


def _maker(path: str, graph: Graph) -> str:
    """Who makes an input, statically; that may be the task itself."""
    makers = [
        label(other)
        for other, task in graph.tasks.items()
        if any(matches(pattern, path) for pattern in task.patterns("outputs"))
    ]
    if len(makers) == 1:
        return f" (produced by {makers[0]})"
    return " (producer: undetermined)" if makers else ""


def _quoted(argument: str) -> str:
    return '"' + "".join(SHORT.get(one) or _escaped(one) for one in argument) + '"'


def _escaped(character: str) -> str:
    odd = unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp") and character != " "
    return f"\\u{{{ord(character):x}}}" if odd else character
