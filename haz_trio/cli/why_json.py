"""The report of ``haz why --json``: one object, with the differences when they were asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TypeAlias, assert_never

from haz_trio.cli.why_text import detail, lookup
from haz_trio.engine.comparison import Comparison
from haz_trio.engine.differences import (
    ActionDiffers,
    Difference,
    FunctionDiffers,
    InputDiffers,
    OutputDiffers,
    PredecessorDiffers,
    SettingDiffers,
    VariableDiffers,
)
from haz_trio.engine.explain import Explanation, Keyed, Unkeyed, View
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.tasks import Action, Argv, Called, Function, Keyable, Mutex, Shell

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

VERSION = 1
MASK = "***"
_SECRET = re.compile(
    r"secret|token|passw|passphrase|credential|private|cookie|auth|api_?key|_key\b|^key\b",
    re.IGNORECASE,
)


def why_json(
    explanation: Explanation, graph: TaskGraph, compared: Sequence[Comparison] | None
) -> str:
    """The object as text; ``diff`` is there only when ``compared`` is."""
    id, view = explanation.target, explanation.view
    task = view.job.node.task
    document: dict[str, Json] = {
        "v": VERSION,
        "task": str(id),
        "action": _action(task.action),
        "inputs": [
            {"path": path, "producers": _texts(graph.producers_of(path))}
            for path, _ in view.recipe.inputs
        ],
        "outputs": [pattern.text for pattern in task.outputs],
        "deps": _texts(graph.hard[id]),
        "weakDeps": _texts(graph.weak[id]),
        "mutex": None if task.mutex is None else _mutex(task.mutex),
        "env": {
            "from_host": _texts(sorted(task.env.from_host)),
            "override": {name: masked(name, value) for name, value in task.env.override},
        },
        **_standing(view),
    }
    if compared is not None:
        document["diff"] = [_comparison(comparison) for comparison in compared]
    return json.dumps(document, indent=2) + "\n"


def masked(name: str, value: str) -> Json:
    """A value, or a mask when the name looks like that of a secret."""
    return MASK if _SECRET.search(name) else value


def _standing(view: View) -> dict[str, Json]:
    match view.standing:
        case Keyed(key, found):
            return {"key": key, "lookup": lookup(found), "reason": detail(found)}
        case Unkeyed(waiting, problems):
            return {
                "key": None,
                "lookup": None,
                "waiting": _texts(waiting),
                "problems": _texts(problems),
            }
        case _:
            assert_never(view.standing)


def _comparison(comparison: Comparison) -> Json:
    last = comparison.last
    return {
        "task": str(comparison.task),
        **_standing(comparison.view),
        "last": None if last is None else last.key,
        "changes": None if last is None else [_difference(d) for d in comparison.differences],
    }


def _difference(difference: Difference) -> Json:
    match difference:
        case SettingDiffers(name, before, now):
            return {"part": name, "before": before, "now": now}
        case ActionDiffers(before, now):
            return {"part": "action", "before": _action(before), "now": _action(now)}
        case FunctionDiffers(part, how, module):
            found: dict[str, Json] = {"part": "action", "name": part, "how": how.value}
            if module is not None:
                found["module"] = {"path": module.path, "newer": module.newer}
            return found
        case OutputDiffers(kind, pattern, how):
            return {"part": "outputs", "kind": kind, "pattern": pattern, "how": how.value}
        case InputDiffers(path, how):
            return {"part": "inputs", "path": path, "how": how.value}
        case PredecessorDiffers(task, which):
            return {"part": "deps", "task": str(task), "how": which.value}
        case VariableDiffers(name, how):
            return {"part": "env", "name": name, "how": how.value}
        case _:
            assert_never(difference)


def _action(action: Action | Keyable) -> Json:
    match action:
        case Argv(argv):
            return {"command": list(argv)}
        case Shell(script, shell):
            return {"shell": script, "shell_type": shell}
        case Function():
            return {"function": str(action)}
        case Called(function):
            return {"function": function}
        case _:
            assert_never(action)


def _mutex(mutex: Mutex) -> Json:
    return {"scope": mutex.scope.value, "name": mutex.name, "mode": mutex.mode.value}


def _texts(items: Sequence[object]) -> list[Json]:
    return [str(item) for item in items]
