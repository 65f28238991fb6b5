"""``haz`` and ``python -m haz_trio``: quiet about signals from the first instruction on.

Before a command line is understood, only modules are imported that are there already or next to
nothing: each one more is paid for by every command.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` without its enumerations
import gc
import os
import sys
import time

TYPE_CHECKING = False  # in place of typing's, which costs more than all of this
if TYPE_CHECKING:
    from types import FrameType

_STOPPING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    began = time.perf_counter()
    # Until a run listens to signals, Ctrl-C ends the process without a traceback, as it ends
    # any program: what follows takes long enough to be hit (reliability.md A02).
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.getpid() == 1:
        _end_by_signals()

    if "run" in sys.argv and "__suggest" not in sys.argv:
        from haz_trio.memo import replay

        said = replay(sys.argv[1:], began)
        if said is not None:
            os._exit(said)

    # What is made while loading lives until the end; looking for garbage in it finds none.
    gc.disable()  # until a run waits for something

    from haz_trio.cli.main import run_command_line

    code = run_command_line(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as it is where the descriptor was closed from the start
            try:
                stream.flush()
            except OSError:  # whoever read it may have gone
                continue
    # Taking the interpreter down object by object costs a short run a twentieth of its time.
    os._exit(code)


def _end_by_signals() -> None:
    """Let signals end the first process of a container, too (A01, L15).

    The kernel drops a signal that such a process leaves to the default action.
    """
    for number in _STOPPING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
