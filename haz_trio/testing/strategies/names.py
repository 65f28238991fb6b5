"""Names: good ones from a small alphabet, so that they meet, and bad ones."""

from __future__ import annotations

from hypothesis import strategies as st

PROJECTS = ("a", "b", "a-x", "c")
TAGS = ("t", "u", "v")
TASKS = ("x", "y", "z", "default", "x-1", "w")
MUTEXES = ("db", "m")


def names() -> st.SearchStrategy[str]:
    """Any legal name (ID-001 to ID-003)."""
    return st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)


def bad_names() -> st.SearchStrategy[str]:
    """Texts that break one of the rules of names; legal YAML scalars all the same."""
    return st.one_of(
        st.sampled_from(
            ["", "-a", "_a", ".a", "a b", "a.b", "a:b", "a/b", "é", "a\n", "~a", "a" * 65]
        ),
        st.builds(
            "{}{}".format,
            st.from_regex(r"[A-Za-z0-9]{1,4}", fullmatch=True),
            st.sampled_from([" ", ".", ":", "/", "é", "\t", "!", "@", "+"]),
        ),
    )


def subsets(of: tuple[str, ...], most: int = 3, least: int = 0) -> st.SearchStrategy[list[str]]:
    """Some of these, each at most once, in any order."""
    return st.lists(st.sampled_from(of), unique=True, min_size=least, max_size=most)
