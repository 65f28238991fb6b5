"""Sealed state files: what was written comes back, and nothing else does."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import threading
import time
from itertools import chain
from pathlib import Path

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.frames import LARGEST, boot_id, build_frame, parse_frame, read_frame, write_frame

KIND = b"things 1"

NAMES = st.lists(st.binary(min_size=1, max_size=12).filter(lambda n: b"\0" not in n), max_size=5)


@given(NAMES, st.integers(0, 9), st.integers(0, 5), st.binary(max_size=80), st.data())
def test_what_was_built_is_parsed(
    names: list[bytes], size: int, count: int, body: bytes, data: st.DataObject
) -> None:
    """Names, rows and body come back byte for byte, odd bytes included."""
    rows = [data.draw(st.binary(min_size=size, max_size=size)) for _ in range(count)]
    frame = parse_frame(build_frame(KIND, names=names, rows=rows, body=body), KIND, row_size=size)
    assert frame is not None
    assert frame.names == tuple(names)
    assert frame.rows == b"".join(rows)
    assert frame.body == body
    assert frame.same_boot


@settings(max_examples=60)
@given(NAMES, st.binary(max_size=40), st.data())
def test_any_damage_is_noticed(names: list[bytes], body: bytes, data: st.DataObject) -> None:
    """Cut short, made longer, or changed in one bit: there is no frame."""
    whole = build_frame(KIND, names=names, body=body)
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    assert parse_frame(bytes(flipped), KIND) is None
    assert parse_frame(whole[:place], KIND) is None
    assert parse_frame(whole + b"\0", KIND) is None
    assert parse_frame(whole, KIND) is not None


@given(st.binary(max_size=200))
def test_garbage_is_no_frame(data: bytes) -> None:
    """Foreign bytes are refused without an exception, also under a right seal."""
    assert parse_frame(data, KIND) is None
    sealed = data + xxhash.xxh3_128_digest(data)
    frame = parse_frame(sealed, KIND, row_size=84)
    assert frame is None or data.startswith(KIND)


def test_sizes_that_lie_are_refused() -> None:
    """Counts beyond the end of the file make no frame, however well it is sealed."""
    for count, names in ((1, 0), (0, 1), (2**32 - 1, 2**32 - 1)):
        data = struct.pack("<8sQ16sII", KIND, 0, bytes(16), count, names)
        assert parse_frame(data + xxhash.xxh3_128_digest(data), KIND, row_size=84) is None


def test_the_layout_is_the_documented_one() -> None:
    """Little-endian: kind, time, boot, counts, names, rows, body, seal (cache.md C5)."""
    before = time.time_ns()
    data = build_frame(KIND, names=[b"a", b"bc"], rows=[b"1234", b"5678"], body=b"body")
    kind, written, boot, rows, names = struct.unpack_from("<8sQ16sII", data)
    assert (kind, boot, rows, names) == (KIND, boot_id(), 2, 4)
    assert before <= written <= time.time_ns()
    assert data[40:-16] == b"a\0bc12345678body"
    assert data[-16:] == xxhash.xxh3_128_digest(data[:-16])


def test_another_kind_or_version_is_no_frame(tmp_path: Path) -> None:
    """A file of a later version is as good as none."""
    path = str(tmp_path / "state")
    write_frame(path, KIND, body=b"x")
    assert read_frame(path, b"things 2") is None
    assert read_frame(path, KIND) is not None


@pytest.mark.parametrize(
    "problem",
    [
        {"kind": b"short"},
        {"names": [b"a\0b"]},
        {"names": [b"a", b""]},
        {"rows": [b"1", b"22"]},
    ],
)
def test_what_could_not_be_read_again_is_not_written(
    problem: dict[str, object], tmp_path: Path
) -> None:
    """A frame that is wrong in itself is refused before anything is touched."""
    arguments: dict[str, object] = {"kind": KIND, **problem}
    with pytest.raises(ValueError, match=r"kind|name|rows"):
        write_frame(str(tmp_path / "state"), **arguments)  # type: ignore[arg-type]  # on purpose
    assert os.listdir(tmp_path) == []


def test_a_frame_replaces_the_old_one_at_once(tmp_path: Path) -> None:
    """Readers beside a writer see an old or a new frame, never none, and no rest is left."""
    path = str(tmp_path / "state")
    write_frame(path, KIND, body=b"0" * 5000)
    done = threading.Event()
    seen = set[bytes]()

    def read() -> None:
        while not done.is_set():
            frame = read_frame(path, KIND)
            seen.add(b"none" if frame is None else frame.body[:1])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        write_frame(path, KIND, body=b"%d" % (number % 10) * 5000)
    done.set()
    reader.join()
    assert seen <= {b"%d" % n for n in range(10)}
    assert os.listdir(tmp_path) == ["state"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_frame_and_no_rest(tmp_path: Path) -> None:
    """With no room for the new frame the old one stays as it was."""
    path = tmp_path / "state"
    write_frame(str(path), KIND, body=b"old")
    program = (
        "import resource, signal, sys\n"
        "from haz_trio.frames import write_frame\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        f"    write_frame(sys.argv[1], {KIND!r}, body=bytes(5000))\n"
        "except OSError as problem:\n"
        "    print(problem.strerror)\n"
    )
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "File too large\n"
    frame = read_frame(str(path), KIND)
    assert frame is not None
    assert frame.body == b"old"
    assert os.listdir(tmp_path) == ["state"]


def test_a_frame_that_cannot_take_its_place_leaves_no_rest(tmp_path: Path) -> None:
    """A folder in its place is an error, and the temporary file goes."""
    (tmp_path / "state").mkdir()
    with pytest.raises(IsADirectoryError):
        write_frame(str(tmp_path / "state"), KIND)
    assert os.listdir(tmp_path) == ["state"]
    assert read_frame(str(tmp_path / "state"), KIND) is None


@pytest.mark.parametrize("kind", ["missing", "empty", "fifo", "link", "huge"])
def test_what_is_no_file_of_ours_is_no_frame(kind: str, tmp_path: Path) -> None:
    """Nothing there, a FIFO (not waited for), a link (not followed), a file beyond all reason."""
    path = tmp_path / "state"
    match kind:
        case "empty":
            path.touch()
        case "fifo":
            os.mkfifo(path)
        case "link":
            write_frame(str(tmp_path / "real"), KIND)
            path.symlink_to("real")
        case "huge":
            with path.open("wb") as file:
                file.truncate(LARGEST + 1)
        case _:
            assert kind == "missing"
    assert read_frame(str(path), KIND) is None


def test_a_frame_of_another_boot_says_so() -> None:
    """A power loss between two boots may have taken data whose stat rows survived."""
    data = build_frame(KIND)[:-16]
    other = data[:16] + bytes(range(16)) + data[32:]
    frame = parse_frame(other + xxhash.xxh3_128_digest(other), KIND)
    assert frame is not None
    assert not frame.same_boot


@pytest.mark.parametrize("count", [0, 1, 2, 5000, 12_000])
def test_names_come_one_by_one(count: int) -> None:
    """As many and the same, in one part or in several."""
    names = tuple(b"%d/name" % number for number in range(count))
    frame = parse_frame(build_frame(b"test   1", names=names, rows=[b""] * count), b"test   1")
    assert frame is not None
    assert tuple(frame.each_name()) == frame.names == names
    lists = list(frame.names_from_the_end())
    assert tuple(chain.from_iterable(reversed(lists))) == names
    assert all(0 < len(part) < 1400 for part in lists)


def test_long_names_come_from_the_end_as_well() -> None:
    """Names longer than a list is meant to be."""
    names = (b"a", b"b" * 20_000, b"c" * 9000, b"d" * 9000, b"e")
    frame = parse_frame(build_frame(b"test   1", names=names, rows=[b""] * 5), b"test   1")
    assert frame is not None
    lists = list(frame.names_from_the_end())
    assert [list(map(len, part)) for part in lists] == [[9000, 1], [9000], [20_000], [1]]
    assert tuple(chain.from_iterable(reversed(lists))) == names
