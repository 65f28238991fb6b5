"""Many small questions about graphs at once: all that is wrong, and then what is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import attrs

from haz_trio.testing.areas.drawings import draws
from haz_trio.testing.areas.sheets import lists_everything
from haz_trio.testing.models import files_of, yaml_of
from haz_trio.testing.reference.graph import Graph, build, label, races
from haz_trio.testing.reference.json_values import Body, Json, mapping, text
from haz_trio.testing.reference.references import Id, form_rule
from haz_trio.testing.reference.workspace import AmbiguousError, Declared, effective
from haz_trio.testing.strategies.crowds import Contest, Crowd
from haz_trio.testing.trial import Trial

OVERLAYS = "DAG-001 DAG-002 DAG-003 DAG-004 DAG-005 CFG-026"
EDGES = "REF-002 REF-003 REF-004 REF-005 REF-008 DAG-007 DAG-009 DAG-013"
SHOWN = 8  # names of the tasks of one cycle; of more it may be said how many there are


def play_contest(trial: Trial, contest: Contest) -> None:
    """Where no overlay wins, the projects get bodies of their own afterwards."""
    declared = contest.declared
    if contest.linked and trial.knows("fewer-options"):
        trial.skip()
    trial.write(files_of(declared))
    for stem in contest.linked:
        trial.write({f"elsewhere/{stem}": yaml_of(declared.overlays[stem])})
        trial.remove(f".haz/tasks/{stem}.yml")
        trial.link(f".haz/tasks/{stem}.yml", f"../../elsewhere/{stem}")
    clashes = _clashes(declared)
    names_problems(trial, [("DAG-006", label(id)) for id in clashes])
    own: dict[str, dict[str, Json]] = {}
    for project, task in clashes:
        own.setdefault(project, {})[task] = {"command": ["/bin/true", "mended"]}
    projects: dict[str, Body] = {
        root: {**body, "tasks": {**mapping(body["tasks"]), **own.get(text(body["name"]), {})}}
        for root, body in declared.projects.items()
    }
    mended = attrs.evolve(declared, projects=projects)
    trial.write(files_of(attrs.evolve(mended, overlays={})))
    lists_everything(trial, mended, OVERLAYS)


def play_crowd(trial: Trial, crowd: Crowd) -> None:
    """The tasks that something is wrong with are taken out afterwards."""
    declared = crowd.declared
    trial.write(files_of(declared))
    graph = build(declared, effective(declared))
    names_problems(trial, graph.problems)
    wrong = {
        label(id)
        for rule, where in graph.problems
        for id, task in graph.tasks.items()
        if label(id) in where.split()[: None if rule == "DAG-014" else 1]
        or (rule == "DAG-015" and where in task.patterns("outputs"))
    }
    projects: dict[str, Body] = {}
    for root, body in declared.projects.items():
        name, tasks = text(body["name"]), mapping(body["tasks"])
        right: dict[str, Json] = {
            task: it for task, it in tasks.items() if label((name, task)) not in wrong
        }
        projects[root] = {**body, "tasks": right}
    mended = attrs.evolve(declared, projects=projects)
    trial.write(files_of(mended))
    if trial.knows("fewer-options"):
        lists_everything(trial, mended, EDGES)
    else:
        draws_edges(trial, build(mended, effective(mended)), EDGES, crowd.drawn)
    _warns(trial, crowd, build(mended, effective(mended)))


def _warns(trial: Trial, crowd: Crowd, graph: Graph) -> None:
    """``haz check --strict`` tells who may read what is not made yet, wherever it is called; it
    counts the tasks of the project there."""
    place, scope = crowd.asked
    (root,) = [root for root, it in crowd.declared.projects.items() if it["name"] == place]
    counted = sum(id[0] == place or scope == "--workspace" for id in graph.tasks)
    words = [scope] if scope else []
    trial.folder(root[1:])
    if trial.knows("fewer-options"):
        result = trial.haz("check", *words, cwd=root[1:])
        said = f"{counted} task(s) validated.\n"
        trial.same("AUX-009", f"{result}stdout", (result.code, result.out.decode()), (0, said))
        return
    result = trial.haz("check", *words, "--strict", "--json", cwd=root[1:])
    found = json.loads(result.out)
    trial.same("AUX-009", f"{result}tasks", found["tasks"], counted)
    rows = found["diagnostics"]
    trial.same("DAG-013", f"{result}exit code", result.code, 2 if rows else 0)
    told = [row["message"] for row in rows if "does not depend on" in row["message"]]
    named = [sorted(re.findall("`([a-z0-9-]+:[a-z0-9-]+)`", message)) for message in told]
    expected = [sorted(map(label, (id, *made_by))) for id, made_by in races(graph).items()]
    trial.same("DAG-013", f"{result}races", sorted(named), sorted(expected))


def _clashes(declared: Declared) -> list[Id]:
    try:
        effective(declared)
    except AmbiguousError as ambiguous:
        found: list[Id] = ambiguous.args[0]
        return found
    return []


def names_problems(trial: Trial, problems: Iterable[tuple[str, str]]) -> None:
    """``haz check --json`` has one row for every problem, with its rule and what it is about
    (DAG-011)."""
    expected = [
        (form_rule(where.partition(" ")[2]) if rule == "REF" else rule, where)
        for rule, where in problems
    ]
    about = " ".join(sorted({"DAG-011", *(rule for rule, _ in expected)}))
    if trial.knows("fewer-options"):
        result = trial.haz("check")
        trial.same(about, f"{result}exit code", result.code, 2 if expected else 0)
        return
    result = trial.haz("check", "--json")
    trial.same(about, f"{result}exit code", result.code, 2 if expected else 0)
    rows = json.loads(result.out)["diagnostics"]
    errors = [row for row in rows if row["severity"] == "error"]
    found = [row["rule"] for row in errors]
    rules = sorted(rule for rule, _ in expected)
    trial.same(about, f"{result}rules", sorted(found), rules)
    for rule, where in expected:
        said = [row["message"] + " ".join(row["causes"]) for row in errors if row["rule"] == rule]
        named = any(all(word in it for word in where.split()[:SHOWN]) for it in said)
        trial.holds(rule, f"haz check --json names {where}", named)


def draws_edges(
    trial: Trial, graph: Graph, rules: str, picked: tuple[str, int] | None = None
) -> None:
    """All that there is, and maybe some tasks with what they need, in one of the forms."""
    draws(trial, graph, rules, ["query", "--workspace", "--graph=json"], "json", ())
    if picked is not None and graph.tasks:
        form, number = picked
        ids = sorted(graph.tasks)
        seeds = {ids[number % len(ids)], ids[7 * number % len(ids)]} if number else ()
        words = ["graph", *([f"--format={form}"] if form else [])]
        draws(trial, graph, f"{rules} EXEC-001", words, form, sorted(seeds))
