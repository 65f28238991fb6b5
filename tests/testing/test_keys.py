"""What differs between two keys of the reference."""

from __future__ import annotations

import attrs

from haz_trio.testing.reference.keys import Key, differences

KEY = Key(
    "blake3",
    "/p",
    "sh x",
    frozenset({"/p/o"}),
    (("/p/a", b"1"), ("/p/b", b"1")),
    ((("p", "t"), (b"out", b"err")),),
    (("V", None),),
    (("W", "1"),),
)


def test_each_part_is_named() -> None:
    """Added, removed and changed; a variable also by where it comes from."""
    now = Key(
        "blake3",
        "/p",
        "sh y",
        frozenset({"/p/o", "/p/n"}),
        (("/p/b", b"2"), ("/p/c", b"1")),
        ((("p", "t"), (b"out", b"other")), (("q", "t"), (b"", b""))),
        (("W", "1"),),
        (),
    )
    assert sorted(differences(KEY, now)) == [
        ("action", "", ""),
        ("deps", "p:t", "stderr changed"),
        ("deps", "q:t", "added"),
        ("env", "V", "removed"),
        ("env", "W", "changed"),
        ("inputs", "/p/a", "removed"),
        ("inputs", "/p/b", "changed"),
        ("inputs", "/p/c", "added"),
        ("outputs", "/p/n", "added"),
    ]
    assert differences(KEY, KEY) == set()


def test_digests_of_two_functions_are_not_compared() -> None:
    """Then only what is new or gone is named."""
    now = attrs.evolve(KEY, hash="sha256", inputs=(("/p/a", b"2"),))
    assert sorted(differences(KEY, now)) == [
        ("cache.hash", "blake3", "sha256"),
        ("inputs", "/p/b", "removed"),
    ]
