"""Run a workspace and say what became of each task."""

import sys

import trio

import haz_trio


async def main(folder: str) -> int:
    workspace = haz_trio.load_workspace(folder)
    async with haz_trio.open_engine(workspace) as engine:
        report = await engine.run()
    for task, outcome in report:
        print(task, type(outcome).__name__)
    return haz_trio.exit_code_for(report)


if __name__ == "__main__":
    sys.exit(trio.run(main, sys.argv[1]))
