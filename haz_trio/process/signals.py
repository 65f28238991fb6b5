"""What children inherit of this process's signal handling, and how to hand on nothing.

A program that is started keeps ignored signals ignored and blocked signals blocked, but a signal
that its parent *handles* is reset to the default action.
So a program that was itself started with signals ignored (``nohup``, background jobs of a script)
gives its children default handling if it replaces "ignored" by a handler that does nothing.
That needs no code between fork and exec, and therefore no ``preexec_fn``.

The limit: handlers belong to the main thread of the process, so only an entry point can do this.
A library host that blocks or ignores signals passes that on to its tasks.
"""

from __future__ import annotations

import signal
from types import FrameType

# ``Popen(restore_signals=True)`` resets the first two in the child.
# The other two stay ignored: with a handler in place, a background process that touches its
# terminal would be signalled again and again; children have no controlling terminal (L02, L04).
_KEPT = frozenset({signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTIN, signal.SIGTTOU})


def shed_inherited_signals() -> None:
    """Let the children of this process start with default signal handling (L07, L08, B14).

    For an entry point: call it once, in the main thread, before other threads are started.
    What was ignored stays without effect on this process itself.
    SIGCHLD gets its default action, without which exit statuses would be lost.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in sorted(signal.valid_signals() - _KEPT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _disregard)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _disregard(number: int, frame: FrameType | None) -> None:
    """Do nothing, as if the signal were ignored."""
