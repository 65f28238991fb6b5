"""Mistakes of a host program: mypy and pyright have to see each of them.

Both complain of an ignore that ignores nothing, so every line here has to be an error.
Nothing here is executed.
"""

from __future__ import annotations

import haz_trio
from haz_trio import Engine, Record, TaskGraph, Workspace


async def wrong_arguments(engine: Engine, graph: TaskGraph, workspace: Workspace) -> None:
    await engine.run("lib:build")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await engine.run(["lib:build"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    engine.stop(0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    haz_trio.open_engine("/path")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    haz_trio.open_engine(workspace, observers=[print])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    haz_trio.make_task("a", command=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    haz_trio.no_such_name()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def frozen(record: Record) -> None:
    record.key = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
