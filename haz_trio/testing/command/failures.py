"""A folder for each finding: the workspace, a script of the calls, how to see it again."""

from __future__ import annotations

import os
import re
import shlex
from itertools import chain, count
from pathlib import Path, PurePosixPath

from haz_trio.testing.command.session import Finding
from haz_trio.testing.trial import Called, Did, Step, Wrote

_HEAD = """#!/bin/sh
# Plays the example in a new folder; $HAZ is the command line of the program.
: "${HAZ:=haz}"
folder=$(mktemp -d) && mkdir "$folder/w" "$folder/outside" && cd "$folder/w" || exit
"""


def unused(folder: Path) -> Path:
    """The first of ``folder``, ``folder-2``, ``folder-3``, ... that is not there."""
    names = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(path for path in chain((folder,), names) if not os.path.lexists(path))


def write_failure(folder: Path, finding: Finding, haz: str) -> str:
    """Write what shows a finding into a new folder; gives the line that plays it again."""
    folder.mkdir(parents=True, exist_ok=True)
    line = f"haz-conformance --haz {shlex.quote(haz)} --area {finding.area}"
    line += f" --replay {finding.blob}" if finding.blob else ""
    for step in finding.steps:
        if isinstance(step, Called):
            break
        if isinstance(step, Wrote):
            target = folder / "workspace" / step.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(step.data)
    (folder / "commands.sh").write_text(_HEAD + "".join(map(_shell, finding.steps)))
    (folder / "finding.txt").write_text(f"{finding.message}\n\n{finding.example}\n")
    (folder / "reproduce.txt").write_text(f"{line}\n")
    return line


def _shell(step: Step) -> str:
    match step:
        case Did(words):
            return shlex.join(words) + "\n"
        case Wrote(path, data, mode):
            parent = shlex.quote(str(PurePosixPath(path).parent))
            text = f"mkdir -p {parent}; printf {_printf(data)} >{shlex.quote(path)}\n"
            return text + (f"chmod {mode:o} {shlex.quote(path)}\n" if mode is not None else "")
        case Called(result, cwd, env, umask):
            changes = [f"-u {name}" for name, value in env if value is None]
            changes += [shlex.quote(f"{name}={value}") for name, value in env if value is not None]
            call = f"env {' '.join(changes)} $HAZ" if changes else "$HAZ"
            call = f"echo not for commands | {call} {shlex.join(result.args)}"
            place = f"cd {shlex.quote(cwd or '.')} && {call}"
            place = place if umask < 0 else f"umask {umask:03o}; {place}"
            return f'({place}); echo "exit code $?, in the trial {result.code}"\n'


def _printf(data: bytes) -> str:
    """The arguments of ``printf`` that give these bytes."""
    if re.fullmatch(rb"[\x20-\x7e\n]*", data):
        return f"%s {shlex.quote(data.decode())}"
    return "'" + "".join(f"\\{byte:03o}" for byte in data) + "'"
