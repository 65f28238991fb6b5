"""The situations that a runner is measured in, and what must be true after each run."""

from __future__ import annotations

import enum
import glob
import os
import shutil
import time

import attrs

from benchmarks.measure import Sample, measure
from benchmarks.sizes import SIZES, projects_of
from benchmarks.tools import TOOLS, environment
from benchmarks.workspaces import generate

TIMED_OUT = (-15, -9, 143)
# A file's time comes from the kernel's tick, which may be a few milliseconds behind the clock.
TICK_NS = 10_000_000


class Scenario(enum.Enum):
    """COLD: no cache, no state, no outputs. NOOP: nothing changed, and nothing the time before.

    NOOP_PLAIN: the same where nothing may be replayed. NOOP_EDITED: a file that is no input was
    saved beside a project's configuration. RESTORE: outputs deleted. CHANGE: one source of the
    last project rewritten. FAIL: a task of the first layer cannot succeed; the rest goes on.
    """

    COLD = "cold"
    NOOP = "no-op"
    NOOP_PLAIN = "no-op-memo-off"
    NOOP_EDITED = "no-op-edited"
    RESTORE = "restore"
    CHANGE = "change"
    FAIL = "fail"


# Scenarios of one group take turns too: they leave the workspace as they found it.
GROUPS = (
    (Scenario.COLD,),
    (Scenario.NOOP, Scenario.NOOP_PLAIN),
    (Scenario.NOOP_EDITED,),
    (Scenario.RESTORE,),
    (Scenario.CHANGE,),
    (Scenario.FAIL,),
)
NOTHING_CHANGED = frozenset({Scenario.NOOP, Scenario.NOOP_PLAIN, Scenario.NOOP_EDITED})


@attrs.frozen
class Run:
    """One measured run and whether it did what it should; ``why`` says what it did not."""

    sample: Sample
    missing: int
    wrote: int
    printed: int
    why: str

    @property
    def ok(self) -> bool:
        return not self.why


class Bench:
    """One runner's copy of one workspace."""

    def __init__(
        self, folder: str, name: str, size: str, command: tuple[str, ...], *, on_disk: bool = False
    ) -> None:
        """Write the workspace below ``folder``; ``on_disk`` flushes before each run."""
        self.name = name
        self.tool = TOOLS[name]
        self.size = SIZES[size]
        self.root = os.path.join(folder, f"{name}-{size}")
        self.log = f"{self.root}.log"
        self.projects = projects_of(self.size)
        self._argv = self.tool.argv(command, self.size)
        self._env = environment(self.tool, os.path.join(folder, "home"))
        self._on_disk = on_disk
        self._turn = 0
        first, last = self.projects[0], self.projects[-1]
        self._first = f"{self.root}/{first.name}/{first.sources[0]}"
        self._last = f"{self.root}/{last.name}/{last.sources[0]}"
        self._notes = f"{self.root}/{last.name}/notes.txt"
        self._outputs = [f"{self.root}/{task.path}" for p in self.projects for task in p.tasks]
        shutil.rmtree(self.root, ignore_errors=True)
        generate(self.root, self.size, self.tool.dialect)

    def takes_part(self, scenario: Scenario) -> bool:
        match scenario:
            case Scenario.RESTORE:
                return self.tool.caches
            case Scenario.FAIL:
                return self.tool.keep_going is not None
            case Scenario.NOOP_PLAIN:
                return bool(self.tool.memo_off)
            case _:
                return True

    def settle(self, timeout: float) -> None:
        """Bring everything up to date, unmeasured, and once more: state may settle late."""
        for _ in range(2):
            measure(self._argv, cwd=self.root, env=self._env, log=self.log, timeout=timeout)

    def run(self, scenario: Scenario, timeout: float) -> Run:
        """Prepare the workspace, run once, and look at what happened."""
        self._prepare(scenario)
        argv, env = self._argv, self._env
        if scenario is Scenario.FAIL:
            argv = [*argv, *(self.tool.keep_going or ())]
        if scenario is Scenario.NOOP_PLAIN:
            env = {**env, **self.tool.memo_off}
        if self._on_disk:
            os.sync()
        # Whatever the preparation wrote is older than the run by more than a tick of the kernel.
        time.sleep(3 * TICK_NS / 1e9)
        before = time.time_ns() - TICK_NS
        sample = measure(argv, cwd=self.root, env=env, log=self.log, timeout=timeout)
        run = self._look(scenario, sample, before)
        if scenario is Scenario.FAIL:
            self._mend()
        return run

    def remove(self) -> None:
        shutil.rmtree(self.root)

    def _prepare(self, scenario: Scenario) -> None:
        match scenario:
            case Scenario.COLD:
                self._drop_state()
                self._drop_outputs()
            case Scenario.RESTORE:
                self._drop_outputs()
            case Scenario.CHANGE:
                self._turn += 1
                _save(self._last, f"{self._turn}\n".rjust(self.size.bytes, "."))
            case Scenario.NOOP_EDITED:
                self._turn += 1
                _save(self._notes, f"{self._turn}\n")
            case Scenario.FAIL:
                os.rename(self._first, f"{self.root}/put-aside")
                os.mkdir(self._first)  # `cat` of a folder fails, whoever starts it
            case Scenario.NOOP | Scenario.NOOP_PLAIN:
                pass

    def _mend(self) -> None:
        os.rmdir(self._first)
        os.rename(f"{self.root}/put-aside", self._first)

    def _drop_outputs(self) -> None:
        for path in self._outputs:
            if os.path.lexists(path):
                os.unlink(path)

    def _drop_state(self) -> None:
        for pattern in self.tool.state:
            for path in glob.glob(f"{self.root}/{pattern}"):
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)

    def _look(self, scenario: Scenario, sample: Sample, before: int) -> Run:
        """Count what is missing and what was written since ``before``; judge."""
        missing = wrote = 0
        for path in self._outputs:
            try:
                seen = os.stat(path)
            except FileNotFoundError:
                missing += 1
            else:
                wrote += max(seen.st_mtime_ns, seen.st_ctime_ns) >= before
        printed = os.path.getsize(self.log)
        why = self._complaint(scenario, sample, missing, wrote, printed)
        return Run(sample, missing, wrote, printed, why)

    def _complaint(
        self, scenario: Scenario, sample: Sample, missing: int, wrote: int, printed: int
    ) -> str:
        if sample.status in TIMED_OUT:
            return "it took too long"
        if scenario is Scenario.FAIL:
            told = sample.status in self.tool.failure
            return "" if told else f"exit status {sample.status} where a task failed"
        if sample.status != 0:
            return f"exit status {sample.status}"
        if missing:
            return f"{missing} outputs are missing"
        if not self._last_is_right():
            return "the last project's outputs are not what its source says"
        if scenario is Scenario.COLD and printed < self.size.loud * self.size.task_count * 0.99:
            return f"only {printed} bytes of what the tasks print were shown"
        if scenario in NOTHING_CHANGED and self.tool.clean and wrote:
            return f"{wrote} outputs were written though nothing had changed"
        return ""

    def _last_is_right(self) -> bool:
        with open(self._last, "rb") as file:
            content = file.read()
        for task in self.projects[-1].tasks:
            with open(f"{self.root}/{task.path}", "rb") as file:
                if file.read() != content:
                    return False
        return True


def _save(path: str, text: str) -> None:
    """As editors save: a new file takes the name, so that the folder changes too."""
    with open(path + "~", "w") as file:
        file.write(text)
    os.replace(path + "~", path)
