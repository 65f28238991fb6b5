"""The command ``haz-conformance``: what it prints, writes and finds."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from haz_trio.testing.areas.area import Area
from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.command.main import main
from haz_trio.testing.command.session import Batch, play
from haz_trio.testing.rules import RULES
from haz_trio.testing.subject import Subject
from tests.process.support import bearers, new_token, wait_until

HAZ = (sys.executable, "-m", "haz_trio")
WARM = Subject((str(Path(sys.executable).with_name("haz")),), warm=True)
# A program that is haz, but lists its tasks backwards.
BACKWARDS = f"""#!/bin/sh
{shlex.join(HAZ)} "$@" >out.tmp; code=$?
case $1 in query) sort -r out.tmp;; *) cat out.tmp;; esac
rm -f out.tmp; exit $code
"""


def judge(area: Area, examples: int) -> None:
    batch = Batch(area.name, 1, 1, examples, WARM, frozenset(), frozenset(), 5.0)
    played = play(batch)
    assert played.finding is None, played.finding
    assert played.met.keys() <= RULES.keys()


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_haz_keeps_the_rules(area: Area) -> None:
    """A few examples of every area show no difference."""
    judge(area, {"config": 5, "signals": 1, "cache": 1}.get(area.name, 2))


@pytest.mark.deep
@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_haz_keeps_the_rules_for_long(area: Area) -> None:
    """Many examples of every area show none, either."""
    judge(area, 100 if area.share < 1 else 400)


def test_a_wrong_program_is_found_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finding has its rule in the report, and a folder that plays it again."""
    wrong = tmp_path / "wrong"
    wrong.write_text(BACKWARDS)
    wrong.chmod(0o755)
    report = tmp_path / "report.json"
    words = ["--haz", str(wrong), "--area", "query", "--examples", "25", "--jobs", "1"]
    words += ["--failures", str(tmp_path / "found"), "--report", str(report), "--shrink", "0"]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "finding 1: query" in said.out
    assert said.err.startswith(f"judging {wrong} (Version: ")
    found = json.loads(report.read_text())
    assert found["rules"]["QRY-001"]["verdict"] == "failed"
    folder = tmp_path / "found/01-query"
    assert (folder / "workspace/.haz/workspace.yml").exists()
    again = shlex.split((folder / "reproduce.txt").read_text())
    assert main([*again[1:], "--failures", str(tmp_path / "again"), "--jobs", "1"]) == 1
    script = subprocess.run(
        ["/bin/sh", folder / "commands.sh"],
        env={"HAZ": shlex.join(HAZ), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "exit code 0, in the trial 0" in script.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--haz", "/no/such"], "no such program"),
        (["--haz", "sh", "--profile", "nope"], "--profile nope"),
        (["--haz", "sh", "--profile", "haz-0.2.0", "--without", "nope"], "nope"),
        (["--haz", "sh", "--area", "nope"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and the reason on standard error."""
    with pytest.raises(SystemExit) as refused:
        main(words)
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "to_all", "presses"),
    [(signal.SIGINT, True, 1), (signal.SIGTERM, False, 1), (signal.SIGINT, False, 2)],
)
def test_whoever_stops_it_gets_a_report(
    tmp_path: Path, number: int, to_all: bool, presses: int
) -> None:
    """No traceback, and nobody is left; a second signal waits for no program on trial."""
    env = {**os.environ, **new_token()}
    marking = tmp_path / "haz"
    slow = "sleep 20" if presses == 2 else "true"  # less than they are waited for
    marking.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] || {{ : > {tmp_path}/begun; {slow}; }}\n'
        f'exec {shlex.join(HAZ)} "$@"\n'
    )
    marking.chmod(0o755)
    words = ["--haz", str(marking), "--area", "query", "--examples", "9999", "--jobs", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "haz_trio.testing.command.main", *words],
        env=env,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        wait_until((tmp_path / "begun").exists, 60)
        for press in range(presses):
            time.sleep(press)  # two that come together may count as one
            (os.killpg if to_all else os.kill)(child.pid, number)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 128 + number
    first, *rest = err.splitlines()
    assert first.startswith(b"judging ")
    assert rest == [b"interrupted: the report is of what was tried until then"]
    assert b" rules: " in out
    wait_until(lambda: not bearers(env), 10)


def test_programs_heed_signals_also_in_the_background() -> None:
    """A shell and ``nohup`` let jobs ignore some, which would hand that down; the kit itself goes
    on ignoring them."""
    script = """
import os, signal, subprocess
from haz_trio.testing.subject import heed_signals
some = [signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM]
for number in some:
    signal.signal(number, signal.SIG_IGN)
heed_signals()
for number in some:
    os.kill(os.getpid(), number)
    print(subprocess.run(["sh", "-c", f"kill -{number:d} $$"]).returncode, end=" ")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "-2 -3 -1 -15 "
