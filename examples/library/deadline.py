"""Give a run some seconds; what was not done by then is cancelled, and nothing is left of it."""

import sys

import trio

import haz_trio


async def main(folder: str, seconds: float) -> None:
    workspace = haz_trio.load_workspace(folder)
    async with haz_trio.open_engine(workspace) as engine, trio.open_nursery() as nursery:
        nursery.start_soon(stop_later, engine, seconds)
        report = await engine.run()
        nursery.cancel_scope.cancel()
    for task, outcome in report:
        print(task, type(outcome).__name__)


async def stop_later(engine: haz_trio.Engine, seconds: float) -> None:
    await trio.sleep(seconds)
    engine.stop()


if __name__ == "__main__":
    trio.run(main, sys.argv[1], float(sys.argv[2]))
