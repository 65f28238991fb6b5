"""A batch of examples of one area: drawn by a seed, played, and shrunk when one differs."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress

import attrs
import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.control import current_build_context
from hypothesis.core import encode_failure
from hypothesis.errors import DidNotReproduce

from haz_trio.testing.areas.area import Case
from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.subject import Subject
from haz_trio.testing.trial import DifferenceError, MutedError, Step, new_trial


@attrs.frozen
class Batch:
    """What to try; equal batches try the same examples."""

    area: str
    number: int
    seed: int
    examples: int
    subject: Subject
    known: frozenset[str]
    muted: frozenset[str]
    shrink_seconds: float
    replay: str = ""


@attrs.frozen
class Finding:
    """The smallest example that was found to differ."""

    area: str
    rules: tuple[str, ...]
    message: str
    example: str
    steps: tuple[Step, ...]
    examples: int  # that were played before it was met for the first time
    blob: str


@attrs.frozen
class Played:
    """What came of a batch: how many examples, how often each rule held, what was found."""

    batch: Batch
    examples: int
    seconds: float
    met: dict[str, int]
    finding: Finding | None


class _EnoughError(BaseException):
    """Ends the search: Hypothesis would go on drawing smaller examples that nobody plays."""


class _Search:
    """Plays each example once, remembers verdicts, and gives up shrinking after a while."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.met: Counter[str] = Counter()
        self.played = 0
        self.verdicts: dict[str, DifferenceError | None] = {}
        self.worst: Finding | None = None
        self.deadline = float("inf")

    def __call__(self, case: Case) -> None:
        if case.text in self.verdicts:
            verdict = self.verdicts[case.text]
        elif time.monotonic() > self.deadline:
            raise _EnoughError
        else:
            verdict = self.verdicts[case.text] = self._play(case)
        if verdict is not None:
            raise verdict.with_traceback(None)

    def _play(self, case: Case) -> DifferenceError | None:
        batch = self.batch
        with new_trial(batch.subject, batch.known, batch.muted) as trial:
            try:
                case.play(trial)
            except MutedError:
                pass
            except DifferenceError as difference:
                first = self.worst is None
                steps = tuple(trial.steps)
                before = self.played + 1 if self.worst is None else self.worst.examples
                rules = tuple(difference.rules)
                self.worst = Finding(
                    batch.area, rules, str(difference), case.text, steps, before, _blob()
                )
                if first:
                    self.deadline = time.monotonic() + batch.shrink_seconds
                return difference
            finally:
                if self.worst is None:
                    self.played += 1
                    self.met.update(trial.met)
        return None


def play(batch: Batch) -> Played:
    """Play a batch to its end, or to the smallest example of the first difference."""
    started = time.monotonic()
    search = _Search(batch)
    (area,) = (area for area in AREAS if area.name == batch.area)
    test = hypothesis.given(area.cases())(search.__call__)
    if batch.replay:
        test = hypothesis.reproduce_failure(hypothesis.__version__, batch.replay.encode())(test)
    else:
        test = hypothesis.seed(f"{batch.seed} {batch.area} {batch.number}")(test)
    test = settings(
        max_examples=batch.examples,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.normal,
    )(test)
    # A replayed example that differs no more is no finding.
    with suppress(DifferenceError, DidNotReproduce, _EnoughError):
        test()
    seconds = time.monotonic() - started
    return Played(batch, search.played, seconds, dict(search.met), search.worst)


def _blob() -> str:
    """The example that is being played, as ``reproduce_failure`` takes it."""
    return encode_failure(current_build_context().data.choices).decode()
