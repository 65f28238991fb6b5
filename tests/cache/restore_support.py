"""A result with every kind of thing, and states from which a hit has to get back to it."""

from __future__ import annotations

from haz_trio.abc import Stored
from tests.cache.store_support import OTHER_KEY, Bench, remove, subject, write

WHAT = subject("dist/**", "out.o", "/shared/x")


def build(bench: Bench) -> None:
    """A result with every kind of thing: modes, links, empty files and folders."""
    lib = bench.lib
    remove(lib / "dist")
    write(lib / "out.o", b"object", 0o755)
    write(bench.root / "shared/x", b"shared")
    write(lib / "dist/a/one", b"1" * 3000, 0o600)
    write(lib / "dist/a/two", b"", 0o444)
    write(lib / "dist/b/three", b"3")
    (lib / "dist/empty").mkdir(parents=True, mode=0o750)
    (lib / "dist/a").chmod(0o711)
    (lib / "dist/latest").symlink_to("a")
    (lib / "dist/alias").symlink_to("a/one")
    (lib / "dist/dangling").symlink_to("nowhere/near")
    (lib / "dist/self").symlink_to("self")


def built(bench: Bench) -> dict[str, tuple[str, int, bytes]]:
    assert bench.fresh(WHAT, lambda: build(bench))[1] == Stored()
    return bench.tree(".")


def without_cache(found: dict[str, tuple[str, int, bytes]]) -> dict[str, tuple[str, int, bytes]]:
    return {name: what for name, what in found.items() if not name.startswith(".haz")}


def spoil(bench: Bench) -> None:
    """A state in which a restore has to do a change of every kind."""
    dist = bench.lib / "dist"
    remove(dist / "a")
    (dist / "a").symlink_to("b")
    remove(dist / "b/three")
    (dist / "b/three").mkdir()
    (dist / "empty").chmod(0o700)
    write(bench.lib / "out.o", b"edited")
    remove(dist / "latest")
    write(dist / "latest", b"no link")
    remove(bench.root / "shared")


def with_leavings(bench: Bench) -> None:
    """Two results of one task; the files of the later one are there, and ours."""
    bench.fresh(WHAT, lambda: build(bench))

    def more() -> None:
        write(bench.lib / "dist/old/file", b"old")
        write(bench.lib / "dist/more", b"more")

    bench.fresh(WHAT, more, key=OTHER_KEY)
