"""``execution.outputs: rollback``: whatever ends a task or haz, outputs are all old or all new.

decisions.md 12; H12 says what holds without the setting.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import attrs
import pytest

from tests.cache.test_backups import Snapshot, snapshot
from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import Moment, gone_soon, halted

# Makes a tree from its input, takes its time about it, and is unable to do so atomically.
MAKE = """
cat in; echo begun
rm -rf out; mkdir -p out/sub; n=0
while [ $n -lt 6 ]; do
  n=$((n + 1)); cat in > out/$n; cp out/$n out/sub/$n; chmod 7$n$n out/sub/$n
  [ -e ../slow ] && sleep 0.02
done
ln -s sub/3 out/link
echo half; [ -e ../hang ] && sleep 60
cat in > single
"""


@attrs.frozen
class Built:
    """A workspace whose one task has succeeded, and what its outputs are."""

    home: Home
    good: Snapshot

    @classmethod
    def make(cls, root: Path, script: str = MAKE, **execution: object) -> Built:
        task = sh(script, inputs=["in"], outputs=["out/**", "single"])
        settings = {"outputs": "rollback", "cancel_grace": 0.3, **execution}
        home = Home.make(root, {"t": task}, execution=settings)
        (root / "p/in").write_text("first\n")
        assert home.haz("run", "p:t").code == 0
        return cls(home, outputs(home))


def outputs(home: Home) -> Snapshot:
    return {
        name: row
        for name, row in snapshot(home.place.p).items()
        if name.split("/")[0] in ("out", "single")
    }


def kill_half_way(home: Home) -> None:
    """Run the task that hangs, and kill haz when it has written half of its outputs."""
    with halted(home, None, "run", "p:t") as running:
        running.wait_for(b"half")
        running.child.kill()
        running.end()
        assert gone_soon(home)


def without_times(found: Snapshot) -> Snapshot:
    return {name: row[:-1] for name, row in found.items()}


@pytest.mark.row("H12")
@pytest.mark.parametrize(
    ("end", "words", "code"),
    [
        ("exit 3", (), 1),
        ("exit 3", ("--retries", "1"), 1),
        ("kill -KILL $$", (), 1),
        ("sleep 60", ("--task-timeout", "300ms"), 1),
        ("sleep 60", ("--timeout", "500ms"), 124),
        ("rm single", (), 1),
        ("exit 3", ("--no-cache",), 1),
    ],
    ids=["failed", "retried", "killed", "timed out", "out of time", "incomplete", "uncached"],
)
def test_a_task_that_does_not_succeed(
    tmp_path: Path, end: str, words: tuple[str, ...], code: int
) -> None:
    """Its outputs are the old ones: bytes, kinds, modes and times; and the next run heals."""
    bad = f'{MAKE}\n[ "$(cat in)" = bad ] && {{ touch out/new; {end}; }}\ntrue'
    built = Built.make(tmp_path, bad)
    (tmp_path / "p/in").write_text("bad\n")
    done = built.home.haz("run", "p:t", *words)
    assert done.code == code, done.err
    assert outputs(built.home) == built.good
    assert built.home.place.litter() == []
    (tmp_path / "p/in").write_text("first\n")
    again = built.home.haz("run", "p:t")
    assert again.said("1 completed (1 cached)"), again.err
    assert without_times(outputs(built.home)) == without_times(built.good)


def test_a_first_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Where there was nothing before, there is nothing afterwards."""
    task = sh(f"{MAKE}\nexit 1", inputs=["in"], outputs=["out/**", "single"])
    home = Home.make(tmp_path, {"t": task}, execution={"outputs": "rollback"})
    (tmp_path / "p/in").write_text("first\n")
    assert home.haz("run", "p:t").code == 1
    assert outputs(home) == {}


def test_without_the_setting_outputs_stay(tmp_path: Path) -> None:
    """The default keeps what a task leaves: reports of failed tests are wanted."""
    built = Built.make(tmp_path, f'{MAKE}\n[ "$(cat in)" = first ]', outputs="keep")
    (tmp_path / "p/in").write_text("bad\n")
    assert built.home.haz("run", "p:t").code == 1
    assert (tmp_path / "p/out/1").read_text() == "bad\n"


@pytest.mark.row("H12")
@pytest.mark.parametrize("presses", [1, 2, 3])
def test_presses_in_the_middle(tmp_path: Path, presses: int) -> None:
    """After the third press haz does not wait: then the next run puts back what is half done."""
    built = Built.make(tmp_path)
    (tmp_path / "p/in").write_text("second\n")
    (tmp_path / "hang").touch()
    with halted(built.home, None, "run", "p:t") as running:
        running.wait_for(b"half")
        running.press([signal.SIGINT] * presses)
        assert running.end() == 130
        assert gone_soon(built.home)
    if presses == 3:
        (tmp_path / "p/in").write_text("first\n")
        assert built.home.haz("run", "p:t").code == 0
    assert outputs(built.home) == built.good
    assert built.home.place.litter() == []


@pytest.mark.row("A01")
def test_a_press_while_outputs_are_copied(tmp_path: Path) -> None:
    """Before the command: it never starts, and nobody says that it did."""
    built = Built.make(tmp_path)
    (tmp_path / "p/in").write_text("second\n")
    with halted(built.home, Moment("open", ("kept-00000000-",)), "run", "p:t") as running:
        running.press([signal.SIGINT])
        running.go_on()
        assert running.end() == 130
    assert b"begun" not in running.heard
    assert outputs(built.home) == built.good
    assert built.home.place.litter() == []
    told = built.home.haz("why", "--receipt", "p:t").out.decode()
    assert "state: cancelled" in told
    assert "start" not in told
    assert "command" not in told


@pytest.mark.row("C05")
def test_a_killed_haz_is_healed_before_anything_is_looked_at(tmp_path: Path) -> None:
    """Run at once: the next haz waits until nobody writes, puts back, and has a hit."""
    built = Built.make(tmp_path)
    (tmp_path / "p/in").write_text("second\n")
    (tmp_path / "hang").touch()
    with halted(built.home, None, "run", "p:t") as running:
        running.wait_for(b"half")
        running.child.kill()
        (tmp_path / "p/in").write_text("first\n")
        done = built.home.haz("run", "p:t")
    assert done.said("note:", "p:t: its run was killed, so its outputs were put back"), done.err
    assert done.said("1 completed (1 cached)"), done.err
    assert outputs(built.home) == built.good
    assert built.home.place.litter() == []
    assert not built.home.haz("run", "p:t").said("note:")


def test_collectors_put_back_as_well_and_spare_a_living_run(tmp_path: Path) -> None:
    """``cache clear`` loses nothing: not of a run that goes on, nor of one that was killed."""
    built = Built.make(tmp_path)
    (tmp_path / "p/in").write_text("second\n")
    (tmp_path / "hang").touch()
    with halted(built.home, None, "run", "p:t") as running:
        running.wait_for(b"half")
        built.home.haz("cache", "clear")
        assert outputs(built.home) != built.good
        running.press([signal.SIGINT])
        assert running.end() == 130
    assert outputs(built.home) == built.good
    kill_half_way(built.home)
    assert outputs(built.home) != built.good
    assert built.home.haz("cache", "clear").code == 0
    assert outputs(built.home) == built.good


@pytest.mark.row("I09")
def test_nothing_is_put_back_from_a_cache_that_is_refused(tmp_path: Path) -> None:
    """Who may write there could have anything written; the record stays for its owner (I09)."""
    built = Built.make(tmp_path)
    (tmp_path / "p/in").write_text("second\n")
    (tmp_path / "hang").touch()
    kill_half_way(built.home)
    half, cache = outputs(built.home), tmp_path / ".haz/cache"
    cache.chmod(0o777)
    for words in (("clean", "--soft"), ("clear",)):
        done = built.home.haz("cache", *words)
        assert done.code == 2
        assert "which is not undone: the cache " in " ".join(done.err.decode().split())
        assert "o-w" in done.err.decode()
        assert outputs(built.home) == half
    assert [name[:8] for name in os.listdir(cache) if name.startswith(".restore")] == [".restore"]
    cache.chmod(0o755)
    done = built.home.haz("cache", "clear")
    assert done.code == 0
    assert done.said("p:t: its run was killed, so its outputs were put back")
    assert outputs(built.home) == built.good


def test_who_waits_for_a_killed_run_begins_with_its_old_outputs(tmp_path: Path) -> None:
    """A run that takes a task over from one that died finds nothing half done."""
    script = f"[ -e single ] && cat single out/sub/6 >> ../seen; {MAKE}"
    built = Built.make(tmp_path, script)
    (tmp_path / "p/in").write_text("second\n")
    (tmp_path / "hang").touch()
    with halted(built.home, None, "run", "p:t") as first:
        first.wait_for(b"half")
        (tmp_path / "seen").unlink()
        with halted(built.home, None, "run", "p:t") as second:
            time.sleep(0.5)
            (tmp_path / "hang").unlink()
            first.child.kill()
            assert second.end() == 0, second.heard
    assert (tmp_path / "seen").read_text() == "first\n" * 2
    assert (tmp_path / "p/single").read_text() == "second\n"


@pytest.mark.parametrize("count", [6, pytest.param(200, marks=pytest.mark.deep)])
def test_kills_at_random_instants(tmp_path: Path, count: int) -> None:
    """SIGKILL of haz, or of the task: outputs are those of one good run, never a mixture.

    An independent oracle: every file of a set has the words of its run in it.
    """
    built = Built.make(tmp_path)
    (tmp_path / "slow").touch()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    healed = 0
    for number in range(count):
        (tmp_path / "p/in").write_text(f"number {number}\n")
        with halted(built.home, None, "run", "p:t") as running:
            if chance.random() < 0.8:
                running.wait_for(b"begun")
            time.sleep(chance.uniform(0, 0.25))
            if chance.random() < 0.25:
                for pid in set(built.home.place.processes()) - {running.child.pid}:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            else:
                running.child.kill()
            running.end()
            before = outputs(built.home)
            # Another task, so that the outputs are only put back.
            (tmp_path / ".haz/tasks").mkdir(exist_ok=True)
            (tmp_path / ".haz/tasks/o.yml").write_text("tasks: {other: {command: [/bin/true]}}")
            assert built.home.haz("run", "p:other").code == 0
        found = outputs(built.home)
        healed += before != found
        words = {row[1] for row in found.values() if row[1] not in (b"", b"sub/3")}
        assert len(words) == 1, (number, words)
        assert len(found) == 6 * 2 + 4, (number, sorted(found))
        assert {oct(int(str(found[f"out/sub/{n}"][2]))) for n in range(1, 7)} == {
            f"0o7{n}{n}" for n in range(1, 7)
        }
        assert not [name for name in built.home.place.litter() if ".restore-" in name]
    print(f"healed {healed} of {count}")
