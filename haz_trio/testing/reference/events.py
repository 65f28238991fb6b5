"""What ``haz run --json`` tells, as docs/events.md says it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import attrs

from haz_trio.testing.reference.json_values import Body, text


class StrangeError(ValueError):
    """The stream of events breaks its own rules; the argument says how."""


@attrs.frozen
class Told:
    """What was told of each task: how it ended, and its bytes by the names of the streams."""

    tasks: tuple[str, ...]
    ends: dict[str, Body]
    streams: dict[tuple[str, str], bytes]
    exit_code: object


def parse_events(data: bytes) -> Told:
    """Raises ``StrangeError``, and ``ValueError`` for what is no JSON."""
    events = list(_events(data))
    if [event.get("seq") for event in events] != list(range(len(events))):
        raise StrangeError("seq has a gap")
    if not events or events[0].get("type") != "run_start" or events[-1].get("type") != "run_end":
        raise StrangeError("run_start comes first and run_end last, once each")
    ends: dict[str, Body] = {}
    streams: dict[tuple[str, str], bytes] = {}
    for event in events:
        task = text(event.get("task"))
        if event["type"] == "task_end":
            if task in ends:
                raise StrangeError(f"{task} ends twice")
            ends[task] = event
        elif event["type"] == "task_output":
            key = task, text(event.get("stream"))
            if event.get("offset") != len(streams.setdefault(key, b"")):
                raise StrangeError(f"the bytes of {task} have a gap")
            if task in ends:
                raise StrangeError(f"{task} prints behind its end")
            streams[key] += _bytes(event)
    listed = events[0].get("tasks")
    tasks = tuple(map(text, listed)) if isinstance(listed, list) else ()
    if {*tasks} != {*ends}:
        raise StrangeError("not every task has an end")
    return Told(tasks, ends, streams, events[-1].get("exit_code"))


def _events(data: bytes) -> Iterator[Body]:
    for line in data.splitlines():
        event = json.loads(line)
        if not isinstance(event, dict) or event.get("v") != 1:
            raise StrangeError("a line is no event of version 1")
        yield event


def _bytes(event: Body) -> bytes:
    if "base64" in event:
        return base64.b64decode(text(event["base64"]), validate=True)
    return text(event.get("text")).encode()
