"""Answers that are known beforehand: the version and the completion scripts.

They need no class and no library, and so they are printed without any (cli.md 14.5).
"""

from __future__ import annotations

from haz_trio import __version__
from haz_trio.output.descriptors import put

TYPE_CHECKING = False  # in place of typing's, which is not imported here
if TYPE_CHECKING:
    from haz_trio.cli.state import State


def version(state: State) -> int:
    """Print the version; raises ``OSError`` when it cannot be written."""
    put(f"Version: {__version__}\n")
    return 0


def completions(state: State, *, shell: str) -> int:
    """Print the script of a shell; raises ``UsageError`` for an unknown one, and ``OSError``."""
    from haz_trio.cli.completions import SCRIPTS

    if shell not in SCRIPTS:
        # Imported here: a mistake is rare, and what tells it takes longer than the script.
        from haz_trio.cli.mistakes import bad_value, expected

        raise bad_value(shell, f"unknown shell `{shell}` ({expected(SCRIPTS)})")
    put(SCRIPTS[shell])
    return 0
