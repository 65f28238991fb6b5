"""From the words of a completion script to the answer."""

from __future__ import annotations

from haz_trio.cli.suggest import suggest as candidates
from haz_trio.output.descriptors import put

TYPE_CHECKING = False  # in place of typing's, which is not imported here
if TYPE_CHECKING:
    from haz_trio.cli.state import State


def suggest(state: State, *, words: list[str]) -> int:
    """Print what can stand for the last word, which begins with ``=``; raises ``OSError``."""
    *before, current = words
    found = candidates(before, current.removeprefix("="))
    put("".join(f"{word}\t{about}\n" for word, about in found))
    return 0
