"""Whatever happens in whatever order, the rules of execution.md 4, 6 and 8 hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import PlannedTask
from haz_trio.plan.messages import Broke, Ended, Hit, Kept, Missed, Ran
from haz_trio.plan.outcome import (
    Completed,
    Errored,
    Exited,
    Failed,
    Skipped,
    UpstreamErrored,
    UpstreamFailed,
)
from haz_trio.testing.machines.plan import ancestors, check_plan, graphs
from tests.plan.kit import Driver, record


def test_a_plan_keeps_the_rules() -> None:
    check_plan(examples=100)


def model(
    tasks: dict[TaskId, PlannedTask], kinds: dict[TaskId, str]
) -> list[tuple[TaskId, ...] | tuple[TaskId, str]]:
    """The reference model of execution.md 4.1 for one slot, hard edges only, word by word."""
    unmet = {id: set(task.hard) for id, task in tasks.items()}
    ready = {id for id in tasks if not unmet[id]}
    settled: set[TaskId] = set()
    events: list[tuple[TaskId, ...] | tuple[TaskId, str]] = []
    while ready:
        first = min(ready)
        ready.discard(first)
        if kinds[first] == "ok":
            events.append((first, "done"))
            for other in tasks:
                if first in unmet[other]:
                    unmet[other].discard(first)
                    if not unmet[other] and other not in settled:
                        ready.add(other)
        else:
            events.append((first, kinds[first]))
            for other in sorted(id for id in tasks if first in ancestors(tasks, id)):
                if other not in settled:
                    settled.add(other)
                    ready.discard(other)
                    events.append((other, first))
    return events


@given(tasks=graphs(), data=st.data())
@settings(deadline=None)
def test_one_slot_gives_the_order_of_the_reference_model(
    tasks: list[PlannedTask], data: st.DataObject
) -> None:
    """With one slot, and weak edges left out, every line comes where the model puts it."""
    driver = Driver([PlannedTask(t.id, t.hard, (), t.tags, t.lock, t.shared) for t in tasks], 1)
    kinds = {id: data.draw(st.sampled_from(["ok", "ok", "fail", "err"])) for id in driver.tasks}
    fresh = {id: data.draw(st.booleans()) for id in driver.tasks}
    driver.start()
    while not driver.plan.finished:
        (id,) = driver.looking
        if kinds[id] == "ok" and fresh[id]:
            driver.feed(Missed(id, str(id)))
            driver.feed(Ran(id, record()))
            driver.feed(Kept(id))
        elif kinds[id] == "ok":
            driver.feed(Hit(id, record()))
        elif kinds[id] == "err":
            driver.feed(Broke(id, "no input"))
        else:
            driver.feed(Missed(id, str(id)))
            driver.feed(Ended(id, Exited(1)))
    lines: list[tuple[TaskId, ...] | tuple[TaskId, str]] = []
    for id, outcome in driver.outcomes.items():
        match outcome:
            case Completed():
                lines.append((id, "done"))
            case Failed():
                lines.append((id, "fail"))
            case Errored():
                lines.append((id, "err"))
            case Skipped(UpstreamFailed(root) | UpstreamErrored(root)):
                lines.append((id, root))
            case other:
                raise AssertionError(f"nobody asked for {other}")
    assert lines == model(driver.tasks, kinds)
