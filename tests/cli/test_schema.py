"""``haz schema``: what is printed, what is written, and what an editor is told."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from haz_trio.cli.main import run_command_line
from haz_trio.config.json_schema import FileKind, file_schema
from tests.config.support import parse

Capture = pytest.CaptureFixture[str]
KINDS = [kind.value for kind in FileKind]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".haz").mkdir()
    (tmp_path / ".haz/workspace.yml").write_text("projects: [/lib/*]\n")
    (tmp_path / "lib/a/src").mkdir(parents=True)
    (tmp_path / "lib/a/haz.yml").write_text("name: a\n")
    return tmp_path


@pytest.mark.parametrize("kind", FileKind)
def test_one_schema_is_printed(kind: FileKind, tmp_path: Path, capfd: Capture) -> None:
    """No workspace is needed for that."""
    assert run_command_line(["-C", str(tmp_path), "schema", kind.value]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert json.loads(out) == file_schema(kind)


def test_all_schemas_are_one_object(capfd: Capture) -> None:
    """Without a kind there is one schema for each, under its name."""
    assert run_command_line(["schema"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found == {kind.value: file_schema(kind) for kind in FileKind}


def test_an_unknown_kind_is_refused(capfd: Capture) -> None:
    """The message has the three kinds."""
    assert run_command_line(["schema", "tasks"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert all(f"`{kind}`" in " ".join(err.split()) for kind in KINDS)


@pytest.mark.parametrize("cwd", ["", "lib/a", "lib/a/src"])
def test_written_schemas_are_found_from_the_files(root: Path, cwd: str, capfd: Capture) -> None:
    """The printed paths lead from each file to its schema."""
    assert run_command_line(["-C", str(root / cwd), "schema", "--write"]) == 0
    out = capfd.readouterr().out
    paths = re.findall(r"^# yaml-language-server: \$schema=(.*)$", out, re.MULTILINE)
    folders = [root / ".haz", root / "lib/a" if cwd else root / "lib", root / ".haz/tasks"]
    for kind, folder, path in zip(FileKind, folders, paths, strict=True):
        target = Path(os.path.normpath(folder / path))
        assert json.loads(target.read_text()) == file_schema(kind)
    assert ("lib/a/haz.yml" in out) == bool(cwd)


def test_only_one_is_written(root: Path, capfd: Capture) -> None:
    """A kind limits what is written, and nothing temporary is left."""
    assert run_command_line(["-C", str(root), "schema", "overlay", "--write"]) == 0
    assert os.listdir(root / ".haz/schema") == ["overlay.json"]
    assert capfd.readouterr().out.count("yaml-language-server") == 1


def test_writing_replaces_whole_files(root: Path) -> None:
    """A reader that has the old file open keeps it; the new one is another file."""
    folder = root / ".haz/schema"
    folder.mkdir()
    (folder / "project.json").write_text("old")
    with (folder / "project.json").open() as old:
        assert run_command_line(["-C", str(root), "schema", "--write"]) == 0
        assert old.read() == "old"
    assert json.loads((folder / "project.json").read_text()) == file_schema(FileKind.PROJECT)
    assert sorted(os.listdir(folder)) == sorted(f"{kind}.json" for kind in KINDS)


def test_an_implicit_workspace_stays_one(tmp_path: Path, capfd: Capture) -> None:
    """Schemas beside `.git` make no other workspace of it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "haz.yml").write_text("name: a\ntasks: {t: {shell: x}}\n")
    assert run_command_line(["-C", str(tmp_path), "schema", "--write"]) == 0
    assert "$schema=.haz/schema/project.json" in capfd.readouterr().out
    assert run_command_line(["-C", str(tmp_path), "check"]) == 0
    assert capfd.readouterr().out == "1 task(s) validated.\n"


def test_writing_needs_a_workspace(tmp_path: Path, capfd: Capture) -> None:
    """There is no place for the files without one."""
    assert run_command_line(["-C", str(tmp_path), "schema", "--write"]) == 2
    assert capfd.readouterr().out == ""


def test_what_cannot_be_written_is_said(root: Path, capfd: Capture) -> None:
    """A file in the place of the folder is named, with another way."""
    (root / ".haz/schema").write_text("")
    assert run_command_line(["-C", str(root), "schema", "--write"]) == 2
    said = " ".join(re.sub("[│╰─▶×]", " ", capfd.readouterr().err).split())
    assert "cannot write schemas to" in said
    assert "haz schema > FILE" in said


def test_the_printed_line_is_a_comment(root: Path, capfd: Capture) -> None:
    """The line does no harm in the file that it is for."""
    assert run_command_line(["-C", str(root), "schema", "project", "--write"]) == 0
    line = capfd.readouterr().out.splitlines()[1]
    assert parse("project", f"{line}\nname: a\n").diagnostics == ()
