"""Runs of tasks that succeed, fail or cannot start, under caps, tags and mutexes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

import attrs

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.graph import Edges, Graph, build, closure, label
from haz_trio.testing.reference.outcomes import (
    Caps,
    blamed,
    broken_rules,
    is_timed,
    outcomes,
    overtaken,
    parse_marks,
    tally,
)
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.schedule import SKIPPED, run_in_order
from haz_trio.testing.reference.workspace import effective
from haz_trio.testing.strategies.endings import FILES, NOT_STARTED, STARTED, WHY
from haz_trio.testing.strategies.parties import CROWDS, LINE, PARKING, TWIN
from haz_trio.testing.strategies.runs import TWINS, Plan, plans
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial
from haz_trio.testing.workspace import printed

_LINE = re.compile(r"^\[(\S+)\] (✓ done|◉ cached|✗ failed|✗ errored|- skipped|. cancelled)(.*)$")


@attrs.frozen
class Ended:
    """What a summary line says of a task."""

    verdict: str
    detail: str


def play(trial: Trial, plan: Plan) -> None:
    if trial.knows("equal-tasks-both-run"):
        plan = plan.without(TWIN)
    trial.write(files_of(plan.declared))
    for path, (text, mode) in FILES.items() if "/o" in plan.declared.projects else ():
        trial.write({path: text}, mode)
    graph = build(plan.declared, effective(plan.declared))
    words, env = list(plan.options), plan.environment
    if (words or env) and trial.knows("fewer-options"):
        return
    kinds = {id: _kind(plan, id) for id in graph.tasks}
    expected = outcomes(kinds, graph.hard)
    first = trial.haz("run", "--workspace", *words, env=env)
    log = trial.outside / "log"
    marks = log.read_text() if log.exists() else ""
    log.write_text("")
    if plan.fail_fast:
        _stops(trial, plan, graph, {*graph.tasks}, first, marks)
        return
    expected = _with_twins(trial, plan, first, expected)
    _marks(trial, plan, graph, first, marks, expected)
    _says(trial, plan, graph, first, kinds, expected)
    if plan.again:
        (trial.outside / "again").touch()
        for id, how in plan.kinds.items():
            if how == "hit":
                trial.remove(f"{id[0]}/hit")
        plan = plan.after({id for id, verdict in expected.items() if verdict != "skipped"})
        kinds = {id: _kind(plan, id) for id in graph.tasks}
        second = trial.haz("run", "--workspace", *words, env=env)
        healed = outcomes(kinds, graph.hard)
        again = {
            id: "cached" if verdict == "done" and expected[id] in ("done", "cached") else verdict
            for id, verdict in healed.items()
        }
        _marks(trial, plan, graph, second, log.read_text(), again)
        _says(trial, plan, graph, second, kinds, again)
    chosen = closure(plan.brisk, graph.hard)
    if any(plan.kinds[id] == "flaky" for id in chosen) or trial.knows("fewer-options"):
        return
    if chosen:
        log.write_text("")
        targets = [label(id) for id in plan.brisk]
        words = ["run", "--fail-fast", "--no-cache", "-j1"]
        words += [f"--retries={plan.retries}"] if plan.retries else []
        words = ["-q", *words] if plan.buffered else words
        third = trial.haz(*words, *targets, env={"HAZ_JOBS": str(plan.others)})
        _stops(trial, plan, graph, chosen, third, log.read_text())


def _with_twins(
    trial: Trial, plan: Plan, result: Result, expected: Mapping[Id, str]
) -> dict[Id, str]:
    """Of equal tasks one is executed, whichever misses first; the others are hits.

    If they fail all are executed.
    """
    twins = [id for id, how in plan.kinds.items() if how == "twin"]
    ended = summary_of(result)
    executed = [id for id in twins if id in ended and ended[id].verdict == "done"] or twins
    found = {**expected, **dict.fromkeys(twins, "cached"), **dict.fromkeys(executed[:1], "done")}
    failing = [id for id, how in plan.kinds.items() if how == "twin-fails"]
    for some, times in ((twins, 1), (failing, len(failing) * (1 + plan.retries))):
        if some:
            lines = (trial.outside / f"twins-{some[0][0]}").read_text()
            rules = "CACHE-002 CACHE-017"
            trial.same(rules, f"{result}commands of equal tasks", lines, "twin\n" * times)
    return found


def _kind(plan: Plan, id: Id) -> str:
    how = plan.kinds[id]
    if how == "flaky":
        return "ok" if plan.retries else "fail"
    if how in NOT_STARTED or how in STARTED:
        return "error"
    return "fail" if how in WHY or how == "twin-fails" else "ok"


def _marks(
    trial: Trial,
    plan: Plan,
    graph: Graph,
    result: Result,
    text: str,
    expected: Mapping[Id, str],
) -> None:
    """What the commands have left in the log."""
    marks = parse_marks(text)
    if trial.knows("mutex-waiters-lose-their-turn"):
        marks = [it for it in marks if it.what != "alone" or it.id[0] != PARKING]
    begun = Counter(label(mark.id) for mark in marks if mark.what == "begin")
    wanted: Counter[str] = Counter()
    for id, verdict in expected.items():
        how = plan.kinds[id]
        if verdict in ("done", "failed", "errored") and how not in (*NOT_STARTED, *TWINS):
            wanted[label(id)] = plan.tries(id, verdict)
    rules = "EXEC-001 EXEC-010 EXEC-011 MUTEX-005 MUTEX-007"
    trial.same(rules, f"{result}how often each command began", dict(begun), dict(wanted))
    weak = _weak(trial, graph)
    caps = Caps(plan.slots, plan.tag_caps)
    for rule, what in broken_rules(marks, graph.tasks, (graph.hard, weak), caps):
        trial.same(rule, f"{result}{text}rules of running together", what, "")
    kept = "EXEC-002 EXEC-004 EXEC-005 EXEC-006 MUTEX-001 MUTEX-002 MUTEX-003 MUTEX-004 MUTEX-006"
    trial.holds(
        kept if trial.knows("weak-deps-order-nothing") else f"{kept} DAG-009", "marks", True
    )
    if plan.slots == 1 and not plan.retries:
        ended = {id: "done" if it == "cached" else it for id, it in expected.items()}
        events = run_in_order(set(graph.tasks), graph.hard, weak, ended.__getitem__)
        order = [label(id) for id, _, _ in events if begun[label(id)]]
        found = [label(mark.id) for mark in marks if mark.what == "begin"]
        if not trial.knows("mutex-waiters-lose-their-turn"):
            trial.same("EXEC-003", f"{result}order of commands with one slot", found, order)
    if not trial.knows("mutex-waiters-lose-their-turn"):
        ready = {id: it for id, it in graph.tasks.items() if id[0] in (*CROWDS, LINE)}
        late = overtaken(marks, ready)
        trial.same("EXEC-003 MUTEX-003", f"{result}{text}who was overtaken", late, [])


def _weak(trial: Trial, graph: Graph) -> Edges:
    """The weak edges, as far as the program waits for them."""
    if trial.knows("weak-deps-order-nothing"):
        return {id: frozenset[Id]() for id in graph.tasks}
    return graph.weak


def _says(
    trial: Trial,
    plan: Plan,
    graph: Graph,
    result: Result,
    kinds: Mapping[Id, str],
    expected: Mapping[Id, str],
) -> None:
    """Exit code, summary lines, closing line and the streams."""
    wrong = any(verdict in ("failed", "errored") for verdict in expected.values())
    trial.same("EXEC-021 EXEC-009", f"{result}exit code", result.code, int(wrong))
    ended = summary_of(result)
    if trial.knows("errors-are-silent"):
        ended = {**{id: Ended("errored", "") for id in expected}, **ended}
    verdicts = {id: it.verdict for id, it in ended.items()}
    trial.same("EXEC-009 EXEC-010 EXEC-017", f"{result}outcomes", verdicts, dict(expected))
    if plan.slots == 1:  # then it is known who has failed first
        how = {id: "done" if it == "cached" else it for id, it in expected.items()}
        events = run_in_order({*graph.tasks}, graph.hard, _weak(trial, graph), how.__getitem__)
        first = {id: cause for id, _, cause in events}
        if not trial.knows("mutex-waiters-lose-their-turn"):
            told = list(summary_of(result))
            order = [id for id in first if id in told or not trial.knows("errors-are-silent")]
            trial.same("EXEC-003 EXEC-011 EXEC-017", f"{result}order of lines", told, order)
    else:
        first = {}
    for id, it in ended.items():
        if it.verdict == SKIPPED:
            cause = first.get(id)
            culprits = blamed(id, kinds, graph.hard) if cause is None else {cause}
            causes = [f"(upstream {label(c)} {expected[c]})" for c in sorted(culprits)]
            trial.holds("EXEC-011", f"{result}{label(id)} names its cause", it.detail in causes)
        elif it.verdict == "failed":
            why = WHY.get(plan.kinds[id], "(exit 3)")  # who fails once fails like that
            trial.holds("EXEC-009", f"{result}{label(id)} says why", it.detail.endswith(why))
        if it.verdict in ("done", "cached", "failed"):
            trial.holds("EXEC-017", f"{result}time of {label(id)}", is_timed(it.detail))
    if expected:
        trial.same("EXEC-017", f"{result}tally", tally_of(result), tally(expected.values()))
    _streams(trial, plan, result, expected)


def _streams(trial: Trial, plan: Plan, result: Result, expected: Mapping[Id, str]) -> None:
    """Each task's own lines, in their order; lines of other tasks may stand between them."""
    lines = result.out.split(b"\n")
    shown = 0
    for id, verdict in expected.items():
        silent = verdict == "errored" and trial.knows("errors-are-silent")
        if verdict == "skipped" or plan.kinds[id] in NOT_STARTED or silent:
            continue
        tries = 1 if verdict == "cached" else plan.tries(id, verdict)
        wanted = printed(id, plan.says(id).encode(), plan.buffered) * tries
        shown += len(wanted)
        if plan.buffered:
            trial.holds("EXEC-016", f"{result}{label(id)}", wanted in result.out)
        else:
            prefix = f"[{label(id)}] ".encode()
            found = b"".join(line + b"\n" for line in lines if line.startswith(prefix))
            trial.same("EXEC-016", f"{result}lines of {label(id)}", found, wanted)
    if not trial.knows("errors-are-silent"):
        trial.same("EXEC-016", f"{result}bytes of standard output", len(result.out), shown)


def _stops(
    trial: Trial, plan: Plan, graph: Graph, chosen: Collection[Id], result: Result, text: str
) -> None:
    """With one slot and ``--fail-fast`` nothing begins after the first failure of all tries."""
    kinds = {id: _kind(plan, id) for id in chosen}
    wrong = any(kind != "ok" for kind in kinds.values())
    trial.same("EXEC-021", f"{result}exit code", result.code, int(wrong))
    ended = outcomes(kinds, graph.hard)
    expected: list[str] = []
    told: list[tuple[Id, str]] = []
    for id, verdict, _ in run_in_order(chosen, graph.hard, graph.weak, ended.__getitem__):
        if plan.kinds[id] not in NOT_STARTED:
            expected += [label(id)] * plan.tries(id, verdict)
        told.append((id, verdict))
        if verdict != "done":
            break
    found = [label(mark.id) for mark in parse_marks(text) if mark.what == "begin"]
    trial.same("EXEC-003 EXEC-010", f"{result}commands that began", found, expected)
    if result.args[0] == "-q":
        _is_quiet(trial, result, [(id, verdict) for id, verdict in told if verdict != "done"])


def _is_quiet(trial: Trial, result: Result, wrong: list[tuple[Id, str]]) -> None:
    """With ``-q`` only what went wrong has a line, and a run in which nothing did has no end."""
    lines = [(id, it.verdict) for id, it in summary_of(result).items()]
    trial.same("EXEC-017", f"{result}summary lines", lines, wrong)
    trial.same("EXEC-017", f"{result}closing line", bool(tally_of(result)), bool(wrong))
    trial.holds("EXEC-017", f"{result}no line for a try", b" try 1 of " not in result.err)


def summary_of(result: Result) -> dict[Id, Ended]:
    """The last summary line of each task."""
    found = {}
    for line in result.lines:
        match = _LINE.match(line)
        if match:
            project, _, task = match[1].partition(":")
            found[project, task] = Ended(match[2].split()[-1], match[3].strip())
    return found


def tally_of(result: Result) -> str:
    return "".join(line for line in result.lines if line.startswith("Tasks: "))


AREA: Area = area("running", "order, caps, mutexes, failures", plans, play, 1)
