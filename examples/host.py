"""Run a workspace in a Trio program: a deadline, events to a client, a host that may cancel."""

import sys
from collections.abc import Awaitable, Callable

import trio

import haz_trio


async def forward(events: haz_trio.EventStream, send: Callable[[str], Awaitable[None]]) -> None:
    async for told in events:
        await send(f"{told.at:.3f} {told.event}")


async def serve(folder: str, seconds: float, send: Callable[[str], Awaitable[None]]) -> bool:
    """Run everything within some seconds; whether all went well. A slow client slows the tasks."""
    workspace = haz_trio.load_workspace(folder)
    strict = haz_trio.Containment.STRICT
    with trio.move_on_after(seconds):
        async with haz_trio.open_engine(workspace, containment=strict) as engine:
            with engine.events() as events:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(forward, events, send)
                    report = await engine.run()
            return report.succeeded
    return False


async def main() -> None:
    async def send(text: str) -> None:
        print(text, flush=True)

    sys.exit(not await serve(sys.argv[1], float(sys.argv[2]), send))


if __name__ == "__main__":
    trio.run(main)
