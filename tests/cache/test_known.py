"""What is known of files and tasks: kept, found again, and dropped when it is no longer so."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.known import NO_DIGEST, PLACE, Known, Standing, read_known
from haz_trio.trust import ROW, Senses, row_at
from tests.cache.known_support import CONTENTS, ENVIRONMENT, GRAPH, STATIC, UPSTREAM, Shelf, proof
from tests.config.snapshot_support import reseal


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A folder with files and two proofs that share one of them, a folder and an absence."""
    shelf = Shelf(tmp_path)
    for name in ("d/f", "a", "b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    shelf.write("d/f", "d", "no", "a", "b", proofs={"p:a": A, "p:b": B})
    assert shelf.holds("p:a")
    assert shelf.holds("p:b")
    return shelf


def stands(known: Known, task: int) -> bool:
    """Whether all of a proof is believed."""
    return known.standing(task, STATIC, UPSTREAM) is Standing.ALL


def second_folder(shelf: Shelf) -> None:
    (shelf.root / "e").mkdir()
    (shelf.root / "e/g").write_text("e/g")


A, B = proof("a", "d/f", "d", "no", made=1, text=b"said"), proof("b", "d/f", "d", "no", made=1)


def test_a_proof_comes_back_as_it_was(shelf: Shelf) -> None:
    """Key, digests, streams, outputs, readers and all that it rests on."""
    known = shelf.read()
    for id, wanted in (("p:a", A), ("p:b", B)):
        found = known.proof(known.tasks[id.encode()])
        for field in wanted.__slots__:
            value, other = getattr(found, field), getattr(wanted, field)
            assert value == other or tuple(value) == tuple(other), field


BOOKS = st.dictionaries(
    st.sampled_from("pqrstuvw"),
    st.tuples(st.sampled_from("abcd"), st.integers(0, 2), st.binary(max_size=3)),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(BOOKS, st.sets(st.sampled_from("pqrstuvw")), st.booleans()), max_size=4))
def test_old_and_new_proofs_stand_side_by_side(
    tmp_path_factory: pytest.TempPathFactory,
    saves: list[tuple[dict[str, tuple[str, int, bytes]], set[str], bool]],
) -> None:
    """Whatever is added, replaced and given up between them, each says what it said."""
    shelf = Shelf(tmp_path_factory.mktemp("w"))
    for name in "abcd":
        (shelf.root / name).touch()
    wanted: dict[str, tuple[str, int, bytes, bool]] = {}
    for number, (book, gone, renamed) in enumerate(saves):
        if renamed:  # the numbers of readers are those of another graph
            wanted = {id: (*each[:3], False) for id, each in wanted.items()}
        wanted = {id: each for id, each in wanted.items() if id not in gone}
        wanted |= {id: (*each, True) for id, each in book.items()}
        proofs = {
            id: proof(name, "d", "no", made=made, readers=(1, 0, made), text=text)
            for id, (name, made, text) in book.items()
        }
        graph = GRAPH if not renamed and not number else bytes([number]) * len(GRAPH)
        graph = shelf.read().graph if number and not renamed else graph
        known = shelf.write("a", "b", "c", "d", "no", proofs=proofs, gone=gone, graph=graph)
        assert list(known.tasks) == sorted(id.encode() for id in wanted)
        for id, (name, made, text, with_readers) in wanted.items():
            found = known.proof(known.tasks[id.encode()])
            assert found.uses == (name.encode(), b"d", b"no")
            assert (len(found.made), found.own, found.whole) == (made, made, True)
            assert (found.stdout, found.stderr, found.turns) == (text, text[::-1], b"")
            assert tuple(found.readers) == ((1, 0, made) if with_readers else ())


def rewritten(path: Path) -> None:
    path.write_text("x" * path.stat().st_size)


def touched_back(path: Path) -> None:
    info = path.stat()
    rewritten(path)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def copied_over(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy2(path, other)
    other.rename(path)


def away_and_back(path: Path) -> None:
    (path.parent / "passing").touch()
    (path.parent / "passing").unlink()


def swapped(path: Path) -> None:
    other = path.parent.with_name("other")
    shutil.copytree(path.parent, other)
    path.parent.rename(path.parent.with_name("old"))
    other.rename(path.parent)


def linked(path: Path) -> None:
    path.parent.rename(path.parent.with_name("real"))
    path.parent.symlink_to("real")


def replaced_by_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("b")


EDITS: list[tuple[str, Callable[[Path], object]]] = [
    *(
        ("d/f", edit)
        for edit in (rewritten, touched_back, copied_over, away_and_back, swapped, linked)
    ),
    ("d/f", lambda path: path.chmod(0o600)),
    ("d/f", lambda path: path.unlink()),
    ("d/f", lambda path: path.parent.chmod(0o700)),
    ("no", lambda path: path.touch()),
    ("no", lambda path: path.symlink_to("nowhere")),
    ("a", rewritten),
    ("a", lambda path: path.chmod(0o755)),
    ("a", lambda path: path.unlink()),
    ("a", replaced_by_a_link),
]


@pytest.mark.parametrize(("name", "edit"), EDITS)
def test_an_edit_ends_a_proof(shelf: Shelf, name: str, edit: Callable[[Path], object]) -> None:
    """Inputs, outputs, folders, and what was not there: nothing may have moved."""
    edit(shelf.root / name)
    assert not shelf.holds("p:a")
    assert shelf.holds("p:b") == (name == "a")


@pytest.mark.parametrize(("name", "edit"), EDITS)
def test_a_new_row_does_not_mend_an_old_proof(
    shelf: Shelf, name: str, edit: Callable[[Path], object]
) -> None:
    """Another task has seen the edit; that says nothing of this one, which has not."""
    edit(shelf.root / name)
    shelf.write("d/f", "d", "no", "a", proofs={"p:b": B})
    assert shelf.holds("p:b")
    assert not shelf.holds("p:a")


def test_another_declaration_or_upstream_ends_a_proof(shelf: Shelf) -> None:
    """What the task declares, and what its predecessors printed."""
    assert not shelf.holds("p:a", static=STATIC[::-1].replace(b"s", b"t"))
    assert not shelf.holds("p:a", upstream=UPSTREAM.replace(b"u", b"v"))
    assert shelf.holds("p:a")


def test_other_variables_end_all_old_proofs(shelf: Shelf) -> None:
    """Only what has been proven with the present values stays."""
    shelf.write(proofs={"p:b": B}, environment=ENVIRONMENT[::-1].replace(b"e", b"f"))
    assert not shelf.holds("p:a")
    assert shelf.holds("p:b")


def test_what_is_gone_is_gone(shelf: Shelf) -> None:
    """A task that has run has no proof, whatever the rows say."""
    shelf.write(gone=["p:a"])
    assert not shelf.holds("p:a")
    assert shelf.holds("p:b")


def test_digests_of_another_function_are_not_read(shelf: Shelf) -> None:
    """A workspace that changes `cache.hash` starts anew, or its keys would mix two functions."""
    assert read_known(str(shelf.root), b"sha256") is None
    assert read_known(str(shelf.root), CONTENTS) is not None


def test_while_files_are_written_each_look_asks_again(shelf: Shelf) -> None:
    """A row that held when one task was looked at may hold no more for the next."""
    known = shelf.read()
    a, b = known.tasks[b"p:a"], known.tasks[b"p:b"]
    known.disturb()
    assert stands(known, a)
    rewritten(shelf.root / "d/f")
    assert not stands(known, b)


def test_after_a_restore_only_what_it_wrote_is_asked_again(shelf: Shelf) -> None:
    """The file, and the folder that it is in; the others have been seen a moment ago."""
    second_folder(shelf)
    known = shelf.write("d", "d/f", "e", "e/g", proofs={"q:a": proof("d/f", "d", "e/g", "e")})
    task = known.tasks[b"q:a"]
    assert stands(known, task)
    rewritten(shelf.root / "e/g")
    assert stands(known, task)
    known.touch([b"e/h"])
    (shelf.root / "e/h").touch()
    assert not stands(known, task)


def test_after_a_restore_outputs_are_asked_again(shelf: Shelf) -> None:
    """What was written may have a second name among them, which nobody can tell."""
    second_folder(shelf)
    known = shelf.write("d/f", "e/g", proofs={"q:a": proof("d/f", "e/g", made=1)})
    task = known.tasks[b"q:a"]
    assert stands(known, task)
    known.touch([b"elsewhere"])
    rewritten(shelf.root / "d/f")
    assert not stands(known, task)


def test_the_one_output_that_is_lost_is_told(shelf: Shelf) -> None:
    """With what is known of it; two are too many, and the entry is no output."""
    second_folder(shelf)
    names = ("d/f", "e/g", "e")
    told = (row_at(str(shelf.root / "d/f")), shelf.rows("d/f")[b"d/f"][ROW.size :])
    kept = proof(*names, made=1)
    kept.own = 2
    known = shelf.write(*names, proofs={"q:a": kept})
    task = known.tasks[b"q:a"]
    assert known.lost(task) is None
    (shelf.root / "d/f").unlink()
    assert known.lost(task) == (b"d/f", *told)
    rewritten(shelf.root / "e/g")
    assert known.lost(task) is None
    (shelf.root / "d/f").touch()
    assert known.lost(task) is None


def test_a_proof_of_a_key_alone_does_not_tell_what_is_lost(shelf: Shelf) -> None:
    """Nobody has seen the outputs that belong to it."""
    kept = proof("d/f", "e/g", made=1)
    kept.whole = False
    known = shelf.write("d/f", "e/g", proofs={"q:a": kept})
    (shelf.root / "d/f").unlink()
    assert known.lost(known.tasks[b"q:a"]) is None


def test_a_new_run_asks_again(shelf: Shelf) -> None:
    """What one run found to hold, the next one has to find itself."""
    known = shelf.read()
    a = known.tasks[b"p:a"]
    assert stands(known, a)
    rewritten(shelf.root / "d/f")
    known.settle()
    assert not stands(known, a)


def test_a_clock_set_back_is_distrusted(shelf: Shelf) -> None:
    """What was written in the future of the present clock proves nothing."""
    early = Senses(lambda: 1)
    assert read_known(str(shelf.root), CONTENTS, senses=early) is None


def test_after_a_boot_only_old_rows_are_believed(shelf: Shelf) -> None:
    """A power loss may take data whose stat rows survive; a minute later it does not."""
    minute = 61_000_000_000
    reseal(shelf.root / PLACE, boot=bytes(range(16)))
    assert not shelf.holds("p:a")
    reseal(shelf.root / PLACE, written_ns=time.time_ns() + minute)
    ahead = Senses(lambda: time.time_ns() + 2 * minute)
    known = read_known(str(shelf.root), CONTENTS, senses=ahead)
    assert known is not None
    assert not known.same_boot
    assert stands(known, known.tasks[b"p:a"])


def test_what_is_not_believed_after_a_boot_is_not_handed_on(shelf: Shelf) -> None:
    """Written again in this boot, an unbelievable row would look like one of this boot."""
    reseal(shelf.root / PLACE, boot=bytes(range(16)))
    shelf.write("b")
    assert not shelf.holds("p:a")
    known = shelf.read()
    assert known.digest(known.places[b"a"]) == NO_DIGEST


def test_a_tidied_file_says_the_same(shelf: Shelf) -> None:
    """Thousands of names that nothing uses are dropped, and with them no proof."""
    many = [f"many/{number}" for number in range(2500)]
    (shelf.root / "many").mkdir()
    for name in many:
        (shelf.root / name).touch()
    shelf.write(*many)
    before = shelf.read()
    assert len(before.names) > 2500
    known = shelf.write("a")
    assert len(known.names) < 10
    assert shelf.holds("p:a")
    found = known.proof(known.tasks[b"p:a"])
    assert (found.stdout, found.uses, found.made) == (A.stdout, A.uses, A.made)
    assert tuple(found.readers) == tuple(A.readers)


def test_a_tidied_file_knows_no_readers_of_another_graph(shelf: Shelf) -> None:
    """The numbers of readers mean nothing in another graph, whether or not things are tidied."""
    other = GRAPH.replace(b"g", b"h")
    known = shelf.write("a", graph=other)
    assert not known.proof(known.tasks[b"p:a"]).readers
    shelf.write(proofs={"p:a": A}, graph=other)
    many = [f"many/{number}" for number in range(2500)]
    shelf.write(*many, graph=other)
    known = shelf.write("a", graph=GRAPH)
    assert len(known.names) < 10
    assert not known.proof(known.tasks[b"p:a"]).readers


def test_each_byte_and_each_length_of_a_damaged_file_is_nothing_known(shelf: Shelf) -> None:
    """A file with another byte anywhere, or too short, says nothing; nothing is raised."""
    path = shelf.root / PLACE
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert read_known(str(shelf.root), CONTENTS) is None
        path.write_bytes(whole[:at])
        assert read_known(str(shelf.root), CONTENTS) is None
    shelf.write("d/f", "d", "no", "a", proofs={"p:a": A})
    assert shelf.holds("p:a")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_sealed_file_of_another_shape_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What carries our seal may still be no knowledge: reading it raises nothing."""
    shelf = Shelf(tmp_path_factory.mktemp("w"))
    shelf.write("a", proofs={"p:a": proof("a")})
    path = shelf.root / PLACE
    body = bytearray(path.read_bytes()[:-16])
    start, end = sorted(data.draw(st.lists(st.integers(8, len(body)), min_size=2, max_size=2)))
    body[start:end] = data.draw(st.binary(max_size=6))
    path.write_bytes(bytes(body) + xxhash.xxh3_128_digest(bytes(body)))
    read_known(str(shelf.root), CONTENTS)


ROWS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["edit", "learn", "gone"]),
            st.sampled_from("abcd"),
            ROWS,
        ),
        max_size=12,
    )
)
def test_a_proof_holds_just_as_long_as_nothing_moved(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, list[str]]]
) -> None:
    """Against a dictionary of what each task saw: no history makes an old proof hold again."""
    shelf = Shelf(tmp_path_factory.mktemp("w"))
    versions = dict.fromkeys("abcd", 0)
    saw: dict[str, dict[str, int]] = {}
    for name in versions:
        (shelf.root / name).write_text("0")
    for kind, name, names in steps:
        match kind:
            case "edit":
                versions[name] += 1
                (shelf.root / name).write_text(str(versions[name]))
            case "learn":
                shelf.write(*names, proofs={name: proof(*names)})
                saw[name] = {each: versions[each] for each in names}
            case _:
                shelf.write(gone=[name])
                saw.pop(name, None)
        if not saw and kind == "edit":
            continue
        for task in versions:
            seen = saw.get(task)
            wanted = seen is not None and all(versions[n] == v for n, v in seen.items())
            if (shelf.root / PLACE).exists():
                assert shelf.holds(task) == wanted
