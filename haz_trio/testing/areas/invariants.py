"""Runs in which tasks write the same file, feed each other, or change what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.running import summary_of, tally_of
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial

LOG = "../../../outside/log"


@attrs.frozen
class Wrong:
    """Something that only a run shows; ``tasks`` come in the order of their names.

    ``executed`` are those whose commands begin, ``path`` is the file that shows it, ``says`` how
    often. ``kept`` is who is a hit when it runs alone behind that.
    """

    rule: str
    tasks: Mapping[str, Body]
    path: str
    executed: str = "mn"
    says: int = 1
    kept: str = ""


@attrs.frozen
class Example:
    """What goes on, in workspaces of their own, and the mode of output.

    Each of ``harmless`` is one of "apart" (two tasks write different files of one pattern), "old"
    (a task declares a file that another made, and leaves it), "formatter" (a task declares what it
    changes), "careless" (it does not) and "chain" (a task reads by a pattern what another wrote
    by one). ``wrongs`` are keys of ``WRONGS``; then there is nothing harmless.
    """

    harmless: frozenset[str]
    wrongs: tuple[str, ...]
    buffered: bool


@st.composite
def examples(draw: st.DrawFn) -> Example:
    buffered = draw(st.booleans())
    if draw(st.integers(0, 2)):
        shared = [kind for kind, it in WRONGS.items() if it.rule == "EXEC-020"]
        some = [draw(st.sampled_from(shared))]
        some.append(draw(st.sampled_from([kind for kind in WRONGS if kind not in shared])))
        if draw(st.booleans()):
            some.append(draw(st.sampled_from([kind for kind in WRONGS if kind not in some])))
        return Example(frozenset(), tuple(some), buffered)
    kinds = ("apart", "old", "formatter", "careless", "chain")
    return Example(frozenset(kind for kind in kinds if draw(st.integers(0, 4))), (), buffered)


def play(trial: Trial, example: Example) -> None:
    mode = "buffered" if example.buffered else "live"
    for kind in example.wrongs:
        _goes_wrong(trial, mode, kind)
    if not example.wrongs:
        harmless = {
            kind
            for kind in example.harmless
            if not (kind in ("apart", "old") and trial.knows("claims-are-patterns"))
            and not (kind == "careless" and trial.knows("violations-are-silent"))
        }
        tasks = _tasks(harmless)
        _write(trial, "well", mode, tasks)
        _goes_well(trial, sorted(tasks), harmless)


def _write(trial: Trial, name: str, mode: str, tasks: Mapping[str, Body]) -> None:
    """A workspace with one project."""
    settings: Body = {
        "projects": ["/p"],
        "concurrency": {"default": 1},
        "output": {"mode": mode},
    }
    files = dict(files_of(Declared(settings, {"/p": {"name": "p", "tasks": {**tasks}}})))
    files |= {"p/f.txt": "aa\n", "p/x.src": "1\n", "p/b.in": "1\n", "p/c.in": "one\n"}
    trial.write({f"{name}/{path}": content for path, content in files.items()})
    trial.write({f"{name}/p/out/old": ""})


def _tasks(harmless: set[str]) -> dict[str, Body]:
    """By names that make the order."""
    found: dict[str, Body] = {}
    if "apart" in harmless:
        for name in ("a1", "a2"):
            found[name] = _task(name, f"echo {name} >apart/{name}", outputs=["apart/*"])
    if "old" in harmless:
        found["b1"] = _task("b1", "cat b.in >old", inputs=["b.in"], outputs=["old"])
        found["b2"] = _task("b2", "echo b2 >old.b", outputs=["old*"], deps=["~:b1"])
    if "careless" in harmless:
        script = "read -r x <c.in; [ $x = two ] || echo two >c.in"
        found["c"] = _task("c", script, inputs=["c.in"])
    if "formatter" in harmless:
        script = "read -r x <f.txt; case $x in aa) x=bb;; esac; echo $x >f.txt"
        found["d"] = _task("d", script, inputs=["*.txt"], outputs=["*.txt"])
    if "chain" in harmless:
        found["e1"] = _task("e1", "echo e1 >x.e1", outputs=["*.e1"])
        found["e2"] = _task("e2", "echo e2 >x.e2", inputs=["*.e1"], outputs=["*.e2", "*.e3"])
        found["e3"] = _task("e3", "echo e3 >y.e3", inputs=["*.e2", "*.e1"], outputs=["y.e3"])
    found["z"] = _task("z", "")
    return found


def _task(
    name: str,
    does: str,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    deps: Sequence[str] = (),
    weak: Sequence[str] = (),
) -> Body:
    folders = "mkdir -p apart out; " if outputs else ""
    return {
        "shell": f"echo {name} >>{LOG}; {folders}{does}",
        "inputs": [*inputs],
        "outputs": [*outputs],
        "deps": [*deps],
        "weakDeps": [*weak],
        "env": {"from_host": ["PATH"]},
    }


def _overlap(first: Sequence[str], second: Sequence[str], more: str = "") -> dict[str, Body]:
    """Both write one file, beside others of their own that come before it and behind it."""
    found = {}
    for name, outputs in (("m", first), ("n", second)):
        does = f"echo {name} >out/r; echo >out/{name}; echo >out/z{name}{more}"
        found[name] = _task(name, does, outputs=outputs)
    return found


def _maker(name: str, reads: str, makes: str, **edges: Sequence[str]) -> Body:
    """Reads by a pattern, and writes by one; the file that matters is not its first one."""
    does = f"echo >a.{name}; echo {name} >x.{makes}"
    inputs = [f"*.{reads}"] if reads else []
    return _task(name, does, inputs=inputs, outputs=[f"*.{makes}", f"a.{name}"], **edges)


_CYCLE = {"m": _maker("m", "src", "gen"), "n": _maker("n", "gen", "src")}
_HERE = ["~:m"]
WRONGS: Mapping[str, Wrong] = {
    "overlap": Wrong("EXEC-020", _overlap(["out/*"], ["out/*"]), "/p/out/r", kept="m"),
    "literal": Wrong("EXEC-020", _overlap(["out/r"], ["out/?"]), "/p/out/r", kept="m"),
    "twice": Wrong(
        "EXEC-020",
        _overlap(["out/**"], ["out/*"], "; echo >out/q"),
        "/p/out/q",
        says=2,
        kept="m",
    ),
    "hits": Wrong("EXEC-020", _overlap(["out/*"], ["out/*"]), "/p/out/r", executed=""),
    "cycle": Wrong("EXEC-019", _CYCLE, "/p/x.src", kept="n"),
    "triangle": Wrong(
        "EXEC-019",
        {**_CYCLE, "n": _maker("n", "gen", "tmp"), "o": _maker("o", "tmp", "src")},
        "/p/x.src",
        executed="mno",
        kept="o",
    ),
    "dependency": Wrong(
        "EXEC-019",
        {"m": _maker("m", "gen", "one"), "n": _maker("n", "", "gen", deps=_HERE)},
        "/p/x.gen",
    ),
    "weak": Wrong(
        "EXEC-019",
        {"m": _maker("m", "gen", "one"), "n": _maker("n", "", "gen", weak=_HERE)},
        "/p/x.gen",
        kept="n",
    ),
    "ready": Wrong(
        "EXEC-019",
        {
            "m": _maker("m", "fin", "gen"),
            "n": _task("n", "echo >x.fin", inputs=["*.gen"], outputs=["x.fin"]),
        },
        "/p/x.gen",
        executed="m",
        kept="m",
    ),
}


def _run(trial: Trial, where: str, *targets: str) -> tuple[Result, list[str]]:
    """Run everything, or some; what was executed."""
    log = trial.outside / "log"
    log.unlink(missing_ok=True)
    result = trial.haz("run", *(targets or ("--workspace",)), cwd=where)
    return result, log.read_text().split() if log.exists() else []


def _goes_well(trial: Trial, names: list[str], harmless: set[str]) -> None:
    """All run once; who changes what it reads runs again as long as that has changed.

    A result that rests on what has changed meanwhile is not stored: with the old contents the
    command runs again. With contents that a formatter has had, its result comes back.
    """
    changing = {"careless": "c", "formatter": "d"}
    again = [name for kind, name in changing.items() if kind in harmless]
    for expected in (names, again, []):
        _ran(trial, names, expected)
    if "formatter" in harmless:
        trial.same("EXEC-018", "the file", trial.files("well")["well/p/f.txt"], b"bb\n")
    trial.write({"well/p/f.txt": "aa\n", "well/p/c.in": "one\n", "well/p/b.in": "2\n"})
    changed = {"old": "b1", "careless": "c"}
    _ran(trial, names, [name for kind, name in changed.items() if kind in harmless])
    if "old" in harmless:
        trial.same(
            "EXEC-020 CACHE-019", "the file of b1", trial.files("well")["well/p/old"], b"2\n"
        )
    if "formatter" in harmless:
        trial.same("EXEC-018", "the file", trial.files("well")["well/p/f.txt"], b"bb\n")


def _ran(trial: Trial, names: list[str], expected: list[str]) -> None:
    result, ran = _run(trial, "well")
    rules = "EXEC-018 EXEC-020 CACHE-002 CACHE-017"
    trial.same(rules, f"{result}executed", (result.code, ran), (0, expected))
    cached = len(names) - len(expected)
    hits = f" ({cached} cached)" if cached else ""
    tally = f"Tasks: {len(names)} completed{hits}"
    trial.same("EXEC-017", f"{result}tally", tally_of(result), tally)


def _goes_wrong(trial: Trial, mode: str, kind: str) -> None:
    """Exit code 1, and nothing new begins; what overlaps is not kept, what cycles is."""
    wrong = WRONGS[kind]
    members = sorted(wrong.tasks)
    tasks = {**wrong.tasks, "y": _task("y", "", deps=[f"~:{members[-1]}"]), "z": _task("z", "")}
    _write(trial, kind, mode, tasks)
    if kind == "hits":
        for name in members:
            trial.same("EXEC-021", "alone", _run(trial, kind, f"p:{name}")[0].code, 0)
    rule, expected = wrong.rule, [*wrong.executed]
    result, ran = _run(trial, kind)
    trial.same(f"{rule} EXEC-021", f"{result}executed", (result.code, ran), (1, expected))
    if trial.knows("violations-are-silent"):
        return
    said = [line for line in result.err.decode().splitlines() if rule in line]
    words = (*(f"p:{name}" for name in members), wrong.path)
    named = any(all(word in line for word in words) for line in said)
    trial.holds(rule, f"{result}names tasks and file", named)
    if kind != "hits":  # each hit claims all that it has
        trial.same(rule, f"{result}how often", len(said), wrong.says)
    outcomes = {name: "done" if name in wrong.executed else "skipped" for name in members}
    if kind == "hits":
        outcomes = dict.fromkeys(members, "cached")
    outcomes |= {"y": "cancelled", "z": "cancelled"}
    ended = summary_of(result)
    found = {name: ended[("p", name)].verdict for name in outcomes}
    trial.same(rule, f"{result}outcomes", found, outcomes)
    causes = {"y": "(run cancelled)", "z": "(run cancelled)"}
    causes |= {name: "(in runtime cycle)" for name in members if outcomes[name] == "skipped"}
    trial.same(rule, f"{result}causes", {it: ended[("p", it)].detail for it in causes}, causes)
    if rule == "EXEC-020" and kind != "hits":
        again, ran = _run(trial, kind)
        trial.same("EXEC-020 CACHE-017", f"{again}executed", (again.code, "n" in ran), (1, True))
    if wrong.kept:
        alone, ran = _run(trial, kind, f"p:{wrong.kept}")
        trial.same(f"{rule} CACHE-017", f"{alone}executed", (alone.code, ran), (0, []))


AREA: Area = area("invariants", "overlaps and cycles at run time", examples, play, 0.3)
