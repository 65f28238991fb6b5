"""What a run learns and the next one puts to use, on a small workspace under a coarse clock."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from haz_trio.abc import Miss
from haz_trio.cache.known import PLACE, read_known
from haz_trio.cache.layout import CACHE
from haz_trio.config.snapshot import PLACE as SNAPSHOT
from haz_trio.engine.found import Found
from haz_trio.engine.kit import Kit
from haz_trio.engine.knowledge import environment_digest, upstream_digest
from haz_trio.engine.opening import open_engine
from haz_trio.engine.remember import Grounds
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import Upstream
from tests.engine.shortcut_world import (
    SECOND,
    Clock,
    Result,
    Twin,
    carry_out,
    drive_whole,
    populate,
    project,
)
from tests.shortcut_edits import entries

MANY = 10 * SECOND


class World:
    """A workspace, and everything in it proven."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(folder)
        self.twin = Twin(folder / "w", self.clock.senses, True, {"MODE": "1"})
        self.root = self.twin.root
        populate(self.root)
        self.settle()

    def settle(self) -> None:
        """Run until there is nothing more to learn."""
        for _ in range(3):
            self.clock.advance(MANY)
            self.run()
        assert set(self.sources().values()) == {"cache"}

    def run(self, *names: str) -> Result:
        return self.twin.run(names)

    def sources(self, *names: str) -> dict[str, str]:
        return {id: found[0] for id, found in self.run(*names).tasks.items()}

    def proven(self) -> int:
        """How many tasks of a run are proven."""
        before = self.twin.proven
        self.clock.advance(MANY)
        self.run()
        return self.twin.proven - before

    def ran(self, *names: str) -> set[str]:
        """What has to run now."""
        self.clock.advance(MANY)
        return {id for id, source in self.sources(*names).items() if source == "fresh"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


ALL = 10  # tasks


def test_all_is_proven_when_nothing_moves(world: World) -> None:
    """No look needs more than stat data; the configuration is not read."""
    before = world.twin.snapshots
    assert world.proven() == ALL
    assert world.twin.snapshots == before + 1


def test_one_run_of_one_task_says_nothing_of_another(world: World) -> None:
    """Two tasks read the folder that was edited; each has to see it for itself."""
    (world.root / "libs/one/src/a").write_text("AAAA")
    assert world.ran("gen") == {"one:gen"}
    assert world.ran("gen") == set()
    assert world.ran("tree") == {"one:tree"}


def test_a_file_added_behind_a_link_is_seen(world: World) -> None:
    """A glob's folder is a link: its own stat data say nothing of what is in it."""
    src = world.root / "libs/one/src"
    src.rename(world.root / "elsewhere")
    src.symlink_to(world.root / "elsewhere")
    for _ in range(3):
        world.ran()
    (world.root / "elsewhere/new").write_text("new")
    assert world.ran() >= {"one:gen", "one:tree"}


def test_the_mode_of_a_folder_behind_a_link_is_made_right(world: World) -> None:
    """The same for a folder of outputs."""
    tree = world.root / "libs/one/tree"
    real = world.root / "libs/one/real"
    tree.rename(real)
    tree.symlink_to("real")
    mode = (real / "deep").stat().st_mode
    for _ in range(3):
        world.ran()
    (real / "deep").chmod(0o700)
    world.ran()
    assert (real / "deep").stat().st_mode == mode


EDITS: list[tuple[str, Callable[[Path], object], int]] = [
    ("an output's folder", lambda root: (root / "libs/one/tree/deep").chmod(0o700), 1),
    ("an output", lambda root: (root / "libs/one/out/lit.txt").write_text(""), 2),
    ("an entry", lambda root: shutil.rmtree(entries(root)[0]), 1),
    ("an entry's manifest", lambda root: os.utime(entries(root)[0] / "manifest.json"), 1),
    ("a passing file", lambda root: passing(root / "libs/one/src"), 2),
]


def passing(folder: Path) -> None:
    (folder / "passing").touch()
    (folder / "passing").unlink()


@pytest.mark.parametrize(("what", "edit", "lost"), EDITS)
def test_an_edit_ends_just_the_proofs_that_rest_on_it(
    world: World, what: str, edit: Callable[[Path], object], lost: int
) -> None:
    """Everything else stays proven."""
    edit(world.root)
    assert world.proven() == ALL - lost, what


def test_another_environment_proves_nothing(world: World) -> None:
    """Not even for tasks that do not see it: which ones would is not asked."""
    world.twin.host["MODE"] = "2"
    assert world.proven() == 0
    assert world.proven() > 0


def test_another_function_of_contents_has_the_keys_of_a_fresh_cache(
    world: World, tmp_path: Path
) -> None:
    """Digests that were known by the old function have no part in keys by the new one."""
    text = json.dumps({"projects": ["/libs/*"], "cache": {"hash": "sha256"}})
    (world.root / ".haz/workspace.yml").write_text(text)
    world.clock.advance(MANY)
    found = world.run()
    fresh = Twin(tmp_path / "fresh", world.clock.senses, True, world.twin.host)
    populate(fresh.root)
    (fresh.root / ".haz/workspace.yml").write_text(text)
    assert found.tasks == fresh.run(()).tasks


def test_what_people_are_told_they_are_told_each_time(world: World) -> None:
    """A FIFO among the inputs is worth a remark in every run, proven or not."""
    os.mkfifo(world.root / "libs/one/src/fifo")
    for _ in range(4):
        assert finished(world).tools.keys.notes()


def test_what_another_process_has_learned_is_kept(world: World) -> None:
    """Of two runs at the same time the second to end adds to what the first has written."""
    (world.root / "libs/one/src/a").write_text("AAAA")
    (world.root / "shared/s").write_text("SHARED")
    world.clock.advance(MANY)
    slow = world.twin.kit()
    world.ran()
    world.ran()
    drive_whole(slow, (TaskId("two", "lit"),), lambda event: None)
    assert world.proven() == ALL


def test_a_run_of_a_program_keeps_the_proofs_of_others(world: World) -> None:
    """Without a snapshot nothing can be learned of tasks, and nothing is forgotten."""
    (world.root / "libs/one/src/a").write_text("AAAA")
    workspace, graph = world.twin.kit().workspace, world.twin.kit().graph

    async def main() -> None:
        async with open_engine(
            workspace, graph, run_command=carry_out, host=world.twin.host
        ) as engine:
            await engine.run_only([TaskId("one", "lit")])

    world.clock.advance(MANY)
    trio.run(main)
    known = read_known(str(world.root), b"blake3", senses=world.clock.senses)
    assert known is None or b"one:lit" not in known.tasks


def test_a_young_file_proves_nothing_until_it_is_old(world: World) -> None:
    """An edit in the tick of the look would leave no trace."""
    path = world.root / "libs/one/src/a"
    path.write_text("AAAA")
    world.run()
    path.write_text("BBBB")
    assert world.ran() >= {"one:gen", "one:lit", "one:tree"}


def test_a_clock_set_back_leaves_no_old_state_behind(world: World) -> None:
    """Files from the future are not kept until their time has come."""
    world.clock.advance(-1000 * SECOND)
    assert world.sources()
    assert not (world.root / SNAPSHOT).exists()
    known = read_known(str(world.root), b"blake3", senses=world.clock.senses)
    assert known is not None
    assert known.written_at_ns == world.clock.now


def test_a_state_file_that_cannot_be_written_changes_nothing(world: World) -> None:
    """A folder in its place, or a folder of state files that is none."""
    for place in (PLACE, SNAPSHOT):
        (world.root / place).unlink()
        (world.root / place).mkdir()
    (world.root / "libs/one/src/a").write_text("AAAA")
    assert world.ran() >= {"one:gen", "one:lit"}
    assert world.ran() == set()
    shutil.rmtree(world.root / CACHE / "state")
    (world.root / CACHE / "state").symlink_to(world.root / "libs")
    before = sorted(path for path in (world.root / "libs").rglob("*"))
    assert world.ran() == set()
    assert sorted(path for path in (world.root / "libs").rglob("*")) == before


def test_digests_of_upstream_and_environment_tell_things_apart() -> None:
    """Streams, order, absence, emptiness and the secret all count."""
    one = Upstream(TaskId("p", "a"), b"1" * 32, b"2" * 32)
    other = Upstream(TaskId("p", "b"), b"2" * 32, b"1" * 32)
    found = [upstream_digest(each) for each in ([], [one], [other], [one, other], [other, one])]
    assert len(set(found)) == len(found)
    secret = bytes(32)
    hosts: list[dict[str, str]] = [{}, {"A": ""}, {"A": "-"}, {"B": ""}, {"A": "", "B": ""}]
    digests = [environment_digest(secret, ["A", "B"], host) for host in hosts]
    digests.append(environment_digest(secret[::-1].replace(b"\0", b"1"), ["A", "B"], {}))
    assert len(set(digests)) == len(digests)
    assert environment_digest(secret, ["B", "A"], hosts[1]) == digests[1]


# -- what a memo rests on ---------------------------------------------------------------------


def grounds(kit: Kit, *tasks: str) -> Grounds | None:
    """What a memo of a run of these tasks would rest on, which is over."""
    _, jobs = kit.plan([id for id in kit.graph.ids if not tasks or str(id) in tasks])
    found = kit.memo_of(jobs)
    return None if found is None else found[0]


def finished(world: World) -> Kit:
    world.clock.advance(MANY)
    kit = world.twin.kit()
    drive_whole(kit, kit.graph.ids, lambda event: None)
    return kit


def test_a_memo_rests_on_the_cache_the_marker_and_all_files(world: World) -> None:
    """Every file of the workspace is either rested on or no business of the run."""
    found = grounds(finished(world))
    assert found is not None
    names = [os.fsdecode(name) for name in found.rows]
    assert names[:2] == [CACHE, ".haz/workspace.yml"]
    files = {
        str(path.relative_to(world.root))
        for path in world.root.rglob("*")
        if path.is_file() and CACHE not in str(path)
    }
    assert files <= set(names)
    assert {"libs", "shared", "libs/one/src"} <= set(names)


def test_a_task_without_its_predecessors_makes_no_memo(world: World) -> None:
    """Such a look leaves no proof, and an older one is of another kind of look."""
    kit = finished(world)
    assert grounds(kit, "one:use") is None
    assert grounds(kit, "one:use", "one:gen", "one:lit") is not None


def test_a_folder_that_changed_after_the_start_makes_no_memo(world: World) -> None:
    """A project may have come that this run has not seen; or the cache has moved."""
    for name in ("libs/new", f"{CACHE}/.restore-x"):
        kit = finished(world)
        (world.root / name).mkdir()
        assert grounds(kit) is None
        (world.root / name).rmdir()


def test_a_folder_that_is_gone_makes_no_memo(world: World) -> None:
    """But for overlays, which nobody needs to have."""
    kit = finished(world)
    assert not (world.root / ".haz/tasks").exists()
    assert grounds(kit) is not None
    (world.root / "libs").rename(world.root / "gone")
    assert grounds(kit) is None


def test_a_project_keeps_its_readers(world: World) -> None:
    """Who reads an output is remembered for one graph, and asked again for another."""
    path = "/libs/one/out/gen.txt"
    kit = finished(world)
    assert [*kit.recall.consumers(path)] == [*kit.graph.consumers_of(path)]
    body = json.dumps(project("one", "src/b"))
    (world.root / "libs/one/haz.yml").write_text(body)
    world.ran()
    world.ran()
    kit = finished(world)
    assert [*kit.recall.consumers(path)] == [*kit.graph.consumers_of(path)]


def test_a_key_of_an_old_input_is_not_renewed(world: World) -> None:
    """One task has seen the edit; another one, whose output is gone, still has to see it."""
    (world.root / "libs/one/src/a").write_text("AAAA")
    world.ran("gen")
    (world.root / "libs/one/tree/deep/x").unlink()
    assert world.ran("tree") == {"one:tree"}
    text = (world.root / "libs/one/tree/deep/x").read_text()
    assert "AAAA" in text
    world.ran()
    (world.root / "libs/one/tree/deep/x").unlink()
    assert world.ran("tree") == set()
    assert (world.root / "libs/one/tree/deep/x").read_text() == text


def test_a_proven_key_is_not_renewed_when_its_input_has_changed_since(world: World) -> None:
    """What one task sees after an edit in the midst of a run mends no key from before it."""
    path = world.root / "libs/one/src/a"
    path.write_text("AAAA")
    assert "one:lit" in world.ran()
    world.clock.advance(MANY)
    kit = world.twin.kit()
    _, jobs = kit.plan([TaskId("one", "lit"), TaskId("one", "gen")])
    kit.begin()
    lit = kit.looker().look(jobs[TaskId("one", "lit")], (), check=lambda: None)
    assert isinstance(lit, Found)
    path.write_text("BBBB")
    world.clock.advance(MANY)
    kit.looker().disturb()
    gen = kit.looker().look(jobs[TaskId("one", "gen")], (), check=lambda: None)
    assert isinstance(gen, Miss)
    kit.save()
    assert world.ran("lit") == {"one:lit"}
    assert "BBBB" in (world.root / "libs/one/out/lit.txt").read_text()
