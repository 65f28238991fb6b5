"""What the store keeps, finds again and refuses (CACHE-010..023, cache.md B3)."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from haz_trio.abc import Found, Miss, NotStored, Restored, Stored
from haz_trio.errors import OutputError
from haz_trio.plan.messages import Stream
from tests.cache.store_support import KEY, OTHER_KEY, Bench, remove, subject, text, write


def make_fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def make_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(path))
    return path


def test_a_stored_result_comes_back(bench: Bench) -> None:
    """Files, streams and digests of a hit are those of the fresh run (B 178)."""
    what = subject("out.o")
    collected, kept = bench.fresh(what, lambda: write(bench.lib / "out.o", b"bytes", 0o755))
    assert kept == Stored()
    assert collected.outputs == collected.written == ("/lib/out.o",)
    before = bench.tree()
    remove(bench.lib / "out.o")
    restored = bench.hit(what)
    assert isinstance(restored, Restored)
    assert bench.tree() == before
    assert (restored.stdout, restored.stderr) == (collected.stdout, collected.stderr)
    assert (text(restored, Stream.STDOUT), text(restored, Stream.STDERR)) == (
        b"said\n",
        b"moaned\n",
    )
    assert restored.outputs == ("/lib/out.o",)
    assert bench.litter() == []


def test_the_layout_is_that_of_the_original(bench: Bench) -> None:
    """An entry has the names, members and order of members that scripts know (A3, C5)."""
    bench.fresh(subject("out.o"), lambda: write(bench.lib / "out.o", b"bytes"))
    entry = bench.entry()
    assert sorted(p.name for p in entry.iterdir()) == [
        "manifest.json",
        "outputs",
        "recipe.json",
        "stderr",
        "stdout",
    ]
    raw = (entry / "manifest.json").read_text()
    manifest = json.loads(raw)
    assert raw.startswith('{\n  "chapter_revision": 0,\n  "hash_function": "blake3",\n')
    assert raw.endswith("}\n")
    assert {
        "chapter_revision": 0,
        "hash_function": "blake3",
        "key": KEY,
        "stdout_len": 5,
        "stderr_len": 7,
        "exit_status": 0,
        "created_at_unix": 1000,
        "duration_ms": 250,
        "task": "lib:build",
        "project_root": "/lib",
        "format": "haz-trio/1",
    }.items() <= manifest.items()
    [output] = manifest["outputs"]
    assert (output["workspace_absolute_path"], output["size"], output["mode"]) == (
        "/lib/out.o",
        5,
        0o644,
    )
    blob = entry / "outputs" / output["content_hash"]
    pooled = bench.cache / "blobs" / output["content_hash"]
    assert blob.read_bytes() == b"bytes"
    assert blob.samefile(pooled)
    assert stat.S_IMODE(blob.stat().st_mode) == 0o644
    assert (entry / "stdout").read_bytes() == b"said\n"
    assert (entry / "recipe.json").read_bytes() == b'{"recipe": 1}\n'


def test_streams_come_back_byte_for_byte(bench: Bench) -> None:
    """NUL, invalid UTF-8, no last newline, and far more than fits into memory (B 131)."""
    big = bytes(range(256)) * 12_000
    what = subject()
    bench.fresh(what, lambda: None, stdout=b"a\0\xff no newline", stderr=big)
    restored = bench.hit(what)
    assert isinstance(restored, Restored)
    assert text(restored, Stream.STDOUT) == b"a\0\xff no newline"
    remove(bench.cache)
    pieces = list(restored.chunks(Stream.STDERR))
    assert b"".join(pieces) == big
    assert max(map(len, pieces)) <= 256 << 10
    assert text(restored, Stream.STDERR) == big


def test_streams_without_bytes_share_a_file(bench: Bench) -> None:
    """One file of the pool stands for all of them; whoever spoils it costs one new run each."""
    what = subject("out.o")
    for key in (KEY, OTHER_KEY):
        bench.fresh(what, lambda: write(bench.lib / "out.o"), key=key, stdout=b"", stderr=b"")
    streams = [
        bench.entry(key) / name for key in (KEY, OTHER_KEY) for name in ("stdout", "stderr")
    ]
    assert {path.stat().st_ino for path in streams} == {streams[0].stat().st_ino}
    assert streams[0].stat().st_nlink == 5
    restored = bench.hit(what)
    assert isinstance(restored, Restored)
    assert text(restored, Stream.STDOUT) == text(restored, Stream.STDERR) == b""
    with streams[0].open("ab") as file:
        file.write(b"what nobody printed")
    assert isinstance(bench.hit(what), Miss)
    bench.fresh(what, lambda: write(bench.lib / "out.o"), stdout=b"", stderr=b"")
    assert streams[0].stat().st_size == 0
    restored = bench.hit(what)
    assert isinstance(restored, Restored)
    assert text(restored, Stream.STDOUT) == b""


def test_equal_contents_share_a_blob_and_keep_their_modes(bench: Bench) -> None:
    """One file in the pool for two outputs, each with its own mode (A3, B 302)."""
    what = subject("a", "b")
    bench.fresh(
        what, lambda: (write(bench.lib / "a", b"x", 0o444), write(bench.lib / "b", b"x", 0o755))
    )
    assert len(list((bench.cache / "blobs").iterdir())) == 1
    before = bench.tree()
    remove(bench.lib / "a")
    remove(bench.lib / "b")
    assert isinstance(bench.hit(what), Restored)
    assert bench.tree() == before
    assert not (bench.lib / "a").samefile(bench.lib / "b")


def test_old_matches_belong_to_the_result_but_are_not_written(bench: Bench) -> None:
    """Every existing match is stored; only what the command touched is claimed (decision 10)."""
    what = subject("dist/*")
    write(bench.lib / "dist/old")
    write(bench.lib / "dist/changed", b"1")
    collected, _ = bench.fresh(
        what, lambda: (write(bench.lib / "dist/changed", b"2"), write(bench.lib / "dist/new"))
    )
    assert collected.outputs == ("/lib/dist/changed", "/lib/dist/new", "/lib/dist/old")
    assert collected.written == ("/lib/dist/changed", "/lib/dist/new")


def test_paths_of_other_tasks_stay_out(bench: Bench) -> None:
    """What another task wrote in this run is not stored; a literal of ours like that hinders."""
    globbed = subject("dist/*")
    bench.fresh(
        globbed,
        lambda: (write(bench.lib / "dist/a"), write(bench.lib / "dist/b")),
        foreign=frozenset({"/lib/dist/b"}),
    )
    manifest = json.loads((bench.entry() / "manifest.json").read_text())
    assert [o["workspace_absolute_path"] for o in manifest["outputs"]] == ["/lib/dist/a"]
    _, kept = bench.fresh(
        subject("x"), lambda: write(bench.lib / "x"), foreign=frozenset({"/lib/x"})
    )
    assert isinstance(kept, NotStored)
    assert "/lib/x" in kept.reason


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda lib: None, ["was not made", "correct `outputs`"]),
        (lambda lib: (lib / "out").mkdir(), ["a folder", "`out/**`"]),
        (lambda lib: os.mkfifo(lib / "out"), ["a FIFO"]),
        (lambda lib: (lib / "out").symlink_to("gone"), ["link", "gone"]),
        (lambda lib: (lib / "out").symlink_to("/dev/null"), ["a device"]),
        (
            lambda lib: make_socket(lib / "out"),
            ["a socket"],
        ),
    ],
    ids=["absent", "folder", "fifo", "dangling", "device", "socket"],
)
def test_a_literal_output_has_to_be_a_file(bench: Bench, make, words: list[str]) -> None:  # type: ignore[no-untyped-def]  # a table of lambdas
    """Anything else fails the task, with the output and what is there (B 116, 120, 126)."""
    pending = bench.store().begin(KEY, subject("out"), lambda secret: b"")
    make(bench.lib)
    with pytest.raises(OutputError) as caught:
        pending.collect()
    pending.discard()
    for word in ("/lib/out", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["new\nline", "tab\t", "\x01", "\x7f", "\u200b", "\u202e"])
def test_names_that_cannot_be_recorded_are_not_stored(bench: Bench, name: str) -> None:
    """The task succeeds and one line says why nothing was stored (B 127..129)."""
    collected, kept = bench.fresh(subject("d/*"), lambda: write(bench.lib / "d" / name))
    assert collected.written == (f"/lib/d/{name}",)
    assert isinstance(kept, NotStored)
    assert "cannot be recorded" in kept.reason
    assert not bench.cache.exists()


def test_a_name_that_is_not_utf8_is_not_stored(bench: Bench) -> None:
    """The task succeeds, and says so (B 127)."""
    name = Path(os.fsdecode(os.fsencode(bench.lib / "d") + b"/\xff"))
    _, kept = bench.fresh(subject("d/*"), lambda: write(name))
    assert isinstance(kept, NotStored)
    assert "not UTF-8" in kept.reason


def test_fifos_and_sockets_in_a_glob_are_passed_over(bench: Bench) -> None:
    """They are no outputs, and nothing waits for them (B 125)."""
    what = subject("d/*")
    (bench.lib / "d").mkdir()
    collected, kept = bench.fresh(
        what, lambda: (make_fifo(bench.lib / "d/fifo"), write(bench.lib / "d/x"))
    )
    assert (collected.outputs, kept) == (("/lib/d/x",), Stored())


def test_setuid_bits_are_stripped_with_a_note(bench: Bench) -> None:
    """The cache is no way to spread privileges (B 121)."""
    what = subject("x")
    store = bench.store()
    bench.fresh(what, lambda: write(bench.lib / "x", b"x", 0o6755), store=store)
    assert any("setuid" in note and "/lib/x" in note for note in store.finish())
    remove(bench.lib / "x")
    assert isinstance(bench.hit(what), Restored)
    assert stat.S_IMODE((bench.lib / "x").stat().st_mode) == 0o755


def test_a_wide_glob_does_not_take_the_cache(bench: Bench) -> None:
    """Nothing below ``.haz/cache`` is ever an output (decision 6)."""
    what = subject("/**")
    bench.fresh(what, lambda: write(bench.lib / "x"))
    collected, kept = bench.fresh(what, lambda: None, key=OTHER_KEY)
    assert (collected.outputs, kept) == (("/lib/x",), Stored())


def test_an_output_that_leads_outside_is_not_stored(bench: Bench, tmp_path: Path) -> None:
    """A folder link out of the workspace makes a result that no restore could give (H02)."""
    (tmp_path / "elsewhere").mkdir()
    (bench.lib / "gen").symlink_to(tmp_path / "elsewhere")
    _, kept = bench.fresh(subject("gen/x"), lambda: write(bench.lib / "gen/x"))
    assert isinstance(kept, NotStored)
    assert "outside the workspace" in kept.reason


def test_a_changed_output_is_not_stored(bench: Bench) -> None:
    """A file that changes after it was collected is still being written (C10.2)."""
    pending = bench.store().begin(KEY, subject("x"), lambda secret: b"")
    write(bench.lib / "x", b"1")
    pending.collect()
    write(bench.lib / "x", b"22")
    kept = pending.commit(foreign=frozenset(), duration=0)
    assert isinstance(kept, NotStored)
    assert "still being written" in kept.reason
    assert bench.litter() == []


def test_the_last_of_two_results_wins(bench: Bench) -> None:
    """Another result under the same key replaces the first and is remarked upon (C10.5)."""
    what, store = subject("x"), bench.store()
    bench.fresh(what, lambda: write(bench.lib / "x", b"1"), store=store)
    _, kept = bench.fresh(what, lambda: write(bench.lib / "x", b"2"), store=store)
    assert kept == Stored()
    assert any("not deterministic" in note for note in store.finish())
    remove(bench.lib / "x")
    assert isinstance(bench.hit(what), Restored)
    assert (bench.lib / "x").read_bytes() == b"2"
    assert bench.litter() == []


def test_an_equal_result_leaves_the_entry_alone(bench: Bench) -> None:
    """The second of two equal stores is dropped (C10.5)."""
    what = subject("x")
    bench.fresh(what, lambda: write(bench.lib / "x", b"1"))
    before = (bench.entry() / "manifest.json").stat()
    _, kept = bench.fresh(what, lambda: write(bench.lib / "x", b"1"))
    assert kept == Stored()
    assert (bench.entry() / "manifest.json").stat().st_ino == before.st_ino
    assert bench.litter() == []


def test_a_discarded_result_leaves_nothing(bench: Bench) -> None:
    """Not even what was spooled (B 132)."""
    pending = bench.store().begin(KEY, subject(), lambda secret: b"")
    for _ in range(3):
        pending.write(Stream.STDOUT, b"x" * (1 << 20))
    assert pending.spooling
    assert len(bench.litter()) == 1
    pending.discard()
    assert bench.litter() == []


def test_other_outputs_or_another_project_are_a_miss(bench: Bench) -> None:
    """A manifest must fit the task that asks for it (C6.2)."""
    bench.fresh(subject("x"), lambda: write(bench.lib / "x"))
    assert isinstance(bench.store().look(KEY, subject("x")), Found)
    for other in (subject("y"), subject("x", "y"), subject(), subject("x", root="/app")):
        assert isinstance(bench.store().look(KEY, other), Miss)


def test_a_result_that_is_held_is_stored_as_it_was(bench: Bench) -> None:
    """After ``hold`` the files may change or go: the entry has what the command left."""
    what = subject("a", "b", "dist/**")
    store = bench.store()
    pending = store.begin(KEY, what, lambda secret: b"{}")
    for name in ("a", "b", "dist/c"):
        write(bench.lib / name, b"made")
    collected = pending.collect()
    assert pending.hold()
    before = bench.tree()
    write(bench.lib / "a", b"edited")
    remove(bench.lib / "b")
    assert pending.commit(foreign=frozenset(), duration=1) == Stored()
    assert bench.litter() == []
    remove(bench.lib / "a")
    assert isinstance(bench.hit(what, store=store), Restored)
    assert bench.tree() == before
    assert collected.outputs == ("/lib/a", "/lib/b", "/lib/dist/c")


def test_an_output_that_changes_before_it_is_held_is_not_stored(bench: Bench) -> None:
    """Whoever writes between ``collect`` and ``hold`` is noticed, and the commit says so."""
    store = bench.store()
    pending = store.begin(KEY, subject("a"), lambda secret: b"{}")
    write(bench.lib / "a", b"made")
    pending.collect()
    write(bench.lib / "a", b"more than that")
    assert pending.hold()
    kept = pending.commit(foreign=frozenset(), duration=1)
    assert isinstance(kept, NotStored)
    assert "still being written" in kept.reason


@pytest.mark.parametrize("stream", [0, 1 << 18])
def test_much_is_not_held(bench: Bench, stream: int) -> None:
    """Large outputs and large streams stay where they are, and are stored from there."""
    store = bench.store()
    pending = store.begin(KEY, subject("a"), lambda secret: b"{}")
    write(bench.lib / "a", b"x" * ((1 << 18) + 1 - stream))
    pending.write(Stream.STDOUT, b"y" * stream)
    pending.collect()
    assert not pending.hold()
    assert pending.commit(foreign=frozenset(), duration=1) == Stored()
    assert isinstance(bench.hit(subject("a"), store=store), Restored)
