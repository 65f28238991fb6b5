"""Random edits and runs of the real program, with every shortcut and with none of them.

    python -m tests.shortcuts_campaign --seed 1 --edits 200

Twin workspaces are edited alike and run one after the other.  One keeps its memos and state
files, which are damaged now and then; the other loses them before each run and uses no memo.
Exit codes, what was run and what was a hit, what was said (durations masked), and all files must
be the same; what only looks must write nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import attrs

from tests.engine.shortcut_world import populate
from tests.process.support import new_token
from tests.shortcut_edits import draw
from tests.told import LIMIT, haz

PAUSE = 0.03  # seconds after which what was written is settled on a fine clock
STATE = ".haz/cache/state"
WORDS: list[tuple[str, ...]] = [
    ("run", "--all"),
    ("run", "--all"),
    ("run", "one:gen"),
    ("run", "two:use"),
    ("run", "one:tree", "two:all"),
    ("run", "--only", "one:use"),
    ("run", "--no-cache", "one:gen"),
    ("run", "--force", "two:lit"),
    ("run", "one:lit", "--arg", "src/b"),
]
LOOKS: list[tuple[str, ...]] = [
    ("check",),
    ("query",),
    ("query", "--format", "json"),
    ("why", "one:gen"),
    ("run", "--all", "--dry-run"),
]
DURATION = re.compile(rb"\b\d+(ms|s|m|h)( \d+(ms|s|m))?\b")

SCRIPT = """
said=$(echo "$MODE"; find -L PLACES -type f 2>/dev/null | LC_ALL=C sort | while read -r name; do
  echo "$name"; cat "$name"; done)
case $said in *fail*) echo failed >&2; exit 1;; esac
mkdir -p DIR 2>/dev/null
if [ -L OUT ]; then rm OUT; fi
printf %s "$said" > OUT || exit 1
printf %s "$said" | cksum
"""


def sh(out: str, *places: str, **fields: object) -> dict[str, object]:
    script = SCRIPT.replace("PLACES", " ".join(places)).replace("DIR", os.path.dirname(out))
    host = {"from_host": ["PATH", "MODE"]}
    return {"shell": script.replace("OUT", out), "outputs": [out], "env": host, **fields}


def project(name: str, variant: str = "") -> dict[str, object]:
    """The tasks of the small world, as shell scripts."""
    tasks = {
        "gen": sh("out/gen.txt", "src", inputs=["src/**"]),
        "lit": sh("out/lit.txt", "src/a", inputs=["src/a"], env={"from_host": ["PATH"]}),
        "all": sh("bin/all", "../../shared", inputs=["/shared/**"], env={"from_host": ["PATH"]}),
        "use": sh("bin/use", "out", inputs=["out/*.txt"], deps=["~:gen", "~:lit"]),
        "tree": sh("tree/deep/x", "src", inputs=["src/**"], outputs=["tree/**"]),
    }
    if variant:
        tasks["gen"] = sh("out/gen.txt", "src", variant, inputs=["src/**"])
        tasks["tree"]["inputs"] = ["src/*"]
    return {"name": name, "tags": ["t"], "tasks": tasks}


@attrs.define
class Twin:
    """A workspace and what the last command in it came to."""

    root: Path
    shortcuts: bool
    env: dict[str, str]
    memos: int = 0

    def haz(self, *words: str) -> tuple[object, ...]:
        """What a command comes to, comparable."""
        if self.shortcuts:
            done = haz(*words, cwd=self.root, env=self.env)
            self.memos += done.memo
            return done.code, self._lines(done.out), self._lines(done.err), self.tree()
        self.forget()
        plain = subprocess.run(
            [sys.executable, "-m", "haz_trio", *words],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        return plain.returncode, self._lines(plain.stdout), self._lines(plain.stderr), self.tree()

    def _lines(self, said: bytes) -> list[bytes]:
        """What was said in any order: what is proven comes before what has to be looked at."""
        plain = said.replace(os.fsencode(self.root), b"ROOT")
        return sorted(DURATION.sub(b"TIME", plain).splitlines())

    def forget(self) -> None:
        """Lose what earlier runs knew; the ledger is no shortcut, nor is the secret."""
        for path in self.states("known", "config", "memo-*"):
            path.unlink()

    def states(self, *patterns: str) -> list[Path]:
        folder = self.root / STATE
        return sorted(path for pattern in patterns for path in folder.glob(pattern))

    def tree(self) -> dict[str, tuple[int, object]]:
        """All files but for those of the cache, by their names."""
        return {
            name: found
            for name, found in self.everything().items()
            if not name.startswith(".haz/cache")
        }

    def everything(self) -> dict[str, tuple[int, object]]:
        found: dict[str, tuple[int, object]] = {}
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = Path(folder, name)
                info = path.lstat()
                what: object = None
                if path.is_symlink():
                    what = os.readlink(path)
                elif path.is_file():
                    what = path.read_bytes()
                found[str(path.relative_to(self.root))] = (info.st_mode, what)
        return found


def damage(twin: Twin, dice: random.Random, old: dict[str, bytes]) -> str:
    """Do something to a state file of the twin with shortcuts; what it was."""
    files = twin.states("known", "config", "memo-*", "secret")
    if not files:
        return "nothing to damage"
    path = dice.choice(files)
    data = path.read_bytes() if path.is_file() else b""
    kind = dice.choice(
        ["bit", "short", "empty", "garbage", "gone", "old", "mode", "folder", "link"]
    )
    old.setdefault(path.name, data)
    with suppress(OSError):
        match kind:
            case "bit" if data:
                spoilt = bytearray(data)
                spoilt[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
                path.write_bytes(spoilt)
            case "short" if data:
                path.write_bytes(data[: dice.randrange(len(data))])
            case "garbage":
                path.write_bytes(dice.randbytes(len(data) or 9))
            case "old":
                path.write_bytes(old[path.name])
                old[path.name] = data
            case "mode":
                path.chmod(0o666)
            case "gone":
                path.unlink()
            case "folder" if path.name != "secret":
                path.unlink()
                path.mkdir()
            case "link":
                kept = twin.root.parent / f"kept-{path.name}"
                shutil.move(path, kept)
                path.symlink_to(kept)
            case _:
                path.write_bytes(b"")
    return f"{kind} {path.name}"


@attrs.define
class Campaign:
    """Edits and runs, and what differed."""

    folder: Path
    dice: random.Random
    history: list[str] = attrs.field(factory=list)
    edits: int = 0
    runs: int = 0
    differences: int = 0
    _old: dict[str, bytes] = attrs.field(factory=dict)

    def twins(self) -> tuple[Twin, Twin]:
        """The one with shortcuts, and the other."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "HAZ_JOBS": "1",
            "MODE": "1",
            **new_token(),
        }
        if "PYTHONPATH" in os.environ:
            env["PYTHONPATH"] = os.environ["PYTHONPATH"]
        quick = Twin(self.folder / "quick", True, dict(env))
        plain = Twin(self.folder / "plain", False, {**env, "HAZ_MEMO": "0"})
        for twin in (quick, plain):
            populate(twin.root, project)
        return quick, plain

    def go(self, edits: int) -> Twin:
        """Carry it out; returns the twin with shortcuts."""
        quick, plain = self.twins()
        while self.edits < edits:
            self._edit(quick, plain)
            if self.dice.random() < 0.7:
                time.sleep(PAUSE)
            words = self.dice.choice(WORDS)
            for _ in range(self.dice.choice([1, 2, 4, 5])):
                self._compare(quick, plain, words)
                if self.dice.random() < 0.8:
                    time.sleep(PAUSE)
            if self.dice.random() < 0.2:
                self._look(quick, plain, self.dice.choice(LOOKS))
        return quick

    def _edit(self, quick: Twin, plain: Twin) -> None:
        for _ in range(self.dice.choice([0, 1, 1, 2, 4])):
            name, edit = draw(self.dice, project)
            self.history.append(name)
            for twin in (quick, plain):
                edit(twin.root)
            self.edits += 1
        if self.dice.random() < 0.2:
            self.history.append(damage(quick, self.dice, self._old))
            self.edits += 1
        if self.dice.random() < 0.1:
            mode = self.dice.choice("123")
            quick.env["MODE"] = plain.env["MODE"] = mode
            self.history.append(f"MODE {mode}")

    def _compare(self, quick: Twin, plain: Twin, words: tuple[str, ...]) -> None:
        self.history.append(" ".join(words))
        self.runs += 1
        self._judge(quick.haz(*words), plain.haz(*words))

    def _look(self, quick: Twin, plain: Twin, words: tuple[str, ...]) -> None:
        before = quick.everything()
        self._compare(quick, plain, words)
        if quick.everything() != before:
            self.differences += 1
            self._tell("a command that only looks has written", "")

    def _judge(self, found: tuple[object, ...], wanted: tuple[object, ...]) -> None:
        names = ("exit code", "output", "errors", "files")
        for name, one, other in zip(names, found, wanted, strict=True):
            if one != other:
                self.differences += 1
                self._tell(name, f"  with:    {one}\n  without: {other}")

    def _tell(self, what: str, more: str) -> None:
        print(f"different: {what}\n{more}\n  after: {'; '.join(self.history[-25:])}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edits", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder).resolve(), random.Random(chosen.seed))
        quick = campaign.go(chosen.edits)
    print(
        f"edits={campaign.edits} runs={campaign.runs} memo={quick.memos} "
        f"differences={campaign.differences}"
    )
    return 1 if campaign.differences else 0


if __name__ == "__main__":
    sys.exit(main())
