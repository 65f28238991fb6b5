"""Short words for plans in tests, on top of the supervisor that the kit offers to everybody."""

from __future__ import annotations

from collections.abc import Iterable

from haz_trio.model.names import TaskId
from haz_trio.plan.machine import PlannedTask
from haz_trio.plan.messages import CancelRequested, Decision, Event, Hit, Kept, Missed, Ran
from haz_trio.plan.outcome import Record
from haz_trio.testing.machines.plan_claims import Readers
from haz_trio.testing.machines.plan_supervisor import Supervisor

__all__ = ["Driver", "Readers", "planned", "record", "tid"]


def tid(name: str) -> TaskId:
    """``b`` is ``p:b``; ``q:b`` is itself."""
    project, _, task = name.rpartition(":")
    return TaskId(project or "p", task)


def planned(
    name: str,
    *,
    hard: Iterable[str] = (),
    weak: Iterable[str] = (),
    tags: Iterable[str] = (),
    lock: str | None = None,
    shared: bool = False,
) -> PlannedTask:
    return PlannedTask(
        id=tid(name),
        hard=tuple(map(tid, hard)),
        weak=tuple(map(tid, weak)),
        tags=frozenset(tags),
        lock=lock,
        shared=shared,
    )


def record(*outputs: str, key: str = "k") -> Record:
    return Record(key, b"o", b"e", outputs)


class Driver(Supervisor):
    """A supervised plan whose facts have short names."""

    def hit(self, name: str, *outputs: str) -> list[Decision | Event]:
        return self.feed(Hit(tid(name), record(*outputs)))

    def miss(self, name: str, key: str = "") -> list[Decision | Event]:
        return self.feed(Missed(tid(name), key or name))

    def ran(self, name: str, *written: str, old: Iterable[str] = ()) -> list[Decision | Event]:
        return self.feed(Ran(tid(name), record(*sorted({*written, *old})), written))

    def kept(self, name: str) -> list[Decision | Event]:
        return self.feed(Kept(tid(name)))

    def run_through(self, name: str, *written: str) -> None:
        """Miss, run and keep a task, each at once."""
        self.miss(name)
        self.ran(name, *written)
        self.kept(name)

    def cancel(self, name: str) -> list[Decision | Event]:
        return self.feed(CancelRequested(tid(name)))

    def looks(self) -> list[str]:
        return [id.task for id in sorted(self.looking)]

    def runs(self) -> list[str]:
        return [id.task for id in sorted(self.running)]
