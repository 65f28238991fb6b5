"""What ``why --diff`` finds: exactly what was edited; what cannot be known is said to be so."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.files import Disk
from haz_trio.cache.ledger import Leavings, Ledger
from haz_trio.cache.ledger_file import save, stamp
from haz_trio.cache.root import CacheRoot
from haz_trio.engine.comparison import Comparison
from haz_trio.engine.differences import (
    ActionDiffers,
    Difference,
    How,
    InputDiffers,
    OutputDiffers,
    PredecessorDiffers,
    SettingDiffers,
    VariableDiffers,
    Which,
)
from haz_trio.engine.explain import Keyed
from haz_trio.model.tasks import Argv
from tests.engine.why_support import Bench, sh, snapshot, task_id

GEN, BUILD = task_id("lib:gen"), task_id("lib:build")
SCRIPT = "mkdir -p out; cat a.txt > out/all"


@attrs.define
class World:
    """The small workspace before it is written: what edits change."""

    bench: Bench
    script: str = SCRIPT
    inputs: list[str] = attrs.field(factory=lambda: ["*.txt", "/shared"])
    outputs: list[str] = attrs.field(factory=lambda: ["out/*"])
    host_names: list[str] = attrs.field(factory=lambda: ["HOME", "NOT_SET"])
    override: dict[str, str] = attrs.field(factory=lambda: {"MODE": "fast", "A": "1"})
    deps: list[str] = attrs.field(factory=lambda: ["~:gen"])
    mutex: dict[str, str] | None = None
    hash_name: str = "blake3"

    def write(self) -> World:
        env = {"from_host": self.host_names, "override": self.override}
        build = sh(self.script, inputs=self.inputs, outputs=self.outputs, env=env, deps=self.deps)
        if self.mutex:
            build["mutex"] = self.mutex
        tasks = {
            "build": build,
            "gen": sh("cat seed; echo moan >&2", inputs=["seed"]),
            "lint": sh("echo lint"),
        }
        self.bench.config({"lib": {"tasks": tasks}}, cache={"hash": self.hash_name})
        return self


def world(root: Path) -> World:
    """Two input files, one shared file, a predecessor that prints its input."""
    bench = Bench(root)
    for path, text in (
        ("lib/a.txt", "a"),
        ("lib/b.txt", "b"),
        ("lib/seed", "seed\n"),
        ("shared", "shared"),
    ):
        bench.write(path, text)
    return World(bench).write()


@pytest.fixture
def ran(tmp_path: Path) -> World:
    """The small workspace after a run."""
    made = world(tmp_path)
    made.bench.run("lib:build")
    return made


def diff(world: World) -> tuple[Comparison, ...]:
    return world.write().bench.compare("lib:build")


def changes(world: World) -> set[Difference]:
    """The differences of the task itself."""
    return set(diff(world)[0].differences)


Edit: TypeAlias = Callable[[World], set[Difference]]


def change_input(w: World) -> set[Difference]:
    w.bench.write("lib/a.txt", "other")
    return {InputDiffers("/lib/a.txt", How.CHANGED)}


def add_input(w: World) -> set[Difference]:
    w.bench.write("lib/new.txt", "n")
    return {InputDiffers("/lib/new.txt", How.ADDED)}


def remove_input(w: World) -> set[Difference]:
    (w.bench.root / "lib/b.txt").unlink()
    return {InputDiffers("/lib/b.txt", How.REMOVED)}


def remove_literal_input(w: World) -> set[Difference]:
    (w.bench.root / "shared").unlink()
    return {InputDiffers("/shared", How.REMOVED)}


def touch_input(w: World) -> set[Difference]:
    w.bench.write("lib/a.txt", (w.bench.root / "lib/a.txt").read_text())
    return set()


def change_host(w: World) -> set[Difference]:
    w.bench.host["HOME"] = "/home/two"
    return {VariableDiffers("HOME", How.CHANGED)}


def set_host(w: World) -> set[Difference]:
    w.bench.host["NOT_SET"] = ""
    return {VariableDiffers("NOT_SET", How.CHANGED)}


def unlisted_host(w: World) -> set[Difference]:
    w.bench.host["UNLISTED"] = "x"
    return set()


def add_variable(w: World) -> set[Difference]:
    w.host_names.append("LANG")
    return {VariableDiffers("LANG", How.ADDED)}


def change_override(w: World) -> set[Difference]:
    w.override["MODE"] = "slow"
    return {VariableDiffers("MODE", How.CHANGED)}


def remove_override(w: World) -> set[Difference]:
    del w.override["A"]
    return {VariableDiffers("A", How.REMOVED)}


def change_action(w: World) -> set[Difference]:
    w.script += "; true"
    return {
        ActionDiffers(Argv(("/bin/sh", "-c", SCRIPT)), Argv(("/bin/sh", "-c", SCRIPT + "; true")))
    }


def add_output(w: World) -> set[Difference]:
    w.outputs.append("more/*")
    return {OutputDiffers("glob", "/lib/more/*", How.ADDED)}


def remove_output(w: World) -> set[Difference]:
    w.outputs.remove("out/*")
    return {OutputDiffers("glob", "/lib/out/*", How.REMOVED)}


def add_mutex(w: World) -> set[Difference]:
    w.mutex = {"name": "db", "mode": "exclusive"}
    return set()


def change_predecessor(w: World) -> set[Difference]:
    w.bench.write("lib/seed", "other\n")
    return {PredecessorDiffers(GEN, Which.UNKNOWN)}


def add_predecessor(w: World) -> set[Difference]:
    w.deps.append("~:lint")
    lint = task_id("lib:lint")
    return {PredecessorDiffers(lint, Which.ADDED), PredecessorDiffers(lint, Which.UNKNOWN)}


EDITS: list[Edit] = [
    *(change_input, add_input, remove_input, remove_literal_input, touch_input),
    *(change_host, set_host, unlisted_host, add_variable, change_override, remove_override),
    *(change_action, add_output, remove_output, add_mutex),
    *(change_predecessor, add_predecessor),
]


@settings(max_examples=40, deadline=None)
@given(edits=st.lists(st.sampled_from(EDITS), unique=True, max_size=6))
def test_exactly_what_was_edited_is_named(edits: list[Edit]) -> None:
    """Whatever is edited together: all of it is named, nothing else, and nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        made = world(Path(folder).resolve())
        made.bench.run("lib:build")
        expected: set[Difference] = set()
        for edit in edits:
            expected |= edit(made)
        made.write()
        before = snapshot(made.bench.root)
        assert set(made.bench.compare("lib:build")[0].differences) == expected
        assert snapshot(made.bench.root) == before


@pytest.mark.parametrize("edit", EDITS)
def test_each_edit_alone_is_named(ran: World, edit: Edit) -> None:
    """One change, one name; what does not enter the key is not named."""
    expected = edit(ran)
    assert changes(ran) == expected


def test_nothing_has_changed_after_a_run(ran: World) -> None:
    """The key is that of the last result, which is a hit."""
    (only,) = diff(ran)
    assert isinstance(only.view.standing, Keyed)
    assert only.last is not None
    assert only.last.key == only.view.standing.key
    assert only.differences == ()


def test_a_predecessor_without_a_result_is_followed(ran: World) -> None:
    """Its own change is named, although it has no entry now."""
    ran.bench.write("lib/seed", "other\n")
    target, gen = diff(ran)
    assert target.differences == (PredecessorDiffers(GEN, Which.UNKNOWN),)
    assert (gen.task, gen.differences) == (GEN, (InputDiffers("/lib/seed", How.CHANGED),))


def test_a_predecessor_that_ran_again_is_compared_with_what_was_seen(ran: World) -> None:
    """It hits now; what changed is told against the result whose streams the task once saw."""
    ran.bench.write("lib/seed", "other\n")
    ran.bench.run("lib:gen")
    target, gen = diff(ran)
    assert target.differences == (PredecessorDiffers(GEN, Which.STDOUT),)
    assert gen.view.hit is not None
    assert gen.differences == (InputDiffers("/lib/seed", How.CHANGED),)


def test_a_predecessor_that_misses_is_compared_with_its_own_last_result(ran: World) -> None:
    """What the task once saw is older and would blame what has been settled since."""
    file = ran.bench.root / "lib/haz.yml"
    file.write_text(file.read_text().replace("echo moan", "echo groan"))
    ran.bench.run("lib:gen")
    ran.bench.write("lib/seed", "other\n")
    _, gen = ran.bench.compare("lib:build")
    assert gen.differences == (InputDiffers("/lib/seed", How.CHANGED),)


def test_both_streams_are_told_apart(ran: World) -> None:
    """What went to stderr has a digest of its own."""
    file = ran.bench.root / "lib/haz.yml"
    file.write_text(file.read_text().replace("echo moan", "echo groan"))
    ran.bench.run("lib:gen")
    target, gen = ran.bench.compare("lib:build")
    assert target.differences == (PredecessorDiffers(GEN, Which.STDERR),)
    assert isinstance(gen.differences[0], ActionDiffers)


def test_a_task_without_a_result_says_so_and_names_what_it_waits_for(tmp_path: Path) -> None:
    """Nothing is known of the past; the predecessors without a result follow."""
    target, gen = diff(world(tmp_path))
    assert (target.last, target.differences) == (None, ())
    assert (gen.task, gen.last) == (GEN, None)


def test_a_diamond_is_told_once(tmp_path: Path) -> None:
    """A predecessor that two tasks blame has one block."""
    bench = Bench(tmp_path)
    tasks = {
        "top": sh("true", deps=["~:a", "~:b"]),
        "a": sh("cat", deps=["~:base"]),
        "b": sh("cat;", deps=["~:base"]),
        "base": sh("cat seed", inputs=["seed"]),
    }
    bench.config({"p": {"tasks": tasks}})
    bench.write("p/seed", "1")
    told = [str(c.task) for c in bench.compare("p:top")]
    assert told == ["p:top", "p:a", "p:b", "p:base"]


def test_many_ways_to_one_predecessor_cost_no_more(tmp_path: Path) -> None:
    """Forty layers of two tasks each have 2^39 paths and 80 blocks."""
    bench = Bench(tmp_path)
    tasks: dict[str, object] = {"end": sh("cat seed", inputs=["seed"])}
    below = ["~:end"]
    for layer in range(40):
        for side in "ab":
            tasks[f"{side}{layer}"] = sh(f"echo {side}{layer}", deps=below)
        below = [f"~:a{layer}", f"~:b{layer}"]
    bench.config({"p": {"tasks": tasks}})
    bench.write("p/seed", "1")
    assert len(bench.compare("p:a39")) == 80


def test_an_entry_under_another_name_is_not_believed(ran: World) -> None:
    """A folder that was copied or renamed says nothing about the key in its name."""
    entry = ran.bench.entry(_last_key(ran))
    (ran.bench.cache / "state/ledger").unlink()
    assert diff(ran)[0].last is not None
    entry.rename(entry.with_name(entry.name[:2] + "0" * 62))
    assert diff(ran)[0].last is None


def test_another_hash_function_is_named_alone(ran: World) -> None:
    """Digests of two functions cannot be compared, names can."""
    ran.hash_name = "sha256"
    ran.bench.write("lib/new.txt", "")
    ran.write().bench.run("lib:gen")
    assert changes(ran) == {
        SettingDiffers("cache.hash", "blake3", "sha256"),
        InputDiffers("/lib/new.txt", How.ADDED),
    }


def test_a_moved_project_is_named(ran: World) -> None:
    """The directory is part of the key."""
    root = ran.bench.root
    (root / "lib").rename(root / "src")
    ran.bench.write(".haz/workspace.yml", '{"projects": ["/src"]}')
    file = root / "src/haz.yml"
    file.write_text(file.read_text().replace('"inputs": ["*.txt", "/shared"]', '"inputs": []'))
    found = ran.bench.compare("lib:gen")[0].differences
    assert SettingDiffers("project root", "/lib", "/src") in found


def test_where_a_value_comes_from_is_part_of_the_key(ran: World) -> None:
    """The same value, set by the task now: the key has changed, and the name is told."""
    ran.host_names.remove("HOME")
    ran.override["HOME"] = "/home/one"
    assert changes(ran) == {VariableDiffers("HOME", How.CHANGED)}


@pytest.mark.parametrize("secret", [None, b"short", b"x" * 32])
def test_without_the_secret_unchanged_values_are_still_known(
    ran: World, secret: bytes | None
) -> None:
    """The recorded key proves it: a lost or wrong secret blames no variable."""
    file = ran.bench.cache / "state/secret"
    file.unlink()
    if secret is not None:
        file.write_bytes(secret)
    assert changes(ran) == set()
    ran.bench.write("lib/a.txt", "other")
    assert changes(ran) == {InputDiffers("/lib/a.txt", How.CHANGED)}


def test_without_the_secret_changed_values_are_unknown(ran: World) -> None:
    """One of them has changed and nobody can say which; an unset one is told apart."""
    (ran.bench.cache / "state/secret").unlink()
    ran.bench.host.update(HOME="/home/two", NOT_SET="set")
    assert changes(ran) == {
        VariableDiffers("A", How.UNKNOWN),
        VariableDiffers("HOME", How.UNKNOWN),
        VariableDiffers("MODE", How.UNKNOWN),
        VariableDiffers("NOT_SET", How.CHANGED),
    }


def test_an_input_that_cannot_be_read_hides_only_itself(ran: World) -> None:
    """A glob that fails does not make the files that it matched look removed."""
    (ran.bench.root / "lib/loop.txt").symlink_to("nowhere")
    ran.bench.write("shared", "other")
    (ran.bench.root / "lib/b.txt").unlink()
    assert changes(ran) == {InputDiffers("/shared", How.CHANGED)}


@pytest.mark.parametrize("damage", ["ledger", "row"])
def test_the_entries_tell_when_the_ledger_cannot(ran: World, damage: str) -> None:
    """A lost ledger, or one whose last result was not stored, is made up for by a search."""
    last = diff(ran)[0].last
    assert last is not None
    file = ran.bench.cache / "state/ledger"
    if damage == "ledger":
        file.write_bytes(b"rot" + file.read_bytes())
    else:
        ran.bench.write("lib/a.txt", "two")
        ran.bench.run("lib:build")
        shutil.rmtree(ran.bench.entry(_last_key(ran)))
        ran.bench.write("lib/a.txt", "a")
    assert diff(ran)[0].last == last


def test_the_newest_of_several_results_is_the_last(ran: World) -> None:
    """Without the ledger the time of the run decides."""
    ran.bench.write("lib/a.txt", "two")
    ran.bench.run("lib:build")
    newest = _last_key(ran)
    (ran.bench.cache / "state/ledger").unlink()
    assert _last_key(ran) == newest


@pytest.mark.parametrize("text", ["", "{}", "[" * 9000, '{"format": "haz-trio recipe 1"}', "\0"])
def test_a_damaged_recipe_is_not_recorded(ran: World, text: str) -> None:
    """Whatever the bytes are, they are no recipe; nothing is guessed and nothing breaks."""
    for recipe in ran.bench.cache.glob("??/*/recipe.json"):
        recipe.chmod(0o600)
        recipe.write_text(text)
    assert diff(ran)[0].last is None


def test_a_key_that_leads_out_of_the_cache_is_no_key(ran: World) -> None:
    """The ledger may come from a hostile branch: only digests become names of folders."""
    recipe = next(ran.bench.cache.glob("??/*/recipe.json")).read_bytes()
    evil = ran.bench.root / "evil/x"
    evil.mkdir(parents=True)
    (evil / "recipe.json").write_bytes(recipe)
    root = CacheRoot(str(ran.bench.root), Disk())
    ledger = Ledger(str(ran.bench.root), {"lib:build": Leavings("lib:build", "../evil/x", ())})
    save(root, ledger, loaded=stamp(root))
    shutil.rmtree(ran.bench.entry(_last_key(ran)))
    assert diff(ran)[0].last is None


def test_many_inputs_are_compared_quickly(tmp_path: Path) -> None:
    """A thousand added and removed files are one pass."""
    made = world(tmp_path)
    for number in range(1000):
        made.bench.write(f"lib/n{number:04}.txt", str(number))
    made.bench.run("lib:build")
    for number in range(0, 1000, 2):
        (tmp_path / f"lib/n{number:04}.txt").unlink()
    assert len(changes(made)) == 500


def test_values_never_leave_the_machine(ran: World) -> None:
    """Neither the recipe nor the state holds a value of a variable in clear."""
    for file in ran.bench.cache.rglob("*"):
        if file.is_file():
            assert b"/home/one" not in file.read_bytes()


def _last_key(world: World) -> str:
    last = diff(world)[0].last
    assert last is not None
    return last.key
