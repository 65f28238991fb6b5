"""One line below everything else on a terminal, taken away before and put back behind output.

The cursor rests at the beginning of the line: what a terminal does with a line that has become
too long when its window shrinks, happens behind the cursor, and goes with the next painting.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress

import trio

from haz_trio.output.columns import character_width
from haz_trio.output.palette import Drawing
from haz_trio.output.progress import Progress
from haz_trio.output.streams import DESCRIPTORS, Streams
from haz_trio.output.terminal import shows_unicode
from haz_trio.output.writes import Target, Write
from haz_trio.plan.messages import Event, RunFinished, RunStarted

PERIOD = 0.1  # seconds between two looks at the clock
PATIENCE = 0.2  # seconds for which the end of a run waits for a terminal that takes nothing

# The attributes that a task left are saved and come back with the cursor; nothing wraps.
_BEFORE, _AFTER = "\x1b7\x1b[0m\x1b[?7l", "\x1b[J\x1b[?7h\x1b8"
# Its own line first: of what is erased from the first place of the screen on at once, tmux keeps
# a copy in its history.
ERASE = b"\r\x1b7\x1b[0m\x1b[K\x1b[B\x1b[J\x1b8"


def paint(text: str, columns: int, drawing: Drawing) -> bytes:
    """What shows a text on the cursor's line and leaves the cursor at its beginning.

    One column stays free: some terminals wrap as soon as the last one is filled.
    """
    return f"\r{_BEFORE}{cut(text, columns - 1, drawing)}{_AFTER}".encode()


def cut(text: str, columns: int, drawing: Drawing) -> str:
    """As much of a printable text as fits; what is left out is marked when there is room."""
    widths = [character_width(character) for character in text]
    if sum(widths) <= columns:
        return text
    mark = "…" if drawing is Drawing.UNICODE else "~"
    room, kept = columns - 1, 0
    if room < 0:
        return ""
    while widths[kept] <= room:
        room -= widths[kept]
        kept += 1
    return text[:kept] + mark


class StatusStreams:
    """The streams of a console with a line below what they show.

    Has what ``Console`` needs of ``Streams``; ``show`` may be called from any thread.
    ``targets`` are the streams that are the terminal; the line is painted on the last of them.
    """

    def __init__(
        self,
        targets: frozenset[Target],
        drawing: Drawing = Drawing.UNICODE,
        descriptors: Mapping[Target, int] = DESCRIPTORS,
    ) -> None:
        self._streams = Streams(descriptors)
        self._targets, self._drawing = targets, drawing
        self._target = max(targets)
        self._descriptor = descriptors[self._target]
        self._lock = threading.Lock()  # one of those who write at a time
        self._text = ""
        self._painted = b""
        self._hidden = False
        self._at_line_start = True

    @property
    def lost(self) -> Mapping[Target, object]:
        return self._streams.lost

    @property
    def failed(self) -> bool:
        return self._streams.failed

    def give_up(self) -> None:
        self._streams.give_up()

    def write(self, writes: Iterable[Write]) -> None:
        """Write in order; the line is erased with the first bytes, and repainted with the last."""
        with self._lock:
            self._streams.write(self._framed(writes))

    def set_text(self, text: str) -> None:
        """What the next painting shows; an empty text is no line at all."""
        self._text = text

    def refresh(self) -> None:
        """Make the terminal show the text, if it does not do so already."""
        with self._lock:
            self._streams.write(self._repainting())

    def resume(self) -> None:
        """Let the line be painted again."""
        self._hidden = False

    def hide(self) -> None:
        """Take the line away until ``resume``, unless the terminal takes nothing."""
        self._hidden = True
        if not self._lock.acquire(timeout=PATIENCE):
            return  # a blocked write holds it
        try:
            if self._painted and _takes_bytes(self._descriptor):
                self._painted = b""
                with suppress(OSError):  # the terminal may be gone
                    os.write(self._descriptor, ERASE)
        finally:
            self._lock.release()

    def _framed(self, writes: Iterable[Write]) -> Iterator[Write]:
        target: Target | None = None
        for write in writes:
            if write.target in self._targets and write.data:
                if self._painted:
                    self._painted = b""
                    yield Write(write.target, ERASE)
                self._at_line_start = write.data.endswith(b"\n")
                target = write.target
            yield write
        if target is not None:
            yield from self._painting(target)

    def _repainting(self) -> Iterator[Write]:
        if not self._text and self._painted:
            self._painted = b""
            yield Write(self._target, ERASE)
        else:
            yield from self._painting(self._target)

    def _painting(self, target: Target) -> Iterator[Write]:
        if self._hidden or not self._text or not self._at_line_start:
            return
        if not _in_foreground(self._descriptor):
            return
        painted = paint(self._text, _columns(self._descriptor), self._drawing)
        if painted != self._painted:
            self._painted = painted
            yield Write(target, painted)


class StatusLine:
    """An observer that keeps the line of ``StatusStreams`` up to date while ``run`` runs."""

    def __init__(self, progress: Progress, streams: StatusStreams) -> None:
        self._progress, self._streams = progress, streams
        self._began = 0.0

    def notice(self, event: Event, at: float) -> None:
        """Take an event that happened ``at`` seconds after the run began."""
        self._progress.take(event, at)
        match event:
            case RunStarted():
                self._began = trio.current_time() - at
            case RunFinished():
                self._streams.set_text("")
            case _:
                pass  # the next look at the clock is early enough

    async def wait_ready(self) -> None:
        """Nothing here is slow."""

    async def run(self) -> None:
        """Look at the clock until cancelled; a terminal that takes nothing is waited for."""
        limiter = trio.CapacityLimiter(1)
        while True:
            await trio.sleep(PERIOD)
            self._streams.set_text(self._progress.text(trio.current_time() - self._began))
            # Abandoned when cancelled: a terminal may have been stopped for ever.
            await trio.to_thread.run_sync(
                self._streams.refresh, abandon_on_cancel=True, limiter=limiter
            )


@asynccontextmanager
async def open_status_line(
    progress: Progress, streams: StatusStreams
) -> AsyncIterator[StatusLine]:
    """A line that is there while the body runs, and gone when it is over, however it ends."""
    line = StatusLine(progress, streams)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(line.run)
            yield line
            nursery.cancel_scope.cancel()
    finally:
        streams.hide()


def look_for_terminal(
    env: Mapping[str, str], descriptors: Mapping[Target, int] = DESCRIPTORS
) -> frozenset[Target]:
    """The streams below which a line may stand; empty where there is none.

    Standard error decides when both are terminals, and the other belongs to it only if it is
    the same one.
    """
    if env.get("TERM", "dumb") == "dumb" or env.get("CI"):
        return frozenset()
    terminals = [t for t in sorted(Target, reverse=True) if os.isatty(descriptors[t])]
    if not terminals:
        return frozenset()
    device = os.fstat(descriptors[terminals[0]]).st_rdev
    return frozenset(t for t in terminals if os.fstat(descriptors[t]).st_rdev == device)


def drawing_for(env: Mapping[str, str]) -> Drawing:
    """Which characters the terminal of an environment shows."""
    return Drawing.UNICODE if shows_unicode(env) else Drawing.ASCII


def _columns(descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns or 80
    except OSError:
        return 80


def _in_foreground(descriptor: int) -> bool:
    """Whether the terminal is ours to draw on; a background job leaves it to the shell."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True  # not our controlling terminal: no shell reads from it


def _takes_bytes(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))
