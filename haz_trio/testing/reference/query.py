"""``haz query``: expressions, their meaning, and what is printed (QRY-001 to QRY-009)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import attrs

from haz_trio.testing.reference.globs import anchored, is_pattern, matches
from haz_trio.testing.reference.graph import Graph, closure, label, reversed_edges
from haz_trio.testing.reference.meeting import meet
from haz_trio.testing.reference.names import is_name
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Task

DECLARED = {f"{has}-{key}" for has in ("has", "no") for key in ("deps", "inputs", "outputs")}
DECLARED |= {"mutex"}
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
    if word in RELATIONS and tokens[:1] == ["("]:
        return atom_holds(f"{word}({_group(tokens)})")
    if word == "(":
        value = _or(tokens, atom_holds)
        if not tokens or tokens.pop(0) != ")":
            raise MalformedError("an open parenthesis")
        return value
    if word in "|&!)":
        raise MalformedError(f"{word} in the place of a word")
    return atom_holds(word)


def _group(tokens: list[str]) -> str:
    """The inside of the parentheses that the tokens begin with, which are taken away."""
    depth = 0
    for place, sign in enumerate(tokens):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            inside = tokens[1:place]
            del tokens[: place + 1]
            return " ".join(inside)
    raise MalformedError("an open parenthesis")


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


def evaluate(query: Query, graph: Graph, own: str | None, own_root: str) -> list[Id]:
    """The tasks that all filters hold for; raises ``MalformedError``."""
    for flag, expression in query.filters.items():
        holds(expression, partial(_check, flag, own))
    related = {flag: _related(flag, text, graph) for flag, text in query.filters.items()}
    if "expr" in query.filters:
        related["expr"] = described(query.filters["expr"], graph, own_root)
    return [
        id
        for id, task in sorted(graph.tasks.items())
        if (query.workspace or own in (id[0], None))
        and all(_declares(flag, task) for flag in query.flags)
        and all(
            id in related[flag]
            if flag in RELATIONS or flag == "expr"
            else holds(expression, partial(_fits, flag, own_root, task))
            for flag, expression in query.filters.items()
        )
    ]


def _check(flag: str, own: str | None, atom: str) -> bool:
    """Whether an atom may stand in an expression of a flag; raises ``MalformedError``."""
    if flag == "expr":
        _check_any(own, atom)
    elif flag in RELATIONS:
        _kind(atom)
    elif flag in ("inputs", "outputs"):
        if not is_pattern(_spelled_out(atom)):
            raise MalformedError(atom)
        if not atom.startswith("/") and own is None:
            raise MalformedError(f"{atom} is relative to nothing")
    else:
        _name(atom)
    return True


def _check_any(own: str | None, atom: str) -> None:
    """The same for ``--expr``, whose atoms say of what kind they are."""
    relation, _, inside = atom.partition("(")
    kind, colon, value = atom.partition(":")
    if relation in RELATIONS:
        if not inside:
            raise MalformedError(atom)
        holds(inside[:-1], partial(_check, "expr", own))
    elif not colon:
        if atom not in DECLARED:
            raise MalformedError(atom)
    elif kind in ("input", "output"):
        _check(f"{kind}s", own, value)
    else:
        _kind(atom)


def described(expression: str, graph: Graph, own_root: str) -> frozenset[Id]:
    """The tasks that an expression of all families is true of."""
    found = set()
    for id, task in graph.tasks.items():
        test = partial(_any_fits, task, graph, own_root)
        if holds(expression, test):
            found.add(id)
    return frozenset(found)


def _any_fits(task: Task, graph: Graph, own_root: str, atom: str) -> bool:
    relation, _, inside = atom.partition("(")
    kind, _, value = atom.partition(":")
    if relation in RELATIONS:
        members = described(inside[:-1], graph, own_root)
        return task.id in _next_to(relation, members, graph)
    if atom in DECLARED:
        return _declares(atom, task)
    if kind in ("input", "output"):
        return _fits(f"{kind}s", own_root, task, value)
    return _describes(task, atom)


def _spelled_out(atom: str) -> str:
    """A path that ends with a slash means anything below (QRY-003)."""
    return f"{atom}**" if len(atom) > 1 and atom.endswith("/") else atom


def _fits(flag: str, own_root: str, task: Task, atom: str) -> bool:
    """Whether an atom about names, tags or files is true of a task (QRY-003)."""
    if flag == "tags":
        return any(_same_name(atom, tag) for tag in task.tags)
    if flag in ("projects", "tasks"):
        return _same_name(atom, task.id[flag == "tasks"])
    wanted = anchored(_spelled_out(atom), own_root)
    return any(meet(wanted, pattern) for pattern in task.patterns(flag))


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
    members = frozenset(
        id for id, task in graph.tasks.items() if holds(expression, partial(_describes, task))
    )
    found = _next_to(flag, members, graph)
    return found if flag in ("child-of", "parent-of") else found - members


def _next_to(relation: str, members: frozenset[Id], graph: Graph) -> frozenset[Id]:
    before: Mapping[Id, frozenset[Id]] = graph.hard
    edges = before if relation in ("child-of", "depends-on") else reversed_edges(before)
    if relation in ("child-of", "parent-of"):
        return frozenset(id for id in graph.tasks if edges[id] & members)
    return frozenset(id for id in graph.tasks if closure(edges[id], edges) & members)


def _kind(atom: str) -> tuple[str, str]:
    kind, colon, value = atom.partition(":")
    if not colon or kind not in ("name", "project", "tag", "task"):
        raise MalformedError(atom)
    if kind == "task":
        project, colon, name = value.partition(":")
        if not (colon and is_name(project) and is_name(name)):
            raise MalformedError(atom)
        return kind, value
    return kind, _name(value)


def _describes(task: Task, atom: str) -> bool:
    kind, value = _kind(atom)
    (project, name), tags = task.id, task.tags
    if kind == "task":
        return value == label(task.id)
    known = {"name": {name}, "project": {project}, "tag": tags}[kind]
    return any(_same_name(value, it) for it in known)


def _name(atom: str) -> str:
    """A name, or a glob over names."""
    plain = re.sub(r"[*?}]|\[[!^]?[A-Za-z0-9_-]+\]", "", atom)
    plain = re.sub("[{,]", "", plain) if "{" in plain else plain  # commas separate in braces
    right = is_name(atom) if plain == atom else re.fullmatch("[A-Za-z0-9_-]*", plain)
    if not right or not is_pattern(atom) or "**" in atom:
        raise MalformedError(atom)
    return atom


def _same_name(atom: str, name: str) -> bool:
    return matches(atom, name)


def _declares(flag: str, task: Task) -> bool:
    """``has-deps``, ``no-inputs`` and so on, and ``mutex`` (QRY-005)."""
    if flag == "mutex":
        return task.mutex is not None
    wanted, _, key = flag.partition("-")
    return bool(task.texts(key)) == (wanted == "has")
