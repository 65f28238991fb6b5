"""Why a look missed: what differs from the last result of the task that is still there.

A reason is one line for people; values of variables are never in it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import assert_never

import attrs

from haz_trio.cache.files import Disk
from haz_trio.cache.history import History
from haz_trio.cache.recipe import Recipe
from haz_trio.cache.recorded import recorded
from haz_trio.cache.root import CacheRoot
from haz_trio.engine.differences import (
    ActionDiffers,
    Difference,
    Doubt,
    FunctionDiffers,
    InputDiffers,
    OutputDiffers,
    PredecessorDiffers,
    SettingDiffers,
    VariableDiffers,
    differences,
)
from haz_trio.engine.found import NO_ENTRY
from haz_trio.engine.looker import WhyMissed
from haz_trio.model.names import TaskId, quote
from haz_trio.model.workspace import Workspace

_NAMED = 3  # differences that are named; the others are counted


@attrs.frozen(eq=False)
class Reasons:
    """Compares recipes with earlier ones; blocks, and may be used in several threads."""

    _history: History
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    @classmethod
    def of(cls, root: CacheRoot) -> Reasons:
        return cls(History(root))

    def reason(self, task: TaskId, recipe: Recipe) -> str:
        """Why nothing is stored under the key of this recipe; never empty."""
        with self._lock:
            last = self._history.last(task)
            secret = self._history.secret
        if last is None:
            return NO_ENTRY
        # Without the secret of the cache no value can be compared, with none of it or any other.
        doubt = Doubt(values=secret is None)
        now = recorded(recipe, secret if secret is not None else bytes(16))
        return describe(differences(last.recipe, now, doubt))


@contextmanager
def open_reasons(workspace: Workspace) -> Iterator[WhyMissed]:
    """Reasons for misses, from what the cache of a workspace remembers of earlier results."""
    root = CacheRoot(workspace.root.rstrip("/") or "/", Disk())
    try:
        yield Reasons.of(root).reason
    finally:
        root.close()


def describe(found: tuple[Difference, ...]) -> str:
    """Differences in one line; without any the entry of this very recipe is gone."""
    if not found:
        return NO_ENTRY
    named = ", ".join(_phrase(each) for each in found[:_NAMED])
    return named if len(found) <= _NAMED else f"{named} and {len(found) - _NAMED} more"


def _phrase(difference: Difference) -> str:
    match difference:
        case SettingDiffers(name):
            return f"{name} changed"
        case ActionDiffers():
            return "command changed"
        case FunctionDiffers(part, how):
            return f"{part} {how.value}"
        case OutputDiffers(_, pattern, how):
            return f"declared output {quote(pattern)} {how.value}"
        case InputDiffers(path, how):
            return f"input {quote(path)} {how.value}"
        case PredecessorDiffers(task, which):
            return f"dependency {task} {which.value}"
        case VariableDiffers(name, how):
            return f"variable {name} {how.value}"
        case _:
            assert_never(difference)
