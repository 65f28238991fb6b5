"""Run everything, and cancel the one task that takes too long; the others go on."""

import sys

import trio

import haz_trio


async def main(folder: str, seconds: float) -> None:
    workspace = haz_trio.load_workspace(folder)
    async with haz_trio.open_engine(workspace) as engine:
        with engine.events() as events:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(limit, engine, events, seconds)
                report = await engine.run()
    for task, outcome in report:
        print(task, outcome.cause if isinstance(outcome, haz_trio.Cancelled) else "completed")


async def limit(engine: haz_trio.Engine, events: haz_trio.EventStream, seconds: float) -> None:
    async with trio.open_nursery() as nursery:
        async for told in events:
            if isinstance(told.event, haz_trio.TaskBegun):
                nursery.start_soon(cancel_later, engine, told.event.task, seconds)
        nursery.cancel_scope.cancel()


async def cancel_later(engine: haz_trio.Engine, task: haz_trio.TaskId, seconds: float) -> None:
    await trio.sleep(seconds)
    engine.cancel(task)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], float(sys.argv[2]))
