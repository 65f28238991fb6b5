"""Hand-made caches: what the original writes, without what we add, and what can lie about."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cache.store_support import Bench, write

ZEROS = "0" * 64


def manifest(
    key: str,
    *,
    hash_function: str = "blake3",
    revision: int = 0,
    created: int = 1000,
    stdout: int = 3,
    stderr: int = 4,
    outputs: Sequence[tuple[str, int]] = (),
) -> dict[str, object]:
    """The ten members, in the original's order."""
    return {
        "chapter_revision": revision,
        "hash_function": hash_function,
        "key": key,
        "outputs": [
            {"workspace_absolute_path": path, "content_hash": ZEROS, "size": size, "mode": 420}
            for path, size in outputs
        ],
        "stdout_len": stdout,
        "stderr_len": stderr,
        "stdout_hash": ZEROS,
        "stderr_hash": ZEROS,
        "exit_status": 0,
        "created_at_unix": created,
    }


def key(digit: str) -> str:
    return digit * 64


def put(workspace: Path, name: str, data: object = None, *, shard: str = "") -> Path:
    """An entry folder; ``data`` is the manifest, as bytes or as what JSON can say."""
    folder = workspace / ".haz" / "cache" / (shard or name[:2]) / name
    (folder / "outputs").mkdir(parents=True)
    if data is not None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        (folder / "manifest.json").write_bytes(raw)
    return folder


def put_key(workspace: Path, digit: str, *, created: int = 1000, size: int = 7) -> Path:
    """A well-formed entry of ``size`` bytes."""
    data = manifest(key(digit), created=created, stdout=size, stderr=0)
    return put(workspace, key(digit), data)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The lock of a folder, as a living run holds it."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def mixed(bench: Bench) -> None:
    """Everything that a cache can hold: 2 good entries, 6 corrupt ones, orphans, strays."""
    root = bench.root
    put(root, key("a"), manifest(key("a"), outputs=[("/x", 5), ("/x", 5)]))
    put(root, key("b"), manifest(key("b"), hash_function="sha256", created=2000))
    put(root, key("c"), manifest(key("c"), revision=7, created=3000))
    put(root, key("d"), manifest(key("d"), revision=256))
    put(root, key("e"), b"{")
    put(root, key("f"), manifest(key("a"), created=99_999_999_999))
    put(root, "notanentry", shard="zz")
    put(root, "inner", shard=".tmp-root")
    (bench.cache / "blobs" / "folder").mkdir(parents=True)
    (bench.cache / "state" / "folder").mkdir(parents=True)
    (bench.cache / "quarantine" / "be4f-entry-00").mkdir(parents=True)
    (bench.cache / ".trash-00" / "folder").mkdir(parents=True)
    os.symlink(bench.cache / "aa" / key("a"), bench.cache / "aa" / "link")
    os.symlink(bench.cache / "aa", bench.cache / "linked")
    write(bench.cache / "aa" / ".tmp-x" / "f", b"12345")
    (bench.cache / ".restore-x").mkdir()
    write(bench.cache / "README", b"stray")
