"""What changes a key: the rows of the specification's table, through the CLI (K2, cache.md B1).

A task runs, something changes, and it runs again: the second run is a hit or it is none.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import attrs
import pytest

from haz_trio.cli.main import run_command_line
from tests.engine.workspaces import PATH

SCRIPT = "cat src/*.c k.txt > out.o; echo said"


@attrs.define
class World:
    """A workspace in which ``lib:build`` can run, and the parts that its files are made of."""

    root: Path
    patch: pytest.MonkeyPatch
    task: dict[str, object] = attrs.field(factory=dict)
    others: dict[str, object] = attrs.field(factory=dict)
    project: dict[str, object] = attrs.field(factory=dict)
    settings: dict[str, object] = attrs.field(factory=dict)
    place: str = "lib"
    name: str = "build"
    comment: str = ""

    def __attrs_post_init__(self) -> None:
        self.task = {
            "inputs": ["src/*.c", "k.txt"],
            "outputs": ["out.o"],
            "shell": SCRIPT,
            "env": {"from_host": ["PATH", "V"], "override": {"W": "1"}},
        }
        for name in ("src/a.c", "src/b.c", "k.txt"):
            self.write(name, name)
        self.env("V", "1")

    def write(self, name: str, text: str) -> Path:
        path = self.root / self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def path(self, name: str) -> Path:
        return self.root / self.place / name

    def env(self, name: str, value: str | None) -> None:
        if value is None:
            self.patch.delenv(name, raising=False)
        else:
            self.patch.setenv(name, value)

    def settle(self, **fields: object) -> object:
        """Change the task; ``None`` takes a field away."""
        self.task.update(fields)
        self.task = {name: value for name, value in self.task.items() if value is not None}
        return self

    def call(self, name: str) -> object:
        """Give the task another name."""
        self.name = name
        return self

    def variables(self, host: list[str], **override: str) -> None:
        self.settle(env={"from_host": host, "override": override})

    def run(self, capture: pytest.CaptureFixture[str]) -> str:
        """What the run says of the task: ``done`` or ``cached``, or something worse."""
        tasks = {self.name: self.task, **self.others} if self.task else self.others
        project = {"name": "lib", "tasks": tasks, **self.project}
        self.write("haz.yml", self.comment + json.dumps(project))
        (self.root / ".haz").mkdir(exist_ok=True)
        settings = {"projects": [f"/{self.place}"], **self.settings}
        (self.root / ".haz/workspace.yml").write_text(json.dumps(settings))
        id = f"{project['name']}:{self.name}"
        run_command_line(["-C", str(self.root), "--color=never", "run", id])
        said = capture.readouterr().err.splitlines()
        [line] = [line for line in said if f"[{id}]" in line and " in " in line] or ["? failed"]
        return "cached" if "cached" in line else "done" if "done" in line else line


Change: TypeAlias = Callable[[World], object]


def nothing(world: World) -> None:
    """Everything stays as it is."""


def link(name: str, target: str) -> Change:
    def change(world: World) -> None:
        world.path(name).unlink(missing_ok=True)
        world.path(name).symlink_to(target)

    return change


def both(*changes: Change) -> Change:
    def change(world: World) -> None:
        for each in changes:
            each(world)

    return change


def swap(world: World) -> None:
    one, other = world.path("src/a.c"), world.path("src/b.c")
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])


def there_and_back(world: World) -> None:
    world.write("src/a.c", "other")
    world.write("src/a.c", "src/a.c")


def hard(world: World) -> None:
    world.path("src/a.c").unlink()
    os.link(world.path("src/b.c"), world.path("src/a.c"))


def same_bytes(world: World) -> None:
    world.write("src/a.c", "same")
    world.write("src/b.c", "same")
    world.write("else", "same")
    world.write("more", "other")


def producer(script: str, **fields: object) -> Change:
    """A hard predecessor with this script."""

    def change(world: World) -> None:
        world.others["gen"] = {"shell": script, "env": {"from_host": ["PATH"]}, **fields}
        world.settle(deps=["~:gen"])

    return change


def made_input(script: str) -> Change:
    """A predecessor that makes one of the inputs."""
    return both(
        producer(script, outputs=["gen.txt"], inputs=["seed"]),
        lambda w: (w.write("seed", "1"), w.settle(inputs=["gen.txt"], shell="cp gen.txt out.o")),
    )


def move(world: World) -> None:
    shutil.move(world.root / "lib", world.root / "moved")
    world.place = "moved"


def copy_all(world: World) -> None:
    shutil.copytree(world.root, new := world.root.with_name("copy"), symlinks=True)
    world.root = new


def overlay(name: str, script: str = SCRIPT) -> Change:
    """The body of the task comes from an overlay."""

    def change(world: World) -> None:
        folder = world.root / ".haz" / "tasks"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        body = {**BASE, "shell": script}
        text = {"tagsFilter": ["c"], "tasks": {"build": body}}
        (folder / f"{name}.yml").write_text(json.dumps(text))
        world.project["tags"] = ["c"]
        world.task = {}

    return change


def copied_from_overlay(world: World) -> None:
    world.task = {**BASE, "shell": SCRIPT}


def unreadable(world: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root reads a file of mode 0")
    world.path("src/a.c").chmod(0)


def renamed(world: World) -> None:
    world.others["make"] = world.others.pop("gen")
    world.settle(deps=["~:make"])


def two(*deps: str) -> Change:
    def change(world: World) -> None:
        world.others |= {name: {"shell": f"echo {name}", "shell_type": "sh"} for name in "ab"}
        world.settle(deps=list(deps))

    return change


def chained(script: str) -> Change:
    """The predecessor of the predecessor prints something else, the predecessor does not."""

    def change(world: World) -> None:
        world.others["first"] = {"shell": script}
        world.others["gen"] = {"shell": "echo same", "deps": ["~:first"]}
        world.settle(deps=["~:gen"])

    return change


BASE: dict[str, object] = {
    "inputs": ["src/*.c", "k.txt"],
    "outputs": ["out.o"],
    "env": {"from_host": ["PATH", "V"], "override": {"W": "1"}},
}

ROWS: dict[int, tuple[Change, Change, str]] = {
    1: (nothing, nothing, "cached"),
    2: (nothing, lambda w: w.write("src/a.c", "other"), "done"),
    3: (nothing, there_and_back, "cached"),
    4: (nothing, lambda w: os.utime(w.path("src/a.c"), (5, 5)), "cached"),
    5: (nothing, lambda w: w.path("src/a.c").chmod(0o755), "cached"),
    6: (nothing, unreadable, "cached"),
    7: (nothing, lambda w: w.path("src/a.c").rename(w.path("src/c.c")), "done"),
    8: (nothing, swap, "done"),
    9: (nothing, lambda w: w.write("src/new.c", "x"), "done"),
    10: (nothing, lambda w: w.write("src/new.h", "x"), "cached"),
    11: (nothing, lambda w: w.path("src/b.c").unlink(), "done"),
    12: (nothing, lambda w: w.path("src/empty").mkdir(), "cached"),
    13: (nothing, lambda w: w.write("src/.h.c", "x"), "done"),
    14: (same_bytes, link("src/a.c", "../else"), "cached"),
    15: (both(same_bytes, link("src/a.c", "../else")), lambda w: w.write("else", "x"), "done"),
    16: (both(same_bytes, link("src/a.c", "../else")), link("src/a.c", "b.c"), "cached"),
    17: (both(same_bytes, link("src/a.c", "../else")), link("src/a.c", "../more"), "done"),
    18: (
        lambda w: (
            w.root.with_name("outside").write_text("1"),
            link("src/a.c", "../../../outside")(w),
        ),
        lambda w: w.root.with_name("outside").write_text("2"),
        "done",
    ),
    19: (same_bytes, hard, "cached"),
    20: (nothing, lambda w: w.env("V", "2"), "done"),
    21: (lambda w: w.env("V", None), lambda w: w.env("V", "1"), "done"),
    22: (lambda w: w.env("V", ""), lambda w: w.env("V", None), "done"),
    23: (nothing, lambda w: w.env("OTHER", os.fsdecode(b"\xff")), "cached"),
    24: (nothing, lambda w: w.env("OTHER", "x"), "cached"),
    25: (nothing, lambda w: w.env("PATH", PATH + ":/nowhere"), "done"),
    26: (
        lambda w: w.variables(["V"], PATH=PATH),
        lambda w: w.env("PATH", PATH + ":/nowhere"),
        "cached",
    ),
    27: (nothing, lambda w: w.variables(["PATH", "V"], W="2"), "done"),
    28: (nothing, lambda w: w.variables(["PATH", "V"], W="1", X=""), "done"),
    29: (lambda w: w.variables(["PATH", "V"], V="1"), lambda w: w.env("V", "2"), "cached"),
    30: (
        lambda w: w.variables(["PATH", "V"], V="1"),
        lambda w: w.variables(["PATH"], V="1"),
        "cached",
    ),
    31: (nothing, lambda w: w.variables(["V", "PATH"], W="1"), "cached"),
    32: (nothing, lambda w: w.variables(["PATH"], W="1", V="1"), "done"),
    33: (nothing, lambda w: w.settle(shell=SCRIPT.replace("; ", ";  ")), "done"),
    34: (nothing, lambda w: w.settle(shell=SCRIPT + " "), "done"),
    35: (nothing, lambda w: w.settle(shell_type="bash"), "done"),
    36: (nothing, lambda w: w.settle(shell=None, command=["sh", "-c", SCRIPT]), "done"),
    37: (
        lambda w: w.settle(shell=None, command=["sh", "-c", SCRIPT]),
        lambda w: w.settle(command=["sh", "-c", SCRIPT, "x"]),
        "done",
    ),
    38: (
        lambda w: w.settle(shell=None, command=["sh", "-c", SCRIPT, "a b"]),
        lambda w: w.settle(command=["sh", "-c", SCRIPT, "a", "b"]),
        "done",
    ),
    39: (
        lambda w: (w.write("tool", "cat k.txt > out.o"), w.settle(shell="sh tool")),
        lambda w: w.write("tool", "cat k.txt k.txt > out.o"),
        "cached",
    ),
    40: (
        lambda w: w.settle(shell=SCRIPT + "; echo > more"),
        lambda w: w.settle(outputs=["out.o", "more"]),
        "done",
    ),
    41: (nothing, lambda w: w.settle(outputs=[]), "done"),
    42: (nothing, lambda w: w.settle(inputs=["k.txt", "src/*.c"]), "cached"),
    43: (nothing, lambda w: w.settle(inputs=["src/?.c", "k.txt"]), "cached"),
    44: (nothing, lambda w: w.settle(inputs=["src/*.c", "src/a.c", "k.txt"]), "cached"),
    45: (nothing, lambda w: w.settle(inputs=["src/*.c", "src/a*", "k.txt"]), "cached"),
    46: (nothing, lambda w: w.settle(inputs=["/lib/src/*.c", "k.txt"]), "cached"),
    47: (nothing, lambda w: w.settle(mutex={"name": "m", "mode": "exclusive"}), "cached"),
    48: (nothing, lambda w: w.project.update(tags=["t"]), "cached"),
    49: (nothing, lambda w: setattr(w, "comment", "# a comment\n"), "cached"),
    50: (nothing, lambda w: w.settings.update(output={"mode": "buffered"}), "cached"),
    51: (nothing, lambda w: w.settings.update(cache={"hash": "sha256"}), "done"),
    52: (lambda w: w.settings.update(cache={"hash": "sha256"}), nothing, "cached"),
    61: (made_input("cat seed >&-; echo 1 > gen.txt"), lambda w: w.write("seed", "2"), "cached"),
    62: (made_input("cat seed > gen.txt"), lambda w: w.write("seed", "2"), "done"),
    63: (producer("echo 1 > x", outputs=["x"]), producer("echo 2 > x", outputs=["x"]), "cached"),
    64: (producer("echo 1"), producer("echo 2"), "done"),
    65: (producer("echo 1 >&2"), producer("echo 2 >&2"), "done"),
    66: (producer("echo 1"), producer("echo 1 >&2"), "done"),
    67: (nothing, producer("true"), "done"),
    68: (
        lambda w: w.others.update(gen={"shell": "true"}),
        lambda w: w.settle(weakDeps=["~:gen"]),
        "cached",
    ),
    69: (producer("echo 1"), renamed, "done"),
    70: (two("~:a", "~:b"), two("~:b", "~:a"), "cached"),
    71: (chained("echo 1"), chained("echo 2"), "cached"),
    72: (nothing, lambda w: w.call("make"), "cached"),
    73: (nothing, lambda w: w.project.update(name="other"), "cached"),
    74: (nothing, move, "done"),
    75: (lambda w: w.settle(inputs=[]), move, "done"),
    76: (nothing, copy_all, "cached"),
    77: (overlay("one"), overlay("one", SCRIPT + "; true"), "done"),
    78: (overlay("one"), overlay("two"), "cached"),
    79: (overlay("one"), copied_from_overlay, "cached"),
    82: (
        lambda w: w.settle(shell="echo > out.o; echo > second.o"),
        lambda w: (w.settle(outputs=["second.o"]), w.call("make")),
        "done",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_a_change_and_what_it_does_to_the_key(
    row: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """K2: the second run is a hit exactly where the table says so."""
    monkeypatch.setenv("PATH", PATH)
    monkeypatch.setenv("HAZ_MEMO", "0")
    monkeypatch.setattr("gc.freeze", lambda: None)
    before, change, expected = ROWS[row]
    world = World(tmp_path / "ws", monkeypatch)
    before(world)
    assert world.run(capfd) == "done"
    change(world)
    assert world.run(capfd) == expected


def test_equal_bodies_of_two_projects_are_two_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """B 80, 81: the directory is part of the key; both run once and hit later."""
    monkeypatch.setenv("PATH", PATH)
    monkeypatch.setenv("HAZ_MEMO", "0")
    (tmp_path / ".haz").mkdir()
    (tmp_path / ".haz/workspace.yml").write_text(json.dumps({"projects": ["/a", "/b"]}))
    task = {"outputs": ["out"], "shell": "echo made > out; pwd", "env": {"from_host": ["PATH"]}}
    for name in "ab":
        (tmp_path / name).mkdir()
        text = json.dumps({"name": name, "tasks": {"build": task}})
        (tmp_path / name / "haz.yml").write_text(text)
    for expected in ("2 completed\n", "2 completed (2 cached)\n"):
        line = ["-C", str(tmp_path), "--color=never", "run", "--workspace"]
        assert run_command_line(line) == 0
        said = capfd.readouterr()
        assert f"Tasks: {expected}" in said.err
        assert sorted(line.split()[-1] for line in said.out.splitlines()) == [
            str(tmp_path / "a"),
            str(tmp_path / "b"),
        ]
        for name in "ab":
            (tmp_path / name / "out").unlink()
