"""A new workspace on the disk: what ``haz init`` would write, validated, and then written.

The plan is read by the loader's own parser and expanded by its own walk before a byte is
written, so that what is written always loads.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from haz_trio.config.discovery import PROJECT_FILE, WORKSPACE_FILE
from haz_trio.config.disk import Unreadable, exists, read_file, shown
from haz_trio.config.expansion import ProjectRoot, expand
from haz_trio.config.files import parse_project_file, parse_workspace_file
from haz_trio.config.folders import list_folder
from haz_trio.config.ignored import Ignored
from haz_trio.config.scaffold_plan import (
    HEADLINE,
    Scaffold,
    entries_for,
    name_projects,
    workspace_text,
)
from haz_trio.config.scaffold_tree import NEVER_A_CHILD, Selection, unusable
from haz_trio.errors import ConfigError, Diagnostic, HazError, Severity
from haz_trio.model.patterns import WORKSPACE_ROOT, join
from haz_trio.values import field, frozen

_FOLDER = ".haz"
_NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})
_HELD_BACK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)


@frozen
class Plan:
    """A workspace that loads once its files are written.

    ``root`` is a canonical folder of the host, everything else are workspace paths.
    ``existing`` are projects whose `haz.yml` stays as it is, with their names.
    ``hidden`` are projects that a glob takes in although their folders are hidden.
    """

    root: str
    entries: tuple[str, ...]
    workspace: str
    scaffolds: tuple[Scaffold, ...]
    existing: Mapping[str, str] = field(factory=dict)
    hidden: tuple[str, ...] = ()


def refuse_existing(root: str) -> None:
    """Raise ``ConfigError`` when there is a `.haz` of any kind, also a dangling link (AUX-002)."""
    path = os.path.join(root, _FOLDER)
    if not exists(path):
        return
    if os.path.lexists(os.path.join(root, WORKSPACE_FILE)):
        way_out = "the workspace is there already: edit its `workspace.yml`"
    else:
        way_out = f"move {shown(path)} out of the way; nothing has been written"
    message = f"haz init refuses to overlay an existing workspace at `{shown(path)}` (AUX-002)"
    raise ConfigError([Diagnostic(message, help=way_out)])


def make_plan(root: str, selection: Selection, ignored: Ignored) -> Plan:
    """What to write for a selection; writes nothing.

    Raises ``ConfigError`` with everything that the loader would have against the result.
    """
    if WORKSPACE_ROOT in selection.projects:
        raise ConfigError([_root_is_no_project()], HEADLINE)
    _refuse_unusable(selection)
    entries = entries_for(selection)
    text = workspace_text(entries)
    path = os.path.join(root, WORKSPACE_FILE)
    parsed = parse_workspace_file(path, text.encode("utf-8", "surrogateescape"))
    _raise_errors(parsed.diagnostics)
    expansion = expand(root, parsed.entries)
    _raise_errors(expansion.diagnostics)
    names, missing = _survey(expansion.roots)
    scaffolds = name_projects(missing, frozenset(names.values()))
    return Plan(
        root,
        tuple(entry.pattern for entry in entries),
        text,
        scaffolds,
        dict(sorted(names.items(), key=lambda item: os.fsencode(item[0]))),
        _hidden(root, selection, ignored),
    )


def write_plan(plan: Plan) -> None:
    """Write the files of a plan: all of them, or none.

    Every file appears complete, and `.haz` last.
    Signals that would end the process wait until everything is written or taken back.
    Raises ``HazError`` when something cannot be written.
    """
    base = plan.root.rstrip("/")
    undo: list[Callable[[], None]] = []
    with _signals_held_back():
        try:
            for scaffold in plan.scaffolds:
                path = base + scaffold.path
                _create(path, scaffold.text)
                undo.append(_remover(path))
            path = os.path.join(plan.root, _FOLDER)
            _create_folder(path, plan.workspace)
        except BaseException as problem:
            for step in reversed(undo):
                with suppress(OSError):
                    step()
            if isinstance(problem, OSError):
                reason = problem.strerror or str(problem)
                raise HazError(
                    f"cannot write {shown(path)}: {reason}; everything written so far is "
                    "taken back"
                ) from None
            raise


def _root_is_no_project() -> Diagnostic:
    return Diagnostic(
        "the workspace root cannot be a project beside others (DISC-004)",
        help="take its directories instead: as a projects parent the root stands for `/*`; "
        "a repository that is one single project needs `.git` and a `haz.yml`, and no `.haz`",
    )


def _refuse_unusable(selection: Selection) -> None:
    """Refuse folders whose names no entry can spell, before one is spelled."""
    chosen = sorted(selection.projects | selection.parents, key=os.fsencode)
    problems = [
        Diagnostic(
            f"directory `{shown(path)}` cannot be named in `projects`: {wrong} (PATH-002)",
            help="rename the directory",
        )
        for path in chosen
        if (wrong := unusable(path))
    ]
    if problems:
        raise ConfigError(problems, HEADLINE)


def _raise_errors(diagnostics: Iterable[Diagnostic]) -> None:
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    if errors:
        raise ConfigError(errors, HEADLINE)


def _survey(roots: Sequence[ProjectRoot]) -> tuple[dict[str, str], list[str]]:
    """The names of the projects that have a file, and the folders of those that have none.

    Raises ``ConfigError`` with every problem of the files that are there.
    """
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    missing: list[str] = []
    problems: list[Diagnostic] = []
    for found in roots:
        path = os.path.join(found.directory, PROJECT_FILE)
        data = read_file(path)
        if isinstance(data, Unreadable):
            if data.missing and not exists(path):
                missing.append(found.root)
            else:
                what = f"failed to read {shown(path)} (CFG-001)"
                problems.append(Diagnostic(what, causes=(data.reason,)))
            continue
        parsed = parse_project_file(path, data)
        problems += [d for d in parsed.diagnostics if d.severity is Severity.ERROR]
        if parsed.name is None:
            continue
        owner = owners.setdefault(parsed.name, found.root)
        if owner != found.root:
            problems.append(
                Diagnostic(
                    f"duplicate project name `{parsed.name}`: {owner} and {found.root} (DISC-010)",
                    span=parsed.name_place,
                    label="this name is taken",
                    help="give one of the two projects another name",
                )
            )
        names[found.root] = parsed.name
    if problems:
        raise ConfigError(problems, HEADLINE)
    return names, missing


def _hidden(root: str, selection: Selection, ignored: Ignored) -> tuple[str, ...]:
    """The hidden folders that the globs of a selection take in."""
    paths = [
        join(parent, folder.name)
        for parent in selection.parents
        for folder in list_folder(root, parent, ignored).folders
        if folder.hidden and folder.name not in NEVER_A_CHILD
    ]
    return tuple(sorted(paths, key=os.fsencode))


# -- writing --------------------------------------------------------------------------------------


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """A few short writes end or are taken back before a signal is heard."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _create(path: str, text: str) -> None:
    """A new file that appears complete; raises ``FileExistsError`` when the name is taken."""
    temporary = _sibling(path)
    try:
        _write(temporary, text)
        try:
            os.link(temporary, path, follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in _NO_LINKS:
                raise
            _rename_new(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    _flush_folder(os.path.dirname(path))


def _create_folder(path: str, workspace: str) -> None:
    """The folder `.haz` with its one file; both appear in the same moment."""
    temporary = _sibling(path)
    os.mkdir(temporary)
    try:
        _write(os.path.join(temporary, os.path.basename(WORKSPACE_FILE)), workspace)
        _flush_folder(temporary)
        _rename_new(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _flush_folder(os.path.dirname(path))


def _rename_new(old: str, new: str) -> None:
    if os.path.lexists(new):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
    os.rename(old, new)


def _write(path: str, text: str) -> None:
    """A new file with the mode that the user's umask leaves, safe on the disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(path: str) -> None:
    """Make new names durable where the file system can; a folder that refuses is left alone."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remover(path: str) -> Callable[[], None]:
    return lambda: os.unlink(path)


def _sibling(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name.lstrip('.')}.tmp-{secrets.token_hex(8)}")
