"""Failures marked for GitHub Actions: workflow commands on standard error (``--annotations``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import attrs

from haz_trio.model.names import TaskId
from haz_trio.output.summary import violation_text
from haz_trio.output.writes import Renderer, Target, Write
from haz_trio.plan.messages import Event, TaskOutput, TaskSettled, ViolationFound
from haz_trio.plan.outcome import Errored, Failed
from haz_trio.values import frozen


@frozen
class Place:
    """Where a task is declared: a file as the service knows it, and a line from 1."""

    file: str
    line: int


@attrs.define
class Annotated:
    """Another renderer with marks behind what it prints.

    With ``folded`` the block of a task that printed something can be folded away.
    """

    renderer: Renderer
    places: Mapping[TaskId, Place]
    folded: bool
    _talkers: set[TaskId] = attrs.field(factory=set, init=False)

    def __call__(self, event: Event, at: float) -> Iterable[Write]:
        writes = self.renderer(event, at)
        match event:
            case TaskOutput(task):
                self._talkers.add(task)
            case TaskSettled(task, outcome):
                if self.folded and task in self._talkers:
                    writes = _join(
                        _say(f"::group::{_data(str(task))}"), _closed(writes), _say(_END)
                    )
                self._talkers.discard(task)
                match outcome:
                    case Failed(status):
                        return _join(writes, self._error(task, f"failed ({status})"))
                    case Errored(reason):
                        return _join(writes, self._error(task, f"errored: {reason}"))
                    case _:
                        pass
            case ViolationFound(violation):
                return _join(writes, _say(f"::error::{_data(violation_text(violation))}"))
            case _:
                pass
        return writes

    def _error(self, task: TaskId, text: str) -> list[Write]:
        place = self.places.get(task)
        where = f"file={_property(place.file)},line={place.line}," if place is not None else ""
        return _say(f"::error {where}title={_property(str(task))}::{_data(f'{task} {text}')}")


_END = "::endgroup::"


def _say(text: str) -> list[Write]:
    return [Write(Target.STDERR, text.encode("utf-8", "replace") + b"\n")]


def _closed(writes: Iterable[Write]) -> Iterable[Write]:
    closed = _with_line_end(writes)
    return list(closed) if isinstance(writes, list) else closed


def _with_line_end(writes: Iterable[Write]) -> Iterator[Write]:
    """The same, the last line being whole: a mark counts only at the beginning of a line.

    Of either stream, as the service reads both as one log.
    """
    last = b"\n"
    for write in writes:
        last = write.data[-1:] or last
        yield write
    if last != b"\n":
        yield Write(Target.STDERR, b"\n")


def _join(*parts: Iterable[Write]) -> Iterable[Write]:
    """Several writes as one; a list, unless one of them is read from a file."""
    lists = [part for part in parts if isinstance(part, list)]
    joined = chain.from_iterable(parts)
    return list(joined) if len(lists) == len(parts) else joined


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
