"""One workspace of the campaign: its tasks, what they must make, and a cycle with its oracles."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
from blake3 import blake3

from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.campaign_plan import Cycle, Kill, Spoil, Target
from tests.faults.support import gone_soon

LIMIT = 60.0  # seconds for a run that takes a fraction of one
BIG = bytes(range(256)) * 1200
# A child of its own session during the task; whatever is killed, the task fails.
DAEMON = "setsid sleep 60 & k=$!"
TASKS = {
    "a": sh("cat in.txt other.txt > a.txt; cat in.txt", inputs=["in.txt", "other.txt"]),
    "b": sh("mkdir -p d; cp a.txt d/1; cat other.txt a.txt > d/2; echo b", inputs=["a.txt"]),
    "c": sh(f"{DAEMON}; cat big.bin a.txt > c.bin; kill $k; wait $k || true", inputs=["big.bin"]),
    "e": sh("cat d/2 c.bin > e.bin; cat a.txt >&2; echo e", inputs=["d/2", "c.bin"]),
    "f": sh("cat other.txt > f.txt; chmod 755 f.txt", inputs=["other.txt"]),
}
OUTPUTS = {"a": ["a.txt"], "b": ["d/*"], "c": ["c.bin"], "e": ["e.bin"], "f": ["f.txt"]}
DEPS = {"b": ["~:a"], "c": ["~:a"], "e": ["~:b", "~:c"]}


def inputs_of(version: int) -> dict[str, bytes]:
    return {"in.txt": f"{version}\n".encode(), "other.txt": f"other {version // 3}\n".encode()}


def reference(version: int) -> dict[str, bytes]:
    """What the tasks make of a version, found without haz."""
    made = inputs_of(version)
    a = made["in.txt"] + made["other.txt"]
    two = made["other.txt"] + a
    c = BIG + a
    return {"a.txt": a, "d/1": a, "d/2": two, "c.bin": c, "e.bin": two + c} | {
        "f.txt": made["other.txt"]
    }


def words_of(version: int) -> list[bytes]:
    """The lines of standard output of all tasks, sorted, without the names of the tasks."""
    return sorted([str(version).encode(), b"b", b"e"])


@attrs.define
class Tally:
    """What the oracles have found."""

    cycles: int = 0
    struck: int = 0  # cycles in which somebody was killed
    lost: int = 0
    wrong: int = 0
    orphans: int = 0

    def __str__(self) -> str:
        names = ("cycles", "lost", "wrong", "orphans")
        return " ".join(f"{name}={getattr(self, name)}" for name in names)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.wrong or self.orphans)


@attrs.define
class Ended:
    """A haz whose output lies in files, so that nobody has to read while others are killed."""

    child: subprocess.Popen[bytes]
    out: Path
    err: Path
    killed: bool = False


@attrs.define
class Lane:
    """A workspace and what is known of it; ``argv`` is the program haz."""

    number: int
    home: Home
    argv: Sequence[str]
    tally: Tally
    patience: float = 1.0  # seconds after which whoever is left is an orphan
    length: float = 0.3  # seconds of an undisturbed run, as measured last
    known: set[int] = attrs.field(factory=set)
    entries: set[str] = attrs.field(factory=set)
    findings: list[str] = attrs.field(factory=list)

    @classmethod
    def make(
        cls, root: Path, number: int, argv: Sequence[str], tally: Tally, patience: float
    ) -> Lane:
        tasks = {
            name: {
                **task,
                "shell": f"set -e; {task['shell']}",
                "outputs": OUTPUTS[name],
                "deps": DEPS.get(name, []),
            }
            for name, task in TASKS.items()
        }
        shutil.rmtree(root, ignore_errors=True)
        home = Home.make(root, tasks, execution={"containment": "group"})
        (home.place.p / "big.bin").write_bytes(BIG)
        return cls(number, home, argv, tally, patience)

    def run(self, cycle: Cycle, name: str) -> None:
        """Do what was planned, let it heal, and judge; findings are counted and kept as text."""
        before = len(self.findings)
        self._prepare(cycle)
        ended, struck, task_struck = self._disturb(cycle)
        if not gone_soon(self.home, self.patience):
            left = self.home.place.processes()
            self.tally.orphans += len(left)
            self.findings.append(f"orphans {[command_line(pid) for pid in left]}")
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._judge_runs(cycle, ended, task_struck)
        self._judge_healing(cycle)
        self._judge_entries(thorough=self.tally.cycles % 10 == 0)
        self.tally.cycles += 1
        self.tally.struck += struck
        for finding in self.findings[before:]:
            print(f"{name}: {finding}", flush=True)

    def _prepare(self, cycle: Cycle) -> None:
        place = self.home.place.p
        for name, data in inputs_of(cycle.version).items():
            (place / name).write_bytes(data)
        match cycle.spoil:
            case Spoil.REMOVED:
                for name in ("a.txt", "c.bin", "e.bin"):
                    (place / name).unlink(missing_ok=True)
            case Spoil.OVERWRITTEN:
                for name in ("a.txt", "f.txt", "e.bin"):
                    (place / name).write_bytes(b"spoiled\n")
            case Spoil.FOLDER_REMOVED:
                shutil.rmtree(place / "d", ignore_errors=True)
            case Spoil.NOTHING:
                pass

    def _start(self, number: int, *words: str, memo: bool) -> Ended:
        out, err = (self.home.root / f"{number}.{kind}" for kind in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            child = subprocess.Popen(
                [*self.argv, "run", "--workspace", *words],
                cwd=self.home.root,
                env={**self.home.env, "HAZ_MEMO": str(int(memo))},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        return Ended(child, out, err)

    def _disturb(self, cycle: Cycle) -> tuple[list[Ended], bool, bool]:
        """Start the runs and kill; whether anybody was hit, and whether a task was."""
        words = ["-j", str(cycle.jobs)]
        words += ["--output-mode", "buffered"] if cycle.buffered else []
        began = time.monotonic()
        runs = [self._start(n, *words, memo=cycle.memo) for n in range(cycle.processes)]
        struck = task_struck = False
        for kill in cycle.kills:
            length = self.length * (1 + 0.25 * (cycle.processes - 1))
            time.sleep(max(0.0, began + kill.instant * length - time.monotonic()))
            if kill.target is not Target.HAZ:
                task_struck |= self._kill_task(kill)
            if kill.target is not Target.TASK:
                struck |= kill_one(kill, runs)
        for run in runs:
            try:
                run.child.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self._say_wrong(f"hung: {run.err.read_text()}")
                run.child.kill()
                run.killed = True
                run.child.wait()
        return runs, struck or task_struck, task_struck

    def _kill_task(self, kill: Kill) -> bool:
        """Kill somebody below a haz who is neither haz nor its watchdog."""
        tasks = []
        for pid in self.home.place.processes():
            words = command_line(pid)
            if b"haz_trio" not in words and words:
                tasks.append(pid)
        if not tasks:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(tasks[int(kill.pick * len(tasks))], signal.SIGKILL)
        return True

    def _judge_runs(self, cycle: Cycle, runs: Sequence[Ended], task_struck: bool) -> None:
        """Who was not hit succeeds, and who says success has the right files and words."""
        for run in runs:
            code, said = run.child.returncode, run.err.read_bytes()
            if run.killed:
                continue
            if code not in ((0, 1) if task_struck else (0,)):
                self._say_wrong(f"exit {code}: {said.decode(errors='replace')}")
            if b"Traceback" in said or b"haz failed" in said:
                self._say_wrong(said.decode(errors="replace"))
            if code == 0:
                self._judge_files(cycle, "after a success")
                self._judge_words(cycle, run)

    def _judge_files(self, cycle: Cycle, when: str) -> None:
        for name, data in reference(cycle.version).items():
            path = self.home.place.p / name
            if not path.is_file() or path.read_bytes() != data:
                self._say_wrong(f"{name} {when}")
        if os.access(self.home.place.p / "a.txt", os.X_OK):
            self._say_wrong(f"mode of a.txt {when}")
        if not os.stat(self.home.place.p / "f.txt").st_mode & 0o100:
            self._say_wrong(f"mode of f.txt {when}")

    def _judge_words(self, cycle: Cycle, run: Ended) -> None:
        heard = [line.rpartition(b"] ")[2] for line in run.out.read_bytes().splitlines()]
        wanted = words_of(cycle.version)
        if b"ran it so far" in run.err.read_bytes():
            # What was heard of a command that another run could not bring to its end stands, too.
            heard, wanted = sorted(set(heard)), sorted(set(wanted))
        if sorted(heard) != wanted:
            self._say_wrong(f"words {run.out.read_bytes()!r}")

    def _judge_healing(self, cycle: Cycle) -> None:
        """The next run succeeds, with all that ever was a success; the one after is all hits."""
        for round_ in ("first", "second"):
            began = time.monotonic()
            run = self._start(0, memo=cycle.memo or round_ == "first")
            code = run.child.wait(LIMIT)
            if round_ == "first":
                self.length += 0.2 * (time.monotonic() - began - self.length)
            said = run.err.read_text()
            if code != 0 or "Traceback" in said:
                self._say_wrong(f"{round_} run, exit {code}: {said}")
                return
            self._judge_files(cycle, f"after the {round_} run")
            self._judge_words(cycle, run)
            must_hit = round_ == "second" or cycle.version in self.known
            count = len(TASKS)
            if must_hit and f"Tasks: {count} completed ({count} cached)" not in said:
                self.tally.lost += 1
                self.findings.append(f"lost, {round_} run: {said}")
            if round_ == "second" and "note:" in said:
                self._say_wrong(f"second run: {said}")
        self.known.add(cycle.version)

    def _judge_entries(self, *, thorough: bool) -> None:
        """No entry has gone; now and then each is read to its last byte."""
        cache = self.home.root / ".haz/cache"
        found = {path.name for path in cache.glob("[0-9a-f][0-9a-f]/[0-9a-f]*")}
        gone = self.entries - found
        self.entries = found
        if gone:
            self.tally.lost += len(gone)
            self.findings.append(f"entries gone: {sorted(gone)}")
        if thorough:
            for key in sorted(found):
                self._judge_entry(cache / key[:2] / key)

    def _judge_entry(self, entry: Path) -> None:
        """The digests of a manifest are those of the bytes; read without haz."""
        try:
            manifest = json.loads((entry / "manifest.json").read_bytes())
            stated = [each["content_hash"] for each in manifest["outputs"]]
            pairs = [(entry / "outputs" / digest, digest) for digest in stated]
            pairs += [(entry / name, manifest[f"{name}_hash"]) for name in ("stdout", "stderr")]
            for path, digest in pairs:
                assert blake3(path.read_bytes()).hexdigest() == digest, path.name
        except (OSError, ValueError, KeyError, AssertionError) as problem:
            self._say_wrong(f"entry {entry.name}: {problem!r}")

    def _say_wrong(self, text: str) -> None:
        self.tally.wrong += 1
        self.findings.append(f"wrong: {text}")


def kill_one(kill: Kill, runs: Sequence[Ended]) -> bool:
    """Kill one of the haz processes that are alive; not one that has ended."""
    alive = [run for run in runs if not run.killed and run.child.poll() is None]
    if not alive:
        return False
    run = alive[int(kill.pick * len(alive))]
    run.child.kill()
    run.killed = run.child.wait() == -signal.SIGKILL
    return run.killed


def command_line(pid: int) -> bytes:
    """The words of a process; nothing for one that has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").strip()
    except OSError:
        return b""
