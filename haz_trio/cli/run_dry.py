"""``haz run --dry-run``: what would run, as text or with what the cache would say, as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from haz_trio.cli.run_choices import RunChoices
from haz_trio.engine.predict import Prediction, predict
from haz_trio.errors import HazError
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import Workspace
from haz_trio.output.events import VERSION
from haz_trio.process.environment import host_environment


def dry_run_text(tasks: Collection[TaskId]) -> str:
    """What ``--dry-run`` prints (EXEC-030); the tasks come in canonical order."""
    if not tasks:
        return "would run 0 tasks.\n"
    noun = "task" if len(tasks) == 1 else "tasks"
    return f"would run {len(tasks)} {noun}:\n" + "".join(f"  - {id}\n" for id in tasks)


def dry_run_json(
    workspace: Workspace, graph: TaskGraph, tasks: Collection[TaskId], choices: RunChoices
) -> str:
    """The same with predictions (docs/events.md); raises ``HazError`` for an unusable cache."""
    try:
        found = predict(workspace, graph, tasks, host=host_environment(), use=choices.policy.cache)
    except OSError as problem:
        reason = problem.strerror or problem
        raise HazError(f"the cache {problem.filename} cannot be looked at: {reason}") from None
    return _document(found)


def _document(found: Iterable[Prediction]) -> str:
    tasks = [
        {
            "task": str(each.task),
            "cache": each.verdict.value,
            "key": each.key,
            "reason": each.reason or None,
            "duration_ms": each.duration,
        }
        for each in found
    ]
    return json.dumps({"v": VERSION, "tasks": tasks}, indent=2) + "\n"
