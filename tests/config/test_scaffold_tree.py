"""The tree of ``haz init``: keys in, choices out, on trees that a test makes up."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.config.scaffold_tree import (
    Choice,
    Folder,
    Listing,
    Move,
    Tree,
    learn,
    press,
    start,
    wanted,
)

World = Mapping[str, Listing]
NAMES = ["a", "b", ".h", "target"]
KEYS = {
    "u": Move.UP,
    "d": Move.DOWN,
    "r": Move.OPEN,
    "l": Move.FOLD,
    "s": Move.CYCLE,
    "h": Move.HIDDEN,
    "x": None,
}
D: dict[str, object] = {
    "lib": {"src": {}, "tests": {}},
    "web": {},
    "pkgs": {"a": {}, "b": {}, ".h": {}},
    "target": {},
}


def world_of(tree: Mapping[str, object], path: str = "/") -> dict[str, Listing]:
    """The listings of a nested mapping; names with a dot and ``target`` are hidden."""
    names = sorted(tree)
    folders = (Folder(name, name.startswith(".") or name == "target") for name in names)
    found = {path: Listing(tuple(folders))}
    for name, below in tree.items():
        assert isinstance(below, Mapping)
        found.update(world_of(below, f"{path.rstrip('/')}/{name}"))
    return found


def play(world: World, keys: str) -> Tree:
    """The tree after some keys, each a letter of ``KEYS``."""
    tree = start(world["/"])
    for key in keys:
        tree = one_key(world, tree, KEYS[key])
    return tree


def one_key(world: World, tree: Tree, move: Move | None) -> Tree:
    unread = wanted(tree, move) if move is not None else None
    if unread is not None:
        tree = learn(tree, unread, world[unread])
    return press(tree, move)


@pytest.mark.parametrize(
    ("row", "keys", "projects", "parents", "remark"),
    [
        ("T03", "dsdssds", {"/lib", "/web"}, {"/pkgs"}, ""),
        ("T04", "dsdss", {"/lib"}, {"/pkgs"}, "`/pkgs/*` takes in hidden ones too: .h"),
        ("T06", "s", {"/"}, set(), "the root cannot be a project beside others"),
        ("T08", "ss", set(), {"/"}, "`/*` takes in hidden ones too: target"),
        ("root thrice", "sss", set(), set(), ""),
        ("T14", "dddss", set(), set(), "skipped projects-parent for `/web`: no subdirectories"),
        ("T15", "dddr", set(), set(), "cannot expand `/web`: no subdirectories"),
        (
            "T16",
            "ddrssds",
            set(),
            {"/pkgs"},
            "cannot cycle `/pkgs/a`: under a projects-parent directory",
        ),
        ("T17", "us", set(), set(), ""),
        ("T18", "ddrdsusss", set(), set(), ""),
        ("T19", "hddss", set(), {"/pkgs"}, ""),
        ("T20", "hddrdsh", set(), set(), "hidden directories hidden"),
        ("T20 parent", "hddssh", set(), {"/pkgs"}, "hidden directories hidden"),
        ("T31", "dsrds", {"/lib", "/lib/src"}, set(), ""),
        ("other key", "dddrx", set(), set(), ""),
        ("fold keeps", "drdsul", {"/lib/src"}, set(), ""),
        ("fold, button", "ulr", set(), set(), ""),
    ],
)
def test_keys_choose(
    row: str, keys: str, projects: set[str], parents: set[str], remark: str
) -> None:
    """The rows of cli.md 13.4 that are about choosing, and a few more."""
    tree = play(world_of(D), keys)
    assert tree.selection.projects == projects, row
    assert tree.selection.parents == parents, row
    assert tree.remark.startswith(remark)
    assert bool(tree.remark) == bool(remark)


@pytest.mark.parametrize("keys", ["dddss", "dddr", "ddrssds", "s"])
def test_a_refusal_rings(keys: str) -> None:
    """What a key did not do is said with a bell, and the next key ends that."""
    tree = play(world_of(D), keys)
    assert tree.bell
    assert not play(world_of(D), keys + "x").bell


def test_hidden_rows_come_and_go() -> None:
    """T13: hidden rows show on request; when they go, the focus moves to who holds them."""
    world = world_of(D)
    assert [row.path for row in play(world, "").rows()] == ["/", "/lib", "/pkgs", "/web"]
    shown = play(world, "hddrd")
    assert [row.path for row in shown.rows()][2:5] == ["/pkgs", "/pkgs/.h", "/pkgs/a"]
    assert shown.focus == "/pkgs/.h"
    assert play(world, "hddrdh").focus == "/pkgs"


def test_a_parent_counts_every_child_that_its_glob_takes() -> None:
    """Hidden children count, `.git` and `.haz` are never offered to a glob."""
    world = world_of({"p": {"a": {}, ".h": {}, ".git": {}}})
    assert play(world, "dss").count == 2
    assert play(world, "s").count == 0


@pytest.mark.parametrize("name", ["\udcff", "a\nb", "\u202e"])
def test_a_folder_that_no_entry_can_name_cannot_be_chosen(name: str) -> None:
    """Names that are no text, or that PATH-002 forbids, are refused where they are chosen."""
    tree = play(world_of({name: {"x": {}}}), "ds")
    assert tree.choices == {}
    assert tree.bell
    assert "cannot be a project" in tree.remark


def test_a_folder_that_cannot_be_read_says_why() -> None:
    """The reason of the system stands where `no subdirectories` would."""
    world = {**world_of({"p": {}}), "/p": Listing(trouble="Permission denied")}
    assert play(world, "dr").remark == "cannot expand `/p`: Permission denied"


trees: st.SearchStrategy[dict[str, object]] = st.recursive(
    st.just({}),
    lambda below: st.dictionaries(st.sampled_from(NAMES), below, max_size=4),
    max_leaves=12,
)
sequences = st.lists(st.sampled_from(sorted(KEYS)), max_size=40).map("".join)


@settings(max_examples=200, deadline=None)
@given(trees, sequences)
def test_whatever_is_pressed_the_tree_stays_whole(tree: dict[str, object], keys: str) -> None:
    """After every key: the focus shows, nothing is chosen below a parent, and what is chosen shows
    unless it is folded away.
    """
    world = world_of(tree)
    state = start(world["/"])
    for key in keys:
        before = state
        state = one_key(world, state, KEYS[key])
        rows = [row.path for row in state.rows()]
        assert len(rows) == len(set(rows))
        assert state.focus is None or state.focus in rows
        for path in state.choices:
            above = [path[:at] or "/" for at, c in enumerate(path) if c == "/" and path != "/"]
            assert Choice.PARENT not in map(state.choice, above)
            hidden = any(part.startswith(".") or part == "target" for part in path.split("/"))
            assert state.show_hidden or not hidden
        assert Choice.NONE not in state.choices.values()
        assert not state.bell or state.remark
        if KEYS[key] in (Move.UP, Move.DOWN, Move.OPEN, Move.FOLD, None):
            assert state.choices == before.choices


@settings(max_examples=100, deadline=None)
@given(trees, sequences)
def test_moving_down_passes_every_row_and_the_button(tree: dict[str, object], keys: str) -> None:
    """As many steps down as there are rows and a button lead back; up undoes down."""
    world = world_of(tree)
    state = play(world, keys)
    stops = {state.focus}
    walked = state
    for _ in range(len(state.rows()) + 1):
        assert press(press(walked, Move.DOWN), Move.UP).focus == walked.focus
        walked = press(walked, Move.DOWN)
        stops.add(walked.focus)
    assert walked.focus == state.focus
    assert stops == {None, *(row.path for row in state.rows())}
