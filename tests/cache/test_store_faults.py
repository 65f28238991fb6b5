"""A store that fails is only not stored (C10, S3, B 301)."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from haz_trio.abc import NotStored, Restored, Stored
from haz_trio.cache.files import Disk
from haz_trio.plan.messages import Stream
from tests.cache.small_result import WHAT, build
from tests.cache.store_support import (
    ERRNOS,
    KEY,
    OTHER_KEY,
    Bench,
    Faults,
    remove,
    write,
)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    assert bench.fresh(WHAT, partial(build, bench))[1] == Stored()
    return bench


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("number", ERRNOS)
def test_a_failure_at_any_call_of_a_store_is_only_not_stored(
    bench: Bench, number: int, durable: bool
) -> None:
    """S3: the n-th call fails, for all n: no exception, no litter, earlier entries intact."""
    reasons, at = set(), 1
    while True:
        faults = Faults(at, number)
        store = bench.store(disk=Disk(faults, durable))
        pending = store.begin(OTHER_KEY, WHAT, lambda secret: b"{}")
        write(bench.lib / "out.o", b"%d" % at)
        write(bench.lib / "dist/big", b"b" * (1 << 20) + b"%d" % at)
        pending.write(Stream.STDOUT, b"x" * (1 << 20))
        pending.write(Stream.STDOUT, b"y")
        collected = pending.collect()
        kept = pending.commit(foreign=frozenset(), duration=1)
        store.finish()
        assert "/lib/out.o" in collected.outputs
        assert bench.litter() == []
        if isinstance(kept, NotStored):
            reasons.add(kept.reason)
        if not faults.raised:
            break
        at += 1
    assert kept == Stored()
    if number == errno.EIO:
        assert any("injected into link" in reason for reason in reasons)
    assert at > 15
    write(bench.lib / "out.o", b"object")
    remove(bench.lib / "dist/big")
    assert isinstance(bench.hit(WHAT), Restored)


def test_a_store_that_lacks_descriptors_leaves_nothing(bench: Bench) -> None:
    """However many are left, what it has made is removed with those that it has (D06)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    outcomes = []
    for limit in range(3, max(map(int, os.listdir("/proc/self/fd"))) + 20):
        write(bench.lib / "out.o", b"%d" % limit)
        store = bench.store()
        pending = store.begin(OTHER_KEY, WHAT, lambda secret: b"{}")
        pending.write(Stream.STDOUT, b"said")
        pending.collect()
        assert pending.hold()
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            outcomes.append(pending.commit(foreign=frozenset(), duration=1))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        store.finish()
        assert bench.litter() == []
    assert {type(each) for each in outcomes} == {NotStored, Stored}
    assert outcomes[-1] == Stored()


def test_a_strict_store_counts_every_failure(bench: Bench) -> None:
    """``HAZ_CACHE_STRICT`` needs to know of each one (decision 14)."""
    store = bench.store(disk=Disk(Faults(1, lasting=True)), strict=True)
    for key in (KEY, OTHER_KEY):
        assert bench.fresh(WHAT, lambda: build(bench), key=key, store=store)[1] != NotStored()
    assert len(store.failures) == 2


def test_a_full_file_system(tmp_path: Path) -> None:
    """ENOSPC is said once, the temporary folder goes, and the rest is not tried (B 301)."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.cache.store_support import *\n"
        "bench = Bench(Path(sys.argv[1])); what = subject('x')\n"
        "bench.lib.mkdir(parents=True)\n"
        "bench.cache.mkdir(parents=True)\n"
        "import subprocess\n"
        "options = ['-t', 'tmpfs', '-o', 'size=512k']\n"
        "subprocess.run(['mount', *options, 'none', bench.cache], check=True)\n"
        "bench.cache.chmod(0o700)\n"
        "store = bench.store()\n"
        "big = lambda: write(bench.lib / 'x', b'x' * 3_000_000)\n"
        "print(bench.fresh(what, big, store=store)[1].reason)\n"
        "print(repr(bench.fresh(what, big, key=OTHER_KEY, store=store)[1].reason))\n"
        "store.finish()\n"
        "print(bench.litter())\n"
        "bench.fresh(what, lambda: write(bench.lib / 'x'))\n"
        "print(type(bench.hit(what)).__name__)\n"
    )
    command = ["unshare", "-m", sys.executable, "-B", "-c", script, str(tmp_path / "ws")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("cannot mount a file system")
    assert done.returncode == 0, done.stderr
    first, second, litter, answer = done.stdout.splitlines()
    assert "No space left on device" in first
    assert (second, litter, answer) == ("''", "[]", "Restored")
