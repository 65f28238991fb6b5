"""What commands print themselves: results on stdout, diagnostics and remarks on stderr."""

from __future__ import annotations

import os
from collections.abc import Sequence

import attrs

from haz_trio.cli.options import RootOptions
from haz_trio.errors import ChangesetError, ConfigError, Diagnostic, HazError, SelectionError
from haz_trio.output.diagnostics import render_diagnostics, render_error, style_for
from haz_trio.output.streams import WriteFailed, write_all
from haz_trio.output.terminal import look_at_stream, terminal_width
from haz_trio.output.writes import Target
from haz_trio.plan.outcome import EXIT_CONFIGURATION, EXIT_SUCCESS


@attrs.frozen
class Printer:
    """Writes for one command line; nothing here raises."""

    _options: RootOptions

    def out(self, text: str) -> int:
        """Print a result; the exit code is 2 when it could not be written (cli.md 5).

        A reader that has gone is no error of ours.
        """
        result = write_all(Target.STDOUT, text.encode("utf-8", "surrogateescape"))
        if isinstance(result, WriteFailed):
            self.error(HazError(f"cannot write to standard output: {result.reason}"))
            return EXIT_CONFIGURATION
        return EXIT_SUCCESS

    def say(self, text: str) -> None:
        """A remark that changes no exit code."""
        self._err(f"haz: {text}\n")

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Warnings, each with its place."""
        if diagnostics:
            self._diagnose(diagnostics)

    def error(self, problem: HazError) -> None:
        """Everything that an error says."""
        match problem:
            case ConfigError():
                self._diagnose(problem.diagnostics, problem.headline)
            case SelectionError():
                self._explain("target resolution failed", problem.problems)
            case ChangesetError():
                self._explain("git-changeset enumeration failed", (str(problem),))
            case _:
                self._explain(str(problem), ())

    def _diagnose(self, diagnostics: Sequence[Diagnostic], headline: str = "") -> None:
        palette = look_at_stream(self._options.color, os.environ, Target.STDERR)
        text = render_diagnostics(
            diagnostics,
            headline=headline,
            style=style_for(os.environ, palette.drawing),
            width=terminal_width(),
            colour=palette.colour,
            cwd=_current_directory(),
        )
        self._err(text)

    def _explain(self, headline: str, causes: Sequence[str]) -> None:
        palette = look_at_stream(self._options.color, os.environ, Target.STDERR)
        style = style_for(os.environ, palette.drawing)
        self._err(
            render_error(
                headline, causes, style=style, width=terminal_width(), colour=palette.colour
            )
        )

    def _err(self, text: str) -> None:
        write_all(Target.STDERR, text.encode("utf-8", "replace"))


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""
