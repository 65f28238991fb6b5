"""Which files of `.haz/tasks/` are overlays, and a note on every one that is not (CFG-023)."""

from __future__ import annotations

import os
import stat

from haz_trio.config.disk import describe, resolve, shown, within
from haz_trio.errors import Diagnostic, InvalidTextError, Severity
from haz_trio.model.names import check_name
from haz_trio.values import frozen

SUFFIX = ".yml"


@frozen
class OverlayListing:
    """Overlay names with their paths in byte order of the paths, and what was not taken.

    ``linked`` says that a link was met: what it leads to comes and goes without a trace here.
    """

    folder: str
    files: tuple[tuple[str, str], ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    linked: bool = False


def list_overlays(root: str) -> OverlayListing:
    """The overlay files of the explicit workspace at the canonical ``root``; never raises."""
    folder = os.path.join(root, ".haz", "tasks")
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)
    except FileNotFoundError:
        return OverlayListing(folder)
    except OSError as error:
        return OverlayListing(folder, problems=(_unlisted(folder, error),))
    files: list[tuple[str, str]] = []
    notes: list[Diagnostic] = []
    for name in names:
        path = os.path.join(folder, name)
        why = _refusal(path, name, root)
        if why:
            notes.append(
                Diagnostic(f"{shown(path)} is ignored: {why} (CFG-023)", severity=Severity.WARNING)
            )
        else:
            files.append((name.removesuffix(SUFFIX), path))
    linked = any(os.path.islink(os.path.join(folder, name)) for name in names)
    return OverlayListing(folder, tuple(files), notes=tuple(notes), linked=linked)


def _refusal(path: str, name: str, root: str) -> str:
    """Why an entry of the folder is no overlay; empty for an overlay.

    What cannot even be looked at goes by its name: reading it will say why it cannot be read.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return _wrong_name(name)
    if stat.S_ISLNK(status.st_mode):
        try:
            target, status = resolve(path)
        except OSError as error:
            return f"it is a link that leads nowhere ({describe(error, path)})"
        if within(target, root) is None:
            return f"it is a link to {shown(target)}, outside the workspace"
    if stat.S_ISDIR(status.st_mode):
        return "it is a directory, and overlays are not looked for in it"
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    return _wrong_name(name)


def _wrong_name(name: str) -> str:
    if not name.endswith(SUFFIX):
        return f"the name of an overlay file ends with `{SUFFIX}`"
    try:
        check_name(name.removesuffix(SUFFIX))
    except InvalidTextError as problem:
        return f"an overlay is called like its file, and its {problem}"
    return ""


def _unlisted(folder: str, error: OSError) -> Diagnostic:
    reason = (
        f"path is not a directory at: {shown(folder)}"
        if isinstance(error, NotADirectoryError)
        else describe(error, folder)
    )
    return Diagnostic(
        f"failed to list overlay directory at {shown(folder)} (CFG-023)",
        causes=(reason,),
        help="overlays are files in that directory; without any it may be missing",
    )
