"""``haz query``: expressions, their meaning, and what is printed (QRY-001 to QRY-009)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import attrs

from haz_trio.testing.reference.globs import anchored, is_glob, is_pattern, matches
from haz_trio.testing.reference.graph import Graph, closure, label, reversed_edges
from haz_trio.testing.reference.names import is_name
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Task

RELATIONS = ("child-of", "parent-of", "depends-on", "ancestor-of")
Test = Callable[[str], bool]  # of an atom


class MalformedError(ValueError):
    """An expression or an atom that is none: exit code 2."""


def holds(expression: str, atom_holds: Test) -> bool:
    """Whether an expression is true when its atoms are what the test says.

    ``|`` binds least, then ``&``, then ``!``, of which there is at most one before an operand.
    """
    tokens = re.findall(r"[|&!()]|[^|&!() \t]+", expression)
    value = _or(tokens, atom_holds)
    if tokens:
        raise MalformedError(f"{tokens[0]} is too much")
    return value


def _or(tokens: list[str], atom_holds: Test) -> bool:
    value = _and(tokens, atom_holds)
    while tokens and tokens[0] == "|":
        del tokens[0]
        right = _and(tokens, atom_holds)
        value = value or right
    return value


def _and(tokens: list[str], atom_holds: Test) -> bool:
    value = _not(tokens, atom_holds)
    while tokens and tokens[0] == "&":
        del tokens[0]
        right = _not(tokens, atom_holds)
        value = value and right
    return value


def _not(tokens: list[str], atom_holds: Test) -> bool:
    if tokens and tokens[0] == "!":
        del tokens[0]
        return not _operand(tokens, atom_holds)
    return _operand(tokens, atom_holds)


def _operand(tokens: list[str], atom_holds: Test) -> bool:
    word = tokens.pop(0) if tokens else ")"
    if word == "(":
        value = _or(tokens, atom_holds)
        if not tokens or tokens.pop(0) != ")":
            raise MalformedError("an open parenthesis")
        return value
    if word in "|&!)":
        raise MalformedError(f"{word} in the place of a word")
    return atom_holds(word)


@attrs.frozen
class Query:
    """Filters by flag (``tags`` and so on) with their expressions, and flags without one."""

    filters: Mapping[str, str]
    flags: frozenset[str] = frozenset()
    format: str = ""
    workspace: bool = False

    def words(self) -> list[str]:
        """The words of the command line."""
        found = [f"--{flag}={expression}" for flag, expression in self.filters.items()]
        found += [f"--{flag}" for flag in sorted(self.flags)] + ["--workspace"] * self.workspace
        return found + ([f"--format={self.format}"] if self.format else [])


def evaluate(
    query: Query, graph: Graph, own: str | None, own_root: str, witnesses: Iterable[str]
) -> list[Id]:
    """The tasks that all filters hold for; raises ``MalformedError``.

    Two globs are taken to meet if they both match one of the witnesses.
    """
    paths = list(witnesses)
    for flag, expression in query.filters.items():
        holds(expression, partial(_check, flag, own))
    related = {flag: _related(flag, text, graph) for flag, text in query.filters.items()}
    return [
        id
        for id, task in sorted(graph.tasks.items())
        if (query.workspace or own in (id[0], None))
        and all(_declares(flag, task) for flag in query.flags)
        and all(
            id in related[flag]
            if flag in RELATIONS
            else holds(expression, partial(_fits, flag, own_root, task, paths))
            for flag, expression in query.filters.items()
        )
    ]


def _check(flag: str, own: str | None, atom: str) -> bool:
    """Whether an atom may stand in an expression of a flag; raises ``MalformedError``."""
    if flag in RELATIONS:
        _kind(atom)
    elif flag in ("inputs", "outputs"):
        if not is_pattern(_spelled_out(atom)):
            raise MalformedError(atom)
        if not atom.startswith("/") and own is None:
            raise MalformedError(f"{atom} is relative to nothing")
    else:
        _name(atom)
    return True


def _spelled_out(atom: str) -> str:
    """A path that ends with a slash means anything below (QRY-003)."""
    return f"{atom}**" if len(atom) > 1 and atom.endswith("/") else atom


def _fits(flag: str, own_root: str, task: Task, paths: Sequence[str], atom: str) -> bool:
    """Whether an atom about names, tags or files is true of a task (QRY-003)."""
    if flag == "tags":
        return atom in task.tags
    if flag in ("projects", "tasks"):
        return atom == task.id[flag == "tasks"]
    wanted = anchored(_spelled_out(atom), own_root)
    return any(_meet(wanted, pattern, paths) for pattern in task.patterns(flag))


def printed(found: Iterable[Id], form: str, graph: Graph) -> str:
    """Standard output, plain or as JSON (QRY-008)."""
    if form == "json":
        rows = [
            {"project": id[0], "tags": sorted(graph.tasks[id].tags), "task": id[1]} for id in found
        ]
        return json.dumps(rows, separators=(",", ":")) + "\n"
    return "".join(f"{label(id)}\n" for id in found)


def _related(flag: str, expression: str, graph: Graph) -> frozenset[Id]:
    """The tasks next to, before or behind those that an expression describes (QRY-004)."""
    if flag not in RELATIONS:
        return frozenset()
    described = {
        id for id, task in graph.tasks.items() if holds(expression, partial(_describes, task))
    }
    before: Mapping[Id, frozenset[Id]] = graph.hard
    edges = before if flag in ("child-of", "depends-on") else reversed_edges(before)
    if flag in ("child-of", "parent-of"):
        return frozenset(id for id in graph.tasks if edges[id] & described)
    return frozenset(
        id for id in set(graph.tasks) - described if closure(edges[id], edges) & described
    )


def _kind(atom: str) -> tuple[str, str]:
    kind, colon, value = atom.partition(":")
    if not colon or kind not in ("name", "project", "tag"):
        raise MalformedError(atom)
    return kind, _name(value)


def _describes(task: Task, atom: str) -> bool:
    kind, value = _kind(atom)
    (project, name), tags = task.id, task.tags
    return value in {"name": {name}, "project": {project}, "tag": tags}[kind]


def _name(atom: str) -> str:
    if not is_name(atom):
        raise MalformedError(atom)
    return atom


def _meet(one: str, other: str, paths: Iterable[str]) -> bool:
    """Whether one path can match both."""
    for literal, pattern in ((one, other), (other, one)):
        if not is_glob(literal):
            return matches(pattern, literal)
    return any(matches(one, path) and matches(other, path) for path in paths)


def _declares(flag: str, task: Task) -> bool:
    """``has-deps``, ``no-inputs`` and so on, and ``mutex`` (QRY-005)."""
    if flag == "mutex":
        return task.mutex is not None
    wanted, _, key = flag.partition("-")
    return bool(task.texts(key)) == (wanted == "has")
