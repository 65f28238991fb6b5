"""The machines pass what is right, and name the rule that something wrong breaks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any  # what a plan is made with is passed on

import pytest
import trio

from haz_trio.abc import (
    Command,
    Emit,
    Ending,
    Found,
    Miss,
    NotStored,
    ReadableRecipe,
    Restored,
    RunCommand,
    Stop,
    Stored,
    Subject,
)
from haz_trio.cache.store import DiskStore
from haz_trio.engine.jobs import Job
from haz_trio.engine.loop import Announcer, Loop, Steps
from haz_trio.model.workspace import HashName
from haz_trio.plan.machine import Limits, Plan, PlannedTask
from haz_trio.plan.messages import Ended, Stream, Upstream
from haz_trio.plan.outcome import ByCaller, Exited, Signalled, StopCause
from haz_trio.process.supervise import run_command
from haz_trio.testing.machines.commands import CASES, Case, check_absent_program, run_case
from haz_trio.testing.machines.haz import check_haz
from haz_trio.testing.machines.loop import MakeLoop, check_loop
from haz_trio.testing.machines.plan import check_plan
from haz_trio.testing.machines.plan_port import MakePlan
from haz_trio.testing.machines.store import check_store
from haz_trio.testing.memory_store import Kept, MemoryPending, MemoryStore
from haz_trio.testing.subject import Subject as Program
from haz_trio.testing.trial import DifferenceError
from haz_trio.values import evolve

EXAMPLE = Path(__file__).parents[2] / "examples" / "wrong_store.py"


# -- stores ---------------------------------------------------------------------------------------


def on_disk(root: Path) -> DiskStore:
    return DiskStore(str(root), HashName.BLAKE3, created_at=int(time.time()))


def test_the_store_on_disk_is_right() -> None:
    check_store(on_disk, examples=25)


def test_the_store_in_memory_is_right() -> None:
    check_store(MemoryStore, examples=40, persistent=False)


class Forgets(MemoryStore):
    def look(self, key: str, subject: Subject) -> Found | Miss:
        return Miss()


class HitsAnything(MemoryStore):
    def look(self, key: str, subject: Subject) -> Found | Miss:
        kept = next(iter(self.entries.values()), None)
        return Miss() if kept is None else Found(key, kept)


class RestoresNothing(MemoryStore):
    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        kept = found.handle
        assert isinstance(kept, Kept)
        bare = super().restore(Found(found.key, Kept(kept.streams, {})), subject)
        assert isinstance(bare, Restored)
        return evolve(bare, outputs=tuple(sorted(kept.files)))


class SwapsStreams(MemoryStore):
    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        restored = super().restore(found, subject)
        assert isinstance(restored, Restored)
        chunks = restored.chunks
        return evolve(restored, chunks=lambda s: chunks(Stream.STDOUT))


class ForgetsModes(MemoryStore):
    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        kept = found.handle
        assert isinstance(kept, Kept)
        return super().restore(Found(found.key, Kept(kept.streams, kept.files)), subject)


class NamesTooMuch(MemoryStore):
    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        restored = super().restore(found, subject)
        assert isinstance(restored, Restored)
        return evolve(restored, outputs=(*restored.outputs, "/p/zzz"))


class TidiesUp(MemoryStore):
    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        (self.root / "p" / "notes").unlink(missing_ok=True)
        return super().restore(found, subject)


class WritesMore(MemoryStore):
    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        restored = super().restore(found, subject)
        other = self.root / "p" / "dist" / "a"
        if other.parent.exists() and not other.exists():
            other.write_bytes(b"more")
        return restored


class KeepsFailures(MemoryStore):
    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> MemoryPending:
        return _KeptWhenDropped(self, key, subject, self.files(subject))


class _KeptWhenDropped(MemoryPending):
    def discard(self) -> None:
        self.commit(foreign=frozenset(), duration=0.0)


class TakesForeignFiles(MemoryStore):
    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> MemoryPending:
        return _Greedy(self, key, subject, self.files(subject))


class _Greedy(MemoryPending):
    def commit(self, *, foreign: frozenset[str], duration: float) -> Stored | NotStored:
        return super().commit(foreign=frozenset(), duration=duration)


class IsContentWithLess(MemoryStore):
    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> MemoryPending:
        lax = Subject(subject.task, subject.root, tuple(o for o in subject.outputs if o.is_glob))
        return MemoryPending(self, key, lax, self.files(subject))


@pytest.mark.parametrize(
    ("store", "rule"),
    [
        (Forgets, "CACHE-002"),
        (HitsAnything, "CACHE-017"),
        (RestoresNothing, "CACHE-019"),
        (SwapsStreams, "CACHE-020"),
        (ForgetsModes, "CACHE-019"),
        (NamesTooMuch, "CACHE-019"),
        (TidiesUp, "CACHE-019"),
        (WritesMore, "CACHE-019"),
        (KeepsFailures, "CACHE-017"),
        (TakesForeignFiles, "CACHE-019"),
        (IsContentWithLess, "CACHE-011"),
    ],
)
def test_a_wrong_store_breaks_a_rule(store: Callable[[Path], MemoryStore], rule: str) -> None:
    """The rule is named, and the history that shows it is short."""
    with pytest.raises(DifferenceError, match=rule):
        check_store(store, examples=600, persistent=False)


def test_a_store_that_loses_what_it_has_is_found() -> None:
    """Persistent ones are reopened; a store in memory is none."""
    with pytest.raises(DifferenceError, match="CACHE-002"):
        check_store(MemoryStore, examples=60, persistent=True)


def test_the_wrong_store_of_the_examples_is_told_its_rule() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("CACHE-019: ")
    assert "Failing test case: play(" in done.stdout
    assert len(EXAMPLE.read_text().splitlines()) <= 40


# -- plans ---------------------------------------------------------------------------------------


def one_slot_more(tasks: Iterable[PlannedTask], limits: Limits, **more: Any) -> Plan:
    return Plan(tasks, Limits(limits.slots + 1, limits.tags), **more)


def no_caps(tasks: Iterable[PlannedTask], limits: Limits, **more: Any) -> Plan:
    return Plan(tasks, Limits(limits.slots, {}), **more)


def no_locks(tasks: Iterable[PlannedTask], limits: Limits, **more: Any) -> Plan:
    return Plan([evolve(task, lock=None) for task in tasks], limits, **more)


def only_hard(tasks: Iterable[PlannedTask], limits: Limits, **more: Any) -> Plan:
    return Plan([evolve(task, weak=()) for task in tasks], limits, **more)


def one_try_more(tasks: Iterable[PlannedTask], limits: Limits, **more: Any) -> Plan:
    return Plan(tasks, limits, **{**more, "retries": more["retries"] + 1})


def never_in_a_hurry(tasks: Iterable[PlannedTask], limits: Limits, **more: Any) -> Plan:
    return Plan(tasks, limits, **{**more, "fail_fast": False})


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (one_slot_more, "EXEC-004"),
        (no_caps, "EXEC-005"),
        (no_locks, "MUTEX-003"),
        (only_hard, "DAG-009"),
        (one_try_more, "EXEC-009"),
        (never_in_a_hurry, "EXEC-"),
    ],
)
def test_a_wrong_plan_breaks_a_rule(make: MakePlan, rule: str) -> None:
    """The rule is named; ``tests/plan`` holds our own plan to the same machine."""
    with pytest.raises(DifferenceError, match=rule):
        check_plan(make, examples=200, shrink=False)


def test_the_wrong_plan_of_the_examples_is_told_its_rule() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE.with_name("wrong_plan.py"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("EXEC-004: ")
    assert "state.begin(tasks=[" in done.stdout


# -- programs ------------------------------------------------------------------------------------


def test_a_program_is_tried_step_by_step(tmp_path: Path) -> None:
    """A right one passes; one that runs everything again breaks a rule of the cache."""
    haz = str(Path(sys.executable).with_name("haz"))
    check_haz(Program((haz,), warm=True), examples=2, steps=4)
    wrong = tmp_path / "wrong"
    wrong.write_text(f'#!/bin/sh\n[ "$1" = run ] && rm -rf .haz/cache\nexec {haz} "$@"\n')
    wrong.chmod(0o755)
    with pytest.raises(DifferenceError, match="CACHE-"):
        check_haz(Program((str(wrong),)), examples=6, steps=5, shrink=False)


def test_the_test_of_the_examples_passes() -> None:
    haz = Path(sys.executable).with_name("haz")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_my_haz.py"],
        cwd=EXAMPLE.parent,
        env={**os.environ, "MY_HAZ": str(haz)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


# -- ways to run processes ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_our_way_to_run_commands_is_right(case: Case) -> None:
    trio.run(run_case, run_command, case)


def test_an_absent_program_is_a_spawn_error() -> None:
    trio.run(check_absent_program, run_command)


async def merges(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    async def both(stream: Stream, data: bytes) -> None:
        await emit(Stream.STDOUT, data)

    return await run_command(command, both, stop=stop)


async def decodes(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    async def text(stream: Stream, data: bytes) -> None:
        await emit(stream, data.decode(errors="replace").encode())

    return await run_command(command, text, stop=stop)


async def inherits(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    wider = {**os.environ, "HOME": "/root", **command.env}
    return await run_command(Command(command.argv, command.cwd, wider), emit, stop=stop)


async def strays(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    return await run_command(Command(command.argv, "/", command.env), emit, stop=stop)


async def hides_signals(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    ending = await run_command(command, emit, stop=stop)
    is_signal = isinstance(ending.status, Signalled)
    return evolve(ending, status=Exited(0)) if is_signal else ending


async def is_impatient(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    hasty = Stop(stop.ask, stop.tell, 0.0)
    return await run_command(command, emit, stop=hasty)


async def hides_leftovers(command: Command, emit: Emit, *, stop: Stop) -> Ending:
    return evolve(await run_command(command, emit, stop=stop), leftovers=())


@pytest.mark.parametrize(
    ("way", "about"),
    [
        (merges, "both streams are heard"),
        (decodes, "bytes are bytes"),
        (inherits, "the environment is what was given"),
        (strays, "the directory is what was given"),
        (hides_signals, "a signal from outside is told"),
        (is_impatient, "a command that is asked to end gets SIGTERM"),
        (hides_leftovers, "who outlives a command in its group is ended and named"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_way_to_run_commands_is_found(way: RunCommand, about: str) -> None:
    (case,) = (each for each in CASES if each.about == about)
    with pytest.raises(DifferenceError, match=case.rules):
        trio.run(run_case, way, case)


# -- loops ---------------------------------------------------------------------------------------


class Deaf(Loop):
    def stop(self, *, grace: float | None = None, cause: StopCause = ByCaller()) -> None:  # noqa: B008
        pass


class Patient(Loop):
    def stop(self, *, grace: float | None = None, cause: StopCause = ByCaller()) -> None:  # noqa: B008
        super().stop(cause=cause)


class Lenient(Loop):
    def __init__(self, worker: Steps, announcer: Announcer, *, grace: float) -> None:
        super().__init__(worker, announcer, grace=3 * grace)


class Forgetful(Loop):
    async def _run(self, job: Job, stop: Stop) -> None:
        fact = await self._worker.run(job, stop=stop)
        if not isinstance(fact, Ended):
            self._send.send_nowait(fact)


class OneByOne(Loop):
    _turn: trio.Lock | None = None

    async def _run(self, job: Job, stop: Stop) -> None:
        self._turn = self._turn or trio.Lock()
        async with self._turn:
            await super()._run(job, stop)


class Eager(Loop):
    """It does not wait for looks: what misses runs already."""

    async def _look(self, job: Job, upstream: tuple[Upstream, ...], stop: Stop) -> None:
        await self._worker.run(job, stop=Stop(trio.CancelScope(), trio.CancelScope(), 0.0))
        await super()._look(job, upstream, stop)


def test_our_loop_keeps_the_rules() -> None:
    check_loop(examples=150)


@pytest.mark.deep
def test_our_loop_keeps_the_rules_for_long() -> None:
    check_loop(examples=5000, seed=1)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (Deaf, "EXEC-012"),
        (Patient, "EXEC-014"),
        (Lenient, "EXEC-014"),
        (Forgetful, "EXEC-001"),
        (OneByOne, "EXEC-0(04|12)"),
        (Eager, "EXEC-007"),
    ],
)
def test_a_wrong_loop_breaks_a_rule(make: MakeLoop, rule: str) -> None:
    with pytest.raises(DifferenceError, match=rule):
        check_loop(make, examples=300, shrink=False)
