"""Backups of outputs of which not everything may be looked at, written or put back."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from haz_trio.cache.backups import Backups
from haz_trio.cache.layout import CACHE
from haz_trio.errors import OutputError
from tests.cache.test_backups import edit, heal, litter, make, snapshot, subject

NOBODY = 65534


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A workspace that belongs to somebody who may not do everything, in a folder for all."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    root = make(folder / "w")
    if os.geteuid() == 0:
        for place, _, files in os.walk(root):
            for name in (*files, "."):
                os.chown(os.path.join(place, name), NOBODY, NOBODY, follow_symlinks=False)
    yield root
    shutil.rmtree(folder)


def as_nobody(act: Callable[[], None]) -> None:
    """Do something as a user for whom permissions hold."""
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            act()
        except BaseException:  # the child must not go on with the tests
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_a_folder_that_cannot_be_looked_into_keeps_the_command_from_running(
    open_root: Path,
) -> None:
    """What is in it would be lost otherwise: it would seem to be new afterwards."""
    edit(open_root, "deep/er").chmod(0)

    def take() -> None:
        with pytest.raises(OutputError, match=r"/p/out/deep/er.* cannot be looked at: Permission"):
            Backups(str(open_root)).take(subject("out/**"))

    as_nobody(take)
    edit(open_root, "deep/er").chmod(0o755)
    assert edit(open_root, "deep/er/b").exists()


@pytest.mark.parametrize("call", ["scandir", "lstat"])
def test_a_look_that_fails_once_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Each look of the backup fails in turn: then it is not made, and nothing is removed."""
    root = make(tmp_path / "w")
    old, real = snapshot(root), getattr(os, call)
    for number in range(100):
        count = 0

        def ask(path: str, number: int = number, **more: object) -> object:
            nonlocal count
            looked = str(path).startswith(f"{root}/p")
            count += looked
            if looked and count == number + 1:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return real(path, **more)

        backups = Backups(str(root))
        with monkeypatch.context() as patch:
            patch.setattr(os, call, ask)
            try:
                taken = backups.take(subject("out/**", "o"))
            except OutputError:
                backups.close()
                assert (snapshot(root), litter(root)) == (old, [])
                continue
        taken.put_back()
        backups.close()
        del old["p"], (now := snapshot(root))["p"]  # the folder of the project is no output
        assert now == old
        assert number > 3
        return
    raise AssertionError("it never succeeds")


def test_folders_that_were_left_read_only_are_opened_for_the_moment(open_root: Path) -> None:
    """As their owner may; their old modes come back, also of those that are no output."""
    edit(open_root, "deep/er").chmod(0o555)
    edit(open_root, "deep").chmod(0o555)
    old = snapshot(open_root, folder_times=False)

    def fail(*patterns: str) -> None:
        backups = Backups(str(open_root))
        taken = backups.take(subject(*patterns))
        for name in ("deep", "deep/er"):
            edit(open_root, name).chmod(0o755)
        edit(open_root, "deep/er/b").write_bytes(b"bad")
        edit(open_root, "deep/er/new").touch()
        edit(open_root, "locked").mkdir()
        edit(open_root, "locked/x.o").touch()
        edit(open_root, "locked").chmod(0)
        for name in ("deep/er", "deep"):
            edit(open_root, name).chmod(0o555)
        assert taken.put_back() == ""
        backups.close()

    as_nobody(lambda: fail("out/**"))
    assert snapshot(open_root, folder_times=False) == old
    as_nobody(lambda: fail("out/deep/**", "out/**/*.o"))
    assert stat.S_IMODE(edit(open_root, "locked").stat().st_mode) == 0
    edit(open_root, "locked").rmdir()
    assert snapshot(open_root, folder_times=False) == old


def test_what_is_neither_file_nor_folder(tmp_path: Path) -> None:
    """New FIFOs go, old ones stay or are made again; what cannot be made again is told."""
    root = make(tmp_path / "w")
    os.mkfifo(edit(root, "old"), 0o640)
    os.mkfifo(edit(root, "replaced"))
    for last in (False, True):
        backups = Backups(str(root))
        taken = backups.take(subject("out/**"))
        os.mkfifo(edit(root, "new"))
        edit(root, "replaced").unlink()
        edit(root, "replaced").write_bytes(b"bad")
        if last:
            backups.die()
            assert heal(root) == ["p:t: its run was killed, so its outputs were put back"]
        else:
            assert taken.put_back() == ""
            backups.close()
        assert not os.path.lexists(edit(root, "new"))
        for name in ("old", "replaced"):
            assert stat.S_ISFIFO(edit(root, name).lstat().st_mode)
    assert stat.S_IMODE(edit(root, "old").stat().st_mode) == 0o640


def test_a_cache_that_is_removed_meanwhile_is_told(tmp_path: Path) -> None:
    """What is new goes; what was there is lost with its copy, and that is said (D05)."""
    root = make(tmp_path / "w")
    backups = Backups(str(root))
    taken = backups.take(subject("out/**"))
    edit(root, "a").write_bytes(b"bad")
    edit(root, "new").touch()
    shutil.rmtree(root / CACHE)
    assert taken.put_back() == (
        'outputs could not be put back (No such file or directory): "/p/out/a" may be mixed; '
        "their backup was removed with the cache"
    )
    backups.close()
    assert not edit(root, "new").exists()
    assert edit(root, "exec").read_bytes() == b"#!"
