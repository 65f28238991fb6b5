"""Areas get their parts of a run at the same pace, and equal names draw equal examples."""

from __future__ import annotations

from collections import Counter

from haz_trio.testing.areas.registry import AREAS, area_named
from haz_trio.testing.command.session import Batch, draw_cases
from haz_trio.testing.command.turns import Turns
from haz_trio.testing.subject import Subject

BASE = Batch("", 0, 0, 0, Subject(("haz",)), frozenset(), frozenset(), 0.0)


def test_areas_get_their_shares_of_examples_at_the_same_pace() -> None:
    """Whatever they take, and each batch is another one."""
    turns = Turns(BASE, AREAS, 4000)
    assert turns.examples == 4000
    total = sum(area.share for area in AREAS)
    count: Counter[str] = Counter()
    seen = set()
    while (batch := turns.next(waits=False)) is not None:
        assert batch not in seen
        seen.add(batch)
        count[batch.area] += batch.examples
        turns.ended(batch, 100.0 if batch.area == "config" else 0.1)
        parts = [count[a.name] / (4000 * a.share / total) for a in AREAS if not a.waits]
        assert max(parts) - min(parts) <= 45 / (4000 * 0.3 / total)
    waiting = [area.name for area in AREAS if area.waits]
    assert set(count) == {area.name for area in AREAS} - {*waiting}
    lazy = turns.next(waits=True)
    assert lazy is not None
    assert lazy.area in waiting


def test_the_sum_is_what_was_asked_for() -> None:
    """Whatever the parts are rounded to; but no area is left out."""
    for examples in (100, 101, 9_999, 20_000):
        assert Turns(BASE, AREAS, examples).examples == examples
    assert Turns(BASE, AREAS, 1).examples == len(AREAS)


def test_without_a_number_areas_get_the_same_time() -> None:
    """An area whose examples take ten times as long plays a tenth of them."""
    turns = Turns(BASE, [area_named("query"), area_named("why"), area_named("cache")], None)
    seconds: Counter[str] = Counter()
    for _ in range(300):
        batch = turns.next(waits=False)
        assert batch is not None
        took = {"query": 10.0, "why": 1.0, "cache": 3.0}[batch.area]
        seconds[batch.area] += round(took)
        turns.ended(batch, took)
    assert max(seconds.values()) - min(seconds.values()) <= 10


def test_equal_names_draw_equal_examples() -> None:
    for area in AREAS:
        cases = [case.text for case in draw_cases(area, "1 2", 4)]
        assert cases == [case.text for case in draw_cases(area, "1 2", 4)]
        assert len({*cases}) > 2
        assert cases != [case.text for case in draw_cases(area, "1 3", 4)]
