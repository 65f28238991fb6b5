"""Races: a task reads what another one makes, without being sure to run behind it."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.errors import Diagnostic, Severity
from haz_trio.graph.effective import Node
from haz_trio.graph.files import LISTED, Passage, listed, passage

_CHUNK = 4096


def find_races(
    producers: Sequence[Sequence[int]], hard: Sequence[Sequence[int]], order: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    """For each consumer its producers that are no transitive hard predecessors of it.

    ``order`` has every task behind its hard predecessors.
    Direct predecessors are set aside first.
    What is left is answered by sets of bits that flow along the edges, some thousand producers at
    a time: so many edges fit into one operation that the cost stays linear in practice.
    """
    doubtful: dict[int, set[int]] = {}
    for consumer, made_by in enumerate(producers):
        if made_by:
            unknown = set(made_by).difference(hard[consumer])
            if unknown:
                doubtful[consumer] = unknown
    universe = sorted(set().union(*doubtful.values()))
    races: dict[int, list[int]] = {}
    for start in range(0, len(universe), _CHUNK):
        chunk = universe[start : start + _CHUNK]
        for consumer, missing in _unordered(chunk, doubtful, hard, order).items():
            races.setdefault(consumer, []).extend(missing)
    return {consumer: tuple(races[consumer]) for consumer in sorted(races)}


def _unordered(
    chunk: Sequence[int],
    doubtful: dict[int, set[int]],
    hard: Sequence[Sequence[int]],
    order: Sequence[int],
) -> dict[int, list[int]]:
    """The races with the producers of one chunk, ascending for each consumer."""
    bits = {number: 1 << place for place, number in enumerate(chunk)}
    behind = [0] * len(hard)  # for each task: the producers it is behind, and itself
    for number in order:
        reached = bits.get(number, 0)
        for predecessor in hard[number]:
            reached |= behind[predecessor]
        behind[number] = reached
    found: dict[int, list[int]] = {}
    for consumer, made_by in doubtful.items():
        reached = behind[consumer]
        missing = [n for n in made_by if n in bits and not reached & bits[n]]
        if missing:
            found[consumer] = sorted(missing)
    return found


def race_warnings(races: dict[int, tuple[int, ...]], nodes: Sequence[Node]) -> list[Diagnostic]:
    """One warning for each consumer, in canonical order (execution.md 1.2)."""
    return [_warning(nodes[consumer], made_by, nodes) for consumer, made_by in races.items()]


def _warning(consumer: Node, made_by: Sequence[int], nodes: Sequence[Node]) -> Diagnostic:
    producers = [nodes[number] for number in made_by]
    shown = [(node, _known_passage(node, consumer)) for node in producers[:LISTED]]
    key = f"inputs[{shown[0][1].input}]"
    names = listed([f"`{node.id}`" for node in producers])
    return Diagnostic(
        f"task `{consumer.id}` reads what {names} makes, but does not depend on it (DAG-013)",
        span=consumer.task.place(key),
        label="may be missing or out of date",
        key_path=f"tasks.{consumer.id.task}.{key}",
        causes=tuple(f"`{node.id}` makes `{through.path}`" for node, through in shown),
        help=f"add {names} to `deps` of `{consumer.id}`, or narrow its `inputs`",
        related=tuple(
            Diagnostic(
                f"`{node.id}` makes `{through.path}`",
                span=node.task.place(f"outputs[{through.output}]"),
            )
            for node, through in shown
        ),
        severity=Severity.WARNING,
    )


def _known_passage(producer: Node, consumer: Node) -> Passage:
    through = passage(producer, consumer)
    assert through is not None, "a producer edge has a file"
    return through
