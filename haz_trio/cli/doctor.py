"""``haz doctor``: what may be wrong with the workspace or the machine, and the way out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence

from haz_trio.cli.doctor_disk import look_at_disk
from haz_trio.cli.doctor_findings import Finding, Standing
from haz_trio.cli.doctor_machine import look_at_machine
from haz_trio.cli.doctor_workspace import look_at_workspace, no_root
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import current_directory
from haz_trio.config.disk import exists
from haz_trio.config.load import load_root
from haz_trio.errors import ConfigError
from haz_trio.plan.exit_codes import EXIT_SUCCESS

EXIT_ATTENTION = 1
_MARKS = {Standing.GOOD: "ok", Standing.NOTE: "note", Standing.ATTENTION: "LOOK"}
_WIDTH = max(map(len, _MARKS.values()))


def doctor_command(options: RootOptions, *, as_json: bool) -> int:
    """Print all findings; the exit code is 1 when something needs attention.

    Raises ``ConfigError`` when the current directory cannot be read.
    """
    findings = list(_look(options, current_directory(options)))
    text = _json(findings) if as_json else _text(findings)
    return Printer(options).out(text) or _exit_code(findings)


def _look(options: RootOptions, directory: str) -> Iterator[Finding]:
    try:
        root = load_root(directory, root=options.root)
    except ConfigError as problem:
        yield from look_at_machine(repository=False)
        yield no_root(problem)
        yield from look_at_disk(directory)
        return
    yield from look_at_machine(repository=exists(os.path.join(root.path, ".git")))
    yield from look_at_workspace(root, options)


def _exit_code(findings: Sequence[Finding]) -> int:
    return EXIT_ATTENTION if _urgent(findings) else EXIT_SUCCESS


def _urgent(findings: Sequence[Finding]) -> int:
    return sum(finding.standing is Standing.ATTENTION for finding in findings)


def _text(findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.standing]:{_WIDTH}}  {finding.topic}: {finding.value}")
        if finding.way_out:
            lines.append(f"{'':{_WIDTH}}    {finding.way_out}")
    urgent = _urgent(findings)
    lines.append("all is well." if not urgent else f"{urgent} finding(s) need attention.")
    return "".join(f"{line}\n" for line in lines)


def _json(findings: Sequence[Finding]) -> str:
    rows = [
        {
            "topic": finding.topic,
            "standing": finding.standing.value,
            "value": finding.value,
            "wayOut": finding.way_out or None,
        }
        for finding in findings
    ]
    return json.dumps({"healthy": not _urgent(findings), "findings": rows}, indent=2) + "\n"
