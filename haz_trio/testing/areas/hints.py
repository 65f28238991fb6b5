"""Tasks that are allowed and rarely meant: ``haz check`` warns of them, and of no others."""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs
from hypothesis import strategies as st

from haz_trio.testing.models import files_of
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.trial import Trial


@attrs.frozen
class Case:
    """Tasks of the project ``p``, and the warnings about them: rules with places in a body."""

    tasks: Mapping[str, Body]
    warns: tuple[tuple[str, str], ...] = ()


def _case(body: Body, rule: str = "", key: str = "") -> Case:
    return Case({"": body}, ((rule, key),) if rule else ())


def _program(path: str, *inputs: Json) -> Body:
    return {"command": [path], "inputs": [*inputs]}


def _reads(*inputs: Json, deps: tuple[Json, ...] = ("~:m",)) -> Body:
    return {"shell": "x", "deps": [*deps], "inputs": [*inputs]}


def _makes(*outputs: Json) -> Body:
    return {"shell": "x", "outputs": [*outputs]}


_NO_SUCH = "no-such-tool"
_PROGRAM, _PATH, _DEPS = ("CFG-016", "command"), ("EXEC-009", "command"), ("DAG-013", "deps")
_OUTPUT = ("CFG-017", "outputs[0]")
MAKERS: Mapping[str, Body] = {"m": _makes("gen/**"), "m2": _makes("one"), "m3": {"shell": "x"}}
CASES: tuple[Case, ...] = (
    # A program of the workspace that no input matches (cache.md B1.39).
    _case(_program("./tool.sh"), *_PROGRAM),
    _case(_program("./tool.sh", "tool", "too?.sh.x", "/tool.sh"), *_PROGRAM),
    _case(_program("sub/../tool.sh", "tool.sh")),
    _case(_program("./tool.sh", "x", "*.sh")),
    _case(_program("../q/tool.sh", "tool.sh", "*.sh"), *_PROGRAM),
    _case(_program("../q/tool.sh", "/q/t*")),
    _case(_program("../../tool.sh")),
    _case(_program("/bin/true")),
    # A program that is not found without a PATH (config.md 18).
    _case({"command": [_NO_SUCH, "PATH"]}, *_PATH),
    _case({"command": [_NO_SUCH], "env": {"from_host": ["PATHS", "path"]}}, *_PATH),
    _case({"command": [_NO_SUCH], "env": {"from_host": ["PATH"]}}),
    _case({"command": [_NO_SUCH], "env": {"override": {"PATH": ""}}}),
    _case({"command": ["true"]}),
    _case({"shell": "x", "shell_type": _NO_SUCH}, "EXEC-009", "shell"),
    # A dependency of which nothing is read (cache.md B1.63).
    _case(_reads(), *_DEPS),
    _case(_reads("out/*", "gen", "/gen/**"), *_DEPS),
    _case(_reads("gen/a", deps=("~:m", "~:m2")), *_DEPS),
    _case(_reads("gen/a/*", "one", deps=("~:m", "~:m2"))),
    _case(_reads("x", "g*/?")),
    _case(_reads("/p/gen/a")),
    _case(_reads(deps=("~:m3",))),
    _case({"shell": "x", "weakDeps": ["~:m"]}),
    _case({"shell": "true", "deps": ["~:m"]}),
    _case({"shell": ":", "deps": ["~:m"], "outputs": ["made"]}, *_DEPS),
    # Outputs among the files of others (config.md 8, CFG-017).
    _case(_makes("/q/x"), *_OUTPUT),
    _case(_makes("in/x"), *_OUTPUT),
    _case(_makes("mine", "i?/w"), "CFG-017", "outputs[1]"),
    _case(_makes("inn/x", "/qq/x", "i/x")),
    _case(_makes("/q/h*"), *_OUTPUT),
    _case(_makes("*/haz.yml"), *_OUTPUT),
    _case(_makes("*.yml"), *_OUTPUT),
    _case(_makes("*.yaml", "haz.y", "haz/yml")),
    # A literal output that the glob of another task matches (DAG-016).
    Case({"": _makes("d/a", "d/o"), "x": _makes("d/[a-f]")}, (("DAG-016", "outputs[0]"),)),
    Case({"": _makes("e/o"), "x": _makes("e/*/*", "e/O")}),
    _case(_makes("f/a", "f/*")),
)
RULES = "CFG-016 CFG-017 DAG-013 DAG-016 EXEC-009"


@attrs.frozen
class Hints:
    """Which of the cases are there, by their numbers."""

    cases: tuple[int, ...]


def hints() -> st.SearchStrategy[Hints]:
    """Most of the cases, or a few."""
    numbers = st.sampled_from(range(len(CASES)))
    return st.builds(
        Hints,
        st.one_of(
            st.lists(numbers, unique=True, min_size=len(CASES) // 2).map(tuple),
            st.lists(numbers, unique=True, max_size=2).map(tuple),
        ),
    )


def play_hints(trial: Trial, example: Hints) -> None:
    """The warnings, by rules and places; with ``--strict`` they are exit code 2."""
    if trial.knows("fewer-options"):
        return
    tasks: dict[str, Json] = {**MAKERS}
    expected = set()
    for number in example.cases:
        case = CASES[number]
        tasks |= {f"t{number}{name}": body for name, body in case.tasks.items()}
        expected |= {(rule, f"tasks.t{number}.{key}") for rule, key in case.warns}
    projects: dict[str, Body] = {"/p": {"name": "p", "tasks": tasks}}
    projects |= {"/q": {"name": "q", "tasks": {}}, "/p/in": {"name": "in", "tasks": {}}}
    trial.write(files_of(Declared({"projects": [*projects]}, projects)))
    result = trial.haz("check", "--strict", "--json")
    rows = json.loads(result.out)["diagnostics"]
    found = {(row["rule"], row["keyPath"]) for row in rows}
    for rule, place in sorted(found ^ expected):
        about = f"haz check warns of {place}"
        trial.same(rule, about, (rule, place) in found, (rule, place) in expected)
    trial.same(RULES, f"{result}exit code", result.code, 2 if expected else 0)
