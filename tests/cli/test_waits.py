"""``haz waits`` and ``haz simulate``: what runs are recorded, and what is told of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

HAZ = (sys.executable, "-m", "haz_trio")
STATE = Path(".haz/cache/state")


def sleeping(seconds: float, **more: object) -> dict[str, object]:
    return {"command": ["sleep", str(seconds)], **more}


def files(slowness: float = 1) -> Mapping[str, object]:
    """A workspace whose tasks sleep for some tenths of seconds, or for as many times longer."""
    return {
        ".haz/workspace.yml": {
            "projects": ["/a", "/b"],
            "concurrency": {"default": 3, "tags": {"db": 1}},
        },
        "a/haz.yml": {
            "name": "a",
            "tags": ["db"],
            "tasks": {
                "x": sleeping(0.31 * slowness, mutex="port"),
                "y": sleeping(0.42 * slowness),
                "z": sleeping(0.23 * slowness, deps=["~:x"]),
            },
        },
        "b/haz.yml": {
            "name": "b",
            "tasks": {
                "x": sleeping(0.34 * slowness, mutex="port"),
                "z": sleeping(0.25 * slowness, deps=["~:x", "a:y"]),
            },
        },
    }


FILES = files()
SLOWER = files(6)  # so that what a busy machine adds to each task is little beside it


@attrs.frozen
class Place:
    root: Path

    def __call__(self, *words: str, code: int = 0) -> str:
        """What haz prints: its results, or what it says when it fails."""
        argv = [*HAZ, "-C", str(self.root), *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def write(self, files: Mapping[str, object]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))

    def fresh_run(self) -> None:
        shutil.rmtree(self.root / ".haz" / "cache", ignore_errors=True)
        self("run", "--all")

    def measured(self) -> float:
        """Seconds that the last run took, as it was recorded."""
        found: float = json.loads(self("waits", "--json"))["duration"]
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    found.write(FILES)
    return found


def test_waits_have_names_and_add_up(place: Place) -> None:
    place("run", "--all")
    found = json.loads(place("waits", "--json"))
    tasks = {each["task"]: each for each in found["tasks"]}
    assert found["jobs"] == 3
    assert found["tag_caps"] == {"db": 1}
    for each in tasks.values():
        waited = sum(wait["seconds"] for wait in each["waits"])
        assert waited + each["looked"] + each["ran"] == pytest.approx(each["settled"], abs=1e-4)
    assert any(wait["for"] == "mutex port" for wait in tasks["b:x"]["waits"])
    assert any(wait["for"] == "tag db" for wait in tasks["a:y"]["waits"])
    assert tasks["b:z"]["waits"][0]["for"].startswith("dependency ")
    assert all(each["end"] == "fresh" for each in tasks.values())


def test_people_see_what_was_waited_for_and_by_whom(place: Place) -> None:
    place("run", "--all")
    text = place("waits")
    assert ": 5 tasks, 3 slots, " in text
    totals = text.split("\n\n")[1]
    assert {"mutex port", "tag db"} <= {line.split("  ")[0] for line in totals.splitlines()}
    assert place("waits", "--all") == text


def test_a_run_in_which_nothing_runs_is_not_recorded(place: Place) -> None:
    place("run", "--all")
    first = os.listdir(place.root / STATE)
    place("run", "--all")
    after = os.listdir(place.root / STATE)
    count = [sum(name.startswith("timeline-") for name in names) for names in (first, after)]
    assert count == [1, 1]


def test_runs_are_listed_newest_first_and_called_by_the_end_of_their_name(place: Place) -> None:
    place("run", "a:x")
    place("run", "b:x")
    lines = place("waits", "--list").splitlines()
    names = [line.split()[1] for line in lines]
    assert names == sorted(names, reverse=True)
    assert [run["run"] for run in json.loads(place("waits", "--list", "--json"))["runs"]] == names
    assert json.loads(place("waits", names[1][-6:], "--json"))["run"] == names[1]
    assert f"there are {names[0]}, {names[1]}" in place("waits", "nothing", code=2)


def test_an_end_that_several_runs_have_is_refused(place: Place) -> None:
    place("run", "a:x")
    name = place("waits", "--list").split()[1]
    file = place.root / STATE / f"timeline-{name}"
    shutil.copy(file, file.with_name(f"timeline-ffff{name[4:]}"))
    assert f"several recorded runs are called '{name[-4:]}'" in place("waits", name[-4:], code=2)


def test_without_a_recorded_run_there_is_a_way_out(place: Place) -> None:
    assert "no run is recorded yet" in place("waits", code=2)
    assert place("waits", "--list") == ""
    assert "takes no run" in place("waits", "--list", "1", code=2)


def test_a_run_whose_task_is_gone_is_refused(place: Place) -> None:
    place("run", "b:x")
    place.write({"b/haz.yml": {"name": "b", "tasks": {"other": sleeping(0)}}})
    assert "a task b:x that the workspace has no longer" in place("waits", code=2)


def test_with_nothing_changed_the_simulation_is_the_run(place: Place) -> None:
    """Within 2 % of what was measured: tasks sleep, and everything else is reckoned."""
    place("run", "--all")
    found = json.loads(place("simulate", "--json"))
    assert found["simulated"]["duration"] == pytest.approx(found["measured"], rel=0.02)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("setting", "settings"),
    [
        ("concurrency.tags.db=2", {"concurrency": {"default": 3, "tags": {"db": 2}}}),
        ("concurrency.default=1", {"concurrency": {"default": 1, "tags": {"db": 1}}}),
    ],
)
def test_a_changed_cap_does_what_was_foretold(
    place: Place, setting: str, settings: Mapping[str, object]
) -> None:
    """Within 5 % of what a run with the changed configuration takes, in one of three tries."""
    tries = []
    for _ in range(3):
        place.write(SLOWER)
        place.fresh_run()
        told = json.loads(place("simulate", "--set", setting, "--json"))
        foretold = told["changed"]["duration"]
        place.write({".haz/workspace.yml": {"projects": ["/a", "/b"], **settings}})
        place.fresh_run()
        tries.append((foretold, place.measured()))
        if foretold == pytest.approx(place.measured(), rel=0.05):
            return
    pytest.fail(f"{setting}: (foretold, measured) is {tries}")


def test_the_best_changes_are_named(place: Place) -> None:
    """Three tasks one by one because of their tag, two because of their mutex."""
    three = {name: sleeping(0.4 + number / 100) for number, name in enumerate("xyz")}
    place.write({"a/haz.yml": {"name": "a", "tags": ["db"], "tasks": three}})
    two = {name: sleeping(0.1 + number / 100, mutex="port") for number, name in enumerate("xy")}
    place.write({"b/haz.yml": {"name": "b", "tasks": two}})
    place("run", "--all")
    text = place("simulate")
    assert "critical path" in text
    assert "what would help most\nconcurrency.tags.db=2" in text
    changed = place("simulate", "--set", "mutex.port=none", "-j", "50%")
    assert "with concurrency.default=" in changed
    assert ", mutex.port=none" in changed


def test_where_nothing_waits_nothing_is_proposed(place: Place) -> None:
    place("run", "b:x")
    assert "would save as much as 1 %" in place("simulate")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "foo"), "write it as KEY=VALUE"),
        (("--set", "foo=1"), "unknown setting `foo`"),
        (("--set", "concurrency.tags.db=0"), "the cap of a tag is a number from 1 on"),
        (("--set", "mutex.port=2"), "mutex.port=none"),
        (("--set", "concurrency.default=0"), "a number of tasks from 1 on"),
        (("-j", "2", "--set", "concurrency.default=2"), "given twice"),
        (("--set", "concurrency.tags.nobody=2"), "no task of the run has the tag 'nobody'"),
        (("--set", "mutex.nobody=none"), "no task of the run has the mutex 'nobody'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    place: Place, words: tuple[str, ...], said: str
) -> None:
    place("run", "a:x", "b:x")
    assert said in place("simulate", *words, code=2)


def test_a_stopped_run_is_refused(place: Place) -> None:
    place.write({"b/haz.yml": {"name": "b", "tasks": {"long": sleeping(60)}}})
    place("run", "b:long", "--timeout", "300ms", code=124)
    assert "was stopped" in place("simulate", code=2)
