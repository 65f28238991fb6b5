"""Promises of the cache that show on the command line alone (cache.md C15: S4, C2, C3)."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from haz_trio.cli.main import run_command_line
from tests.cli.support import LIMIT, Home
from tests.engine.workspaces import PATH, sh

UNSTORABLE: dict[str, tuple[str, int]] = {
    "an input that the command edits (B 115)": ("echo more >> in; cp in out", 0),
    "a name that is not UTF-8 (B 127)": ("touch out; touch dist/$(printf 'odd-\\377')", 0),
    "a name with a line end (B 128)": ("touch out; touch \"dist/$(printf 'a\\nb')\"", 0),
    "a failure (B 132)": ("touch out; exit 3", 1),
    "a death by a signal (B 133)": ("touch out; kill -9 $$", 1),
    "somebody who goes on (B 134)": ("touch out; sleep 60 &", 0),
}


def entries(home: Home) -> list[Path]:
    return [p for p in (home.root / ".haz/cache").glob("??/*") if len(p.name) == 64]


@pytest.mark.parametrize("case", UNSTORABLE)
def test_what_is_not_stored(tmp_path: Path, case: str) -> None:
    """S4: the exit code is the command's own, nothing is stored, and a success says why."""
    script, code = UNSTORABLE[case]
    task = sh(f"mkdir -p dist; {script}", inputs=["in"], outputs=["out", "dist/*"])
    home = Home.make(tmp_path, {"t": task})
    home.place.write("p/in", "1\n")
    done = home.haz("run", "p:t")
    assert done.code == code, done.err
    assert entries(home) == []
    assert bool(done.said("not stored:")) == (code == 0), done.err


def test_an_interrupted_success_is_not_stored(tmp_path: Path) -> None:
    """S4, B 307: the child ends with 0 on SIGTERM, and the run with 130."""
    script = "trap 'exit 0' TERM; touch out; echo up; sleep 60 & wait"
    home = Home.make(tmp_path, {"t": sh(script, outputs=["out"])})
    with home.started("run", "p:t") as running:
        running.wait_for(b"up")
        running.signal(signal.SIGINT)
        assert running.end().code == 130
    assert entries(home) == []


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Every file and folder with all that a write would change."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (info.st_ino, info.st_mode, info.st_mtime_ns, info.st_ctime_ns, data)
    return found


@pytest.mark.parametrize("has_cache", [False, True])
def test_looking_leaves_the_tree_as_it_was(tmp_path: Path, has_cache: bool) -> None:
    """C3: byte for byte, times included, with a cache and without one."""
    home = Home.make(tmp_path, {"t": sh("cp in out", inputs=["in"], outputs=["out"])})
    home.place.write("p/in", "1\n")
    if has_cache:
        assert home.haz("run", "p:t").code == 0
    before = snapshot(tmp_path)
    key = entries(home)[0].name if has_cache else "0000"
    for words in (
        "check",
        "why p:t",
        "why --diff p:t",
        "query",
        "graph",
        "schema task",
        "run --dry-run p:t",
        "run --dry-run --json p:t",
        "cache info",
        "cache ls",
        f"cache show {key}",
        "cache verify",
        "cache clean --soft --dry-run",
    ):
        done = home.haz(*words.split())
        assert b"Traceback" not in done.err
        assert snapshot(tmp_path) == before, words


def original() -> str:
    found = shutil.which("haz", path=os.path.expanduser("~/.cargo/bin"))
    if found is None:
        pytest.skip("the original is not installed")
    return found


@pytest.mark.parametrize("rounds", [8, pytest.param(200, marks=pytest.mark.deep)])
def test_both_programs_take_turns(tmp_path: Path, rounds: int) -> None:
    """C2: in one workspace, with edits between: no wrong hit, no crash, nothing damaged."""
    program = original()
    tasks = {
        "make": sh("cat in > mid; echo $(cat in)", inputs=["in"], outputs=["mid"]),
        "use": sh("cat mid mid > out", inputs=["mid"], outputs=["out"], deps=["~:make"]),
    }
    home = Home.make(tmp_path, tasks)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(rounds):
        text = f"{draw.randrange(3)}\n"
        home.place.write("p/in", text)
        for name in ("mid", "out"):
            if draw.random() < 0.3:
                (home.place.p / name).unlink(missing_ok=True)
        if draw.random() < 0.5:
            done = home.haz("run", "p:use")
            code, said = done.code, done.err
        else:
            theirs = subprocess.run(
                [program, "run", "p:use"],
                cwd=home.root,
                env={**home.env, "PATH": PATH},
                capture_output=True,
                timeout=LIMIT,
                check=False,
            )
            code, said = theirs.returncode, theirs.stderr
        assert code == 0, said
        assert (home.place.p / "mid").read_text() == text
        assert (home.place.p / "out").read_text() == text * 2
    assert home.haz("cache", "verify").code == 0


def _shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes() or b"\0")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "emptied": lambda path: os.truncate(path, 0),
    "shortened": _shorten,
    "garbage": lambda path: path.write_bytes(b"\xde\xad{garbage" * 40),
    "one bit": _flip,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_file_of_the_cache_may_be_damaged(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """C4: whichever file it is, state files and locks included, the next run is right."""
    monkeypatch.setenv("PATH", PATH)
    monkeypatch.setenv("HAZ_MEMO", "0")
    tasks = {
        "make": sh("cat in > mid; echo made", inputs=["in"], outputs=["mid"]),
        "use": sh("cat mid mid > out", inputs=["mid"], outputs=["out"], deps=["~:make"]),
    }
    home = Home.make(tmp_path / "ws", tasks)
    line = ["-C", str(home.root), "--color=never", "run", "p:use"]
    home.place.write("p/in", "1\n")
    for _ in range(2):  # the second run leaves what is known of the first
        assert run_command_line(line) == 0
    cache = home.root / ".haz/cache"
    saved = tmp_path / "saved"
    shutil.copytree(cache, saved, symlinks=True)
    names = [path.relative_to(cache) for path in sorted(cache.rglob("*")) if path.is_file()]
    assert len(names) > 12
    for number, name in enumerate(names):
        shutil.rmtree(cache)
        shutil.copytree(saved, cache, symlinks=True)
        DAMAGES[damage](cache / name)
        if number % 2:
            (home.place.p / "out").unlink()
        capfd.readouterr()
        assert run_command_line(line) == 0, name
        said = capfd.readouterr()
        assert said.out == "[p:make] made\n", name
        assert "Traceback" not in said.err
        assert (home.place.p / "mid").read_text() == "1\n"
        assert (home.place.p / "out").read_text() == "1\n1\n", name


def test_a_renamed_task_has_what_it_left_under_its_old_name(tmp_path: Path) -> None:
    """What no task declares any more is an old output like any other (decisions.md 10)."""
    script = "mkdir -p out; [ -f out/x ] || echo x > out/x; cat in > out/y"
    task = sh(script, inputs=["in"], outputs=["out/*"])
    home = Home.make(tmp_path, {"build": task})
    home.place.write("p/in", "1\n")
    assert home.haz("run", "p:build").code == 0
    home = Home.make(tmp_path, {"compile": task})
    home.place.write("p/in", "2\n")
    assert home.haz("run", "p:compile").code == 0
    shutil.rmtree(home.root / "p/out")
    assert b"cached" in home.haz("run", "p:compile").err
    assert sorted(path.name for path in (home.root / "p/out").iterdir()) == ["x", "y"]


def test_another_hash_function_damages_nothing(tmp_path: Path) -> None:
    """What was stored before `cache.hash` was changed is sound, and what is damaged is not."""
    home = Home.make(
        tmp_path, {"t": sh("echo 1 > out", outputs=["out"])}, cache={"hash": "sha256"}
    )
    assert home.haz("run", "p:t").code == 0
    settings = home.root / ".haz/workspace.yml"
    settings.write_text(settings.read_text().replace("sha256", "blake3"))
    done = home.haz("cache", "verify")
    assert done.code == 0
    assert b"entries of another schema: 1\nblobs verified: 2\n" in done.out
    [blob] = [path for path in (home.root / ".haz/cache/blobs").iterdir() if path.read_bytes()]
    blob.chmod(0o644)
    blob.write_bytes(b"2\n")
    assert b"damaged blobs: 1\n" in home.haz("cache", "verify").out
