"""A task with a small result of every kind: a file, a program in a folder, a link."""

from __future__ import annotations

from tests.cache.store_support import Bench, remove, subject, write

WHAT = subject("out.o", "dist/**")


def build(bench: Bench) -> None:
    write(bench.lib / "out.o", b"object")
    write(bench.lib / "dist/x", b"x", 0o755)
    remove(bench.lib / "dist/link")
    (bench.lib / "dist/link").symlink_to("x")
