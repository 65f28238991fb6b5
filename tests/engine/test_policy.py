"""Time limits, tries and half a cache: virtual time, commands that start nothing."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import trio
import trio.testing

from haz_trio.abc import Command, Emit, Ending, NotStored, Stop, Store
from haz_trio.engine.cache_use import limit
from haz_trio.engine.jobs import jobs_for, planned_tasks
from haz_trio.engine.opening import open_engine
from haz_trio.graph.arguments import with_arguments
from haz_trio.model.names import TaskId
from haz_trio.plan.messages import TaskBegun, TaskMissed, TryFailed
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Exited,
    Failed,
    InFlight,
    Outcome,
    RunCancelled,
    Source,
    TimedOut,
)
from haz_trio.plan.policy import CacheUse, Policy
from haz_trio.testing.memory_store import MemoryStore
from tests.engine.support import Recorder
from tests.engine.workspaces import Act, Place, ScriptedCommand, ending

A, B, C = (TaskId("p", name) for name in "abc")


async def lasts(command: Command, emit: Emit, stop: Stop) -> Ending:
    """A command of ten seconds that takes one more to end when it is asked to."""
    with stop.ask:
        await trio.sleep(10)
    if stop.ask.cancelled_caught:
        await trio.sleep(1)
        return ending(halted=True)
    return ending()


async def fails(command: Command, emit: Emit, stop: Stop) -> Ending:
    return ending(3)


async def works(command: Command, emit: Emit, stop: Stop) -> Ending:
    return ending()


def place_of(root: Path, *names: str, **fields: object) -> Place:
    return Place.make(root, {name: {"command": ["tool", name], **fields} for name in names})


def go(
    place: Place,
    acts: dict[str, Act],
    policy: Policy,
    *,
    stop_at: float = math.inf,
    store: Store | None = None,
) -> tuple[dict[str, Outcome], Recorder, ScriptedCommand]:
    """Run every task of the workspace in virtual time."""
    command, recorder = ScriptedCommand(acts), Recorder()

    async def main() -> dict[str, Outcome]:
        workspace, graph = place.load()
        async with (
            open_engine(
                workspace,
                graph,
                store=store or MemoryStore(place.root, 1 << 18),
                run_command=command,
                observers=[recorder],
                host=place.host,
                policy=policy,
            ) as engine,
            trio.open_nursery() as nursery,
        ):

            async def stopper() -> None:
                await trio.sleep(stop_at)
                engine.stop()

            nursery.start_soon(stopper)
            report = await engine.run(graph.nodes)
            nursery.cancel_scope.cancel()
        return {id.task: outcome for id, outcome in report}

    # Time passes only while all threads rest.
    clock = trio.testing.MockClock(autojump_threshold=0.02)
    return trio.run(main, clock=clock), recorder, command


def test_a_command_out_of_time_has_failed(tmp_path: Path) -> None:
    """The deadline of the step ends it, and the limit is its status."""
    outcomes, _, _ = go(place_of(tmp_path, "a"), {"a": lasts}, Policy(task_timeout=4))
    assert outcomes == {"a": Failed(TimedOut(4))}


def test_a_command_in_time_is_left_alone(tmp_path: Path) -> None:
    """A limit that is not reached does nothing."""
    outcomes, _, _ = go(place_of(tmp_path, "a"), {"a": lasts}, Policy(task_timeout=11))
    assert isinstance(outcomes["a"], Completed)


def test_a_stop_is_told_from_a_time_limit(tmp_path: Path) -> None:
    """Who comes first decides, also when the other comes while the command still ends."""
    place = place_of(tmp_path, "a")
    halted, _, _ = go(place, {"a": lasts}, Policy(task_timeout=4), stop_at=3.5)
    assert halted == {"a": Cancelled(InFlight())}
    late, _, _ = go(place, {"a": lasts}, Policy(task_timeout=4), stop_at=4.5)
    assert late == {"a": Failed(TimedOut(4))}


def test_each_try_has_its_own_time(tmp_path: Path) -> None:
    """A retry starts the clock anew; every try is told, begun, and looked up only once."""
    policy = Policy(task_timeout=4, retries=2)
    outcomes, recorder, command = go(place_of(tmp_path, "a"), {"a": lasts}, policy)
    assert outcomes == {"a": Failed(TimedOut(4))}
    assert recorder.of(TryFailed) == [TryFailed(A, TimedOut(4), n, 3) for n in (1, 2)]
    assert len(recorder.of(TaskBegun)) == len(command.commands) == 3
    assert len(recorder.of(TaskMissed)) == 1


def test_tries_hold_their_slot(tmp_path: Path) -> None:
    """With one slot nobody runs between two tries of a task."""
    place = place_of(tmp_path, "a", "b")
    _, _, command = go(place, {"a": fails, "b": works}, Policy(slots=1, retries=2))
    assert [each.argv[-1] for each in command.commands] == ["a", "a", "a", "b"]


def test_fail_fast_in_the_engine(tmp_path: Path) -> None:
    """The first failure ends what runs and cancels what waits."""
    place = place_of(tmp_path, "a", "b", "c")
    acts: dict[str, Act] = {"a": lasts, "b": fails, "c": works}
    outcomes, _, _ = go(place, acts, Policy(slots=2, fail_fast=True))
    assert outcomes == {
        "a": Cancelled(InFlight()),
        "b": Failed(Exited(3)),
        "c": Cancelled(RunCancelled()),
    }


@pytest.mark.parametrize("use", CacheUse)
def test_a_run_uses_its_halves_of_the_cache(tmp_path: Path, use: CacheUse) -> None:
    """It hits only if it looks, and the next one hits only if it has stored."""
    place, store = place_of(tmp_path, "a"), MemoryStore(tmp_path, 1 << 18)

    def source(policy: Policy) -> Source:
        outcomes, _, _ = go(place, {"a": works}, policy, store=store)
        outcome = outcomes["a"]
        assert isinstance(outcome, Completed)
        return outcome.source

    assert source(Policy(cache=use)) is Source.FRESH
    stored = source(Policy(cache=CacheUse.LOOK_ONLY)) is Source.CACHE
    assert stored is use.stores
    assert source(Policy()) is (Source.CACHE if stored else Source.FRESH)
    assert (source(Policy(cache=use)) is Source.CACHE) is use.looks


@pytest.mark.parametrize("outputs", [[], ["*.o"]])
@pytest.mark.parametrize("use", CacheUse)
def test_equal_tasks_wait_where_a_result_will_do(
    tmp_path: Path, use: CacheUse, outputs: list[str]
) -> None:
    """Side by side only if each makes a result of its own, and not where both write files."""
    tasks = {name: {"command": ["tool", "a"], "outputs": outputs} for name in "ab"}
    place, running, most = Place.make(tmp_path, tasks), 0, 0

    async def meets(command: Command, emit: Emit, stop: Stop) -> Ending:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(1)
        await trio.Path(place.p, "x.o").write_text("made")
        running -= 1
        return ending()

    go(place, {"a": meets}, Policy(slots=2, cache=use), store=MemoryStore(tmp_path, 1 << 18))
    assert most == (1 if use is CacheUse.BOTH or outputs else 2)


def test_a_store_used_whole_is_the_store_itself(tmp_path: Path) -> None:
    """Nothing stands between a run and its cache unless it is asked for."""
    store = MemoryStore(tmp_path, 1)
    assert limit(store, CacheUse.BOTH) is store
    assert limit(store, CacheUse.NEITHER) is not store


def test_a_result_that_is_not_wanted_is_dropped(tmp_path: Path) -> None:
    """It is collected for its digests, says nothing, and leaves nothing."""
    place = place_of(tmp_path, "a")
    workspace, graph = place.load()
    (job,) = jobs_for(graph, [A], workspace, place.host)
    limited = limit(MemoryStore(tmp_path, 1), CacheUse.LOOK_ONLY)
    pending = limited.begin("0" * 64, job.subject, lambda secret: b"")
    pending.collect()
    assert pending.commit(foreign=frozenset(), duration=0.0) == NotStored()


def test_what_is_left_out_still_orders(tmp_path: Path) -> None:
    """``c`` needs ``b`` needs ``a``: without ``b``, ``c`` comes behind ``a`` all the same."""
    place = place_of(tmp_path, "a")
    tool = {"command": ["tool"]}
    tasks = {"a": tool, "b": {**tool, "deps": ["~:a"]}, "c": {**tool, "deps": ["~:b"]}}
    place = Place.make(tmp_path, tasks)
    workspace, graph = place.load()
    first, last = planned_tasks(graph, [C, A])
    assert (first.id, first.hard, first.weak) == (A, (), ())
    assert (last.id, last.hard, last.weak) == (C, (), (A,))
    jobs = {job.id: job.absent for job in jobs_for(graph, [A, C], workspace, place.host)}
    assert jobs == {A: (), C: (B,)}


def test_arguments_change_the_named_tasks_alone(tmp_path: Path) -> None:
    """The graph stays as it was, and another one has the longer words."""
    _, graph = place_of(tmp_path, "a", "b").load()
    longer = with_arguments(graph, [A], ["x", "y z"])
    assert longer.nodes[A].task.action.argv == ("tool", "a", "x", "y z")
    assert longer.nodes[B] is graph.nodes[B]
    assert graph.nodes[A].task.action.argv == ("tool", "a")
    assert with_arguments(graph, [A], []) is graph
