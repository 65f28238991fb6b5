"""What a run does, whatever the order (EXEC-002 to EXEC-011, MUTEX-001 to 006), and its marks.

Commands leave marks where they begin and where they end; from these the rules can be checked
without a clock.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import attrs

from haz_trio.testing.reference.graph import Edges, closure, label
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.workspace import Task

OK = "ok"


@attrs.frozen
class Mark:
    """A line of the log: a command has begun, has ended, or has waited for others in vain."""

    what: str  # "begin", "end" or "alone"
    id: Id


@attrs.frozen
class Caps:
    """How many may run at once: in all, and of projects with a tag."""

    slots: int
    tags: Mapping[str, int]


def parse_marks(text: str) -> list[Mark]:
    return [Mark(what, _id(name)) for what, _, name in map(_split, text.splitlines())]


def outcomes(kinds: Mapping[Id, str], hard: Edges) -> dict[Id, str]:
    """``done``, ``failed``, ``errored`` or ``skipped``; ``kinds`` says how each would go."""
    found = {}
    for id, kind in kinds.items():
        before = closure([id], hard) - {id}
        if any(kinds[other] != OK for other in before):
            found[id] = "skipped"
        else:
            found[id] = {"ok": "done", "fail": "failed", "error": "errored"}[kind]
    return found


def blamed(id: Id, kinds: Mapping[Id, str], hard: Edges) -> frozenset[Id]:
    """Whom a skipped task may be skipped for: a predecessor that went wrong by itself."""
    ended = outcomes(kinds, hard)
    return frozenset(
        other for other in closure([id], hard) - {id} if ended[other] in ("failed", "errored")
    )


def broken_rules(
    marks: Sequence[Mark], tasks: Mapping[Id, Task], edges: tuple[Edges, Edges], caps: Caps
) -> Iterator[tuple[str, str]]:
    """Every rule that the marks show to be broken, with what shows it."""
    hard, weak = edges
    running: list[Id] = []
    begun: set[Id] = set()
    ended: set[Id] = set()
    will_run = {mark.id for mark in marks}
    for mark in marks:
        if mark.what == "alone":
            yield "EXEC-004 EXEC-005 MUTEX-004", f"{label(mark.id)} did not run beside others"
        elif mark.what == "end":
            running.remove(mark.id)
            ended.add(mark.id)
        else:
            running.append(mark.id)
            begun.add(mark.id)
            for other in sorted(hard[mark.id] & will_run - ended):
                yield "EXEC-002", f"{label(mark.id)} began before {label(other)} had ended"
            for other in sorted(weak[mark.id] & will_run - ended):
                yield "DAG-009", f"{label(mark.id)} began before {label(other)} had ended"
            yield from _too_many(running, tasks, caps)


def _too_many(
    running: Sequence[Id], tasks: Mapping[Id, Task], caps: Caps
) -> Iterator[tuple[str, str]]:
    names = " ".join(sorted(map(label, running)))
    if len(running) > caps.slots:
        yield "EXEC-004", f"at once with {caps.slots} slots: {names}"
    for tag, cap in caps.tags.items():
        tagged = [id for id in running if tag in tasks[id].tags]
        if len(tagged) > cap:
            yield "EXEC-005", f"at once with a cap of {cap} for {tag}: {names}"
    holders: dict[str, list[bool]] = {}
    for id in running:
        mutex = tasks[id].mutex
        if mutex is not None:
            holders.setdefault(mutex[0], []).append(mutex[1])
    for lock, shared in holders.items():
        if len(shared) > 1 and not all(shared):
            yield "MUTEX-001 MUTEX-002 MUTEX-003 MUTEX-006", f"hold {lock} at once: {names}"


def overtaken(marks: Sequence[Mark], tasks: Mapping[Id, Task]) -> list[str]:
    """Who began before an earlier task of its project that its lock keeps it apart from.

    Among tasks that are ready from the start, each lock is given in canonical order.
    """
    begun: list[Id] = []
    found = []
    for mark in marks:
        mutex = tasks[mark.id].mutex if mark.what == "begin" and mark.id in tasks else None
        if mutex is not None:
            for other in begun:
                its = tasks[other].mutex
                apart = its is not None and its[0] == mutex[0] and not (its[1] and mutex[1])
                if apart and other[0] == mark.id[0] and other > mark.id:
                    found.append(f"{label(other)} began before {label(mark.id)}")
            begun.append(mark.id)
    return found


def tally(ended: Collection[str]) -> str:
    """The closing line on standard error (EXEC-017)."""
    count = list(ended).count
    parts = [f"{count('done') + count('cached')} completed"]
    parts[0] += f" ({count('cached')} cached)" if count("cached") else ""
    wrong = count("failed") + count("errored")
    parts += [f"{wrong} failed"] if wrong else []
    parts += [f"{count('skipped')} skipped"] if count("skipped") else []
    return "Tasks: " + ", ".join(parts)


TIMES = (  # execution.md 7.4: no part is padded
    r"(?:0|[1-9]\d{0,2})ms|(?:[1-9]|[1-5]\d)s (?:0|[1-9]\d{0,2})ms"
    r"|(?:[1-9]|[1-5]\d)m (?:[1-5]?\d)s"
)
"""How long something took, up to an hour, as a regular expression."""


def is_time(text: str) -> bool:
    """Whether it is how long something took, up to an hour."""
    return re.fullmatch(TIMES, text) is not None


def is_timed(detail: str) -> bool:
    """Whether what a summary line says after the verdict is ``in`` and a time, maybe with why."""
    return detail.startswith("in ") and is_time(detail[3:].partition(" (")[0])


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def _id(name: str) -> Id:
    project, _, task = name.partition(":")
    return project, task
