"""The timelines of earlier runs, put together from what was kept and what the workspace says."""

from __future__ import annotations

from haz_trio.cache.timelines import KeptTimeline
from haz_trio.engine.jobs import planned_tasks
from haz_trio.errors import HazError
from haz_trio.graph.graph import TaskGraph
from haz_trio.plan.timeline import Timeline


def revive(kept: KeptTimeline, graph: TaskGraph) -> Timeline:
    """The timeline of a run whose tasks are still there.

    Edges, tags and mutexes are those of the graph, whatever they were then.
    Raises ``HazError`` when a task is gone.
    """
    gone = [id for id in kept.ids if id not in graph.hard]
    if gone:
        raise HazError(
            f"the run had a task {gone[0]} that the workspace has no longer; run again first"
        )
    return Timeline(
        tuple(planned_tasks(graph, kept.ids)),
        kept.limits,
        kept.ends,
        kept.marks,
        kept.twins,
        kept.began,
        kept.ended,
        kept.paused,
        kept.resumed,
    )
