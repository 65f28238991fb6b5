"""What children inherit of signal handling (L07, L08, B14)."""

from __future__ import annotations

import pytest

from tests.process.support import python_program

# Prints the masks of ignored and blocked signals of a child, then the child's status.
CODE = """
import os, signal, sys
from haz_trio.process.signals import shed_inherited_signals
from tests.process.support import command, run, shell
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
shed_inherited_signals()
if "nohup" in os.environ:
    os.kill(os.getpid(), signal.SIGHUP)
lines = run(command("grep", "-E", "Sig(Ign|Blk)", "/proc/self/status")).out.split(b"\\n")[:2]
print(*[int(line.split()[1], 16) for line in lines], run(shell("exit 3")).ending.status)
"""


@pytest.mark.parametrize("setup", ["", "trap '' HUP INT QUIT TERM CHLD PIPE USR1 TSTP"])
def test_children_start_with_default_handling(setup: str) -> None:
    """Nothing is ignored and nothing blocked, whatever this program was started with."""
    assert python_program(CODE, setup=setup) == "0 0 exit 3\n"


def test_what_was_ignored_stays_without_effect_on_this_program() -> None:
    """Under `nohup` a hang-up does not end the program (the code above sends one to itself)."""
    assert python_program(CODE, setup="trap '' HUP", env={"nohup": "1"}) == "0 0 exit 3\n"


def test_ignored_sigchld_is_refused() -> None:
    """Where the system discards exit statuses, no command is run, instead of reporting a 0."""
    code = """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from tests.process.support import run, shell
from haz_trio.errors import SpawnError
try:
    print(run(shell("exit 3")).ending)
except SpawnError as error:
    print("refused:", error)
"""
    assert python_program(code).startswith("refused: program `sh`")
