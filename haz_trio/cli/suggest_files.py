"""The names of projects, tags and tasks from the files: read fast, and from broken ones too.

Nothing is checked here and no problem is reported: what can be read is offered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from haz_trio.cli.suggest_names import Known, Names
from haz_trio.config.discovery import PROJECT_FILE, Root
from haz_trio.config.disk import read_file, within
from haz_trio.config.expansion import ProjectRoot, expand
from haz_trio.config.files import parse_workspace_file
from haz_trio.config.load import load_root
from haz_trio.config.nodes import Mapping, Node, Scalar, Sequence, Sheet
from haz_trio.config.overlay_files import list_overlays
from haz_trio.config.reader import read_tree
from haz_trio.config.text import Text, decode
from haz_trio.errors import ConfigError
from haz_trio.model.patterns import WORKSPACE_ROOT, below
from haz_trio.model.workspace import Mode
from haz_trio.values import frozen

_TOP = re.compile(r"(?P<key>[A-Za-z]+)\s*:\s*(?P<rest>.*)")
_INNER = re.compile(r"(?P<indent> +)[\"']?(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*)[\"']?\s*:(?:\s|$)")
_NAME = re.compile(r"[\"']?(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*)")


@frozen
class Named:
    """What one project or overlay file names; an overlay has no ``name``."""

    name: str = ""
    tags: frozenset[str] = frozenset()
    tasks: tuple[str, ...] = ()


def read_names(directory: str, chosen: str | None) -> Names:
    """The names of the workspace around a directory; ``chosen`` is what ``--root`` says.

    None where there is no workspace.
    """
    try:
        root = load_root(directory, root=chosen)
    except ConfigError:
        return Names()
    overlays = list(_overlays(root))
    projects = [project for place in _places(root) for project in _known(place, overlays)]
    projects.sort(key=lambda project: project.name)
    inside = within(directory, root.path) or ""
    bearing = [p for p in projects if inside and below(inside, p.root)]
    innermost = max(bearing, key=lambda project: len(project.root), default=None)
    return Names(tuple(projects), innermost)


def _places(root: Root) -> tuple[ProjectRoot, ...]:
    if root.mode is Mode.IMPLICIT:
        return (ProjectRoot(0, root.path, WORKSPACE_ROOT),)
    data = read_file(root.workspace_file)
    if not isinstance(data, bytes):
        return ()
    return expand(root.path, parse_workspace_file(root.workspace_file, data).entries).roots


def _overlays(root: Root) -> Iterator[Named]:
    if root.mode is Mode.EXPLICIT:
        for _, path in list_overlays(root.path).files:
            yield read_file_names(path)


def _known(place: ProjectRoot, overlays: list[Named]) -> Iterator[Known]:
    own = read_file_names(os.path.join(place.directory, PROJECT_FILE))
    if own.name:
        tasks = set(own.tasks)
        for overlay in overlays:
            if overlay.tags <= own.tags:
                tasks.update(overlay.tasks)
        yield Known(own.name, place.root, own.tags, tuple(sorted(tasks)))


def read_file_names(path: str) -> Named:
    """The names in one project or overlay file, as far as it can be read."""
    data = read_file(path)
    text = decode(path, data) if isinstance(data, bytes) else None
    if not isinstance(text, Text):
        return Named()
    root = read_tree(text, Sheet(text.source))
    return _guess(text.source.lines) if root is None else _read(root)


def _read(root: Node) -> Named:
    entries = _entries(root)
    name = entries.get("name")
    tags = entries.get("tags") or entries.get("tagsFilter")
    items = tags.items if isinstance(tags, Sequence) else ()
    return Named(
        name.text if isinstance(name, Scalar) else "",
        frozenset(item.text for item in items if isinstance(item, Scalar)),
        tuple(_entries(entries.get("tasks"))),
    )


def _entries(node: Node | None) -> dict[str, Node]:
    if not isinstance(node, Mapping):
        return {}
    return {key.text: value for key, value in node.entries if isinstance(key, Scalar)}


def _guess(lines: tuple[str, ...]) -> Named:
    """The names in a file that is no YAML at the moment, from how its lines begin."""
    name, section, indent = "", "", ""
    tags: set[str] = set()
    tasks: list[str] = []
    for line in lines:
        top = _TOP.match(line)
        if top is not None:
            section, indent = top["key"], ""
            if section == "name" and (found := _NAME.match(top["rest"])):
                name = found["name"]
            elif section in ("tags", "tagsFilter"):
                tags.update(re.findall(r"[A-Za-z0-9][A-Za-z0-9_-]*", top["rest"].split("#")[0]))
            continue
        inner = _INNER.match(line)
        if section == "tasks" and inner is not None:
            indent = indent or inner["indent"]
            if inner["indent"] == indent:
                tasks.append(inner["name"])
        elif section in ("tags", "tagsFilter") and line.lstrip().startswith("- "):
            found = _NAME.match(line.lstrip()[2:].strip())
            tags.update((found["name"],) if found else ())
    return Named(name, frozenset(tags), tuple(tasks))
