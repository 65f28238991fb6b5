"""Errors, warnings and remarks as text, in the form that the options or the terminal want."""

from __future__ import annotations

import os
from collections.abc import Sequence

from haz_trio.cli.options import Diagnostics, RootOptions
from haz_trio.errors import ChangesetError, ConfigError, Diagnostic, HazError, SelectionError
from haz_trio.output.diagnostics import Style, render_diagnostics, render_error, style_for
from haz_trio.output.palette import Palette
from haz_trio.output.terminal import look_at_stream, terminal_width
from haz_trio.output.writes import Target


def error_text(problem: HazError, options: RootOptions) -> str:
    """Everything that an error says."""
    match problem:
        case ConfigError():
            return diagnostics_text(problem.diagnostics, options, problem.headline)
        case SelectionError():
            return _explain("target resolution failed", problem.problems, options)
        case ChangesetError():
            return _explain("git-changeset enumeration failed", (str(problem),), options)
        case _:
            return _explain(str(problem), (), options)


def diagnostics_text(
    diagnostics: Sequence[Diagnostic], options: RootOptions, headline: str = ""
) -> str:
    """Problems or warnings, each with its place."""
    palette = look_at_stream(options.color, os.environ, Target.STDERR)
    return render_diagnostics(
        diagnostics,
        headline=headline,
        style=_style(options, palette),
        width=terminal_width(),
        colour=palette.colour,
        cwd=_current_directory(),
    )


def _explain(headline: str, causes: Sequence[str], options: RootOptions) -> str:
    palette = look_at_stream(options.color, os.environ, Target.STDERR)
    return render_error(
        headline,
        causes,
        style=_style(options, palette),
        width=terminal_width(),
        colour=palette.colour,
    )


def _style(options: RootOptions, palette: Palette) -> Style:
    match options.diagnostics:
        case Diagnostics.JSON:
            return Style.JSON
        case Diagnostics.NARRATED:
            return Style.NARRATED
        case Diagnostics.PRETTY:
            return style_for({}, palette.drawing)
        case None:
            return style_for(os.environ, palette.drawing)


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""
