"""Short work on the loop: begun there, and done by a thread when it turns out to be long."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
import trio

from haz_trio.abc import Found as Entry
from haz_trio.abc import Miss, Restored, Subject
from haz_trio.cache.claims import Claims
from haz_trio.cache.files import Disk
from haz_trio.cache.inputs import InputReader
from haz_trio.cache.root import CacheRoot
from haz_trio.engine.brief import BUDGET, LONGEST, Brief, is_plain
from haz_trio.engine.found import Found
from haz_trio.engine.gathering import Gathering
from haz_trio.engine.hands import Check
from haz_trio.engine.jobs import Job, job_for
from haz_trio.engine.keys import Keys
from haz_trio.engine.looker import Looker
from haz_trio.engine.looking import Looking
from haz_trio.engine.threads import Threads
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import HashName
from haz_trio.testing.memory_store import MemoryStore
from tests.engine.workspaces import Place


@attrs.define
class Clock:
    """Seconds that pass with each question."""

    step: float = 0.0
    now: float = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def ask(check: Check, times: int) -> int:
    for _ in range(times):
        check()
    return times


def test_short_work_is_done() -> None:
    """With its arguments, as long as the time is not over."""
    assert Brief(Clock(BUDGET / 10)).do(ask, times=5) == 5


def test_long_work_gives_up_when_it_asks() -> None:
    """A thread has to do it; work that never asks is done, however long it took."""
    assert Brief(Clock(BUDGET)).do(ask, 5) is None
    assert Brief(Clock(2 * BUDGET)).do(ask, 0) == 0


def test_work_that_fails_fails_at_once() -> None:
    def fail(check: Check) -> int:
        raise KeyError("reason")

    with pytest.raises(KeyError, match="reason"):
        Brief(Clock()).do(fail)


def test_slow_work_is_tried_ever_more_seldom_and_never_given_up() -> None:
    """A slow disk costs the loop few tries; when it is quick again all is as before."""
    clock = Clock(2 * BUDGET)
    brief = Brief(clock)
    tried = [n for n in range(10 * LONGEST) if brief.do(ask, 0) is not None]
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert gaps[:4] == [2, 3, 5, 9]
    assert gaps[-1] == LONGEST + 1
    clock.step = 0.0
    for _ in range(20 * LONGEST):
        brief.do(ask, 0)
    clock.step = 2 * BUDGET
    assert brief.do(ask, 0) == 0
    assert [brief.do(ask, 0) for _ in range(3)] == [None, 0, None]


@attrs.define
class WatchedStore(MemoryStore):
    """A store that writes down in which threads it is used."""

    threads: list[str] = attrs.field(factory=list)

    def look(self, key: str, subject: Subject) -> Entry | Miss:
        self.threads.append(f"look in {threading.current_thread().name.split()[0]}")
        return MemoryStore.look(self, key, subject)

    def restore(self, found: Entry, subject: Subject) -> Restored | Miss:
        self.threads.append(f"restore in {threading.current_thread().name.split()[0]}")
        return MemoryStore.restore(self, found, subject)


@attrs.define
class Bench:
    """One task, and who looks and gathers for it with a clock of the test's own."""

    job: Job
    store: WatchedStore
    looking: Looking
    gathering: Gathering
    looker: Looker
    threads: Threads

    @classmethod
    def make(cls, root: Path, step: float, **fields: object) -> Bench:
        task = {"command": ["tool"], "inputs": ["src/**"], "outputs": ["out.txt"], **fields}
        place = Place.make(root, {"build": task})
        for number in range(5):
            place.write(f"p/src/{number}", "text")
        workspace, graph = place.load()
        store, threads = WatchedStore(root), Threads()
        reader = InputReader(workspace.root, HashName.BLAKE3)
        keys = Keys(reader, HashName.BLAKE3, place.host, lambda _: ())
        looker = Looker(store, keys)
        job = job_for(graph.nodes[TaskId("p", "build")], workspace, place.host)
        looking = Looking(store, looker, threads, Brief(Clock(step)))
        gathering = Gathering(keys, looker, threads, Brief(Clock(step)))
        return cls(job, store, looking, gathering, looker, threads)

    async def look(self) -> Found | Miss:
        found = self.looking.look_nowait(self.job, ()) or await self.looking.look(self.job, ())
        assert isinstance(found, Found | Miss)
        return found

    async def store_result(self, root: Path) -> None:
        """What a command would do that the look was for."""
        pending = self.looking.take_begun(self.job.id)
        assert pending is not None
        (root / "p/out.txt").write_text("made")
        key = self.looker.looked[self.job.id]
        gathered = await self.gathering.gather(self.job, key, pending, outlived=False)
        assert not gathered.obstacle
        assert gathered.collected.written == ("/p/out.txt",)
        pending.commit(foreign=frozenset(), duration=0.0)


@pytest.mark.parametrize("step", [0.0, BUDGET / 4])
def test_a_look_is_the_same_wherever_it_is_made(tmp_path: Path, step: float) -> None:
    """On the loop, or in a thread after the loop has given up: one result begins, which is kept.

    Nothing is put back on the loop, where nobody could do anything meanwhile.
    """
    bench = Bench.make(tmp_path, step)

    async def main() -> None:
        assert isinstance(await bench.look(), Miss)
        await bench.store_result(tmp_path)
        (tmp_path / "p/out.txt").unlink()
        assert isinstance(await bench.look(), Found)
        assert isinstance(await bench.look(), Found)

    trio.run(main)
    bench.threads.close()
    bench.looking.close()
    assert bench.store.open == 0
    assert (tmp_path / "p/out.txt").read_text() == "made"
    first = "look in haz" if step else "look in MainThread"
    assert bench.store.threads[0] == first
    restores = [line for line in bench.store.threads if line.startswith("restore")]
    assert restores == ["restore in haz"] * 2


def test_what_is_proven_is_found_on_the_loop_also_after_a_restore(tmp_path: Path) -> None:
    """A thread that has put back one task does not make all later hits wait for threads."""
    bench = Bench.make(tmp_path, 0.0)

    async def main() -> Found:
        await bench.look()
        await bench.store_result(tmp_path)
        (tmp_path / "p/out.txt").unlink()
        found = await bench.look()
        assert isinstance(found, Found)
        return found

    found = trio.run(main)
    bench.threads.close()
    assert bench.looking.look_nowait(bench.job, ()) is None
    bench.looker.recall = lambda job, upstream: found  # type: ignore[method-assign]
    assert bench.looking.look_nowait(bench.job, ()) is found
    bench.looking.close()


def test_a_look_that_has_to_wait_is_made_in_a_thread(tmp_path: Path) -> None:
    """For a result that is about to be stored, or for another process, the loop never waits."""
    bench = Bench.make(tmp_path, 0.0)
    bench.looker.is_awaited = lambda key: True
    assert bench.looking.look_nowait(bench.job, ()) is None
    assert not bench.looker.looked
    bench.looker.is_awaited = lambda key: False
    ours, theirs = (Claims(CacheRoot(str(tmp_path), Disk()), Disk()) for _ in range(2))
    bench.looker.claims = ours
    claim = theirs.claim_task(str(bench.job.id))
    assert claim is not None
    assert bench.looking.look_nowait(bench.job, ()) is None
    claim.release()
    assert isinstance(bench.looking.look_nowait(bench.job, ()), Miss)
    bench.looking.close()
    bench.looker.let_all_go()
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("fields", "plain"),
    [
        ({}, True),
        ({"outputs": []}, True),
        ({"outputs": ["out.txt", "dist/**"]}, False),
        ({"command": None, "function": "tool.py:main"}, False),
    ],
)
def test_what_nobody_can_bound_is_no_work_for_the_loop(
    tmp_path: Path, fields: dict[str, object], plain: bool
) -> None:
    """Code of the workspace, and folders of outputs, which may be of any size."""
    given = {"command": ["tool"], "outputs": ["out.txt"], **fields}
    task = {name: value for name, value in given.items() if value is not None}
    place = Place.make(tmp_path, {"build": task})
    place.write("p/tool.py", "def main() -> None: ...\n")
    workspace, graph = place.load()
    job = job_for(graph.nodes[TaskId("p", "build")], workspace, {})
    assert is_plain(job) is plain
