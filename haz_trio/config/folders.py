"""The folders below a workspace root as ``haz init`` sees them: real ones, hidden ones marked."""

from __future__ import annotations

import os

from haz_trio.config.discovery import PROJECT_FILE, WORKSPACE_FILE
from haz_trio.config.disk import exists
from haz_trio.config.ignored import Ignored
from haz_trio.config.scaffold_tree import Folder, Listing, unusable
from haz_trio.model.patterns import WORKSPACE_ROOT, join
from haz_trio.values import frozen


@frozen
class Found:
    """The `haz.yml` files below a root, by their folders, in byte order.

    ``nested`` are workspaces of their own and ``unusable`` folders that no entry can name; neither
    is looked into further, nor are hidden folders.
    """

    projects: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    in_root: bool = False


def list_folder(root: str, path: str, ignored: Ignored) -> Listing:
    """The folders in one folder; links are none."""
    names, trouble = _names(root, path)
    paths = [join(path, name) for name in names]
    gone = ignored.among([p for p, name in zip(paths, names, strict=True) if name[0] != "."])
    folders = (
        Folder(name, name[0] == "." or p in gone) for p, name in zip(paths, names, strict=True)
    )
    return Listing(tuple(folders), trouble)


def find_projects(root: str, ignored: Ignored) -> Found:
    """Walk everything below a root that is not hidden; git is asked once for each level."""
    projects: list[str] = []
    nested: list[str] = []
    odd: list[str] = []
    unreadable: list[str] = []
    level = [WORKSPACE_ROOT]
    while level:
        below: list[str] = []
        for path in level:
            names, trouble = _names(root, path)
            if trouble:
                unreadable.append(path)
            below += [join(path, name) for name in names if name[0] != "."]
        gone = ignored.among(below)
        level = []
        for path in below:
            host = root.rstrip("/") + path
            if path in gone:
                continue
            if exists(os.path.join(host, WORKSPACE_FILE)):
                nested.append(path)
                continue
            has_file = exists(os.path.join(host, PROJECT_FILE))
            if unusable(path):
                odd += [path] * has_file
                continue
            projects += [path] * has_file
            level.append(path)
    in_root = exists(os.path.join(root, PROJECT_FILE))
    return Found(_sorted(projects), _sorted(nested), _sorted(odd), _sorted(unreadable), in_root)


def _names(root: str, path: str) -> tuple[list[str], str]:
    """The names of the folders in a folder in byte order, and why there may be none."""
    try:
        with os.scandir(root.rstrip("/") + path) as listing:
            names = [item.name for item in listing if item.is_dir(follow_symlinks=False)]
    except OSError as problem:
        return [], problem.strerror or str(problem)
    return sorted(names, key=os.fsencode), ""


def _sorted(paths: list[str]) -> tuple[str, ...]:
    return tuple(sorted(paths, key=os.fsencode))
