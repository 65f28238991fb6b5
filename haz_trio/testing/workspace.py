"""``WorkspaceMachine``: a program and the reference go through the same history of edits and runs.

After each run exit code, executed tasks, files, both streams and the decisions of the cache are
compared. A test draws the moves; ``strategies.moves`` has a strategy for them.
"""

from __future__ import annotations

import os
from pathlib import Path

from haz_trio.testing.harm import each, flip, flip_once
from haz_trio.testing.models import files_of
from haz_trio.testing.moves import (
    KNOB_RULES,
    MODES,
    RULES,
    Ask,
    Chmod,
    Damage,
    Export,
    Folder,
    Forge,
    Link,
    Move,
    Remove,
    Rot,
    Run,
    Scribble,
    Turn,
    Write,
)
from haz_trio.testing.reference import colours
from haz_trio.testing.reference.globs import matches
from haz_trio.testing.reference.graph import build, closure, label
from haz_trio.testing.reference.history import (
    CACHED,
    File,
    Happened,
    History,
    Tree,
    below,
    folder_of,
    is_link,
    is_plain,
    link_to,
)
from haz_trio.testing.reference.keys import differences
from haz_trio.testing.reference.outcomes import tally
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.schedule import DONE, ERRORED, FAILED
from haz_trio.testing.reference.workspace import effective
from haz_trio.testing.reference.world import World
from haz_trio.testing.said import named_differences, summaries, summary
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
        old = self.history.files.get(path)
        if old is not None and not is_plain(old):
            self.remove(path)
        mode = 0o644 if old is None or not is_plain(old) else old[1]
        self.trial.write({path[1:]: content}, mode)
        self.history.files[path] = content, mode
        self.history.touch(path)

    def remove(self, path: str) -> None:
        if is_link(self.history.files.get(path.rpartition("/")[0])):
            return  # it would be another file
        self.trial.remove(path[1:])
        for gone in [path, *below(path, self.history.files)]:
            if self.history.files.pop(gone, None) is not None:
                self.history.touch(gone)

    def stand(self, path: str, file: File) -> None:
        """Something that is no regular file stands at a path from now on."""
        self.remove(path)
        if is_link(file):
            self.trial.link(path[1:], file[0].decode().removeprefix("-> "))
        else:
            self.trial.folder(path[1:])
            self.trial.chmod(path[1:], file[1])
        self.history.files[path] = file
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
                self.remove(path)
            case Scribble(path) | Forge(path):
                self.scribble(path, move)
            case Link(path, to):
                self.stand(path, link_to(to))
            case Folder(path, full):
                self.stand(path, folder_of(0o755))
                if full:
                    self.write(f"{path}/f", b"in the way\n")
            case Chmod(path, mode):
                file = self.history.files.get(path)
                if file is not None and not is_link(file):
                    self.trial.chmod(path[1:], mode)
                    self.history.files[path] = file[0], mode
                    if is_plain(file):  # a folder is ours as long as it is the same one
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
            case Ask(id, briefly):
                self.ask(id, plainly=not briefly)

    def scribble(self, path: str, move: Scribble | Forge) -> None:
        file = self.history.files.get(path)
        if file is None or not is_plain(file) or not file[0]:
            return
        content = bytes([file[0][0] ^ 1]) + file[0][1:]
        if isinstance(move, Scribble):
            self.write(path, content)
            return
        self.trial.forge(path[1:], content, anew=move.anew)
        self.history.files[path] = content, file[1]
        self.history.touch(path)

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
            each(cache, "??/*/manifest.json", Path.unlink)
            self.history.entries.clear()
        elif what == "streams":
            each(cache, "??/*/std*", flip)
            self.history.doubtful |= {*self.history.entries}
        else:
            for entry in self.history.entries.values():
                for path in entry.outputs:
                    self.play(Remove(path))
            harm = flip_once(set())
            for pattern in ("??/*/outputs/*", "blobs/*"):
                each(cache, pattern, harm)
            self.history.doubtful |= {*self.history.entries}

    def rot(self, id: Id) -> None:
        """Other results with the same bytes may share them."""
        entries = self.history.entries
        key = self.history.last_keys.get(id)
        rotten = entries.get(key) if key is not None else None
        if rotten is None or self.trial.knows("damage-is-not-noticed"):
            return
        self.damaged = True
        bad = rotten.contents - {b""}
        for path in rotten.outputs:
            self.play(Remove(path))
        harm = flip_once(set(), bad)
        for pattern in ("??/*/outputs/*", "blobs/*", "??/*/std*"):
            each(self.trial.root / ".haz/cache", pattern, harm)
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
        history.rollback = self.knobs.rollback
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

    def ask(self, id: Id, *, plainly: bool = True) -> None:
        """Nothing is run for the answer, and the next run agrees with it."""
        configuration = self.knobs.declared()
        graph = build(configuration, effective(configuration))
        if id not in graph.tasks or self.history.doubtful:
            return
        steps, variables = self.knobs.steps(), self.variables
        says = self.history.predict(steps, id, graph.hard, variables, self.knobs.hash)
        if says is None:
            return
        about = " ".join(sorted({"AUX-014", "AUX-015", "CACHE-002"} | self.since))
        if plainly:
            result = self.trial.haz("why", label(id), cwd=id[0], env=self.host)
            found = result.out.decode(errors="replace").splitlines()[-1:]
            if self.damaged:  # one miss is as good as another
                found = [line.replace("corrupt entry", "no entry") for line in found]
            expected = (0, [f"cache_lookup: {says}"]) if says else (2, [])
            self.trial.same(about, f"{result}", (result.code, found), expected)
        last = self.history.last_results.get(id)
        if says and last in self.history.entries and not self.trial.knows("fewer-options"):
            now = self.history.key(steps[id], graph.hard[id], variables, self.knobs.hash)
            result = self.trial.haz("why", "--diff", "--json", label(id), env=self.host)
            named = named_differences(result.out, label(id))
            self.trial.same(about, f"{result}differences", named, sorted(differences(last, now)))

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
        for path, mode in self.trial.folders().items():
            if any(matches(pattern, f"/{path}") for pattern in self.knobs.watched):
                found[f"/{path}"] = folder_of(mode)
        return found


def printed(id: Id, data: bytes, buffered: bool, *, painted: bool = False) -> bytes:
    """What a task's stream becomes on haz's own (EXEC-016)."""
    if buffered or not data:
        return data
    prefix = (colours.prefix(label(id)) if painted else f"[{label(id)}] ").encode()
    lines = data.removesuffix(b"\n").split(b"\n")
    return b"".join(prefix + line + b"\n" for line in lines)


def _parts(text: str) -> tuple[str, str, str]:
    return text.partition(":")


def _executed(happened: Happened) -> bool:
    return happened.verdict in (DONE, FAILED) or (
        happened.verdict == ERRORED and bool(happened.effect.files)
    )
