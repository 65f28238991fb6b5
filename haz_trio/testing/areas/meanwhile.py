"""Several small workspaces that are played at once, since most of the time they wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from haz_trio.testing.models import files_of
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.trial import Trial

Told = TypeVar("Told")
Seen = TypeVar("Seen")


def play_at_once(
    trial: Trial,
    told: Mapping[str, Told],
    declared: Callable[[str, Told], Declared],
    played: Callable[[Trial, str, Told], Seen],
) -> Iterator[tuple[str, Told, Seen]]:
    """What was seen of each story, by the name of its folder, when all have come to their ends."""
    for name, story in told.items():
        files = files_of(declared(name, story))
        trial.write({f"{name}/{path}": content for path, content in files.items()})
    with ThreadPoolExecutor(max(len(told), 1)) as pool:
        ends = {name: pool.submit(played, trial, name, story) for name, story in told.items()}
    for name, story in told.items():
        yield name, story, ends[name].result()


def wait_until(
    there: Callable[[], bool], seconds: float, *, is_over: Callable[[], bool] = lambda: False
) -> bool:
    """Until something is there, nothing will be, or time is over; whether it is there."""
    deadline = time.monotonic() + seconds
    while not there() and not is_over() and time.monotonic() < deadline:
        time.sleep(0.01)
    return there()
