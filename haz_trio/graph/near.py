"""Near names, for "did you mean": few edits away, found within a bounded amount of work."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 3
_COMPARISONS = 20_000


class Near:
    """Suggests names until its budget of comparisons is spent; then it suggests nothing.

    The budget keeps a workspace with thousands of wrong names from being quadratic.
    """

    def __init__(self, budget: int = _COMPARISONS) -> None:
        self.budget: int = budget

    def suggest(self, wanted: str, names: Iterable[str]) -> tuple[str, ...]:
        """At most three of ``names``, the nearest first, then by name."""
        allowed = min(len(wanted) - 1, max(1, len(wanted) // 3))
        found: list[tuple[int, str]] = []
        for name in names:
            if self.budget <= 0:
                break
            self.budget -= 1
            edits = distance(wanted, name, allowed)
            if edits <= allowed:
                found.append((edits, name))
        return tuple(name for _, name in sorted(set(found))[:_SHOWN])


def distance(first: str, second: str, limit: int) -> int:
    """Edits (insert, delete, replace, swap neighbours) between two texts.

    Differences beyond ``limit`` are not counted out: then the answer is ``limit + 1``.
    """
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, above, row = row, before, [i]
        for j, b in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > limit and min(before) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def question(names: Iterable[str]) -> str:
    """``did you mean `a` or `b`?``, or nothing when there are no names."""
    quoted = [f"`{name}`" for name in names]
    return f"did you mean {' or '.join(quoted)}?" if quoted else ""
