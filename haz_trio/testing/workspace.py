"""``WorkspaceMachine``: a program and the reference go through the same history of edits and runs.

After each run exit code, executed tasks, files, both streams and the decisions of the cache are
compared. A test draws the moves; ``strategies.moves`` has a strategy for them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from haz_trio.testing.models import files_of
from haz_trio.testing.moves import (
    KNOB_RULES,
    MODES,
    RULES,
    Ask,
    Chmod,
    Damage,
    Export,
    Move,
    Remove,
    Rot,
    Run,
    Scribble,
    Turn,
    Write,
)
from haz_trio.testing.reference.graph import build, closure, label
from haz_trio.testing.reference.history import CACHED, Happened, History, Tree, link_to
from haz_trio.testing.reference.outcomes import tally
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.schedule import DONE, ERRORED, FAILED, SKIPPED
from haz_trio.testing.reference.workspace import effective
from haz_trio.testing.reference.world import World
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial


class WorkspaceMachine:
    """Plays moves on a trial's workspace; raises ``DifferenceError`` at the first difference."""

    def __init__(self, trial: Trial, knobs: World) -> None:
        self.trial = trial
        self.knobs: World = knobs
        if trial.knows("equal-bodies-share-a-key"):
            self.knobs = knobs.turned("twins", False)
        self.history: History = History(known=trial.known)
        self.host: dict[str, str | None] = {"V": None, "W": None}  # PATH is never changed
        self.damaged: bool = False
        self.since: set[str] = set()  # rules that the moves since the last run are about
        self.configure()
        for path, content in knobs.sources.items():
            self.write(path, content)

    def configure(self) -> None:
        files = files_of(self.knobs.declared())
        for path in files:
            files[path] = f"# {self.knobs.comment}\n{files[path]!s}"
        self.trial.write(files)

    def write(self, path: str, content: bytes) -> None:
        mode = self.history.files.get(path, (b"", 0o644))[1]
        self.trial.write({path[1:]: content}, mode)
        self.history.files[path] = content, mode
        self.history.touch(path)

    def play(self, move: Move) -> None:
        if not isinstance(move, Run | Ask):
            knob = move.knob.rpartition(".")[2] if isinstance(move, Turn) else ""
            about = KNOB_RULES.get(knob, "")
            self.since.update((about or RULES[type(move)]).split())
        match move:
            case Write(path, content):
                self.write(path, content)
            case Remove(path):
                self.trial.remove(path[1:])
                for each in [*self.history.files]:
                    if each == path or each.startswith(f"{path}/"):
                        del self.history.files[each]
                        self.history.touch(each)
            case Scribble(path):
                old = self.history.files.get(path, (b"", 0))[0]
                if old:
                    self.write(path, bytes([old[0] ^ 1]) + old[1:])
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
            case Rot(id):
                self.rot(id)
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
            self.history.ours.clear()  # it is the cache that knows what a task has left
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

    def rot(self, id: Id) -> None:
        """Other results with the same bytes may share them."""
        entries = self.history.entries
        rotten = entries.get(self.history.last_keys.get(id, ()))
        if rotten is None or self.trial.knows("damage-is-not-noticed"):
            return
        self.damaged = True
        bad = rotten.contents - {b""}
        for path in rotten.outputs:
            self.play(Remove(path))
        flip = _flip_once(set(), bad)
        for pattern in ("??/*/outputs/*", "blobs/*", "??/*/std*"):
            _each(self.trial.root / ".haz/cache", pattern, flip)
        self.history.doubtful |= {key for key, entry in entries.items() if entry.contents & bad}

    def run(self, move: Run) -> None:
        trial, history = self.trial, self.history
        if move.mode and trial.knows("fewer-options"):
            move = Run(move.targets)
        configuration = self.knobs.declared()
        graph = build(configuration, effective(configuration))
        look, keep = MODES[move.mode]
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
            self.knobs.steps(),
            chosen,
            (graph.hard, {} if trial.knows("weak-deps-order-nothing") else graph.weak),
            self.variables,
            self.knobs.hash,
            look=look,
            keep=keep,
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
        configuration = self.knobs.declared()
        graph = build(configuration, effective(configuration))
        if id not in graph.tasks or self.history.doubtful:
            return
        result = self.trial.haz("why", label(id), cwd=id[0], env=self.host)
        says = self.history.predict(
            self.knobs.steps(), id, graph.hard, self.variables, self.knobs.hash
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
        if verdicts:
            closing = [line for line in result.lines if line.startswith("Tasks: ")]
            trial.same("EXEC-017", f"{result}closing line", closing, [tally(verdicts)])
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
        for path, target in self.trial.links().items():
            found[f"/{path}"] = link_to(target)
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


def _flip_once(seen: set[int], only: Collection[bytes] = ()) -> Callable[[Path], None]:
    """The same, once for a file of several names, and if it has some of these contents."""

    def flip(path: Path) -> None:
        inode = path.stat().st_ino
        if inode not in seen and (not only or path.read_bytes() in only):
            seen.add(inode)
            _flip(path)

    return flip
