"""How `haz run` goes about its tasks: limits, failures, tries, time, cache (cli.md 14.3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haz_trio.cli.main import run_command_line
from haz_trio.cli.values import Jobs, parse_duration
from tests.cli.support import Home
from tests.engine.workspaces import sh

COUNT = "echo x >> ../{0}-runs"
# Says how many of its kind run, and stays until there is a chance to see others.
CROWD = "echo > ../in-$0; ls .. | grep -c in-; sleep 0.3; rm ../in-$0"


def runs(home: Home, name: str) -> int:
    """How often a task with COUNT has run."""
    file = home.root / f"{name}-runs"
    return len(file.read_text().splitlines()) if file.exists() else 0


def crowd(home: Home, *words: str, **env: str) -> int:
    """The most tasks of three that have run together."""
    quiet = Home(home.place, {**home.env, **env})
    done = quiet.haz("run", "--workspace", "--no-cache", "--output-mode=buffered", *words)
    assert done.code == 0, done.err
    return max(int(line) for line in done.out.split())


@pytest.fixture
def three(tmp_path: Path) -> Home:
    tasks = {n: sh(CROWD.replace("$0", n)) for n in ("a", "b", "c")}
    return Home.make(tmp_path, tasks, concurrency={"default": 2})


def test_jobs_beat_the_variable_and_that_beats_the_setting(three: Home) -> None:
    """`-j`, then HAZ_JOBS, then `concurrency.default` (cli.md 14.3)."""
    assert crowd(three) == 2
    assert crowd(three, HAZ_JOBS="1") == 1
    assert crowd(three, "-j3", HAZ_JOBS="1") == 3
    assert crowd(three, "--jobs", "1", HAZ_JOBS="3") == 1
    assert crowd(three, HAZ_JOBS="") == 2


def test_tag_caps_stay(tmp_path: Path) -> None:
    """Many jobs do not lift the cap of a tag."""
    home = Home.make(tmp_path, {}, concurrency={"tags": {"one": 1}})
    tasks = {n: sh(CROWD.replace("$0", n)) for n in ("a", "b")}
    home.place.write("p/haz.yml", json.dumps({"name": "p", "tags": ["one"], "tasks": tasks}))
    assert crowd(home, "-j", "8") == 1


def test_a_percentage_is_of_the_processors_and_at_least_one() -> None:
    """Half of one processor is still one task."""
    assert [Jobs(50, percent=True).slots(n) for n in (1, 2, 8)] == [1, 1, 4]
    assert Jobs(200, percent=True).slots(2) == 4
    assert Jobs(3).slots(64) == 3


def test_the_first_failure_stops_the_rest(tmp_path: Path) -> None:
    """With --fail-fast what runs is ended, what waits is not started, exit code 1."""
    home = Home.make(tmp_path, {"a": sh("exec sleep 20"), "b": sh("exit 3"), "c": sh("true")})
    done = home.haz("run", "--fail-fast", "-j", "2", "p:a", "p:b", "p:c")
    assert done.code == 1
    assert done.seconds < 10
    assert done.said("p:b", "failed", "(exit 3)")
    assert done.said("p:a", "! cancelled in")
    assert done.said("p:c", "- cancelled (run cancelled)")
    assert not home.place.processes()


@pytest.mark.parametrize("flag", [(), ("-k",), ("--keep-going",)])
def test_keeping_going_is_the_default(tmp_path: Path, flag: tuple[str, ...]) -> None:
    """Unrelated work continues, said or not (EXEC-011)."""
    home = Home.make(tmp_path, {"b": sh("exit 3"), "c": sh("echo on")})
    done = home.haz("run", *flag, "-j", "1", "p:b", "p:c")
    assert (done.code, done.out) == (1, b"[p:c] on\n")


def test_force_runs_again_and_stores(tmp_path: Path) -> None:
    """Nothing is looked up, but what comes out is a hit for the next run."""
    home = Home.make(tmp_path, {"t": sh(COUNT.format("t"))})
    assert home.haz("run", "-f", "p:t").code == 0
    assert home.haz("run", "p:t").said("cached")
    assert home.haz("run", "--force", "p:t").said("done in")
    assert runs(home, "t") == 2


def test_the_halves_of_the_cache_can_be_left_out(tmp_path: Path) -> None:
    """`--no-cache` does neither, `=read` only stores, `=write` only looks up."""
    home = Home.make(tmp_path, {"t": sh(COUNT.format("t"))})
    assert home.haz("run", "--no-cache", "p:t").code == 0
    assert home.haz("run", "--no-cache=write", "p:t").said("done in")
    assert home.haz("run", "p:t").said("done in"), "neither of the two has stored anything"
    assert runs(home, "t") == 3
    assert home.haz("run", "--no-cache=write", "p:t").said("cached")
    assert home.haz("run", "--no-cache=read", "p:t").said("done in")
    assert home.haz("run", "--no-cache", "p:t").said("done in")
    assert runs(home, "t") == 5


def test_no_cache_still_leads_to_the_keys_of_dependents(tmp_path: Path) -> None:
    """A dependent of a task that was not stored has the same key as ever."""
    home = Home.make(tmp_path, {"a": sh("echo a"), "b": sh("echo b", deps=["~:a"])})
    assert home.haz("run", "p:b").code == 0
    done = home.haz("run", "--no-cache=write", "p:b")
    assert done.said("p:a", "cached")
    assert done.said("p:b", "cached")


def test_force_fail_fast_one_job(tmp_path: Path) -> None:
    """The combination: in canonical order, everything anew, until the first failure."""
    tasks = {"a": sh(COUNT.format("a")), "b": sh("exit 1"), "c": sh(COUNT.format("c"))}
    home = Home.make(tmp_path, tasks)
    assert home.haz("run", "p:a", "p:c").code == 0
    done = home.haz("run", "--force", "--fail-fast", "-j", "1", "p:a", "p:b", "p:c")
    assert done.code == 1
    assert (runs(home, "a"), runs(home, "c")) == (2, 1)
    assert done.said("Tasks: 1 completed, 1 failed, 1 cancelled")


def test_a_task_out_of_time_has_failed(tmp_path: Path) -> None:
    """It is ended with all its processes, `timed out` is its word, dependents are skipped."""
    tasks = {"slow": sh("sleep 30 & sleep 30"), "next": sh("true", deps=["~:slow"])}
    home = Home.make(tmp_path, {**tasks, "other": sh("echo fine")})
    done = home.haz("run", "--task-timeout", "300ms", "p:next", "p:other")
    assert done.code == 1
    assert done.out == b"[p:other] fine\n"
    assert done.said("p:slow", "✗ failed in", "(timed out)")
    assert done.said("p:next", "skipped (upstream p:slow failed)")
    assert not home.place.processes()


def test_a_task_in_time_is_not_touched(tmp_path: Path) -> None:
    """The limit counts for each task from its start, not from that of the run."""
    tasks = {"a": sh("sleep 0.6"), "b": sh("sleep 0.6", deps=["~:a"])}
    home = Home.make(tmp_path, tasks)
    assert home.haz("run", "--task-timeout=1s", "p:b").code == 0


def test_a_run_out_of_time_is_stopped_cleanly(tmp_path: Path) -> None:
    """Exit code 124; what runs is asked to end, and the rest never starts."""
    tasks = {"a": sh("trap 'echo bye; exit 0' TERM; sleep 30 & wait"), "b": sh("true")}
    home = Home.make(tmp_path, tasks)
    done = home.haz("run", "-j1", "--timeout", "500ms", "p:a", "p:b")
    assert done.code == 124
    assert done.out == b"[p:a] bye\n"
    assert done.said("--timeout", "500ms")
    assert done.said("p:a", "! cancelled in")
    assert done.said("p:b", "- cancelled (run cancelled)")
    assert not home.place.processes()


def test_a_run_in_time_keeps_its_exit_code(tmp_path: Path) -> None:
    """A limit that is not reached changes nothing."""
    home = Home.make(tmp_path, {"a": sh("exit 3"), "b": sh("true")})
    assert home.haz("run", "--timeout=1h", "p:b").code == 0
    assert home.haz("run", "--timeout=1h", "p:a").code == 1


def test_only_the_last_try_counts(tmp_path: Path) -> None:
    """A flaky task succeeds, each failed try has its line, and the result is stored."""
    flaky = "echo try; test -f ../second || { touch ../second; exit 7; }"
    home = Home.make(tmp_path, {"flaky": sh(flaky), "next": sh("echo next", deps=["~:flaky"])})
    done = home.haz("run", "--retries", "2", "p:next")
    assert done.code == 0
    assert done.out == b"[p:flaky] try\n[p:flaky] try\n[p:next] next\n"
    assert len(done.said("p:flaky", "try 1 of 3 failed", "(exit 7)")) == 1
    assert not done.said("try 2 of 3")
    again = home.haz("run", "p:next")
    assert again.said("Tasks: 2 completed (2 cached)")
    assert again.out == b"[p:flaky] try\n[p:next] next\n", "only the last try was recorded"


def test_tries_come_to_an_end(tmp_path: Path) -> None:
    """The last failure is the outcome; also when each try ran out of time."""
    home = Home.make(tmp_path, {"t": sh(COUNT.format("t") + "; exec sleep 20")})
    done = home.haz("run", "--retries=2", "--task-timeout=200ms", "p:t")
    assert done.code == 1
    assert runs(home, "t") == 3
    assert len(done.said("try", "(timed out)")) == 2
    assert len(done.said("✗ failed in", "(timed out)")) == 1


def test_an_unfinished_line_of_a_try_stays_its_own(tmp_path: Path) -> None:
    """What a failed try left without an end is not glued to the next one's first line."""
    home = Home.make(tmp_path, {"t": sh("printf part; exit 1")})
    assert home.haz("run", "--retries=1", "p:t").out == b"[p:t] part\n[p:t] part\n"


def test_reasons_of_misses_are_told(tmp_path: Path) -> None:
    """One line for each miss: no entry, what changed, or forced; none for a hit."""
    home = Home.make(tmp_path, {"t": sh("cat x", inputs=["x"]), "u": sh("true")})
    home.place.write("p/x", "1")
    first = home.haz("run", "--explain", "p:t", "p:u")
    assert first.said("[p:t] miss: no entry")
    assert first.said("[p:u] miss: no entry")
    home.place.write("p/x", "2")
    second = home.haz("run", "--explain", "p:t", "p:u")
    assert second.said("[p:t] miss:", "/p/x", "changed")
    assert not second.said("p:u", "miss:")
    assert home.haz("run", "--explain", "-f", "p:t").said("[p:t] miss: forced")
    assert not home.haz("run", "-f", "p:t").said("miss:")


def test_a_task_that_waits_is_explained_once(tmp_path: Path) -> None:
    """Who is looked at again after a mutex has still one reason."""
    lock = {"mutex": {"name": "m", "mode": "exclusive"}}
    home = Home.make(tmp_path, {"a": sh("sleep 0.2", **lock), "b": sh("true", **lock)})
    done = home.haz("run", "--explain", "-j2", "p:a", "p:b")
    assert len(done.said("p:b", "miss:")) == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("-j 0", "--jobs: couldn't parse `0`: expected a number of tasks"),
        ("-j x", "--jobs: couldn't parse `x`"),
        ("--jobs 0%", "--jobs: couldn't parse `0%`"),
        ("--jobs=-1", "--jobs: couldn't parse `-1`"),
        ("--jobs=", 'couldn\'t parse `--jobs=""`'),
        ("--jobs", "`--jobs` requires an argument `N|P%`"),
        ("-k --fail-fast", "`--fail-fast` cannot be combined with `--keep-going`"),
        ("-f --no-cache", "`--no-cache` cannot be combined with `--force`"),
        ("-f -f", "argument `--force` cannot be used multiple times in this context"),
        ("--no-cache=both", "--no-cache: couldn't parse `both`: unknown half of the cache"),
        ("--no-cache=", 'couldn\'t parse `--no-cache=""`'),
        ("--task-timeout 5", "--task-timeout: couldn't parse `5`: expected numbers with units"),
        ("--task-timeout 0s", "couldn't parse `0s`: a time limit must be longer than nothing"),
        ("--timeout 1m1m", "couldn't parse `1m1m`: the unit `m` appears more than once"),
        ("--timeout=", 'couldn\'t parse `--timeout=""`'),
        ("--retries many", "--retries: couldn't parse `many`"),
        ("--retries=-1", "--retries: couldn't parse `-1`"),
        ("--only --with-dependents", "`--with-dependents` cannot be combined with `--only`"),
        ("--affected=", 'couldn\'t parse `--affected=""`'),
        ("--affected p:t", "`--affected` cannot be combined with positional task references"),
        ("--affected --git-staged", "`--affected` cannot be combined with a git filter"),
        ("--query name:t p:t", "`--query` cannot be combined with positional task references"),
        ("--all --arg x", "`--arg` and `--args` are for tasks that are named"),
        ("--all --args x", "`--arg` and `--args` are for tasks that are named"),
        ("--args 'x p:t", "--args: couldn't parse `'x`: no closing quotation; close it, or"),
        ("--args a\\ p:t", "--args: couldn't parse `a\\`: no escaped character; "),
        ("--args", "`--args` requires an argument `STRING`"),
        ("--arg -v p:t", "`--arg` requires an argument `VALUE`, got a flag `-v`, try `--arg=-v`"),
        ("--skip", "`--skip` requires an argument `TASK`"),
        ("--skip [x", "couldn't parse `[x`: tag reference malformed"),
        ("--json --output-mode live", "`--json` cannot be combined with `--output-mode`"),
        ("--dry-run --events x", "`--events` cannot be combined with `--dry-run`"),
        ("--events=", 'couldn\'t parse `--events=""`: expected the name of a file, or a'),
        ("--events fd:x", "--events: couldn't parse `fd:x`: expected the number of a descriptor"),
        ("--events fd:1", "couldn't parse `fd:1`: 0, 1 and 2 are the standard streams; `--json`"),
        ("--events fd:99999", "descriptor 99999 is not open; open it as in `99999>events.jsonl`"),
        ("--dry-run --summary x", "`--summary` cannot be combined with `--dry-run`"),
        ("--dry-run --explain", "`--explain` needs a real run"),
        ("--annotations x", "unknown kind of annotations `x` (expected `auto`, `github` or"),
        ("--summary=", 'couldn\'t parse `--summary=""`'),
    ],
)
def test_bad_words_get_a_clear_sentence(
    words: str, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on stdout, and a sentence that names the flag and the way out."""
    assert run_command_line(["run", *words.split()]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert text in " ".join(err.split())


def test_a_value_with_blanks_is_shown_as_a_shell_wants_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What the error says to write instead can be written so."""
    assert run_command_line(["run", "p:t", "--args", "-v --fast"]) == 2
    assert "try `--args='-v --fast'` to use it" in " ".join(capfd.readouterr().err.split())


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    """HAZ_JOBS is checked like --jobs, and is to blame by its own name."""
    done = Home.make(tmp_path, {"t": sh("true")}).haz("run", "p:t", HAZ_JOBS="many")
    assert (done.code, done.out) == (2, b"")
    assert b"HAZ_JOBS: couldn't parse `many`" in done.err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1h30m", 5400), ("1.5s", 1.5), ("250ms", 0.25), ("2d1ms", 172_800.001)],
)
def test_durations_add_up(text: str, seconds: float) -> None:
    """Numbers with units, each unit at most once."""
    assert parse_duration(text, "--timeout") == pytest.approx(seconds)
