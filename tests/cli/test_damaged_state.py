"""State files with one wrong byte in header or seal: a run does as if they were not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import attrs
import pytest

from haz_trio.frames import KIND, parse_frame
from tests.cli.support import Home
from tests.damaging import HEADER, SEAL, STATE, damage_byte, sealed_files

TASKS: dict[str, object] = {
    "make": {"command": ["/bin/cp", "in", "out"], "inputs": ["in"], "outputs": ["out"]},
    "say": {"command": ["/bin/cat", "in"], "inputs": ["in"], "deps": ["~:make"]},
}
# One byte of each field: kind, time, boot, number of rows, length of names; and of the seal.
SAMPLE = (0, 15, 16, 32, 36, -1)
ALL = (*range(HEADER), *range(-SEAL, 0))
DURATION = re.compile(rb"\d+m?s( \d+ms)?")
MOST_RUNS = 6


@attrs.frozen
class Settled:
    """A workspace in which everything is known, and what its state files say of that."""

    home: Home
    files: Mapping[str, bytes]

    @property
    def state(self) -> Path:
        return self.home.root / STATE

    def path(self, kind: str) -> Path:
        return next(self.state / name for name in self.files if name.startswith(kind))

    def run(self, kind: str, spoil: Callable[[Path], object]) -> tuple[object, ...]:
        """What a run comes to after one state file was spoilt, and what it leaves behind."""
        for path in sealed_files(self.state):
            path.unlink()
        for name, data in self.files.items():
            if kind == "memo" or not name.startswith("memo"):
                path = self.state / name
                path.write_bytes(data)
                path.chmod(0o600)
        spoil(self.path(kind))
        out = self.home.root / "p/out"
        if kind == "ledger":
            out.unlink()  # so that it is asked for
        done = self.home.haz("run", "--workspace")
        said = sorted(DURATION.sub(b"TIME", done.out + done.err).splitlines())
        return done.code, said, out.read_bytes(), sound(self.state)


def sound(state: Path) -> list[str]:
    """The state files that the next run can read."""
    found = {path.name: path.read_bytes() for path in sealed_files(state)}
    return [name for name, data in found.items() if parse_frame(data, data[:KIND]) is not None]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Settled:
    home = Home.make(tmp_path_factory.mktemp("home") / "ws", TASKS)
    (home.root / "p/in").write_text("in\n")
    for _ in range(MOST_RUNS):
        assert home.haz("run", "--workspace").code == 0
        files = {path.name: path.read_bytes() for path in sealed_files(home.root / STATE)}
        if len(files) == 4:
            return Settled(home, files)
    pytest.fail(f"there are only {sorted(files)}")


def check(settled: Settled, kind: str, offsets: Iterable[int]) -> None:
    wanted = settled.run(kind, Path.unlink)
    assert wanted[0] == 0
    for offset in offsets:
        assert settled.run(kind, partial(damage_byte, offset=offset)) == wanted, offset


@pytest.mark.parametrize("kind", ["config", "known", "ledger", "memo"])
def test_a_wrong_byte_of_a_header_is_as_no_file(settled: Settled, kind: str) -> None:
    """The same exit code, the same said, the same outputs, and as many files sound again."""
    check(settled, kind, SAMPLE)


@pytest.mark.deep
@pytest.mark.parametrize("kind", ["config", "known", "ledger", "memo"])
def test_each_wrong_byte_of_a_header_is_as_no_file(settled: Settled, kind: str) -> None:
    """All bytes of header and seal."""
    check(settled, kind, ALL)
