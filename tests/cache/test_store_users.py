"""The cache of a user who may not do everything (cache.md B6); needs root to become one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from haz_trio.abc import NotStored, Stored
from tests.cache.store_support import Bench

NOBODY = 65534


def as_nobody(root: Path, *steps: str) -> list[str]:
    """Run steps in a process without privileges; what each of them says."""
    script = (
        "import os, sys\n"
        "sys.path[:0] = [os.getcwd()]\n"
        "from pathlib import Path\n"
        "from haz_trio.abc import *\n"
        "import haz_trio.cache.store\n"
        "from tests.cache.store_support import *\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"bench = Bench(Path({str(root)!r})); what = subject('x')\n"
    ) + "\n".join(steps)
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


@pytest.fixture
def nobodys() -> Iterator[Bench]:
    if os.geteuid() != 0:
        pytest.skip("needs to become another user")
    with tempfile.TemporaryDirectory() as where:
        bench = Bench(Path(where) / "ws")
        bench.lib.mkdir(parents=True)
        for path in (Path(where), bench.root, bench.lib):
            os.chown(path, NOBODY, NOBODY)
        yield bench


def test_a_read_only_cache_hits_and_does_not_store(nobodys: Bench) -> None:
    """Staging beside the target; one remark per run and no attempt per task (B 304, 305)."""
    lines = as_nobody(
        nobodys.root,
        "bench.fresh(what, lambda: write(bench.lib / 'x'))",
        "bench.cache.chmod(0o555)",
        "remove(bench.lib / 'x')",
        "print(type(bench.hit(what)).__name__, (bench.lib / 'x').read_text().strip())",
        "store = bench.store()",
        "for key in ('ab' * 32, 'cd' * 32):",
        "    print(bench.fresh(what, lambda: None, key=key, store=store)[1])",
        "print(store.finish(), bench.litter())",
    )
    assert lines[0] == "Restored made"
    assert "nothing more is stored" in lines[1]
    assert lines[2:] == [repr(NotStored()), "() []"]


def test_an_unreadable_output_is_not_stored_and_read_only_twins_are(nobodys: Bench) -> None:
    """Mode 0200 cannot be read; two files of mode 0444 and one content can (B 302, 303)."""
    lines = as_nobody(
        nobodys.root,
        "print(bench.fresh(what, lambda: write(bench.lib / 'x', b'x', 0o200))[1])",
        "two = subject('a', 'b')",
        "make = lambda: [write(bench.lib / name, b'x', 0o444) for name in 'ab']",
        "print(bench.fresh(two, make)[1], isinstance(bench.hit(two), Restored))",
    )
    assert "cannot be read" in lines[0]
    assert lines[1] == f"{Stored()!r} True"


def test_an_unreadable_shard_is_a_miss(nobodys: Bench) -> None:
    """The command runs, nothing is stored, and nothing fails (B 308)."""
    lines = as_nobody(
        nobodys.root,
        "bench.fresh(what, lambda: write(bench.lib / 'x'))",
        "bench.entry().parent.chmod(0)",
        "store = bench.store()",
        "print(bench.hit(what, store=store))",
        "print(bench.fresh(what, lambda: None, store=store)[1])",
        "print(len(store.finish()))",
        "bench.entry().parent.chmod(0o700)",
    )
    assert lines[0].startswith("Miss(")
    assert lines[1].startswith("NotStored(")
    assert lines[2] == "1"
