"""What happens while the outputs of a task are copied, before its command (decisions.md 12)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from haz_trio.abc import Command, Emit, Ending, Stop, Subject
from haz_trio.cache.backups import Backup, Backups
from haz_trio.engine.threads import Threads
from haz_trio.plan.messages import Halted, Missed, Ran, TaskBegun
from tests.engine.test_worker import BUILD, Bench, does, new_stop
from tests.engine.workspaces import Act, ending

NUMBER = 20  # files that stand at the outputs
SEVENTH = 7


class Interrupted(Backups):
    """Something happens on the loop while the seventh file is about to be copied."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)
    checks = 0

    def take(self, subject: Subject, check: Callable[[], None] = lambda: None) -> Backup:
        def checked() -> None:
            self.checks += 1
            if self.checks == SEVENTH:
                trio.from_thread.run_sync(self.meanwhile)
            check()

        return super().take(subject, checked)


@attrs.frozen
class Rolling:
    """A task with outputs and a worker that copies them."""

    bench: Bench
    backups: Interrupted

    @classmethod
    def make(
        cls,
        root: Path,
        threads: Threads,
        act: Act | None = None,
        *,
        task_timeout: float = math.inf,
    ) -> Rolling:
        backups = Interrupted(str(root))
        bench = Bench.make(
            root,
            act or does(),
            backups=backups,
            threads=threads,
            task_timeout=task_timeout,
            outputs=["out/**"],
        )
        for number in range(NUMBER):
            bench.place.write(f"p/out/{number}", "old")
        return cls(bench, backups)

    def assert_nothing_began(self) -> None:
        """No command, and no copies: not even until the end of the run."""
        assert self.bench.command.commands == []
        assert not [event for event in self.bench.listener.events if isinstance(event, TaskBegun)]
        assert self.bench.listener.notes() == []
        assert self.bench.store.open == 0
        names = {path.name.split("-")[0] for path in self.bench.place.root.rglob(".restore-*/*")}
        assert names == {"owner"}
        self.bench.worker.close()
        assert self.bench.place.litter() == []


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads()
    yield threads
    threads.close()


@pytest.mark.row("A01")
def test_a_stop_ends_the_copying(tmp_path: Path, threads: Threads) -> None:
    """No further file is copied, nothing of it stays, and nothing is started."""
    rolling = Rolling.make(tmp_path, threads)

    async def main() -> object:
        assert isinstance(await rolling.bench.look(), Missed)
        stop = new_stop()

        def halt() -> None:  # as the loop does it
            stop.halted = True
            stop.ask.cancel()

        rolling.backups.meanwhile = halt
        return await rolling.bench.run(stop)

    assert trio.run(main) == Halted(BUILD)
    assert rolling.backups.checks == SEVENTH
    rolling.assert_nothing_began()


@pytest.mark.row("A01")
def test_a_stop_behind_the_copying_starts_nothing(tmp_path: Path, threads: Threads) -> None:
    """What was copied goes, and what others have changed meanwhile stays."""
    rolling = Rolling.make(tmp_path, threads)

    async def main() -> object:
        assert isinstance(await rolling.bench.look(), Missed)
        stop = new_stop()

        def halt() -> None:
            stop.ask.cancel()  # nobody tells the thread
            rolling.bench.place.write("p/out/0", "edited")

        rolling.backups.meanwhile = halt
        return await rolling.bench.run(stop)

    assert trio.run(main) == Halted(BUILD)
    assert rolling.backups.checks > SEVENTH
    assert (tmp_path / "p/out/0").read_text() == "edited"
    rolling.assert_nothing_began()


def test_a_cancellation_ends_the_copying(tmp_path: Path, threads: Threads) -> None:
    """Of whoever has called us: no further file is copied."""
    rolling = Rolling.make(tmp_path, threads)

    async def main() -> None:
        assert isinstance(await rolling.bench.look(), Missed)
        with trio.CancelScope() as scope:
            rolling.backups.meanwhile = scope.cancel
            await rolling.bench.run()
        assert scope.cancelled_caught

    trio.run(main)
    assert rolling.backups.checks == SEVENTH
    rolling.assert_nothing_began()


def test_the_limit_of_a_task_is_for_its_command(tmp_path: Path, threads: Threads) -> None:
    """However long the copying takes, the command has all of its time."""
    clock = trio.testing.MockClock()

    async def act(command: Command, emit: Emit, stop: Stop) -> Ending:
        with stop.ask:
            clock.jump(4)
            await trio.lowlevel.checkpoint()
        return ending(halted=stop.ask.cancelled_caught)

    rolling = Rolling.make(tmp_path, threads, act, task_timeout=5)
    rolling.backups.meanwhile = lambda: clock.jump(60)
    fact = trio.run(rolling.bench.look_and_run, clock=clock)
    assert isinstance(fact, Ran)
    rolling.bench.worker.close()
