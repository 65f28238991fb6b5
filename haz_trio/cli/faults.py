"""How a command line that cannot be carried out ends: text on stderr, and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from haz_trio import __version__
from haz_trio.cli.lane_table import ROOT
from haz_trio.cli.options import Diagnostics, is_on
from haz_trio.cli.scarcity import shortage
from haz_trio.cli.state import State
from haz_trio.errors import Diagnostic, HazError, UsageError
from haz_trio.plan.exit_codes import EXIT_CONFIGURATION, EXIT_SUCCESS


def report(problem: BaseException, state: State, argv: Sequence[str]) -> int:
    """Say what went wrong with a command line, whatever it is; the exit code."""
    if (scarce := shortage(problem)) is not None:
        return report_shortage(scarce, argv)
    match problem:
        case UsageError():
            return _usage_error(argv, str(problem))
        case HazError():
            # Imported here: bad arguments are told without what draws places in files.
            from haz_trio.cli.printing import Printer

            Printer(state.options).error(problem)
            return EXIT_CONFIGURATION
        case OSError():
            # Help or version to a full disk: nothing more can be said there.
            return _lost_stdout(argv, problem)
        case _ if _is_of_the_parser(problem):
            return _usage_error(argv, getattr(problem, "message", str(problem)))
        case _:
            return _internal_error(argv, problem)


def report_shortage(
    scarce: tuple[str, str], argv: Sequence[str], code: int = EXIT_CONFIGURATION
) -> int:
    """Say what haz ran out of, and the way out; the exit code."""
    what, help = scarce
    text = f"haz cannot go on: {what}"
    return _complain(argv, f"Error: {text}; {help}", Diagnostic(text, help=help), code)


def _is_of_the_parser(problem: BaseException) -> bool:
    """Whether Typer's parser raised it: by way of click, or of Typer's own copy of it."""
    return any(kind.__name__ == "ClickException" for kind in type(problem).__mro__)


def wants_json(argv: Sequence[str]) -> bool:
    """Whether ``--diagnostics json`` stands before the command, however wrong the line is."""
    flags, _ = ROOT
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if not name.startswith("-"):
            break
        if name in flags and flags[name][1] != "switch" and not equals:
            value = next(words, "")
        if (name, value) == ("--diagnostics", Diagnostics.JSON.value):
            return True
    return False


def _usage_error(argv: Sequence[str], text: str) -> int:
    import textwrap  # here and below: a line without errors needs neither

    line = textwrap.fill(f"Error: {text}", 100, break_long_words=False, break_on_hyphens=False)
    return _complain(argv, line, Diagnostic(text))


def _lost_stdout(argv: Sequence[str], problem: OSError) -> int:
    """A reader that has gone is no error; anything else is (decisions.md 9)."""
    # The interpreter would try to flush what could not be written, and complain.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    if isinstance(problem, BrokenPipeError):
        return EXIT_SUCCESS
    text = f"cannot write to standard output: {problem.strerror}"
    return _complain(argv, f"Error: {text}", Diagnostic(text))


def _internal_error(argv: Sequence[str], problem: BaseException) -> int:
    """A bug: exit code 2 and all that is needed to report it (execution.md 9).

    The traceback is for those who set ``HAZ_DEBUG``.
    """
    import traceback

    told = traceback.TracebackException.from_exception(problem)
    if is_on("HAZ_DEBUG"):
        _say("".join(told.format()) + "\n")
    while told.exceptions:  # what nurseries wrap around the fault says nothing about it
        told = told.exceptions[0]
    frame = told.stack[-1] if told.stack else None
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}" if frame else "an unknown place"
    what = "".join(told.format_exception_only()).strip()
    text = f"haz {__version__} has a fault, at {where}: {what}"
    help = (
        "please report this line, the command line, and what HAZ_DEBUG=1 adds to it; "
        f"Python {sys.version.split()[0]} on {sys.platform}"
    )
    return _complain(argv, f"Error: {text}\n  help: {help}", Diagnostic(text, help=help))


def _complain(
    argv: Sequence[str], text: str, diagnostic: Diagnostic, code: int = EXIT_CONFIGURATION
) -> int:
    """Say a problem in words, or as an object where the command line asks for JSON."""
    if wants_json(argv):
        # Imported here: hardly any line asks for it.
        from haz_trio.output.machine import to_json

        _say(to_json([diagnostic], cwd=""))
    else:
        _say(f"{text}\n")
    return code


def _say(text: str) -> None:
    with suppress(OSError):  # there may be nobody left to tell
        os.write(2, text.encode("utf-8", "replace"))
