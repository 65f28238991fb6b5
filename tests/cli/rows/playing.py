"""Rows played on real directories, and compared with what they expect."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from tests.cli.rows.reading import Expected, File, Row, Scene, Step
from tests.cli.rows.server import LIMIT, Answer, Request
from tests.engine.workspaces import PATH

ENV: Mapping[str, str] = {
    "PATH": PATH,
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "NO_GRAPHICS": "1",  # the form of errors that has no line breaks
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.invalid",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.invalid",
}

# What the specification leaves open: durations, keys, times, our version and how much the
# cache's own files weigh.
_MASKS = [
    (re.compile(r"(?<= in )\d+(?:ms|s|m|h)(?: \d+(?:ms|s|m))*"), "Nms"),
    (re.compile(r"^( Time: ).*", re.MULTILINE), r"\1Nms"),
    (re.compile(r"^(cache_key: )[0-9a-f]{64}$", re.MULTILINE), r"\1KEY"),
    (re.compile(r"^  [0-9a-f]{8} created_at=\S+", re.MULTILINE), "  KEY created_at=T"),
    (re.compile(r"^(total bytes: )[1-9]\d*$", re.MULTILINE), r"\1N"),
    (re.compile(r"^(Version: )\S+$", re.MULTILINE), r"\1N"),
]
_PLAN = re.compile(r"(?:^  KEY created_at=.*\n)+", re.MULTILINE)
_SNIPPET = re.compile(r"Begin snippet for (.+) starting at line ")
_LABEL = re.compile(r" +label at line (\d+), columns? (\d+)")
_HELP = re.compile(r"HELP-(\w+)\n")
_PREFIX = re.compile(r"\[[\w-]+:[\w-]+\]")
_ASSIGNED = re.compile(r"\w+=")


@attrs.define
class Haz:
    """The program: in a process of its own for each command line, all forked from one."""

    _server: subprocess.Popen[str]

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Haz]:
        command = [sys.executable, "-m", "tests.cli.rows.server"]
        pipe = subprocess.PIPE
        root = Path(__file__).parents[3]
        with subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, text=True) as server:
            yield cls(server)
            assert server.stdin is not None
            server.stdin.close()

    def ask(self, request: Request) -> Answer:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(attrs.asdict(request)), file=self._server.stdin, flush=True)
        return Answer(**json.loads(self._server.stdout.readline()))


@attrs.define
class Stage:
    """A scene on a directory: plays it up to the row that is wanted, each act once."""

    _haz: Haz
    _scene: Scene
    _root: Path
    _next: int = 0
    _played: dict[str, Answer] = attrs.field(factory=dict)

    def play(self, row: Row) -> Answer:
        """What comes of a row, after all that happens before it in its scene."""
        while row.name not in self._played:
            act = self._scene.acts[self._next]
            self._next += 1
            match act:
                case File(name, text):
                    path = self._root / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text, "utf-8")
                case Step(line):
                    done = self._type(line, self._root)
                    assert done.code == 0, f"{line}: {done.err}"
                case Row():
                    done = self._type(act.line, self._root / act.directory)
                    self._played[act.name] = attrs.evolve(
                        done, out=self._mask(done.out), err=self._mask(done.err)
                    )
        return self._played[row.name]

    def differences(self, row: Row, expected: Expected, done: Answer) -> list[str]:
        """What is not as expected, in words; nothing if all is."""
        found = []
        out = expected.out
        if help_of := _HELP.fullmatch(out):
            words = ["haz", *({help_of[1].lower()} - {"main"}), "--help"]
            out = self._mask(self._type(shlex.join(words), self._root).out)
        if done.code != expected.code:
            found.append(f"exit code {done.code} instead of {expected.code}")
        split = _by_task if expected.mixed else _together
        if split(done.out) != split(out):
            found.append(f"standard output {done.out!r} instead of {out!r}")
        lines = split(done.err)
        for task, wanted in split("".join(f"{line}\n" for line in expected.err)).items():
            left = iter(lines.get(task, ()))
            found += [f"no line {line!r} in its place" for line in wanted if line not in left]
        said = " ".join((done.err + _places(done.err, row.directory)).split())
        found += [f"no word {word!r}" for word in expected.words if not _says(said, word)]
        if found:
            found.append(f"standard error {done.err!r}")
        return found

    def _type(self, line: str, directory: Path) -> Answer:
        env = dict(ENV)
        words = [] if line.startswith("sh ") else shlex.split(line)
        while words and _ASSIGNED.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            env[name] = value
        if words and words[0] == "haz":
            return self._haz.ask(Request(words[1:], str(directory), env))
        if "PYTHONPATH" in os.environ:  # where haz_trio is not installed
            env["PYTHONPATH"] = os.environ["PYTHONPATH"]
        haz = f'haz() {{ {shlex.quote(sys.executable)} -m haz_trio "$@"; }}\n'
        done = subprocess.run(
            ["sh", "-c", haz + line.removeprefix("sh ")],
            cwd=directory,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=LIMIT,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def _mask(self, text: str) -> str:
        text = text.replace(os.path.realpath(self._root), "$WS")
        for pattern, shown in _MASKS:
            text = pattern.sub(shown, text)
        # Entries of one second stand in the order of their keys, which are masked.
        return _PLAN.sub(lambda plan: "".join(sorted(plan[0].splitlines(keepends=True))), text)


def _together(text: str) -> Mapping[str, Sequence[str]]:
    """All lines, with their ends, in one order."""
    return {"": text.splitlines(keepends=True)}


def _by_task(text: str) -> Mapping[str, Sequence[str]]:
    """Lines of each task in their order: those of two tasks are in none (cli.md 9.4)."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines(keepends=True):
        prefix = _PREFIX.match(line)
        found.setdefault(prefix[0] if prefix else "", []).append(line)
    return found


def _places(text: str, directory: str) -> str:
    """``FILE:LINE:COL`` of each mark in a narrated error, the file as seen from the root."""
    found = []
    file = ""
    for line in text.splitlines():
        if snippet := _SNIPPET.match(line):
            file = os.path.normpath(os.path.join(directory, snippet[1]))
        elif label := _LABEL.match(line):
            found.append(f"{file}:{label[1]}:{label[2]}")
    return "\n".join(found).replace(f"{directory}/$WS/", "")


def _says(text: str, word: str) -> bool:
    """Whether a word occurs that is not a part of a longer one."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
