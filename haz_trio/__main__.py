"""``haz`` and ``python -m haz_trio``: quiet about signals from the first instruction on."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line of this process and exit with its code."""
    # Until a run listens to signals, Ctrl-C ends the process without a traceback, as it ends
    # any program: the imports below take long enough to be hit (reliability.md A02).
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    from haz_trio.cli.main import run_command_line

    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
