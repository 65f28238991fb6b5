"""Finding the workspace root: the innermost marker wins, with three exceptions (DISC-001..004).

A marker is `.haz/` with `workspace.yml` (explicit) or `.git` (implicit, one project).  The three
exceptions of the project's decisions keep a marker that yields no workspace of its own from hiding
one that does:

- `.haz/` without `workspace.yml` is none where `.git` marks the same directory, and does not end
  the walk where a directory above is a workspace;
- `.git` without `haz.yml` does not end the walk below an explicit workspace;
- nor does `.git` with `haz.yml`, where that workspace lists the directory as a project.

So the walk collects marks up to the first explicit one, and then decides.
"""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Iterator

from haz_trio.config.disk import describe, exists, read_file, resolve, shown
from haz_trio.config.expansion import lists
from haz_trio.config.files import parse_workspace_file
from haz_trio.errors import ConfigError, Diagnostic
from haz_trio.model.workspace import Mode
from haz_trio.values import frozen

WORKSPACE_FILE = ".haz/workspace.yml"
PROJECT_FILE = "haz.yml"


@frozen
class Root:
    """The canonical root of a workspace and how it was declared.

    ``note`` says which inner markers were passed over, and is empty where none was.
    """

    path: str
    mode: Mode
    note: str = ""

    @property
    def workspace_file(self) -> str:
        return os.path.join(self.path, WORKSPACE_FILE)


class _Mark(enum.Enum):
    """What a directory has to say about being a root; the value says why it may be passed over."""

    EXPLICIT = ""
    HOLLOW = ".haz/ without workspace.yml"
    BARE = ".git without haz.yml"
    REPOSITORY = ".git with haz.yml, listed as a project"


@frozen
class _Found:
    directory: str
    mark: _Mark


def find_root(start: str, *, root: str | None = None) -> Root:
    """The root of the workspace that holds the directory ``start``; raises ``ConfigError``.

    ``root`` (of ``--root`` or ``HAZ_ROOT``, relative to ``start``) skips the search: that very
    directory has to carry a marker.
    """
    here = _directory(start)
    if root is not None:
        return _chosen(os.path.join(here, root))
    below: list[_Found] = []
    for directory in _upwards(here):
        try:
            mark = _mark(directory)
        except OSError as error:
            if below:  # nearer marks decide, and nobody asks what is above them
                break
            raise _untold(error, directory) from None
        if mark is _Mark.EXPLICIT:
            return _below_explicit(directory, below)
        if mark is not None:
            below.append(_Found(directory, mark))
    return _without_explicit(here, below)


def _below_explicit(outer: str, below: list[_Found]) -> Root:
    """Choose between an explicit workspace and the lesser marks inside of it, innermost first."""
    for at, found in enumerate(below):
        if found.mark is not _Mark.REPOSITORY:
            continue
        if not _is_listed(outer, found.directory):
            return _passing(found.directory, Mode.IMPLICIT, below[:at])
        return _passing(outer, Mode.EXPLICIT, below[: at + 1])
    return _passing(outer, Mode.EXPLICIT, below)


def _without_explicit(start: str, below: list[_Found]) -> Root:
    """Choose where no directory above holds `.haz/workspace.yml`."""
    if not below:
        raise _error(
            f"no workspace root found from start: {shown(start)} (DISC-002)",
            "neither this directory nor one above it holds `.haz/workspace.yml` or `.git`",
            *_plain_files(start),
            help="run `haz init` to make a workspace, or name its root with `--root` or HAZ_ROOT",
        )
    at = next((i for i, found in enumerate(below) if found.mark is not _Mark.HOLLOW), None)
    if at == 0 or (at is not None and below[at].mark is _Mark.REPOSITORY):
        return _passing(below[at].directory, Mode.IMPLICIT, below[:at])
    raise _hollow(below[0].directory)


def _chosen(path: str) -> Root:
    directory = _directory(path)
    try:
        mark = _mark(directory)
    except OSError as error:
        raise _untold(error, directory) from None
    match mark:
        case _Mark.EXPLICIT:
            return Root(directory, Mode.EXPLICIT)
        case _Mark.BARE | _Mark.REPOSITORY:
            return Root(directory, Mode.IMPLICIT)
        case _Mark.HOLLOW:
            raise _hollow(directory)
        case None:
            raise _error(
                f"the chosen directory is no workspace root: {shown(directory)} (DISC-001)",
                "it holds neither `.haz/workspace.yml` nor `.git`",
                *_plain_files(directory),
                help="name the root itself with `--root` or HAZ_ROOT, or leave both out",
            )


def _mark(directory: str) -> _Mark | None:
    """The mark of one directory; raises ``OSError`` where it cannot be told."""
    is_haz = stat.S_ISDIR(_mode(os.path.join(directory, ".haz")))
    if is_haz and exists(os.path.join(directory, WORKSPACE_FILE)):
        return _Mark.EXPLICIT
    git = _mode(os.path.join(directory, ".git"))
    if stat.S_ISDIR(git) or stat.S_ISREG(git):
        has_project = exists(os.path.join(directory, PROJECT_FILE))
        return _Mark.REPOSITORY if has_project else _Mark.BARE
    return _Mark.HOLLOW if is_haz else None


def _mode(path: str) -> int:
    """The mode of what a path leads to; 0 where nothing is, or a link leads nowhere."""
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _is_listed(outer: str, directory: str) -> bool:
    """Whether a workspace has a directory among its projects; a broken one has not."""
    path = os.path.join(outer, WORKSPACE_FILE)
    data = read_file(path)
    return isinstance(data, bytes) and lists(
        outer, parse_workspace_file(path, data).entries, directory
    )


def _passing(root: str, mode: Mode, passed: list[_Found]) -> Root:
    if not passed:
        return Root(root, mode)
    names = ", ".join(f"{shown(found.directory)} ({found.mark.value})" for found in passed)
    return Root(root, mode, f"the workspace root is {shown(root)}; passed over: {names}")


def _upwards(directory: str) -> Iterator[str]:
    while True:
        yield directory
        above = os.path.dirname(directory)
        if above == directory:
            return
        directory = above


def _directory(path: str) -> str:
    """The canonical form of a directory, relative to the physical working directory."""
    if not os.path.isabs(path):
        try:
            path = os.path.join(os.getcwd(), path)
        except OSError as error:
            raise _error(
                "cannot read current working directory",
                error.strerror or str(error),
                help="change to a directory that exists",
            ) from None
    try:
        canonical, status = resolve(path)
    except OSError as error:
        raise _error(
            f"cannot look for a workspace in {shown(path)}", describe(error, path)
        ) from None
    if not stat.S_ISDIR(status.st_mode):
        raise _error(
            f"cannot look for a workspace in {shown(path)}",
            f"path is not a directory at: {shown(path)}",
        )
    return canonical


def _plain_files(directory: str) -> tuple[str, ...]:
    """The `.haz` on the way up that do not count because they are files, as remarks."""
    paths = (os.path.join(above, ".haz") for above in _upwards(directory))
    return tuple(
        f"{shown(path)} is not a directory and does not count" for path in paths if exists(path)
    )


def _hollow(directory: str) -> ConfigError:
    path = os.path.join(directory, WORKSPACE_FILE)
    return _error(
        f"failed to read workspace.yml at {shown(path)} (DISC-004)",
        f"path not found at: {shown(path)}",
        *misspelled(path),
        help="create it, or run `haz init` in that directory",
    )


def _untold(error: OSError, directory: str) -> ConfigError:
    path = error.filename if isinstance(error.filename, str) else directory
    return _error(
        f"cannot tell whether {shown(directory)} is a workspace root (DISC-001)",
        describe(error, path),
        help="repair or remove that path, or name the root with `--root` or HAZ_ROOT",
    )


def misspelled(path: str) -> tuple[str, ...]:
    """A remark on the `.yaml` file beside a missing `.yml` one, if there is one."""
    wrong = path.removesuffix(".yml") + ".yaml"
    if not exists(wrong):
        return ()
    return (f"found {os.path.basename(wrong)}; haz reads {os.path.basename(path)}",)


def _error(message: str, *causes: str, help: str = "") -> ConfigError:
    return ConfigError([Diagnostic(message, causes=causes, help=help)])
