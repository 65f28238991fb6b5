"""Producers that are no transitive hard predecessors."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from haz_trio.graph.races import find_races


@st.composite
def wirings(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]]]:
    """Hard predecessors with smaller numbers; producers with any number but the own."""
    size = draw(st.integers(1, 8))
    hard = [
        draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3)) if n else []
        for n in range(size)
    ]
    producers = [
        sorted(draw(st.sets(st.integers(0, size - 1), max_size=3)) - {n}) for n in range(size)
    ]
    return hard, producers


@settings(max_examples=300, deadline=None)
@given(wirings())
@example(([[], [0], [1]], [[], [], [0, 1]]))
def test_races_agree_with_the_closure(wiring: tuple[list[list[int]], list[list[int]]]) -> None:
    """A producer races unless the consumer surely runs behind it."""
    hard, producers = wiring
    behind: list[set[int]] = []
    for predecessors in hard:
        behind.append(set(predecessors).union(*(behind[n] for n in predecessors)))
    expected = {
        consumer: tuple(n for n in made_by if n not in behind[consumer])
        for consumer, made_by in enumerate(producers)
        if not behind[consumer].issuperset(made_by)
    }
    assert find_races(producers, hard, range(len(hard))) == expected


def test_more_producers_than_one_chunk() -> None:
    """A chain of 20,000 tasks, each reading what one far above makes; one of them races."""
    size = 20_000
    hard = [[n - 1] if n else [] for n in range(size)]
    producers = [[n - 2] if n > 1 else [] for n in range(size)]
    producers[7] = [size - 1]
    assert find_races(producers, hard, range(size)) == {7: (size - 1,)}
