"""Many values at once: which lines are refused, by which rules, and what is left without them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from haz_trio.testing.reference.acceptance import SHAPE
from haz_trio.testing.reference.graph import label
from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.reference.listing import record
from haz_trio.testing.reference.names import is_name
from haz_trio.testing.reference.workspace import Declared, effective
from haz_trio.testing.strategies.settings import SETTINGS, Settings, lines_of
from haz_trio.testing.strategies.sheets import Line, Sheet, declared_by, right_part, sheet_files
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial

RULES = " ".join(
    [
        *(f"CFG-{number:03}" for number in (4, 6, 9, 10, *range(13, 26), 29, 32, 33)),
        *(f"ID-{number:03}" for number in range(1, 5)),
        *("REF-001", "REF-006", "REF-007", "PATH-001", "PATH-002", "PATH-003", "PATH-014"),
    ]
)


def play_sheet(trial: Trial, sheet: Sheet) -> None:
    """First with everything, then with what is right."""
    _refused(trial, sheet_files(sheet))
    trial.remove(".haz")
    right = right_part(sheet)
    _write(trial, sheet_files(right))
    lists_everything(trial, declared_by(right), RULES)


def play_settings(trial: Trial, example: Settings) -> None:
    """Each workspace is checked alone; what is refused has its line and its rule."""
    for number, values in enumerate(example.workspaces):
        lines, wrong = lines_of(values)
        trial.write({f"s{number}/.haz/workspace.yml": "".join(f"{line}\n" for line in lines)})
        rules = " ".join(sorted({SETTINGS[it].rule for it in values})) or "CFG-009"
        if trial.knows("codes-by-accident"):
            result = trial.haz("check", cwd=f"s{number}")
            trial.same(rules, f"{result}exit code", result.code, 2 if wrong else 0)
            continue
        result = trial.haz("check", "--json", cwd=f"s{number}")
        trial.same(rules, f"{result}exit code", result.code, 2 if wrong else 0)
        found = {line: sorted(some) for (_, line), some in refused(result).items()}
        expected = {line: [rule] for line, rule in wrong.items()}
        shown = "\n".join(lines)
        trial.same(rules, f"{shown}\nlines that are refused", [*found], [*expected])


def lists_everything(trial: Trial, declared: Declared, rules: str) -> None:
    """``haz query --json`` shows every task of a right workspace as it was declared."""
    tasks = effective(declared)
    if trial.knows("fewer-options"):
        result = trial.haz("query")
        said = "".join(f"{label(id)}\n" for id in tasks)
        trial.same(rules, f"{result}tasks", (result.code, result.out.decode()), (0, said))
        return
    result = trial.haz("query", "--json")
    trial.same(rules, f"{result}exit code", result.code, 0)
    expected = [record(task) for task in tasks.values()]
    rows: list[Body] = [json.loads(line) for line in result.out.splitlines()]
    found = [{key: row[key] for key in row if key != "origin"} for row in rows]
    for one, other in zip(found, expected, strict=False):
        trial.same(rules, f"haz query --json, {other['id']}", one, other)
    trial.same(rules, f"{result}tasks", len(found), len(expected))


def _refused(trial: Trial, files: dict[str, list[Line]]) -> None:
    read = {path: lines for path, lines in files.items() if _is_read(path)}
    wrong = {
        (path, number): line.rules
        for path, lines in read.items()
        for number, line in enumerate(lines, 1)
        if line.rules
    }
    if not wrong:
        return
    _write(trial, files)
    if trial.knows("codes-by-accident"):
        result = trial.haz("check")
        trial.same(RULES, f"{result}exit code", (result.code, result.out), (2, b""))
        return
    result = trial.haz("check", "--json")
    trial.same(RULES, f"exit code of haz check --json, of {wrong}", result.code, 2)
    found = refused(result)
    for place in sorted(wrong.keys() | found.keys()):
        path, number = place
        expected = wrong.get(place, frozenset())
        shown = f"{path}:{number}: {read[path][number - 1].text if path in read else ''}"
        rules = " ".join(sorted(expected)) or RULES
        trial.same(rules, f"{shown}\nis refused", place in found, bool(expected))
        if SHAPE not in expected:
            trial.same(rules, f"{shown}\nrules", sorted(found[place]), sorted(expected))


def refused(result: Result) -> dict[tuple[str, int], set[str]]:
    """The lines that ``haz check --json`` finds fault with, and the rules that it names."""
    found: dict[tuple[str, int], set[str]] = {}
    for row in json.loads(result.out)["diagnostics"]:
        if row["severity"] == "error":
            found.setdefault((row["file"], row["line"]), set()).add(row["rule"] or "")
    return found


def _is_read(path: str) -> bool:
    """Overlays whose names are no names are not (CFG-023)."""
    folder, _, name = path.rpartition("/")
    return folder != ".haz/tasks" or is_name(name.removesuffix(".yml"))


def _write(trial: Trial, files: dict[str, list[Line]]) -> None:
    trial.write({path: _text(lines) for path, lines in files.items()})


def _text(lines: Iterable[Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)
