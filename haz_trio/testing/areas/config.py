"""Which configuration files are accepted, in any spelling, and which rule a refusal names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.sheets import play_settings, play_sheet
from haz_trio.testing.models import yaml_of
from haz_trio.testing.reference.acceptance import (
    SHAPE,
    overlay_problems,
    project_problems,
    workspace_problems,
)
from haz_trio.testing.reference.globs import is_glob, matches
from haz_trio.testing.reference.graph import build
from haz_trio.testing.reference.json_values import Body, mapping, text, texts
from haz_trio.testing.reference.names import is_name
from haz_trio.testing.reference.workspace import AmbiguousError, Declared, effective
from haz_trio.testing.strategies.configurations import Configuration, configurations
from haz_trio.testing.strategies.settings import Settings, settings
from haz_trio.testing.strategies.sheets import Sheet, sheets
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial

OTHER: Body = {"name": "q", "tags": ["t"], "tasks": {"z": {"command": ["/bin/true"]}}}
SCHEMA = {SHAPE, "CFG-004", "CFG-009", "CFG-013", "CFG-025"}  # found before all others
FILES = {"w": ".haz/workspace.yml", "p": "a/haz.yml"}


Example = Configuration | Sheet | Settings


def examples() -> st.SearchStrategy[Example]:
    """Often many values at once; else a few, in files that are spelled in all ways of YAML."""
    return st.one_of(sheets(), sheets(), settings(), configurations())


def play(trial: Trial, example: Example) -> None:
    match example:
        case Sheet():
            play_sheet(trial, example)
        case Settings():
            play_settings(trial, example)
        case Configuration():
            _play(trial, example)
        case _:
            assert_never(example)


def _play(trial: Trial, example: Configuration) -> None:
    overlay = f".haz/tasks/{example.overlay}"
    trial.write({FILES.get(kind, overlay): data for kind, data in example.texts.items()})
    trial.write({"q/haz.yml": yaml_of(OTHER)})
    result = trial.haz("check", "--workspace")
    counted = is_name(example.overlay.removesuffix(".yml")) and example.overlay.endswith(".yml")
    if example.broken and (example.broken != "o" or counted):
        _refused(trial, result, "CFG-001 CFG-002 CFG-003", ())
        return
    values = example.values
    found = list(workspace_problems(values["w"]))
    entries = texts(mapping(values["w"]).get("projects")) if not found else ()
    found += _found_projects(entries)
    known = list(project_problems(values["p"])) if _reads(entries, "/a") or found else []
    known += list(overlay_problems(values["o"])) if counted else []
    if found or known:
        first = found or known
        _refused(trial, result, " ".join(sorted(set(first) - {SHAPE})) or SHAPE, first)
        return
    _accepted(trial, result, example, entries, counted)


def _reads(entries: Iterable[str], root: str) -> bool:
    return any(matches(entry, root) if is_glob(entry) else entry == root for entry in entries)


def _found_projects(entries: tuple[str, ...]) -> list[str]:
    """What is wrong with entries that are well-formed: DISC-006 to DISC-009."""
    reached = [
        root
        for entry in entries
        for root in ("/a", "/q")
        if (matches(entry, root) if is_glob(entry) else entry == root)
    ]
    found = ["DISC-009"] if len(reached) != len(set(reached)) else []
    for entry in entries:
        if not _reads([entry], "/a") and not _reads([entry], "/q"):
            found.append("DISC-006" if is_glob(entry) else "DISC-007")
    return found


def _accepted(
    trial: Trial, result: Result, example: Configuration, entries: tuple[str, ...], counted: bool
) -> None:
    """All that is left to be wrong is the graph."""
    values: dict[str, Body] = example.values
    projects: dict[str, Body] = {}
    if _reads(entries, "/a"):
        projects["/a"] = values["p"]
    if _reads(entries, "/q"):
        projects["/q"] = OTHER
    names = [text(body["name"]) for body in projects.values()]
    if len(set(names)) < len(names):
        _refused(trial, result, "CFG-012 DISC-010", ())
        return
    overlays = {"o": values["o"]} if counted else {}
    declared = Declared(values["w"], projects, overlays)
    try:
        tasks = effective(declared)
        wrong = bool(build(declared, tasks).problems)
    except AmbiguousError:
        wrong = True
    if wrong:
        trial.same("DAG-007", f"{result}exit code", (result.code, result.out), (2, b""))
        return
    every = " ".join(f"CFG-{number:03}" for number in range(1, 36) if number not in (7, 8))
    rules = (
        f"{every} ID-001 ID-002 ID-003 ID-004 REF-001 REF-006 REF-007 PATH-001 PATH-002 PATH-003"
    )
    trial.same(rules, f"{result}exit code", result.code, 0)
    said = f"{len(tasks)} task(s) validated.\n".encode()
    trial.same("CFG-023 CFG-026 AUX-009", f"{result}stdout", result.out, said)


def _refused(trial: Trial, result: Result, rules: str, broken: Iterable[str]) -> None:
    trial.same(rules, f"{result}exit code", (result.code, result.out), (2, b""))
    wanted = {rule for rule in broken if rule.startswith("CFG")}
    if wanted & SCHEMA or not wanted:
        return
    squashed = re.sub(r"[\s\u2500-\u257f]+", "", result.err.decode(errors="replace"))
    found = {f"CFG-{number}" for number in re.findall(r"(?i)cfg(?:::|-)(\d{3})", squashed)}
    if not trial.knows("codes-by-accident"):
        trial.same(rules, f"{result}rules that are not named", sorted(wanted - found), [])


AREA: Area = area("config", "which configuration is accepted", examples, play, 4)
