"""Which tasks `haz run` takes, and with which words (cli.md 14.3)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import Home
from tests.engine.workspaces import sh

CHAIN = {
    "a": sh("echo a"),
    "b": sh("echo b", deps=["~:a"]),
    "c": sh("echo c", deps=["~:b"]),
    "z": sh("echo z"),
}


def chosen(home: Home, *words: str) -> list[str]:
    """The tasks that a dry run names."""
    done = home.haz("run", "--dry-run", *words)
    assert done.code == 0, done.err
    return [line.removeprefix("  - ") for line in done.out.decode().splitlines()[1:]]


def git(home: Home, *words: str) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_NAME": "t" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "t@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    subprocess.run(["git", *words], cwd=home.root, env=env, check=True, capture_output=True)


@pytest.fixture
def chain(tmp_path: Path) -> Home:
    return Home.make(tmp_path, CHAIN)


def test_only_leaves_the_dependencies_out(chain: Home) -> None:
    """Just what is named runs."""
    assert chosen(chain, "p:c") == ["p:a", "p:b", "p:c"]
    assert chosen(chain, "--only", "p:c") == ["p:c"]
    assert chain.haz("run", "--only", "p:c").out == b"[p:c] c\n"


def test_a_run_without_dependencies_does_not_serve_one_with_them(chain: Home) -> None:
    """Its key says what was missing: neither run takes the other's result."""
    assert chain.haz("run", "--only", "p:b").said("p:b", "done in")
    assert chain.haz("run", "p:b").said("p:b", "done in")
    assert chain.haz("run", "--only", "p:b").said("p:b", "cached")
    assert chain.haz("run", "p:b").said("p:b", "cached")


def test_what_was_left_out_is_in_the_key(chain: Home) -> None:
    """Not even the same task without the dependency takes a result made without it."""
    assert chain.haz("run", "--only", "p:b").said("p:b", "done in")
    write_project(chain, "p", {**CHAIN, "b": sh("echo b")})
    assert chain.haz("run", "p:b").said("p:b", "done in")


def test_only_keeps_the_order_of_what_runs(chain: Home) -> None:
    """What stands behind a task that is left out still comes first."""
    done = chain.haz("run", "--only", "-j4", "p:c", "p:a")
    assert done.out == b"[p:a] a\n[p:c] c\n"


def test_dependents_can_be_added(chain: Home) -> None:
    """All that depends on the named task, and what those need."""
    assert chosen(chain, "--with-dependents", "p:b") == ["p:a", "p:b", "p:c"]
    assert chosen(chain, "--with-dependents", "p:z") == ["p:z"]


def test_tasks_can_be_skipped(chain: Home) -> None:
    """They and what only they need are left out; dependents run without them."""
    assert chosen(chain, "--workspace", "--skip", "p:z") == ["p:a", "p:b", "p:c"]
    assert chosen(chain, "--skip", "p:b", "p:c") == ["p:c"]
    assert chosen(chain, "--workspace", "--skip=p:b", "--skip", "^:z") == ["p:a", "p:c"]
    assert chain.haz("run", "--skip", "p:b", "p:c").out == b"[p:c] c\n"


def test_an_unknown_task_cannot_be_skipped(chain: Home) -> None:
    """A name that stands for nothing is an error here as everywhere."""
    done = chain.haz("run", "--workspace", "--skip", "p:no")
    assert (done.code, done.out) == (2, b"")
    assert b"names task `no` which project `p` does not define" in done.err


def test_skipping_everything_is_a_success(chain: Home) -> None:
    """An empty selection is no failure (B26)."""
    done = chain.haz("run", "p:z", "--skip", "p:z")
    assert (done.code, done.out) == (0, b"")


def test_an_expression_selects(chain: Home) -> None:
    """The language of `haz query --expr`, over the tasks of the scope."""
    assert chosen(chain, "--query", "name:a | name:z") == ["p:a", "p:z"]
    assert chosen(chain, "--query", "name:b") == ["p:a", "p:b"]
    assert chosen(chain, "--query", "name:b", "--only") == ["p:b"]
    assert chosen(chain, "--query", "name:nothing") == []
    bad = chain.haz("run", "--query", "name:(")
    assert (bad.code, bad.out) == (2, b"")
    assert bad.said("--query: failed to parse expression `name:(`")
    assert bad.said("[--query:1:")


def test_arguments_reach_the_named_task_alone(tmp_path: Path) -> None:
    """Commands get them behind their own, scripts as $1 and $2; dependencies do not."""
    tasks = {
        "dep": sh('echo "dep $#"'),
        "list": {"command": ["/bin/echo", "own"], "deps": ["~:dep"]},
        "script": sh('echo "$0 $# $1|$2"'),
    }
    home = Home.make(tmp_path, tasks)
    done = home.haz("run", "-j1", "p:list", "p:script", "--arg", "a b", "--arg=-v")
    assert done.out == b"[p:dep] dep 0\n[p:list] own a b -v\n[p:script] sh 2 a b|-v\n"


def test_arguments_are_part_of_the_key(tmp_path: Path) -> None:
    """Other words, another result; the same words, a hit."""
    home = Home.make(tmp_path, {"default": sh('echo "$1"')})
    project = home.root / "p"
    assert home.haz("run", "--arg", "x", cwd=project).out == b"[p:default] x\n"
    assert home.haz("run", "--arg", "y", cwd=project).out == b"[p:default] y\n"
    assert home.haz("run", "--arg", "x", cwd=project).said("cached")
    assert home.haz("run", cwd=project).out == b"[p:default] \n"


def test_strings_are_split_as_a_shell_splits_them(tmp_path: Path) -> None:
    """Behind the words of `--arg`, wherever these stand; blanks add nothing, nothing expands."""
    home = Home.make(tmp_path, {"list": {"command": ["/usr/bin/printf", "<%s>"]}})
    string = """-v 'a b' "c 'd'" e\\ f $HOME *"""
    done = home.haz("run", "p:list", "--args", "", f"--args= {string}", "--arg=x y", "--args=' '")
    assert done.out == b"[p:list] <x y><-v><a b><c 'd'><e f><$HOME><*>< >\n"
    empty = home.haz("run", "p:list", "--args=", "--args", "  ")
    assert empty.out == b"[p:list] <>\n"
    assert home.haz("run", "p:list").said("cached")
    assert home.haz("run", "--all", "--args", "").said("cached")


def test_strings_are_part_of_the_key_by_their_words(tmp_path: Path) -> None:
    """The same words are a hit however they were written; other words are another result."""
    home = Home.make(tmp_path, {"t": sh('echo "$#"')})
    assert home.haz("run", "p:t", "--args", "a 'b c'").out == b"[p:t] 2\n"
    assert home.haz("run", "p:t", "--arg", "a", "--args", r"b\ c").said("cached")
    assert home.haz("run", "p:t", "--args", "a b c").out == b"[p:t] 3\n"
    predicted = json.loads(home.haz("run", "p:t", "--dry-run", "--json", "--args", "a b c").out)
    assert [task["cache"] for task in predicted["tasks"]] == ["hit"]


@pytest.fixture
def repository(tmp_path: Path) -> Home:
    """Two projects; `q:use` depends on `p:make`, and an overlay gives both a `lint`."""
    home = Home.make(tmp_path, {})
    home.place.write(".haz/workspace.yml", json.dumps({"projects": ["/p", "/q"]}))
    write_project(home, "p", {"make": sh("true", inputs=["src"], outputs=["out"])})
    write_project(home, "q", {"use": sh("true", deps=["p:make"]), "own": sh("true")})
    lint = {"tasks": {"lint": sh("true")}}
    home.place.write(".haz/tasks/lint.yml", json.dumps(lint))
    home.place.write("p/src", "1")
    git(home, "init", "-q", "-b", "main")
    git(home, "add", "-A")
    git(home, "commit", "-q", "-m", "x")
    return home


def write_project(home: Home, name: str, tasks: object) -> None:
    home.place.write(f"{name}/haz.yml", json.dumps({"name": name, "tasks": tasks}))


def test_nothing_changed_affects_nothing(repository: Home) -> None:
    """A clean work tree is an empty selection, with a remark."""
    assert chosen(repository, "--affected") == []
    done = repository.haz("run", "--affected")
    assert (done.code, done.out) == (0, b"")
    assert done.said("nothing to run")


def test_inputs_and_outputs_affect_their_tasks_and_dependents(repository: Home) -> None:
    """Unlike --git-changed, which looks at inputs alone (J20)."""
    repository.place.write("p/src", "2")
    assert chosen(repository, "--affected") == ["p:make", "q:use"]
    assert chosen(repository, "--git-changed") == ["p:make"]
    repository.place.write("p/src", "1")
    repository.place.write("p/out", "")
    assert chosen(repository, "--affected") == ["p:make", "q:use"]


def test_configuration_affects_what_it_configures(repository: Home) -> None:
    """A project's file its tasks, an overlay its tasks, the workspace's file all."""
    write_project(repository, "q", {"use": sh("echo", deps=["p:make"]), "own": sh("true")})
    assert chosen(repository, "--affected", "--only") == ["q:lint", "q:own", "q:use"]
    git(repository, "checkout", "-q", "q")
    lint = {"tasks": {"lint": sh("echo")}}
    repository.place.write(".haz/tasks/lint.yml", json.dumps(lint))
    assert chosen(repository, "--affected") == ["p:lint", "q:lint"]
    repository.place.write(
        ".haz/workspace.yml", json.dumps({"projects": ["/p", "/q"], "concurrency": {"default": 3}})
    )
    assert len(chosen(repository, "--affected")) == 5


def test_a_branch_means_where_it_was_left(repository: Home) -> None:
    """What others have done on the branch since does not count; a commit is taken as it is."""
    git(repository, "checkout", "-q", "-b", "work")
    repository.place.write("p/src", "2")
    git(repository, "commit", "-qam", "mine")
    git(repository, "checkout", "-q", "main")
    write_project(repository, "q", {"use": sh("echo", deps=["p:make"]), "own": sh("echo")})
    git(repository, "commit", "-qam", "theirs")
    git(repository, "checkout", "-q", "work")
    assert chosen(repository, "--affected=main", "--only") == ["p:make", "q:use"]
    assert "q:own" in chosen(repository, "--affected=main^0")
    assert chosen(repository, "--affected") == []


def test_an_unknown_revision_is_refused(repository: Home) -> None:
    """Nothing runs, and the flag is named."""
    done = repository.haz("run", "--affected=nope")
    assert (done.code, done.out) == (2, b"")
    assert b"--affected nope" in done.err


def test_the_scope_holds(repository: Home) -> None:
    """Inside a project only its tasks are looked at, unless --workspace is said."""
    repository.place.write("p/src", "2")
    done = repository.haz("run", "--affected", "--dry-run", "--only", cwd=repository.root / "q")
    assert done.out == b"would run 1 task:\n  - q:use\n"
    done = repository.haz(
        "run", "--affected", "--workspace", "--dry-run", cwd=repository.root / "q"
    )
    assert done.out == b"would run 2 tasks:\n  - p:make\n  - q:use\n"
