"""The door of the library: arguments are looked at, and an engine is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

from haz_trio.abc import Observer, RunCommand, Store
from haz_trio.engine.checks import (
    check_containment,
    check_host,
    check_policy,
    check_ports,
    check_workspace,
)
from haz_trio.engine.engine import Engine, open_engine_with
from haz_trio.engine.kit import make_kit
from haz_trio.engine.looker import WhyMissed
from haz_trio.graph.build import build_graph
from haz_trio.graph.graph import TaskGraph
from haz_trio.model.tasks import Function
from haz_trio.model.workspace import Containment, Workspace
from haz_trio.plan.policy import Policy
from haz_trio.values import evolve

_DEFAULT = Policy()


def open_engine(
    workspace: Workspace,
    graph: TaskGraph | None = None,
    *,
    store: Store | None = None,
    run_command: RunCommand | None = None,
    observers: Sequence[Observer] = (),
    host: Mapping[str, str] | None = None,
    policy: Policy = _DEFAULT,
    containment: Containment | None = None,
    why_missed: WhyMissed | None = None,
) -> AbstractAsyncContextManager[Engine]:
    """An engine for a workspace; nothing of it is left when the block is left.

    A run that still goes on then, in a nursery around the block, is stopped and waited for.

    ``graph`` is what ``build_graph`` makes of the workspace, which is done here without it.
    ``store`` defaults to the cache below the workspace root, ``run_command`` to sessions of their
    own, ``host`` to the environment of this process (execution.md 5.4).
    ``policy`` is for every run of the engine, ``containment`` beats the workspace's setting:
    with ``Containment.STRICT`` also those are ended who left their task on purpose.
    ``why_missed`` gives the reason that a ``TaskMissed`` tells; ``open_reasons`` has a good one,
    which is the default for functions.

    What observers raise ends no run: the end of the block raises it, in an ``ExceptionGroup``.

    Raises ``ArgumentError`` for an argument that cannot be used, and ``GraphError``; both at the
    call, before anything is opened.
    """
    check_workspace(workspace, graph)
    check_ports(store, run_command, observers)
    check_host(host)
    check_policy(policy)
    check_containment(containment)
    graph = build_graph(workspace) if graph is None else graph
    if containment is not None:
        workspace = evolve(workspace, settings=evolve(workspace.settings, containment=containment))
    return _open_engine(workspace, graph, store, run_command, observers, host, policy, why_missed)


@asynccontextmanager
async def _open_engine(
    workspace: Workspace,
    graph: TaskGraph,
    store: Store | None,
    run_command: RunCommand | None,
    observers: Sequence[Observer],
    host: Mapping[str, str] | None,
    policy: Policy,
    why_missed: WhyMissed | None,
) -> AsyncIterator[Engine]:
    with _reasons(workspace, graph, store, why_missed) as why:
        kit = make_kit(workspace, graph, store=store, host=host, policy=policy, why_missed=why)
        async with open_engine_with(kit, run_command=run_command, observers=observers) as engine:
            yield engine


@contextmanager
def _reasons(
    workspace: Workspace, graph: TaskGraph, store: Store | None, why_missed: WhyMissed | None
) -> Iterator[WhyMissed | None]:
    """The default: of a function that has changed people cannot see what has.

    To compare a command with its last result may take a pass over the whole cache, for which
    only looks in threads have the time, as those for functions are.
    """
    functions = {id for id, node in graph.nodes.items() if isinstance(node.task.action, Function)}
    if why_missed is not None or store is not None or not functions:
        yield why_missed
        return
    # Imported here: most workspaces have no functions.
    from haz_trio.engine.reasons import open_reasons

    with open_reasons(workspace) as reason:
        yield lambda task, recipe: reason(task, recipe) if task in functions else ""
