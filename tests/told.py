"""Runs of the real program that tell which way they took: by a memo, or the usual one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

LIMIT = 60  # seconds

# The program itself, and on its way out a word on what it has imported.
PROGRAM = """
import os, sys
leave = os._exit
def tell(code):
    os.write(int(os.environ["TOLD"]), b"full" if "haz_trio.cli.main" in sys.modules else b"memo")
    leave(code)
os._exit = tell
from haz_trio.__main__ import main
main()
"""


@attrs.frozen
class Told:
    """A command line that has ended; ``memo`` says that a memo has answered."""

    code: int
    out: bytes
    err: bytes
    memo: bool


def haz(*words: str, cwd: Path, env: Mapping[str, str]) -> Told:
    """Run a command line of ``haz`` to its end."""
    told, tell = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            cwd=cwd,
            env={**env, "TOLD": str(tell)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=False,
            pass_fds=(tell,),
        )
    finally:
        os.close(tell)
        word = os.read(told, 100)
        os.close(told)
    return Told(done.returncode, done.stdout, done.stderr, word == b"memo")
