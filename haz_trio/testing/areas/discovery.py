"""Which folder is the workspace, which projects it has, and what is wrong with their folders."""

from __future__ import annotations

import os
from collections.abc import Sequence

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import yaml_of
from haz_trio.testing.reference.globs import is_glob, matches
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.roots import MARKS, PLAIN, Level, projects_of, root_of
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial

FOLDERS = ("a", "b", "p/a", "p/b", "p/.h", "p/q/a")
# Where only those globs look that spell it out, and some of them.
HIDDEN = {".haz/p/a": ("/.haz/p/*", "/{.haz,nope}/p/a"), "p/.git/a": ("/**/.git/*", "/*/.git/a")}
ENTRIES = (
    *("/a", "/b", "/p/a", "/p/*", "/p/**", "/p/[ab]", "/{a,b}", "/p/.*", "/p/q/?", "/l", "/f"),
    *("/.haz/p/*", "/*/.haz/a", "/.*/p/a"),
    *("/**/a", "/[!.]*", "/nope", "/nope/*", "/p/*/a", "/*", "/*/a", "/p/**/a"),
)
LISTED = ("", "", "/d", "/d", "/d/d", "/*", "/[d]", "/**", "/**/d", "/d/*", "/e", "/{d,e}")
OUTER: tuple[str, ...] = ("explicit",) * 4 + (
    "explicit and project",
    "hollow",
    *("git and project",) * 2,
)
INNER: tuple[str, ...] = (
    *("git and project",) * 4,
    "used git and project",
    "explicit and project",
    "git",
)
INNER += ("hollow",) * 2
STARTS = ("", "a", "p/a/deep", "p", "l")


@attrs.frozen
class Example:
    """Project folders by their paths (with names), entries, a link, and where haz is called."""

    projects: dict[str, str]
    entries: tuple[str, ...]
    link: str  # where ``l`` leads to; empty for none
    starts: tuple[str, ...]
    mode: str  # "explicit", "implicit", "nested", "none" or "bare"


Chain = tuple[Level, ...]  # folders in each other, each with a mark of its own


@attrs.frozen
class Forest:
    """Chains that have nothing to do with each other."""

    chains: tuple[Chain, ...]


def examples() -> st.SearchStrategy[Example | Forest]:
    return st.one_of(_trees(), _forests())


def _forests() -> st.SearchStrategy[Forest]:
    """Most chains have a mark with another one inside of it that may have a word in that."""
    wild = st.lists(_level(MARKS), min_size=2, max_size=4).map(tuple)
    chains = st.lists(st.one_of(_pairs(), _pairs(), wild), min_size=2, max_size=4)
    return chains.map(lambda chains: Forest(tuple(chains)))


def _level(marks: Sequence[str]) -> st.SearchStrategy[Level]:
    linked = st.sampled_from([False, False, True])
    return st.builds(Level, st.sampled_from(marks), st.sampled_from(LISTED), linked)


@st.composite
def _pairs(draw: st.DrawFn) -> Chain:
    dull = st.lists(_level((*PLAIN, "hollow", "git file")), max_size=1)
    outer, between, inner = draw(_level(OUTER)), draw(dull), draw(_level(INNER))
    if draw(st.booleans()):
        way = "/d" * len(between)
        outer = attrs.evolve(outer, entry=way + draw(st.sampled_from(["/d", "/?"])))
    return (*draw(dull), outer, *between, inner, *draw(dull))


@st.composite
def _trees(draw: st.DrawFn) -> Example:
    flat = draw(st.sampled_from([False, False, True]))  # only projects at the top
    mode = draw(st.sampled_from(["explicit"] * 12 + ["implicit", "nested", "none", "bare"]))
    there = FOLDERS[:2] if flat else (*FOLDERS, *HIDDEN) if mode == "explicit" else FOLDERS
    folders = draw(st.lists(st.sampled_from(there), unique=True, min_size=1, max_size=4))
    same = draw(st.integers(0, 6)) == 6
    projects = {
        folder: "same" if same else folder.replace("/", "-").replace(".", "").lstrip("-")
        for folder in folders
    }
    globs = ["/*", "/?", "/[!.]*", "/**"] if flat else ["/p/*", "/**/a"]
    globs += [glob for folder in folders for glob in HIDDEN.get(folder, ())]
    likely = st.sampled_from([*(f"/{folder}" for folder in folders), *globs])
    entries = draw(st.lists(st.one_of(likely, st.sampled_from(ENTRIES)), max_size=6))
    link = draw(st.sampled_from(["", "", *folders, "nowhere", "f", "outside", "."]))
    starts = tuple(start for start in STARTS[: 2 if flat else None] if draw(st.booleans()))
    starts = tuple(start for start in starts if not flat or start in ("", *folders))
    if not any(map(is_glob, entries)):  # they would meet it
        starts += (f"{folders[0]}{draw(st.sampled_from(['2', '-x', '.']))}",)
    return Example(projects, tuple(entries), link, starts or ("",), mode)


def project(name: str) -> Body:
    return {"name": name, "tasks": {"x": {"command": ["/bin/true"]}}}


def play(trial: Trial, example: Example | Forest) -> None:
    if isinstance(example, Forest):
        for number, chain in enumerate(example.chains):
            _play_chain(trial, f"c{number}", chain)
        return
    for folder, name in example.projects.items():
        trial.write({f"{folder}/haz.yml": yaml_of(project(name))})
    trial.write({"f": ""})
    if example.link == "outside":
        trial.link("l", "../outside")
    elif example.link:
        trial.link("l", example.link)
    for start in example.starts:
        if start != "l" and not (trial.root / start).exists():
            trial.folder(start)
    starts = [start for start in example.starts if (trial.root / start).is_dir()]
    if example.link == "outside":
        starts = [start for start in starts if start != "l"]
    if example.mode == "explicit":
        for entry in example.entries:  # each alone: together one may hide what another breaks
            _declared(trial, attrs.evolve(example, entries=(entry,)), starts[:1])
        _declared(trial, example, starts)
    else:
        _elsewhere(trial, example, starts)


def _declared(trial: Trial, example: Example, starts: list[str]) -> None:
    trial.write({".haz/workspace.yml": yaml_of({"projects": [*example.entries]})})
    _explicit(trial, example, starts)


def _play_chain(trial: Trial, top: str, chain: Chain) -> None:
    """Called at the last two levels of it, which see all the others; the last says the root."""
    places = [f"{top}{'/d' * depth}" for depth in range(1, len(chain) + 1)]
    for number, level in enumerate(chain):
        trial.folder(places[number])
        _mark(trial, places[number], f"n{number}", level)
    newer = any(it.entry or it.mark in ("hollow", "git", "git file") for it in chain)
    newer |= any(it.mark.startswith("used") for it in chain)
    if newer and trial.knows("fewer-options"):
        return
    rules = "DISC-001 DISC-002 DISC-003 DISC-004"
    for depth in range(max(1, len(chain) - 1), len(chain) + 1):
        result = trial.haz("query", cwd=places[depth - 1])
        projects = projects_of(chain, depth)
        said = "".join(f"n{number}:x\n" for number in projects or ())
        expected = (2, b"") if projects is None else (0, said.encode())
        trial.same(rules, f"{result}tasks", (result.code, result.out), expected)
    root = root_of(chain)
    if root is not None and projects_of(chain, len(chain)) is not None:
        info = trial.haz("cache", "info", cwd=places[-1])
        first = info.out.decode().partition("\n")[0]
        cache = f"cache root: {trial.root}/{places[root[0]]}/.haz/cache"
        trial.same(rules, f"{info}root", (info.code, first), (0, cache))


def _mark(trial: Trial, place: str, name: str, level: Level) -> None:
    if level.has_project:
        trial.write({f"{place}/haz.yml": yaml_of(project(name))})
    if level.linked:
        _link(trial, place, level)
    if level.is_explicit:
        entries: list[Json] = [level.entry] if level.entry else []
        trial.write({f"{place}/.haz/workspace.yml": yaml_of({"projects": entries})})
    if level.mark in ("hollow", "used git and project"):
        trial.folder(f"{place}/.haz/cache")
    match level.mark:
        case "git" | "used git and project":
            trial.folder(f"{place}/.git")
        case "git file" | "git and project":
            trial.write({f"{place}/.git": "gitdir: elsewhere"})
        case "file":
            trial.write({f"{place}/.haz": ""})
        case "dangling":
            trial.link(f"{place}/.haz", "nowhere")
        case "dangling git":
            trial.link(f"{place}/.git", "nowhere")
        case _:
            pass


def _link(trial: Trial, place: str, level: Level) -> None:
    """Let what is to be written to a mark go to a place that is no part of a chain."""
    folders = {".haz": level.is_explicit or level.mark in ("hollow", "used git and project")}
    folders[".git"] = level.mark in ("git", "used git and project")
    files = {".haz": level.mark == "file", ".git": level.mark in ("git file", "git and project")}
    for name in (".haz", ".git"):
        target = f"links/{place}/{name[1:]}"
        if folders[name]:
            trial.folder(target)
        if files[name]:
            trial.write({target: ""})
        if folders[name] or files[name]:
            trial.link(f"{place}/{name}", os.path.relpath(target, place))


def _explicit(trial: Trial, example: Example, starts: list[str]) -> None:
    if trial.knows("top-level-globs-take-everything") and any(
        entry.startswith(("/**", "/[", "/*", "/.*")) for entry in example.entries
    ):
        return
    if trial.knows("fewer-options") and any(map(HIDDEN.__contains__, example.projects)):
        return
    if trial.knows("links-are-cycles") and example.link and any(map(is_glob, example.entries)):
        return
    for start in starts:
        result = trial.haz("query", "--format=plain", cwd=start)
        _lists_projects(trial, example, start, result)
    if not example.entries:
        before = trial.files(without=())
        refused = trial.haz("init", "--yes")
        untouched = trial.files(without=()) == before
        trial.same("AUX-002", f"{refused}exit code", (refused.code, untouched), (2, True))
    trial.holds("DISC-030", "loading writes nothing", not (trial.root / ".haz/cache").exists())


def _lists_projects(trial: Trial, example: Example, start: str, result: Result) -> None:
    found, wrong = _roots(trial, example)
    names = [example.projects[root[1:]] for root in found if root[1:] in example.projects]
    if len(set(names)) < len(names):
        wrong = wrong or "DISC-010 CFG-012"
    if wrong:
        trial.same(wrong, f"{result}exit code", (result.code, result.out), (2, b""))
        if not trial.knows("codes-by-accident"):
            named = any(rule.encode() in result.err for rule in wrong.split())
            trial.holds(wrong, f"{result}names the rule", named)
        return
    here = os.path.realpath(trial.root / start)[len(str(trial.root)) :]
    inside = [root for root in found if f"{here}/".startswith(f"{root}/")]
    own = max(inside, key=len, default=None)
    listed = sorted(example.projects[root[1:]] for root in found if own in (None, root))
    rules = "DISC-001 DISC-004 DISC-005 DISC-006 DISC-007 DISC-008 DISC-009 DISC-010 DISC-020"
    trial.same(rules, f"{result}exit code", result.code, 0)
    rules += " DISC-021 DISC-022 EXEC-022 CFG-009 CFG-010 CFG-011 CFG-012"
    said = "".join(f"{name}:x\n" for name in listed)
    trial.same(rules, f"{result}projects", result.out.decode(), said)


def _roots(trial: Trial, example: Example) -> tuple[list[str], str]:
    """Where projects are, and the rules that are broken."""
    found: list[str] = []
    wrong = ""
    every = sorted(
        f"/{os.path.relpath(os.path.join(folder, name), trial.root)}"
        for folder, names, _ in os.walk(trial.root)
        for name in names
    )
    for entry in example.entries:
        if is_glob(entry):
            inside = [it for it in every if not _passed_over(entry, it) and it != "/l"]
            reached = [it for it in inside if matches(entry, it)]
            wrong = wrong or ("" if reached else "DISC-006")
            if example.link in ("outside", ".") and _meets_link(entry):
                wrong = wrong or ("DISC-022" if example.link == "outside" else "DISC-021")
        else:
            target = os.path.realpath(f"{trial.root}{entry}")
            reached = [target[len(str(trial.root)) :]]
            if not os.path.isdir(target):
                return [], "DISC-007"
            if entry == "/l" and example.link == "outside":
                return [], "DISC-022"
            if entry == "/l" and example.link == ".":
                return [], "DISC-004"
        if set(reached) & set(found):
            wrong = wrong or "DISC-009"
        found += reached
    if not wrong and any(root[1:] not in example.projects for root in found):
        wrong = "DISC-008"
    return found, wrong


def _passed_over(entry: str, path: str) -> bool:
    """Whether a folder belongs to haz or to git, and the glob does not say that it wants it."""
    return bool({".haz", ".git"}.difference(entry.split("/")).intersection(path.split("/")))


def _meets_link(entry: str) -> bool:
    """Whether a glob looks into the folder that the link is in."""
    return is_glob(entry.split("/")[1])


def _elsewhere(trial: Trial, example: Example, starts: list[str]) -> None:
    """Implicit workspaces, one inside of another, and none at all."""
    if example.mode in ("implicit", "nested"):
        trial.write({"haz.yml": yaml_of(project("top"))})
        trial.folder(".git")
    if example.mode == "nested":
        trial.write({"p/.haz/workspace.yml": yaml_of({"projects": []})})
    if example.mode == "bare":
        trial.write({".haz": "not a folder"})
    for start in starts:
        result = trial.haz("query", cwd=start)
        here = os.path.realpath(trial.root / start)[len(str(trial.root)) :]
        found = (result.code, result.out)
        if example.mode in ("none", "bare"):
            trial.same("DISC-001 DISC-002", f"{result}exit code", found, (2, b""))
            continue
        inner = example.mode == "nested" and f"{here}/".startswith("/p/")
        said = b"" if inner else b"top:x\n"
        trial.same("DISC-001 DISC-003 DISC-004", f"{result}tasks", found, (0, said))


AREA: Area = area("discovery", "roots and projects", examples, play, 1.5)
