"""Ctrl-C among what the code of a workspace raises: it is the program's, and nobody's failure."""

from __future__ import annotations

import signal
import threading
import traceback


def was_pressed(problem: BaseException) -> bool:
    """Whether it is a ``KeyboardInterrupt`` that the handler of SIGINT has raised.

    Python's own leaves no trace, and so each one counts where it may have been called.
    """
    if not isinstance(problem, KeyboardInterrupt):
        return False
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, or it ends the process
        return False
    code = getattr(handler, "__code__", None)
    if code is None:
        return threading.current_thread() is threading.main_thread()
    frames = traceback.walk_tb(problem.__traceback__)
    return any(frame.f_code is code for frame, _ in frames)
