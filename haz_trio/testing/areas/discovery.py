"""Which folder is the workspace, which projects it has, and what is wrong with their folders."""

from __future__ import annotations

import os

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import yaml_of
from haz_trio.testing.reference.globs import is_glob, matches
from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.trial import Trial

FOLDERS = ("a", "b", "p/a", "p/b", "p/.h", "p/q/a")
ENTRIES = (
    *("/a", "/b", "/p/a", "/p/*", "/p/**", "/p/[ab]", "/{a,b}", "/p/.*", "/p/q/?", "/l", "/f"),
    *("/**/a", "/[!.]*", "/nope", "/nope/*", "/p/*/a"),
)
STARTS = ("", "a", "p/a/deep", "p", "l")


@attrs.frozen
class Example:
    """Project folders by their paths (with names), entries, a link, and where haz is called."""

    projects: dict[str, str]
    entries: tuple[str, ...]
    link: str  # where ``l`` leads to; empty for none
    start: str
    mode: str  # "explicit", "implicit", "nested", "none" or "bare"


@st.composite
def examples(draw: st.DrawFn) -> Example:
    folders = draw(st.lists(st.sampled_from(FOLDERS), unique=True, min_size=1, max_size=4))
    same = draw(st.integers(0, 6)) == 6
    projects = {
        folder: "same" if same else folder.replace("/", "-").replace(".", "") for folder in folders
    }
    likely = st.sampled_from([*(f"/{folder}" for folder in folders), "/p/*", "/**/a"])
    entries = draw(st.lists(st.one_of(likely, st.sampled_from(ENTRIES)), max_size=3))
    link = draw(st.sampled_from(["", "", *folders, "nowhere", "f"]))
    mode = draw(st.sampled_from(["explicit"] * 6 + ["implicit", "nested", "none", "bare"]))
    return Example(projects, tuple(entries), link, draw(st.sampled_from(STARTS)), mode)


def project(name: str) -> Body:
    return {"name": name, "tasks": {"x": {"command": ["/bin/true"]}}}


def play(trial: Trial, example: Example) -> None:
    for folder, name in example.projects.items():
        trial.write({f"{folder}/haz.yml": yaml_of(project(name))})
    trial.write({"f": ""})
    if example.link:
        trial.link("l", example.link)
    start = trial.root / example.start
    if example.start != "l" and not start.exists():
        trial.folder(example.start)
    if not start.is_dir():
        return
    if example.mode == "explicit":
        trial.write({".haz/workspace.yml": yaml_of({"projects": [*example.entries]})})
        _explicit(trial, example)
    else:
        _elsewhere(trial, example)


def _explicit(trial: Trial, example: Example) -> None:
    if trial.knows("top-level-globs-take-everything") and any(
        entry.startswith(("/**", "/[")) for entry in example.entries
    ):
        return
    if trial.knows("links-are-cycles") and example.link and any(map(is_glob, example.entries)):
        return
    result = trial.haz("query", "--format=plain", cwd=example.start)
    found, wrong = _roots(trial, example)
    names = [example.projects[root[1:]] for root in found if root[1:] in example.projects]
    if len(set(names)) < len(names):
        wrong = wrong or "DISC-010 CFG-012"
    if wrong:
        trial.same(wrong, f"{result}exit code", (result.code, result.out), (2, b""))
        return
    here = os.path.realpath(trial.root / example.start)[len(str(trial.root)) :]
    inside = [root for root in found if f"{here}/".startswith(f"{root}/")]
    own = max(inside, key=len, default=None)
    listed = sorted(example.projects[root[1:]] for root in found if own in (None, root))
    rules = "DISC-001 DISC-004 DISC-005 DISC-006 DISC-007 DISC-008 DISC-009 DISC-010 DISC-020"
    trial.same(rules, f"{result}exit code", result.code, 0)
    rules += " DISC-021 DISC-022 EXEC-022 CFG-009 CFG-010 CFG-011 CFG-012"
    said = "".join(f"{name}:x\n" for name in listed)
    trial.same(rules, f"{result}projects", result.out.decode(), said)
    if not example.entries:
        before = trial.files(without=())
        refused = trial.haz("init", "--yes")
        untouched = trial.files(without=()) == before
        trial.same("AUX-002", f"{refused}exit code", (refused.code, untouched), (2, True))
    trial.holds("DISC-030", "loading writes nothing", not (trial.root / ".haz/cache").exists())


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
            inside = [it for it in every if not it.startswith("/.haz") and it != "/l"]
            reached = [it for it in inside if matches(entry, it)]
            wrong = wrong or ("" if reached else "DISC-006")
        else:
            target = os.path.realpath(f"{trial.root}{entry}")
            reached = [target[len(str(trial.root)) :]]
            if not os.path.isdir(target):
                return [], "DISC-007"
        if set(reached) & set(found):
            wrong = wrong or "DISC-009"
        found += reached
    if not wrong and any(root[1:] not in example.projects for root in found):
        wrong = "DISC-008"
    return found, wrong


def _elsewhere(trial: Trial, example: Example) -> None:
    """Implicit workspaces, one inside of another, and none at all."""
    if example.mode in ("implicit", "nested"):
        trial.write({"haz.yml": yaml_of(project("top"))})
        trial.folder(".git")
    if example.mode == "nested":
        trial.write({"p/.haz/workspace.yml": yaml_of({"projects": []})})
    if example.mode == "bare":
        trial.write({".haz": "not a folder"})
    result = trial.haz("query", cwd=example.start)
    here = os.path.realpath(trial.root / example.start)[len(str(trial.root)) :]
    if example.mode in ("none", "bare"):
        trial.same("DISC-001 DISC-002", f"{result}exit code", (result.code, result.out), (2, b""))
        return
    inner = example.mode == "nested" and f"{here}/".startswith("/p/")
    said = b"" if inner else b"top:x\n"
    rules = "DISC-001 DISC-003 DISC-004"
    trial.same(rules, f"{result}tasks", (result.code, result.out), (0, said))


AREA: Area = area("discovery", "roots and projects", examples, play, 1.5)
