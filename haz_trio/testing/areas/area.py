"""What an area is: a name, cases, and how much of a run's examples it gets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import attrs
from hypothesis.strategies import SearchStrategy

from haz_trio.testing.trial import Trial

_T = TypeVar("_T")


@attrs.frozen
class Case:
    """An example that can be played; ``text`` is what it prints as."""

    text: str
    play: Callable[[Trial], None] = attrs.field(eq=False, repr=False)


@attrs.frozen
class Area:
    """``share`` is relative to those of other areas; ``cases`` makes the strategy when asked.

    Examples of an area that ``waits`` take little of the processor, and long.
    """

    name: str
    about: str
    cases: Callable[[], SearchStrategy[Case]]
    share: float
    waits: bool = False


def area(
    name: str,
    about: str,
    examples: Callable[[], SearchStrategy[_T]],
    play: Callable[[Trial, _T], None],
    share: float,
    *,
    waits: bool = False,
) -> Area:
    """An area whose examples are of one type, played by one function."""

    def to_case(example: _T) -> Case:
        return Case(repr(example), partial(_swapped, play, example))

    return Area(name, about, lambda: examples().map(to_case), share, waits)


def _swapped(play: Callable[[Trial, _T], None], example: _T, trial: Trial) -> None:
    play(trial, example)
