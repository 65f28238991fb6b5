"""Runs that are stopped: by signals, once or twice, and by limits of time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.running import Ended, summary_of, tally_of
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Called, Trial

LOG = "../../outside/log"
SLACK = 4.0  # seconds that a busy machine may lose
LONG = 30.0  # the grace when nobody is to wait for its end
BEHAVIOURS = {
    "plain": "exec /bin/sleep 40",
    "polite": "trap 'echo bye; exit 0' TERM; while :; do /bin/sleep 0.05; done",
    "stubborn": "trap '' TERM; while :; do /bin/sleep 0.05; done",
    "parent": "(trap '' TERM; while :; do /bin/sleep 0.05; done) & exec /bin/sleep 40",
}


@attrs.frozen
class Stop:
    """How a task behaves and how its run is stopped: a signal's name, or an option of haz."""

    behaviour: str
    how: str
    again: str = ""  # a second signal
    buffered: bool = False

    @property
    def patient(self) -> bool:
        """Whether the grace is to pass, because only SIGKILL ends the task."""
        return self.behaviour in ("stubborn", "parent") and not self.again


@st.composite
def stops(draw: st.DrawFn) -> Stop:
    how = draw(
        st.sampled_from(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "timeout", "task-timeout"])
    )
    again = ""
    if how.startswith("SIG") and draw(st.booleans()):
        again = draw(st.sampled_from(["SIGINT", "SIGTERM"]))
    behaviour = draw(st.sampled_from(["stubborn", "parent"] if again else [*BEHAVIOURS]))
    return Stop(behaviour, how, again, draw(st.booleans()))


def play(trial: Trial, stop: Stop) -> None:
    if not stop.how.startswith("SIG") and trial.knows("fewer-options"):
        return
    if stop.how in ("SIGHUP", "SIGQUIT") and trial.knows("hangup-and-quit-kill"):
        return
    if stop.again and trial.knows("a-second-signal-does-nothing"):
        return
    if stop.behaviour == "parent" and trial.knows("descendants-survive"):
        return
    trial.write(files_of(_declared(stop)))
    words = ["run", "--workspace"]
    words += [] if stop.how.startswith("SIG") else [f"--{stop.how}=400ms"]
    result, seconds = _stopped(trial, stop, words)
    _ended(trial, stop, result, seconds)
    left = processes_in(trial.root)
    trial.same("EXEC-013 EXEC-014", f"{result}processes that are left", left, [])
    (trial.outside / "quick").touch()
    (trial.outside / "log").unlink()
    second = trial.haz("run", "p:a")
    ran = (trial.outside / "log").exists()
    trial.same(
        "EXEC-015 CACHE-017 CACHE-018", f"{second}runs again", (second.code, ran), (0, True)
    )


def _declared(stop: Stop) -> Declared:
    script = (
        f"echo begin >>{LOG}; echo working; if [ -f ../../outside/quick ]; then exit 0; fi; "
        + BEHAVIOURS[stop.behaviour]
    )
    tasks: Body = {
        "a": {"shell": script},
        "b": {"shell": "true", "deps": ["~:a"]},
        "c": {"shell": f"echo c >>{LOG}"},
    }
    settings: Body = {
        "projects": ["/p"],
        "concurrency": {"default": 1},
        "execution": {"cancel_grace": 0.4 if stop.patient else LONG},
        "output": {"mode": "buffered" if stop.buffered else "live"},
    }
    return Declared(settings, {"/p": {"name": "p", "tasks": tasks}})


def _stopped(trial: Trial, stop: Stop, words: list[str]) -> tuple[Result, float]:
    """Run, stop when the task has begun, and wait for the end; seconds from the stop on."""
    log = trial.outside / "log"
    child = trial.subject.start(words, trial.root, {})
    try:
        begun = time.monotonic() + 20
        while not log.exists() and child.poll() is None and time.monotonic() < begun:
            time.sleep(0.01)
        time.sleep(0.15)
        stopped = time.monotonic()
        if stop.how.startswith("SIG"):
            child.send_signal(signal.Signals[stop.how])
        if stop.again:
            time.sleep(0.3)
            child.send_signal(signal.Signals[stop.again])
        out, err = child.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        trial.holds("EXEC-014 EXEC-021", f"haz {' '.join(words)} ends after {stop.how}", False)
        raise
    finally:
        _sweep(trial.root, child)
    result = Result(tuple(words), child.returncode, out, err)
    trial.steps.append(Called(result, "", ()))
    return result, time.monotonic() - stopped


def _ended(trial: Trial, stop: Stop, result: Result, seconds: float) -> None:
    """Exit code, what is said of each task, and how long it took."""
    if stop.how == "task-timeout":
        trial.same("EXEC-021", f"{result}exit code", result.code, 1)
        trial.same("EXEC-009", f"{result}outcome", _of(result, "a").verdict, "failed")
    else:
        by_signal = stop.how.startswith("SIG")
        code = 128 + signal.Signals[stop.how] if by_signal else 124
        trial.same("EXEC-012 EXEC-021", f"{result}exit code", result.code, code)
        said = {name: _of(result, name).verdict for name in "abc"}
        expected = dict.fromkeys("abc", "cancelled")
        trial.same("EXEC-012 EXEC-013", f"{result}outcomes", said, expected)
        trial.same("EXEC-013", f"{result}b", _of(result, "b").detail, "(upstream p:a cancelled)")
        trial.same("EXEC-013", f"{result}c", _of(result, "c").detail, "(run cancelled)")
        trial.same(
            "EXEC-017", f"{result}tally", tally_of(result), "Tasks: 0 completed, 3 cancelled"
        )
    shown = b"working\n" if stop.buffered else b"[p:a] working\n"
    trial.holds("EXEC-016", f"{result}what was printed is shown", shown in result.out)
    soon = seconds < (0.4 if stop.patient else 0.0) + SLACK
    trial.holds("EXEC-014", f"{result}{seconds:.1f} s until the end", soon)
    if stop.behaviour == "stubborn" and stop.patient and stop.how != "task-timeout":
        trial.holds("EXEC-014", f"{result}the grace passes: {seconds:.2f} s", seconds > 0.35)


def _of(result: Result, name: str) -> Ended:
    return summary_of(result).get(("p", name), Ended("nothing", ""))


def processes_in(root: Path) -> list[int]:
    """Processes whose working directory is in a workspace, zombies excluded, after a moment."""
    for _ in range(50):
        found = _processes_in(root)
        if not found:
            return []
        time.sleep(0.02)
    return found


def _processes_in(root: Path) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                inside = os.readlink(f"/proc/{name}/cwd").startswith(f"{root}/")
                state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if inside and state != "Z":
                found.append(int(name))
    return found


def _sweep(root: Path, child: subprocess.Popen[bytes]) -> None:
    """Leave nothing behind, whatever the program did."""
    if child.poll() is None:
        child.kill()
        for process in _processes_in(root):
            os.kill(process, signal.SIGKILL)
        child.communicate()


AREA: Area = area("signals", "runs that are stopped", stops, play, 0.3, waits=True)
