"""A batch of examples of one area: drawn by a seed, played, and shrunk when one differs."""

from __future__ import annotations

import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import attrs
import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.control import current_build_context
from hypothesis.core import encode_failure
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.errors import DidNotReproduce

from haz_trio.testing.areas.area import Area, Case
from haz_trio.testing.areas.registry import area_named
from haz_trio.testing.command.stopping import asked
from haz_trio.testing.subject import Subject
from haz_trio.testing.trial import DifferenceError, MutedError, Step, Trial, new_trial

_BYTES = 1 << 14  # of which an example is drawn; one that wants more is none


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
        elif time.monotonic() > self.deadline or asked():
            raise _EnoughError
        else:
            verdict = self.verdicts[case.text] = self._play(case)
        if verdict is not None:
            raise verdict.with_traceback(None)

    def _play(self, case: Case) -> DifferenceError | None:
        batch = self.batch
        with new_trial(batch.subject, batch.known, batch.muted) as trial:
            difference = try_case(case, trial)
            if difference is not None:
                first = self.worst is None
                before = self.played + 1 if self.worst is None else self.worst.examples
                self.worst = Finding(
                    batch.area,
                    tuple(difference.rules),
                    str(difference),
                    case.text,
                    tuple(trial.steps),
                    before,
                    _blob(),
                )
                if first:
                    self.deadline = time.monotonic() + batch.shrink_seconds
            if self.worst is None:
                self.played += 1
                self.met.update(trial.met)
        return difference


def try_case(case: Case, trial: Trial) -> DifferenceError | None:
    """Play an example; the difference, if there is one.

    What an area stumbles over is a difference as well: nothing that a right program does.
    """
    try:
        case.play(trial)
    except MutedError:
        return None
    except DifferenceError as difference:
        return difference
    except Exception as stumbled:  # whatever it is, it is for the one who judges the program
        if "EXEC-021" in trial.muted:
            return None
        where = traceback.extract_tb(stumbled.__traceback__)[-1]
        what = f"{type(stumbled).__name__}: {stumbled} ({where.name}, line {where.lineno})"
        return DifferenceError("EXEC-021", "what an area can go on with", what, "nothing odd")
    return None


def draw_cases(area: Area, name: str, count: int) -> list[Case]:
    """Examples of an area, without playing them; equal names give equal ones."""
    found: list[Case] = []

    def keep(case: Case) -> None:
        found.append(case)

    _draw(hypothesis.given(area.cases())(keep), name, lambda: len(found) < count, count)
    return found


def _draw(test: Callable[..., None], name: str, wanted: Callable[[], bool], count: int) -> None:
    """Call a test with examples that are independent of each other, as long as they are wanted.

    Hypothesis itself begins with small ones and goes on with variations, to find out more about a
    failure; whoever looks for the first one gets further with others.
    Not all that is drawn becomes an example: some are too large, some have been played before.
    So more than ``count`` are drawn, up to twice as many.
    """
    fuzz: Callable[[bytes], bytes | None] = vars(test)["hypothesis"].fuzz_one_input
    source = random.Random(name)  # noqa: S311  # to be the same again
    for _ in range(2 * count):
        if not wanted():
            break
        fuzz(source.randbytes(_BYTES))


def play(batch: Batch) -> Played:
    """Play a batch to its end, or to the smallest example of the first difference.

    Where this process is asked to stop, what is played last is the example that was begun.
    """
    started = time.monotonic()
    search = _Search(batch)
    test = hypothesis.given(area_named(batch.area).cases())(search.__call__)
    if batch.replay:
        test = hypothesis.reproduce_failure(hypothesis.__version__, batch.replay.encode())(test)
    test = settings(
        database=InMemoryExampleDatabase(),  # between the search and what makes a finding small
        deadline=None,
        phases=[Phase.reuse, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.normal,
    )(test)
    # A replayed example that differs no more is no finding.
    with suppress(DifferenceError, DidNotReproduce, _EnoughError):
        if batch.replay:
            test()
        else:
            try:
                name = f"{batch.seed} {batch.area} {batch.number}"
                _draw(test, name, lambda: search.played < batch.examples, batch.examples)
            except DifferenceError:
                test()
    seconds = time.monotonic() - started
    return Played(batch, search.played, seconds, dict(search.met), search.worst)


def _blob() -> str:
    """The example that is being played, as ``reproduce_failure`` takes it."""
    return encode_failure(current_build_context().data.choices).decode()
