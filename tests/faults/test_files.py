"""Inputs that move and outputs that are odd (sections G and H)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from haz_trio.abc import Miss, Restored, Stored
from haz_trio.errors import OutputError
from tests.beside import beside
from tests.cache.store_support import Bench, remove, subject, write
from tests.cli.support import Home
from tests.engine.workspaces import sh
from tests.faults.support import assert_quiet, halted

WAITING = "echo up; while [ ! -e ../go ]; do sleep 0.02; done"


@pytest.mark.row("G02")
def test_an_input_that_changes_while_its_task_waits_for_a_mutex(tmp_path: Path) -> None:
    """What is stored has the key of the bytes that were read, not of those looked at before."""
    mutex = {"name": "m", "mode": "exclusive"}
    tasks = {
        "a": sh(WAITING, mutex=mutex),
        "b": sh("cat in.txt > o", mutex=mutex, inputs=["in.txt"], outputs=["o"]),
    }
    home = Home.make(tmp_path, tasks)
    home.place.write("p/in.txt", "old\n")
    with halted(home, None, "run", "--workspace") as running:
        running.wait_for(b"up\n")
        time.sleep(0.3)  # b has been looked at
        home.place.write("p/in.txt", "new\n")
        (tmp_path / "go").touch()
        assert running.end() == 0
    out = home.place.p / "o"
    for text in ("new\n", "old\n", "new\n"):
        home.place.write("p/in.txt", text)
        out.unlink(missing_ok=True)
        assert home.haz("run", "p:b", HAZ_MEMO="0").code == 0
        assert out.read_text() == text


@pytest.mark.row("G04")
@pytest.mark.parametrize("rounds", [6, pytest.param(2000, marks=pytest.mark.deep)])
def test_files_that_come_and_go_during_a_run(tmp_path: Path, rounds: int) -> None:
    """A glob over a folder in which files appear and vanish: a run is a success or says why."""
    tasks = {"t": sh("true", inputs=["src/**/*.txt"])}
    home = Home.make(tmp_path, tasks)
    home.place.write("p/src/stays.txt", "1")
    names = [home.place.p / f"src/d{n % 3}/{n}.txt" for n in range(9)]

    def churn() -> None:
        for path in names:
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
        for path in names:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()

    with beside(churn):
        for _ in range(rounds):
            done = home.haz("run", "p:t", HAZ_MEMO="0")
            assert_quiet(done.err)
            assert done.code in (0, 1)
            assert done.code == 0 or done.said("[p:t]", "errored"), done.err
    assert home.haz("run", "p:t").code == 0
    assert home.haz("run", "p:t").said("1 cached")


LAYOUTS: dict[str, tuple[dict[str, str], bool]] = {
    "file": ({"in": "real"}, True),
    "chain": ({"in": "two", "two": "real"}, True),
    "absolute, inside": ({"in": "{root}/p/real"}, True),
    "through a folder": ({"in": "d/real", "d": "."}, True),
    "nothing": ({"in": "gone"}, False),
    "itself": ({"in": "in"}, False),
    "circle": ({"in": "two", "two": "in"}, False),
    "folder": ({"in": "."}, False),
    "folder above": ({"in": ".."}, False),
    "device": ({"in": "/dev/zero"}, False),
    "pipe": ({"in": "pipe"}, False),
    "below a file": ({"in": "real/x"}, False),
}


@pytest.mark.row("G06")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_links_among_inputs(tmp_path: Path, layout: str) -> None:
    """A link to a file counts with the bytes of the file; any other one is a clear error."""
    home = Home.make(tmp_path, {"t": sh("true", inputs=["in"])})
    home.place.write("p/real", "1")
    os.mkfifo(home.place.p / "pipe")
    links, good = LAYOUTS[layout]
    for name, target in links.items():
        (home.place.p / name).symlink_to(target.format(root=tmp_path))
    done = home.haz("run", "p:t", HAZ_MEMO="0")
    assert_quiet(done.err)
    if not good:
        assert done.code == 1
        assert done.said("[p:t]", "errored", "/p/in")
        return
    assert done.code == 0
    assert home.haz("run", "p:t", HAZ_MEMO="0").said("1 cached")
    home.place.write("p/real", "2")
    assert not home.haz("run", "p:t", HAZ_MEMO="0").said("1 cached")


def is_reading(pid: int, name: str) -> bool:
    """Whether a process has a file open; descriptors come and go while one looks."""
    for number in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{number}").endswith(name):
                return True
    return False


@pytest.mark.row("G08")
def test_a_terabyte_can_be_given_up(tmp_path: Path) -> None:
    """Ctrl-C while a huge sparse file is read: over at once, without waiting for its end."""
    home = Home.make(tmp_path, {"t": sh("true", inputs=["huge"])}, execution={"cancel_grace": 30})
    with (home.place.p / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with halted(home, None, "run", "p:t") as running:
        end = time.monotonic() + 20
        while not is_reading(running.child.pid, "/huge"):
            assert time.monotonic() < end
        began = time.monotonic()
        os.kill(running.child.pid, signal.SIGINT)
        assert running.end() in (130, -signal.SIGINT)
        assert time.monotonic() - began < 10  # reading all of it takes many minutes
    assert_quiet(running.heard)


@pytest.mark.row("G12")
def test_hits_keep_the_order_of_their_tasks(tmp_path: Path) -> None:
    """Producer and consumer are hits whose outputs were gone: the one comes before the other."""
    tasks = {
        "consumer": sh("cat made > used", inputs=["made"], outputs=["used"], deps=["~:producer"]),
        "producer": sh("echo 1 > made", outputs=["made"]),
    }
    home = Home.make(tmp_path, tasks)
    assert home.haz("run", "--workspace").code == 0
    for name in ("made", "used"):
        (home.place.p / name).unlink()
    done = home.haz("run", "--workspace", "--json", HAZ_MEMO="0")
    events = [json.loads(line) for line in done.out.splitlines()]
    order = [(event["task"], event["type"]) for event in events if "task" in event]
    finished = [task for task, kind in order if kind == order[-1][1]]
    assert finished == ["p:producer", "p:consumer"]
    assert (home.place.p / "used").read_text() == "1\n"
    assert done.out.count(b'"cache"') >= 2


@pytest.mark.row("H04")
@pytest.mark.parametrize("seconds", [1.0, pytest.param(60.0, marks=pytest.mark.deep)])
def test_a_link_that_is_swapped_in_during_restores(tmp_path: Path, seconds: float) -> None:
    """Who turns a folder into a link outside at the worst moment gets nothing written there."""
    bench = Bench(tmp_path / "ws")
    bench.lib.mkdir(parents=True)
    what = subject("d/**")

    def make() -> None:
        for name in ("d/x/1", "d/x/2", "d/y/3"):
            write(bench.lib / name, b"made")

    assert bench.fresh(what, make)[1] == Stored()
    outside = tmp_path / "outside"
    for name in ("1", "2"):
        write(outside / name, b"precious")
    folder, aside = bench.lib / "d/x", bench.lib / "aside"

    def flip() -> None:
        try:
            folder.rename(aside)
            folder.symlink_to(outside)
            time.sleep(0.0003)
            folder.unlink()
            aside.rename(folder)
        except OSError:
            remove(aside)

    seen = set()
    end = time.monotonic() + seconds
    with beside(flip):
        while time.monotonic() < end:
            remove(bench.lib / "d/y/3")
            try:
                seen.add(type(bench.hit(what)))
            except (OSError, OutputError):  # the attacker took away what was being put back
                continue
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {
        "1": b"precious",
        "2": b"precious",
    }
    assert seen <= {Restored, Miss}


@pytest.mark.row("H07")
def test_an_output_that_is_a_hard_link(tmp_path: Path) -> None:
    """What an output was linked to keeps its bytes, mode and times, whatever is restored."""
    bench = Bench(tmp_path / "ws")
    bench.lib.mkdir(parents=True)
    outside = write(tmp_path / "outside", b"precious", 0o600)
    before = outside.stat()
    what = subject("o")
    assert bench.fresh(what, lambda: write(bench.lib / "o", b"made", 0o755))[1] == Stored()
    for content in (b"precious", b"made"):
        remove(bench.lib / "o")
        outside.write_bytes(content)
        os.link(outside, bench.lib / "o")
        outside.chmod(0o600)
        assert isinstance(bench.hit(what), Restored)
        assert (bench.lib / "o").read_bytes() == b"made"
        assert (bench.lib / "o").stat().st_mode & 0o777 == 0o755
        assert outside.read_bytes() == content
        assert outside.stat().st_mode == before.st_mode
    (bench.lib / "o").write_bytes(b"edited in place")
    assert isinstance(bench.hit(what), Restored)
    assert (bench.lib / "o").read_bytes() == b"made"


@pytest.mark.row("H09")
@pytest.mark.parametrize("owner", [0, 54321])
def test_outputs_that_may_not_be_written(tmp_path: Path, owner: int) -> None:
    """A file that is read-only or somebody else's is replaced, since its folder may be written."""
    bench = Bench(tmp_path / "ws")
    bench.lib.mkdir(parents=True)
    what = subject("d/o")
    assert bench.fresh(what, lambda: write(bench.lib / "d/o", b"made", 0o644))[1] == Stored()
    remove(bench.lib / "d/o")
    path = write(bench.lib / "d/o", b"other", 0o400)
    if owner:
        try:
            os.chown(path, owner, owner)
        except PermissionError:
            pytest.skip("only root can give files away")
    assert isinstance(bench.hit(what), Restored)
    assert path.read_bytes() == b"made"
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (os.geteuid(), 0o644)


@pytest.mark.row("H12")
def test_what_a_killed_task_left_is_no_result(tmp_path: Path) -> None:
    """Half an output stays where it is, and the next run makes it whole."""
    script = f"printf half > o; [ -e ../go ] || {{ {WAITING}; }}; printf whole > o"
    home = Home.make(tmp_path, {"t": sh(script, outputs=["o"])}, execution={"cancel_grace": 0})
    for number in (signal.SIGINT, signal.SIGKILL):
        with halted(home, None, "run", "p:t") as running:
            running.wait_for(b"up\n")
            os.kill(running.child.pid, number)
            running.end()
        assert (home.place.p / "o").read_text() == "half"
    (tmp_path / "go").touch()
    done = home.haz("run", "p:t")
    assert done.code == 0
    assert not done.said("cached")
    assert (home.place.p / "o").read_text() == "whole"


@pytest.mark.row("H15")
def test_long_names_and_deep_folders(tmp_path: Path) -> None:
    """Names of 255 bytes come back; a path that is too long for one call is kept or refused."""
    home = Home.make(tmp_path, {})
    name = "n" * 255
    deep = "/".join(["d" * 200] * 15)
    deeper = (
        "import os\nfor _ in range(25): os.mkdir('e' * 200); os.chdir('e' * 200)\nopen('o', 'w')"
    )
    command = [
        shutil.which("python3") or "python3",
        "-c",
        f"os.mkdir('g'); os.chdir('g')\n{deeper}",
    ]
    command[2] = f"import os; {command[2]}"
    tasks = {
        "long": sh(f"echo 1 > {name}", outputs=[name]),
        "deep": sh(f"mkdir -p {deep}; echo 2 > {deep}/o", outputs=[f"{deep}/o"]),
        "glob": {"command": command, "outputs": ["g/**"]},
    }
    home.place.make(tmp_path, tasks)
    done = home.haz("run", "--workspace")
    assert_quiet(done.err)
    for task in ("long", "deep"):
        assert done.said(f"[p:{task}]", "done"), done.err
    assert done.said("[p:glob]", "done") or done.said("[p:glob]", "errored"), done.err
    (home.place.p / name).unlink()
    (home.place.p / deep / "o").unlink()
    again = home.haz("run", "p:long", "p:deep", HAZ_MEMO="0")
    assert again.said("2 completed (2 cached)"), again.err
    assert (home.place.p / name).read_text() == "1\n"
    assert (home.place.p / deep / "o").read_text() == "2\n"


@pytest.mark.row("H16")
def test_a_restored_file_is_new(tmp_path: Path) -> None:
    """Its time is that of the restore, so that tools that compare times build on."""
    bench = Bench(tmp_path / "ws")
    bench.lib.mkdir(parents=True)
    what = subject("o")
    assert bench.fresh(what, lambda: write(bench.lib / "o"))[1] == Stored()
    os.utime(bench.lib / "o", (1, 1))
    assert isinstance(bench.hit(what), Restored)
    assert (bench.lib / "o").stat().st_mtime == 1  # it was right: it is not touched
    remove(bench.lib / "o")
    began = time.time()
    assert isinstance(bench.hit(what), Restored)
    assert (bench.lib / "o").stat().st_mtime >= began - 0.1
