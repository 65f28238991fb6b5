"""A restore while somebody changes the folders that it writes to (R3)."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from haz_trio.abc import Restored
from haz_trio.errors import OutputError
from tests.cache.store_support import Bench, subject, tree, write


@pytest.mark.parametrize("seconds", [1.0, pytest.param(60.0, marks=pytest.mark.deep)])
def test_who_swaps_links_during_restores_gains_nothing(
    bench: Bench, tmp_path: Path, seconds: float
) -> None:
    """R3, H04: a folder becomes a link to the outside and back, again and again, meanwhile."""
    what = subject("dist/**")
    outside = tmp_path / "outside"
    outside.mkdir()
    write(outside / "one", b"precious")
    assert bench.fresh(what, lambda: [write(bench.lib / "dist/a" / n) for n in ("one", "two")])
    over = threading.Event()

    def swap() -> None:
        link = bench.lib / "dist" / "a"
        while not over.is_set():
            with suppress(OSError):
                if link.is_symlink():
                    link.unlink()
                else:
                    link.rename(bench.root / "aside")
                    link.symlink_to(outside)
                    shutil.rmtree(bench.root / "aside")

    attacker = threading.Thread(target=swap)
    attacker.start()
    hits, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            with suppress(OutputError):  # a folder vanished while it was filled, and is told
                hits += isinstance(bench.hit(what), Restored)
            assert tree(outside) == {"one": ("file", 0o644, b"precious")}
    finally:
        over.set()
        attacker.join()
    assert hits > 0
