"""``haz doctor``: what it finds on real directories, and that it leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import resource
from pathlib import Path

import attrs
import pytest

from haz_trio import __version__
from haz_trio.cli.doctor_disk import PREFIX, look_at_disk
from haz_trio.cli.doctor_findings import Finding, Standing, size_text
from haz_trio.cli.doctor_machine import (
    look_at_clock,
    look_at_containment,
    look_at_limit,
    look_at_packages,
    look_at_pidfd,
)
from haz_trio.cli.main import run_command_line
from haz_trio.process.cells import Cell
from tests.config.places import without_privileges

Capture = pytest.CaptureFixture[str]
HASH = "ab" * 32


@attrs.frozen
class Doctor:
    root: Path
    _capture: Capture

    def __call__(self, *, code: int, cwd: str = "") -> dict[str, Finding]:
        """The findings by topic; the last one where a topic has several."""
        assert run_command_line(["-C", str(self.root / cwd), "doctor", "--json"]) == code
        out, err = self._capture.readouterr()
        assert err == ""
        found = json.loads(out)
        assert found["healthy"] == (code == 0)
        return {
            row["topic"]: Finding(
                row["topic"], Standing(row["standing"]), row["value"], row["wayOut"] or ""
            )
            for row in found["findings"]
        }

    def write(self, name: str, text: str = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def doctor(tmp_path: Path, capfd: Capture) -> Doctor:
    """A healthy workspace with one task."""
    made = Doctor(tmp_path, capfd)
    made.write(".haz/workspace.yml", "projects: [/p]\n")
    made.write("p/haz.yml", "name: p\ntasks: {t: {shell: 'true'}}\n")
    return made


def snapshot(root: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_a_healthy_workspace(doctor: Doctor) -> None:
    """Exit code 0; everything that is asked for is there, and nothing has changed."""
    before = snapshot(doctor.root)
    found = doctor(code=0)
    assert snapshot(doctor.root) == before
    assert found["haz"].value == __version__
    assert found["root"].value == f"{os.path.realpath(doctor.root)} (explicit)"
    assert found["configuration"].value == "1 task(s) in 1 project(s)"
    assert found["cache"].value == "none yet"
    topics = (
        "python packages git clock processes pidfd rename lock fsync case reflink overlays "
        "file~system free~space open~files hard~link file~times time~stamps nested~workspaces "
        "containment"
    )
    assert {topic.replace("~", " ") for topic in topics.split()} <= set(found)


def test_every_finding_has_a_way_out(doctor: Doctor) -> None:
    """Whatever is not good says what to do; what is good needs no words."""
    doctor.write(".haz/tasks/a.yaml")
    doctor.write("p/haz.yml", "name: [")
    for each in doctor(code=1).values():
        assert bool(each.way_out) == (each.standing is not Standing.GOOD), each


def test_the_text_has_the_same(doctor: Doctor, capfd: Capture) -> None:
    """People see one line for each finding, the way out below it, and a last line."""
    assert run_command_line(["-C", str(doctor.root), "doctor"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "all is well."
    assert f"ok    haz: {__version__}" in lines
    doctor.write(".haz/tasks/a.yaml")
    assert run_command_line(["-C", str(doctor.root), "doctor"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "1 finding(s) need attention."
    at = next(n for n, line in enumerate(lines) if line.startswith("LOOK  overlays:"))
    assert lines[at + 1].startswith("        rename it")


def test_no_workspace(tmp_path: Path, capfd: Capture) -> None:
    """Without a workspace the machine and the directory are still looked at."""
    found = Doctor(tmp_path, capfd)(code=1)
    assert found["root"].standing is Standing.ATTENTION
    assert "haz init" in found["root"].way_out
    assert found["rename"].standing is Standing.GOOD
    assert list(tmp_path.iterdir()) == []


def test_an_implicit_workspace(tmp_path: Path, capfd: Capture) -> None:
    """`.git` with a project is a workspace too."""
    made = Doctor(tmp_path, capfd)
    (tmp_path / ".git").mkdir()
    made.write("haz.yml", "name: p\ntasks: {t: {shell: 'true'}}\n")
    assert made(code=0)["root"].value.endswith("(implicit)")


def test_markers_on_both_sides(doctor: Doctor) -> None:
    """What was passed over on the way up, and workspaces further down, are noted."""
    (doctor.root / "p/.git").mkdir()
    doctor.write("p/inner/.haz/workspace.yml", "projects: []")
    found = doctor(code=0, cwd="p")
    assert found["markers above"].standing is Standing.NOTE
    assert "passed over" in found["markers above"].value
    assert found["nested workspaces"].value == "/p/inner"


def test_ignored_overlays(doctor: Doctor) -> None:
    """Each file that is no overlay needs attention: somebody meant it to be one."""
    doctor.write(".haz/tasks/lint.yaml", "tasks: {}")
    found = doctor(code=1)["overlays"]
    assert "lint.yaml is ignored" in found.value


def test_a_broken_configuration(doctor: Doctor) -> None:
    """The number of errors and the way to see them."""
    doctor.write("p/haz.yml", "name: p\nnam: x\n")
    found = doctor(code=1)["configuration"]
    assert found.value.startswith("1 error(s)")
    assert "haz check" in found.way_out


def test_a_sick_cache(doctor: Doctor) -> None:
    """Corrupt entries and leftovers are counted; the way out removes them."""
    doctor.write(f".haz/cache/ab/{HASH}/manifest.json", "{")
    (doctor.root / f".haz/cache/ab/.tmp-{HASH}").mkdir()
    doctor.write(".haz/cache/quarantine/x")
    found = doctor(code=1)
    assert "1 corrupt" in found["cache"].value
    assert found["damaged entries"].value == "1 set aside: x"
    assert found["damaged entries"].standing is Standing.NOTE
    assert run_command_line(["-C", str(doctor.root), "cache", "clean", "--soft"]) == 0


def test_a_cache_that_is_too_big(doctor: Doctor) -> None:
    """The limit of the workspace is compared with what is there."""
    doctor.write(".haz/workspace.yml", "projects: [/p]\ncache: {clean: {max_size: 1KiB}}\n")
    doctor.write(".haz/cache/ab/big", "x" * 4096)
    found = doctor(code=1)["cache size"]
    assert found.value == "4.0 KiB, more than cache.clean.max_size (1.0 KiB)"


def test_a_cache_for_everybody_is_not_trusted(doctor: Doctor, capfd: Capture) -> None:
    """What a run would refuse to use is named."""
    cache = doctor.root / ".haz/cache"
    cache.mkdir()
    cache.chmod(0o777)
    assert run_command_line(["-C", str(doctor.root), "doctor"]) == 1
    assert "everybody may write to it" in capfd.readouterr().out
    cache.chmod(0o700)
    assert doctor(code=0)["cache"].value == "0 well-formed entries"


def test_a_file_in_the_place_of_the_cache(doctor: Doctor) -> None:
    """A cache that cannot be opened is a finding and no crash."""
    doctor.write(".haz/cache")
    found = doctor(code=1)
    assert found["cache"].standing is Standing.ATTENTION


def test_git_is_missing(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a repository that is a note, with one it needs attention."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert doctor(code=0)["git"].standing is Standing.NOTE
    (doctor.root / ".git").mkdir()
    assert doctor(code=1)["git"].standing is Standing.ATTENTION


# -- one thing at a time ----------------------------------------------------------------------


def test_the_disk_is_left_as_it_was(tmp_path: Path) -> None:
    """Everything is tried in a folder that is gone afterwards, also when nobody reads on."""
    found = list(look_at_disk(str(tmp_path)))
    assert len({each.topic for each in found}) == len(found)
    assert os.listdir(tmp_path) == []
    reading = look_at_disk(str(tmp_path))
    next(reading)
    assert [name.startswith(PREFIX) for name in os.listdir(tmp_path)] == [True]
    del reading
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_noticed(tmp_path: Path) -> None:
    """Too little space needs attention."""
    found = {each.topic: each for each in look_at_disk(str(tmp_path), little=1 << 80)}
    assert found["free space"].standing is Standing.ATTENTION


def test_a_folder_that_cannot_be_written() -> None:
    """There is one finding that says so."""
    with without_privileges() as folder:
        closed = folder / "closed"
        closed.mkdir()
        closed.chmod(0o500)
        found = list(look_at_disk(str(closed)))
        assert [each.standing for each in found] == [Standing.ATTENTION]
        assert "Permission denied" in found[0].value


@pytest.mark.parametrize(
    ("soft", "standing"),
    [
        (resource.RLIM_INFINITY, Standing.GOOD),
        (1024, Standing.GOOD),
        (64, Standing.ATTENTION),
    ],
)
def test_limits(soft: int, standing: Standing) -> None:
    """A small limit needs attention, and the command that raises it is named."""
    found = look_at_limit("open files", soft, 256, "ulimit -n 4096")
    assert found.standing is standing
    assert ("ulimit -n 4096" in found.way_out) == (standing is Standing.ATTENTION)


def test_a_coarse_clock() -> None:
    """A clock that ticks a hundred times a second is too coarse."""
    assert look_at_clock(1e-9).standing is Standing.GOOD
    assert look_at_clock(0.01).standing is Standing.ATTENTION


def test_no_pidfd() -> None:
    """An old kernel, or a filter, is no fault."""

    def refused(_: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    assert look_at_pidfd(refused).standing is Standing.NOTE
    assert look_at_pidfd(os.pidfd_open).standing is Standing.GOOD


def test_containment(tmp_path: Path) -> None:
    """It says how far a run reaches; a machine without control groups is no fault (B05)."""
    (tmp_path / "cell").mkdir()
    found = look_at_containment(lambda: Cell(str(tmp_path / "cell")), sees=True)
    assert found.standing is Standing.GOOD
    assert "control groups for containment: strict" in found.value
    assert not (tmp_path / "cell").exists()
    found = look_at_containment(lambda: None, sees=True)
    assert found.standing is Standing.NOTE
    assert "no control groups" in found.value
    found = look_at_containment(lambda: None, sees=False)
    assert found.standing is Standing.ATTENTION
    assert "mount" in found.way_out


def test_versions_of_packages() -> None:
    """All required packages are named."""
    found = look_at_packages()
    assert found.standing is Standing.GOOD
    assert "trio " in found.value


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (3 << 30, "3.0 GiB"),
        (1 << 52, "4096.0 TiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    """Sizes are given in the largest unit that fits."""
    assert size_text(size) == text
