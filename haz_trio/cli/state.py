"""What one command line shares between its parser, its command and its error report."""

from __future__ import annotations

TYPE_CHECKING = False  # typing and attrs are not imported here: some answers need neither
if TYPE_CHECKING:
    from collections.abc import Callable

    from haz_trio.cli.lane_types import Keywords
    from haz_trio.cli.options import RootOptions


def perform(body: str, state: State, keywords: Keywords) -> int:
    """Call a body, given as ``module:function``; its module is imported only now."""
    module, _, name = body.partition(":")
    function: Callable[..., int] = getattr(__import__(module, fromlist=(name,)), name)
    return function(state, **keywords)


class State:
    """The options before the command, as soon as they are known, and who makes the calls."""

    def __init__(self, perform: Callable[[str, State, Keywords], int] = perform) -> None:
        self._perform = perform
        self._options: RootOptions | None = None

    def call(self, body: str, keywords: Keywords) -> int:
        """Make a call that a command line stands for; the exit code."""
        return self._perform(body, self, keywords)

    @property
    def options(self) -> RootOptions:
        """What was said before the command; the defaults until something is known."""
        if self._options is None:
            # Imported here: some answers need no options, and no library either.
            from haz_trio.cli.options import RootOptions

            self._options = RootOptions()
        return self._options

    @options.setter
    def options(self, options: RootOptions) -> None:
        self._options = options
