"""File trees, and patterns that are made from them so that they match some of it."""

from __future__ import annotations

from hypothesis import strategies as st

SEGMENTS = ("a", "b", "ab", "a.c", "b.c", ".h", "é", "a-b", "[x]", "A", "{y}", "z!", "b c")
ODD_GLOBS = ("[!b]*", "[^.]*", "[a-c]*", "?", "*.c", "[]a]*", "a?*", "*?.c")
BAD_PATTERNS = (
    *("", "/", "//a", "a//b", "a/", "/a/", ".", "./a", "..", "a/../b", "a/.", "a\tb", "a\u200bb"),
    *("a**", "**.c", "***", "a/**b", "{**,b}", "[**]x", "*/..", "*/.", "*/", "a/*/", "*//b"),
    *("[a", "{a", "a\\", "[b-a]", "{a,{b,c}}", "*}"),
)


def paths(most: int = 3) -> st.SearchStrategy[str]:
    """Relative paths of files."""
    return st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=most).map("/".join)


@st.composite
def trees(draw: st.DrawFn, most: int = 6) -> list[str]:
    """Files of one folder; none stands where another one needs a folder."""
    found: list[str] = []
    for path in draw(st.lists(paths(), max_size=most, unique=True)):
        if not any(
            f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")
            for other in found
        ):
            found.append(path)
    return found


@st.composite
def segment_globs(draw: st.DrawFn, segment: str) -> str:
    """A pattern of one segment that has something to do with a name."""
    way = draw(st.integers(0, 9))
    first, rest, last = segment[:1], segment[1:], segment[-1:]
    plain = _escape(segment)
    if way == 0:
        return plain
    if way == 1:
        return "*"
    if way == 2:
        return "?" * len(segment.encode())
    if way == 3:
        return _escape(first) + "*"
    if way == 4:
        return "*" + _escape(last)
    if way == 5:
        return f"[{first if first not in '[]!^' else 'a'}b]" + _escape(rest)
    if way == 6:
        return f"{{{draw(st.sampled_from(['', 'b', 'q,*.c', 'a/b']))},{plain}}}"
    if way == 7:
        return draw(st.sampled_from(ODD_GLOBS))
    if way == 8:
        return f"{_escape(first)}{{{_escape(rest)},x}}"
    return "**"


@st.composite
def globs(draw: st.DrawFn, path: str) -> str:
    """A glob made from a path; it need not match it."""
    parts = [draw(segment_globs(part)) for part in path.split("/")]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), "**")
    if len(parts) > 1 and draw(st.integers(0, 3)) == 0:
        del parts[draw(st.integers(0, len(parts) - 1))]
    return "/".join(parts)


def bad_patterns() -> st.SearchStrategy[str]:
    return st.sampled_from(BAD_PATTERNS)


def _escape(text: str) -> str:
    return "".join(
        f"\\{character}" if character in "*?[]{}\\," else character for character in text
    )
