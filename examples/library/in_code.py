"""A workspace that is written in Python, with functions among its tasks."""

import sys
from pathlib import Path

import trio

import haz_trio


def make_seed() -> None:
    """Runs in a process of its own, in the folder of its project."""
    Path("seed.txt").write_text("1 2 3\n")


def tasks_for(greeting: str) -> list[haz_trio.Task]:
    async def greet(task: haz_trio.TaskContext) -> None:
        await task.print(greeting)
        await task.run(["wc", "-w", "seed.txt"])

    seed = haz_trio.make_task("seed", function=make_seed, outputs=["seed.txt"])
    hello = haz_trio.make_task(
        "hello", function=greet, inputs=["seed.txt"], deps=["~:seed"], from_host=["PATH"]
    )
    return [seed, hello]


async def main(folder: str, greeting: str) -> haz_trio.RunReport:
    project = haz_trio.make_project("app", "/app", tasks_for(greeting))
    workspace = haz_trio.make_workspace(folder, [project])
    async with haz_trio.open_engine(workspace) as engine:
        with engine.events() as events:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(show, events)
                return await engine.run()


async def show(events: haz_trio.EventStream) -> None:
    async for told in events:
        match told.event:
            case haz_trio.TaskOutput(task, _, data):
                print(f"{task} says {data.decode().strip()}")
            case haz_trio.TaskSettled(task, haz_trio.Completed(source)):
                print(f"{task} is {source.value}")
            case _:
                pass


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
