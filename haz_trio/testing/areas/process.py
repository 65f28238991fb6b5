"""What a command gets — arguments, environment, folder, input — and every byte that it prints."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.processes import kill_processes_in, processes_in
from haz_trio.testing.reference.colours import DIM, GREEN, is_painted, paint, prefix
from haz_trio.testing.reference.events import parse_events
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.outcomes import TIMES
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.strategies.commands import (
    DAEMON,
    DYING,
    FILES,
    HOLDER,
    HOST,
    LEAVES,
    Example,
    examples,
    shown,
)
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial
from haz_trio.testing.workspace import printed

TIME = b"(?:%s)" % TIMES.encode()
_TIME = "TIME"  # stands for it
GLYPHS = {"done": "✓", "cached": "◉"}


def play(trial: Trial, example: Example) -> None:
    if trial.knows("descendants-survive"):
        some = {name: it for name, it in example.tasks.items() if it.kind not in LEAVES}
        example = attrs.evolve(example, tasks=some)
    if trial.knows("fewer-options"):
        example = attrs.evolve(example, color="", painting=({}, {}))
    if not example.tasks:
        return
    try:
        _play(trial, example)
    finally:
        if any(it.kind in LEAVES for it in example.tasks.values()):
            kill_processes_in(trial.root)


def _play(trial: Trial, example: Example) -> None:
    folder = trial.root / example.root
    here = os.fsencode(folder)
    mask = f"{example.umask:04o}".encode()
    outs = {
        name: it.out.replace(b"@", here).replace(b"UMASK", mask)
        for name, it in example.tasks.items()
    }
    bodies: dict[str, Json] = {
        name: json.loads(json.dumps(it.body).replace("@", str(folder)))
        for name, it in example.tasks.items()
    }
    for path, (text, permissions) in FILES.items():
        trial.write({f"{example.root}/{path}": text}, permissions)
    settings: Body = {
        "projects": [f"/{example.root}"],
        "concurrency": {"default": 1},
        "output": {"mode": "live" if example.modes[0] == "buffered" else "buffered"},
    }
    trial.write(files_of(Declared(settings, {f"/{example.root}": {"name": "p", "tasks": bodies}})))
    path = f"{folder}/bin:{os.environ['PATH']}"
    host: dict[str, str | None] = {**HOST, "UNSET": None, "PATH": path}
    for number, (verdict, mode) in enumerate(zip(("done", "cached"), example.modes, strict=True)):
        if mode == "json" and trial.knows("fewer-options"):
            mode = "live"
        words = ["--json"] if mode == "json" else [f"--output-mode={mode}"]
        first = [f"--color={example.color}"] if example.color else []
        painting = example.painting[number]
        result = trial.haz(
            *first, "run", "--workspace", *words, env={**host, **painting}, umask=example.umask
        )
        trial.same("EXEC-021", f"{result}exit code", result.code, 0)
        verdicts = _verdicts(example, bodies, verdict)
        if mode == "json":
            _told(trial, example, result, outs, verdicts)
        else:
            painted = is_painted(example.color, painting)
            _shown(trial, example, result, outs, verdicts, mode == "buffered", painted)
        if verdict == "done":
            _environments(trial, example, result)
        _leaves(trial, example, result)
    _passes_on(trial, example, host)
    if example.lost and not trial.knows("lost-output-is-no-failure"):
        _is_lost(trial, example, outs, host)
    if example.dying and not trial.knows("descendants-survive"):
        _takes_along(trial, *DYING[example.dying])


def _verdicts(example: Example, bodies: Mapping[str, Json], verdict: str) -> dict[str, str]:
    """Equal bodies of one project have one key: of several the first is executed.

    What has left processes behind is not stored.
    """
    known = [bodies[name] for name in sorted(bodies)]
    found = {
        name: "cached" if known.index(bodies[name]) < number else verdict
        for number, name in enumerate(sorted(bodies))
    }
    return found | dict.fromkeys(_leaving(example), "done")


def _leaving(example: Example) -> list[str]:
    """Tasks whose processes are somebody's business."""
    return [name for name, it in example.tasks.items() if it.kind in LEAVES - {DAEMON}]


def _leaves(trial: Trial, example: Example, result: Result) -> None:
    """Behind a run: its group has been killed, and a daemon goes on."""
    kinds = {it.kind for it in example.tasks.values()} & LEAVES
    if not kinds:
        return
    away = {
        kind: int((trial.root / example.root / kind).read_text() or 0)
        for kind in kinds & {DAEMON, HOLDER}
    }
    left = processes_in(trial.root, away.values())
    trial.same("EXEC-009 EXEC-015", f"{result}processes that are left", left, [])
    kill_processes_in(trial.root, [process for kind, process in away.items() if kind == DAEMON])
    if DAEMON in away:
        alive = Path(f"/proc/{away[DAEMON]}/cwd").exists()
        trial.holds("EXEC-009", f"{result}the daemon {away[DAEMON]} is there", alive)


def _shown(
    trial: Trial,
    example: Example,
    result: Result,
    outs: Mapping[str, bytes],
    verdicts: Mapping[str, str],
    buffered: bool,
    painted: bool,
) -> None:
    """Both streams, byte for byte but for durations."""
    expected = b"".join(
        printed(("p", name), outs[name], buffered, painted=painted) for name in sorted(outs)
    )
    rules = "EXEC-016 CACHE-020 CFG-021 CFG-022 CFG-032"
    trial.same(rules, f"{result}stdout", result.out, expected)
    pattern = _stderr(example, verdicts, buffered, painted=painted)
    regular = re.fullmatch(pattern, result.err) is not None
    trial.holds("EXEC-016 EXEC-017 CACHE-020", f"{result}stderr is {pattern!r}", regular)


def _stderr(
    example: Example, verdicts: Mapping[str, str], buffered: bool, *, painted: bool = False
) -> bytes:
    """Standard error as an expression."""

    def toned(text: str, way: str) -> str:
        return paint(text, way) if painted else text

    time = re.escape(toned(_TIME, DIM))
    told = []
    for name in sorted(example.tasks):
        lead = re.escape(prefix(f"p:{name}") if painted else f"[p:{name}] ")
        said = printed(("p", name), example.tasks[name].err, buffered, painted=painted)
        told.append(re.escape(said))
        if name in _leaving(example):  # whoever is left is named
            told.append(f"(?:{lead}[^\n]+\n)+".encode())
        verdict = toned(f"{GLYPHS[verdicts[name]]} {verdicts[name]}", GREEN)
        told.append(f"{lead}{re.escape(verdict)} in {time}\n".encode())
    cached = sum(verdict == "cached" for verdict in verdicts.values())
    closing = toned(f"{len(example.tasks)} completed", GREEN)
    closing += " " + toned(f"({cached} cached)", GREEN) if cached else ""
    told.append(f"\nTasks: {re.escape(closing)}\n Time: {time}\n".encode())
    return b"".join(told).replace(_TIME.encode(), TIME)


def _told(
    trial: Trial,
    example: Example,
    result: Result,
    outs: Mapping[str, bytes],
    verdicts: Mapping[str, str],
) -> None:
    """The same as events."""
    try:
        told = parse_events(result.out)
    except ValueError as problem:
        trial.same("EXEC-016", f"{result}events", str(problem), "events as documented")
        return
    ids = [f"p:{name}" for name in sorted(outs)]
    trial.same(
        "EXEC-016 EXEC-003",
        f"{result}tasks and code",
        (told.tasks, told.exit_code),
        (tuple(ids), 0),
    )
    streams = {(f"p:{name}", "stdout"): data for name, data in outs.items()}
    streams |= {(f"p:{name}", "stderr"): it.err for name, it in example.tasks.items()}
    heard = {key: data for key, data in streams.items() if data}
    found = {key: data for key, data in told.streams.items() if data}
    trial.same("EXEC-016 CACHE-020 CFG-021 CFG-022", f"{result}bytes", found, heard)
    sources = {task: (end.get("state"), end.get("source")) for task, end in told.ends.items()}
    how = {"done": "fresh", "cached": "cache"}
    expected = {f"p:{name}": ("completed", how[it]) for name, it in verdicts.items()}
    trial.same("EXEC-017 CACHE-020", f"{result}ends", sources, expected)


def _environments(trial: Trial, example: Example, result: Result) -> None:
    """Exactly the declared variables, of those that were executed."""
    for name, command in example.tasks.items():
        file = trial.outside / f"env-{name}"
        if command.environment is not None and file.exists():
            rows = [row for row in file.read_bytes().split(b"\0") if row]
            found = dict(os.fsdecode(row).split("=", 1) for row in rows)
            rules = "CFG-032 CFG-033 CACHE-008"
            wanted = dict(command.environment)
            trial.same(rules, f"{result}environment of p:{name}", found, wanted)


def _passes_on(trial: Trial, example: Example, host: Mapping[str, str | None]) -> None:
    """``--arg`` adds arguments to the named tasks, and to nobody else; a key has them, too."""
    takers = {name: it.words for name, it in sorted(example.tasks.items()) if it.words}
    if not example.more or not takers or trial.knows("fewer-options"):
        return
    words = [f"--arg={word}" for word in example.more]
    for verdict in ("done", "cached"):
        names = [f"p:{name}" for name in takers]
        result = trial.haz("run", *names, "--output-mode=buffered", *words, env=host)
        expected = b"".join(shown([*own, *example.more]) for own in takers.values())
        trial.same("CFG-021 CACHE-005", f"{result}stdout", result.out, expected)
        fresh = f"{GLYPHS[verdict]} {verdict}" in result.err.decode(errors="replace")
        trial.holds("CACHE-005 CACHE-002", f"{result}is {verdict}", fresh)


def _is_lost(
    trial: Trial, example: Example, outs: Mapping[str, bytes], host: Mapping[str, str | None]
) -> None:
    """Who has stopped reading costs nothing, a disk that is full an exit code; the run goes on."""
    mode = "live" if example.modes[1] == "json" else example.modes[1]
    words = ["run", "--workspace", f"--output-mode={mode}"]
    with _lost(example.lost) as stdout:
        result = trial.haz(*words, env=host, stdout=stdout)
    about = f"{result}with a standard output that is {example.lost}"
    fails = example.lost == "full" and any(outs.values())
    trial.same("EXEC-016 EXEC-021", f"{about}: exit code", result.code, int(fails))
    told, lost = re.subn(rb"error: .*\n", b"", result.err) if fails else (result.err, 0)
    trial.same("EXEC-016", f"{about}: lines that tell it", lost, int(fails))
    verdicts = dict.fromkeys(outs, "cached") | dict.fromkeys(_leaving(example), "done")
    pattern = _stderr(example, verdicts, mode == "buffered")
    trial.holds(
        "EXEC-016", f"{about}: stderr is {pattern!r}", re.fullmatch(pattern, told) is not None
    )


def _takes_along(trial: Trial, body: Body, said: str) -> None:
    """A task that fails takes everybody along, also those that have left its group."""
    kill_processes_in(trial.root)  # daemons of tasks that have succeeded
    trial.write(
        files_of(Declared({"projects": ["/f"]}, {"/f": {"name": "f", "tasks": {"t": {**body}}}}))
    )
    result = trial.haz("run", "f:t")
    told = [line.endswith(said) for line in result.lines if line.startswith("[f:t] ✗ failed in ")]
    trial.same("EXEC-009", f"{result}exit code and line", (result.code, told), (1, [True]))
    left = processes_in(trial.root, [])
    kill_processes_in(trial.root)
    trial.same("EXEC-009 EXEC-015", f"{result}processes that are left", left, [])


@contextmanager
def _lost(how: str) -> Iterator[int]:
    """A standard output that takes nothing."""
    if how == "full":
        with open("/dev/full", "wb") as full:
            yield full.fileno()
        return
    out, into = os.pipe()
    os.close(out)
    try:
        yield into
    finally:
        os.close(into)


AREA: Area = area("process", "what commands get and print", examples, play, 0.8)
