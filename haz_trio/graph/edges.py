"""Hard and weak edges: what ``deps`` and ``weakDeps`` stand for (DAG-008 to DAG-012)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

import attrs

from haz_trio.errors import Diagnostic
from haz_trio.graph.effective import Node
from haz_trio.graph.near import Near
from haz_trio.graph.references import Members, Resolver, Unresolved, holds, reason, rule
from haz_trio.model.references import FanOut, Reference, Tagged
from haz_trio.values import evolve, frozen

LISTED = 10


class Field(enum.Enum):
    """The two lists of references, by their keys."""

    DEPS = "deps"
    WEAK_DEPS = "weakDeps"

    def of(self, node: Node) -> tuple[Reference, ...]:
        return node.task.deps if self is Field.DEPS else node.task.weak_deps


@frozen
class Edges:
    """Predecessors by task number, each tuple ascending; and what is wrong, in order (DAG-011).

    ``references`` counts those problems that are unresolved references.
    """

    hard: Sequence[tuple[int, ...]]
    weak: Sequence[tuple[int, ...]]
    problems: tuple[Diagnostic, ...]
    references: int


@attrs.define
class _Problems:
    found: list[Diagnostic] = attrs.field(factory=list)
    references: int = 0
    near: Near = attrs.field(factory=Near)


def resolve_edges(nodes: Sequence[Node], resolver: Resolver) -> Edges:
    """The edges of every task; ``nodes`` are all tasks in canonical order."""
    problems = _Problems()
    hard: list[tuple[int, ...]] = []
    weak: list[tuple[int, ...]] = []
    for number, node in enumerate(nodes):
        hard.append(_predecessors(number, node, Field.DEPS, resolver, problems))
        weak.append(_predecessors(number, node, Field.WEAK_DEPS, resolver, problems))
        if hard[-1] and weak[-1]:
            both = sorted(set(hard[-1]).intersection(weak[-1]))
            problems.found += _in_both(node, both, nodes, resolver)
    return Edges(hard, weak, tuple(problems.found), problems.references)


def declaring_place(node: Node, field: Field, number: int, resolver: Resolver) -> int:
    """The place in ``deps`` or ``weakDeps`` of the first reference that stands for a task.

    The task must be among the predecessors of that field.
    """
    return next(
        place
        for place, reference in enumerate(field.of(node))
        if isinstance(result := resolver.resolve(reference, node.id.project), Members)
        and holds(result.numbers, number)
    )


def _predecessors(
    number: int, node: Node, field: Field, resolver: Resolver, problems: _Problems
) -> tuple[int, ...]:
    parts: list[tuple[int, ...]] = []
    for place, reference in enumerate(field.of(node)):
        result = resolver.resolve(reference, node.id.project)
        if not isinstance(result, Members):
            problems.references += 1
            hint = resolver.hint(reference, result, problems.near)
            problems.found.append(_unresolved(node, field, place, reference, result, hint))
        elif holds(result.numbers, number):
            problems.found.append(_itself(node, field, place, reference))
        else:
            parts.append(result.numbers)
    if len(parts) == 1:
        return parts[0]
    return tuple(sorted(set().union(*parts)))


def _unresolved(
    node: Node,
    field: Field,
    place: int,
    reference: Reference,
    problem: Unresolved,
    hint: str,
) -> Diagnostic:
    key = f"{field.value}[{place}]"
    return Diagnostic(
        f"task `{node.id}`: reference `{reference}` is unresolved: "
        f"{reason(reference, problem)} ({rule(reference)})",
        span=node.task.place(key),
        label="unresolved",
        key_path=f"tasks.{node.id.task}.{key}",
        help=hint or "define that task, or remove the reference",
    )


def _itself(node: Node, field: Field, place: int, reference: Reference) -> Diagnostic:
    key = f"{field.value}[{place}]"
    return Diagnostic(
        f"task `{node.id}`: reference `{reference}` resolves to the task itself (DAG-012)",
        span=node.task.place(key),
        label="includes the task itself",
        key_path=f"tasks.{node.id.task}.{key}",
        help=(
            f"`{evolve(reference, sibling=True)}` leaves the project of the task out"
            if isinstance(reference, FanOut | Tagged)
            else "a task cannot wait for itself: remove the reference"
        ),
    )


def _in_both(
    node: Node, both: Sequence[int], nodes: Sequence[Node], resolver: Resolver
) -> Iterator[Diagnostic]:
    """One problem for each of the first tasks, and one for all the others together."""
    for number in both[:LISTED]:
        yield _overlap(node, f"`{nodes[number].id}`", number, resolver)
    if len(both) > LISTED:
        yield _overlap(node, f"{len(both) - LISTED} more tasks", both[LISTED], resolver)


def _overlap(node: Node, what: str, number: int, resolver: Resolver) -> Diagnostic:
    deps = declaring_place(node, Field.DEPS, number, resolver)
    weak = declaring_place(node, Field.WEAK_DEPS, number, resolver)
    key = f"{Field.WEAK_DEPS.value}[{weak}]"
    return Diagnostic(
        f"task `{node.id}`: {what} listed in both `deps` and `weakDeps` (DAG-010)",
        span=node.task.place(key),
        label="also in `deps`",
        key_path=f"tasks.{node.id.task}.{key}",
        help="keep it in `deps` if the task needs it, in `weakDeps` if only their order matters",
        related=(
            Diagnostic(
                "it is in `deps` here", span=node.task.place(f"{Field.DEPS.value}[{deps}]")
            ),
        ),
    )
