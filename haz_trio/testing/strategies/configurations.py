"""Configuration files with every key, right but for a few values."""

from __future__ import annotations

from copy import deepcopy

import attrs
from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.strategies.names import bad_names, names
from haz_trio.testing.strategies.patterns import BAD_PATTERNS
from haz_trio.testing.strategies.yaml_texts import BROKEN, doubled, yaml_texts

Spot = tuple[str, ...]  # a file ("w", "p" or "o") and the keys that lead to a value

SHAPES: tuple[Json, ...] = (None, "x", 1, True, [], ["x"], [None], [["x"]], {}, {"x": "y"})
AGES = ("90d", "1w2d3h4m5s", "0s", "90", "", "1d1d", "1.5h", "1y", "-1d", "1d 2h", "9" * 20 + "d")
SIZES = ("1024", 5, "5GiB", "5GB", "0B", "5gb", "5 GB", "-1", "1K", "", "1.5GB", "9" * 19 + "KB")
GRACES = (0, 2.5, "5", ".5", "1e3", -1, ".nan", "nan", ".inf", "5s", "1_0", 1.9e19, "-0.0")
DEFAULTS = ("auto", 1, 8, "4", 0, -1, 1.5, "Auto", True)
ENTRIES = ("/a", "/*", "a", "./a", "/a/", "//a", "/", "", "!/a", "/[z-a]", "/p/{a", "/a/../a", 42)
REFERENCES = (
    *("~:y", "a:y", "q:z", "^~:z", "[t]~:z", "x", "", ":", "~:", "a:", "[t:z", "[t]z", "a b:z"),
    *("a:y ", "^:-", "~:y:z", "[]:z", "[t]^:z", "//a:y", "a/y", "^", "é:z", 12),
)
MUTEXES: list[Json] = ["db", "~:db", "", "a b", "~:", "~db", {"name": "db"}, {"mode": "shared"}]
MUTEXES += [{"name": "db", "mode": mode} for mode in ("shared", "exclusive", "Shared", None)]
MUTEXES += [{"name": name, "mode": "shared"} for name in ("~:db", "d b", None)]
MUTEXES += [{"name": "db", "mode": "shared", "x": 1}]
VARIABLES = ("A", "_b1", "1A", "A-B", "", "A B", "é", "A" * 256, "A" * 257, "PATH")
SHELLS = ("sh", "bash", "zsh", "", "a b", "a" * 32, "a" * 33, "-x", 12)
PATTERNS = ("a", "/s/*", "**/x", "{a,b}", "[!a]", "q/**", *BAD_PATTERNS)
TASK: Spot = ("p", "tasks", "x")

VALUES: dict[Spot, tuple[Json, ...]] = {
    ("w", "cache", "hash"): ("blake3", "sha256", "BLAKE3", "md5", ""),
    ("w", "cache", "clean", "max_age"): AGES,
    ("w", "cache", "clean", "max_size"): SIZES,
    ("w", "concurrency", "default"): DEFAULTS,
    ("w", "concurrency", "tags"): (
        {"t": 1},
        {"t": "2"},
        {"t": 0},
        {"a b": 1},
        {"nope": 3},
        {"t": -1},
    ),
    ("w", "output", "mode"): ("live", "buffered", "Live", ""),
    ("w", "execution", "cancel_grace"): GRACES,
    ("p", "tags"): (["t"], ["t", "t"], ["!t"], [1], ["t", "T"]),
    ("o", "tagsFilter"): (["t"], [], ["t", "t"], ["!t"], ["nope"], ["t", "u"]),
    (*TASK, "command"): (["/bin/true"], [""], [], ["a", 1, True], ["x" * 9, "\u200b"]),
    (*TASK, "shell"): ("", "true", 12, "a\nb"),
    (*TASK, "shell_type"): SHELLS,
    (*TASK, "mutex"): tuple(MUTEXES),
    (*TASK, "env", "override"): ({"A": ""}, {"A": 1}, {"A-": "x"}, {"": "x"}, {"A": None}),
}
LISTS: dict[Spot, tuple[Json, ...]] = {
    ("w", "projects"): ENTRIES,
    (*TASK, "inputs"): PATTERNS,
    (*TASK, "outputs"): PATTERNS,
    (*TASK, "deps"): REFERENCES,
    (*TASK, "weakDeps"): REFERENCES,
    (*TASK, "env", "from_host"): VARIABLES,
    ("o", "tasks", "x", "inputs"): PATTERNS,
}
MAPPINGS: tuple[Spot, ...] = (
    *(("w",), ("w", "cache"), ("w", "cache", "clean"), ("w", "concurrency"), ("w", "output")),
    *(("w", "execution"), ("p",), TASK, (*TASK, "env"), ("o",), ("o", "tasks", "x")),
)
UNKNOWN = ("foo", "Name", "weak_deps", "fromHost", "cancelGrace", "tags_filter", "maxAge", "cwd")


@attrs.frozen
class Configuration:
    """Values of ``workspace.yml``, ``a/haz.yml`` and an overlay, and the files as written."""

    values: dict[str, Body]
    texts: dict[str, bytes]
    broken: str = ""  # the file that is no configuration at all
    overlay: str = "o.yml"


def right() -> dict[str, Body]:
    """Everything said that can be said."""
    body: Body = {
        "command": ["/bin/true", "a"],
        "inputs": ["in", "src/**"],
        "outputs": ["out", "gen/*"],
        "deps": ["~:y"],
        "weakDeps": ["q:z"],
        "mutex": "db",
        "env": {"from_host": ["PATH"], "override": {"A": "1"}},
    }
    return {
        "w": {
            "projects": ["/a", "/q"],
            "cache": {"hash": "blake3", "clean": {"max_age": "1d", "max_size": "1MB"}},
            "concurrency": {"default": 2, "tags": {"t": 1}},
            "output": {"mode": "live"},
            "execution": {"cancel_grace": 1},
        },
        "p": {"name": "a", "tags": ["t"], "tasks": {"x": body, "y": {"shell": "true"}}},
        "o": {"tagsFilter": ["t"], "tasks": {"x": {"shell": "true", "shell_type": "bash"}}},
    }


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    values = right()
    for _ in range(draw(st.integers(0, 2))):
        _change(draw, values)
    texts = {kind: draw(yaml_texts(value)) for kind, value in values.items()}
    broken = ""
    if draw(st.integers(0, 3)) == 3:
        broken = draw(st.sampled_from("wpo"))
        twice = st.booleans().map(lambda deep: doubled(values[broken], deep=deep))
        texts[broken] = draw(st.one_of(st.sampled_from(BROKEN), twice))
    overlay = draw(st.sampled_from(["o.yml"] * 6 + ["a.b.yml", "o.yaml", ".o.yml", "o b.yml"]))
    return Configuration(values, texts, broken, overlay)


def _change(draw: st.DrawFn, values: dict[str, Body]) -> None:
    """One value becomes another one, right or wrong."""
    way = draw(st.integers(0, 7))
    if way < 3:
        spot = draw(st.sampled_from([*VALUES]))
        _put(values, spot, draw(st.sampled_from(VALUES[spot])))
    elif way < 5:
        spot = draw(st.sampled_from([*LISTS]))
        chosen = draw(st.lists(st.sampled_from(LISTS[spot]), min_size=1, max_size=2))
        _put(values, spot, [*chosen])
    elif way == 5:
        spot = draw(
            st.sampled_from([*VALUES, *LISTS, *MAPPINGS[1:], ("p", "tasks"), ("o", "tasks")])
        )
        if spot[-1] not in ("mutex", "shell") and len(spot) > 1:
            _put(values, spot, deepcopy(draw(st.sampled_from(SHAPES))))
    elif way == 6:
        spot = draw(st.sampled_from(MAPPINGS))
        where = _at(values, spot)
        if draw(st.booleans()) and where:
            del where[draw(st.sampled_from([*where]))]
        else:
            where[draw(st.sampled_from(UNKNOWN))] = "x"
    else:
        name = draw(st.one_of(names(), bad_names()))
        spot = draw(st.sampled_from([("p", "name"), ("p", "tasks"), ("o", "tasks")]))
        _put(values, spot, name if spot[-1] == "name" else {name: {"shell": "true"}})


def _at(values: dict[str, Body], spot: Spot) -> Body:
    """The mapping at a spot; what is none on the way becomes one."""
    where: Body = values[spot[0]]
    for key in spot[1:]:
        inner = where.get(key)
        if not isinstance(inner, dict):
            inner = where[key] = {}
        where = inner
    return where


def _put(values: dict[str, Body], spot: Spot, value: Json) -> None:
    _at(values, spot[:-1])[spot[-1]] = deepcopy(value)
