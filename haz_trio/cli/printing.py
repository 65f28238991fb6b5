"""What commands print themselves: results on stdout, diagnostics and remarks on stderr."""

from __future__ import annotations

import os
from collections.abc import Sequence

import attrs

from haz_trio.cli.options import Diagnostics, RootOptions
from haz_trio.errors import ChangesetError, ConfigError, Diagnostic, HazError, SelectionError
from haz_trio.output.diagnostics import Style, render_diagnostics, render_error, style_for
from haz_trio.output.machine import note_as_json
from haz_trio.output.palette import Palette
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
        """A remark that changes no exit code; ``-q`` wants none."""
        if self._options.quiet:
            return
        machine = self._options.diagnostics is Diagnostics.JSON
        self._err(note_as_json(text) if machine else f"haz: {text}\n")

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Warnings, each with its place; ``-q`` wants none."""
        if diagnostics and not self._options.quiet:
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
            style=self._style(palette),
            width=terminal_width(),
            colour=palette.colour,
            cwd=_current_directory(),
        )
        self._err(text)

    def _explain(self, headline: str, causes: Sequence[str]) -> None:
        palette = look_at_stream(self._options.color, os.environ, Target.STDERR)
        self._err(
            render_error(
                headline,
                causes,
                style=self._style(palette),
                width=terminal_width(),
                colour=palette.colour,
            )
        )

    def _style(self, palette: Palette) -> Style:
        match self._options.diagnostics:
            case Diagnostics.JSON:
                return Style.JSON
            case Diagnostics.NARRATED:
                return Style.NARRATED
            case Diagnostics.PRETTY:
                return style_for({}, palette.drawing)
            case None:
                return style_for(os.environ, palette.drawing)

    def _err(self, text: str) -> None:
        write_all(Target.STDERR, text.encode("utf-8", "replace"))


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""
