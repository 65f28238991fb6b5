"""Outputs that are all old or all new (``execution.outputs: rollback``, decisions.md 12)."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.abc import Subject
from haz_trio.cache.backup_record import decode_record, encode_record
from haz_trio.cache.backups import Backups
from haz_trio.cache.files import Disk
from haz_trio.cache.layout import CACHE, backup
from haz_trio.cache.recovery import recover
from haz_trio.cache.tree import Tree
from haz_trio.errors import OutputError
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import parse_pattern

Snapshot = dict[str, tuple[object, ...]]
LONG_AGO = 1_000_000_000_000_000_000


def subject(*patterns: str, name: str = "t") -> Subject:
    outputs = tuple(parse_pattern(pattern).anchored("/p") for pattern in patterns)
    return Subject(TaskId("p", name), "/p", outputs)


def snapshot(root: Path, *, folder_times: bool = True) -> Snapshot:
    """Everything below a folder but the cache: kind, mode, bytes or link text, times."""
    found: Snapshot = {}
    for folder, folders, files in os.walk(root):
        if ".haz" in folders:
            folders.remove(".haz")
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            kind, what = stat.S_IFMT(info.st_mode), b""
            if stat.S_ISLNK(info.st_mode):
                what = os.readlink(path).encode()
            elif stat.S_ISREG(info.st_mode):
                what = Path(path).read_bytes()
            timed = folder_times or not stat.S_ISDIR(info.st_mode)
            found[os.path.relpath(path, root)] = (
                kind,
                what,
                stat.S_IMODE(info.st_mode),
                info.st_mtime_ns if timed else 0,
            )
    return found


def age(root: Path) -> None:
    """Let everything be old, so that a change cannot hide in the tick of the look."""
    for folder, _, files in os.walk(root, topdown=False):
        for name in (*files, "."):
            path = os.path.join(folder, name)
            os.utime(path, ns=(LONG_AGO, LONG_AGO + len(path)), follow_symlinks=False)


def make(root: Path) -> Path:
    """A project with outputs of all kinds, and a stranger's file."""
    shutil.rmtree(root, ignore_errors=True)
    out = root / "p/out"
    (out / "deep/er").mkdir(parents=True)
    (out / "empty").mkdir()
    (out / "a").write_bytes(b"a")
    (out / "deep/er/b").write_bytes(b"b" * 5000)
    (out / "exec").write_bytes(b"#!")
    (out / "exec").chmod(0o755)
    (out / "link").symlink_to("a")
    (out / "dangling").symlink_to("/nowhere")
    (root / "p/o").write_bytes(b"old")
    (root / "p/stranger").write_bytes(b"not declared")
    (root / "outside").mkdir()
    (root / "outside/x").write_bytes(b"x")
    (out / "deep").chmod(0o750)
    age(root)
    return root


def edit(root: Path, name: str) -> Path:
    return root / "p/out" / name


def replace_by_link(root: Path) -> None:
    shutil.rmtree(root / "p/out")
    (root / "p/out").symlink_to("../outside")


def replace_by_file(root: Path) -> None:
    shutil.rmtree(root / "p/out")
    (root / "p/out").write_bytes(b"in the way")


def file_for_folder(root: Path) -> None:
    shutil.rmtree(edit(root, "deep"))
    edit(root, "deep").write_bytes(b"in the way")


def folder_for_file(root: Path) -> None:
    (root / "p/o").unlink()
    (root / "p/o/deep").mkdir(parents=True)
    (root / "p/o/deep/x").write_bytes(b"in the way")


def same_size(root: Path) -> None:
    """Other bytes, and the times are set back."""
    info = os.stat(edit(root, "a"))
    edit(root, "a").write_bytes(b"z")
    os.utime(edit(root, "a"), ns=(info.st_atime_ns, info.st_mtime_ns))


def other_link(root: Path) -> None:
    edit(root, "link").unlink()
    edit(root, "link").symlink_to("b")


def file_for_link(root: Path) -> None:
    edit(root, "dangling").unlink()
    edit(root, "dangling").touch()


MUTATIONS: dict[str, Callable[[Path], object]] = {
    "rewritten": lambda root: edit(root, "a").write_bytes(b"new"),
    "same size and time": same_size,
    "removed": lambda root: edit(root, "deep/er/b").unlink(missing_ok=True),
    "new": lambda root: edit(root, "fresh").write_bytes(b"1"),
    "new folder": lambda root: os.makedirs(edit(root, "n/m/k"), exist_ok=True),
    "new link outside": lambda root: edit(root, "away").symlink_to("/etc"),
    "mode": lambda root: edit(root, "exec").chmod(0o600),
    "folder mode": lambda root: edit(root, "empty").chmod(0o700),
    "link text": other_link,
    "link to file": file_for_link,
    "out by link": replace_by_link,
    "out by file": replace_by_file,
    "folder by file": file_for_folder,
    "literal by folder": folder_for_file,
    "all gone": lambda root: shutil.rmtree(root / "p/out"),
    "literal": lambda root: (root / "p/o").write_bytes(b"new"),
    "nothing": lambda root: None,
}


def mutate(root: Path, names: list[str]) -> None:
    for name in names:
        try:
            MUTATIONS[name](root)
        except OSError:
            continue  # an earlier one has made it impossible


def heal(root: Path) -> list[str]:
    """What the next run does first."""
    cache = os.open(root / CACHE, os.O_RDONLY)
    tree = Tree(str(root))
    try:
        return recover(cache, tree, Disk())
    finally:
        tree.close()
        os.close(cache)


def litter(root: Path) -> list[str]:
    names = os.listdir(root / CACHE) if (root / CACHE).exists() else []
    return [name for name in names if name.startswith(".") and name != ".gitignore"]


class Killed(BaseException):
    """This process has died."""


def dying_at(call: int) -> Disk:
    """A disk whose n-th call, and every later one, does not happen any more."""
    count = 0

    def before(name: str) -> None:
        nonlocal count
        count += 1
        if count > call:
            raise Killed

    return Disk(before)


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("killed", [False, True], ids=["failed", "killed"])
def test_outputs_come_back_after_each_mutation(tmp_path: Path, name: str, killed: bool) -> None:
    """Bytes, kinds, modes and times are the old ones, by us or by the next run."""
    root = make(tmp_path / "w")
    old = snapshot(root)
    backups = Backups(str(root))
    taken = backups.take(subject("out/**", "o"))
    mutate(root, [name])
    if killed:
        backups.die()
        assert heal(root) == ["p:t: its run was killed, so its outputs were put back"]
    else:
        assert taken.put_back() == ""
        backups.close()
    del old["p"], (now := snapshot(root))["p"]  # the folder of the project is no output
    assert now == old
    assert litter(root) == []


@given(names=st.lists(st.sampled_from(sorted(MUTATIONS)), max_size=4), call=st.integers(0, 40))
@settings(max_examples=60)
def test_a_kill_at_any_call_is_healed(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], call: int
) -> None:
    """Whoever dies, while keeping, running, putting back or healing: the old set comes back."""
    root = make(tmp_path_factory.getbasetemp() / "killed")
    old = snapshot(root / "p")
    backups = Backups(str(root), disk=dying_at(call))
    try:
        taken = backups.take(subject("out/**", "o"))
        mutate(root, names)
        taken.put_back()
    except Killed:
        pass
    backups.die()
    cache = os.open(root / CACHE, os.O_RDONLY) if (root / CACHE).exists() else None
    if cache is not None:
        tree = Tree(str(root))
        try:
            recover(cache, tree, dying_at(call // 2))
        except Killed:
            pass
        finally:
            tree.close()
            os.close(cache)
        heal(root)
    assert snapshot(root / "p") == old
    assert (root / "outside/x").read_bytes() == b"x"
    assert litter(root) == []


def test_who_gives_up_between_two_files_has_kept_nothing(tmp_path: Path) -> None:
    """And may try again."""
    root = make(tmp_path / "w")
    backups = Backups(str(root))
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 4:
            raise Killed

    with pytest.raises(Killed):
        backups.take(subject("out/**", "o"), check)
    assert len(calls) == 4
    assert [path.name for path in root.rglob(".restore-*/*")] == ["owner"]
    backups.take(subject("out/**", "o")).put_back()
    backups.close()
    assert litter(root) == []


def test_what_was_made_stays_after_a_success(tmp_path: Path) -> None:
    """Neither we nor the next run touch a result that was declared good."""
    root = make(tmp_path / "w")
    backups = Backups(str(root))
    taken = backups.take(subject("out/**", "o"))
    mutate(root, ["rewritten", "new", "removed"])
    new = snapshot(root)
    taken.commit(["/p/out/a", "/p/out/fresh"])
    backups.die()
    assert heal(root) == []
    assert snapshot(root) == new
    assert litter(root) == []


def test_first_outputs_vanish_with_their_folder(tmp_path: Path) -> None:
    """Where nothing stood, nothing is left: also of the folders above that nobody declared."""
    root = tmp_path / "w"
    (root / "p").mkdir(parents=True)
    backups = Backups(str(root))
    taken = backups.take(subject("gen/x/o.txt", "gen/y/**"))
    (root / "p/gen/x").mkdir(parents=True)
    (root / "p/gen/x/o.txt").touch()
    (root / "p/gen/y/z").mkdir(parents=True)
    taken.put_back()
    backups.close()
    assert list((root / "p").iterdir()) == []


def test_what_was_not_declared_is_not_touched(tmp_path: Path) -> None:
    """Nothing behind a link, beside a pattern, or below a new link goes."""
    root = make(tmp_path / "w")
    backups = Backups(str(root))
    taken = backups.take(subject("out/*.txt"))
    for name in ("p/out/other", "outside/y.txt", "p/stranger"):
        (root / name).write_bytes(b"by somebody")
    shutil.move(root / "p/out", root / "p/elsewhere")
    (root / "p/out").symlink_to("../outside")
    taken.put_back()
    backups.close()
    assert (root / "outside/y.txt").exists()
    assert (root / "p/elsewhere/other").read_bytes() == b"by somebody"
    assert (root / "p/stranger").read_bytes() == b"by somebody"


def test_a_fixed_prefix_may_be_behind_a_link(tmp_path: Path) -> None:
    """``out`` may be a link within the workspace: things come back to where it led before."""
    root = make(tmp_path / "w")
    shutil.move(root / "p/out", root / "real")
    (root / "p/out").symlink_to("../real")
    old = snapshot(root / "real")
    backups = Backups(str(root))
    taken = backups.take(subject("out/**"))
    (root / "real/a").write_bytes(b"new")
    (root / "real/fresh").touch()
    (root / "p/out").unlink()
    (root / "p/out").symlink_to("../outside")
    taken.put_back()
    backups.close()
    assert snapshot(root / "real") == old
    assert (root / "outside/x").exists()


def test_odd_names_come_back(tmp_path: Path) -> None:
    """Names with newlines and without any encoding are outputs like others."""
    root = make(tmp_path / "w")
    odd = [os.fsencode(root) + b"/p/out/" + name for name in (b"new\nline", b"\xff\xfe")]
    for path in odd:
        Path(os.fsdecode(path)).write_bytes(b"old")
    old = snapshot(root)
    backups = Backups(str(root))
    backups.take(subject("out/**"))
    for path in odd:
        os.unlink(path)
    Path(os.fsdecode(odd[0] + b"2")).touch()
    backups.die()
    heal(root)
    assert snapshot(root / "p/out") == {
        name.removeprefix("p/out/"): row for name, row in old.items() if name.startswith("p/out/")
    }


def test_another_tasks_result_stays(tmp_path: Path) -> None:
    """Two tasks write below one pattern: what the good one made is not undone with the bad one."""
    for killed in (False, True):
        root = make(tmp_path / f"w{killed}")
        backups = Backups(str(root))
        bad = backups.take(subject("out/*", name="bad"))
        good = backups.take(subject("out/*", name="good"))
        edit(root, "by-bad").touch()
        edit(root, "by-good").touch()
        edit(root, "a").write_bytes(b"good")
        good.commit(["/p/out/by-good", "/p/out/a"])
        if killed:
            backups.die()
            heal(root)
        else:
            bad.put_back()
            backups.close()
        assert edit(root, "by-good").exists()
        assert edit(root, "a").read_bytes() == b"good"
        assert not edit(root, "by-bad").exists()


def test_what_may_be_another_tasks_is_left_to_it(tmp_path: Path) -> None:
    """While another command may be writing below the same pattern, nothing new is removed."""
    root = make(tmp_path / "w")
    backups = Backups(str(root))
    bad = backups.take(subject("out/*", name="bad"))
    backups.take(subject("out/n*", name="other"))
    edit(root, "new").touch()
    edit(root, "by-bad").touch()
    bad.put_back()
    backups.close()
    assert edit(root, "new").exists()
    assert not edit(root, "by-bad").exists()


def test_what_cannot_be_kept_keeps_the_command_from_running(tmp_path: Path) -> None:
    """Each failing call is one clear error, and nothing of the attempt stays."""
    root = make(tmp_path / "w")
    for number in range(40):
        count = 0

        def before(name: str, number: int = number) -> None:
            nonlocal count
            count += 1
            if count == number + 1:
                raise OSError(28, os.strerror(28))

        backups = Backups(str(root), disk=Disk(before))
        old = snapshot(root)
        try:
            backups.take(subject("out/**", "o"))
        except OutputError as problem:
            said = str(problem)
        else:
            backups.close()
            assert number > 8
            return
        assert "cannot be kept" in said
        backups.close()
        assert snapshot(root) == old
        assert litter(root) == []
    raise AssertionError("it never succeeds")


def test_what_could_not_be_put_back_is_tried_again_but_not_over_a_newer_result(
    tmp_path: Path,
) -> None:
    """A place that somebody has changed since the attempt is his."""
    root = make(tmp_path / "w")
    fails = True

    def before(name: str) -> None:
        if fails and name == "rename":
            raise OSError(5, os.strerror(5))

    backups = Backups(str(root))
    taken = backups.take(subject("out/**", "o"))
    backups._disk = Disk(before)  # the trouble begins later
    edit(root, "a").write_bytes(b"bad")
    (root / "p/o").write_bytes(b"bad")
    lost = taken.put_back()
    assert "could not be put back (Input/output error)" in lost
    assert '"/p/o", "/p/out/a"' in lost
    backups.die()
    (root / "p/o").write_bytes(b"a good one of later")
    assert heal(root) == ["p:t: outputs that could not be put back earlier were put back"]
    assert edit(root, "a").read_bytes() == b"a"
    assert (root / "p/o").read_bytes() == b"a good one of later"
    assert litter(root) == []


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    """Nobody heals what a run has just begun."""
    root = make(tmp_path / "w")
    backups = Backups(str(root))
    taken = backups.take(subject("out/**"))
    edit(root, "a").write_bytes(b"half")
    assert heal(root) == []
    assert edit(root, "a").read_bytes() == b"half"
    taken.put_back()
    backups.close()


def test_whoever_ends_the_commands_is_waited_for(tmp_path: Path) -> None:
    """The owner is dead, and its watchdog still holds the folder: only then all have ended."""
    root = make(tmp_path / "w")
    held: list[int] = []
    backups = Backups(str(root), lambda folder: held.append(os.dup(folder)))
    backups.take(subject("out/**"))
    edit(root, "a").write_bytes(b"half")
    backups.die()
    child = os.fork()
    if child == 0:
        edit(root, "a").write_bytes(b"still writing")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(held.pop())
    heal(root)
    assert edit(root, "a").read_bytes() == b"a"


@given(st.binary(max_size=200), st.integers(0, 4000))
@settings(max_examples=200)
def test_a_damaged_record_is_none_or_stays_inside(junk: bytes, at: int) -> None:
    """Whatever stands in a record, it leads nowhere but into the workspace, and never raises."""
    data = _record()
    damaged = data[: at % len(data)] + junk + data[at % len(data) + len(junk) :]
    record = decode_record(damaged)
    if record is not None:
        places = [thing.place for thing in record.things]
        places += [*record.absent, *record.spared, *(p for p in record.area.places.values() if p)]
        assert all(".." not in place.split("/") and place[0] != "/" for place in places)


_records: list[bytes] = []


def _record() -> bytes:
    if not _records:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            root = make(Path(folder) / "w")
            backups = Backups(str(root))
            taken = backups.take(subject("out/**", "o"))
            data = encode_record(taken.record)
            assert decode_record(data) == taken.record
            [run] = litter(root)
            assert (root / CACHE / run / backup(0)).read_bytes() == data
            taken.put_back()
            backups.close()
            _records.append(data)
    return _records[0]
