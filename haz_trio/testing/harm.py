"""Bytes of a cache go wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path


def each(folder: Path, pattern: str, act: Callable[[Path], None]) -> None:
    for path in sorted(folder.glob(pattern)):
        if path.is_file():
            act(path)


def flip(path: Path) -> None:
    """Change a byte, and nothing about the size."""
    data = bytearray(path.read_bytes())
    if data:
        data[0] ^= 1
        path.write_bytes(data)


def flip_once(seen: set[int], only: Collection[bytes] = ()) -> Callable[[Path], None]:
    """The same, once for a file of several names, and if it has some of these contents."""

    def harm(path: Path) -> None:
        inode = path.stat().st_ino
        if inode not in seen and (not only or path.read_bytes() in only):
            seen.add(inode)
            flip(path)

    return harm
