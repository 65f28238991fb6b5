"""The inputs of a task: what is read, what is refused, and what has changed afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.hashing import digest_bytes
from haz_trio.cache.inputs import InputReader, InputsSeen
from haz_trio.errors import InputError
from haz_trio.model.patterns import Anchored, parse_pattern
from haz_trio.model.workspace import HashName

NAME = HashName.SHA256
FILES = ("src/a.c", "src/b.c", "src/deep/c.c", "k.txt", "src/d.h")


class Enough(Exception):
    """Somebody gave up."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a project at ``/lib``."""
    for name in FILES:
        write(tmp_path, name, name)
    return tmp_path


def write(root: Path, name: str, text: str = "") -> Path:
    path = root / "lib" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def patterns(*texts: str) -> list[Anchored]:
    return [parse_pattern(text).anchored("/lib") for text in texts]


def read(root: Path, *texts: str) -> InputsSeen:
    return InputReader(str(root), NAME).read(patterns(*texts))


def paths(seen: InputsSeen) -> list[str]:
    return [path for path, _ in seen.files]


def refusal(root: Path, *texts: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read(root, *texts)
    return caught.value


# -- reading ----------------------------------------------------------------------------------


def test_inputs_are_paths_with_digests(root: Path) -> None:
    """Literals and globs together, sorted, with the digests of their bytes (CACHE-006)."""
    seen = read(root, "src/*.c", "k.txt", "/lib/src/d.h")
    expected = ["k.txt", "src/a.c", "src/b.c", "src/d.h"]
    assert seen.files == tuple((f"/lib/{n}", digest_bytes(NAME, n.encode())) for n in expected)


def test_who_rests_reads_the_same_again(root: Path) -> None:
    """Nothing but memory is let go of; what has come and gone since is seen."""
    reader = InputReader(str(root), NAME)
    before = reader.read(patterns("src/**"))
    reader.rest()
    assert reader.read(patterns("src/**")).files == before.files
    reader.rest()
    write(root, "src/new.c")
    (root / "lib/src/a.c").unlink()
    now = ["/lib/src/b.c", "/lib/src/d.h", "/lib/src/deep/c.c", "/lib/src/new.c"]
    assert paths(reader.read(patterns("src/**"))) == now


def test_inputs_are_a_set(root: Path) -> None:
    """Spelling, order and overlap of patterns do not matter (B 42 to 46)."""
    once = read(root, "src/*.c").files
    assert read(root, "src/*.c", "src/a.c", "/lib/src/*.c", "src/[ab].c").files == once
    assert read(root, "src/b.c", "src/a.c").files == once


def test_inputs_are_sorted_by_the_bytes_of_their_paths(root: Path) -> None:
    """Whatever the alphabet: the order of UTF-8 and not that of a locale."""
    for name in ("Z", "a", "é", "\U0001f600", "\uffee", "a b", "b/c"):
        write(root, f"s/x{name}")
    found = paths(read(root, "s/**"))
    assert len(found) == 7
    assert found == sorted(found, key=str.encode)


def test_a_glob_may_match_nothing(root: Path) -> None:
    """Also when its folder does not exist (B 102, 103)."""
    assert read(root, "*.none", "missing/**").files == ()


@pytest.mark.parametrize("text", ["gone.c", "k.txt/below", "missing/a.c"])
def test_a_literal_that_does_not_exist_is_named(root: Path, text: str) -> None:
    """The error says the path, and which one a producer would have to make."""
    problem = refusal(root, "src/*.c", text)
    assert str(problem) == f'input "/lib/{text}" does not exist'
    assert problem.missing == f"/lib/{text}"


def test_a_literal_that_is_a_folder_gets_advice(root: Path) -> None:
    """The message has the glob that was probably meant (B 104)."""
    problem = refusal(root, "src")
    assert str(problem).startswith('input "/lib/src" is a folder, not a regular file')
    assert "use `/lib/src/**`" in str(problem)
    assert problem.missing == ""


def test_the_first_pattern_in_trouble_is_told(root: Path) -> None:
    """In the order of the declaration, so that repairing one after another gets somewhere."""
    assert '"/lib/gone" does not exist' in str(refusal(root, "*.txt", "gone", "absent", "src"))
    assert '"/lib/src" is a folder' in str(refusal(root, "src", "gone"))


def test_a_literal_that_is_a_fifo_is_refused_without_waiting(root: Path) -> None:
    """Nobody waits for its writer (B 111)."""
    os.mkfifo(root / "lib/fifo")
    assert str(refusal(root, "fifo")) == 'input "/lib/fifo" is a FIFO, not a regular file'


def test_links_that_lead_nowhere_are_named(root: Path) -> None:
    """As a literal, and where a glob matches them (B 105, 106)."""
    (root / "lib/src/x.c").symlink_to("not-there")
    literal = refusal(root, "src/x.c")
    assert '"/lib/src/x.c" is a link to "not-there", which is not there' in str(literal)
    assert literal.missing == "/lib/src/x.c"
    matched = str(refusal(root, "src/*.c"))
    assert '"/lib/src/x.c" is a link that leads nowhere (matched by "/lib/src/*.c")' in matched
    assert paths(read(root, "src/*.h")) == ["/lib/src/d.h"]


def test_what_lies_too_deep_for_a_call_is_refused(root: Path) -> None:
    """A file whose path is over 4096 bytes is never left out of what a glob stands for (H15)."""
    at = os.open(root / "lib" / "src", os.O_PATH)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=at)
        inner = os.open("d" * 200, os.O_PATH, dir_fd=at)
        os.close(at)
        at = inner
    os.close(os.open("f", os.O_CREAT, dir_fd=at))
    os.close(at)
    message = str(refusal(root, "src/**/f"))
    assert message.startswith('input pattern "/lib/src/**/f": "/lib/src/ddd')
    assert "…" in message
    assert message.endswith(
        '" cannot be searched: File name too long; move what lies so deep, or narrow the pattern'
    )
    assert len(message) < 400
    assert paths(read(root, "src/*/f", "k.txt")) == ["/lib/k.txt"]


def test_odd_files_are_remarked_on_once(root: Path) -> None:
    """One note: names that are not UTF-8, and what is neither file nor folder (B 110, 112)."""
    for number in range(3):
        Path(os.fsdecode(os.fsencode(root / "lib/src") + b"/%d\xff.c" % number)).touch()
    os.mkfifo(root / "lib/src/fifo.c")
    reader = InputReader(str(root), NAME)
    assert reader.notes() == ()
    for _ in range(2):
        assert paths(reader.read(patterns("src/*.c"))) == ["/lib/src/a.c", "/lib/src/b.c"]
    (note,) = reader.notes()
    assert '0\\u{dcff}.c" and 2 more (name is not UTF-8' in note
    assert '"/lib/src/fifo.c" (neither' in note


def test_a_match_that_goes_before_it_is_read_is_no_input(root: Path) -> None:
    """Temporary files of others come and go during a walk."""
    reader = InputReader(str(root), NAME)
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:  # the folder has been listed, and the first file is next
            (root / "lib/src/b.c").unlink()

    assert paths(reader.read(patterns("src/*.c"), check=check)) == ["/lib/src/a.c"]


def test_a_read_can_be_given_up(root: Path) -> None:
    """``check`` is called for folders and for files."""
    reader = InputReader(str(root), NAME)
    for limit in range(1, 6):
        calls: list[int] = []

        def check(calls: list[int] = calls, limit: int = limit) -> None:
            calls.append(1)
            if len(calls) == limit:
                raise Enough

        with pytest.raises(Enough):
            reader.read(patterns("src/**", "k.txt"), check=check)


def test_what_may_not_be_read_is_named() -> None:
    """A closed folder, and a closed file; tried as a user who is not root."""
    program = (
        "import os, sys\n"
        "from tests.cache.test_inputs import InputError, InputReader, NAME, Path, patterns\n"
        "root = sys.argv[1]\n"
        "os.chmod(root + '/lib/closed', 0)\n"
        "os.chmod(root + '/lib/secret', 0)\n"
        "if os.geteuid() == 0:\n"
        "    os.chmod(root, 0o755)\n"
        "    os.setuid(65534)\n"
        "for text in ('**', 'secret', 'secre?', 'closed/x', 'closed/*'):\n"
        "    try:\n"
        "        InputReader(root, NAME).read(patterns(text))\n"
        "    except InputError as problem:\n"
        "        print(problem)\n"
    )
    with tempfile.TemporaryDirectory() as top:
        write(Path(top), "closed/x")
        write(Path(top), "secret")
        top_of_code = str(Path(__file__).parents[2])
        done = subprocess.run(
            [sys.executable, "-c", program, top],
            env={**os.environ, "PYTHONPATH": top_of_code},
            capture_output=True,
            text=True,
            check=False,
        )
        os.chmod(f"{top}/lib/closed", 0o700)
        assert done.stdout.splitlines() == [
            'input pattern "/lib/**": "/lib/closed" cannot be searched: Permission denied',
            'input "/lib/secret" cannot be read: Permission denied',
            'input "/lib/secret" (matched by "/lib/secre?") cannot be read: Permission denied',
            'input "/lib/closed/x" cannot be read: Permission denied',
            'input pattern "/lib/closed/*": "/lib/closed" cannot be searched: Permission denied',
        ], done.stderr


# -- changes ----------------------------------------------------------------------------------

ALL = ("src/**", "k.txt")


def test_nothing_has_changed(root: Path) -> None:
    """Neither at once, nor after ``touch``, nor after a rewrite with the same bytes."""
    reader = InputReader(str(root), NAME)
    seen = reader.read(patterns(*ALL))
    assert reader.changed(seen, ()) is None
    os.utime(root / "lib/k.txt", (1, 1))
    write(root, "src/a.c", "src/a.c")
    write(root, "unmatched")
    assert reader.changed(seen, ()) is None


def _replace(root: Path) -> None:
    os.rename(write(root, "other", "SRC/A.C"), root / "lib/src/a.c")


def _edit_with_old_time(root: Path) -> None:
    info = os.stat(root / "lib/src/a.c")
    write(root, "src/a.c", "SRC/A.C")
    os.utime(root / "lib/src/a.c", ns=(info.st_atime_ns, info.st_mtime_ns))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "edited": (lambda r: write(r, "src/b.c", "other"), "/lib/src/b.c"),
    "edited, time restored": (_edit_with_old_time, "/lib/src/a.c"),
    "renamed over": (_replace, "/lib/src/a.c"),
    "appeared": (lambda r: write(r, "src/new"), "/lib/src/new"),
    "appeared deep": (lambda r: write(r, "src/x/y/new"), "/lib/src/x/y/new"),
    "vanished": (lambda r: (r / "lib/src/b.c").unlink(), "/lib/src/b.c"),
    "folder vanished": (lambda r: shutil.rmtree(r / "lib/src/deep"), "/lib/src/deep/c.c"),
    "literal vanished": (lambda r: (r / "lib/k.txt").unlink(), "/lib/k.txt"),
    "dangling link": (lambda r: (r / "lib/src/l").symlink_to("none"), "/lib/src/l"),
    "two changes": (
        lambda r: (write(r, "src/b.c", "1"), write(r, "src/a.new", "2")),
        "/lib/src/a.new",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named(root: Path, name: str) -> None:
    """The first path, in path order, that is not what the key was derived from (B 115)."""
    change, path = CHANGES[name]
    reader = InputReader(str(root), NAME)
    seen = reader.read(patterns(*ALL))
    change(root)
    assert reader.changed(seen, ()) == path


@pytest.mark.parametrize("name", CHANGES)
def test_own_outputs_may_change(root: Path, name: str) -> None:
    """A formatter works in place (execution.md 5.7): what it declares is its own business."""
    change, _ = CHANGES[name]
    reader = InputReader(str(root), NAME)
    seen = reader.read(patterns(*ALL))
    change(root)
    assert reader.changed(seen, patterns("src/**", "k.txt")) is None


def test_an_output_excuses_only_itself(root: Path) -> None:
    """Another input that changed beside an own output is still named."""
    reader = InputReader(str(root), NAME)
    seen = reader.read(patterns(*ALL))
    write(root, "src/a.c", "formatted")
    assert reader.changed(seen, patterns("src/a.c")) is None
    write(root, "src/b.c", "edited")
    assert reader.changed(seen, patterns("src/a.c")) == "/lib/src/b.c"


def test_the_look_after_the_run_can_be_given_up(root: Path) -> None:
    """``check`` is called there, too."""
    reader = InputReader(str(root), NAME)
    seen = reader.read(patterns(*ALL))

    def check() -> None:
        raise Enough

    with pytest.raises(Enough):
        reader.changed(seen, (), check=check)


EDITS = st.lists(
    st.tuples(st.sampled_from([*FILES, "new.c", "src/new.c"]), st.sampled_from(["", "x", "y"])),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(EDITS, EDITS)
def test_a_change_is_what_a_fresh_look_would_see(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
) -> None:
    """One reader's verdict over a history equals that of two readers that know nothing."""
    root = tmp_path_factory.mktemp("ws")

    def edit(edits: list[tuple[str, str]]) -> None:
        for name, text in edits:
            if text:
                write(root, name, text)
            else:
                (root / "lib" / name).unlink(missing_ok=True)

    globs = patterns("**/*.c")
    edit(before)
    reader = InputReader(str(root), NAME)
    old = reader.read(globs)
    edit(after)
    new = InputReader(str(root), NAME).read(globs)
    differing = {path for path, _ in set(old.files) ^ set(new.files)}
    assert reader.changed(old, ()) == min(differing, default=None)
    assert reader.read(globs) == new


def test_a_glob_is_asked_once_while_nothing_of_ours_writes(root: Path) -> None:
    """Between ``settle`` and ``disturb`` a glob keeps its answer; after that it is looked up."""
    reader = InputReader(str(root), NAME)
    glob = patterns("**")
    before = reader.read(glob)
    (root / "lib" / "late").write_text("late")
    assert reader.read(glob) != before, "unsettled, every read looks"
    (root / "lib" / "late").unlink()
    reader.settle()
    assert reader.read(glob) == before
    (root / "lib" / "late").write_text("late")
    assert reader.read(glob) == before
    assert reader.changed(before, []) == "/lib/late", "what is stored is checked afresh"
    reader.disturb()
    assert [path for path, _ in reader.read(glob).files if path not in dict(before.files)] == [
        "/lib/late"
    ]
    assert reader.read(glob) == reader.read(glob)


def test_a_check_serves_the_next_read_until_something_ends(root: Path) -> None:
    """What a command left unchanged is not asked again by who follows it, but by all others."""
    now = time.time_ns() + 10**10  # as if the files were ten seconds old
    reader = InputReader(str(root), NAME, clock=lambda: now)
    glob = patterns("**")
    before = reader.read(glob)
    reader.ended()
    assert reader.changed(before, []) is None
    (root / "lib" / "late").write_text("late")
    assert reader.read(glob) == before, "as if it had been read when it was checked"
    assert reader.changed(before, []) == "/lib/late", "what is stored is checked afresh"
    reader.ended()
    assert reader.read(glob) != before
    (root / "lib" / "late").unlink()
    assert reader.changed(reader.read(glob), []) is None
    (root / "lib" / "late").write_text("late")
    now += 10**9
    assert reader.read(glob) != before, "not for long"
