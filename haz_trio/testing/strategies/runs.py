"""Workspaces whose tasks succeed, fail, cannot start, or wait for each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs
from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.strategies.declarations import acyclic, mutexes
from haz_trio.testing.strategies.endings import FLAVOURS, WHY, endings, last_words
from haz_trio.testing.strategies.names import TAGS, TASKS, subsets
from haz_trio.testing.strategies.parties import CROWDS, LOG, SPOILT, TWIN, WAIT, parties

TWINS = ("twin", "twin-fails")  # kinds of equal tasks, whose commands cannot be told apart
UNENDED = "q"  # the project of those whose last line has no end
KINDS = (
    *("ok",) * 7,
    "slow",
    "fail",
    "fail",
    "killed",
    "no-program",
    "no-output",
    "no-input",
    "flaky",
)


@attrs.frozen
class Plan:
    """A workspace, how each task goes, and the command line."""

    declared: Declared
    kinds: Mapping[Id, str]
    slots: int
    tag_caps: Mapping[str, int]
    buffered: bool = False
    fail_fast: bool = False
    retries: int = 0
    jobs: str = ""  # who gives the slots: concurrency.default, or JOBS, and it is another number
    others: int = 7  # the slots of who is not asked
    again: bool = False  # a second run follows
    brisk: tuple[Id, ...] = ()  # the tasks of a last run that ends with its first failure

    @property
    def options(self) -> tuple[str, ...]:
        """What follows ``haz run --workspace``."""
        found = ["--fail-fast"] if self.fail_fast else []
        found += [f"--retries={self.retries}"] if self.retries else []
        return (*found, *([f"-j{self.slots}"] if "-j" in self.jobs else []))

    @property
    def environment(self) -> Mapping[str, str]:
        """Its variables; ``-j`` beats them."""
        found = {"HAZ_JOBS": str(self.slots)} if self.jobs == "HAZ_JOBS" else {}
        return {"HAZ_JOBS": str(self.others)} if self.jobs == "-j and HAZ_JOBS" else found

    def tries(self, id: Id, verdict: str) -> int:
        """How often a task that has been executed was started: who errors is not tried again."""
        if self.kinds[id] == "flaky" and self.retries:
            return 2
        return 1 + self.retries * (verdict == "failed")

    def after(self, executed: Collection[Id]) -> Plan:
        """The same after a first run: who fails once and has been executed succeeds now."""
        kinds = {
            id: "ok" if kind == "flaky" and id in executed else kind
            for id, kind in self.kinds.items()
        }
        return attrs.evolve(self, kinds=kinds)

    def says(self, id: Id) -> str:
        """What a task prints on standard output."""
        if self.kinds[id] in TWINS:
            return f"{TWIN}\n{TWIN}\n"
        return f"{id[0]} says\n{id[1]}" + ("" if id[0] == UNENDED else "\n")

    def without(self, project: str) -> Plan:
        """The same without a project that nobody refers to."""
        kinds = {id: kind for id, kind in self.kinds.items() if id[0] != project}
        settings, files = dict(self.declared.settings), dict(self.declared.projects)
        if files.pop(f"/{project}", None) is not None:
            settings["projects"] = [*files]
        return attrs.evolve(self, declared=Declared(settings, files), kinds=kinds)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """One run that asks much: failures of every kind in two projects, and beside them a crowd
    of tasks that are slow enough to meet where they must not, others that have to meet, and
    every other way to go wrong by itself. In some runs there are only errors, or only failures.
    """
    projects = {
        name: (draw(subsets(TAGS[:2], 2)), [task for task in TASKS if draw(st.integers(0, 4))])
        for name in "pq"
        if draw(st.integers(0, 7))
    }
    slots = draw(st.sampled_from([1, 2, 3, 2, 4, 1, 2, 3]))
    caps = draw(st.dictionaries(st.sampled_from(TAGS[:2]), st.integers(1, 2), max_size=2))
    edges = draw(acyclic(projects, hard=draw(st.integers(0, 2))))
    flavour = draw(st.sampled_from(["good", "all", "errors", "fails"]))
    wanted = (*FLAVOURS.get(flavour, ()), "ok", "slow", *(("flaky",) if flavour == "all" else ()))
    kinds = {id: draw(st.sampled_from([it for it in KINDS if it in wanted])) for id in edges}
    bodies: dict[str, dict[str, Json]] = {name: {} for name in projects}
    for (project, task), (deps, weak) in edges.items():
        body = _body((project, task), kinds[project, task])
        body |= {"deps": [*deps], "weakDeps": [*weak], "mutex": draw(mutexes())}
        bodies[project][task] = body
    guests = draw(parties(slots, fails=flavour in ("all", "fails"))) | draw(endings(flavour))
    for (project, name), (kind, body) in guests.items():
        bodies.setdefault(project, {})[name] = body
        kinds[project, name] = kind
    jobs = draw(st.sampled_from(["", "", "-j", "HAZ_JOBS", "-j and HAZ_JOBS"]))
    fail_fast = slots == 1 and draw(st.booleans())
    brisk = () if fail_fast or not draw(st.integers(0, 3)) else draw(_brisk(kinds))
    again = (
        SPOILT in kinds or "hit" in kinds.values() or draw(st.integers(0, 3)) > (1 if brisk else 0)
    )
    tags = {name: tags for name, (tags, _) in projects.items()}
    tags |= {name: draw(subsets(TAGS[:2], 2)) for name in CROWDS}
    tags |= {"d": ["one"], "e": ["low", "zoom"], "r": ["few"]}
    narrow = draw(st.booleans())
    caps |= {"one": 1, "few": slots, "low": 1 if narrow else slots, "zoom": slots if narrow else 1}
    buffered = draw(st.booleans())
    settings: Body = {
        "projects": [f"/{name}" for name in bodies],
        "concurrency": {"default": 7 if jobs else slots, "tags": {**caps}},
        "output": {"mode": "buffered" if buffered else "live"},
    }
    files: dict[str, Body] = {
        f"/{name}": {"name": name, "tags": [*tags.get(name, ())], "tasks": tasks}
        for name, tasks in bodies.items()
    }
    return Plan(
        Declared(settings, files),
        {id: "ok" if kind == "slow" else kind for id, kind in kinds.items()},
        slots,
        caps,
        buffered,
        fail_fast,
        draw(st.sampled_from([0, 0, 0, 0, 1, 2])),
        jobs,
        7 if slots == 1 or draw(st.booleans()) else 1,
        again=again,
        brisk=brisk,
    )


@st.composite
def _brisk(draw: st.DrawFn, kinds: Mapping[Id, str]) -> tuple[Id, ...]:
    """One that goes wrong by itself, and some others that wait for nobody."""
    wrong = [id for id, kind in kinds.items() if id[0] == "o" and kind != "ok"]
    errors = [id for id in wrong if kinds[id] not in WHY]
    if not wrong:
        return ()
    others = [id for id, kind in kinds.items() if id[0] in "opq" and kind != "flaky"]
    more = draw(st.lists(st.sampled_from(others), min_size=1, max_size=3, unique=True))
    return (draw(st.sampled_from([*wrong, *errors * 3])), *more)


def _body(id: Id, kind: str) -> Body:
    name = f"{id[0]}:{id[1]}"
    wait = WAIT if kind == "slow" else ""
    last = last_words(kind)
    if kind == "flaky":
        once = f"../../outside/once-{id[0]}-{id[1]}"
        last = f"if [ -f {once} ]; then exit 0; fi; : >{once}; exit 3"
    last_line = f"printf {id[1]}" if id[0] == UNENDED else f"echo {id[1]}"
    script = (
        f"echo begin {name} >>{LOG}; {wait}echo {id[0]} says; {last_line}; "
        f"echo end {name} >>{LOG}; {last}"
    )
    body: Body = {"shell": script}
    if kind == "no-program":
        return {"command": ["./no-such-program"]}
    if kind == "no-output":
        body["outputs"] = [f"no-{id[1]}"]
    if kind == "no-input":
        body["inputs"] = [f"no-{id[1]}"]
    return body
