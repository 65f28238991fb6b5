"""A published C project built task by task: everything, nothing, what an edit touches."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.published import lua_project

DONE = re.compile(r"^\[lua:(\S+)\] . (done|cached) in", re.MULTILINE)


@attrs.frozen
class Built:
    """The workspace after its first run, with the binary of a plain build beside it."""

    root: Path
    units: tuple[str, ...]
    plain: bytes
    first: dict[str, str]

    @property
    def binary(self) -> bytes:
        return (self.root / "lua" / "out" / "lua").read_bytes()


def run(root: Path) -> dict[str, str]:
    """Run the workspace; for each task whether it was ``done`` or ``cached``."""
    done = subprocess.run(
        [sys.executable, "-m", "haz_trio", "run", "lua:test"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[lua:test] Lua 5.4 passes\n" in done.stdout
    return dict(DONE.findall(done.stderr))


def ran(tasks: dict[str, str]) -> set[str]:
    return {name for name, how in tasks.items() if how == "done"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    try:
        source = lua_project.fetch()
    except LookupError as problem:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(problem))
    plain = lua_project.build_plainly(source, tmp_path_factory.mktemp("plain"))
    root = tmp_path_factory.mktemp("workspace")
    units = lua_project.make_workspace(source, root)
    return Built(root, tuple(units), plain, run(root))


@pytest.fixture
def edited(built: Built) -> Iterator[Built]:
    """The workspace for a test that edits sources; they are put back and built again."""
    keep = {path: path.read_bytes() for path in (built.root / "lua" / "src").iterdir()}
    yield built
    for path, data in keep.items():
        path.write_bytes(data)
    assert ran(run(built.root)) == set()
    assert built.binary == built.plain


def test_the_first_run_builds_everything(built: Built) -> None:
    """At least 30 units, a link and a test run, and the binary equals that of a plain build."""
    assert len(built.units) >= 30
    assert ran(built.first) == {*built.units, "link", "test"}
    assert built.binary == built.plain


def test_the_second_run_is_all_hits(built: Built) -> None:
    """Nothing changed, nothing runs, no output is touched."""
    out = built.root / "lua" / "out"
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    tasks = run(built.root)
    assert ran(tasks) == set()
    assert len(tasks) == len(built.units) + 2
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_an_edit_rebuilds_what_it_touches(edited: Built) -> None:
    """A changed unit is compiled, the program linked and tested; no other unit is compiled."""
    unit = edited.root / "lua" / "src" / "lbaselib.c"
    text = unit.read_text()
    assert '"tostring"' in text
    unit.write_text(text.replace('"rawlen"', '"rawLen"'))
    assert ran(run(edited.root)) == {"lbaselib", "link", "test"}
    assert edited.binary != edited.plain


def test_an_edit_without_effect_stops_early(edited: Built) -> None:
    """A comment gives the same object file: the unit is compiled, nothing is linked again."""
    unit = edited.root / "lua" / "src" / "lmathlib.c"
    unit.write_text(unit.read_text() + "/* a comment at the end */\n")
    assert ran(run(edited.root)) == {"lmathlib"}
    assert edited.binary == edited.plain


def test_a_header_rebuilds_its_readers(edited: Built) -> None:
    """A changed header compiles the units that include it, and only those."""
    header = edited.root / "lua" / "src" / "lopcodes.h"
    header.write_text(header.read_text() + "/* a comment at the end */\n")
    readers = {
        unit
        for unit in edited.units
        if "src/lopcodes.h" in str(lua_project.compile_task(edited.root / "lua", unit)["inputs"])
    }
    assert 0 < len(readers) < len(edited.units) / 2
    assert ran(run(edited.root)) == readers


def test_deleted_outputs_come_back(built: Built) -> None:
    """Without its outputs the workspace is restored, byte for byte, and nothing runs."""
    out = built.root / "lua" / "out"
    before = {path.name: (path.read_bytes(), path.stat().st_mode) for path in out.iterdir()}
    shutil.rmtree(out)
    assert ran(run(built.root)) == set()
    after = {path.name: (path.read_bytes(), path.stat().st_mode) for path in out.iterdir()}
    assert after == before
