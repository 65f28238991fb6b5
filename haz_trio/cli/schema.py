"""``haz schema``: JSON Schemas of the configuration files, printed or put beside them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Sequence

from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import current_directory
from haz_trio.config.discovery import PROJECT_FILE, WORKSPACE_FILE, Root
from haz_trio.config.disk import exists, shown
from haz_trio.config.json_schema import FileKind, file_schema
from haz_trio.config.load import load_root
from haz_trio.errors import HazError
from haz_trio.plan.exit_codes import EXIT_SUCCESS

FOLDER = ".haz/schema"
_LINE = "# yaml-language-server: $schema="


def schema_command(root: RootOptions, kind: FileKind | None, *, write: bool) -> int:
    """Print one schema, or all three as one object by kind; or write them to `.haz/schema/`.

    Raises ``ConfigError`` where a workspace is needed and there is none, and ``HazError`` when a
    file cannot be written.
    """
    printer = Printer(root)
    kinds = list(FileKind) if kind is None else [kind]
    if not write:
        schemas = {each.value: file_schema(each) for each in kinds}
        return printer.out(_document(schemas if kind is None else schemas[kind.value]))
    directory = current_directory(root)
    place = load_root(directory, root=root.root)
    _write(place, kinds)
    text = "".join(_advice(place, directory, each) for each in kinds)
    return printer.out(text) or EXIT_SUCCESS


def _document(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _file(kind: FileKind) -> str:
    return f"{FOLDER}/{kind.value}.json"


def _write(place: Root, kinds: Sequence[FileKind]) -> None:
    folder = os.path.join(place.path, FOLDER)
    try:
        os.makedirs(folder, exist_ok=True)
        for kind in kinds:
            _replace(os.path.join(place.path, _file(kind)), _document(file_schema(kind)))
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise HazError(
            f"cannot write schemas to {shown(folder)}: {reason}; "
            "`haz schema > FILE` prints them for another place"
        ) from None


def _replace(path: str, text: str) -> None:
    """Give a file its new content in one step; readers see the old one or the new one."""
    temporary = f"{path}.{secrets.token_hex(8)}"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # also for Ctrl-C: no temporary file is left
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _advice(place: Root, directory: str, kind: FileKind) -> str:
    """What was written, and the line by which an editor finds it from the file."""
    match kind:
        case FileKind.WORKSPACE:
            folder, where = os.path.dirname(WORKSPACE_FILE), WORKSPACE_FILE
        case FileKind.OVERLAY:
            folder, where = ".haz/tasks", "each .haz/tasks/NAME.yml"
        case FileKind.PROJECT:
            folder, where = _project(place.path, directory)
    target = os.path.relpath(_file(kind), folder or ".")
    return f"wrote {_file(kind)}; first line for {where}:\n{_LINE}{target}\n"


def _project(root: str, directory: str) -> tuple[str, str]:
    """A folder below the root that has a project file, and how to speak of that file."""
    folder = directory
    while folder == root or folder.startswith(root.rstrip("/") + "/"):
        if exists(os.path.join(folder, PROJECT_FILE)):
            inside = os.path.relpath(folder, root)
            path = os.path.normpath(os.path.join(inside, PROJECT_FILE))
            return ("" if inside == "." else inside), shown(path)
        if folder == root:
            break
        folder = os.path.dirname(folder)
    return "PROJECT", f"PROJECT/{PROJECT_FILE} (one more `../` for each folder above PROJECT)"
