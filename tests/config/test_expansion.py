"""Entries of `projects` into directories, on real trees (DISC-005 to 009, 020 to 022)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.config.expansion import Expansion, expand, lists
from haz_trio.model.patterns import parse_pattern
from tests.config.places import To, entries, plant, real, without_privileges


def roots(expansion: Expansion) -> list[str]:
    return [found.root for found in expansion.roots]


def says(expansion: Expansion) -> str:
    return "\n".join("\n".join((d.message, *d.causes, d.help)) for d in expansion.diagnostics)


TREE = {
    "p/a/": "",
    "p/b/": "",
    "p/a-c/": "",
    "p/f": "a file",
    "p/.h/": "",
    "p/a/x/": "",
    "p/b/x/": "",
    ".haz/tasks/": "",
    ".git/x/": "",
    "p/a/.git/x/": "",
    "[x]/y/": "",
}

FINE = {
    "a literal": (["/p/a"], ["/p/a"]),
    "entries keep their order": (["/p/b", "/p/a"], ["/p/b", "/p/a"]),
    "nested projects": (["/p", "/p/a", "/p/a/x"], ["/p", "/p/a", "/p/a/x"]),
    "a literal below .git": (["/.git/x"], ["/.git/x"]),
    "a glob, by bytes": (["/p/*"], ["/p/.h", "/p/a", "/p/a-c", "/p/b"]),
    "a glob between literals": (["/[!.]/b", "/p/a"], ["/p/b", "/p/a"]),
    "every top directory": (["/*"], ["/[x]", "/p"]),
    "the middle": (["/p/*/x"], ["/p/a/x", "/p/b/x"]),
    "any depth": (["/**/x"], ["/p/a/x", "/p/b/x"]),
    "braces across a slash": (["/{p/a,p/b/x}"], ["/p/a", "/p/b/x"]),
    "a class that is a slash": (["/p[!q]a"], ["/p/a"]),
    "spelled out .git": (["/p/*/.git"], ["/p/a/.git"]),
    "a glob inside .git": (["/.git/*"], ["/.git/x"]),
    "an escaped name": (["/\\[x]/*"], ["/[x]/y"]),
    "nothing": ([], []),
}


@pytest.mark.parametrize(("texts", "expected"), FINE.values(), ids=FINE)
def test_what_entries_stand_for(tmp_path: Path, texts: list[str], expected: list[str]) -> None:
    """Directories in the order of entries, sorted by bytes within a glob, and no problem."""
    expansion = expand(real(plant(tmp_path, TREE)), entries(*texts))
    assert (roots(expansion), says(expansion)) == (expected, "")
    for found in expansion.roots:
        assert found.directory == real(tmp_path) + found.root
        assert texts[found.entry]


HARMLESS = {
    "a link to a directory": ({"l": To("p/a")}, ["/l"], ["/p/a"]),
    "a link through a link": ({"l": To("m"), "m": To("p")}, ["/l/a"], ["/p/a"]),
    "a link to a sibling": ({"p/l": To("a")}, ["/p/*"], ["/p/a", "/p/b"]),
    "a link to a directory elsewhere": ({"p/l": To("../o"), "o/": ""}, ["/p/*"], ["/p/a", "/p/b"]),
    "a link deeper than the glob": ({"[x]/l": To("..")}, ["/\\[x]"], ["/[x]"]),
    "a dangling link": ({"p/l": To("gone")}, ["/p/*"], ["/p/a", "/p/b"]),
    "a link to a file": ({"p/l": To("a/f"), "p/a/f": ""}, ["/p/*"], ["/p/a", "/p/b"]),
    "a link upwards that is not entered": ({"p/l": To("..")}, ["/p/*"], ["/p/a", "/p/b"]),
    "a link upwards too deep to matter": ({"p/a/l": To("..")}, ["/p/*"], ["/p/a", "/p/b"]),
}


@pytest.mark.parametrize(("more", "texts", "expected"), HARMLESS.values(), ids=HARMLESS)
def test_links_that_do_no_harm(
    tmp_path: Path, more: dict[str, str], texts: list[str], expected: list[str]
) -> None:
    """A project is where its link leads; a link to a directory already met is nothing new."""
    plant(tmp_path, {"p/a/": "", "p/b/": "", **more})
    expansion = expand(real(tmp_path), entries(*texts))
    assert (roots(expansion), says(expansion)) == (expected, "")


WRONG = {
    "missing": ({}, ["/z"], "DISC-007", ["`/z`", "{}/z", "does not exist"]),
    "missing below a file": ({"f": ""}, ["/f/x"], "DISC-007", ["`/f/x`", "{}/f/x"]),
    "dangling": ({"l": To("gone")}, ["/l"], "DISC-007", ["a link to gone"]),
    "a file": ({"f": ""}, ["/f"], "DISC-007", ["{}/f", "a regular file, not a directory"]),
    "a link to a file": ({"l": To("f"), "f": ""}, ["/l"], "DISC-007", ["a regular file"]),
    "a loop": ({"l": To("l")}, ["/l"], "DISC-007", ["symlink loop detected at: {}/l"]),
    "outside": ({"l": To("/usr")}, ["/l"], "DISC-022", ["`/l`", "{}/l", "/usr"]),
    "a file outside": ({"l": To("/etc/passwd")}, ["/l"], "DISC-022", ["/etc/passwd"]),
    "the root": ({"l": To(".")}, ["/l"], "DISC-004", ["`/l`", "workspace root {}"]),
    "twice": ({"a/": ""}, ["/a", "/a"], "DISC-009", ["`/a`"]),
    "twice by a link": ({"a/": "", "l": To("a")}, ["/a", "/l"], "DISC-009", ["`/a`", "`/l`"]),
    "twice by a glob": ({"a/": ""}, ["/a", "/[!.]*"], "DISC-009", ["root /a"]),
    "no match": ({"q/f": ""}, ["/q/*"], "DISC-006", ["`/q/*`"]),
    "no prefix": ({}, ["/q/*"], "DISC-006", ["`/q/*`", "{}/q does not exist"]),
    "a file as prefix": ({"q": ""}, ["/q/*"], "DISC-006", ["`/q/*`"]),
    "a link as prefix": (
        {"p/a/": "", "l": To("p")},
        ["/l/*"],
        "DISC-006",
        ["{}/l leads through a link to {}/p", "begin with `/p`"],
    ),
    "glob, link outside": (
        {"p/a/": "", "p/l": To("/usr")},
        ["/p/*"],
        "DISC-022",
        ["{}/p/l", "/usr"],
    ),
    "glob, link to a file outside": (
        {"p/a/": "", "p/l": To("/etc/passwd")},
        ["/p/*"],
        "DISC-022",
        ["{}/p/l", "/etc/passwd", "`/p/*`"],
    ),
    "two globs, one link": (
        {"p/a/": "", "p/b/": "", "p/l": To("/usr")},
        ["/p/a*", "/p/b*"],
        "DISC-022",
        ["{}/p/l"],
    ),
    "glob, loop": ({"p/a/": "", "p/l": To("l")}, ["/p/*"], "DISC-005", ["symlink loop"]),
    "cycle": ({"p/a/x/": "", "p/a/l": To("..")}, ["/p/**/x"], "DISC-021", ["{}/p/a/l", "{}/p,"]),
    "cycle to itself": ({"p/a/": "", "p/l": To(".")}, ["/p/*"], "DISC-021", ["{}/p/l"]),
    "cycle above the prefix": (
        {"p/a/x/": "", "p/l": To("..")},
        ["/p/*/x"],
        "DISC-021",
        ["{}/p/l", "back to {},"],
    ),
    "a control character": (
        {"p/a\x01/": ""},
        ["/p/*"],
        "PATH-002",
        ['"a\\u{1}"', "U+0001", "/p/a\\x01:"],
    ),
}


@pytest.mark.parametrize(("tree", "texts", "rule", "needles"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_entries(
    tmp_path: Path, tree: dict[str, str], texts: list[str], rule: str, needles: list[str]
) -> None:
    """One problem, with its rule, its names and the place of the entry that has it."""
    plant(tmp_path, tree)
    expansion = expand(real(tmp_path), entries(*texts))
    (problem,) = expansion.diagnostics
    assert problem.message.endswith(f"({rule})")
    for needle in needles:
        assert needle.replace("{}", real(tmp_path)) in says(expansion)
    assert problem.span is not None
    assert problem.span.line == (2 if rule == "DISC-009" else 1)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """A matched directory whose name is not UTF-8 is refused in printable words."""
    os.makedirs(os.fsencode(tmp_path) + b"/p/\xff")
    expansion = expand(real(tmp_path), entries("/p/*"))
    assert roots(expansion) == []
    assert "component \\xff is not valid UTF-8 (PATH-002)" in says(expansion)
    says(expansion).encode()


def test_a_glob_that_begins_outside(tmp_path: Path) -> None:
    """The link is refused and the glob has matched nothing; nobody walks what lies outside."""
    plant(tmp_path, {"l": To("/usr")})
    expansion = expand(real(tmp_path), entries("/l/*"))
    assert roots(expansion) == []
    outside, empty = [problem.message for problem in expansion.diagnostics]
    assert f"{real(tmp_path)}/l leads to /usr, outside" in outside
    assert empty.endswith("(DISC-006)")


def test_all_problems_are_collected_in_entry_order(tmp_path: Path) -> None:
    """Every bad entry is reported at its own place; the good ones still count."""
    plant(tmp_path, {"a/": "", "f": "", "l": To("/usr")})
    texts = ["/y", "/a", "/f", "/w/*", "/l", "/[a]", "/a"]
    expansion = expand(real(tmp_path), entries(*texts))
    assert roots(expansion) == ["/a"]
    lines = [d.span.line for d in expansion.diagnostics if d.span]
    assert lines == [1, 3, 4, 5, 6, 7]
    repeated = expansion.diagnostics[-1]
    assert [r.span.line for r in repeated.related if r.span] == [2]


def test_links_are_reported_in_byte_order(tmp_path: Path) -> None:
    """Neither the directory order nor the order of making decides what is said first."""
    names = ["z", "-", "b", "B", "é", "a"]
    plant(tmp_path, {"p/real/": "", **{f"p/{name}": To("/usr") for name in names}})
    expansion = expand(real(tmp_path), entries("/p/*"))
    met = [d.message.split(" leads")[0].rpartition("/")[2] for d in expansion.diagnostics]
    assert met == sorted(names, key=os.fsencode)


def test_an_entry_of_absurd_length(tmp_path: Path) -> None:
    """A path that no system takes is a problem of the entry and nothing worse."""
    texts = ["/a" * 3000, "/" + "b" * 5000, "/a" * 3000 + "/*"]
    expansion = expand(real(tmp_path), entries(*texts))
    assert roots(expansion) == []
    assert {d.span.line for d in expansion.diagnostics if d.span} == {1, 2, 3}


def test_a_long_chain_of_links(tmp_path: Path) -> None:
    """The kernel's limit on links is met before any of ours."""
    plant(tmp_path, {"l0/": "", **{f"l{i}": To(f"l{i - 1}") for i in range(1, 1200)}})
    expansion = expand(real(tmp_path), entries("/l1199", "/l9"))
    assert roots(expansion) == ["/l0"]
    assert "symlink loop detected" in says(expansion)


def test_a_folder_that_may_not_be_listed() -> None:
    """A glob says which folder it could not look into, and finds the rest."""
    with without_privileges() as root:
        plant(root, {"p/a/": "", "p/b/x/": ""})
        (root / "p/a").chmod(0)
        expansion = expand(real(root), entries("/p/*/x", "/p/a/x", "/p/a/*"))
        (root / "p/a").chmod(0o755)
    assert roots(expansion) == ["/p/b/x"]
    assert f"in {real(root)}/p/a (DISC-005)" in says(expansion)
    assert says(expansion).count("Permission denied") == 2


# -- properties -------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "ab", "[x]", ".git", ".haz", ".a"])
FOLDERS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
SEGMENTS = st.sampled_from(
    ["*", "**", "?", "a", "b", "a*", "[ab]", "[!a]", "{a,b}", "{a,b/a}", ".git", ".*", "\\[x]"]
)
GLOBS = (
    st.lists(SEGMENTS, min_size=1, max_size=4)
    .map(lambda segments: "/" + "/".join(segments))
    .filter(lambda text: parse_pattern(text).is_glob)
)
LINKS = st.lists(st.tuples(FOLDERS, FOLDERS), max_size=4)


def build(root: str, folders: set[str], links: list[tuple[str, str]]) -> None:
    for folder in folders:
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    for name, target in links:
        path = os.path.join(root, name)
        if os.path.isdir(os.path.dirname(path)) and not os.path.lexists(path):
            os.symlink(os.path.join(root, target), path)


def every_directory(root: str) -> set[str]:
    """The canonical directories of a tree, those behind links included, slow and sure."""
    found = {root}
    for folder, subfolders, _ in os.walk(root):
        found.update(os.path.realpath(os.path.join(folder, name)) for name in subfolders)
    return {path for path in found if os.path.isdir(path)}


def matching(root: str, text: str) -> list[str]:
    """What a glob stands for, asked of every directory one by one."""
    pattern = parse_pattern(text).anchored("/")
    hidden = {".git", ".haz"} - set(text.split("/"))
    inside = {path[len(root) :] for path in every_directory(root) - {root}}
    offered = [path for path in inside if not hidden & set(path.split("/"))]
    return sorted((path for path in offered if pattern.matches(path)), key=os.fsencode)


@settings(max_examples=100, deadline=None)
@given(st.sets(FOLDERS, max_size=8), LINKS, GLOBS)
def test_a_glob_finds_what_a_full_search_finds(
    folders: set[str], links: list[tuple[str, str]], text: str
) -> None:
    """Pruning, depth limits and links left alone change nothing about the directories found."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.realpath(folder)
        build(root, folders, links)
        expected = matching(root, text)
        assert roots(expand(root, entries(text))) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.sets(FOLDERS, max_size=6), LINKS, st.lists(GLOBS | FOLDERS.map("/{}".format), max_size=3)
)
def test_listed_means_found(
    folders: set[str], links: list[tuple[str, str]], texts: list[str]
) -> None:
    """`lists` and `expand` agree on every directory of the tree."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.realpath(folder)
        build(root, folders, links)
        written = entries(*[t.replace("[x]", "\\[x]") if "\\" not in t else t for t in texts])
        found = {place.directory for place in expand(root, written).roots}
        for directory in every_directory(root):
            assert lists(root, written, directory) == (directory in found), directory
