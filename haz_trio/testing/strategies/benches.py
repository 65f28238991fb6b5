"""Globs beside each other, each in a folder of its own that has the files to tell readings apart.

A glob is a row of pieces. Of every piece it is known what it matches and what it nearly matches;
the files of a folder follow from that, and are not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hypothesis import strategies as st

PIECES: dict[str, tuple[str, ...]] = {
    "a": ("a", "A", ""),
    "b.c": ("b.c", "bxc", "b.C"),
    ".h": (".h", "h"),
    "*": ("x", "", ".y", "xy", "z/y", "a", "x\n"),
    "?": ("x", "", "xy", "/", "é", ".", "?"),
    "a?b": ("axb", "a/b", "ab", "axxb", "aéb", "a?b"),
    "a[!b]c": ("axc", "a/c", "abc", "ac"),
    "a[+-9]b": ("a5b", "a/b", "a9b", "a+b", "a:b", "a*b"),
    "??": ("xy", "x", "xyz", "é", "x/y"),
    "*a": ("a", "xa", "ax", "x/a", "aa", "A"),
    "a*": ("a", "ax", "xa", "a/x", "aa", "A"),
    "[ab]": ("a", "b", "c", "", "ab", "A", "[ab]"),
    "[b-d]": ("c", "b", "d", "a", "e", "-", "C", "bd", "/"),
    "[!b-d]": ("a", "e", "b", "c", "d", "-", "!", "x/y", "/", ""),
    "[^a]": ("b", "a", "^", "/", "é"),
    "[!!]": ("a", "!"),
    "[a!]": ("a", "!", "b"),
    "[]a]": ("]", "a", "b", "[]a]"),
    "[!]a]": ("b", "]", "a"),
    "[a-]": ("a", "-", "b", "z"),
    "[-a]": ("a", "-", "b", "z"),
    "[a\\]": ("a", "\\", "b"),
    "[*?]": ("*", "?", "a", ""),
    "[.]h": (".h", "xh"),
    "[+--]": ("+", ",", "-", "a", "."),
    "[0-9A-F]": ("0", "9", "A", "F", "f", "G", ":", "@"),
    "{a,bc}": ("a", "bc", "", "abc", "b", "{a,bc}"),
    "{,x}y": ("xy", "y", ",y"),
    "{b*,c}": ("b", "bx", "c", "b/x", "cx", "d"),
    "{a/b,c}": ("c", "a/b", "a", "b", "a/c"),
    "{?,[xy]z}": ("a", "xz", "az", "/", "yz"),
    "{a}{b,c}": ("ab", "ac", "a", "b", "bc"),
    "{\\,,\\}}": (",", "}", "\\", "a"),
    "{a,b,c}": ("a", "b", "c", "d", "b,c"),
    "\\*": ("*", "x", "\\x", ""),
    "\\?": ("?", "x", "\\"),
    "\\[a]": ("[a]", "a"),
    "\\{a,b\\}": ("{a,b}", "a", "b"),
    "\\a": ("a", "b", "\\a"),
    "\\\\": ("\\", "\\\\", "a"),
    "é": ("é", "e", "É"),
    "!a": ("!a", "b", "a"),
    "(a|b)+": ("(a|b)+", "a", "ab"),
    "a,b": ("a,b", "a", "b"),
    "^$": ("^$", "", "^"),
    "~ ]": ("~ ]", "~]"),
}
CROSSING = ("a?b", "a[!b]c", "a[+-9]b", "[!b-d]")  # these may be read as if they met a slash
FOLDERS = ("", "x/", "x/y/", ".h/", "x\n/", "x")  # what may stand for ``**/``
BELOW = ("x", "x/y", ".h/x/y", "x/\ny", "")  # and for ``**`` at the end
PLAIN: dict[str, tuple[str, ...]] = {"a": PIECES["a"], "b": ("b", "B", "")}


@st.composite
def bench_globs(draw: st.DrawFn) -> str:
    """A glob of up to three segments."""
    segments = [_segment(draw)]
    segments += [_segment(draw) for _ in range(draw(st.sampled_from([0, 0, 1])))]
    if draw(st.booleans()):
        segments.insert(draw(st.integers(0, len(segments))), "**")
    return "/".join(segments)


def _segment(draw: st.DrawFn) -> str:
    pieces = [draw(st.sampled_from([*PIECES, *CROSSING * 2]))]
    if draw(st.integers(0, 2)) == 0:
        pieces.append(draw(st.sampled_from([*PIECES])))
    found = "".join(pieces)
    return found if "**" not in found else pieces[0]


def benches(least: int = 6, most: int = 12) -> st.SearchStrategy[list[str]]:
    """Globs; number N is meant for the folder ``kN``."""
    return st.lists(bench_globs(), min_size=least, max_size=most)


def files_for(glob: str) -> list[str]:
    """Relative paths that a glob matches or nearly matches; none is a folder of another one."""
    options = list(_options(glob))
    base = ["" if not it else it[0] for it in options]
    found: list[str] = []
    for place, texts in enumerate(options):
        below = place == 0 and glob.endswith("/**")
        for one in (texts[0], *texts[2:]) if below else texts:
            parts = [*base[:place], one, *base[place + 1 :]]
            _add("".join(parts), found)
    if glob.endswith("/**") and len(options[0]) > 1:
        _add("".join([options[0][1], *base[1:-1]]).removesuffix("/"), found)
    return found


def _options(glob: str) -> Iterator[tuple[str, ...]]:
    """What may stand for each piece of a glob, the first of them fits."""
    segments = glob_segments(glob)
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "**":
            yield BELOW if last else FOLDERS
            continue
        yield from map(_texts, pieces_of(segment))
        if not last:
            yield ("/", "", "x/", "/x/")


def _texts(piece: str) -> tuple[str, ...]:
    return PIECES.get(piece, (piece,))


def glob_segments(glob: str) -> list[str]:
    """The parts between slashes; one inside of braces belongs to its piece."""
    found, rest = [""], glob
    while rest:
        piece = _piece(rest)
        rest = rest[len(piece) :]
        if piece == "/":
            found.append("")
        else:
            found[-1] += piece
    return found


def pieces_of(segment: str) -> list[str]:
    """The pieces that a segment was put together from, the longest first where that is unclear."""
    found = []
    while segment:
        found.append(_piece(segment))
        segment = segment[len(found[-1]) :]
    return found


def _piece(text: str) -> str:
    fitting = [piece for piece in PIECES if text.startswith(piece)]
    return max(fitting, key=len, default=text[:1])


def _add(path: str, found: list[str]) -> None:
    """Take a path if it can be a file beside the others."""
    segments = path.split("/")
    if any(segment in ("", ".", "..") for segment in segments) or path in found:
        return
    if not any(_inside(path, other) or _inside(other, path) for other in found):
        found.append(path)


def _inside(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")


def placed(globs: Iterable[str]) -> dict[str, tuple[str, list[str]]]:
    """For the folder of each glob: the glob, and the files there."""
    return {f"k{number}": (glob, files_for(glob)) for number, glob in enumerate(globs)}
