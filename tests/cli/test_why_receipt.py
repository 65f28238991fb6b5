"""``haz why --receipt``: why a task did not succeed when it last did not (peers.md, idea 3)."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from haz_trio.cache.cut_off import Begun, CutOff
from haz_trio.cache.cut_receipts import keep_cut_off
from haz_trio.cache.receipts import add_receipts, read_receipts
from haz_trio.cli.why_receipt import receipt_json, receipt_text
from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import halted

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TIME = re.compile(r"\d+m?s( \d+ms)?")
STUBBORN = "trap '' TERM; (trap '' TERM; sleep 30) & sleep 30 & echo up; wait; wait"


def told(home: Home, task: str) -> list[str]:
    """The lines of a receipt, without its times."""
    said = home.haz("why", "--receipt", task)
    assert (said.code, said.err) == (0, b"")
    return MOMENT.sub("WHEN", TIME.sub("TIME", said.out.decode())).splitlines()


def test_a_failure_and_who_was_skipped_for_it(tmp_path: Path) -> None:
    """However far away; what succeeded has no receipt, also when it came from the cache."""
    tasks = {
        "a": sh("exit 3"),
        "b": sh("true", deps=["~:a"]),
        "c": sh("true", deps=["~:b"]),
        "fine": sh("true"),
        "none": {"command": ["no-such-program"]},
    }
    home = Home.make(tmp_path, tasks)
    assert told(home, "p:a") == ["p:a", "receipt: none recorded"]
    home.haz("run", "--workspace", "--retries=1")
    head = ["run: WHEN", "at: WHEN"]
    assert told(home, "p:a") == ["p:a", *head, "state: failed (exit 3)", "  tries: 2"]
    skipped = ["state: skipped", "  because p:a failed (exit 3)", "    tries: 2"]
    assert told(home, "p:c") == ["p:c", *head, *skipped]
    assert told(home, "p:fine") == ["p:fine", "receipt: none recorded"]
    assert told(home, "p:none")[3].startswith("state: errored: program `no-such-program` cannot")


def test_what_has_completed_since_says_so(tmp_path: Path) -> None:
    """And the next failure begins anew; a run that leaves the task out changes nothing."""
    home = Home.make(tmp_path, {"a": sh("test -e go", inputs=["g*"]), "b": sh("exit 1")})
    home.haz("run", "p:a", "p:b", "-k")
    home.place.write("p/go", "")
    home.haz("run", "p:a")
    first = told(home, "p:a")
    assert first[-1] == "completed since: WHEN"
    home.haz("run", "p:b")
    assert told(home, "p:a") == first
    (home.root / "p/go").unlink()
    home.haz("run", "p:a", "-f")
    assert told(home, "p:a")[-1] == "state: failed (exit 1)"


def test_a_signal_is_the_root_and_the_command_has_its_own(tmp_path: Path) -> None:
    """What haz got, what it sent and when, the grace, and who had to be ended."""
    tasks = {"t": sh(STUBBORN), "u": sh("true", deps=["~:t"])}
    home = Home.make(tmp_path, tasks, execution={"cancel_grace": 0.3})
    with halted(home, None, "run", "p:u") as running:
        running.wait_for(b"up\n")
        running.press([signal.SIGTERM])
        assert running.end() == 143
    lines = told(home, "p:u")
    assert lines[3:6] == [
        "state: cancelled",
        "  because p:t was cancelled",
        "    signals: SIGTERM TIME after its start, SIGKILL TIME after its start",
    ]
    assert lines[6:8] == ["    grace: TIME", "    command: signal 9, SIGKILL"]
    assert lines[8].startswith("    ended after it: sleep (pid ")
    assert lines[-1] == "    because haz got SIGTERM"
    found = json.loads(home.haz("why", "--receipt", "--json", "p:u").out)
    assert (found["v"], found["task"], found["receipt"]["state"]) == (1, "p:u", "cancelled")
    (blamed,) = found["causes"]
    assert blamed["task"] == "p:t"
    asked, killed = blamed["signals"]
    assert 0.3 <= killed["at"] - asked["at"] < 10
    assert blamed["cause"] == {"kind": "signal", "name": "SIGTERM"}


def test_who_was_cut_off_has_a_receipt(tmp_path: Path) -> None:
    """Before a run has told of it and afterwards, in place of an older one, until it completes."""
    home = Home.make(tmp_path, {"t": sh("test -e go || exit 7; echo up; test -e end || sleep 60")})
    assert home.haz("run", "p:t").code == 1
    assert told(home, "p:t")[-1] == "state: failed (exit 7)"
    (tmp_path / "p/go").touch()
    with halted(home, None, "run", "p:t") as running:
        running.wait_for(b"up\n")
        running.child.kill()
        running.child.wait()
        pid = running.child.pid
    state = f"state: cut off: the haz of process {pid} was killed while it ran"
    expected = ["p:t", "run: WHEN", "at: WHEN", state]
    assert told(home, "p:t") == told(home, "p:t") == expected
    (tmp_path / "p/end").touch()
    home.haz("run", "--workspace", "--dry-run")
    assert home.haz("run", "p:t", "-f").said("was cut off while it ran p:t")
    assert told(home, "p:t") == [*expected, "completed since: WHEN"]
    document = json.loads(home.haz("why", "p:t", "--receipt", "--json").out)
    receipt = document["receipt"]
    assert (receipt["state"], receipt["process"]) == ("cut_off", pid)
    assert receipt["run"] - 1 <= receipt["at"] <= receipt["completed"]


def test_a_later_receipt_stays(tmp_path: Path) -> None:
    """What has failed after a killed run wrote its last line is what is remembered."""
    cut = CutOff(7, 50, (Begun("p:a", 1, 1), Begun("p:b", 2, 1)), mourned=False, at=100.0)
    add_state(tmp_path, {"p:a": {"at": 101.0}, "p:b": {"at": 99.0}})
    keep_cut_off(str(tmp_path), [cut])
    kept = read_receipts(str(tmp_path))
    assert kept["p:a"] == {"at": 101.0}
    assert (kept["p:b"]["state"], kept["p:b"]["at"]) == ("cut_off", 100.0)


def add_state(root: Path, receipts: dict[str, dict[str, object]]) -> None:
    (root / ".haz/cache/state").mkdir(parents=True)
    add_receipts(str(root), receipts, (), at=0.0)


def test_limits_of_time_are_named(tmp_path: Path) -> None:
    """That of a task, and that of the run."""
    home = Home.make(tmp_path, {"t": sh("exec sleep 30")})
    home.haz("run", "p:t", "--task-timeout=200ms")
    assert told(home, "p:t")[3] == "state: failed (it had used up its TIME (--task-timeout))"
    home.haz("run", "p:t", "--timeout=500ms")
    assert told(home, "p:t")[-1] == "  because the run had used up its TIME (--timeout)"


def test_it_takes_the_place_of_the_key(tmp_path: Path) -> None:
    """No key is derived for it, and it does not go with ``--diff``."""
    home = Home.make(tmp_path, {"a": sh("true", inputs=["gone"]), "b": sh("true")})
    home.haz("run", "p:a", "p:b")
    assert told(home, "p:a")[3].startswith("state: errored: ")
    refused = home.haz("why", "--receipt", "--diff", "p:a")
    assert refused.code == 2
    assert refused.said("`--receipt` cannot be combined with `--diff`")


def test_without_a_cache_nothing_is_recorded(tmp_path: Path) -> None:
    """Who wants nothing written gets nothing written."""
    home = Home.make(tmp_path, {"a": sh("exit 1")})
    home.haz("run", "p:a", "--no-cache")
    assert told(home, "p:a") == ["p:a", "receipt: none recorded"]


@pytest.mark.parametrize("damage", [b"", b"cause  1", b"\0" * 200])
def test_a_damaged_file_is_none(tmp_path: Path, damage: bytes) -> None:
    """And the next run writes a good one."""
    home = Home.make(tmp_path, {"a": sh("exit 1")})
    home.haz("run", "p:a")
    (home.root / ".haz/cache/state/receipts").write_bytes(damage)
    assert told(home, "p:a") == ["p:a", "receipt: none recorded"]
    home.haz("run", "p:a")
    assert told(home, "p:a")[-1] == "state: failed (exit 1)"


def test_only_tasks_of_the_workspace_are_remembered(tmp_path: Path) -> None:
    """What was renamed does not stay for ever."""
    (tmp_path / ".haz/cache/state").mkdir(parents=True)
    add_receipts(str(tmp_path), {"p:a": {"x": 1}, "p:b": {}}, [], at=1.0, tasks={"p:a", "p:b"})
    add_receipts(str(tmp_path), {}, ["p:b", "p:c"], at=2.0, tasks={"p:b", "p:c"})
    assert read_receipts(str(tmp_path)) == {"p:b": {"completed": 2.0}}


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ({"kind": "violation", "rule": "EXEC-020"}, "the run broke EXEC-020"),
        ({"kind": "caller"}, "the program that ran it wanted so"),
        ({"kind": "of tomorrow"}, "the program that ran it wanted so"),
    ],
)
def test_other_roots(cause: dict[str, object], said: str) -> None:
    """Strange members, as another version may have written, raise nothing."""
    receipts = {"p:a": {"state": "cancelled", "cause": cause, "signals": [3], "ended": 4}}
    text = receipt_text("p:a", receipts)
    assert text.splitlines()[-1] == f"  because {said}"
    assert json.loads(receipt_json("p:a", receipts))["receipt"] == receipts["p:a"]


def test_a_cause_of_an_older_run_is_not_taken_for_this_one() -> None:
    """The receipt of the task to blame may be of a later run."""
    blamed = {"kind": "task", "task": "p:a", "state": "failed", "exit": 3}
    receipts = {
        "p:a": {"run": 2.0, "state": "failed", "exit": 4, "tries": 7},
        "p:b": {"run": 1.0, "state": "skipped", "cause": blamed},
    }
    assert receipt_text("p:b", receipts).splitlines()[3:] == [
        "state: skipped",
        "  because p:a failed (exit 3)",
    ]
    assert json.loads(receipt_json("p:b", receipts))["causes"] == []
