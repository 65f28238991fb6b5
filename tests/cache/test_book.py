"""The names of a file that is to be written, with the rows that are known of them now."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from haz_trio.cache.book import Book
from haz_trio.cache.known import NOTHING, ROW_SIZE
from haz_trio.trust import ROW
from tests.cache.known_support import Shelf

NAMES = st.sampled_from([b"%d" % number for number in range(6)])


@given(st.lists(st.tuples(NAMES, st.none() | st.integers(1, 3))))
def test_a_new_book_has_the_last_row_of_each_name(steps: list[tuple[bytes, int | None]]) -> None:
    """Or nothing, of names that only have a number."""
    book, wanted = Book(None), dict[bytes, bytes | None]()
    for name, size in steps:
        if size is None:
            book.number(name)
            wanted.setdefault(name, None)
        else:
            wanted[name] = ROW.pack(0, 0, size, 0, 0, 0) + b"d" * 32
            book.put(name, wanted[name] + b"more")  # type: ignore[operator]  # not None
    rows = b"".join(book.rows())
    assert book.names == list(wanted)
    for number, (name, row) in enumerate(wanted.items()):
        assert book.number(name) == number
        assert rows[number * ROW_SIZE : (number + 1) * ROW_SIZE] == (row or NOTHING)
        assert book.get(name) == (row + b"more" if row else None)
    assert dict(book.told()) == {name: row + b"more" for name, row in wanted.items() if row}
    assert book.get(b"unheard of") is None
    assert not book.changed


def test_an_old_book_knows_what_has_changed(tmp_path: Path) -> None:
    """A name keeps its number; the same row again is no change, another digest neither."""
    shelf = Shelf(tmp_path)
    for name in "abc":
        (tmp_path / name).touch()
    old = shelf.write("a", "b", "c")
    book = Book(old)
    numbers = [book.number(name) for name in (b"a", b"b", b"c", b"d")]
    assert numbers == [0, 1, 2, 3]
    assert book.get(b"a") is None
    book.put(b"a", old.packed(0)[: ROW.size] + b"n" * 32)
    book.put(b"b", ROW.pack(1, 2, 3, 4, 5, 6) + b"n" * 32)
    assert book.changed == {1}
    assert list(book.fresh()) == [0, 1]
    rows = b"".join(book.rows())
    assert rows[:ROW_SIZE] == old.packed(0)[: ROW.size] + b"n" * 32
    assert rows[2 * ROW_SIZE :] == old.packed(2) + NOTHING
