"""What is known of files and tasks: kept, found again, and dropped when it is no longer so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cache.known_support import Shelf, proof


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A folder with three files and two proofs that share one of them."""
    shelf = Shelf(tmp_path)
    for name in ("f", "a", "b"):
        (tmp_path / name).write_text(name)
    shelf.write("f", "a", "b", proofs={"p:a": proof("a", "f"), "p:b": proof("b", "f")})
    assert shelf.holds("p:a")
    assert shelf.holds("p:b")
    return shelf


def test_a_row_that_is_renewed_takes_the_proofs_that_rest_on_the_old_one(shelf: Shelf) -> None:
    """Another task has seen the new file; that says nothing of this one, which saw the old."""
    (shelf.root / "f").write_text("new")
    assert not shelf.holds("p:a")
    shelf.write("f", "b", proofs={"p:b": proof("b", "f")})
    assert shelf.holds("p:b")
    assert not shelf.holds("p:a")
