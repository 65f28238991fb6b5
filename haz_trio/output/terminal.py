"""What the standard streams are: terminals or not, how wide, and which characters they show."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from haz_trio.output.palette import ColorChoice, Drawing, Palette, Screen, colour_choice
from haz_trio.output.streams import DESCRIPTORS
from haz_trio.output.writes import Target

DEFAULT_WIDTH = 80


def look_at_screen(
    choice: ColorChoice,
    env: Mapping[str, str],
    *,
    descriptors: Mapping[Target, int] = DESCRIPTORS,
) -> Screen:
    """How to paint both streams, from ``--color``, the environment and what they are."""
    return Screen(
        stdout=look_at_stream(choice, env, descriptors[Target.STDOUT]),
        stderr=look_at_stream(choice, env, descriptors[Target.STDERR]),
        shared=_one_terminal(descriptors[Target.STDOUT], descriptors[Target.STDERR]),
    )


def look_at_stream(choice: ColorChoice, env: Mapping[str, str], descriptor: int) -> Palette:
    """How to paint one stream; only a terminal is ever spared Unicode."""
    terminal = os.isatty(descriptor)
    narrow = terminal and not shows_unicode(env)
    return Palette(
        colour=colour_choice(choice, env, terminal=terminal),
        drawing=Drawing.ASCII if narrow else Drawing.UNICODE,
    )


def shows_unicode(env: Mapping[str, str], *, utf8_mode: bool | None = None) -> bool:
    """Whether a terminal of this environment shows UTF-8; the Linux console lacks the signs.

    Python sets LC_CTYPE in its own environment when it starts in the C locale (PEP 538); what
    it added is not what the user has.
    """
    if env.get("TERM") == "linux":
        return False
    in_utf8_mode = bool(sys.flags.utf8_mode) if utf8_mode is None else utf8_mode
    coerced = in_utf8_mode and "PYTHONUTF8" not in env and env.get("LC_CTYPE") == "C.UTF-8"
    names = ("LC_ALL", "LANG") if coerced else ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((env[name] for name in names if env.get(name)), "")
    return locale.partition("@")[0].lower().replace("-", "").endswith("utf8")


def terminal_width(descriptors: tuple[int, ...] = (2, 1, 0)) -> int:
    """The columns of the first of these descriptors that is a terminal, else 80."""
    for descriptor in descriptors:
        try:
            columns = os.get_terminal_size(descriptor).columns
        except OSError:
            continue
        if columns > 0:
            return columns
    return DEFAULT_WIDTH


def _one_terminal(first: int, second: int) -> bool:
    if not (os.isatty(first) and os.isatty(second)):
        return False
    here, there = os.fstat(first), os.fstat(second)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
