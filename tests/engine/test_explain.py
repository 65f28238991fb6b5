"""Explanations: keys and cache states as a run would find them, and no trace on the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from haz_trio.cache.entries import Damaged, NoEntry
from haz_trio.cache.manifest import Manifest, render
from haz_trio.cache.manifest_reader import OtherSchema
from haz_trio.cache.verification import Blocked
from haz_trio.engine.explain import Explanation, Keyed, Unkeyed
from haz_trio.values import evolve
from tests.engine.why_support import Bench, sh, snapshot, task_id


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """``lib:build`` reads a source and makes a file; ``web:page`` depends on it."""
    bench = Bench(tmp_path)
    bench.config(
        {
            "lib": {
                "tasks": {"build": sh("cat src; cp src out", inputs=["src"], outputs=["out"])}
            },
            "web": {"tasks": {"page": sh("echo page", deps=["lib:build"], inputs=["*.html"])}},
        }
    )
    bench.write("lib/src", "one\n")
    bench.write("web/index.html", "<p>")
    return bench


def keyed(explanation: Explanation) -> Keyed:
    standing = explanation.view.standing
    assert isinstance(standing, Keyed)
    return standing


def test_a_task_that_never_ran_has_a_key_and_no_entry(bench: Bench) -> None:
    """The key is there before anything has run; the cache is not made by looking."""
    assert keyed(bench.explain("lib:build")).found == NoEntry()
    assert not bench.cache.exists()


def test_a_hit_is_foretold_with_the_key_of_the_run(bench: Bench) -> None:
    """After a run the entry under the explained key is a hit, and a run agrees."""
    bench.run("web:page")
    for task in ("lib:build", "web:page"):
        standing = keyed(bench.explain(task))
        assert isinstance(standing.found, Manifest)
        assert bench.entry(standing.key).is_dir()
    assert bench.run("web:page") == {"lib:build": "hit", "web:page": "hit"}


def test_a_predecessor_without_a_result_leaves_no_key(bench: Bench) -> None:
    """What it will print is unknown; the rest of the recipe is known."""
    explanation = bench.explain("web:page")
    assert explanation.view.standing == Unkeyed((task_id("lib:build"),))
    assert explanation.unready == task_id("lib:build")
    assert [path for path, _ in explanation.view.recipe.inputs] == ["/web/index.html"]


def test_the_first_unready_task_is_the_deepest(tmp_path: Path) -> None:
    """Depth first in canonical order: what has to run first is named first."""
    bench = Bench(tmp_path)
    tasks = {
        "top": sh("true", deps=["~:b", "~:c"]),
        "b": sh("true", deps=["~:z"]),
        "c": sh("echo c"),
        "z": sh("true"),
    }
    bench.config({"p": {"tasks": tasks}})
    views = bench.explain("p:top").views
    assert [id.task for id in views] == ["z", "b", "c", "top"]
    assert bench.explain("p:top").unready == task_id("p:z")
    bench.run("p:b")
    assert bench.explain("p:top").unready == task_id("p:c")


def test_a_long_chain_is_no_burden(tmp_path: Path) -> None:
    """Nothing here recurses: a chain longer than Python's stack is explained."""
    bench = Bench(tmp_path)
    length = 1200
    tasks = {
        f"t{n}": {"command": ["true"], "deps": [f"~:t{n - 1}"] if n else []} for n in range(length)
    }
    bench.config({"p": {"tasks": tasks}})
    explanation = bench.explain(f"p:t{length - 1}")
    assert len(explanation.views) == length
    assert explanation.unready == task_id("p:t0")


def test_a_missing_input_is_named_and_the_others_are_read(bench: Bench) -> None:
    """There is no key, but the rest of the inputs is known (config.md 5.3)."""
    bench.config({"lib": {"tasks": {"build": sh("true", inputs=["gone", "src", "dir", "d*"])}}})
    bench.write("lib/dir/file", "")
    standing = bench.explain("lib:build").view.standing
    assert isinstance(standing, Unkeyed)
    told = sorted(standing.problems)
    assert len(told) == 2
    assert '"/lib/dir" is a folder' in told[0]
    assert '"/lib/gone" does not exist' in told[1]
    assert [p.text for p in standing.unread] == ["/lib/dir"]
    recipe = bench.explain("lib:build").view.recipe
    assert [path for path, _ in recipe.inputs] == ["/lib/src"]


def test_a_missing_input_names_who_makes_it(bench: Bench) -> None:
    """The way out is in the message."""
    bench.config(
        {
            "lib": {
                "tasks": {
                    "build": sh("true", inputs=["made"]),
                    "gen": sh("true", outputs=["made"]),
                }
            }
        }
    )
    standing = bench.explain("lib:build").view.standing
    assert isinstance(standing, Unkeyed)
    assert "lib:gen makes it" in standing.problems[0]


@pytest.mark.parametrize("name", ["stdout", "outputs"])
def test_rotten_bytes_are_no_hit(bench: Bench, name: str) -> None:
    """Of the right size but with other bytes: a run would not use it (cache.md C6)."""
    bench.run("lib:build")
    entry = bench.entry(keyed(bench.explain("lib:build")).key)
    place = entry / name
    file = next(place.iterdir()) if place.is_dir() else place
    file.write_bytes(file.read_bytes().swapcase())
    found = keyed(bench.explain("lib:build")).found
    assert isinstance(found, Damaged)
    assert "other bytes" in found.reason


def test_a_rotten_predecessor_has_no_result(bench: Bench) -> None:
    """Its successor cannot be keyed either."""
    bench.run("web:page")
    key = keyed(bench.explain("lib:build")).key
    (bench.entry(key) / "stdout").unlink()
    assert bench.explain("web:page").view.standing == Unkeyed((task_id("lib:build"),))


def test_another_format_is_another_schema(bench: Bench) -> None:
    """An entry of another version is not damaged, only not ours to read."""
    bench.run("lib:build")
    file = bench.entry(keyed(bench.explain("lib:build")).key) / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "chapter_revision": 7}))
    assert isinstance(keyed(bench.explain("lib:build")).found, OtherSchema)


def test_a_sound_entry_of_another_task_is_no_hit(bench: Bench) -> None:
    """Sealed and complete, but with outputs that this task does not declare (cache.md C6)."""
    bench.run("lib:build")
    standing = keyed(bench.explain("lib:build"))
    assert isinstance(standing.found, Manifest)
    outputs = tuple(evolve(o, path="/lib/other") for o in standing.found.outputs)
    foreign = evolve(standing.found, outputs=outputs).sealed
    (bench.entry(standing.key) / "manifest.json").write_bytes(render(foreign))
    found = keyed(bench.explain("lib:build")).found
    assert isinstance(found, Damaged)
    assert '"/lib/other" matches no declared output' in found.reason


def _full_folder(bench: Bench) -> None:
    bench.write("lib/d/out/mine", "")


def _file_above(bench: Bench) -> None:
    bench.write("lib/d", "")


def _way_out(bench: Bench) -> None:
    (bench.root / "lib/d").symlink_to("/tmp")


@pytest.mark.parametrize(
    ("hinder", "reason"),
    [
        (_full_folder, '"/lib/d/out" is a folder with something in it'),
        (_file_above, '"/lib/d" is a file where a folder has to be'),
        (_way_out, '"/lib/d" leads outside the workspace, to "/tmp"'),
    ],
    ids=["B184", "B186", "B189"],
)
def test_what_cannot_be_put_back_is_no_hit(
    bench: Bench, hinder: Callable[[Bench], None], reason: str
) -> None:
    """A sound entry whose place is taken: a run would miss, and so what depends on it."""
    build = sh("mkdir -p d; echo made > d/out", outputs=["d/out"])
    page = sh("true", deps=["lib:build"])
    bench.config({"lib": {"tasks": {"build": build}}, "web": {"tasks": {"page": page}}})
    bench.run("web:page")
    (bench.root / "lib/d/out").unlink()
    (bench.root / "lib/d").rmdir()
    assert isinstance(keyed(bench.explain("lib:build")).found, Manifest)
    hinder(bench)
    before = snapshot(bench.root)
    found = keyed(bench.explain("lib:build")).found
    assert found == Blocked(f"lib:build cannot be restored: {reason}")
    assert bench.explain("web:page").unready == task_id("lib:build")
    assert snapshot(bench.root) == before


def test_a_cache_that_is_a_file_is_an_error(bench: Bench) -> None:
    """It cannot be looked at (row M20)."""
    bench.write(".haz/cache", "")
    with pytest.raises(NotADirectoryError):
        bench.explain("lib:build")


def test_a_cache_that_everybody_may_write_is_not_believed(bench: Bench) -> None:
    """A run would not use it either; a note says so."""
    bench.run("lib:build")
    bench.cache.chmod(0o777)
    explanation = bench.explain("lib:build")
    assert keyed(explanation).found == NoEntry()
    assert any("everybody may write" in note for note in explanation.notes)


def test_nothing_on_disk_changes(bench: Bench) -> None:
    """Neither explaining nor comparing writes, also where there is much to say."""
    bench.run("web:page")
    bench.write("lib/src", "two\n")
    before = snapshot(bench.root)
    bench.explain("web:page")
    bench.compare("web:page")
    assert snapshot(bench.root) == before


def test_the_path_of_why_needs_no_trio() -> None:
    """Importing trio costs more than explaining (cli.md 14.5)."""
    code = (
        "import sys, haz_trio.cli.why, haz_trio.engine.comparison\n"
        "assert not {'trio', 'trio_util'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
