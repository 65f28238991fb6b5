"""The programs in ``examples/`` do what they say, and leave nothing behind."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType

import attrs
import pytest
import trio

from tests.engine.workspaces import Place, sh
from tests.faults.sweep import State, held_locks, litter
from tests.faults.test_every_step import STUBBORN
from tests.process.support import TOKEN

EXAMPLES = Path(__file__).parents[1] / "examples"
FILE = EXAMPLES / "host.py"


@pytest.fixture
def host() -> ModuleType:
    spec = importlib.util.spec_from_file_location("host", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@attrs.define
class Client:
    """Takes some messages as a WebSocket does, and then stops reading."""

    most: float
    taken: list[str] = attrs.field(factory=list)

    async def send(self, text: str) -> None:
        if len(self.taken) >= self.most:
            await trio.sleep_forever()
        self.taken.append(text)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Tasks that print much, fork, ignore SIGTERM and leave their sessions."""
    loud = "yes | head -c 2000000; echo x > out"
    tasks = {
        "loud": sh(loud, outputs=["out"]),
        "stubborn": sh(STUBBORN.replace("sleep 0.2", "sleep 30")),
        "next": sh("true", deps=["~:loud"]),
    }
    settings = {"execution": {"cancel_grace": 0.3}, "concurrency": {"default": 4}}
    place = Place.make(tmp_path, tasks, **settings)
    monkeypatch.setenv(TOKEN, place.host[TOKEN])
    return place


def left_by(place: Place, live: Callable[[], Awaitable[object]]) -> object:
    """Live, and find processes, descriptors, threads and files as they were before."""

    async def main() -> object:
        await trio.to_thread.run_sync(int)
        before = State.now()
        with trio.fail_after(15):
            result = await live()
        assert State.now() == before
        return result

    result = trio.run(main)
    assert place.processes() == []
    assert litter(place.root) == []
    assert not held_locks(place.root)
    return result


def test_the_example_is_short() -> None:
    """It is a program of fewer than 40 lines."""
    assert len(FILE.read_text().splitlines()) < 40


@pytest.mark.parametrize("most", [0, 5, 1000000])
def test_a_deadline_ends_a_run_whose_client_has_stopped_reading(
    place: Place, host: ModuleType, most: int
) -> None:
    """Whether it reads nothing, something or everything: at the deadline nothing is left."""
    client, seconds = Client(most), 0.8 if most < 10 else 3.0
    assert left_by(place, lambda: host.serve(str(place.root), seconds, client.send)) is False
    assert len(client.taken) <= most
    assert (place.p / "out").exists() == (most == 1000000)


def test_the_host_cancels_a_run_whose_client_has_stopped_reading(
    place: Place, host: ModuleType
) -> None:
    """The cancellation of the host goes through engine, events and client alike."""
    client = Client(5)

    async def live() -> bool:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(host.serve, str(place.root), 60.0, client.send)
                while len(client.taken) < 5:  # noqa: ASYNC110  # it only counts
                    await trio.sleep(0.01)
                await trio.sleep(0.3)
                scope.cancel()
        return scope.cancelled_caught

    assert left_by(place, live) is True


def test_a_run_that_is_over_before_its_deadline_has_its_report(tmp_path: Path) -> None:
    """As a program: every event is a line, and the exit code is that of the run."""
    place = Place.make(tmp_path, {"a": {"command": ["/bin/echo", "hello"]}})
    words = [sys.executable, str(FILE), str(place.root), "20"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    lines = done.stdout.splitlines()
    assert "RunStarted" in lines[0]
    assert "RunFinished" in lines[-1]
    assert any("hello" in line for line in lines)
    assert done.stderr == ""
