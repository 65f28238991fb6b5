"""Print what happens in a run, as it happens."""

import sys

import trio

import haz_trio


async def main(folder: str) -> None:
    workspace = haz_trio.load_workspace(folder)
    async with haz_trio.open_engine(workspace) as engine:
        with engine.events() as events:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(show, events)
                await engine.run()


async def show(events: haz_trio.EventStream) -> None:
    async for told in events:
        match told.event:
            case haz_trio.TaskBegun(task):
                print(f"{task} begins")
            case haz_trio.TaskOutput(task, stream, data):
                print(f"{task} {stream.value}: {data!r}")
            case haz_trio.TaskSettled(task, outcome):
                print(f"{task} is {type(outcome).__name__.lower()}")
            case _:
                pass


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
