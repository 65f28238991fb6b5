"""``WorkspaceMachine``: a program and the reference go through the same history of edits and runs.

After each run exit code, executed tasks, files, both streams and the decisions of the cache are
compared. A test draws the moves; ``strategies.moves`` has a strategy for them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import attrs

from haz_trio.testing.models import files_of
from haz_trio.testing.reference.graph import build, closure, label
from haz_trio.testing.reference.history import CACHED, Happened, History, Tree
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.schedule import DONE, ERRORED, FAILED, SKIPPED
from haz_trio.testing.reference.small_monorepo import Knobs, declared, steps
from haz_trio.testing.reference.workspace import effective
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial


@attrs.frozen
class Write:
    """A file gets these contents, also if it has them already."""

    path: str
    content: bytes


@attrs.frozen
class Remove:
    path: str


@attrs.frozen
class Chmod:
    path: str
    mode: int


@attrs.frozen
class Turn:
    """The configuration changes."""

    knob: str
    value: str | bool | int | None


@attrs.frozen
class Export:
    """A variable of the host changes; ``None`` unsets it."""

    name: str
    value: str | None


@attrs.frozen
class Damage:
    """Entries of the cache are damaged: "blobs", "streams", "manifests", or all are "cleared"."""

    what: str


@attrs.frozen
class Run:
    """``haz run``; ``mode`` is "", "force" or "no-cache"."""

    targets: tuple[Id, ...] = ()
    mode: str = ""


@attrs.frozen
class Ask:
    """``haz why``: whether a run would hit."""

    id: Id


Move: TypeAlias = Write | Remove | Chmod | Turn | Export | Damage | Run | Ask
RULES: dict[type[Move], str] = {
    Write: "CACHE-006",
    Remove: "CACHE-006 CACHE-019",
    Chmod: "CACHE-006 CACHE-019",
    Turn: "CACHE-001 CACHE-005",
    Export: "CACHE-008",
    Damage: "CACHE-014 CACHE-023",
}
KNOB_RULES = {
    "spelling": "CACHE-006 PATH-004 PATH-005",
    "deep": "CACHE-006 PATH-011",
    "copies": "CACHE-011 CFG-017",
    "declares": "CACHE-011 CFG-017",
    "variable": "CACHE-008 CFG-032",
    "override": "CACHE-008 CFG-033",
    "shell": "CACHE-005 CFG-022",
    "to_stderr": "CACHE-007 DAG-017",
    "tag": "CACHE-001",
    "mutex": "MUTEX-008",
    "comment": "CACHE-001",
    "buffered": "EXEC-016",
    "hash": "CACHE-003 CFG-027",
    "depends": "CACHE-007 DAG-017",
    "chmod": "CACHE-020",
    "weak": "DAG-018 CACHE-001",
}


class WorkspaceMachine:
    """Plays moves on a trial's workspace; raises ``DifferenceError`` at the first difference."""

    def __init__(self, trial: Trial, knobs: Knobs) -> None:
        self.trial = trial
        self.knobs: Knobs = knobs.turned("twins", not trial.knows("equal-bodies-share-a-key"))
        self.history: History = History(known=trial.known)
        self.host: dict[str, str | None] = {"V": None, "W": None}
        self.damaged: bool = False
        self.since: set[str] = set()  # rules that the moves since the last run are about
        self.configure()
        self.write("/app/main", b"main\n")

    def configure(self) -> None:
        files = files_of(declared(self.knobs))
        files["lib/haz.yml"] = f"# {self.knobs.comment}\n{files['lib/haz.yml']!s}"
        self.trial.write(files)

    def write(self, path: str, content: bytes) -> None:
        mode = self.history.files.get(path, (b"", 0o644))[1]
        self.trial.write({path[1:]: content}, mode)
        self.history.files[path] = content, mode
        self.history.touch(path)

    def play(self, move: Move) -> None:
        if not isinstance(move, Run | Ask):
            about = KNOB_RULES.get(move.knob, "") if isinstance(move, Turn) else ""
            self.since.update((about or RULES[type(move)]).split())
        match move:
            case Write(path, content):
                self.write(path, content)
            case Remove(path):
                self.trial.remove(path[1:])
                self.history.files.pop(path, None)
                self.history.touch(path)
            case Chmod(path, mode):
                if path in self.history.files:
                    self.trial.chmod(path[1:], mode)
                    self.history.files[path] = self.history.files[path][0], mode
                    self.history.touch(path)
            case Turn(knob, value):
                self.knobs = self.knobs.turned(knob, value)
                self.configure()
            case Export(name, value):
                self.host[name] = value
            case Damage(what):
                self.damage(what)
            case Run():
                self.run(move)
            case Ask(id):
                self.ask(id)

    def damage(self, what: str) -> None:
        if what in ("blobs", "streams") and self.trial.knows("damage-is-not-noticed"):
            return
        cache = self.trial.root / ".haz/cache"
        self.damaged = True
        if what == "cleared":
            self.trial.haz("cache", "clear")
            self.history.entries.clear()
        elif what == "manifests":
            _each(cache, "??/*/manifest.json", Path.unlink)
            self.history.entries.clear()
        elif what == "streams":
            _each(cache, "??/*/std*", _flip)
            self.history.doubtful |= {*self.history.entries}
        else:
            for entry in self.history.entries.values():
                for path in entry.outputs:
                    self.play(Remove(path))
            flip = _flip_once(set())
            for pattern in ("??/*/outputs/*", "blobs/*"):
                _each(cache, pattern, flip)
            self.history.doubtful |= {*self.history.entries}

    def run(self, move: Run) -> None:
        trial, history = self.trial, self.history
        if move.mode and trial.knows("fewer-options"):
            move = Run(move.targets)
        configuration = declared(self.knobs)
        graph = build(configuration, effective(configuration))
        targets = [id for id in move.targets if id in graph.tasks]
        chosen = closure(targets or graph.tasks, graph.hard)
        words = [label(id) for id in targets] or ["--workspace"]
        words += [f"--{move.mode}"] if move.mode else []
        log = trial.outside / "log"
        log.unlink(missing_ok=True)
        result = trial.haz("run", *words, env=self.host)
        ran = log.read_text().split() if log.exists() else []
        history.observed = [(project, task) for project, _, task in map(_parts, ran)]
        happened = history.run(
            steps(self.knobs),
            chosen,
            (graph.hard, {} if trial.knows("weak-deps-order-nothing") else graph.weak),
            self.variables,
            self.knobs.hash,
            look=not move.mode,
            keep=move.mode != "no-cache",
        )
        about = " ".join(sorted({"CACHE-002", "EXEC-007"} | self.since))
        expected = [label(it.id) for it in happened if it.verdict != CACHED and _executed(it)]
        trial.same(about, f"{result}tasks that were executed", ran, expected)
        self.compare(result, happened)
        self.since.clear()

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the host that tasks may name."""
        given = {name: value for name, value in self.host.items() if value is not None}
        return {"PATH": os.environ["PATH"], **given}

    def ask(self, id: Id) -> None:
        """Nothing is run for the answer, and the next run agrees with it."""
        configuration = declared(self.knobs)
        graph = build(configuration, effective(configuration))
        if id not in graph.tasks or self.history.doubtful:
            return
        result = self.trial.haz("why", label(id), cwd=id[0], env=self.host)
        says = self.history.predict(
            steps(self.knobs), id, graph.hard, self.variables, self.knobs.hash
        )
        found = result.out.decode(errors="replace").splitlines()[-1:]
        if self.damaged:  # one miss is as good as another
            found = [line.replace("corrupt entry", "no entry") for line in found]
        expected = (0, [f"cache_lookup: {says}"]) if says else (2, [])
        about = " ".join(sorted({"AUX-014", "AUX-015", "CACHE-002"} | self.since))
        self.trial.same(about, f"{result}", (result.code, found), expected)

    def compare(self, result: Result, happened: list[Happened]) -> None:
        trial, buffered = self.trial, self.knobs.buffered
        verdicts = [it.verdict for it in happened]
        wrong = FAILED in verdicts or ERRORED in verdicts
        trial.same("EXEC-021 EXEC-009", f"{result}exit code", result.code, int(wrong))
        out = b"".join(printed(it.id, it.effect.out, buffered) for it in happened)
        trial.same("EXEC-016 CACHE-020", f"{result}stdout", result.out, out)
        found = summaries(result.lines)
        ended = {it.id: it.verdict for it in happened}
        expected = [line for it in happened for line in summary(it, ended)]
        trial.same("EXEC-010 EXEC-011 EXEC-017", f"{result}summary lines", found, expected)
        files = self.on_disk()
        odd = {
            path: (files.get(path), self.history.files.get(path))
            for path in files.keys() | self.history.files.keys()
            if files.get(path) != self.history.files.get(path)
        }
        trial.same("CACHE-017 CACHE-019 CACHE-020 CACHE-023", f"{result}files", odd, {})

    def on_disk(self) -> Tree:
        found = {}
        for path, content in self.trial.files().items():
            if not path.endswith("haz.yml"):
                mode = (self.trial.root / path).stat().st_mode & 0o7777
                found[f"/{path}"] = content, mode
        return found


def _parts(text: str) -> tuple[str, str, str]:
    return text.partition(":")


def _executed(happened: Happened) -> bool:
    return happened.verdict in (DONE, FAILED) or (
        happened.verdict == ERRORED and bool(happened.effect.files)
    )


def printed(id: Id, data: bytes, buffered: bool) -> bytes:
    """What a task's stream becomes on haz's own (EXEC-016)."""
    if buffered or not data:
        return data
    prefix = f"[{label(id)}] ".encode()
    lines = data.removesuffix(b"\n").split(b"\n")
    return b"".join(prefix + line + b"\n" for line in lines)


_SUMMARY = re.compile(r"^(?:.*?)(\[[\w-]+:[\w-]+\] [✓◉✗!-] \w+)(?: in [\dhms ]+?)?( \(.*\))?$")


def summaries(lines: list[str]) -> list[str]:
    """The lines on standard error that say how a task ended, without the durations."""
    found = (_SUMMARY.match(line) for line in lines)
    return [f"{one[1]}{one[2] or ''}" for one in found if one and "errored" not in one[1]]


def summary(happened: Happened, ended: Mapping[Id, str]) -> list[str]:
    """The line for a task, as ``summaries`` gives it; none for one that errored."""
    verbs = {
        DONE: "✓ done",
        CACHED: "◉ cached",
        FAILED: f"✗ failed (exit {happened.effect.code})",
    }
    if happened.verdict == SKIPPED:
        cause = happened.cause
        assert cause is not None
        return [f"[{label(happened.id)}] - skipped (upstream {label(cause)} {ended[cause]})"]
    verb = verbs.get(happened.verdict)
    return [f"[{label(happened.id)}] {verb}"] if verb else []


def _each(folder: Path, pattern: str, act: Callable[[Path], None]) -> None:
    for path in sorted(folder.glob(pattern)):
        if path.is_file():
            act(path)


def _flip(path: Path) -> None:
    """Change a byte, and nothing about the size."""
    data = bytearray(path.read_bytes())
    if data:
        data[0] ^= 1
        path.write_bytes(data)


def _flip_once(seen: set[int]) -> Callable[[Path], None]:
    """The same, once for a file of several names."""

    def flip(path: Path) -> None:
        inode = path.stat().st_ino
        if inode not in seen:
            seen.add(inode)
            _flip(path)

    return flip
