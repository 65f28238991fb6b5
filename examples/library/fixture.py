"""A pytest fixture that builds what the tests need; nothing is built twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

import haz_trio


@pytest.fixture
def compiled(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "app").mkdir()
    task = haz_trio.make_task("build", shell="echo built > program", outputs=["program"])
    project = haz_trio.make_project("app", "/app", [task])
    workspace = haz_trio.make_workspace(tmp_path, [project])

    async def build() -> haz_trio.RunReport:
        async with haz_trio.open_engine(workspace) as engine:
            with trio.fail_after(60):
                return await engine.run()

    assert trio.run(build).succeeded
    yield tmp_path / "app" / "program"


def test_the_program_is_there(compiled: Path) -> None:
    assert compiled.read_text() == "built\n"
