"""Something that is done over and over, in a thread, for the time of a block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def beside(act: Callable[[], object], *, pause: float = 0.0) -> Iterator[None]:
    """Act again and again, ``pause`` seconds after each time; at the end raise what it raised."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(pause):
            act()

    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(go_on)
        try:
            yield
        finally:
            over.set()
    acting.result()
