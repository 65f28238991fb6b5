"""What a killed writer of state files leaves behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from haz_trio.cache.begun import PATIENCE, remove_begun
from haz_trio.cache.files import Disk
from haz_trio.frames import write_whole


def test_what_a_killed_writer_left_goes_and_everything_else_stays(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    old = time.time() - PATIENCE - 60
    for name in ("known.0123456789abcdef", "known", "secret", "known.01", "run-17"):
        (state / name).write_bytes(b"x")
        os.utime(state / name, (old, old))
    (state / "config.fedcba9876543210").write_bytes(b"somebody is at it")
    root = os.open(tmp_path, os.O_RDONLY)
    try:
        remove_begun(root, Disk())
    finally:
        os.close(root)
    assert sorted(os.listdir(state)) == [
        "config.fedcba9876543210",
        "known",
        "known.01",
        "run-17",
        "secret",
    ]


def test_the_names_are_those_of_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A write that fails leaves nothing; one that is killed before the rename leaves a file.
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setattr(os, "replace", lambda *_: None)
    for name in ("ledger", "memo-0123456789abcdef"):
        write_whole(str(state / name), b"x")
    old = time.time() - PATIENCE - 60
    left = list(state.iterdir())
    assert len(left) == 2
    for path in left:
        os.utime(path, (old, old))
    root = os.open(tmp_path, os.O_RDONLY)
    try:
        remove_begun(root, Disk())
    finally:
        os.close(root)
    assert not list(state.iterdir())


def test_no_state_folder_is_no_trouble(tmp_path: Path) -> None:
    root = os.open(tmp_path, os.O_RDONLY)
    try:
        remove_begun(root, Disk())
    finally:
        os.close(root)
