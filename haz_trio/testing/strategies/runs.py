"""Workspaces whose tasks succeed, fail, cannot start, or wait for each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs
from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.strategies.declarations import acyclic, mutexes
from haz_trio.testing.strategies.names import TAGS, TASKS, subsets

LOG = "../../outside/log"
KINDS = (
    "ok",
    "ok",
    "ok",
    "slow",
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
    jobs: bool = False  # slots are given by -j, and concurrency.default is another number
    again: bool = False  # a second run follows

    @property
    def options(self) -> tuple[str, ...]:
        """What follows ``haz run --workspace``."""
        found = ["--fail-fast"] if self.fail_fast else []
        found += [f"--retries={self.retries}"] if self.retries else []
        return (*found, *([f"-j{self.slots}"] if self.jobs else []))

    def after(self, executed: Collection[Id]) -> Plan:
        """The same after a first run: who fails once and has been executed succeeds now."""
        kinds = {
            id: "ok" if kind == "flaky" and id in executed else kind
            for id, kind in self.kinds.items()
        }
        return attrs.evolve(self, kinds=kinds)

    def says(self, id: Id) -> str:
        """What a task prints on standard output."""
        return f"{id[0]} says\n{id[1]}\n"


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    projects = draw(
        st.dictionaries(
            st.sampled_from(["p", "q"]),
            st.tuples(subsets(TAGS[:2], 2), subsets(TASKS, 4, least=1)),
            min_size=1,
            max_size=2,
        )
    )
    slots = draw(st.sampled_from([1, 1, 2, 2, 3]))
    caps = draw(st.dictionaries(st.sampled_from(TAGS[:2]), st.integers(1, 2), max_size=1))
    edges = draw(acyclic(projects))
    good = draw(st.booleans())  # everything succeeds, so that more is seen of caps
    ways = ("ok", "slow") if good else KINDS
    kinds = {id: draw(st.sampled_from(ways)) for id in edges}
    bodies: dict[str, dict[str, Json]] = {name: {} for name in projects}
    for (project, task), (deps, weak) in edges.items():
        body = _body((project, task), kinds[project, task])
        body |= {"deps": [*deps], "weakDeps": [*weak], "mutex": draw(mutexes())}
        bodies[project][task] = body
    guests = _meeting(draw(st.integers(0, 3)), slots, draw(st.booleans()))
    for name, body in guests.items():
        bodies.setdefault("r", {})[name] = body
        kinds["r", name] = "meet"
    jobs, fail_fast = draw(st.booleans()), slots == 1 and draw(st.integers(0, 3)) == 3
    fast = fail_fast and not guests
    buffered = draw(st.booleans())
    settings: Body = {
        "projects": [f"/{name}" for name in bodies],
        "concurrency": {"default": 7 if jobs else slots, "tags": {**caps}},
        "output": {"mode": "buffered" if buffered else "live"},
    }
    tags = {name: tags for name, (tags, _) in projects.items()} | {"r": []}
    files: dict[str, Body] = {
        f"/{name}": {"name": name, "tags": [*tags[name]], "tasks": tasks}
        for name, tasks in bodies.items()
    }
    return Plan(
        Declared(settings, files),
        {id: "ok" if kind == "slow" else kind for id, kind in kinds.items()},
        slots,
        caps,
        buffered,
        fast,
        0 if fast else draw(st.sampled_from([0, 0, 1])),
        jobs,
        again=draw(st.booleans()),
    )


def _meeting(wanted: int, slots: int, shared: bool) -> dict[str, Body]:
    """Tasks that end well only if all of them run at once, as they may."""
    count = min(wanted, slots)
    names = [f"m{number}" for number in range(count if count > 1 else 0)]
    found: dict[str, Body] = {}
    for name in names:
        others = " && ".join(f"[ -f ../../outside/{other} ]" for other in names)
        script = (
            f"echo begin r:{name} >>{LOG}; : >../../outside/{name}; i=0; "
            f"until {others}; do i=$((i+1)); /bin/sleep 0.02; "
            f"if [ $i -gt 250 ]; then echo alone r:{name} >>{LOG}; break; fi; done; "
            f"echo r says; echo {name}; echo end r:{name} >>{LOG}"
        )
        found[name] = {"shell": script}
        if shared:
            found[name]["mutex"] = {"name": "meeting", "mode": "shared"}
    return found


def _body(id: Id, kind: str) -> Body:
    name = f"{id[0]}:{id[1]}"
    wait = "/bin/sleep 0.03; " if kind == "slow" else ""
    last = {"fail": "exit 3", "killed": "kill -9 $$"}.get(kind, "exit 0")
    if kind == "flaky":
        once = f"../../outside/once-{id[0]}-{id[1]}"
        last = f"if [ -f {once} ]; then exit 0; fi; : >{once}; exit 3"
    script = (
        f"echo begin {name} >>{LOG}; {wait}echo {id[0]} says; echo {id[1]}; "
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
