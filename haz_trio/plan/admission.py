"""Who gets a slot next: one cap for all and one for each tag (EXEC-003 to EXEC-006).

Ready tasks whose projects carry the same capped tags form a *group* and queue in it in canonical
order; what holds for the first of a group holds for all of it.
A group is *open*, or it stands at the *gate* of one tag that was full when it was looked at.
A unit of a tag that comes free opens the first group at that gate.
If that group leaves the unit to others, because a second tag of it is full, the next group at the
gate is opened, so no wake-up is lost.
Nothing ever walks the ready tasks: the cost of an admission is a few heap operations, however
many tasks are ready behind a full tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush

from haz_trio.values import frozen


@frozen
class Limits:
    """How many tasks may be in flight together, in all and for each capped tag; all at least 1."""

    slots: int
    tags: Mapping[str, int]


class Group:
    """Ready tasks with the same capped tags, ``tags`` as positions among all capped tags.

    ``gate`` is the tag that keeps the group out; ``owed`` the tag whose free unit opened it.
    """

    __slots__ = ("gate", "owed", "ready", "tags")

    def __init__(self, tags: tuple[int, ...]) -> None:
        self.tags: tuple[int, ...] = tags
        self.ready: list[int] = []
        self.gate: int | None = None
        self.owed: int | None = None


class Admission:
    """Slots and tags; tasks are numbers in canonical order.

    ``effort`` counts the groups looked at and opened so far: the measure of what admission costs.
    """

    def __init__(self, tags: Iterable[frozenset[str]], limits: Limits) -> None:
        """``tags`` are those of each task; raises ``ValueError`` for a cap below 1."""
        if limits.slots < 1:
            raise ValueError(f"the number of slots is {limits.slots}; it must be at least 1")
        for name, cap in sorted(limits.tags.items()):
            if cap < 1:
                raise ValueError(f"the cap of tag {name!r} is {cap}; it must be at least 1")
        names = {name: position for position, name in enumerate(sorted(limits.tags))}
        self.effort: int = 0
        self._slots = limits.slots
        self._units = [limits.tags[name] for name in names]
        self._gates: list[list[tuple[int, int]]] = [[] for _ in names]
        self._open: list[tuple[int, int]] = []
        self._groups: list[Group] = []
        self._group_of: list[int] = []
        known: dict[tuple[int, ...], int] = {}
        for each in tags:
            capped = tuple(sorted(names[tag] for tag in each if tag in names))
            if capped not in known:
                known[capped] = len(self._groups)
                self._groups.append(Group(capped))
            self._group_of.append(known[capped])

    def offer(self, task: int) -> None:
        """Let a task wait for a slot and its tags."""
        number = self._group_of[task]
        group = self._groups[number]
        heappush(group.ready, task)
        if group.ready[0] == task:
            if group.gate is None:
                heappush(self._open, (task, number))
            else:
                # A unit may be free, on offer to a group whose first task comes after this one.
                heappush(self._gates[group.gate], (task, number))
                self._open_next(group.gate)

    def admit(self) -> int | None:
        """Give a slot and its tags to the first waiting task that fits; None when none does."""
        while self._slots and self._open:
            task, number = heappop(self._open)
            group = self._groups[number]
            if group.gate is not None or not _leads(task, group):
                continue
            self.effort += 1
            owed, group.owed = group.owed, None
            group.gate = next((tag for tag in group.tags if not self._units[tag]), None)
            if group.gate is None:
                self._take(group, number)
            else:
                heappush(self._gates[group.gate], (task, number))
            if owed is not None:
                self._open_next(owed)
            if group.gate is None:
                return task
        return None

    def release(self, task: int) -> None:
        """Take back the slot and the tags of a task."""
        self._slots += 1
        for tag in self._groups[self._group_of[task]].tags:
            self._units[tag] += 1
            self._open_next(tag)

    def clear(self) -> None:
        """Forget everybody who waits; those who were admitted still release what they hold."""
        for group in self._groups:
            group.ready.clear()

    def _take(self, group: Group, number: int) -> None:
        self._slots -= 1
        for tag in group.tags:
            self._units[tag] -= 1
        heappop(group.ready)
        if group.ready:
            heappush(self._open, (group.ready[0], number))

    def _open_next(self, tag: int) -> None:
        """Open the first group at the gate of a tag, if the tag has a unit to give."""
        gate = self._gates[tag]
        while self._units[tag] and gate:
            task, number = heappop(gate)
            group = self._groups[number]
            if group.gate == tag and _leads(task, group):
                self.effort += 1
                group.gate, group.owed = None, tag
                heappush(self._open, (task, number))
                return


def _leads(task: int, group: Group) -> bool:
    """Whether an entry of a heap still speaks for its group, or a later one has replaced it."""
    return bool(group.ready) and group.ready[0] == task
