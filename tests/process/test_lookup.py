"""Which file a program's name stands for, and what is said when there is none (B09, EXEC-009)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from haz_trio.abc import Command
from haz_trio.errors import SpawnError
from haz_trio.values import evolve
from tests.process.support import command, run


def refusal(what: Command) -> str:
    with pytest.raises(SpawnError) as caught:
        run(what)
    return str(caught.value)


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_path_is_relative_to_the_directory_of_the_command(tmp_path: Path) -> None:
    """`./x` is looked up where the command runs, and is called by the name it was written with."""
    script(tmp_path / "x", '#!/bin/sh\necho "$0 $1"\n')
    assert run(command("./x", "a b", cwd=str(tmp_path))).out == b"./x a b\n"


def test_the_path_of_the_child_decides(tmp_path: Path) -> None:
    """A bare name is searched in the child's PATH, in order, past files that are no programs."""
    script(tmp_path / "one" / "haz-tool", "no program", 0o644)
    (tmp_path / "two" / "haz-tool").mkdir(parents=True)
    script(tmp_path / "three" / "haz-tool", "#!/bin/sh\necho three\n")
    path = ":".join(str(tmp_path / name) for name in ("none", "one", "two", "three"))
    assert run(command("haz-tool", PATH=path)).out == b"three\n"


@pytest.mark.parametrize("path", ["bin", "bin/", ":/nowhere", "/nowhere:"])
def test_relative_and_empty_entries(tmp_path: Path, path: str) -> None:
    """An entry of PATH is relative to the command's directory; an empty one is that directory."""
    directory = tmp_path / "bin" if path.startswith("bin") else tmp_path
    script(directory / "haz-tool", "#!/bin/sh\necho here\n")
    assert run(command("haz-tool", cwd=str(tmp_path), PATH=path)).out == b"here\n"


def test_without_a_path_the_system_directories_are_searched() -> None:
    """`sh` is found without any PATH; the PATH of this process plays no part."""
    assert run(Command(("sh", "-c", "echo ok"), "/", {})).out == b"ok\n"


def test_not_found_without_a_path() -> None:
    """The message names the missing PATH and the way out."""
    message = refusal(Command(("haz-nowhere",), "/", {"A": "b"}))
    assert "`haz-nowhere`" in message
    assert "the task has no PATH; add PATH to env.from_host" in message


def test_not_found_in_the_path() -> None:
    """The message names the directories that were searched, and not too many of them."""
    message = refusal(command("haz-nowhere", PATH="/nowhere:/usr/bin"))
    assert "`haz-nowhere`" in message
    assert "(/nowhere, /usr/bin)" in message
    many = refusal(command("haz-nowhere", PATH=":".join(f"/d{i}" for i in range(100))))
    assert "/d7 and 92 more" in many
    assert "/d8" not in many
    assert "`` cannot be started" in refusal(command(""))


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("#!/bin/sh\n", 0o644, ["/tool is not executable", "chmod +x"]),
        ("#!/nowhere/perl -w\n", 0o755, ["the interpreter /nowhere/perl, which does not exist"]),
        ("#!/bin/sh\r\n", 0o755, ["interpreter /bin/sh (", "carriage return"]),
        ("echo hello\n", 0o755, ["first line names no interpreter", "#!/bin/sh"]),
        ("", 0o755, ["is empty"]),
    ],
)
def test_files_that_cannot_be_run(tmp_path: Path, text: str, mode: int, words: list[str]) -> None:
    """Each reason has its own words, for a path and for a name found in PATH."""
    script(tmp_path / "tool", "")
    (tmp_path / "tool").write_bytes(text.encode())
    (tmp_path / "tool").chmod(mode)
    for what in (
        command("./tool", cwd=str(tmp_path)),
        command("tool", PATH=str(tmp_path)),
    ):
        message = refusal(what)
        assert f"`{what.argv[0]}`" in message
        assert all(word in message for word in words), message


def test_other_kinds_of_files(tmp_path: Path) -> None:
    """Directories, dangling links, loops, foreign machine code, files that are not there."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    header = bytearray(Path("/proc/self/exe").read_bytes()[:64])
    header[18:20] = b"\xf3\x01"  # the field that says which machine this is for
    (tmp_path / "foreign").write_bytes(header)
    (tmp_path / "foreign").chmod(0o755)
    expected = {
        "directory": "is a directory",
        "dangling": "is a symlink to nothing, which does not exist",
        "loop": os.strerror(40),
        "fifo": "is not a regular file",
        "foreign": "another kind of machine",
        "absent": f"{tmp_path}/absent does not exist",
        "fifo/below": "does not exist",
    }
    for name, words in expected.items():
        assert words in refusal(command(f"./{name}", cwd=str(tmp_path))), name


def test_the_directory_of_the_command(tmp_path: Path) -> None:
    """A directory that is missing, or is none, is named, and not confused with the program."""
    (tmp_path / "file").write_text("")
    missing = refusal(command("sh", cwd=str(tmp_path / "gone")))
    assert f"{tmp_path}/gone does not exist" in missing
    assert f"{tmp_path}/file cannot be used" in refusal(command("sh", cwd=str(tmp_path / "file")))


def test_texts_that_the_system_cannot_take() -> None:
    """Arguments that are too long, NUL characters, impossible names and texts, no words at all."""
    assert "longer than the system allows (3,0" in refusal(command("true", "x" * 3_000_000))
    assert "its argument 'a\\x00b' contains a NUL" in refusal(command("true", "a\0b"))
    assert "`a\\0b` cannot be started: its argument 'a\\x00b'" in refusal(command("a\0b"))
    assert "the variable X" in refusal(command("true", X="\0"))
    assert "its directory" in refusal(command("true", cwd="/\0"))
    assert "'a=b' is no name" in refusal(Command(("true",), "/", {"a=b": ""}))
    assert "'' is no name" in refusal(Command(("true",), "/", {"": "x"}))
    assert "is no text that can be encoded" in refusal(command("true", "\ud800"))
    assert "names no program" in refusal(evolve(command("x"), argv=()))


def test_a_mode_that_only_others_may_execute(tmp_path: Path) -> None:
    """A file with any right to execute is tried by who may do everything, else it is refused."""
    path = script(tmp_path / "tool", "#!/bin/sh\necho ran\n", stat.S_IRUSR | stat.S_IXOTH)
    if os.geteuid() == 0:
        assert run(command(str(path))).out == b"ran\n"
    else:
        assert "is not executable" in refusal(command(str(path)))
