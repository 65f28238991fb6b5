"""One plan, two drivers: what is decided does not depend on who asks."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.engine import direct
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import (
    Event,
    RunFinished,
    TaskBegun,
    TaskMissed,
    TaskOutput,
    TaskSettled,
)
from haz_trio.plan.outcome import Completed
from tests.engine.shortcut_world import (
    SECOND,
    Clock,
    Twin,
    drive_whole,
    populate,
    proven_twin,
    start,
)
from tests.shortcut_edits import Edit, chmod, entries, remove, same_size, write

EDITS: list[Edit] = [
    same_size("libs/one/src/a", "x"),
    same_size("libs/two/src/c", "y"),
    same_size("shared/s", "z"),
    same_size("libs/one/out/gen.txt", "x"),
    write("libs/two/src/new", "new"),
    write("libs/one/src/b", "fail"),
    remove("libs/one/src/a"),
    remove("libs/two/bin/use"),
    remove("libs/two/tree"),
    chmod("libs/one/tree/deep", 0o700),
]
NAMES = ["gen", "lit", "all", "use", "tree"]


def history(
    twin: Twin, *, directly: bool, tasks: tuple[TaskId, ...]
) -> tuple[dict[TaskId, object], dict[TaskId, list[object]]]:
    """What a run comes to, and what was told of each task.

    Which of two predecessors failed first is a matter of luck.
    """
    told: list[Event] = []
    report = drive_whole(twin.kit(), tasks, told.append, directly=directly)
    heard: dict[TaskId, list[object]] = {id: [] for id in tasks}
    for event in told:
        match event:
            case TaskBegun(id, key) | TaskMissed(id, key):
                heard[id].append((type(event), key))
            case TaskOutput(id, _, data):
                heard[id].append(data)
            case TaskSettled(id, outcome):
                heard[id].append(type(outcome))
            case _:
                continue
    return {
        id: outcome if isinstance(outcome, Completed) else type(outcome) for id, outcome in report
    }, heard


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(EDITS), max_size=4),
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.booleans(),
)
def test_both_drivers_decide_alike(
    tmp_path_factory: pytest.TempPathFactory, edits: list[Edit], names: list[str], proven: bool
) -> None:
    """The same outcomes, records and events, whatever hits, misses, fails or is restored."""
    folder = tmp_path_factory.mktemp("w")
    clock = Clock(folder)
    twins = [Twin(folder / name, clock.senses, True, {"MODE": "1"}) for name in ("a", "b")]
    found = []
    for twin, directly in zip(twins, (True, False), strict=True):
        populate(twin.root)
        for _ in range(3 if proven else 1):
            twin.run(())
            clock.advance(10 * SECOND)
        for edit in edits:
            edit(twin.root)
        clock.advance(10 * SECOND)
        graph = twin.kit().graph
        tasks = graph.closure(id for id in graph.ids if id.task in names)
        found.append((*history(twin, directly=directly, tasks=tasks), twin.tree()))
    assert found[0] == found[1]


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    return proven_twin(tmp_path)


def test_all_hits_leave_nothing_to_the_loop(twin: Twin) -> None:
    """The plan is finished, and its last word is not told yet."""
    kit = twin.kit()
    told: list[Event] = []
    plan, jobs = kit.plan(kit.graph.ids)
    rest = start(kit, plan, jobs, told.append)
    assert (rest.looks, rest.facts) == ((), ())
    assert plan.finished
    assert not [event for event in told if isinstance(event, RunFinished)]


def test_what_has_to_run_is_left_to_the_loop(twin: Twin) -> None:
    """A miss is a fact, and what is neither proven nor looked at in time a look."""
    (twin.root / "shared/s").write_text("new")
    (twin.root / "libs/one/out/lit.txt").unlink()
    kit = twin.kit()
    plan, jobs = kit.plan(kit.graph.ids)
    rest = start(kit, plan, jobs, lambda event: None)
    left = {str(look.task) for look in rest.looks} | {str(fact.task) for fact in rest.facts}
    assert left == {"one:all", "two:all", "one:lit"}
    assert [str(fact.task) for fact in rest.facts] == ["one:all"]


def test_what_is_only_gone_is_restored_without_a_loop(twin: Twin) -> None:
    """The key is proven, and the outputs are made right from the entry."""
    path = twin.root / "libs/one/out/lit.txt"
    text = path.read_text()
    path.unlink()
    kit = twin.kit()
    plan, jobs = kit.plan(kit.graph.ids)
    rest = start(kit, plan, jobs, lambda event: None)
    assert (rest.looks, rest.facts, plan.finished) == ((), (), True)
    assert path.read_text() == text


def test_a_task_that_must_run_does_not_wait_for_ever(twin: Twin) -> None:
    """When the patience is over, all further looks are the loop's."""
    for name in ("one", "two"):
        (twin.root / f"libs/{name}/src/a").write_text("new")
    kit = twin.kit()
    plan, jobs = kit.plan(kit.graph.ids)
    hours = itertools.count(step=3600)
    rest = start(kit, plan, jobs, lambda event: None, lambda: float(next(hours)))
    assert len(rest.looks) + len(rest.facts) >= 7
    assert len(rest.facts) == 1


@pytest.mark.parametrize(("per_task", "left"), [(0.0, 7), (0.03, 3)])
def test_more_tasks_are_waited_for_longer(
    twin: Twin, monkeypatch: pytest.MonkeyPatch, per_task: float, left: int
) -> None:
    """What is left to the loop costs more there, so the time grows with their number."""
    monkeypatch.setattr(direct, "PER_TASK", per_task)
    (twin.root / "libs/one/src/a").write_text("new")
    kit = twin.kit()
    plan, jobs = kit.plan(kit.graph.ids)
    moments = itertools.chain([0.0], itertools.repeat(0.15))
    rest = start(kit, plan, jobs, lambda event: None, lambda: next(moments))
    assert len(rest.looks) + len(rest.facts) == left


def test_an_input_that_is_missing_is_told_by_the_loop(twin: Twin) -> None:
    """An error of a look is the loop's to report; no entry is touched."""
    (twin.root / "libs/one/src/a").unlink()
    before = entries(twin.root)
    kit = twin.kit()
    plan, jobs = kit.plan((TaskId("one", "lit"),))
    rest = start(kit, plan, jobs, lambda event: None)
    assert [look.task for look in rest.looks] == [TaskId("one", "lit")]
    assert entries(twin.root) == before
