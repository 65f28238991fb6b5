"""Runs in which tasks write the same file, feed each other, or change what they read."""

from __future__ import annotations

from collections.abc import Sequence

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


@attrs.frozen
class Example:
    """What goes on in one workspace, and the mode of output.

    Each of ``harmless`` is one of "apart" (two tasks write different files of one pattern), "old"
    (a task declares a file that another made, and leaves it), "formatter" (a task declares what it
    changes) and "careless" (it does not). ``wrong`` is "", "overlap", "hits" (an overlap that a
    hit completes) or "cycle"; it comes behind them, and one more task behind it.
    """

    harmless: frozenset[str]
    wrong: str
    buffered: bool


@st.composite
def examples(draw: st.DrawFn) -> Example:
    kinds = [kind for kind in ("apart", "old", "formatter", "careless") if draw(st.integers(0, 4))]
    wrong = draw(st.sampled_from(["", "overlap", "", "cycle", "", "hits"]))
    return Example(frozenset(kinds), wrong, draw(st.booleans()))


def play(trial: Trial, example: Example) -> None:
    harmless = {
        kind
        for kind in example.harmless
        if not (kind in ("apart", "old") and trial.knows("claims-are-patterns"))
        and not (kind == "careless" and trial.knows("violations-are-silent"))
    }
    tasks = _tasks(harmless, example.wrong)
    mode = "buffered" if example.buffered else "live"
    settings: Body = {
        "projects": ["/p"],
        "concurrency": {"default": 1},
        "output": {"mode": mode},
    }
    trial.write(files_of(Declared(settings, {"/p": {"name": "p", "tasks": {**tasks}}})))
    trial.write(
        {"p/f.txt": "aa\n", "p/x.src": "1\n", "p/b.in": "1\n", "p/c.in": "one\n", "p/out/r": ""}
    )
    if example.wrong:
        _goes_wrong(trial, example, harmless)
    else:
        _goes_well(trial, sorted(tasks), harmless)


def _tasks(harmless: set[str], wrong: str) -> dict[str, Body]:
    """By names that make the order: harmless ones first, then what goes wrong, then ``z``."""
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
    if wrong in ("overlap", "hits"):
        for name in ("m", "n"):
            found[name] = _task(name, f"echo {name} >out/r", outputs=["out/*"])
        found["y"] = _task("y", "", deps=["~:n"])
    elif wrong == "cycle":
        found["m"] = _task("m", "echo m >x.gen", inputs=["*.src"], outputs=["*.gen"])
        found["n"] = _task("n", "echo n >x.src", inputs=["*.gen"], outputs=["*.src"])
        found["y"] = _task("y", "", deps=["~:n"])
    found["z"] = _task("z", "")
    return found


def _task(
    name: str,
    does: str,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    deps: Sequence[str] = (),
) -> Body:
    folders = "mkdir -p apart out; " if outputs else ""
    return {
        "shell": f"echo {name} >>{LOG}; {folders}{does}",
        "inputs": [*inputs],
        "outputs": [*outputs],
        "deps": [*deps],
        "env": {"from_host": ["PATH"]},
    }


def _run(trial: Trial, *targets: str) -> tuple[Result, list[str]]:
    """Run everything, or some; what was executed."""
    log = trial.outside / "log"
    log.unlink(missing_ok=True)
    result = trial.haz("run", *(targets or ("--workspace",)))
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
        trial.same("EXEC-018", "the file", trial.files("p")["p/f.txt"], b"bb\n")
    trial.write({"p/f.txt": "aa\n", "p/c.in": "one\n", "p/b.in": "2\n"})
    changed = {"old": "b1", "careless": "c"}
    _ran(trial, names, [name for kind, name in changed.items() if kind in harmless])
    if "old" in harmless:
        trial.same("EXEC-020 CACHE-019", "the file of b1", trial.files("p")["p/old"], b"2\n")
    if "formatter" in harmless:
        trial.same("EXEC-018", "the file", trial.files("p")["p/f.txt"], b"bb\n")


def _ran(trial: Trial, names: list[str], expected: list[str]) -> None:
    result, ran = _run(trial)
    rules = "EXEC-018 EXEC-020 CACHE-002 CACHE-017"
    trial.same(rules, f"{result}executed", (result.code, ran), (0, expected))
    cached = len(names) - len(expected)
    hits = f" ({cached} cached)" if cached else ""
    tally = f"Tasks: {len(names)} completed{hits}"
    trial.same("EXEC-017", f"{result}tally", tally_of(result), tally)


def _goes_wrong(trial: Trial, example: Example, harmless: set[str]) -> None:
    """Exit code 1, and nothing new begins; what overlaps is not kept, what cycles is."""
    names = sorted(_tasks(harmless, example.wrong))
    began = [name for name in names if name not in ("y", "z")]
    rule = "EXEC-019" if example.wrong == "cycle" else "EXEC-020"
    if example.wrong == "hits":
        for name in ("m", "n"):
            trial.same("EXEC-021", "alone", _run(trial, f"p:{name}")[0].code, 0)
        began = [name for name in began if name not in ("m", "n")]
    result, ran = _run(trial)
    trial.same(f"{rule} EXEC-021", f"{result}executed", (result.code, ran), (1, began))
    if trial.knows("violations-are-silent"):
        return
    said = result.err.decode()
    words = (rule, "p:m", "p:n", "/p/x.src" if rule == "EXEC-019" else "/p/out/r")
    trial.holds(rule, f"{result}names rule, tasks and file", all(word in said for word in words))
    ended = summary_of(result)
    found = {name: ended[("p", name)].verdict for name in ("m", "n", "y", "z")}
    how = "cached" if example.wrong == "hits" else "done"
    expected = {"m": how, "n": how, "y": "cancelled", "z": "cancelled"}
    trial.same(rule, f"{result}outcomes", found, expected)
    if example.wrong == "overlap":
        again, ran = _run(trial)
        trial.same("EXEC-020 CACHE-017", f"{again}executed", (again.code, "n" in ran), (1, True))
        alone, ran = _run(trial, "p:m")
        trial.same("EXEC-020 CACHE-017", f"{alone}executed", (alone.code, ran), (0, []))


AREA: Area = area("invariants", "overlaps and cycles at run time", examples, play, 0.3)
