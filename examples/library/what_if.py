"""What did tasks wait for, and how long would the run take with one slot more?"""

import sys

import trio

import haz_trio


async def main(folder: str) -> None:
    workspace = haz_trio.load_workspace(folder)
    policy = haz_trio.Policy(slots=1)
    async with haz_trio.open_engine(workspace, policy=policy) as engine:
        report = await engine.run()
    for task, spent in report.waits.items():
        waits = ", ".join(f"{wait.seconds:.2f} s for {wait.reason}" for wait in spent.waits)
        print(f"{task} ran {spent.ran:.2f} s and waited {waits or 'for nothing'}")
    if report.timeline is not None:
        wider = haz_trio.simulate(report.timeline, haz_trio.Change(slots=2))
        print(f"{report.timeline.makespan:.2f} s; with two slots {wider.makespan:.2f} s")


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
