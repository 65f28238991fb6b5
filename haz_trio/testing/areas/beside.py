"""Two runs at once in one workspace: what they share, and what they keep each other from."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.areas.meanwhile import play_at_once, wait_until
from haz_trio.testing.areas.running import summary_of
from haz_trio.testing.processes import kill_processes_in
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Called, DifferenceError, Trial

SHARED: Json = {"name": "m", "mode": "shared"}
# What the two tasks lock, for those kinds in which that matters, and whether they may meet.
LOCKS: dict[str, tuple[Json, Json, bool]] = {
    "exclusive": ("m", "m", False),
    "reader-first": (SHARED, "m", False),
    "writer-first": ("m", SHARED, False),
    "readers": (SHARED, SHARED, True),
    "other-locks": ("m", "n", True),
    "no-locks": (None, None, True),
}
ONE = ("same", "twins")  # kinds in which one of the two is executed
KINDS = (*ONE, "killed", "twins-killed", *LOCKS)
_SOON = 0.2  # seconds in which a run goes on to its next task, if nothing keeps it
_MEET = 8.0  # seconds in which it surely does
_BOUND = 20.0  # seconds that a busy machine may need for any step


@attrs.frozen
class Pair:
    """One run that has begun its task when another one comes: which kind, and how it is shown.

    The task of the other one is the same for ``same`` and ``killed``, and an equal one of another
    name for ``twins``; in the end the first run is done, or killed.
    """

    kind: str
    makes: bool = False  # whether the tasks have outputs

    @property
    def other(self) -> str:
        return "a" if self.kind in ("same", "killed") else "b"

    @property
    def is_killed(self) -> bool:
        return self.kind.endswith("killed")


@attrs.frozen
class Played:
    """Two runs, the log, and how many commands had begun when the first was to end."""

    first: Result
    second: Result
    log: list[str]
    begun: int


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Pair, ...]:
    """Several at once, since most of the time they wait."""
    some = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True))
    return tuple(Pair(kind, draw(st.booleans())) for kind in some)


def play(trial: Trial, pairs: tuple[Pair, ...]) -> None:
    told = {f"s{number}": pair for number, pair in enumerate(pairs) if _is_tried(trial, pair)}
    for name, pair, played in play_at_once(trial, told, _declared, _played):
        trial.steps += [Called(result, name, ()) for result in (played.first, played.second)]
        _judge(trial, pair, played)


def _is_tried(trial: Trial, pair: Pair) -> bool:
    meets = pair.kind in LOCKS and LOCKS[pair.kind][2]
    return meets or not trial.knows("runs-know-nothing-of-each-other")


def _declared(name: str, pair: Pair) -> Declared:
    """Two that go on when they are told to, and one that says how far its run has come."""
    tasks: dict[str, Json] = {"A": {"shell": f": >../../../outside/{name}-passed"}}
    for task, lock in zip("ab", LOCKS.get(pair.kind, (None, None))[:2], strict=True):
        called = "twin" if pair.kind.startswith("twins") else task
        outside = f"../../../outside/{name}-"
        script = (
            f"echo begin {called} >>{outside}log; i=0; "
            f"until [ -f {outside}go ] || [ $i = 2000 ]; do i=$((i+1)); /bin/sleep 0.02; done; "
            f"echo says {called}; echo end {called} >>{outside}log"
        )
        body: Body = {"shell": script, "mutex": lock}
        if pair.makes and called == task:
            body |= {"shell": f"echo made >out-{task}; {script}", "outputs": [f"out-{task}"]}
        tasks[task] = body
    settings: Body = {"projects": ["/p"], "concurrency": {"default": 1}}
    return Declared(settings, {"/p": {"name": "p", "tasks": tasks}})


def _played(trial: Trial, name: str, pair: Pair) -> Played:
    """The second run comes to its task while the first is at its own."""
    root, outside = trial.root / name, trial.outside
    log = outside / f"{name}-log"
    log.touch()
    words = (("run", "p:a"), ("run", "p:A", f"p:{pair.other}"))
    children = [trial.subject.start(words[0], root, {})]
    try:
        wait_until(lambda: _begun(log) == 1, _BOUND)
        children.append(trial.subject.start(words[1], root, {}))
        wait_until((outside / f"{name}-passed").exists, _BOUND)
        _, _, meets = LOCKS.get(pair.kind, (None, None, False))
        wait_until(lambda: _begun(log) == len(children), _MEET if meets else _SOON)
        begun = _begun(log)
        if pair.is_killed:
            children[0].kill()
            wait_until(lambda: _begun(log) == len(children), _BOUND)
        (outside / f"{name}-go").touch()
        streams = [child.communicate(timeout=trial.subject.patience) for child in children]
    except subprocess.TimeoutExpired:
        raise DifferenceError("EXEC-021", f"two runs, {pair.kind}", "nothing", "an end") from None
    finally:
        for child in children:
            child.kill()
        kill_processes_in(root)
    first, second = (
        Result(args, child.returncode, *out)
        for args, child, out in zip(words, children, streams, strict=True)
    )
    return Played(first, second, log.read_text().splitlines(), begun)


def _begun(log: Path) -> int:
    return log.read_text().count("begin")


def _judge(trial: Trial, pair: Pair, played: Played) -> None:
    about = f"{played.first}{played.second}{pair.kind}: "
    codes = played.first.code, played.second.code
    expected = (-signal.SIGKILL if pair.is_killed else 0), 0
    trial.same("EXEC-021", f"{about}exit codes", codes, expected)
    one, other = "a", pair.other
    if pair.kind in ONE or pair.is_killed:
        begins = [line for line in played.log if line.startswith("begin")]
        trial.same("CACHE-002", f"{about}commands that began", len(begins), 1 + pair.is_killed)
        trial.same("CACHE-002", f"{about}those beside each other", played.begun, 1)
    elif LOCKS[pair.kind][2]:
        both = sorted(played.log[:2])
        rules = "EXEC-004 MUTEX-001 MUTEX-004"
        trial.same(rules, f"{about}those beside each other", both, ["begin a", "begin b"])
    else:
        order = [f"{what} {task}" for task in (one, other) for what in ("begin", "end")]
        trial.same("MUTEX-003 MUTEX-004", f"{about}order of commands", played.log, order)
    verdicts = [
        it.verdict
        for result, task in ((played.first, one), (played.second, other))
        for id, it in summary_of(result).items()
        if id == ("p", task)
    ]
    second = "cached" if pair.kind in ONE else "done"
    wanted = [second] if pair.is_killed else ["done", second]
    trial.same("EXEC-017 CACHE-018 CACHE-020", f"{about}outcomes", verdicts, wanted)
    said = b"[p:%s] says %s\n"
    name = b"twin" if pair.kind.startswith("twins") else other.encode()
    shown = said % (other.encode(), name) == played.second.out
    trial.holds("EXEC-016 CACHE-020", f"{about}what the second shows", shown)


AREA: Area = area("beside", "two runs at once in a workspace", pairs, play, 0.1, waits=True)
