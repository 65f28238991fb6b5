"""What is synced, and in which order (cache.md C11), as the kernel sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import HAZ, LIMIT, Home
from tests.engine.workspaces import sh

_CALL = re.compile(r"\b(fdatasync|fsync|renameat2?|rename|linkat)\((.*)\) = 0")
_PATH = re.compile(r'<([^>]*)>|"([^"]*)"')


def traced(home: Home, *words: str, **env: str) -> list[tuple[str, str]]:
    """The syncs and renames of a run of ``p:t``: the call, and the last path in it."""
    log = home.root / "trace"
    argv = ["strace", "-f", "-y", "-s", "400", "-o", str(log), "-e"]
    argv += ["trace=fdatasync,fsync,rename,renameat,renameat2,linkat", *HAZ, "run", "p:t", *words]
    done = subprocess.run(
        argv,
        cwd=home.root,
        env={**home.env, **env},
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    if b"ptrace" in done.stderr:
        pytest.skip("nobody may be traced here")
    assert done.returncode == 0, done.stderr
    calls = []
    for found in map(_CALL.search, log.read_text().splitlines()):
        if found is not None:
            named = ["".join(pair) for pair in _PATH.findall(found[2])]
            cache = f"{home.root}/.haz/cache"
            calls.append((found[1], named[-1].removeprefix(cache).lstrip("/")))
    return calls


@pytest.fixture
def home(tmp_path: Path) -> Home:
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    return Home.make(tmp_path, {"t": sh("echo a > a; echo b > b; echo said", outputs=["a", "b"])})


def entry_of(home: Home) -> Path:
    [entry] = [p for p in (home.root / ".haz/cache").glob("??/*") if len(p.name) == 64]
    return entry


def test_everything_is_on_the_disk_before_it_is_published(home: Home) -> None:
    """Files, then their folders and the pool, then the rename, then what holds the new name."""
    calls = traced(home, HAZ_CACHE_DURABLE="1")
    entry = entry_of(home)
    shard = entry.parent.name
    published = next(i for i, call in enumerate(calls) if call[1] == entry.name)
    before, after = calls[:published], calls[published + 1 :]
    assert calls[published][0].startswith("rename")
    files = [path for call, path in before if call == "fdatasync"]
    draft = next(path for path in files if path.endswith("manifest.json")).rpartition("/")[0]
    assert draft.startswith(f"{shard}/.tmp-{entry.name}-")
    blobs = {f"{draft}/outputs/{path.name}" for path in (entry / "outputs").iterdir()}
    assert len(blobs) == 2
    records = ("manifest.json", "recipe.json", "stdout", "stderr")
    assert set(files) == {f"{draft}/{name}" for name in records} | blobs
    last_file = max(i for i, call in enumerate(before) if call[0] == "fdatasync")
    last_link = max(i for i, call in enumerate(before) if call[0] == "linkat")
    folders = [before.index(("fsync", path)) for path in (f"{draft}/outputs", draft, "blobs")]
    assert max(last_file, last_link) < folders[0] < folders[1] < folders[2]
    assert [path for call, path in after if call == "fsync"] == [shard, ""]


def test_a_result_that_stands_there_already_is_synced_as_well(home: Home) -> None:
    """Whoever stored it did not promise anything; the later run does."""
    assert home.haz("run", "p:t").code == 0
    entry = entry_of(home)
    calls = traced(home, "--force", HAZ_CACHE_DURABLE="1")
    place = f"{entry.parent.name}/{entry.name}"
    synced = {path for call, path in calls if call == "fdatasync"}
    assert {f"{place}/{path.name}" for path in entry.iterdir() if path.is_file()} <= synced
    assert ("fsync", place) in calls


def test_nothing_is_synced_by_default(home: Home) -> None:
    """Verification on use turns what was lost into a miss."""
    assert {call for call, _ in traced(home)}.isdisjoint({"fsync", "fdatasync"})
