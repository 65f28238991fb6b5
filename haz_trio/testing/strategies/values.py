"""Values at the limits of what configuration may hold: the last right ones and the first wrong."""

from __future__ import annotations

from haz_trio.testing.reference.json_values import Json
from haz_trio.testing.strategies.patterns import BAD_PATTERNS


def _row(*found: Json) -> tuple[Json, ...]:
    return found


NAMES: tuple[Json, ...] = (
    *("A", "z9", "0", "9_-", "a-", "a_", "Z", "true", "a" * 64, "B" * 63),
    *("", "-", "-a", "_", "_a", ".a", "a.b", "a b", " a", "a ", "a:b", "a/b", "a\n", "~a"),
    *("é", "aé", "a٣", "٣", "ª", "a+", "a@", "a[", "a`", "a{", "a,b", "a" * 65, "a" * 66),
)
VARIABLES: tuple[Json, ...] = (
    *("A", "z", "_", "_9", "a_B", "Z0", "A" * 256, "B" * 255),
    *("", "9", "1A", "A-B", "A B", "A.B", "-A", "A=", "A\n", "é", "Aé", "A٣", "A" * 257),
)
PATTERNS: tuple[Json, ...] = (
    *("p", "/s", "a b", " ", ".git", "...", "a..b", "~/a", "a:b", "!a", "a,b", "a}b", "a]", "é"),
    *("**", "/**", "**/x", "x/**", "a/**/b", "**/**", "*", "/*", "?", "[!a]", "[^a]", "[]]"),
    *("[a-a]", "[a-]", "[-a]", "{a,b}", "{}", "{a/b,c}", "a{b}c{d}", "\\*", "a\\", "\\\\"),
    *("[!]", "[]", "[", "[a", "[a-", "[b-a]", "{", "{a", "{a,{b}}", "}*", "*}", "?{", "a/*/"),
    *("a/**x", "x**/a", "*/../a", "*/./a", "./*", "..*", "/..", "/.", "/a/..", "a/", "*/", "**/"),
    *(
        "a\x7f",
        "a\x85b",
        "a\u2028",
        "a\u2029b",
        "a\ufeffb",
        "a\u00adb",
        "a\ue000",
        "*\t",
        "*\ue000",
    ),
    *BAD_PATTERNS,
)
REFERENCES: tuple[Json, ...] = (
    *("~:env", "a:inputs", "^:env", "[t]:env", "a:env", "^:inputs", "[t]:inputs", "~:outputs"),
    *("^~:n", "[A]~:env", "A:env", f"{'a' * 64}:x", f"~:{'a' * 64}"),
    *(
        "",
        ":",
        "~:",
        "~",
        "a",
        "a:",
        ":a",
        "a:b:c",
        "~~:a",
        "~a:b",
        "~:a:b",
        "~: a",
        "a: b",
        "a :b",
    ),
    *("^", "^:", "^a", "^a:b", "^^:a", "^~~:a", "^~a:b", "^~", "^~:", "~^:a", "^:a:b", "^:-a"),
    *("[t]", "[t]a", "[t]:", "[t:a", "t]:a", "[]:a", "[t]~", "[t]~:", "[t]^:a", "[t]~~:a"),
    *("[-t]:a", "[t]:-a", "[[t]]:a", "[t,u]:a", "[t] :a", "[ t]:a", "*:a", "//a:b", "-a:b"),
    *(f"{'a' * 65}:x", f"~:{'a' * 65}", f"^:{'a' * 65}", f"[{'a' * 65}]:x", "é:x", "~:é"),
)
STEMS: tuple[Json, ...] = (
    "O",
    "0",
    "o-o",
    "o_",
    "s" * 64,
    "-o",
    "_o",
    "o b",
    "o.b",
    "s" * 65,
    "é",
)
ENTRIES: tuple[Json, ...] = (
    *("a", "./a", "/a/", "//a", "/", "", "!/a", "/[z-a]", "/p/{a", "/a/../a", "/.", "/a//b"),
    *("*", "a/*", "/x**", "/{a,{b,c}}", "/*/", "/a\\", "~/a", "/..", "/a\tb", " /a"),
)
CAPS: tuple[Json, ...] = (
    *_row(["A", 1], ["b", "2"], ["c-", 99999], ["9", "+3"], ["d", 0], ["e", -1], ["f", "0"]),
    *_row(["g", ""], ["h", "auto"], ["i", 1.5], ["j", True], ["k", None], ["l", []], ["a b", 1]),
    *_row(["-m", 1], ["_n", 1], ["", 1], ["o" * 64, 1], ["p" * 65, 1], ["é", 1]),
)
_TRUE: dict[str, Json] = {"shell": "true"}


def _with(**fields: Json) -> dict[str, Json]:
    return {**_TRUE, **fields}


_SHELLS: tuple[Json, ...] = (
    *_row("sh", "Bash", "0", "a_-", "a" * 32, 12, True, None),
    *_row("a" * 33, "", "-x", "_x", "a b", "a.b", "/bin/sh", "é", ["sh"], {}),
)
_MUTEXES: tuple[Json, ...] = (
    *_row("db", "~:db", "9", "a" * 64, "~:" + "a" * 64, None),
    *_row({"name": "db", "mode": "shared"}, {"name": "~:d", "mode": "exclusive"}),
    *_row("", "~:", "~", "~db", "a b", ":db", "~:-d", "-d", "~:~:d", "a" * 65, "~:" + "a" * 65),
    *_row({}, {"name": "d"}, {"mode": "shared"}, {"name": "d", "mode": None}),
    *_row({"name": None, "mode": "shared"}, {"name": "d", "mode": "Shared"}),
    *_row({"name": "d b", "mode": "shared"}, {"name": "d", "mode": "shared", "x": 1}),
    *_row({"name": "d", "mode": "x"}, {"name": "d", "mode": ""}, {"Name": "d", "mode": "shared"}),
)
_ACTIONS: tuple[Json, ...] = (
    *_row({"command": ["a"]}, {"command": [""]}, {"command": ["a", 1, True, 1.5]}, {"shell": ""}),
    *_row({"shell": 12}, {"shell": "a\nb"}, {"command": None, "shell": "x"}, {"shell_type": None}),
    *_row({"command": ["x"], "shell": None}, {"command": ["x"], "shell_type": None}, {}, None),
    *_row({"command": []}, {"command": ["a"], "shell": "x"}, {"shell_type": "sh"}, {"shell": {}}),
    *_row({"command": ["a"], "shell_type": "sh"}, {"command": [], "shell": ""}, {"command": "a"}),
    *_row({"command": [None]}, {"command": [["a"]]}, {"command": [{}]}, {"shell": ["x"]}, [], "x"),
    *_row({"command": {"a": "b"}}, {"command": None}, {"shell": None}, {"inputs": ["x"]}),
)
_LISTS = ("inputs", "outputs", "deps", "weakDeps")
_BAD_LISTS = _row("x", 1, {}, [None], [["x"]], [{}], {"x": "y"})
_TWICE: dict[str, Json] = {key: ["q1", "q1"] for key in ("inputs", "outputs")}
_TWICE |= {key: ["a:env", "a:env"] for key in ("deps", "weakDeps")}
_ENVIRONMENTS: tuple[Json, ...] = (
    *_row({}, None, {"from_host": None}, {"override": None}, {"from_host": [], "override": {}}),
    *_row(
        {"override": {"A": 1, "B": True, "C": ""}}, {"from_host": ["A"], "override": {"A": "x"}}
    ),
    *_row([], "x", {"A": "x"}, {"fromHost": ["A"]}, {"from_host": "A"}, {"from_host": [None]}),
    *_row({"override": []}, {"override": {"A": None}}, {"override": {"A": ["x"]}}),
    *_row({"override": {"A": {}}}, {"from_host": ["A", "A"]}, {"from_host": {"A": "x"}}),
)
_UNKNOWN = ("foo", "Shell", "weak_deps", "shellType", "fromHost", "cwd", "name", "tags", "x-a")
BODIES: tuple[Json, ...] = (
    *(_with(shell_type=value) for value in _SHELLS),
    *(_with(mutex=value) for value in _MUTEXES),
    *_ACTIONS,
    *(_with(**{key: value}) for key in _LISTS for value in (None, [], _TWICE[key])),
    *(_with(**{key: value}) for key in _LISTS for value in _BAD_LISTS),
    *(_with(env=value) for value in _ENVIRONMENTS),
    *(_with(**{key: "x"}) for key in _UNKNOWN),
)
PROJECTS: tuple[Json, ...] = (
    *_row({"name": "P1"}, {"name": "P2", "tags": None, "tasks": None}, {"name": 12, "tags": []}),
    *_row({"name": "P3", "tasks": {}, "tags": [1, True]}, {}, {"tags": ["t"]}, {"name": None}),
    *_row({"name": []}, {"name": {}}, {"name": "P4", "tags": "t"}, {"name": "P5", "tags": [None]}),
    *_row(
        {"name": "P6", "tags": ["t", "t"]},
        {"name": "P7", "tags": {"t": 1}},
        {"name": "P8", "x": 1},
    ),
    *_row({"name": "P9", "tasks": []}, {"name": "P10", "Tags": []}, {"name": "P11", "deps": []}),
    *_row({"name": "P12", "tags": [["t"]]}, {"name": "P13", "tasks": "x"}),
)
OVERLAYS: tuple[Json, ...] = (
    *_row(
        {"tasks": {}}, {"tasks": None}, {"tasks": {}, "tagsFilter": None}, {"tasks": {"v": _TRUE}}
    ),
    *_row({"tasks": {}, "tagsFilter": ["t", "A"]}, {}, {"tagsFilter": ["t"]}, {"tasks": []}),
    *_row(
        {"tasks": {}, "tagsFilter": []},
        {"tasks": {}, "tagsFilter": "t"},
        {"tasks": {}, "name": "x"},
    ),
    *_row({"tasks": {}, "tagsFilter": ["t", "t"]}, {"tasks": {}, "tagsFilter": [None]}),
    *_row(
        {"tasks": {}, "tags_filter": ["t"]}, {"tasks": {}, "tags": ["t"]}, {"tasks": {"-": _TRUE}}
    ),
    *_row({"tasks": {"x": {}}}, {"tasks": "x"}, {"tasks": {}, "tagsFilter": {"t": 1}}),
)
