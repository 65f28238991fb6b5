"""One question to a graph, for programs: which tasks does an expression describe?"""

from __future__ import annotations

from haz_trio.graph.graph import TaskGraph
from haz_trio.model.names import TaskId
from haz_trio.query.evaluation import evaluate
from haz_trio.query.filters import Filter, read_filter


def query_tasks(graph: TaskGraph, expression: str) -> tuple[TaskId, ...]:
    """The tasks that an expression describes, in canonical order (QRY-007).

    The expression is one of ``haz query --expr``, such as ``tag:c & !depends-on(task:gen)``;
    relative paths in it are taken as below the workspace root.
    Raises ``QueryError`` with the place of each mistake.
    """
    return evaluate(graph, read_filter(Filter.EXPR, expression), graph.ids)
