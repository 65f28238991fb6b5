"""What ``haz init`` writes: entries, names, and a workspace that always loads."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.config.ignored import Ignored
from haz_trio.config.load import load_workspace
from haz_trio.config.scaffold import Plan, make_plan, refuse_existing, write_plan
from haz_trio.config.scaffold_plan import Scaffold, name_projects, sanitise
from haz_trio.config.scaffold_tree import Selection, unusable
from haz_trio.errors import ConfigError, HazError
from haz_trio.graph.build import build_graph
from haz_trio.model.workspace import Mode


def plan_for(root: Path, *projects: str, parents: tuple[str, ...] = ()) -> Plan:
    selection = Selection(frozenset(projects), frozenset(parents))
    return make_plan(str(root), selection, Ignored(str(root)))


def folders(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)


def loaded_names(root: Path) -> dict[str, str]:
    """The projects of the workspace as the loader sees it: root to name."""
    workspace = load_workspace(root)
    assert workspace.mode is Mode.EXPLICIT
    build_graph(workspace)
    return {project.root: name for name, project in workspace.projects.items()}


def contents(root: Path) -> dict[str, bytes]:
    """Every path below a folder, with the bytes of files."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
        for path in root.rglob("*")
    }


@pytest.mark.parametrize(
    ("row", "projects", "parents", "text", "names"),
    [
        ("T09", (), (), "projects: []\n", {}),
        (
            "T03",
            ("/web", "/lib"),
            ("/p",),
            "projects:\n  - /lib\n  - /p/*\n  - /web\n",
            {"/lib": "lib", "/p/a": "a", "/p/b": "b", "/web": "web"},
        ),
        (
            "T24",
            ("/my lib.v2", "/_x-", "/9a"),
            (),
            "projects:\n  - /9a\n  - /_x-\n  - /my lib.v2\n",
            {"/9a": "9a", "/_x-": "x-", "/my lib.v2": "my-lib-v2"},
        ),
        (
            "T25",
            ("/a/lib", "/b/lib"),
            (),
            "projects:\n  - /a/lib\n  - /b/lib\n",
            {"/a/lib": "a-lib", "/b/lib": "b-lib"},
        ),
        ("T26", ("/a #b",), (), "projects:\n  - '/a #b'\n", {"/a #b": "a-b"}),
        ("T27", ("/c: d",), (), "projects:\n  - '/c: d'\n", {"/c: d": "c-d"}),
        ("T28", ("/[e]",), (), "projects:\n  - '/\\[e]'\n", {"/[e]": "e-"}),
        ("parent", (), ("/[e]",), "projects:\n  - '/\\[e]/*'\n", {"/[e]/x": "x"}),
        ("quote", ("/it's",), (), "projects:\n  - '/it''s'\n", {"/it's": "it-s"}),
        ("brace", ("/a}",), (), "projects:\n  - '/a}'\n", {"/a}": "a-"}),
        ("star", ("/a**b",), (), "projects:\n  - '/a\\*\\*b'\n", {"/a**b": "a-b"}),
        ("null", ("/null",), (), "projects:\n  - /null\n", {"/null": "null"}),
        ("nested", ("/a", "/a/lib"), (), None, {"/a": "a", "/a/lib": "lib"}),
        ("taken in", ("/p/a",), ("/p",), "projects:\n  - /p/*\n", {"/p/a": "a", "/p/b": "b"}),
        ("dotted", ("/.git",), (), "projects:\n  - /.git\n", {"/.git": "git"}),
        (
            "numbers",
            ("/my lib", "/my-lib", "/my.lib"),
            (),
            None,
            {"/my lib": "my-lib", "/my-lib": "my-lib-2", "/my.lib": "my-lib-3"},
        ),
    ],
)
def test_what_is_written_loads(
    tmp_path: Path,
    row: str,
    projects: tuple[str, ...],
    parents: tuple[str, ...],
    text: str | None,
    names: dict[str, str],
) -> None:
    """Rows of cli.md 13.4: the list as it stands in the file, and the names that come of it."""
    folders(tmp_path, "/p/a", "/p/b", "/[e]/x", *projects, *parents)
    write_plan(plan_for(tmp_path, *projects, parents=parents))
    if text is not None:
        assert (tmp_path / ".haz/workspace.yml").read_text() == text
    assert loaded_names(tmp_path) == names, row


def test_the_root_as_parent_is_every_folder(tmp_path: Path) -> None:
    """T08: the entry is `/*`; hidden folders that it takes in get a file too, and are named."""
    folders(tmp_path, "a", ".cfg", ".git")
    plan = plan_for(tmp_path, parents=("/",))
    assert plan.entries == ("/*",)
    assert plan.hidden == ("/.cfg",)
    write_plan(plan)
    assert loaded_names(tmp_path) == {"/.cfg": "cfg", "/a": "a"}


def test_hidden_children_of_a_parent_get_a_file(tmp_path: Path) -> None:
    """T05: what the glob takes in is a project, and `haz check` has nothing against it."""
    folders(tmp_path, "p/a", "p/.h")
    plan = plan_for(tmp_path, parents=("/p",))
    assert plan.hidden == ("/p/.h",)
    write_plan(plan)
    assert loaded_names(tmp_path) == {"/p/.h": "h", "/p/a": "a"}


def test_an_existing_file_stays_and_keeps_its_name(tmp_path: Path) -> None:
    """T21: a `haz.yml` that is there is not touched; a new project does not take its name."""
    folders(tmp_path, "lib", "b/lib", "web")
    (tmp_path / "lib/haz.yml").write_text("name: web # mine\n")
    plan = plan_for(tmp_path, "/lib", "/web", "/b/lib")
    assert plan.existing == {"/lib": "web"}
    write_plan(plan)
    assert (tmp_path / "lib/haz.yml").read_text() == "name: web # mine\n"
    assert loaded_names(tmp_path) == {"/lib": "web", "/web": "web-2", "/b/lib": "lib"}


@pytest.mark.parametrize(
    ("projects", "says"),
    [
        (("/",), "root cannot be a project"),
        (("/___",), "could not derive a valid project name from directory `/___`"),
        (("/" + "x" * 70,), "could not derive"),
        (("/gone",), "which does not exist"),
        (("/broken",), "nonsense"),
        (("/one", "/two"), "duplicate project name `same`"),
        (("/dangling",), "failed to read"),
    ],
)
def test_what_would_not_load_is_refused(
    tmp_path: Path, projects: tuple[str, ...], says: str
) -> None:
    """T06, T07, T22, T23, and existing files that the loader refuses: nothing is written."""
    folders(tmp_path, "___", "x" * 70, "broken", "one", "two", "dangling")
    (tmp_path / "broken/haz.yml").write_text("name: a\nnonsense: 1\n")
    (tmp_path / "one/haz.yml").write_text("name: same\n")
    (tmp_path / "two/haz.yml").write_text("name: same\n")
    (tmp_path / "dangling/haz.yml").symlink_to("nowhere")
    before = contents(tmp_path)
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, *projects)
    assert says in caught.value.diagnostics[0].message
    assert "AUX-005" in caught.value.headline
    assert contents(tmp_path) == before


def test_every_underivable_name_is_reported(tmp_path: Path) -> None:
    """All such folders together, in byte order."""
    folders(tmp_path, "_", "__", "fine")
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, "/__", "/_", "/fine")
    assert ["`/_`" in d.message for d in caught.value.diagnostics] == [True, False]


@pytest.mark.parametrize("kind", ["folder", "workspace", "file", "dangling", "link"])
def test_an_existing_workspace_is_refused(tmp_path: Path, kind: str) -> None:
    """AUX-002: whatever is called `.haz` is left alone."""
    path = tmp_path / ".haz"
    match kind:
        case "folder":
            path.mkdir()
        case "workspace":
            path.mkdir()
            (path / "workspace.yml").write_text("projects: []\n")
        case "file":
            path.write_text("")
        case "dangling":
            path.symlink_to("nowhere")
        case _:
            path.symlink_to("..")
    with pytest.raises(ConfigError, match="AUX-002"):
        refuse_existing(str(tmp_path))


def test_no_workspace_is_no_refusal(tmp_path: Path) -> None:
    """A folder without `.haz` is fine, also below a workspace."""
    folders(tmp_path, ".haz", "below")
    refuse_existing(str(tmp_path / "below"))


def test_modes_follow_the_umask(tmp_path: Path) -> None:
    """Files are 0666 and the folder 0777 less the umask; no temporary file is left."""
    folders(tmp_path, "a")
    before = os.umask(0o027)
    try:
        write_plan(plan_for(tmp_path, "/a"))
    finally:
        os.umask(before)
    modes = {p: stat.S_IMODE((tmp_path / p).stat().st_mode) for p in contents(tmp_path)}
    assert modes == {
        "a": modes["a"],
        "a/haz.yml": 0o640,
        ".haz": 0o750,
        ".haz/workspace.yml": 0o640,
    }


@pytest.mark.parametrize(
    "trouble", ["file appears", "folder goes", "workspace appears", "empty workspace appears"]
)
def test_a_failed_write_takes_everything_back(tmp_path: Path, trouble: str) -> None:
    """What changed after the plan was made is not overwritten, and what was written goes again."""
    folders(tmp_path, "a", "b", "c")
    plan = plan_for(tmp_path, "/a", "/b", "/c")
    match trouble:
        case "file appears":
            (tmp_path / "c/haz.yml").write_text("name: theirs\n")
        case "folder goes":
            (tmp_path / "c").rmdir()
        case "empty workspace appears":
            (tmp_path / ".haz").mkdir()
        case _:
            (tmp_path / ".haz").mkdir()
            (tmp_path / ".haz/keep").write_text("theirs")
    before = contents(tmp_path)
    with pytest.raises(HazError, match=r"cannot write .*taken back"):
        write_plan(plan)
    assert contents(tmp_path) == before


names = st.text(st.sampled_from("ab_- .0[]{}*?\\'\"#:&!%@`,~|>é\t\n"), min_size=1, max_size=5)
sources = st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), max_size=6)


@settings(max_examples=120, deadline=None)
@given(sources, st.data())
def test_a_written_workspace_always_loads(paths: list[str], data: st.DataObject) -> None:
    """On any tree and for any choice: either nothing is written, or the loader takes it all."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(os.path.realpath(name))
        for path in paths:
            if {".", ".."}.isdisjoint(path.split("/")):
                folders(root, path)
        found = sorted(f"/{p.relative_to(root)}" for p in root.rglob("*"))
        choices = st.lists(st.sampled_from([*found, "/"]), max_size=4, unique=True)
        parents = [p for p in data.draw(choices) if any((root / p[1:]).iterdir())]
        projects = [p for p in data.draw(choices) if p != "/"]
        before = contents(root)
        refusal: ConfigError | None = None
        try:
            plan = plan_for(root, *projects, parents=tuple(parents))
        except ConfigError as caught:
            refusal = caught
        if refusal is not None:
            # Only names that rules forbid, or that leave nothing to make a name of.
            said = [d.message for d in refusal.diagnostics]
            assert all("PATH-002" in text or "could not derive" in text for text in said), said
            assert contents(root) == before
            return
        write_plan(plan)
        expected = set(projects)
        for parent in parents:
            children = (f"{parent.rstrip('/')}/{c.name}" for c in (root / parent[1:]).iterdir())
            expected.update(c for c in children if (root / c[1:]).is_dir())
        assert set(loaded_names(root)) == expected - {"/.haz"}


@settings(max_examples=150)
@given(
    st.lists(
        st.lists(names, min_size=1, max_size=2).map(lambda p: "/" + "/".join(p)), unique=True
    ),
    st.sets(names.map(sanitise)),
)
def test_names_are_valid_and_differ(roots: list[str], taken: set[str]) -> None:
    """Every name is an identifier that nobody else has."""
    usable = [r for r in roots if sanitise(r.rpartition("/")[2]) and not unusable(r)]
    scaffolds = name_projects(usable, taken)
    found = [s.name for s in scaffolds]
    assert [s.root for s in scaffolds] == sorted(usable, key=os.fsencode)
    assert len({*found, *taken}) == len(found) + len(taken)


def test_long_names_leave_room_for_their_number() -> None:
    """A name of 64 bytes that is shared stays within its limit."""
    long = "x" * 64
    scaffolds = name_projects([f"/a/{long}", f"/b/{long}"], frozenset())
    assert [s.name for s in scaffolds] == [long, "x" * 62 + "-2"]


def test_a_scaffold_says_its_file() -> None:
    """The path and the text of a `haz.yml` (cli.md 13.3)."""
    scaffold = Scaffold("/lib", "lib")
    assert (scaffold.path, scaffold.text) == ("/lib/haz.yml", "name: lib\ntasks: {}\n")
