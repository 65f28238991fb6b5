"""When there is colour, and which: one policy for all streams, one colour per task."""

from __future__ import annotations

import colorsys
import enum
from collections.abc import Mapping

from haz_trio.model.names import TaskId
from haz_trio.values import frozen

RESET = "\x1b[0m"
_SATURATION, _LIGHTNESS = 0.70, 0.62
_FNV_START, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


class ColorChoice(enum.Enum):
    """What ``--color`` says."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Drawing(enum.Enum):
    """Which characters a stream can show."""

    UNICODE = "unicode"
    ASCII = "ascii"


class Tone(enum.Enum):
    """The parameters of an SGR sequence, by what they say."""

    GOOD = "32"
    BAD = "31"
    ODD = "33"
    DIM = "2"
    PLACE = "36;1;4"
    MARK = "35;1"
    HINT = "36"


@frozen
class Glyphs:
    """The sign of each outcome in a summary line (execution.md 7.4)."""

    done: str = "\u2713"
    cached: str = "\u25c9"
    failed: str = "\u2717"
    skipped: str = "-"
    cancelled: str = "!"


_GLYPHS = {Drawing.UNICODE: Glyphs(), Drawing.ASCII: Glyphs(done="+", cached="=", failed="x")}


@frozen
class Palette:
    """How one stream is painted."""

    colour: bool = False
    drawing: Drawing = Drawing.UNICODE

    @property
    def glyphs(self) -> Glyphs:
        return _GLYPHS[self.drawing]

    def paint(self, text: str, tone: Tone) -> str:
        """A text in a tone, or as it is without colour."""
        return f"\x1b[{tone.value}m{text}{RESET}" if self.colour else text

    def prefix(self, task: TaskId) -> str:
        """``[project:task] `` in the colour of the task; the blank is never painted."""
        if not self.colour:
            return f"[{task}] "
        red, green, blue = task_colour(task)
        return f"\x1b[1m\x1b[38;2;{red};{green};{blue}m[{task}]{RESET} "


@frozen
class Screen:
    """How both streams are painted.

    ``shared`` says that standard output and standard error are the same terminal.
    """

    stdout: Palette = Palette()
    stderr: Palette = Palette()
    shared: bool = False


def colour_choice(choice: ColorChoice, env: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether a stream is coloured (cli.md 4, Better); ``terminal`` says what the stream is.

    An empty FORCE_COLOR forces, as it does elsewhere; an empty NO_COLOR says nothing.
    """
    if choice is not ColorChoice.AUTO:
        return choice is ColorChoice.ALWAYS
    if env.get("NO_COLOR"):
        return False
    if any(env.get(name, "0") != "0" for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    if env.get("CLICOLOR") == "0" or env.get("TERM") == "dumb":
        return False
    return terminal


def task_colour(task: TaskId) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, from the name alone (execution.md 7.6)."""
    number = _FNV_START
    for byte in str(task).encode():
        number = (number ^ byte) * _FNV_PRIME & _64_BITS
    red, green, blue = colorsys.hls_to_rgb(number % 360 / 360, _LIGHTNESS, _SATURATION)
    return round(red * 255), round(green * 255), round(blue * 255)
