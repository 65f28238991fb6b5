"""Components and cycles of graphs of numbers, against reachability by pairs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.graph.cycles import find_components, short_cycle

Lists = list[list[int]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Lists, Lists]:
    size = draw(st.integers(1, 8))
    some = st.lists(st.integers(0, size - 1), max_size=2, unique=True)
    lists = st.lists(some, min_size=size, max_size=size)
    return draw(lists), draw(lists)


def distances(edges: list[set[int]]) -> list[dict[int, int]]:
    """Steps from each number to each other one, at least one step."""
    found: list[dict[int, int]] = []
    for start in range(len(edges)):
        steps: dict[int, int] = {}
        level, length = edges[start], 1
        while level - set(steps):
            level = level - set(steps)
            steps.update(dict.fromkeys(level, length))
            level, length = {o for n in level for o in edges[n]}, length + 1
        found.append(steps)
    return found


@settings(max_examples=400, deadline=None)
@given(graphs())
def test_components_agree_with_reachability(graph: tuple[Lists, Lists]) -> None:
    """Cycles are the classes of mutual reach; the order puts predecessors first."""
    first, second = graph
    edges = [set(a) | set(b) for a, b in zip(first, second, strict=True)]
    steps = distances(edges)
    numbers = range(len(edges))
    classes = {
        tuple(o for o in numbers if o == n or (o in steps[n] and n in steps[o])) for n in numbers
    }
    components = find_components(first, second)
    assert list(components.cycles) == sorted(c for c in classes if len(c) > 1)
    assert sorted(components.order) == list(numbers)
    place = {number: i for i, number in enumerate(components.order)}
    for number in numbers:
        for other in edges[number]:
            assert place[other] < place[number] or number == other or number in steps[other]


@settings(max_examples=400, deadline=None)
@given(graphs())
def test_the_cycle_is_a_shortest_one(graph: tuple[Lists, Lists]) -> None:
    """Each member is followed by a predecessor, and no cycle of the component is shorter."""
    first, second = graph
    edges = [(set(a) | set(b)) - {n} for n, (a, b) in enumerate(zip(first, second, strict=True))]
    steps = distances(edges)
    for members in find_components(first, second).cycles:
        cycle = short_cycle(members, first, second)
        turned = cycle[1:] + cycle[:1]
        assert all(after in edges[n] for n, after in zip(cycle, turned, strict=True))
        assert len(set(cycle)) == len(cycle) == min(steps[n][n] for n in members)
        assert cycle[0] == min(cycle)


def test_a_chain_has_any_length() -> None:
    """No recursion, in either direction."""
    size = 100_000
    forward = [[n - 1] if n else [] for n in range(size)]
    backward = [[n + 1] if n + 1 < size else [] for n in range(size)]
    assert find_components(forward).order == tuple(range(size))
    assert find_components(backward).order == tuple(reversed(range(size)))
