"""haz behind a bad disk: damages headers of state files, then becomes haz with the same words.

    python tests/run_conformance.py --damage

Each sealed file below `.haz/cache/state` of the workspace around the current directory is damaged
with even odds, in one byte of its header or of its seal.  haz must behave as without the file.
Stands alone: it is run as a file, by the interpreter that has haz_trio.
"""

from __future__ import annotations

import os
import random
import sys
from itertools import pairwise
from pathlib import Path

STATE = Path(".haz/cache/state")
PATTERNS = ("config", "known", "ledger", "memo-*")
HEADER, SEAL = 40, 16  # bytes, see ``haz_trio.frames``


def damage_byte(path: Path, offset: int, flip: int = 0xFF) -> None:
    """Change one byte of a file in place; offsets below 0 count from its end."""
    data = bytearray(path.read_bytes())
    data[offset] ^= flip
    path.write_bytes(data)


def state_of(directory: Path) -> Path | None:
    """The folder of the state files of the workspace around a directory."""
    for folder in (directory, *directory.parents):
        if (folder / STATE).is_dir():
            return folder / STATE
    return None


def sealed_files(state: Path) -> list[Path]:
    """The files of a state folder that are frames."""
    found = [path for pattern in PATTERNS for path in state.glob(pattern)]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def main() -> None:
    words = sys.argv[1:]
    directory = Path.cwd()
    for flag, value in pairwise(words):
        if flag == "-C":
            directory /= value
    # A test of a dry run asks whether anything has changed: this would have.
    state = None if "--dry-run" in words else state_of(directory)
    for path in [] if state is None else sealed_files(state):
        if random.random() < 0.5 and path.stat().st_size >= HEADER + SEAL:
            damage_byte(path, random.randrange(-SEAL, HEADER), random.randrange(1, 256))
    os.execv(sys.executable, [sys.executable, "-m", "haz_trio", *words])


if __name__ == "__main__":
    main()
