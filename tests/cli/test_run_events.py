"""``haz run --events``: the events of ``--json`` in a file or a descriptor (cli.md 14.3)."""

from __future__ import annotations

import array
import fcntl
import json
import os
import shutil
import signal
import subprocess
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import HAZ, LIMIT, Done, Home
from tests.cli.test_run_disks import small_disk
from tests.engine.workspaces import sh

Event = dict[str, Any]  # Any: JSON as it is read
LONG = "head -c 3000000 /dev/zero | tr '\\\\0' x | fold -w 99"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    tasks = {
        "a": sh("echo a"),
        "b": sh("echo b", deps=["~:a"], inputs=["src"]),
        "bad": sh("exit 3"),
        "long": sh(LONG),
    }
    home = Home.make(tmp_path, tasks)
    home.place.write("p/src", "1")
    return home


def lines(data: bytes) -> list[Event]:
    """Whole lines, numbered without a gap, from the first event of a run to its last."""
    assert data.endswith(b"\n")
    found = [json.loads(line) for line in data.splitlines()]
    assert [event["seq"] for event in found] == list(range(len(found)))
    assert (found[0]["type"], found[-1]["type"]) == ("run_start", "run_end")
    return found


def shapes(found: list[Event]) -> list[Event]:
    """Events without what differs from run to run."""
    taken = ("ts", "duration", "waits")
    return [{k: v for k, v in each.items() if k not in taken} for each in found]


def in_file(home: Home, name: str = "events.jsonl") -> list[Event]:
    return lines((home.root / name).read_bytes())


def masked(done: Done) -> tuple[int, bytes, list[str]]:
    """What people get, without durations."""
    words = [" ".join(w for w in line.split() if not w.endswith("ms")) for line in done.lines]
    return done.code, done.out, words


def test_people_see_the_same_and_the_file_has_the_events_of_json(home: Home) -> None:
    """For a run, a run of hits, and one of both; each begins with an empty file."""
    words = ("run", "-j1", "p:b", "p:bad")
    for change in ("1", "1", "2"):
        home.place.write("p/src", change)
        ways = []
        cache, kept = home.root / ".haz/cache", home.root.with_name("kept")
        for flags in ((), ("--json",), ("--events", "events.jsonl")):
            if cache.exists():
                subprocess.run(["cp", "-a", str(cache), str(kept)], check=True)
            ways.append(home.haz(*words, *flags))
            shutil.rmtree(cache)
            if kept.exists():
                kept.rename(cache)
        plain, machine, both = ways
        assert masked(both) == masked(plain)
        assert shapes(in_file(home)) == shapes(lines(machine.out))
        home.haz(*words)


def test_a_run_of_hits_alone(home: Home) -> None:
    """It needs no loop, and is never said from a memo without its events."""
    for _ in range(3):
        done = home.haz("run", "p:b", "--events", "events.jsonl")
        assert (done.code, done.out) == (0, b"[p:a] a\n[p:b] b\n")
        found = in_file(home)
        (home.root / "events.jsonl").unlink()
    assert [e["source"] for e in found if e["type"] == "task_end"] == ["cache", "cache"]
    assert found[-1]["counts"]["cached"] == 2


def test_a_run_without_tasks_has_a_beginning_and_an_end(home: Home) -> None:
    """A reader need not know why nothing ran."""
    assert home.haz("run", "--all", "--query", "name:x", "--events", "e").code == 0
    assert [event["type"] for event in in_file(home, "e")] == ["run_start", "run_end"]


def test_both_ways_get_the_same_lines(home: Home) -> None:
    """With `--json`, too; the summary agrees on the beginning."""
    words = ("run", "--json", "--events", "e", "--summary", "s", "--all")
    done = home.haz(*words, cwd=home.root / "p")
    written = (home.root / "p/e").read_bytes()
    assert written == done.out
    summary = json.loads((home.root / "p/s").read_bytes())
    assert summary["started"] == lines(written)[0]["ts"]


def test_a_descriptor_that_was_passed_on(home: Home) -> None:
    """Gets the same; tasks do not inherit it, nor the descriptor of a file."""
    peek = "for n in /proc/self/fd/*; do [ ${n##*/} -gt 2 ] && readlink $n; done; true"
    home = Home.make(home.root / "other", {"t": sh(peek)})
    done = home.shell('"$@" run --events fd:7 p:t 7>events.jsonl')
    assert done.code == 0
    assert b"events.jsonl" not in done.out
    assert [e["state"] for e in in_file(home) if e["type"] == "task_end"] == ["completed"]
    assert b"events.jsonl" not in home.haz("run", "-f", "p:t", "--events", "events.jsonl").out
    again = home.shell('"$@" run --events fd:7 p:t 7>>events.jsonl')
    assert again.code == 0
    assert (home.root / "events.jsonl").read_bytes().count(b'"run_start"') == 2


@pytest.mark.parametrize(
    ("redirection", "text"),
    [
        ("7<p/src", "descriptor 7 is not open for writing"),
        ("7>&-", "descriptor 7 is not open; open it as in `7>events.jsonl`"),
    ],
)
def test_a_descriptor_that_cannot_be_written(home: Home, redirection: str, text: str) -> None:
    """Is a mistake of the command line, and nothing runs."""
    done = home.shell(f'"$@" run --events fd:7 p:a {redirection}')
    assert (done.code, done.out) == (2, b"")
    assert text in " ".join(done.err.decode().split())


@pytest.mark.parametrize("earlier", [None, b"{}"])
def test_events_and_summary_are_two_files(home: Home, earlier: bytes | None) -> None:
    """Whatever the one file is called, it is told before anything runs or is emptied."""
    (home.root / "link").symlink_to("e")
    if earlier is not None:
        (home.root / "e").write_bytes(earlier)
    for name in ("e", "./e", "p/../e", "link"):
        done = home.haz("run", "p:a", "--events", "e", "--summary", name)
        assert (done.code, done.out) == (2, b"")
        assert b"both name" in done.err
        assert ((home.root / "e").read_bytes() if (home.root / "e").exists() else None) == earlier
    assert home.haz("run", "p:a", "--events", "/dev/null", "--summary", "/dev/null").code == 0


def test_a_file_that_cannot_be_written_is_told_before_anything_runs(home: Home) -> None:
    """With the exit code that `--summary` has for it, and one error."""
    os.mkfifo(home.root / "fifo")
    for name, text in (
        ("no/such/file", "its folder must exist"),
        ("p/src/file", "its folder must exist"),
        ("p", "Is a directory"),
        ("fifo", "nobody reads it"),
    ):
        done = home.haz("run", "p:a", "--events", name)
        assert (done.code, done.out) == (2, b"")
        said = " ".join(done.err.decode().replace("│", "").split())
        assert "--events: no file can be written at" in said
        assert text in said
        assert said.count("events") == 1
    assert home.haz("run", "p:a").said("[p:a]", "done"), "it had not run"


@pytest.mark.parametrize("again", [False, True])
def test_a_full_disk_is_told_once(home: Home, again: bool) -> None:
    """The run goes on and people see all of it; then it has not succeeded (decisions.md 9)."""
    if again:
        home.haz("run", "p:b")
    done = home.haz("run", "p:b", "--events", "/dev/full")
    assert (done.code, done.out) == (1, b"[p:a] a\n[p:b] b\n")
    assert len(done.said("cannot write the events to /dev/full: No space left on device")) == 1
    assert done.said("Tasks: 2 completed")
    assert home.haz("run", "p:bad", "--events", "/dev/full", "--timeout", "1m").code == 1


def test_what_fits_on_a_disk_is_whole_lines(home: Home) -> None:
    """The line that did not fit is not there at all."""
    with small_disk(home.root / "small"):
        done = home.haz("run", "p:long", "--events", "small/e")
        assert done.code == 1
        assert len(done.out) > 3_000_000
        data = (home.root / "small/e").read_bytes()
    assert len(data) > 500_000
    assert data.endswith(b"\n")
    found = [json.loads(line) for line in data.splitlines()]
    assert [event["seq"] for event in found] == list(range(len(found)))


@pytest.mark.parametrize("again", [False, True])
def test_a_reader_that_went_away_is_no_error(home: Home, again: bool) -> None:
    """The run goes on, and nothing is said of it."""
    if again:
        home.haz("run", "p:long")
    script = '{ "$@" run p:long --events fd:7 7>&1 >out 2>err; echo $? >code; } | head -c 100'
    home.shell(script)
    assert (home.root / "code").read_text() == "0\n"
    assert len((home.root / "out").read_bytes()) > 3_000_000
    assert "events" not in (home.root / "err").read_text()


@pytest.mark.parametrize("again", [False, True])
def test_a_reader_that_takes_its_time_gets_everything(home: Home, again: bool) -> None:
    """A pipe of 64 KiB holds nobody up for ever, and people lose nothing."""
    if again:
        home.haz("run", "p:long")
    done = home.shell('{ "$@" run p:long --events fd:7 7>&1 >out; } | { sleep 1; cat >e; }')
    text = "".join(e["text"] for e in in_file(home, "e") if e["type"] == "task_output")
    assert len(text) > 3_000_000
    assert len((home.root / "out").read_bytes()) > 3_000_000
    assert done.said("Tasks: 1 completed")


def test_a_full_fifo_is_waited_for(home: Home) -> None:
    """Though its descriptor does not block."""
    os.mkfifo(home.root / "fifo")
    script = 'exec 8<>fifo; cat fifo >e 8>&- & "$@" run p:long --events fifo 8>&- >out'
    assert home.shell(f"{script}; code=$?; exec 8>&-; wait; exit $code").code == 0
    assert in_file(home, "e")[-1]["exit_code"] == 0


@pytest.mark.parametrize("again", [False, True])
def test_a_reader_that_stopped_reading_does_not_hold_up_a_stop(home: Home, again: bool) -> None:
    """Ctrl-C ends the run as if nobody listened; what people were told is there."""
    if again:
        home.haz("run", "p:long")
    reader, writer = os.pipe()
    with subprocess.Popen(
        [*HAZ, "run", "p:long", "--events", f"fd:{writer}"],
        cwd=home.root,
        env=home.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(writer,),
    ) as child:
        assert child.stdout is not None
        if again:  # all of it is said, and nobody takes the events
            seen = 0
            while seen < 3_000_000:
                seen += len(os.read(child.stdout.fileno(), 1 << 16))
        else:
            os.read(child.stdout.fileno(), 1)
        # Not to be seen from outside: that the pipe for the events is full.
        end = time.monotonic() + LIMIT
        while full_by(reader) < 60_000 and time.monotonic() < end:
            time.sleep(0.01)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=LIMIT)
        assert child.returncode in (130, -signal.SIGINT), err  # a shell says 130 to both
        assert time.monotonic() - began < 6
    os.close(reader)
    os.close(writer)


def full_by(descriptor: int) -> int:
    """How many bytes wait in a pipe."""
    waiting = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, waiting)
    return waiting[0]
