"""From words to an exit code: the one place where errors become text on stderr."""

from __future__ import annotations

import os
import sys
import textwrap
import traceback
from collections.abc import Sequence
from contextlib import suppress

import typer

from haz_trio import __version__
from haz_trio.cli.app import make_app
from haz_trio.cli.options import is_on
from haz_trio.cli.state import State
from haz_trio.cli.strict import bad_value
from haz_trio.errors import HazError, UsageError
from haz_trio.output.streams import reserve_standard_streams
from haz_trio.plan.outcome import EXIT_CONFIGURATION, EXIT_SUCCESS

# What Typer's parser raises comes from click, or from Typer's own copy of it: the ancestor that
# both have in common is found behind the one name that Typer exports.
_ParserError: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


def run_command_line(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; everything said has been written."""
    reserve_standard_streams()
    state = State()
    try:
        _check_encoding(argv)
        app = make_app(argv[0] if argv else "")
        result = app(args=list(argv), prog_name="haz", standalone_mode=False, obj=state)
        return result if isinstance(result, int) else EXIT_SUCCESS
    except UsageError as problem:
        return _usage_error(str(problem))
    except HazError as problem:
        # Imported here: a command line without errors renders none.
        from haz_trio.cli.printing import Printer

        Printer(state.options).error(problem)
        return EXIT_CONFIGURATION
    except _ParserError as problem:
        return _usage_error(getattr(problem, "message", str(problem)))
    except SystemExit:
        # What the parser makes of a closed pipe, while it prints help or the version.
        return _lost_stdout(BrokenPipeError())
    except OSError as problem:
        # Help or version to a full disk: nothing more can be said there.
        return _lost_stdout(problem)
    except Exception:  # a fault of ours, whatever it is, ends in a report and not in silence
        return _internal_error()


def _check_encoding(argv: Sequence[str]) -> None:
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(word).decode("utf-8", "replace")
            raise bad_value(shown, f"{shown} is not valid UTF-8") from None


def _usage_error(text: str) -> int:
    line = textwrap.fill(f"Error: {text}", 100, break_long_words=False, break_on_hyphens=False)
    _say(line + "\n")
    return EXIT_CONFIGURATION


def _lost_stdout(problem: OSError) -> int:
    """A reader that has gone is no error; anything else is (decisions.md 9)."""
    # The interpreter would try to flush what could not be written, and complain.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    if isinstance(problem, BrokenPipeError):
        return EXIT_SUCCESS
    _say(f"Error: cannot write to standard output: {problem.strerror}\n")
    return EXIT_CONFIGURATION


def _internal_error() -> int:
    """A bug: exit code 2 and all that is needed to report it (execution.md 9).

    The traceback is for those who set ``HAZ_DEBUG``.
    """
    told = traceback.TracebackException(*sys.exc_info())
    if is_on("HAZ_DEBUG"):
        _say("".join(told.format()) + "\n")
    while told.exceptions:  # what nurseries wrap around the fault says nothing about it
        told = told.exceptions[0]
    frame = told.stack[-1] if told.stack else None
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}" if frame else "an unknown place"
    what = "".join(told.format_exception_only()).strip()
    _say(
        f"Error: haz {__version__} has a fault, at {where}: {what}\n"
        f"  help: please report this line, the command line, and what HAZ_DEBUG=1 adds to it; "
        f"Python {sys.version.split()[0]} on {sys.platform}\n"
    )
    return EXIT_CONFIGURATION


def _say(text: str) -> None:
    with suppress(OSError):  # there may be nobody left to tell
        os.write(2, text.encode("utf-8", "replace"))
