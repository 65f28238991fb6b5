"""A run with one slot (EXEC-001 to EXEC-003, 008 to 011): who is next, and who is skipped.

Without a stop the outcomes are the same for any number of slots; only the order differs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from haz_trio.testing.reference.graph import Edges, closure, reversed_edges
from haz_trio.testing.reference.references import Id

DONE, FAILED, ERRORED, SKIPPED = "done", "failed", "errored", "skipped"
Event = tuple[Id, str, Id | None]  # the last is the task that a skipped one was skipped for


def run_in_order(
    chosen: Collection[Id], hard: Edges, weak: Edges, execute: Callable[[Id], str]
) -> Iterator[Event]:
    """What happens, in order; ``execute`` says whether a task is done, failed or errored.

    ``weak`` orders too when both ends run (execution.md 4.6); empty for a program that does not.
    """
    settled: set[Id] = set()
    happy: set[Id] = set()
    dependents = reversed_edges({id: hard[id] & set(chosen) for id in chosen})
    while True:
        ready = sorted(
            id
            for id in chosen
            if id not in settled
            and hard[id] & set(chosen) <= happy
            and weak.get(id, frozenset()) & set(chosen) <= settled
        )
        if not ready:
            return
        first = ready[0]
        settled.add(first)
        verdict = execute(first)
        if verdict == DONE:
            happy.add(first)
            yield first, DONE, None
            continue
        if verdict == FAILED:
            yield first, FAILED, None
        else:
            yield first, ERRORED, None
        for id in sorted(closure(dependents[first], dependents) - settled):
            settled.add(id)
            yield id, SKIPPED, first
