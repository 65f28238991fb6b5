"""Cycles of a graph of numbers: its components, and one short cycle of each.

Knows nothing of tasks; iterative throughout, so that a chain may have any length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from haz_trio.values import frozen

_BUDGET = 200_000


@frozen
class Components:
    """``order`` has every number behind its predecessors, as far as cycles permit.

    ``cycles`` are the strongly connected components of at least two members, each ascending, in
    order of their first members.
    """

    order: tuple[int, ...]
    cycles: tuple[tuple[int, ...], ...]


def find_components(*predecessors: Sequence[Sequence[int]]) -> Components:
    """Tarjan's algorithm over the union of several lists of predecessors."""
    size = len(predecessors[0])
    finished = size + 1
    index = [0] * size  # 0: not met; else when it was met, or ``finished``
    met = 0
    order: list[int] = []
    cycles: list[tuple[int, ...]] = []
    for root in range(size):
        if index[root]:
            continue
        met += 1
        index[root] = met
        open_path: list[int] = [root]  # met, and its component is not known yet
        walk: list[tuple[int, Iterator[int], int]] = [(root, _edges(root, predecessors), met)]
        while walk:
            node, edges, low = walk.pop()
            for other in edges:
                seen = index[other]
                if not seen:
                    walk.append((node, edges, low))
                    met += 1
                    index[other] = met
                    open_path.append(other)
                    walk.append((other, _edges(other, predecessors), met))
                    break
                if seen < low:
                    low = seen
            else:
                if low == index[node]:
                    component = _close(open_path, node, index, finished)
                    order += component
                    if len(component) > 1:
                        cycles.append(tuple(sorted(component)))
                elif low < walk[-1][2]:
                    above, rest, _ = walk[-1]
                    walk[-1] = (above, rest, low)
    return Components(tuple(order), tuple(sorted(cycles)))


def _edges(node: int, predecessors: Sequence[Sequence[Sequence[int]]]) -> Iterator[int]:
    filled = [lists[node] for lists in predecessors if lists[node]]
    return iter(filled[0]) if len(filled) == 1 else chain.from_iterable(filled)


def _close(open_path: list[int], node: int, index: list[int], finished: int) -> list[int]:
    """Take a component with its first-met ``node`` off the path."""
    component: list[int] = []
    while not component or component[-1] != node:
        component.append(open_path.pop())
        index[component[-1]] = finished
    component.reverse()
    return component


def short_cycle(members: Sequence[int], *predecessors: Sequence[Sequence[int]]) -> list[int]:
    """A cycle in a component, each member followed by one of its predecessors.

    It begins with the first member of those that lie on it, and does not repeat it at the end.
    A shortest one if the component is small; else the shortest one through an early member.
    """
    inside = frozenset(members)
    best: list[int] = []
    budget = _BUDGET
    for start in members:
        if best and (budget <= 0 or len(best) == 2):
            break
        cycle, spent = _cycle_through(start, inside, predecessors, len(best))
        budget -= spent
        best = cycle or best
    return best  # it begins with its first member: from there it was found at the latest


def _cycle_through(
    start: int,
    inside: frozenset[int],
    predecessors: Sequence[Sequence[Sequence[int]]],
    beat: int,
) -> tuple[list[int], int]:
    """A shortest cycle through ``start``, if shorter than ``beat``; and the edges looked at."""
    came: dict[int, int] = {}
    level: Iterable[int] = [start]
    length, spent = 1, 0
    while level and (not beat or length < beat):
        following: list[int] = []
        for node in level:
            for other in _edges(node, predecessors):
                spent += 1
                if other == start and node != start:
                    return _unwind(came, start, node), spent
                if other in inside and other != start and other not in came:
                    came[other] = node
                    following.append(other)
        level = following
        length += 1
    return [], spent


def _unwind(came: dict[int, int], start: int, last: int) -> list[int]:
    cycle = [last]
    while cycle[-1] != start:
        cycle.append(came[cycle[-1]])
    cycle.reverse()
    return cycle
