"""Caches that somebody has prepared, and repositories that want to be run (section I)."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

from haz_trio.abc import Miss, Stored
from haz_trio.cache import draft
from haz_trio.cache.manifest import Link, Manifest, Output, render
from haz_trio.cache.manifest_reader import parse
from haz_trio.model.workspace import HashName
from haz_trio.values import evolve
from tests.cache.store_support import KEY, Bench, remove, subject, write
from tests.cli.support import HAZ, LIMIT, Home
from tests.engine.workspaces import sh
from tests.faults import trace
from tests.faults.support import assert_heals, assert_quiet

TOP = Path(__file__).parents[2]
WHAT = subject("d/**")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "ws")
    made.lib.mkdir(parents=True)
    return made


@pytest.mark.row("I02")
@pytest.mark.parametrize(
    ("links", "outputs"),
    [
        ({"d/l": ".."}, ("d/l/x",)),
        ({"d/l": "../.."}, ("d/l/outside/x",)),
        ({"d/a": ".", "d/b": "a/.."}, ("d/b/x",)),
        ({"d/a": "b", "d/b": "/tmp"}, ("d/a/x",)),
        ({"d/l": "x"}, ("d/l", "d/x")),
        ({"d/l": "l"}, ("d/l/x",)),
        ({"d": ".."}, ("d/x",)),
    ],
)
def test_a_file_below_a_link_of_the_same_entry(
    bench: Bench, links: dict[str, str], outputs: tuple[str, ...]
) -> None:
    """A sealed entry that makes a link and writes through it is a miss that writes nothing."""
    assert bench.fresh(WHAT, lambda: write(bench.lib / "d/x", b"made"))[1] == Stored()
    place = bench.entry() / "manifest.json"
    good = parse(place.read_bytes(), HashName.BLAKE3)
    assert isinstance(good, Manifest)
    first = good.outputs[0]
    forged = evolve(
        good,
        links=tuple(Link(f"/lib/{name}", target) for name, target in sorted(links.items())),
        outputs=tuple(
            Output(f"/lib/{name}", first.digest, first.size, first.mode)
            for name in sorted(outputs)
        ),
    )
    place.write_bytes(render(forged.sealed))
    remove(bench.lib / "d")
    before = {path for path in bench.root.parent.rglob("*") if bench.cache not in path.parents}
    assert isinstance(bench.hit(WHAT), Miss)
    after = {path for path in bench.root.parent.rglob("*") if bench.cache not in path.parents}
    assert after == before


@pytest.mark.row("I09")
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o770, 0o775, 0o702, 0o777, 0o1777])
def test_a_cache_that_others_may_write(tmp_path: Path, mode: int) -> None:
    """Who may be anybody is not believed: nothing is read or stored, and the way out is told."""
    home = Home.make(tmp_path, {"t": sh("echo 1 > o", outputs=["o"])})
    cache = tmp_path / ".haz/cache"
    assert home.haz("run", "p:t").code == 0
    assert cache.stat().st_mode & 0o777 == 0o700
    cache.chmod(mode)
    done = home.haz("run", "p:t", HAZ_MEMO="0")
    assert done.code == 0
    if mode & 0o002:
        assert done.said("everybody may write", "chmod o-w")
        assert not done.said("cached")
    else:
        assert done.said("1 cached")


@pytest.mark.row("I09")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_cache_of_another_user(tmp_path: Path) -> None:
    """Who finds the cache of somebody else, not root's, runs without it and says why."""
    home = Home.make(tmp_path / "ws", {"t": sh("true")})
    assert home.haz("run", "p:t").code == 0
    for path in (tmp_path / "ws/.haz/cache", *(tmp_path / "ws/.haz/cache").rglob("*")):
        os.chown(path, 54321, 54321)
    (tmp_path / "ws/.haz/cache").chmod(0o755)
    code = (
        "import os, sys; from haz_trio.cache.store import DiskStore;"
        "from haz_trio.model.workspace import HashName;"
        "os.setgid(54322); os.setuid(54322);"
        "store = DiskStore(sys.argv[1], HashName.BLAKE3, created_at=0);"
        "print(store.is_there, *store.finish())"
    )
    place = home.root
    while place != Path("/tmp") and place != place.parent:  # where pytest works
        place.chmod(place.stat().st_mode | 0o055)
        place = place.parent
    done = subprocess.run(
        [HAZ[0], "-c", code, str(home.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("False ")
    assert "it belongs to user 54321, not to you" in done.stdout


@pytest.mark.row("I10")
def test_a_link_in_the_place_of_a_temporary_file(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever guesses a temporary name and plants a link there: nothing is written through it."""
    canary = write(tmp_path / "canary/stdout", b"precious")
    monkeypatch.setattr(draft, "token", lambda: "0" * 16)  # as random as it gets for the attacker
    planted = bench.cache / KEY[:2] / f".tmp-{KEY}-{'0' * 16}"
    planted.parent.mkdir(parents=True, mode=0o700)
    bench.cache.chmod(0o700)
    planted.symlink_to(canary.parent)
    kept = bench.fresh(WHAT, lambda: write(bench.lib / "d/x", b"made"))[1]
    assert kept != Stored()
    assert [path.name for path in canary.parent.iterdir()] == ["stdout"]
    assert canary.read_bytes() == b"precious"


@pytest.mark.row("I11")
def test_a_cache_that_is_replaced_by_a_link_during_a_run(tmp_path: Path) -> None:
    """The folder that a run has opened is the one that it writes to, whatever gets its name."""
    swap = "cd ../.haz; mv cache aside; ln -s ../../elsewhere cache; cd ../p"
    tasks = {
        "a": sh("echo 1 > a", outputs=["a"]),
        "b": sh(f"{swap}; echo 2 > b", outputs=["b"], deps=["~:a"]),
        "c": sh("head -c 3000000 /dev/zero > c", outputs=["c"], deps=["~:b"]),
    }
    home = Home.make(tmp_path / "ws", tasks)
    assert home.haz("run", "p:a").code == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    done = home.haz("run", "--workspace", HAZ_MEMO="0")
    assert_quiet(done.err)
    assert done.code == 0, done.err
    assert not [path for path in elsewhere.rglob("*") if len(path.name) == 64]


@pytest.mark.row("I14")
def test_the_secret_of_a_cache_stays_in_its_file(tmp_path: Path) -> None:
    """It is its owner's alone, and no child, no log and no other file has it."""
    home = Home.make(tmp_path, {"t": sh("env; cat /proc/$PPID/cmdline; : > o", outputs=["o"])})
    done = [home.haz("run", "p:t"), home.haz("run", "-v", "p:t", "--json"), home.haz("why", "p:t")]
    place = tmp_path / ".haz/cache/state/secret"
    secret = place.read_bytes()
    assert place.stat().st_mode & 0o777 == 0o600
    assert len(secret) >= 16
    said = [each.out + each.err for each in done]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != place]
    for data in [*said, *files]:
        assert secret not in data
        assert secret.hex().encode() not in data


@pytest.mark.row("I15")
@pytest.mark.skipif(trace.PROGRAM is None, reason="there is no strace")
def test_looking_runs_nothing(tmp_path: Path) -> None:
    """No command that only looks executes anything of the repository."""
    home = Home.make(tmp_path / "ws", {"t": sh("touch ../harm")})
    home.place.write("p/git", "#!/bin/sh\ntouch ../harm\n").chmod(0o755)
    log = tmp_path / "calls"
    for words in (
        *(["check"], ["query"], ["graph"], ["why", "p:t"], ["run", "--dry-run", "p:t"]),
        *(["cache", "info"], ["--help"]),
    ):
        subprocess.run(
            [str(trace.PROGRAM), "-f", "-e", "trace=execve", "-o", log, "--", *HAZ, *words],
            cwd=home.place.p,
            env={**home.env, "PATH": f".:{home.env['PATH']}"},
            capture_output=True,
            timeout=LIMIT,
            check=True,
        )
        executed = [line for line in log.read_text().splitlines() if "execve(" in line]
        ours = [line for line in executed[1:] if not any(f"{d}/git" in line for d in SYSTEM)]
        assert ours == [], words
    assert not (tmp_path / "ws/harm").exists()


SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")
FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "dbm"}
CALLS = {"eval", "exec", "compile", "__import__"}
# The first calls names of our own table; the second executes the modules of function tasks that a
# workspace lists, for ``run`` and the library alone (decisions.md 23); the third, which no ``haz``
# imports, executes the program that the conformance kit has been told to try.
MAY = {
    "cli/state.py",
    "functions/loading.py",
    "testing/far_side/zygote.py",
}


def suspicious(node: ast.AST) -> set[str]:
    """The words in a piece of a program by which data could become code."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names} & FORBIDDEN
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]} & FORBIDDEN
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return {node.func.id} & CALLS
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        is_loader = node.attr.startswith(("load", "unsafe", "full"))
        return {node.attr} if node.value.id == "yaml" and is_loader else set()
    return set()


@pytest.mark.row("I16")
def test_no_data_becomes_code() -> None:
    """Nothing unpickles, evaluates or loads YAML with tags; the exceptions are named here."""
    room = TOP / "haz_trio"
    found = [
        f"{path.relative_to(room)}: {', '.join(names)}"
        for path in sorted(room.rglob("*.py"))
        if str(path.relative_to(room)) not in MAY
        for node in ast.walk(ast.parse(path.read_text()))
        if (names := suspicious(node))
    ]
    assert found == []


@pytest.mark.row("C08")
def test_what_a_thousand_killed_runs_left(tmp_path: Path) -> None:
    """Temporary files without an owner go with the next cleaning; those of a living run stay."""
    home = Home.make(tmp_path, {"t": sh("echo 1 > o", outputs=["o"])})
    assert home.haz("run", "p:t").code == 0
    cache = tmp_path / ".haz/cache"
    shard = next(path for path in cache.iterdir() if len(path.name) == 2)
    for number in range(1000):
        left = shard / f".tmp-{shard.name}{'0' * 62}-{number:016x}"
        left.mkdir()
        (left / "stdout").write_text("half")
        old = cache / f"state/known.{number:016x}"
        old.write_text("half")
        os.utime(old, (1, 1))
    alive = shard / f".tmp-{shard.name}{'0' * 62}-{'f' * 16}"
    alive.mkdir()
    with subprocess.Popen(["flock", str(alive), "sleep", "60"]) as holder:
        try:
            assert home.haz("run", "-f", "p:t").code == 0
            assert home.haz("cache", "clean", "--soft").code == 0
        finally:
            holder.kill()
    assert home.place.litter() == [str(alive)]
    assert not list((cache / "state").glob("known.*"))
    alive.rmdir()
    assert_heals(home, "p:t")
