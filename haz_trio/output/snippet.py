"""A place in a file, drawn: the line with its neighbours, the span underlined, a caption."""

from __future__ import annotations

from haz_trio.errors import Span
from haz_trio.output.columns import cells, display_width
from haz_trio.output.palette import Drawing, Palette, Tone
from haz_trio.output.text import escape
from haz_trio.values import frozen

WINDOW = 200  # columns of a source line that are shown at most
_REACH = 2 * WINDOW  # characters on each side of a place that are looked at


@frozen
class Strokes:
    """The characters that diagnostics are drawn with."""

    cross: str = "×"
    bang: str = "!"
    bar: str = "│"
    branch: str = "├─▶ "
    last: str = "╰─▶ "
    corner: str = "╭─"
    dots: str = "·"
    end: str = "╰────"
    line: str = "─"
    tee: str = "┬"
    point: str = "▲"
    hook: str = "╰── "
    more: str = "…"


_STROKES = {
    Drawing.UNICODE: Strokes(),
    Drawing.ASCII: Strokes(
        cross="x",
        bar="|",
        branch="|-> ",
        last="`-> ",
        corner=",-",
        dots=":",
        end="`----",
        line="^",
        tee="|",
        point="^",
        hook="`-- ",
        more="...",
    ),
}


def strokes_for(palette: Palette) -> Strokes:
    """The characters that a stream can show."""
    return _STROKES[palette.drawing]


@frozen
class Marked:
    """A source line as it is shown, and the columns of the place in it, counted from 0."""

    text: str
    start: int
    end: int


def draw_snippet(span: Span, label: str, path: str, palette: Palette) -> list[str]:
    """The lines of a snippet; ``path`` is what to print for the file."""
    strokes = strokes_for(palette)
    numbers = shown_lines(span)
    width = len(str(numbers[-1]))
    margin = " " * (width + 2)
    place = palette.paint(f"{escape(path)}:{span.line}:{span.column}", Tone.PLACE)
    lines = [f"{margin}{strokes.corner}[{place}]"]
    for number in numbers:
        here = number == span.line
        marked = mark(span, strokes.more) if here else None
        text = marked.text if marked else _head(source_line(span, number), strokes.more)
        shown = palette.paint(f"{number:>{width}}", Tone.DIM)
        lines.append(f" {shown} {strokes.bar} {text}".rstrip())
        if marked:
            gutter = f"{margin}{strokes.dots} "
            lines += [gutter + line for line in _underline(marked, label, strokes, palette)]
    return [*lines, f"{margin}{strokes.end}"]


def shown_lines(span: Span) -> range:
    """The numbers of the lines to show: the first one of the span, and one on each side."""
    last = min(span.line + 1, max(len(span.source.lines), span.line))
    return range(max(span.line - 1, 1), last + 1)


def source_line(span: Span, number: int) -> str:
    """A line of the file; one behind its end is empty."""
    lines = span.source.lines
    return lines[number - 1] if number <= len(lines) else ""


def mark(span: Span, more: str) -> Marked:
    """The line of a span, cut to a window around the place when it is too long to show."""
    line = source_line(span, span.line)
    begin = max(span.column - 1 - _REACH, 0)
    shown = _piece(line, begin, begin + 2 * _REACH, more)
    first = span.column - 1 - begin
    last = (span.end_column - 1 if span.end_line == span.line else len(line)) - begin
    skipped = 0
    if begin or display_width("".join(shown)) > WINDOW:
        while skipped < first and display_width("".join(shown[skipped:first])) > WINDOW // 2:
            skipped = first - WINDOW // 2 if first - skipped > WINDOW // 2 else skipped + 1
    front = more if begin or skipped else ""
    visible = shown[skipped:]
    start = display_width(front + "".join(visible[: first - skipped]))
    end = display_width(front + "".join(visible[: max(last, first) - skipped]))
    text = _shorten([front, *visible], more)
    return Marked(text, start, min(end, max(display_width(text), start)))


def _head(line: str, more: str) -> str:
    """The beginning of a line, or all of it."""
    return _shorten(_piece(line, 0, _REACH, more), more)


def _piece(line: str, begin: int, end: int, more: str) -> list[str]:
    """The cells of a part of a line: what is far away costs nothing."""
    shown = cells(line[begin:end])
    return [*shown, more] if end < len(line) else shown


def _shorten(shown: list[str], more: str) -> str:
    whole = "".join(shown)
    if display_width(whole) <= WINDOW:
        return whole
    kept = 0
    used = display_width(more)
    while used + display_width(shown[kept]) <= WINDOW:
        used += display_width(shown[kept])
        kept += 1
    return "".join(shown[:kept]) + more


def _underline(marked: Marked, label: str, strokes: Strokes, palette: Palette) -> list[str]:
    size = marked.end - marked.start
    middle = size // 2
    if size == 0:
        line = strokes.point
    elif label:
        line = strokes.line * middle + strokes.tee + strokes.line * (size - middle - 1)
    else:
        line = strokes.line * size
    lines = [" " * marked.start + palette.paint(line, Tone.MARK)]
    if label:
        caption = palette.paint(strokes.hook + escape(label), Tone.MARK)
        lines.append(" " * (marked.start + middle) + caption)
    return lines
