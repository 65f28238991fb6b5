"""`haz check`: one report of everything, warnings, `--strict` and `--json`, as a process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Done, Home

TRUE = {"command": ["true"]}
ODD = {
    "make": {"command": ["true"], "outputs": ["out.o"]},
    "use": {"command": ["no-such-program"], "inputs": ["out.o"]},
}


def home_of(root: Path, **tasks: object) -> Home:
    return Home.make(root / "ws", tasks)


def document(done: Done) -> dict[str, Any]:  # reason: JSON of any shape
    return dict(json.loads(done.out))


def test_a_clean_workspace_has_nothing_to_say(tmp_path: Path) -> None:
    """One line on stdout, nothing on stderr, with and without `--strict`."""
    home = home_of(tmp_path, a=TRUE, b=TRUE)
    for words in (["check"], ["check", "--strict"], ["check", "--all"], ["check", "--workspace"]):
        done = home.haz(*words)
        assert (done.code, done.out, done.err) == (0, b"2 task(s) validated.\n", b"")


def test_warnings_change_nothing_but_stderr(tmp_path: Path) -> None:
    """A race and a program that is not there are told with their places; the exit code is 0."""
    done = home_of(tmp_path, **ODD).haz("check", NO_GRAPHICS="1")
    assert (done.code, done.out) == (0, b"2 task(s) validated.\n")
    assert done.said("`p:use` reads what `p:make` makes", "DAG-013")
    assert done.said("`p:use` has no PATH", "`no-such-program`")
    assert len(done.said("Diagnostic severity: warning")) == 2
    assert done.said("Begin snippet", "p/haz.yml")


def test_a_nul_in_the_name_of_a_program(tmp_path: Path) -> None:
    """It is a warning that no such program is found, and an error of the task when it is run."""
    home = home_of(tmp_path, t={"command": ["a\0b"]})
    done = home.haz("check", NO_GRAPHICS="1")
    assert (done.code, done.out) == (0, b"1 task(s) validated.\n")
    assert done.said("`p:t` has no PATH", r"`a\0b`")
    ran = home.haz("run", "p:t")
    assert ran.code == 1
    assert ran.said(r"program `a\0b` cannot be started", "contains a NUL character")


def test_a_marker_that_was_passed_over_is_noted_at_v(tmp_path: Path) -> None:
    """The note of the root is no warning: only `-v` shows it, and `--strict` allows it."""
    home = home_of(tmp_path, a=TRUE)
    submodule = home.root / "p"
    (submodule / ".git").mkdir()
    plain = home.haz("check", "--strict", cwd=submodule)
    assert (plain.code, plain.out, plain.err) == (0, b"1 task(s) validated.\n", b"")
    for words in (["-v", "check", "--strict"], ["-v", "run", "--dry-run", "p:a"]):
        done = home.haz(*words, cwd=submodule)
        assert done.code == 0
        assert done.said("the workspace root is", "passed over", "/p (")


def test_quiet_keeps_the_result_and_says_no_warning(tmp_path: Path) -> None:
    """With `-q` stderr is for errors alone; `--strict` still fails, and says so."""
    home = home_of(tmp_path, **ODD)
    done = home.haz("-q", "check")
    assert (done.code, done.out, done.err) == (0, b"2 task(s) validated.\n", b"")
    strict = home.haz("-q", "check", "--strict")
    assert (strict.code, strict.out) == (2, b"")
    assert strict.said("2 warning(s) found")


def test_the_form_of_diagnostics_can_be_chosen(tmp_path: Path) -> None:
    """`--diagnostics` beats NO_GRAPHICS, for problems with a place and for those without."""
    home = home_of(tmp_path, bad={"comand": ["true"]})
    lines = home.haz("--diagnostics", "json", "check").err.splitlines()
    *errors, note = (json.loads(line) for line in lines)
    assert {(found["severity"], found["file"]) for found in errors} == {("error", "p/haz.yml")}
    assert note["severity"] == "note"
    assert note["message"].startswith("not checked: the task graph")
    assert home.haz("--diagnostics", "narrated", "check").said("Begin snippet")
    assert not home.haz("--diagnostics", "pretty", "check", NO_GRAPHICS="1").said("Begin snippet")
    lost = json.loads(home_of(tmp_path, a=TRUE).haz("--diagnostics=json", "run", "p:x").err)
    assert lost["message"] == "target resolution failed"


def test_strict_makes_errors_of_warnings(tmp_path: Path) -> None:
    """Exit code 2 and an empty stdout; the last words say which flag wanted it."""
    done = home_of(tmp_path, **ODD).haz("check", "--strict", NO_GRAPHICS="1")
    assert (done.code, done.out) == (2, b"")
    assert done.said("2 warning(s) found", "`--strict`")
    assert len(done.said("Diagnostic severity: warning")) == 2


def test_every_kind_of_warning(tmp_path: Path) -> None:
    """The loader's, the graph's and those about single tasks, in this order."""
    home = Home.make(
        tmp_path / "ws",
        {
            "a": {"command": ["true"], "outputs": ["gen/x"]},
            "b": {"command": ["true"], "outputs": ["gen/*"]},
            "c": {"command": ["true"], "inputs": ["gen/x"]},
            "d": {"command": ["./tool"], "inputs": ["*.c"]},
            "e": {"command": ["true"], "inputs": ["*.c"], "deps": ["~:a"]},
            "f": {"command": ["true"], "outputs": ["/q/out", "/q/*.yml"]},
            "g": {"command": ["cargo-that-is-not-there"]},
        },
        projects=["/p", "/q"],
    )
    home.place.write("q/haz.yml", "name: q\ntasks: {}\n")
    home.place.write(".haz/tasks/ignored.yaml", "tasks: {}\n")
    done = home.haz("check", "--json")
    assert done.code == 0
    found = document(done)
    assert found["tasks"] == 7
    assert {each["severity"] for each in found["diagnostics"]} == {"warning"}
    expected = [
        "ignored.yaml is ignored",
        "`p:c` reads what",
        "literal output `/p/gen/x` of `p:a`",
        "the program of task `p:d`",
        "task `p:e` depends on `p:a`",
        "output `/q/out` of task `p:f`",
        "output `/q/*.yml` of task `p:f` takes in `/q/haz.yml`",
        "task `p:g` has no PATH",
    ]
    for each, words in zip(found["diagnostics"], expected, strict=True):
        assert words in each["message"]


KINDS: dict[str, dict[str, object]] = {
    "nothing": {"a": TRUE, "b": TRUE},
    "a race": {
        "make": {"command": ["/bin/touch", "out.o"], "outputs": ["out.o"]},
        "use": {"command": ["/bin/true"], "inputs": ["out.*"]},
    },
    "an oddity": {"a": {"command": ["/bin/true"], "outputs": ["/p/*.yml"]}},
    "a file that is ignored": {"a": TRUE},
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unchanged_workspace_is_told_of_as_before(tmp_path: Path, kind: str) -> None:
    """After a run the snapshot says that there is nothing to be said, and only that."""
    home = home_of(tmp_path, **KINDS[kind])
    if kind == "a file that is ignored":
        home.place.write(".haz/tasks/ignored.yaml", "tasks: {}\n")
    lines = (["check"], ["check", "--json"], ["check", "--strict"], ["-v", "check", "--all"])
    before = [home.haz(*words) for words in lines]
    home.haz("run", "--workspace")
    assert (home.root / ".haz/cache/state/config").exists()
    after = [home.haz(*words) for words in lines]
    assert [(d.code, d.out, d.err) for d in after] == [(d.code, d.out, d.err) for d in before]
    assert (before[2].code == 0) is (kind == "nothing")


def test_the_count_is_that_of_the_scope(tmp_path: Path) -> None:
    """`tasks` counts like the line on stdout does (AUX-009); warnings are about everything."""
    home = Home.make(tmp_path / "ws", ODD, projects=["/p", "/q"])
    home.place.write("q/haz.yml", "name: q\ntasks: {t: {command: ['true']}}\n")
    for words, cwd, tasks in (
        ([], "", 3),
        ([], "q", 1),
        (["--all"], "q", 1),
        (["--workspace"], "q", 3),
    ):
        done = home.haz("check", *words, "--json", cwd=home.root / cwd)
        assert document(done)["tasks"] == tasks
        assert len(document(done)["diagnostics"]) == 2


def test_errors_of_all_files_are_one_report(tmp_path: Path) -> None:
    """Several mistakes of several files at once, in order, and what could not be looked at."""
    home = Home.make(tmp_path / "ws", {"a": {"command": []}}, projects=["/p", "/q"])
    home.place.write("q/haz.yml", "name: q\nnme: x\ntasks: {t: {command: x}, u: {deps: [x]}}\n")
    home.place.write(".haz/tasks/over.yml", "tasks: []\n")
    done = home.haz("check", NO_GRAPHICS="1")
    assert (done.code, done.out) == (2, b"")
    assert done.said("configuration error(s) found")
    assert done.lines[-1] == "haz: not checked: the task graph, because 3 files are broken"
    found = document(home.haz("check", "--json"))
    files = [each["file"] for each in found["diagnostics"]]
    assert list(dict.fromkeys(files)) == ["p/haz.yml", "q/haz.yml", ".haz/tasks/over.yml"]
    assert len(files) >= 5
    assert found["tasks"] is None
    assert found["unchecked"] == ["not checked: the task graph, because 3 files are broken"]


def test_errors_of_the_graph_come_with_the_loaders_warnings(tmp_path: Path) -> None:
    """What is known is said; what the broken graph hides is named."""
    home = home_of(
        tmp_path,
        a={"command": ["true"], "deps": ["~:nope", "~:a"]},
        b={"command": ["true"], "deps": ["~:c"]},
        c={"command": ["no-such-program"], "deps": ["~:b"]},
    )
    home.place.write(".haz/tasks/ignored.yaml", "tasks: {}\n")
    done = home.haz("check", "--json")
    found = document(done)
    assert (done.code, done.err, found["tasks"]) == (2, b"", None)
    rules = [(each["rule"], each["severity"]) for each in found["diagnostics"]]
    assert rules == [
        ("REF-002", "error"),
        ("DAG-012", "error"),
        ("DAG-014", "error"),
        ("CFG-023", "warning"),
    ]
    assert len(found["unchecked"]) == 1
    told = home.haz("check", NO_GRAPHICS="1")
    assert told.said("ignored.yaml")
    assert told.lines[-1].startswith("haz: not checked: ")


def test_places_of_the_json_report(tmp_path: Path) -> None:
    """File relative to where one stands, line and column from 1, key path and way out."""
    home = home_of(tmp_path)
    home.place.write("p/haz.yml", "name: p\ntasks:\n  t:\n    command: [no-such-program]\n")
    [only] = document(home.haz("check", "--json", cwd=home.root / "p"))["diagnostics"]
    assert (only["file"], only["line"], only["col"]) == ("haz.yml", 4, 14)
    assert only["keyPath"] == "tasks.t.command"
    assert only["rule"] == "EXEC-009"
    assert only["help"]


def test_strict_with_json(tmp_path: Path) -> None:
    """The report is the same, only the exit code is another one."""
    home = home_of(tmp_path, **ODD)
    lax, strict = home.haz("check", "--json"), home.haz("check", "--json", "--strict")
    assert (lax.code, strict.code) == (0, 2)
    assert lax.out == strict.out
    assert strict.err == b""


def test_no_workspace_at_all(tmp_path: Path) -> None:
    """There is nothing of which one could say that it was not checked."""
    home = home_of(tmp_path)
    away = tmp_path / "away"
    away.mkdir()
    done = home.haz("check", cwd=away)
    assert (done.code, done.out) == (2, b"")
    assert not done.said("not checked")
    found = document(home.haz("check", "--json", cwd=away))
    assert len(found["diagnostics"]) == 1
    assert found["unchecked"] == []


@pytest.mark.parametrize("words", [["--json"], []])
def test_a_full_disk(tmp_path: Path, words: list[str]) -> None:
    """A result that cannot be written is exit code 2 (cli.md 5)."""
    home = home_of(tmp_path, a=TRUE)
    done = home.shell(f'exec "$@" check {" ".join(words)} > /dev/full')
    assert done.code == 2
    assert done.said("cannot write to standard output")
