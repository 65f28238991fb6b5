"""The generated workspaces: the same every time, and the same work in every dialect."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.dialects import DIALECTS
from benchmarks.sizes import SIZES, Shape, Size, projects_of
from benchmarks.tools import FLOOR
from benchmarks.workspaces import generate

FEW = Size(projects=4, files=2, bytes=64, layers=2)


def contents(root: Path) -> dict[str, bytes]:
    """Every file below a folder, without git's own."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_the_same_size_gives_the_same_bytes(dialect: str, tmp_path: Path) -> None:
    """Two workspaces of one size and dialect are equal, file by file."""
    for name in ("a", "b"):
        generate(str(tmp_path / name), FEW, dialect)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_sources_do_not_depend_on_the_dialect(tmp_path: Path) -> None:
    """Every runner reads the very same sources, of the promised number and size."""
    for dialect in DIALECTS:
        generate(str(tmp_path / dialect), FEW, dialect)
    sources = [
        {name: data for name, data in contents(tmp_path / dialect).items() if "/src/" in name}
        for dialect in DIALECTS
    ]
    assert all(each == sources[0] for each in sources)
    assert [len(data) for data in sources[0].values()] == [FEW.bytes] * 8


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_command_is_in_the_configuration(dialect: str, tmp_path: Path) -> None:
    """No dialect leaves a task out."""
    generate(str(tmp_path / "ws"), FEW, dialect)
    text = b"".join(
        data for name, data in contents(tmp_path / "ws").items() if "/src/" not in name
    )
    for project in projects_of(FEW):
        assert project.name.encode() in text
        for task in project.tasks:
            assert text.count(task.command.encode()) >= len(projects_of(FEW)), task.id


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_size_has_the_tasks_that_it_says(name: str) -> None:
    """The model has ``task_count`` tasks, and predecessors come before their followers."""
    size = SIZES[name]
    seen: set[str] = set()
    for project in projects_of(size):
        for task in project.tasks:
            assert seen.issuperset(task.after)
            seen.add(task.id)
    assert len(seen) == size.task_count


def test_shapes_are_what_they_are_called() -> None:
    """In a chain each task waits for one, in the wide shapes none does."""
    chain = [task for project in projects_of(SIZES["chain"]) for task in project.tasks]
    assert [len(task.after) for task in chain] == [0] + [1] * (len(chain) - 1)
    for shape in (Shape.WIDE, Shape.MUTEX):
        size = next(size for size in SIZES.values() if size.shape is shape)
        assert not any(task.after for project in projects_of(size) for task in project.tasks)


def floor(root: Path) -> int:
    return subprocess.run([sys.executable, FLOOR], cwd=root, check=False).returncode


def test_the_floor_builds_skips_and_restores(tmp_path: Path) -> None:
    """It makes every output, leaves them alone, brings them back, and sees a changed source."""
    root = tmp_path / "ws"
    generate(str(root), FEW, "floor")
    outputs = [root / task.path for project in projects_of(FEW) for task in project.tasks]
    assert floor(root) == 0
    made = {path: path.stat().st_mtime_ns for path in outputs}
    assert floor(root) == 0
    assert made == {path: path.stat().st_mtime_ns for path in outputs}
    before = [path.read_bytes() for path in outputs]
    for path in outputs:
        path.unlink()
    assert floor(root) == 0
    assert [path.read_bytes() for path in outputs] == before
    (root / "p00000/src/f00000.txt").write_bytes(b"another")
    assert floor(root) == 0
    assert (root / "p00000/out/package.txt").read_bytes() == b"another"


def test_the_floor_goes_on_after_a_failure(tmp_path: Path) -> None:
    """What does not need the failed task is made, and the exit status tells of the failure."""
    root = tmp_path / "ws"
    generate(str(root), FEW, "floor")
    source = root / "p00000/src/f00000.txt"
    source.unlink()
    os.mkdir(source)
    assert floor(root) == 1
    assert not (root / "p00000/out/test.txt").exists()
    assert (root / "p00001/out/package.txt").exists()
