"""Diagnostics as text: drawn for people, narrated for readers aloud, JSON for programs (cli.md 8).

Everything goes to standard error; every form ends with a line end.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from haz_trio.errors import Diagnostic, Severity
from haz_trio.output.columns import wrap
from haz_trio.output.machine import to_json
from haz_trio.output.narrated import narrate
from haz_trio.output.palette import Drawing, Palette, Tone
from haz_trio.output.places import message_of, shown_path
from haz_trio.output.snippet import draw_snippet, strokes_for
from haz_trio.values import evolve

MARGIN = 2  # columns at the right that stay free
NARROWEST = 40  # below this, lines are left to the terminal to break
_HEADERS = {Severity.ERROR: "Error: ", Severity.WARNING: "Warning: "}


class Style(enum.Enum):
    """The form of a report: drawn with Unicode or ASCII characters, narrated, or JSON."""

    PRETTY = "pretty"
    ASCII = "ascii"
    NARRATED = "narrated"
    JSON = "json"


def style_for(env: Mapping[str, str], drawing: Drawing) -> Style:
    """The form for people: ``NO_GRAPHICS``, set to anything but ``0``, asks to narrate."""
    if env.get("NO_GRAPHICS", "0") != "0":
        return Style.NARRATED
    return Style.PRETTY if drawing is Drawing.UNICODE else Style.ASCII


def render_diagnostics(
    diagnostics: Sequence[Diagnostic],
    *,
    headline: str = "",
    style: Style = Style.PRETTY,
    width: int = 80,
    colour: bool = False,
    cwd: str = "",
) -> str:
    """All problems, in order; several come below the headline, each behind ``Error:``.

    A single one takes the headline for its sentence, and its own sentence as the cause.
    Paths below ``cwd`` are printed relative to it, others absolute.
    """
    if style is Style.JSON:
        return to_json(diagnostics, cwd=cwd)
    reports = list(diagnostics)
    if headline and len(reports) == 1:
        only = reports[0]
        causes = (message_of(only), *only.causes)
        reports = [evolve(only, message=headline, causes=causes, key_path="")]
    elif headline:
        return _render([Diagnostic(headline)], False, style, width, colour, cwd) + _render(
            reports, True, style, width, colour, cwd
        )
    return _render(reports, False, style, width, colour, cwd)


def render_error(
    headline: str,
    causes: Sequence[str] = (),
    *,
    style: Style = Style.PRETTY,
    width: int = 80,
    colour: bool = False,
) -> str:
    """A problem without a place: targets that name nothing, git that could not answer."""
    diagnostic = Diagnostic(headline, causes=tuple(causes))
    return render_diagnostics([diagnostic], style=style, width=width, colour=colour)


def _render(
    diagnostics: Sequence[Diagnostic],
    headed: bool,
    style: Style,
    width: int,
    colour: bool,
    cwd: str,
) -> str:
    drawing = Drawing.ASCII if style is Style.ASCII else Drawing.UNICODE
    palette = Palette(colour, drawing)
    lines: list[str] = []
    for diagnostic in diagnostics:
        header = _HEADERS[diagnostic.severity] if headed else ""
        if style is Style.NARRATED:
            lines += narrate(diagnostic, header, cwd)
        else:
            lines += _draw(diagnostic, header, max(width - MARGIN, NARROWEST), palette, cwd)
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def _draw(
    diagnostic: Diagnostic, header: str, width: int, palette: Palette, cwd: str
) -> list[str]:
    lines: list[str] = []
    tone = Tone.BAD if diagnostic.severity is Severity.ERROR else Tone.ODD
    if diagnostic.code:
        lines += [header + palette.paint(diagnostic.code, tone), ""]
    elif header:
        lines.append(header)
    lines += _sentences(diagnostic, width, palette, tone)
    if diagnostic.span is not None:
        path = shown_path(diagnostic.span.path, cwd)
        lines += draw_snippet(diagnostic.span, diagnostic.label, path, palette)
    if diagnostic.help:
        hint = palette.paint("  help: ", Tone.HINT)
        lines += _swap(wrap(diagnostic.help, width, "  help: ", " " * 8), "  help: ", hint)
    for related in diagnostic.related:
        lines += _draw_related(related, diagnostic, width, palette, cwd)
    return lines


def _sentences(diagnostic: Diagnostic, width: int, palette: Palette, tone: Tone) -> list[str]:
    """The sentence and its causes, without those that only repeat what stands above them."""
    strokes = strokes_for(palette)
    message = message_of(diagnostic)
    sign, bar = f"  {strokes.cross} ", f"  {strokes.bar} "
    if diagnostic.severity is Severity.WARNING:
        sign, message = f"  {strokes.bang} ", f"warning: {message}"
    lines = _paint_margins(wrap(message, width, sign, bar), sign, bar, palette, tone)
    causes = [c for c in dict.fromkeys(diagnostic.causes) if c != diagnostic.message]
    for number, cause in enumerate(causes, start=1):
        final = number == len(causes)
        sign = "  " + (strokes.last if final else strokes.branch)
        bar = " " * 6 if final else f"  {strokes.bar}   "
        lines += _paint_margins(wrap(cause, width, sign, bar), sign, bar, palette, tone)
    return lines


def _draw_related(
    related: Diagnostic, owner: Diagnostic, width: int, palette: Palette, cwd: str
) -> list[str]:
    """A further place: said only if no cause says it already, drawn only if it is another one."""
    lines = []
    if related.message not in owner.causes:
        note = "  note: "
        lines = wrap(message_of(related), width, note, " " * 8)
        lines = _swap(lines, note, palette.paint(note, Tone.HINT))
    if related.span is not None and related.span != owner.span:
        path = shown_path(related.span.path, cwd)
        lines += draw_snippet(related.span, related.label, path, palette)
    if related.help:
        lines += wrap(related.help, width, "  help: ", " " * 8)
    return lines


def _paint_margins(
    lines: list[str], first: str, later: str, palette: Palette, tone: Tone
) -> list[str]:
    painted = _swap(lines[:1], first, palette.paint(first, tone))
    stroke = palette.paint(later, tone) if later.strip() else later
    return painted + [_swap([line], later, stroke)[0] for line in lines[1:]]


def _swap(lines: list[str], margin: str, painted: str) -> list[str]:
    """Lines whose first one has its margin painted; wrapping counts columns, so this is last."""
    if lines and lines[0].startswith(margin):
        return [painted + lines[0][len(margin) :], *lines[1:]]
    return lines
