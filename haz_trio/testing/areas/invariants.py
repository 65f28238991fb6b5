"""Runs in which tasks write the same file, feed each other, or change what they read."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.running import summary_of, tally_of
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial

LOG = "../../outside/log"
KINDS = ("overlap", "apart", "cycle", "formatter")


@attrs.frozen
class Example:
    """What goes on, the names of three tasks in canonical order, and the mode of output."""

    kind: str
    names: tuple[str, str, str]
    buffered: bool


@st.composite
def examples(draw: st.DrawFn) -> Example:
    names = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=3, max_size=3))
    one, two, three = sorted(names)
    return Example(draw(st.sampled_from(KINDS)), (one, two, three), draw(st.booleans()))


def play(trial: Trial, example: Example) -> None:
    one, two, three = example.names
    tasks: Body = {three: {"shell": f"echo {three} >>{LOG}"}}
    if example.kind in ("overlap", "apart"):
        for name in (one, two):
            path = "out/r" if example.kind == "overlap" else f"out/{name}"
            script = f"echo {name} >>{LOG}; mkdir -p out; echo {name} >{path}"
            tasks[name] = {"shell": script, "outputs": ["out/*"]}
    elif example.kind == "cycle":
        tasks[one] = _turns(one, "*.src", "*.gen", "x.gen")
        tasks[two] = _turns(two, "*.gen", "*.src", "x.src")
    else:
        script = f"echo {one} >>{LOG}; tr a b <f.txt >f.new; cat f.new >f.txt; rm f.new"
        tasks[one] = {"shell": script, "inputs": ["*.txt"], "outputs": ["*.txt"]}
        tasks[two] = {"shell": f"echo {two} >>{LOG}"}
    mode = "buffered" if example.buffered else "live"
    settings: Body = {
        "projects": ["/p"],
        "concurrency": {"default": 1},
        "output": {"mode": mode},
    }
    path_only: Body = {"from_host": ["PATH"]}
    for body in tasks.values():
        if isinstance(body, dict):
            body["env"] = path_only
    trial.write(files_of(Declared(settings, {"/p": {"name": "p", "tasks": tasks}})))
    trial.write({"p/f.txt": "aa\n", "p/x.src": "1\n"})
    {"overlap": _overlap, "apart": _apart, "cycle": _cycle, "formatter": _formatter}[example.kind](
        trial, example
    )


def _turns(name: str, reads: str, declares: str, writes: str) -> Body:
    script = f"echo {name} >>{LOG}; echo {name} >{writes}"
    return {"shell": script, "inputs": [reads], "outputs": [declares]}


def _run(trial: Trial) -> tuple[Result, list[str]]:
    """Run everything; what was executed."""
    log = trial.outside / "log"
    log.unlink(missing_ok=True)
    result = trial.haz("run", "--workspace")
    return result, log.read_text().split() if log.exists() else []


def _overlap(trial: Trial, example: Example) -> None:
    """Two tasks write one file: exit code 1, nothing new begins, the second is not kept."""
    one, two, three = example.names
    result, ran = _run(trial)
    trial.same("EXEC-020 EXEC-021", f"{result}executed", (result.code, ran), (1, [one, two]))
    if trial.knows("violations-are-silent"):
        return
    said = result.err.decode()
    named = all(word in said for word in ("EXEC-020", f"p:{one}", f"p:{two}", "/p/out/r"))
    trial.holds("EXEC-020", f"{result}names rule, tasks and file", named)
    ended = summary_of(result)
    trial.same("EXEC-020", f"{result}{three}", ended["p", three].verdict, "cancelled")
    again, ran = _run(trial)
    trial.same("EXEC-020 CACHE-017", f"{again}executed", (again.code, two in ran), (1, True))


def _apart(trial: Trial, example: Example) -> None:
    """One pattern, different files: that is no overlap."""
    if trial.knows("claims-are-patterns"):
        return
    for expected in ([*example.names], []):
        result, ran = _run(trial)
        trial.same("EXEC-020 CACHE-002", f"{result}executed", (result.code, ran), (0, expected))


def _cycle(trial: Trial, example: Example) -> None:
    """Two tasks feed each other through files: exit code 1, and the third does not begin."""
    one, two, three = example.names
    result, ran = _run(trial)
    trial.same("EXEC-019 EXEC-021", f"{result}executed", (result.code, ran), (1, [one, two]))
    if not trial.knows("violations-are-silent"):
        trial.holds("EXEC-019", f"{result}names the rule", b"EXEC-019" in result.err)
        verdict = summary_of(result)["p", three].verdict
        trial.same("EXEC-019", f"{result}{three}", verdict, "cancelled")


def _formatter(trial: Trial, example: Example) -> None:
    """A task that changes what it reads runs once a run, and hits when nothing changes."""
    one, two, three = example.names
    for expected in ([one, two, three], [one], []):
        result, ran = _run(trial)
        trial.same("EXEC-018", f"{result}executed", (result.code, ran), (0, expected))
        cached = 3 - len(expected)
        hits = f" ({cached} cached)" if cached else ""
        trial.same("EXEC-017", f"{result}tally", tally_of(result), f"Tasks: 3 completed{hits}")
    trial.same("EXEC-018", "the file", trial.files("p")["p/f.txt"], b"bb\n")


AREA: Area = area("invariants", "overlaps and cycles at run time", examples, play, 0.3)
