"""The git filters of ``haz run`` on workspace W1: rows J of cli.md 16.3, and our betterments."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import attrs
import pytest

from haz_trio.cli.main import run_command_line
from tests.engine.workspaces import Place, sh

W1 = {
    "lib": {
        "build": sh("true", inputs=["src/**/*.c"], outputs=["out/*.a"]),
        "test": sh("true", deps=["~:build"], inputs=["src/**/*.c", "/shared.cfg"]),
        "lint": sh("true"),
    },
    "web": {"bundle": sh("true", inputs=["app/*.js"]), "lint": sh("true")},
}
BOTH = "would run 2 tasks:\n  - lib:build\n  - lib:test\n"
NONE = "would run 0 tasks.\n"


@attrs.define
class Repository:
    """W1, committed, at ``root``; the repository may begin above it."""

    root: Path
    capture: pytest.CaptureFixture[str]

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def edit(self, name: str, text: str = "other") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def dry(self, *words: str, at: str = "") -> str:
        """What a dry run with a filter prints."""
        code = run_command_line(["-C", str(self.root / at), "run", "--dry-run", *words])
        out, err = self.capture.readouterr()
        assert code == 0, err
        return out

    def refused(self, *words: str) -> str:
        """What a refusal says, as one line."""
        code = run_command_line(["-C", str(self.root), "run", "--dry-run", *words])
        out, err = self.capture.readouterr()
        assert (code, out) == (2, "")
        assert "git-changeset enumeration failed" in err
        return " ".join(err.split())


def make(root: Path, capture: pytest.CaptureFixture[str]) -> Repository:
    place = Place.make(root, {})
    place.write(".haz/workspace.yml", '{"projects": ["/lib", "/web"]}')
    (root / "p/haz.yml").unlink()
    for name, tasks in W1.items():
        place.write(f"{name}/haz.yml", str({"name": name, "tasks": tasks}).replace("'", '"'))
    place.write("lib/src/a.c", "a")
    place.write("shared.cfg", "x")
    return Repository(root, capture)


@pytest.fixture
def bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Repository:
    """W1 without a repository, under a git without settings of its own."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "t")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "t@example.invalid")
    return make(tmp_path / "w", capfd)


@pytest.fixture
def repo(bare: Repository) -> Repository:
    bare.git("init", "-q")
    bare.commit()
    return bare


def test_a_clean_tree_selects_nothing(repo: Repository) -> None:
    """J04, and J05: a real run of nothing is a success that prints nothing on stdout."""
    assert repo.dry("--git-changed") == NONE
    assert run_command_line(["-C", str(repo.root), "run", "--git-changed"]) == 0
    assert repo.capture.readouterr().out == ""


def test_a_change_selects_those_who_read_it(repo: Repository) -> None:
    """J06 to J12: the scope limits the candidates, the index is asked by one filter only."""
    repo.edit("lib/src/a.c")
    assert repo.dry("--git-changed") == BOTH
    assert repo.dry("--git-changed", at="web") == NONE
    assert repo.dry("--git-changed", "--all", at="lib") == BOTH
    assert repo.dry("--git-changed", "--workspace", at="web") == BOTH
    assert repo.dry("--git-staged") == NONE
    repo.git("add", "-A")
    assert repo.dry("--git-staged") == BOTH
    assert repo.dry("--git-changed") == BOTH


def test_the_module_of_a_function_selects_its_task(repo: Repository) -> None:
    """Edited or gone; what it does not name is no input (EXEC-026), and nothing is imported."""
    repo.edit(
        "lib/haz.yml", '{"name": "lib", "tasks": {"seed": {"function": "tools/seed.py:seed"}}}'
    )
    repo.edit("lib/tools/seed.py", "def seed(): ...")
    repo.edit("lib/tools/helper.py", "")
    repo.commit()
    assert repo.dry("--git-changed") == NONE
    repo.edit("lib/tools/seed.py", "raise SystemExit('imported')")
    seed = "would run 1 task:\n  - lib:seed\n"
    assert repo.dry("--git-changed", "--workspace") == seed
    assert repo.dry("--affected", "--workspace") == seed
    repo.commit()
    repo.edit("lib/tools/helper.py", "x = 1")
    assert repo.dry("--git-changed", "--workspace") == NONE
    (repo.root / "lib/tools/seed.py").unlink()
    assert repo.dry("--git-changed", "--workspace") == seed


def test_what_comes_before_is_added_and_what_follows_is_not(repo: Repository) -> None:
    """Hard predecessors of an affected task are in the run; its dependents are not (E99)."""
    repo.edit("shared.cfg")
    assert repo.dry("--git-changed") == BOTH
    repo.commit()
    repo.edit("web/app/x.js")
    assert repo.dry("--git-changed") == "would run 1 task:\n  - web:bundle\n"


def test_untracked_files_count_unless_staged_is_asked(repo: Repository) -> None:
    """J13, J14."""
    repo.edit("lib/src/new.c")
    assert repo.dry("--git-changed") == BOTH
    assert repo.dry("--git-staged") == NONE
    assert repo.dry("--git-changed-since", "HEAD") == BOTH


def test_since_a_commit(repo: Repository) -> None:
    """J15."""
    repo.edit("lib/src/a.c")
    repo.commit()
    assert repo.dry("--git-changed-since", "HEAD~1") == BOTH
    assert repo.dry("--git-changed-since", "HEAD~1..HEAD") == BOTH
    assert repo.dry("--git-changed-since", "HEAD") == NONE


@pytest.mark.parametrize("revision", ["nope", "", "--help", "-O/etc/x", "HEAD^{tree}"])
def test_what_is_no_commit_is_refused(repo: Repository, revision: str) -> None:
    """J16 to J19: exit code 2, and the text holds what was given."""
    assert f"--git-changed-since {revision}" in repo.refused(f"--git-changed-since={revision}")


def test_a_revision_is_never_an_option(repo: Repository) -> None:
    """``--output=FILE`` writes no file, here or at the top (E111)."""
    repo.edit("lib/src/a.c")
    repo.refused("--git-changed-since=--output=stolen")
    repo.refused(f"--git-changed-since=--output={repo.root}/stolen")
    assert list(repo.root.rglob("stolen")) == []


def test_only_inputs_count(repo: Repository) -> None:
    """J20: a changed definition selects nothing by itself."""
    body = (repo.root / "lib/haz.yml").read_text()
    repo.edit("lib/haz.yml", body + "\n")
    assert repo.dry("--git-changed") == NONE


def test_a_deleted_file_counts(repo: Repository) -> None:
    """J21."""
    (repo.root / "lib/src/a.c").unlink()
    assert repo.dry("--git-changed") == BOTH


def test_a_moved_file_counts_under_both_names(repo: Repository) -> None:
    """O11, O12 better: who read the old name is affected as well."""
    repo.edit("web/app/x.js", "a long line that is recognised when it moves\n" * 5)
    repo.commit()
    repo.git("mv", "web/app/x.js", "lib/src/x.c")
    expected = "would run 3 tasks:\n  - lib:build\n  - lib:test\n  - web:bundle\n"
    assert repo.dry("--git-changed") == expected
    assert repo.dry("--git-staged") == expected


def test_odd_names_are_passed_over_with_a_remark(repo: Repository) -> None:
    """J22 is an ordinary name; J23 and J24 no longer refuse the run."""
    repo.edit("lib/src/é x.c")
    assert repo.dry("--git-changed") == BOTH
    (repo.root / "lib/src/é x.c").unlink()
    repo.edit("lib/src/a\nb.c")
    Path(os.fsdecode(os.fsencode(repo.root) + b"/lib/src/\xff.c")).touch()
    code = run_command_line(["-C", str(repo.root), "run", "--dry-run", "--git-changed"])
    out, err = repo.capture.readouterr()
    assert (code, out) == (0, NONE)
    assert "a\\nb.c" in err
    assert err.count("\n") == 1


def test_a_workspace_below_the_repository(
    bare: Repository, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """J26, and J27 better: untracked files are seen there too; the outside is not."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    bare.commit()
    (tmp_path / "other.txt").touch()
    (tmp_path / "lib/src").mkdir(parents=True)
    (tmp_path / "lib/src/a.c").touch()
    assert bare.dry("--git-changed") == NONE
    bare.edit("lib/src/a.c")
    assert bare.dry("--git-changed") == BOTH
    bare.commit()
    bare.edit("lib/src/u.c")
    assert bare.dry("--git-changed") == BOTH


def test_without_a_repository_or_a_commit(bare: Repository) -> None:
    """J01; J02 better: before the first commit everything is new; J03."""
    assert str(bare.root) in bare.refused("--git-changed")
    bare.git("init", "-q")
    assert bare.dry("--git-changed") == BOTH
    assert bare.dry("--git-staged") == NONE


def test_without_git(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """J25."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "failed to invoke `git`" in repo.refused("--git-changed")
