"""What programs read of a run: events, the summary, predictions, annotations (cli.md 14.3)."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Done, Home
from tests.engine.workspaces import sh
from tests.faults.support import halted

BYTES = r"printf 'a\n\377\000z'; echo warn >&2"
Event = dict[str, Any]  # Any: JSON as it is read


def events(done: Done) -> list[Event]:
    """Standard output, every line of which is one event, numbered without a gap."""
    found = [json.loads(line) for line in done.out.splitlines()]
    assert done.out.endswith(b"\n")
    assert [event["seq"] for event in found] == list(range(len(found)))
    assert all(event["v"] == 1 for event in found)
    assert [event["ts"] for event in found] == sorted(event["ts"] for event in found)
    assert (found[0]["type"], found[-1]["type"]) == ("run_start", "run_end")
    return found


def of(found: list[Event], kind: str) -> list[Event]:
    return [event for event in found if event["type"] == kind]


def stream(found: list[Event], task: str, name: str) -> bytes:
    """What a task wrote, put together from its pieces, whose offsets fit."""
    whole = b""
    for event in of(found, "task_output"):
        if (event["task"], event["stream"]) == (task, name):
            assert event["offset"] == len(whole)
            assert ("text" in event) is not ("base64" in event)
            whole += (
                event["text"].encode() if "text" in event else base64.b64decode(event["base64"])
            )
    return whole


@pytest.fixture
def mixed(tmp_path: Path) -> Home:
    tasks = {
        "bytes": sh(BYTES),
        "bad": sh("exit 3"),
        "behind": sh("true", deps=["~:bad"]),
        "gone": sh("true", inputs=["no-such-file"]),
    }
    return Home.make(tmp_path, tasks, concurrency={"default": 2, "tags": {"net": 1}})


def test_a_run_as_events(mixed: Home) -> None:
    """Each task ends once, who starts does so before it prints, bytes are exact, nothing else."""
    done = mixed.haz("run", "--json", "--workspace")
    found = events(done)
    assert done.code == found[-1]["exit_code"] == 1
    assert found[0]["tasks"] == ["p:bad", "p:behind", "p:bytes", "p:gone"]
    assert (found[0]["jobs"], found[0]["tag_caps"]) == (2, {"net": 1})
    ends = {event["task"]: event for event in of(found, "task_end")}
    assert Counter(event["task"] for event in of(found, "task_end")) == Counter(found[0]["tasks"])
    assert (ends["p:bytes"]["state"], ends["p:bytes"]["source"]) == ("completed", "fresh")
    assert (ends["p:bad"]["state"], ends["p:bad"]["exit"]) == ("failed", 3)
    assert (ends["p:behind"]["state"], ends["p:behind"]["upstream"]) == ("skipped", "p:bad")
    assert ends["p:gone"]["state"] == "errored"
    assert "no-such-file" in ends["p:gone"]["reason"]
    assert stream(found, "p:bytes", "stdout") == b"a\n\xff\0z"
    assert stream(found, "p:bytes", "stderr") == b"warn\n"
    starts = {event["task"]: event for event in of(found, "task_start")}
    assert set(starts) == {"p:bytes", "p:bad"}
    assert starts["p:bytes"]["key"] == ends["p:bytes"]["key"]
    for task, start in starts.items():
        assert start["seq"] < ends[task]["seq"]
        assert all(
            start["seq"] < e["seq"] < ends[task]["seq"]
            for e in of(found, "task_output")
            if e["task"] == task
        )
    assert found[-1]["counts"] == {
        "completed": 1,
        "cached": 0,
        "failed": 1,
        "errored": 1,
        "skipped": 1,
        "cancelled": 0,
    }


def test_what_people_read_stays_on_stderr(mixed: Home) -> None:
    """Summaries and epilogue are there; the tasks' own lines are in the events alone."""
    done = mixed.haz("run", "--json", "p:bytes")
    assert done.said("p:bytes", "done in")
    assert done.said("Tasks: 1 completed")
    assert not done.said("warn")


def test_a_hit_is_started_shown_and_ended(mixed: Home) -> None:
    """With the same bytes as the run that it stands for."""
    mixed.haz("run", "p:bytes")
    found = events(mixed.haz("run", "--json", "p:bytes"))
    (end,) = of(found, "task_end")
    assert (end["state"], end["source"]) == ("completed", "cache")
    assert stream(found, "p:bytes", "stdout") == b"a\n\xff\0z"
    assert len(of(found, "task_start")) == 1
    assert not of(found, "task_miss")


def test_tries_and_waits_are_events(tmp_path: Path) -> None:
    """Who waits for a mutex says so; each failed try is told, and starts once."""
    lock = {"mutex": {"name": "db", "mode": "exclusive"}}
    tasks = {"a": sh("sleep 0.2", **lock), "b": sh("exit 9", **lock)}
    found = events(Home.make(tmp_path, tasks).haz("run", "--json", "-j2", "--retries=1", "--all"))
    retries = [(e["task"], e["try"], e["tries"], e["exit"]) for e in of(found, "task_retry")]
    assert retries == [("p:b", 1, 2, 9)]
    assert len(of(found, "task_start")) == 2
    waits = of(found, "task_wait")
    assert waits
    assert all((e["on"], e["name"]) == ("mutex", "db") for e in waits)
    ends = {event["task"]: event for event in of(found, "task_end")}
    assert ends["p:b"]["tries"] == 2
    assert ends[waits[0]["task"]]["waits"]["mutex"] > 0


def test_a_task_out_of_time_says_how_much_it_had(tmp_path: Path) -> None:
    """The limit stands in the place of an exit status."""
    home = Home.make(tmp_path, {"t": sh("exec sleep 20")})
    found = events(home.haz("run", "--json", "--task-timeout=200ms", "p:t"))
    (end,) = of(found, "task_end")
    assert (end["state"], end["timed_out"]) == ("failed", 0.2)
    assert (end["ended"], end["grace"]) == ({"signal": 15}, 5.0)
    [sent] = end["signals"]
    assert sent["name"] == "SIGTERM"
    assert 0 < sent["at"] < 10


def test_an_interrupted_run_has_its_exit_code(tmp_path: Path) -> None:
    """A time limit for the whole run ends in 124, in the last event too."""
    home = Home.make(tmp_path, {"t": sh("exec sleep 20"), "u": sh("true", deps=["~:t"])})
    done = home.haz("run", "--json", "--timeout=300ms", "p:u")
    found = events(done)
    assert done.code == found[-1]["exit_code"] == 124
    assert found[-1]["stopped"] is True
    states = {e["task"]: e["state"] for e in of(found, "task_end")}
    assert states == {"p:t": "cancelled", "p:u": "cancelled"}
    assert any("--timeout" in e["message"] for e in of(found, "diagnostic"))
    limit = {"kind": "time_limit", "seconds": 0.3}
    causes = {e["task"]: e["cause"] for e in of(found, "task_end")}
    first = {"kind": "task", "task": "p:t", "state": "cancelled", "cause": limit}
    assert causes == {"p:t": limit, "p:u": first}
    assert found[-1]["cause"] == limit


def test_a_stubborn_command_has_a_receipt(tmp_path: Path) -> None:
    """Asked, killed when its grace was over, and who did not want to go: told to all readers."""
    tasks = {"t": sh("trap '' TERM; (trap '' TERM; sleep 30) & sleep 30 & echo up; wait; wait")}
    home = Home.make(tmp_path, tasks, execution={"cancel_grace": 0.3})
    with halted(home, None, "run", "--json", "p:t") as running:
        running.wait_for(b"up\\n")
        running.press([signal.SIGTERM])
        assert running.end() == 143
    lines = [line for line in running.heard.splitlines() if line.startswith(b"{")]
    (end,) = of([json.loads(line) for line in lines], "task_end")
    assert end["cause"] == {"kind": "signal", "name": "SIGTERM"}
    assert (end["state"], end["grace"], end["ended"]) == ("cancelled", 0.3, {"signal": 9})
    asked, killed = end["signals"]
    assert (asked["name"], killed["name"]) == ("SIGTERM", "SIGKILL")
    assert 0.3 <= killed["at"] - asked["at"] < 10
    assert any("sleep" in name for name in end["outlived_by"])
    assert b"was killed " in running.heard
    assert b"after it was asked to end" in running.heard


def test_a_skipped_task_names_how_its_cause_ended(tmp_path: Path) -> None:
    """With the exit code, however far away the failure is."""
    tasks = {"a": sh("exit 3"), "b": sh("true", deps=["~:a"]), "c": sh("true", deps=["~:b"])}
    found = events(Home.make(tmp_path, tasks).haz("run", "--json", "p:c"))
    ends = {e["task"]: e for e in of(found, "task_end")}
    cause = {"kind": "task", "task": "p:a", "state": "failed", "exit": 3}
    assert ends["p:b"]["cause"] == ends["p:c"]["cause"] == cause
    assert "cause" not in ends["p:a"]


def test_a_first_failure_that_stops_the_run_is_the_cause(tmp_path: Path) -> None:
    """With ``--fail-fast``."""
    tasks = {"a": sh("sleep 0.2; exit 3"), "b": sh("exec sleep 30")}
    home = Home.make(tmp_path, tasks)
    found = events(home.haz("run", "--json", "--fail-fast", "-j2", "--workspace"))
    ends = {e["task"]: e for e in of(found, "task_end")}
    cause = {"kind": "task", "task": "p:a", "state": "failed", "exit": 3}
    assert ends["p:b"]["cause"] == found[-1]["cause"] == cause


def test_nothing_to_run_is_a_run_too(mixed: Home) -> None:
    """A reader always finds a start and an end."""
    found = events(mixed.haz("run", "--json", "p:bad", "--skip", "p:bad"))
    assert [event["type"] for event in found] == ["run_start", "run_end"]
    assert found[-1]["exit_code"] == 0


def test_errors_before_the_run_are_not_on_stdout(mixed: Home) -> None:
    """A selection that fails prints no half document."""
    done = mixed.haz("run", "--json", "p:nope")
    assert (done.code, done.out) == (2, b"")


def test_a_violation_is_a_diagnostic(tmp_path: Path) -> None:
    """Two writers of one file are named with their rule (EXEC-020)."""
    tasks = {n: sh("echo > o/same", outputs=["o/*"]) for n in ("a", "b")}
    home = Home.make(tmp_path, tasks)
    (home.root / "p/o").mkdir()
    done = home.haz("run", "--json", "-j1", "--all")
    (found,) = [e for e in of(events(done), "diagnostic") if e["severity"] == "error"]
    assert (found["rule"], found["tasks"], found["path"]) == (
        "EXEC-020",
        ["p:a", "p:b"],
        "/p/o/same",
    )


def test_the_summary_is_one_document(mixed: Home) -> None:
    """It is there when the run is over, also after a failure; standard output stays the echo."""
    done = mixed.haz("run", "--summary", "run.json", "--workspace")
    assert done.code == 1
    assert done.out == b"[p:bytes] a\n[p:bytes] \xff\0z\n"
    document = json.loads((mixed.root / "run.json").read_bytes())
    assert document["v"] == 1
    assert document["exit_code"] == 1
    states = {task["task"]: task["state"] for task in document["tasks"]}
    assert list(states) == sorted(states)
    assert states == {
        "p:bad": "failed",
        "p:behind": "skipped",
        "p:bytes": "completed",
        "p:gone": "errored",
    }
    assert document["counts"]["completed"] == 1
    assert [p.name for p in mixed.root.iterdir() if "run.json" in p.name or ".haz-" in p.name] == [
        "run.json"
    ]


def test_a_summary_replaces_the_last_one(mixed: Home) -> None:
    """Also together with events."""
    (mixed.root / "run.json").write_text("old")
    done = mixed.haz("run", "--summary", "run.json", "--json", "p:bytes")
    assert done.code == 0
    assert json.loads((mixed.root / "run.json").read_bytes())["exit_code"] == 0
    assert events(done)


def test_a_summary_leaves_what_is_no_file_as_it_is(mixed: Home) -> None:
    """A FIFO and standard output are written into, and so is what a link leads to."""
    (mixed.root / "link").symlink_to("target")
    os.mkfifo(mixed.root / "fifo")
    assert mixed.haz("run", "p:bytes", "--summary", "link").code == 0
    assert os.readlink(mixed.root / "link") == "target"
    assert json.loads((mixed.root / "target").read_bytes())["exit_code"] == 0
    reader = os.open(mixed.root / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    assert mixed.haz("run", "p:bytes", "--summary", "fifo").code == 0
    assert json.loads(os.read(reader, 1 << 16))["exit_code"] == 0
    os.close(reader)
    assert (mixed.root / "fifo").is_fifo()
    refused = mixed.haz("run", "p:bytes", "--summary", "fifo")
    assert (refused.code, len(refused.said("cannot write the summary"))) == (1, 1)
    assert b'"exit_code"' in mixed.haz("run", "p:bytes", "--summary", "/dev/stdout").out


def test_a_summary_without_a_folder_is_refused_before_the_run(mixed: Home) -> None:
    """Nothing runs when it could not be told afterwards."""
    done = mixed.haz("run", "--summary", "no/such/run.json", "p:bytes")
    assert (done.code, done.out) == (2, b"")
    assert done.said("--summary")


def test_predictions(tmp_path: Path) -> None:
    """A hit, a changed input, what stands behind it, and what cannot be known."""
    tasks = {
        "hit": sh("true"),
        "miss": sh("true", inputs=["x"]),
        "behind": sh("true", deps=["~:miss"]),
        "unkeyed": sh("true", inputs=["made"]),
    }
    home = Home.make(tmp_path, tasks)
    home.place.write("p/x", "1")
    assert home.haz("run", "p:hit", "p:behind").code == 0
    home.place.write("p/x", "2")
    before = sorted(home.root.rglob("*"))
    done = home.haz("run", "--dry-run", "--json", "--all")
    assert done.code == 0
    found = {task["task"]: task for task in json.loads(done.out)["tasks"]}
    assert {id: task["cache"] for id, task in found.items()} == {
        "p:behind": "unknown",
        "p:hit": "hit",
        "p:miss": "miss",
        "p:unkeyed": "unknown",
    }
    assert "/p/x" in found["p:miss"]["reason"]
    assert "p:miss" in found["p:behind"]["reason"]
    assert "made" in found["p:unkeyed"]["reason"]
    assert found["p:hit"]["reason"] is None
    assert found["p:hit"]["duration_ms"] is not None
    assert sorted(home.root.rglob("*")) == before, "a dry run writes nothing"


def test_what_cannot_be_put_back_is_no_hit(tmp_path: Path) -> None:
    """A folder with something in it stands at an output: the dry run says what the run says."""
    home = Home.make(tmp_path, {"a": sh("rm -rf o; echo o > o", outputs=["o"])})
    assert home.haz("run", "p:a").code == 0
    (home.root / "p/o").unlink()
    home.place.write("p/o/mine", "")
    (foretold,) = json.loads(home.haz("run", "--dry-run", "--json", "p:a").out)["tasks"]
    assert foretold["cache"] == "miss"
    assert home.haz("run", "--explain", "p:a").said(foretold["reason"])


def test_predictions_come_true(mixed: Home) -> None:
    """The key foretold is the key of the run; a forced run is foretold as misses."""
    foretold = json.loads(mixed.haz("run", "--dry-run", "--json", "p:bytes").out)["tasks"][0]
    (end,) = of(events(mixed.haz("run", "--json", "p:bytes")), "task_end")
    assert (foretold["cache"], foretold["key"]) == ("miss", end["key"])
    forced = json.loads(mixed.haz("run", "-f", "--dry-run", "--json", "p:bytes").out)["tasks"][0]
    assert (forced["cache"], forced["reason"]) == ("miss", "forced")


def test_annotations_name_file_and_line(mixed: Home) -> None:
    """On stderr, on demand or under GitHub, and never when they are not wanted."""
    for words, env, wanted in (
        (["--annotations", "github"], {}, True),
        (["--annotations=auto"], {"GITHUB_ACTIONS": "true"}, True),
        ([], {"GITHUB_ACTIONS": "true"}, True),
        (["--annotations", "none"], {"GITHUB_ACTIONS": "true"}, False),
        ([], {}, False),
    ):
        done = Home(mixed.place, {**mixed.env, **env}).haz("run", *words, "p:bad")
        said = done.said("::error file=p/haz.yml,line=1,title=p%3Abad::p:bad failed (exit 3)")
        assert bool(said) is wanted
        assert b"::error" not in done.out


def test_buffered_blocks_can_be_folded(mixed: Home) -> None:
    """Only those of tasks that print; standard output is as ever."""
    words = ("--annotations=github", "--output-mode=buffered", "-j1")
    done = mixed.haz("run", *words, "p:bytes", "p:bad")
    assert done.out == b"a\n\xff\0z"
    assert len(done.said("::group::p:bytes")) == 1
    assert len(done.said("::endgroup::")) == 1
    assert not done.said("::group::p:bad")


@pytest.mark.parametrize(
    ("script", "out"),
    [("printf e >&2", b""), ("printf o", b"o"), ("echo o; printf e >&2", b"o\n")],
)
def test_a_block_is_closed_on_a_line_of_its_own(tmp_path: Path, script: str, out: bytes) -> None:
    """Also behind a line without an end, of either stream: the service reads both as one log."""
    home = Home.make(tmp_path, {"t": sh(script, outputs=[])})
    for told in (("-q",), ()):
        done = home.haz(*told, "run", "--annotations=github", "--output-mode=buffered", "p:t")
        assert b"\n::endgroup::\n" in done.err
        assert done.out == out
