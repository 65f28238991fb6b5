"""``haz run`` as a process: what its streams, its environment and its files may do to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.support import Home
from tests.engine.workspaces import sh

# -- how much is said -------------------------------------------------------------------------


def test_quiet_prints_what_tasks_print_and_what_went_wrong(tmp_path: Path) -> None:
    """`-q` of a good run is the tasks' own streams; of a bad one the failures as well."""
    tasks = {
        "good": sh("echo fine; echo odd >&2"),
        "bad": sh("exit 3", deps=["~:good"]),
        "after": sh("true", deps=["~:bad"]),
    }
    home = Home.make(tmp_path, tasks)
    for _ in range(2):  # the second is a hit
        done = home.haz("-q", "run", "p:good")
        assert (done.code, done.out, done.err) == (0, b"[p:good] fine\n", b"[p:good] odd\n")
    done = home.haz("-q", "run", "p:after")
    assert (done.code, done.out) == (1, b"[p:good] fine\n")
    assert done.said("[p:bad]", "failed", "(exit 3)")
    assert done.said("Tasks: 1 completed (1 cached), 1 failed, 1 skipped")
    assert not done.said("[p:after]")


# -- streams ----------------------------------------------------------------------------------


def test_a_reader_that_leaves_ends_only_the_printing(tmp_path: Path) -> None:
    """``| head -1``: the run goes on to its end, and its outcome decides (decisions.md 9)."""
    home = Home.make(tmp_path, {"long": sh("seq 1 200000; touch ../end")})
    done = home.shell('{ "$@" run p:long; echo $? > code; } | head -1')
    assert done.out == b"[p:long] 1\n"
    assert (tmp_path / "code").read_text() == "0\n"
    assert (tmp_path / "end").exists()
    assert done.said("done")
    assert not done.said("rror")
    failing = Home.make(tmp_path, {"bad": sh("seq 1 200000; exit 3")})
    failing.shell('{ "$@" run p:bad; echo $? > code; } | head -1')
    assert (tmp_path / "code").read_text() == "1\n"


def test_a_full_disk_behind_stdout_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    """Lost output that somebody wanted is a failure of the run, said once."""
    home = Home.make(tmp_path, {"loud": sh("seq 1 50000; touch ../end")})
    for _ in range(2):  # the second is a hit
        done = home.shell('"$@" run p:loud > /dev/full')
        assert done.code == 1
        assert len(done.said("cannot write to standard output", "No space left")) == 1
        assert done.said("Tasks: 1 completed")
    assert (tmp_path / "end").exists()


def test_a_full_disk_behind_stderr_is_exit_code_1(tmp_path: Path) -> None:
    """Nothing can be said there; the output of tasks is complete all the same."""
    home = Home.make(tmp_path, {"loud": sh("seq 1 5")})
    done = home.shell('"$@" run p:loud 2> /dev/full')
    assert done.code == 1
    assert done.out.count(b"\n") == 5


def test_an_empty_output_does_not_care_where_it_goes(tmp_path: Path) -> None:
    """A task that prints nothing loses nothing on a full disk."""
    home = Home.make(tmp_path, {"quiet": sh("true")})
    assert home.shell('"$@" run p:quiet > /dev/full').code == 0


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-"])
def test_a_closed_stream_harms_nothing(tmp_path: Path, closed: str) -> None:
    """No file of ours takes the place of a closed stream and gets the task's bytes."""
    script = "echo to-stdout; echo to-stderr >&2; cat in.txt > out.txt"
    home = Home.make(tmp_path, {"t": sh(script, inputs=["in.txt"], outputs=["out.txt"])})
    home.place.write("p/in.txt", "content")
    for _ in range(2):
        assert home.shell(f'"$@" run p:t {closed}').code == 0
        assert (tmp_path / "p/out.txt").read_text() == "content"
    for path in tmp_path.rglob("*"):
        # What knows the script or its output by right.
        known = path.name in ("stdout", "stderr", "haz.yml", "recipe.json")
        if path.is_file() and not known and path.parent.name != "state":
            assert b"to-std" not in path.read_bytes(), path


def test_ten_megabytes_arrive_whole(tmp_path: Path) -> None:
    """Each line with its prefix, in order, fresh and from the cache, live and buffered."""
    count = 1_300_000
    home = Home.make(tmp_path, {"big": sh(f"seq 1 {count}")})
    plain = b"".join(b"%d\n" % n for n in range(1, count + 1))
    assert len(plain) > 9_000_000
    live = b"".join(b"[p:big] %d\n" % n for n in range(1, count + 1))
    assert home.haz("run", "p:big").out == live
    assert home.haz("run", "p:big", "--output-mode", "buffered").out == plain


def test_a_task_reads_an_empty_stdin(tmp_path: Path) -> None:
    """``cat`` ends at once, although our own input has something to read."""
    home = Home.make(tmp_path, {"reads": sh("cat; echo end")})
    done = home.haz("run", "p:reads", stdin=b"secret\n")
    assert done.out == b"[p:reads] end\n"
    assert done.code == 0


def test_buffered_output_of_an_errored_task_is_shown(tmp_path: Path) -> None:
    """What it said before its output was found missing is no secret (E15)."""
    script = "echo out; printf part; echo err >&2"
    home = Home.make(tmp_path, {"bad": sh(script, outputs=["o.txt"])})
    done = home.haz("run", "p:bad", "--output-mode", "buffered")
    assert done.code == 1
    assert done.out == b"out\npart"
    assert done.lines[0] == "err"
    assert done.said("[p:bad]", "errored", "o.txt")
    live = home.haz("run", "p:bad")
    assert live.out == b"[p:bad] out\n[p:bad] part\n"


# -- where and how ----------------------------------------------------------------------------


def test_the_start_can_be_chosen(tmp_path: Path) -> None:
    """``-C`` goes somewhere first, ``--root`` and ``HAZ_ROOT`` name the workspace."""
    tasks = {"default": sh("pwd"), "other": sh("echo other")}
    home = Home.make(tmp_path / "w", tasks)
    project = str(home.root / "p")
    line = f"[p:default] {project}\n".encode()
    assert home.haz("-C", "p", "run").out == line
    assert home.haz("-C", project, "run", cwd=tmp_path).out == line
    assert home.haz("--root", "w", "run", "p:default", cwd=tmp_path).out == line
    assert home.haz("run", "p:default", cwd=tmp_path, HAZ_ROOT=str(home.root)).out == line
    assert home.haz("--root", str(home.root), "run", cwd=tmp_path, HAZ_ROOT="/x").code == 2
    assert home.haz("run", "other", cwd=home.root / "p").out == b"[p:other] other\n"


@pytest.mark.parametrize(
    "words", [["-C", "nowhere"], ["-C", "p/haz.yml"], ["--root", "nowhere"], ["--root", "p"]]
)
def test_a_start_that_is_none_is_refused(tmp_path: Path, words: list[str]) -> None:
    """Exit code 2 and a sentence that names the folder."""
    home = Home.make(tmp_path, {"default": sh("true")})
    done = home.haz(*words, "run")
    assert done.code == 2
    assert words[1].encode() in b"".join(done.err.split())
    assert b"Traceback" not in done.err


def test_colour_is_where_it_is_wanted(tmp_path: Path) -> None:
    """``--color`` beats the environment; without a terminal there is none by itself."""
    home = Home.make(tmp_path, {"t": sh("echo x")})

    def coloured(*words: str, **env: str) -> tuple[bool, bool]:
        done = Home(home.place, {**home.env, **env}).haz(*words, "run", "p:t")
        assert done.code == 0
        return b"\x1b[" in done.out, b"\x1b[" in done.err

    assert coloured() == (False, False)
    assert coloured("--color", "always") == (True, True)
    assert coloured(FORCE_COLOR="1", NO_COLOR="1") == (False, False)
    assert coloured("--color", "always", NO_COLOR="1") == (True, True)
    assert coloured("--color", "never", FORCE_COLOR="1") == (False, False)


def test_the_environment_is_exactly_what_was_declared(tmp_path: Path) -> None:
    """Host variables that are named and exist, overrides over them, and nothing else."""
    task = {
        "command": ["/usr/bin/env", "-0"],
        "env": {"from_host": ["HOME", "ABSENT", "BOTH"], "override": {"BOTH": "mine", "A": "ä"}},
    }
    home = Home.make(tmp_path, {"t": task, "bare": {"command": ["/usr/bin/env"]}})
    done = home.haz("run", "p:t", "--output-mode", "buffered", BOTH="host", SECRET="no")
    found = dict(item.split(b"=", 1) for item in done.out.split(b"\0") if item)
    assert found == {b"HOME": b"/nonexistent", b"BOTH": b"mine", b"A": "ä".encode()}
    assert home.haz("run", "p:bare").out == b""


# -- files ------------------------------------------------------------------------------------


def test_a_root_may_have_any_name(tmp_path: Path) -> None:
    """Blanks, a line feed and signs of patterns in the path of the workspace mean nothing."""
    root = tmp_path / "a b\n*[x]{y}?"
    script = "cat src/*.c > 'out file'; pwd"
    home = Home.make(root, {"t": sh(script, inputs=["src/*.c"], outputs=["out*"])})
    home.place.write("p/src/a.c", "one")
    first = home.haz("run", "p:t", "--output-mode", "buffered")
    assert first.out == os.fsencode(root / "p") + b"\n"
    (root / "p/out file").unlink()
    second = home.haz("run", "p:t")
    assert second.said("cached")
    assert (root / "p/out file").read_text() == "one"
    home.place.write("p/src/a.c", "two")
    assert home.haz("run", "p:t").said("done")


def test_any_file_name_can_be_an_input(tmp_path: Path) -> None:
    """A line feed in a name is a byte like others to a glob; no other name passes for it."""
    home = Home.make(tmp_path, {"t": sh("cat src/*", inputs=["src/*"])})
    (tmp_path / "p/src").mkdir()
    odd = tmp_path / "p/src/a\nb"
    odd.write_text("one")
    assert home.haz("run", "p:t").said("done")
    assert home.haz("run", "p:t").said("cached")
    odd.write_text("two")
    assert home.haz("run", "p:t").out == b"[p:t] two\n"


def test_an_unchanged_run_writes_nothing(tmp_path: Path) -> None:
    """A hit on outputs that are right touches no file of the workspace or of the cache."""
    script = "mkdir -p out; for n in 1 2 3; do echo $n > out/$n; done; chmod 750 out/3"
    tasks = {
        "make": sh(script, outputs=["out/*"]),
        "use": sh("cat out/* | tee sum", deps=["~:make"], inputs=["out/*"], outputs=["sum"]),
    }
    home = Home.make(tmp_path, tasks)
    home.haz("run", "--workspace")

    def rows() -> dict[str, tuple[int, ...]]:
        return {
            str(path): (
                info.st_ino,
                info.st_mode,
                info.st_size,
                info.st_mtime_ns,
                info.st_ctime_ns,
            )
            for path in tmp_path.rglob("*")
            if "state" not in path.parts
            for info in [path.lstat()]
        }

    home.haz("run", "--workspace")  # may write down what it has learnt
    before = rows()
    assert home.haz("run", "--workspace").said("2 completed (2 cached)")
    assert rows() == before


def test_many_tasks_at_once(tmp_path: Path) -> None:
    """64 processes together, each with its own line, output and result."""
    tasks = {
        f"t{n}": sh(f"echo {n}; echo e{n} >&2; echo {n} > o{n}", outputs=[f"o{n}"])
        for n in range(64)
    }
    home = Home.make(tmp_path, tasks, concurrency={"default": 64})
    done = home.haz("run", "--workspace")
    assert done.code == 0, done.err
    expected = sorted(f"[p:t{n}] {n}".encode() for n in range(64))
    assert sorted(done.out.splitlines()) == expected
    assert all(f"[p:t{n}] e{n}" in done.lines for n in range(64))
    assert home.place.litter() == []
    again = home.haz("run", "--workspace")
    assert again.said("64 completed (64 cached)")
    assert sorted(again.out.splitlines()) == expected
