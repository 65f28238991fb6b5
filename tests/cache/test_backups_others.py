"""Backups of outputs where others are at work: people, other runs, other workspaces."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from haz_trio.cache.backups import Backups
from haz_trio.cache.layout import CACHE, MOURNED
from tests.cache.test_backups import edit, heal, litter, make, snapshot, subject


def mourn(root: Path) -> None:
    """Leave the mark of a watchdog that has ended everybody, later than the last write."""
    time.sleep(0.02)
    [run] = litter(root)
    (root / CACHE / run / MOURNED).touch()
    time.sleep(0.02)


def test_what_people_change_after_a_kill_is_theirs(tmp_path: Path) -> None:
    """New files and edits stay and are named; the rest of the dead command's work goes."""
    root = make(tmp_path / "w")
    backups = Backups(str(root))
    backups.take(subject("out/**", "o"))
    for name in ("a", "exec", "half"):
        edit(root, name).write_bytes(b"half")
    edit(root, "link").unlink()
    edit(root, "link").symlink_to("half")
    backups.die()
    mourn(root)
    edit(root, "a").write_bytes(b"hours of work")
    edit(root, "deep/mine").write_bytes(b"new")
    (root / "p/o").unlink()
    assert heal(root) == [
        "p:t: its run was killed, so its outputs were put back, "
        'but for "/p/out/a", "/p/out/deep/mine": changed after that'
    ]
    assert edit(root, "a").read_bytes() == b"hours of work"
    assert edit(root, "deep/mine").read_bytes() == b"new"
    assert edit(root, "exec").read_bytes() == b"#!"
    assert os.readlink(edit(root, "link")) == "a"
    assert (root / "p/o").read_bytes() == b"old"
    assert not edit(root, "half").exists()
    assert litter(root) == []


def test_what_one_record_puts_back_is_no_edit_for_another(tmp_path: Path) -> None:
    """Two commands below one pattern are killed: both are undone, the later one first."""
    root = make(tmp_path / "w")
    old = snapshot(root)
    backups = Backups(str(root))
    backups.take(subject("out/**", "o", name="first"))
    edit(root, "a").write_bytes(b"half of first")
    backups.take(subject("out/*", name="second"))
    edit(root, "a").write_bytes(b"half of second")
    edit(root, "exec").write_bytes(b"half")
    backups.die()
    mourn(root)
    edit(root, "mine").write_bytes(b"work")
    text = "its run was killed, so its outputs were put back, but for"
    assert heal(root) == [
        f'p:{name}: {text} "/p/out/mine": changed after that' for name in ("second", "first")
    ]
    assert edit(root, "mine").read_bytes() == b"work"
    edit(root, "mine").unlink()
    now = snapshot(root)
    for name in ("p", "p/out"):  # folders whose times the edit has changed
        del old[name], now[name]
    assert now == old


def test_what_was_put_back_before_another_kill_is_nobodys_edit(tmp_path: Path) -> None:
    """Whoever goes on names nothing of it."""
    root = make(tmp_path / "w")
    old = snapshot(root)
    backups = Backups(str(root))
    taken = backups.take(subject("out/**", "o"))
    shutil.rmtree(root / "p/out")
    backups.die()
    mourn(root)
    [run] = litter(root)
    folder = root / CACHE / run
    names = {thing.place: number for number, thing in enumerate(taken.record.things)}
    (root / "p/out/deep/er").mkdir(parents=True)  # as one that was killed in the middle
    for name in ("p/out/a", "p/out/deep/er/b"):
        (folder / f"kept-00000000-{names[name]}").rename(root / name)
    (root / "p/out/link").symlink_to("a")
    assert heal(root) == ["p:t: its run was killed, so its outputs were put back"]
    del old["p"], (now := snapshot(root))["p"]
    now["p/out/link"] = old["p/out/link"]  # whose time was not set yet
    assert now == old


@pytest.mark.parametrize("ended", [False, True], ids=["running", "ended"])
@pytest.mark.parametrize("killed", [False, True], ids=["failed", "killed"])
def test_another_process_keeps_its_good_result(tmp_path: Path, ended: bool, killed: bool) -> None:
    """Two runs write below one pattern: what fails or dies takes nothing of the other along."""
    root = make(tmp_path / "w")
    first, second = Backups(str(root)), Backups(str(root))
    bad = first.take(subject("out/**", name="bad"))
    good = second.take(subject("out/by-good", name="good"))
    edit(root, "by-bad").touch()
    edit(root, "by-good").touch()
    if ended:
        good.commit(["/p/out/by-good"])
    if killed:
        if not ended:
            good.commit(["/p/out/by-good"])
        first.die()
        heal(root)
    else:
        assert bad.put_back() == ""
        first.close()
    assert edit(root, "by-good").exists()
    assert not edit(root, "by-bad").exists()
    second.close()
    assert litter(root) == []


def test_a_hit_keeps_what_it_has_restored(tmp_path: Path) -> None:
    """Also below the pattern of a command that fails, in this run or in another one."""
    root = make(tmp_path / "w")
    first, second = Backups(str(root)), Backups(str(root))
    bad = first.take(subject("out/**", name="bad"))
    for backups, name in ((first, "here"), (second, "elsewhere")):
        edit(root, name).touch()
        backups.spare([f"/p/out/{name}"])
    edit(root, "by-bad").touch()
    assert bad.put_back() == ""
    assert edit(root, "here").exists()
    assert edit(root, "elsewhere").exists()
    assert not edit(root, "by-bad").exists()
    first.close()
    second.close()
    assert litter(root) == []


def test_another_workspace_with_the_same_cache_is_left_alone(tmp_path: Path) -> None:
    """Only the workspace that a run was killed in gets its old outputs (F02)."""
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o700)
    here, there = make(tmp_path / "here"), make(tmp_path / "there")
    for root in (here, there):
        (root / ".haz").mkdir()
        (root / CACHE).symlink_to(shared)
    backups = Backups(str(here))
    old = snapshot(there)
    backups.take(subject("out/**", "o"))
    edit(here, "a").write_bytes(b"half")
    edit(there, "mine").write_bytes(b"precious")
    backups.die()
    old = snapshot(there)
    assert heal(there) == []
    assert snapshot(there) == old
    moved = here.rename(tmp_path / "moved")
    assert heal(moved) == ["p:t: its run was killed, so its outputs were put back"]
    assert edit(moved, "a").read_bytes() == b"a"
    assert litter(moved) == []
