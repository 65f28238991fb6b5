"""What only a run shows: two writers of one file, and circles of files."""

from __future__ import annotations

from pathlib import Path

from haz_trio.plan.outcome import (
    Cancelled,
    InFlight,
    OutputOverlap,
    RunCancelled,
    RuntimeCycle,
)
from tests.engine.workspaces import (
    CACHE,
    FRESH,
    Place,
    go,
    id_of,
    sh,
)


def test_two_writers_of_one_file_end_the_run(tmp_path: Path) -> None:
    """The overlap is reported, nothing more is admitted, and the second is not stored (E40)."""
    tasks = {
        "a": sh("mkdir -p out; echo a > out/r.txt", outputs=["out/*.txt"]),
        "b": sh("mkdir -p out; echo bb > out/r.txt", outputs=["out/*.txt"]),
        "c": sh("true"),
        "d": sh("echo d", deps=["~:c"]),
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    ran = go(place)
    assert ran.report.violations == (OutputOverlap(id_of("a"), id_of("b"), "/p/out/r.txt"),)
    assert ran.sources() == {"a": FRESH, "b": FRESH, "c": "Cancelled", "d": "Cancelled"}
    assert not ran.report.succeeded
    assert ran.outcome("c") == Cancelled(RunCancelled())
    again = go(place, "b")
    assert again.sources() == {"b": FRESH}
    assert again.report.succeeded
    assert place.litter() == []


def test_one_glob_and_different_files_are_no_overlap(tmp_path: Path) -> None:
    """Two tasks may declare the same pattern when they write different files (E42b)."""
    tasks = {
        name: sh(f"mkdir -p out; echo {name} > out/{name}.txt", outputs=["out/*.txt"])
        for name in ("a", "b", "c")
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    for source in (FRESH, CACHE, CACHE):
        ran = go(place)
        assert ran.report.violations == ()
        assert set(ran.sources().values()) == {source}
    for name in tasks:
        (tmp_path / f"p/out/{name}.txt").write_text("spoiled")
    assert set(go(place).sources().values()) == {CACHE}
    for name in tasks:
        assert (tmp_path / f"p/out/{name}.txt").read_text() == f"{name}\n"


def test_what_runs_beside_an_overlap_finishes(tmp_path: Path) -> None:
    """No process is signalled; what would have followed is cancelled (E42)."""
    tasks = {
        "a": sh("echo a > r", outputs=["r*"]),
        "b": sh("while [ ! -e ../up ]; do sleep 0.01; done; echo bb > r", outputs=["r*"]),
        "c": sh("touch ../up; sleep 0.4; echo c"),
        "d": sh("true", deps=["~:c"]),
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 3})
    ran = go(place)
    assert len(ran.report.violations) == 1
    assert ran.said("c") == b"c\n"
    assert ran.sources()["c"] is FRESH
    assert ran.outcome("d") == Cancelled(RunCancelled())


CIRCLE = {
    "gen": sh("cp a.src b.gen", inputs=["*.src"], outputs=["*.gen"]),
    "src": sh("cp b.gen c.src", inputs=["*.gen"], outputs=["*.src"]),
}


def test_a_circle_of_files_ends_the_run(tmp_path: Path) -> None:
    """Two tasks that read each other's files are a cycle, whoever is ready is cancelled (E44)."""
    place = Place.make(tmp_path, {**CIRCLE, "z": sh("echo z")}, concurrency={"default": 1})
    place.write("p/a.src", "a")
    place.write("p/b.gen", "b")
    ran = go(place)
    [cycle] = ran.report.violations
    assert isinstance(cycle, RuntimeCycle)
    assert set(cycle.nodes) == {id_of("gen"), id_of("src")}
    assert ran.outcome("z") == Cancelled(RunCancelled())
    assert not ran.report.succeeded


def test_a_circle_halts_what_runs(tmp_path: Path) -> None:
    """A process in flight is asked to end (E45)."""
    tasks = {**CIRCLE, "z": sh("touch ../up; sleep 60")}
    tasks["src"] = sh(
        "while [ ! -e ../up ]; do sleep 0.01; done; cp b.gen c.src",
        inputs=["*.gen"],
        outputs=["*.src"],
    )
    place = Place.make(tmp_path, tasks, concurrency={"default": 3})
    place.write("p/a.src", "a")
    place.write("p/b.gen", "b")
    ran = go(place)
    assert ran.outcome("z") == Cancelled(InFlight())
    assert place.processes() == []


def test_half_a_circle_is_none(tmp_path: Path) -> None:
    """With one of the two selected there is no cycle (E46), nor is a formatter one (E47)."""
    place = Place.make(tmp_path, dict(CIRCLE))
    place.write("p/a.src", "a")
    assert go(place, "gen").report.succeeded
    assert go(place, "gen").sources() == {"gen": CACHE}


def test_two_formatters_of_one_file_are_a_violation(tmp_path: Path) -> None:
    """Each one reads what the other writes (E48)."""
    tasks = {
        name: sh(f"echo {name} >> x.c", inputs=["*.c"], outputs=["*.c"]) for name in ("f", "g")
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    place.write("p/x.c", "x\n")
    ran = go(place)
    assert not ran.report.succeeded
    assert ran.report.violations


def test_a_weak_edge_closes_a_circle(tmp_path: Path) -> None:
    """Weak edges order here (4.6), so the reader has run when its input is made (E48b)."""
    tasks = {
        "a": sh("echo x > x.gen", outputs=["*.gen"], weakDeps=["~:b"]),
        "b": sh("true", inputs=["*.gen"]),
    }
    place = Place.make(tmp_path, tasks, concurrency={"default": 1})
    ran = go(place)
    assert ran.sources() == {"a": FRESH, "b": FRESH}
    assert [type(violation) for violation in ran.report.violations] == [RuntimeCycle]
    assert not ran.report.succeeded
