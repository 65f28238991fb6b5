"""Runs that are stopped: by signals, once or twice, and by limits of time."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.meanwhile import play_at_once, wait_until
from haz_trio.testing.areas.running import Ended, summary_of, tally_of
from haz_trio.testing.processes import kill_processes_in, processes_in
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Called, Trial

SLACK = 6.0  # seconds that a busy machine may lose
DEFAULT = 5.0  # the grace of who does not say how long it is
LONG = 30.0  # the grace when nobody is to wait for its end
OPTIONS = {
    "timeout": "--timeout=700ms",
    "task-timeout": "--task-timeout=1s",
    "fail-fast": "--fail-fast",
}
_NAP = "while :; do /bin/sleep 0.05; done"
# What a task does once it has begun. READY and TERM leave a file: it can be asked, it was asked.
BEHAVIOURS = {
    "plain": "READY; exec /bin/sleep 40",
    "polite": f"trap 'TERM; /bin/sleep 0.2; echo bye; exit 0' TERM; READY; {_NAP}",
    "halted": (
        f"trap 'TERM; /bin/sleep 0.2; echo bye; exit 0' TERM; READY; kill -STOP $$; {_NAP}"
    ),
    "stubborn": f"trap 'TERM' TERM; READY; {_NAP}",
    "parent": f"(trap 'TERM' TERM; READY; {_NAP}) & exec /bin/sleep 40",
    "nurse": (
        f"(trap 'TERM; /bin/sleep 0.2; echo bye; exit 0' TERM; READY; {_NAP}) & exec /bin/sleep 40"
    ),
}
GENTLE = ("plain", "polite", "nurse", "halted")  # they end by themselves when they are asked to
_DEAF = ("/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh")
LATE = "/bin/sleep 3; echo bye"  # what nobody comes to whose grace is none


@attrs.frozen
class Stop:
    """How two tasks behave and how their run is stopped: a signal's name, or an option of haz."""

    one: str
    two: str
    how: str
    again: str = ""  # a second signal
    buffered: bool = False
    third: bool = False  # whether a third slot is free
    short: float = 0.3  # seconds of grace when it is to pass; without any nobody has a grace
    silent: bool = False  # whether a long grace is left to the default
    clean: bool = False  # whether nothing has failed by then
    deaf: bool = False  # whether hang-ups are ignored, as ``nohup`` has it; one comes first

    @property
    def by_signal(self) -> bool:
        return self.how.startswith("SIG")

    @property
    def patient(self) -> bool:
        """Whether the grace is to pass, because only SIGKILL ends a task."""
        return not {self.one, self.two} <= {*GENTLE} and not self.again

    @property
    def hasty(self) -> bool:
        """Whether there is no grace at all."""
        return not self.short and not self.again

    @property
    def grace(self) -> float:
        return self.short if self.patient or self.hasty else LONG


@attrs.frozen
class Stopped:
    """What came of it; ``begun`` says whether both tasks had begun before it ended."""

    result: Result
    seconds: float
    begun: bool


@st.composite
def stops(draw: st.DrawFn) -> Stop:
    how = draw(st.sampled_from(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT", *OPTIONS]))
    again = ""
    if how.startswith("SIG") and draw(st.booleans()):
        again = draw(st.sampled_from(["SIGINT", "SIGTERM"]))
    one = draw(st.sampled_from(["stubborn", "parent"] if again else [*BEHAVIOURS]))
    others = GENTLE if not again and one in GENTLE else [*BEHAVIOURS]
    two = draw(st.sampled_from(others))
    short = draw(st.sampled_from([0.3, 0.2, 1.4, 0.3, 0, 0.0, DEFAULT]))
    third = draw(st.booleans()) or how == "fail-fast"  # the third slot is for who fails
    silent = not again and draw(st.booleans())
    deaf = how in ("SIGINT", "SIGTERM", "SIGQUIT") and draw(st.integers(0, 2)) == 0
    clean = how != "fail-fast" and draw(st.booleans())
    return Stop(one, two, how, again, draw(st.booleans()), third, short, silent, clean, deaf)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Stop, ...]:
    """Several at once, since most of the time they wait."""
    return tuple(draw(stops()) for _ in range(draw(st.sampled_from([1, 3, 4, 3]))))


def play(trial: Trial, stories: tuple[Stop, ...]) -> None:
    told = {f"s{number}": stop for number, stop in enumerate(stories) if _is_tried(trial, stop)}
    for name, stop, stopped in play_at_once(trial, told, _declared, _stopped):
        result = stopped.result
        trial.steps.append(Called(result, name, ()))
        if not stopped.begun and not stop.by_signal:
            continue  # a machine that is too busy to show anything
        _ended(trial, stop, stopped)
        left = processes_in(trial.root / name)
        trial.same("EXEC-013 EXEC-014", f"{result}processes that are left", left, [])
        (trial.outside / f"{name}-quick").touch()
        log = trial.outside / f"{name}-log"
        log.write_text("")
        second = trial.haz("run", "p:a", "p:b", cwd=name)
        ran = (second.code, sorted(log.read_text().split()))
        trial.same("EXEC-015 CACHE-017 CACHE-018", f"{second}runs again", ran, (0, ["a", "b"]))


def _is_tried(trial: Trial, stop: Stop) -> bool:
    knows = trial.knows
    return not (
        (not stop.by_signal and knows("fewer-options"))
        or (stop.how in ("SIGHUP", "SIGQUIT") and knows("hangup-and-quit-kill"))
        or (stop.again and knows("a-second-signal-does-nothing"))
        or ("halted" in (stop.one, stop.two) and knows("stopped-tasks-are-not-woken"))
        or ({stop.one, stop.two} & {"parent", "nurse"} and knows("descendants-survive"))
    )


def _declared(name: str, stop: Stop) -> Declared:
    """One that is done and one that fails, the two, and those that come too late.

    When the two have begun, the others have ended, however busy the machine is.
    """
    first: list[Json] = ["~:A"] if stop.how == "fail-fast" else ["~:A", "~:B"]
    one: Body = {"mutex": "m", "weakDeps": first}
    tasks: Body = {
        "A": {"shell": "echo A"},
        "B": {"shell": _waits(name) if stop.how == "fail-fast" else _end(stop)},
        "a": {**one, "shell": _script(name, "a", stop, stop.one)},
        "b": {"shell": _script(name, "b", stop, stop.two)},
        "c": {"shell": "true", "deps": ["~:a"]},
        "d": {**one, "shell": "echo d"},
    }
    settings: Body = {
        "projects": ["/p"],
        "concurrency": {"default": 3 if stop.third else 2},
        "output": {"mode": "buffered" if stop.buffered else "live"},
    }
    if stop.grace != DEFAULT and not (stop.grace == LONG and stop.silent):
        settings["execution"] = {"cancel_grace": stop.grace}
    return Declared(settings, {"/p": {"name": "p", "tasks": tasks}})


def _end(stop: Stop) -> str:
    return "echo B" if stop.clean else "exit 3"


def _waits(name: str) -> str:
    """It fails when both have begun."""
    there = " && ".join(f"[ -f ../../../outside/{name}-ready-{task} ]" for task in "ab")
    return (
        f"i=0; until {there}; do i=$((i+1)); /bin/sleep 0.02; "
        "if [ $i -gt 500 ]; then break; fi; done; exit 3"
    )


def _script(name: str, task: str, stop: Stop, behaviour: str) -> str:
    outside = f"../../../outside/{name}-"
    does = BEHAVIOURS[behaviour]
    if stop.hasty:
        does = does.replace("'TERM;", f"'TERM; {LATE};").replace("'TERM'", f"'TERM; {LATE}'")
    does = does.replace("'TERM", f"': >{outside}term-{task}")
    does = does.replace("READY", f": >{outside}ready-{task}")
    quick = f"if [ -f {outside}quick ]; then exit 0; fi"
    says = "printf 'working\nhalf'"  # the rest of a line, which its end brings to light
    if not stop.buffered:
        says += "; printf oops >&2"
    return f"echo {task} >>{outside}log; {says}; {quick}; {does}"


def _stopped(trial: Trial, name: str, stop: Stop) -> Stopped:
    """Run, stop when both tasks have begun, and wait for the end; seconds from the stop on."""
    words = ["run", "--workspace"]
    words += [] if stop.by_signal else [OPTIONS[stop.how]]
    root = trial.root / name
    subject = trial.subject
    if stop.deaf:
        subject = attrs.evolve(subject, words=(*_DEAF, *subject.words))
    child = subject.start(words, root, {})

    def ended() -> bool:
        return child.poll() is not None

    try:
        ready = partial(_all_there, trial.outside, name, "ready", "ab")
        begun = wait_until(ready, 20, is_over=ended)
        stopped = time.monotonic()
        if stop.deaf:
            child.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        if stop.by_signal:
            child.send_signal(signal.Signals[stop.how])
        if stop.again:
            # Two that come together count as one.
            termed = partial(_all_there, trial.outside, name, "term", "a")
            wait_until(termed, 10, is_over=ended)
            time.sleep(0.1)
            child.send_signal(signal.Signals[stop.again])
        out, err = child.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        what = f"haz {' '.join(words)} ends after {stop.how}"
        trial.holds("EXEC-014 EXEC-021", what, False)
        raise
    finally:
        _sweep(root, child)
    return Stopped(
        Result(tuple(words), child.returncode, out, err), time.monotonic() - stopped, begun
    )


def _all_there(outside: Path, name: str, what: str, tasks: str) -> bool:
    return all((outside / f"{name}-{what}-{task}").exists() for task in tasks)


def _ended(trial: Trial, stop: Stop, stopped: Stopped) -> None:
    """Exit code, what is said of each task, and how long it took."""
    result, seconds = stopped.result, stopped.seconds
    said = {name: _of(result, name).verdict for name in "ABabcd"}
    expected = {"A": "done", "B": "done" if stop.clean else "failed"}
    if stop.how == "task-timeout":
        expected |= {"a": "failed", "b": "failed", "c": "skipped", "d": "done"}
        trial.same("EXEC-021", f"{result}exit code", result.code, 1)
        trial.same("EXEC-009 EXEC-011", f"{result}outcomes", said, expected)
    else:
        code = {"timeout": 124, "fail-fast": 1}.get(stop.how)
        code = 128 + signal.Signals[stop.how] if code is None else code
        trial.same("EXEC-012 EXEC-021", f"{result}exit code", result.code, code)
        expected |= dict.fromkeys("abcd", "cancelled")
        trial.same("EXEC-012 EXEC-013", f"{result}outcomes", said, expected)
        details = {"c": "(upstream p:a cancelled)"}
        if not stop.third:  # else it may have been looked at just then
            details["d"] = "(run cancelled)"
        found = {name: _of(result, name).detail for name in details}
        trial.same("EXEC-013 MUTEX-005", f"{result}causes", found, details)
    trial.same("EXEC-017", f"{result}tally", tally_of(result), _tally(expected))
    _spoke(trial, stop, result)
    soon = seconds < (stop.grace if stop.patient else 0.0) + SLACK
    trial.holds("EXEC-014", f"{result}{seconds:.1f} s until the end", soon)
    if "stubborn" in (stop.one, stop.two) and stop.patient and stop.by_signal:
        trial.holds(
            "EXEC-014", f"{result}the grace passes: {seconds:.2f} s", seconds > stop.grace - 0.02
        )


def _tally(expected: Mapping[str, str]) -> str:
    count = Counter(expected.values())
    parts = [f"{count['done']} completed"]
    parts += [f"{count[it]} {it}" for it in ("failed", "skipped", "cancelled") if count[it]]
    return f"Tasks: {', '.join(parts)}"


def _spoke(trial: Trial, stop: Stop, result: Result) -> None:
    """What was printed is shown, also the last words of who had the time for them."""
    if stop.hasty:
        trial.holds("CFG-031 EXEC-014", f"{result}nobody has a grace", b"bye" not in result.out)
    rules = "EXEC-016 EXEC-014"
    for task, behaviour in (("a", stop.one), ("b", stop.two)):
        gentle = (
            behaviour in ("polite", "nurse", "halted") and stop.grace == LONG and not stop.again
        )
        text = "working\nhalfbye\n" if gentle else "working\nhalf"
        if stop.buffered:
            both = result.out.count(b"working\nhalf") == len("ab")
            trial.holds(rules, f"{result}{task} said {text}", both and text.encode() in result.out)
            continue
        prefix = f"[p:{task}] "
        shown = "".join(f"{prefix}{line}\n" for line in text.splitlines())
        found = _behind(prefix, result.out)
        if found.endswith("bye\n") and not gentle:
            continue  # it was quicker than what ended it
        trial.same(rules, f"{result}lines of {task}", found, shown)
        oops = f"{prefix}oops"  # its shell may go on with what has been killed
        trial.holds(rules, f"{result}{task} said {oops}", oops in _behind(prefix, result.err))


def _behind(prefix: str, out: bytes) -> str:
    """The lines of a task, as they are."""
    lines = out.decode(errors="replace").splitlines(True)
    return "".join(line for line in lines if line.startswith(prefix))


def _of(result: Result, name: str) -> Ended:
    return summary_of(result).get(("p", name), Ended("nothing", ""))


def _sweep(root: Path, child: subprocess.Popen[bytes]) -> None:
    """Leave nothing behind, whatever the program did."""
    if child.poll() is None:
        child.kill()
        kill_processes_in(root)
        child.communicate()


AREA: Area = area("signals", "runs that are stopped", stories, play, 0.3, waits=True)
