"""Graphs as ``haz graph`` and ``haz query --graph`` draw them, read back (cli.md 14.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from haz_trio.testing.reference.graph import Graph, closure, label
from haz_trio.testing.reference.references import Id
from haz_trio.testing.trial import Trial

Edge = tuple[str, str, str]  # a task, the kind, and what it needs
_NODE = re.compile(r'  "([^"]+)";')
_ARROW = re.compile(r'  "([^"]+)" -> "([^"]+)" \[style=(solid|dashed|dotted)\];')
_BOX = re.compile(r'  (t\d+)\["([^"]+)"\]')
_LINE = re.compile(r"  (t\d+) (-->|-\.->|-\.->\|files\|) (t\d+)")
_KINDS = {
    "solid": "hard",
    "dashed": "soft",
    "dotted": "producer",
    "-->": "hard",
    "-.->": "soft",
    "-.->|files|": "producer",
}


def draws(
    trial: Trial,
    graph: Graph,
    rules: str,
    words: Collection[str],
    form: str,
    seeds: Collection[Id],
) -> None:
    """The tasks in their order, and every edge between two of them, of all three kinds.

    Without ``seeds`` these are all tasks, else what the seeds need, too.
    """
    result = trial.haz(*words, *map(label, seeds))
    trial.same(rules, f"{result}exit code", result.code, 0)
    tasks, edges = _read(result.out.decode(errors="replace"), form)
    chosen = closure(seeds, graph.hard) if seeds else {*graph.tasks}
    kinds = {"hard": graph.hard, "soft": graph.weak, "producer": graph.producers}
    expected = {
        (label(id), kind, label(other))
        for kind, of in kinds.items()
        for id in chosen
        for other in of[id]
        if other in chosen
    }
    own = {(label(id), "producer", label(id)) for id in graph.tasks}  # they are left open
    found = sorted({*edges} - own)
    trial.same(rules, f"{result}edges", found, sorted(expected))
    trial.same(rules, f"{result}tasks", tasks, [label(id) for id in graph.tasks if id in chosen])


def _read(text: str, form: str) -> tuple[list[str], list[Edge]]:
    if form == "json":
        drawn = json.loads(text)
        edges = [(it["task"], it["kind"], it["needs"]) for it in drawn["edges"]]
        return drawn["tasks"], edges
    lines = text.splitlines()
    if form == "mermaid":
        boxes = {it[1]: it[2] for it in map(_BOX.fullmatch, lines) if it}
        ends = [it for it in map(_LINE.fullmatch, lines) if it]
        return [*boxes.values()], [(boxes[it[1]], _KINDS[it[2]], boxes[it[3]]) for it in ends]
    nodes = [it[1] for it in map(_NODE.fullmatch, lines) if it]
    return nodes, [(it[1], _KINDS[it[3]], it[2]) for it in map(_ARROW.fullmatch, lines) if it]
