"""What the shortcuts of a run that does nothing have to see, as a run without them would."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from tests.cli.support import Done, Home
from tests.engine.workspaces import sh

SETTLED = 0.06  # seconds after which a change of a file must show in its times
MEMOS = pytest.mark.parametrize("memo", ["1", "0"])
PLAIN = {"from_host": ["PATH"]}


def run(home: Home, *words: str, **env: str) -> Done:
    """A run that succeeds, some time after what was done before."""
    time.sleep(SETTLED)
    done = attrs.evolve(home, env={**home.env, **env}).haz("run", *words)
    assert done.code == 0, done.err
    return done


def hits(done: Done) -> list[str]:
    return [line.split()[0] for line in done.said("cached in")]


def write(home: Home, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (home.place.p / name).write_text(text)


@MEMOS
def test_an_input_behind_a_link_is_the_file_that_was_put_back(tmp_path: Path, memo: str) -> None:
    """CACHE-006: a file has a second name where a folder is a link, under which it was seen."""
    copy = {"command": ["/bin/cp", "link/sub/o", "out"], "inputs": ["link/sub/o"]}
    tasks = {
        "gen": {
            "command": ["/bin/cp", "src", "real/sub/o"],
            "inputs": ["src"],
            "outputs": ["real/sub/o"],
        },
        "again": {"command": ["/bin/cp", "src", "again"], "inputs": ["src"], "outputs": ["again"]},
        "early": {"command": ["/bin/true"], "inputs": ["link/sub/o"], "deps": ["~:again"]},
        "use": {**copy, "outputs": ["out"], "deps": ["~:gen"]},
    }
    home = Home.make(tmp_path, tasks)
    (home.place.p / "real" / "sub").mkdir(parents=True)
    (home.place.p / "link").symlink_to("real")
    write(home, {"src": "1", "real/sub/o": "0"})
    run(home, "--workspace", "-j1", HAZ_MEMO=memo)
    write(home, {"src": "2"})
    for _ in range(3):
        run(home, "--workspace", "-j1", HAZ_MEMO=memo)
    write(home, {"src": "1"})
    run(home, "--workspace", "-j1", HAZ_MEMO=memo)
    said = [(home.place.p / name).read_text() for name in ("real/sub/o", "out")]
    assert said == ["1", "1"]


def test_a_glob_where_there_is_nothing_is_no_obstacle(tmp_path: Path) -> None:
    """What has no folder yet, nor the one above it, is looked for like anything else."""
    home = Home.make(tmp_path, {"t": sh("true", inputs=["gen/deep/**"], env=PLAIN)})
    for _ in range(3):
        run(home, "p:t")
    assert list((home.root / ".haz" / "cache" / "state").glob("memo-*"))
    (home.place.p / "gen" / "deep").mkdir(parents=True)
    assert hits(run(home, "p:t")) == ["[p:t]"]
    write(home, {"gen/deep/new": ""})
    assert hits(run(home, "p:t")) == []


@MEMOS
@pytest.mark.parametrize("outputs", ["build/d/o", "build/d/**"])
def test_a_folder_that_leads_outside_is_no_hit(tmp_path: Path, memo: str, outputs: str) -> None:
    """cache.md B5 189: moved elsewhere, with a link in its place, it has the files that it had."""
    task = sh("mkdir -p build/d; echo o > build/d/o", outputs=[outputs])
    home = Home.make(tmp_path / "ws", {"t": task})
    for _ in range(3):
        run(home, "p:t", HAZ_MEMO=memo)
    shutil.move(home.place.p / "build", tmp_path / "elsewhere")
    (home.place.p / "build").symlink_to(tmp_path / "elsewhere")
    done = run(home, "p:t", HAZ_MEMO=memo)
    assert hits(done) == []
    assert done.said("leads outside the workspace")


@MEMOS
def test_what_another_result_left_is_cleared_away(tmp_path: Path, memo: str) -> None:
    """decisions.md 11: also after runs that can prove nothing, with an argument or forced."""
    script = 'test -f x.out || echo x > x.out; if [ "$1$V" = 2 ]; then echo y > y.out; fi'
    env = {"from_host": ["PATH", "V"]}
    home = Home.make(tmp_path, {"t": sh(script, outputs=["*.out"], env=env)})
    left = home.place.p / "y.out"
    run(home, "p:t", HAZ_MEMO=memo, V="")
    for words in (["p:t", "--arg", "2"], ["--force", "p:t"]):
        variables = {"HAZ_MEMO": memo, "V": "2" if "--force" in words else ""}
        run(home, *words, **variables)
        for _ in range(4):
            run(home, "p:t", HAZ_MEMO=memo, V="")
        assert not left.exists()
        run(home, *words, **variables)
        assert left.exists()
        assert hits(run(home, "p:t", HAZ_MEMO=memo, V="")) == ["[p:t]"]
        assert not left.exists()


def test_a_cache_behind_a_link_is_asked_who_may_write_to_it(tmp_path: Path) -> None:
    """cache.md C4: the link shows no change of what it leads to."""
    home = Home.make(tmp_path / "ws", {"t": sh("echo hi", env=PLAIN)})
    (tmp_path / "cache").mkdir(mode=0o700)
    (home.root / ".haz").mkdir(exist_ok=True)
    (home.root / ".haz" / "cache").symlink_to(tmp_path / "cache")
    for _ in range(4):
        done = run(home, "p:t")
    assert hits(done) == ["[p:t]"]
    (tmp_path / "cache").chmod(0o777)
    done = run(home, "p:t")
    assert hits(done) == []
    assert done.said("everybody may write to it")


def test_a_hit_becomes_the_last_result(tmp_path: Path) -> None:
    """cli.md 14.3: what has changed is told since the result that was had last."""
    home = Home.make(tmp_path, {"t": sh("true", env={"from_host": ["PATH", "V", "W"]})})
    run(home, "p:t", V="2", W="2")
    for _ in range(4):
        run(home, "p:t", V="1", W="1")
    run(home, "--force", "p:t", V="2", W="2")
    assert hits(run(home, "p:t", V="1", W="1")) == ["[p:t]"]
    done = run(home, "--explain", "p:t", V="1", W="3")
    assert [line.partition("miss: ")[2] for line in done.said("miss: ")] == ["variable W changed"]
