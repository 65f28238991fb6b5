"""`--affected=REV`: a branch means where HEAD left it, anything else is itself."""

from __future__ import annotations

from pathlib import Path

from haz_trio.vcs import SinceFork
from tests.test_vcs import Repository, start


def forked(tmp_path: Path) -> Repository:
    """`work` has changed `mine` and `main` has changed `theirs` since they parted."""
    repo = start(tmp_path, tmp_path)
    repo.write("base", "1")
    repo.commit()
    repo.git("checkout", "-q", "-b", "work")
    repo.write("mine", "1")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("theirs", "1")
    repo.commit()
    repo.git("tag", "there")
    repo.git("checkout", "-q", "work")
    return repo


def test_a_branch_is_compared_from_the_fork(tmp_path: Path) -> None:
    """What came onto the branch later is not what was changed here; untracked files are."""
    repo = forked(tmp_path)
    repo.write("new")
    assert repo.changed(SinceFork("main")) == ["/mine", "/new"]
    assert repo.changed(SinceFork("refs/heads/main")) == ["/mine", "/new"]


def test_a_remote_branch_is_a_branch(tmp_path: Path) -> None:
    """As `origin/main` on a build machine."""
    repo = forked(tmp_path)
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    assert repo.changed(SinceFork("origin/main")) == ["/mine"]


def test_commits_and_tags_are_taken_as_they_are(tmp_path: Path) -> None:
    """Who names a commit means that commit."""
    repo = forked(tmp_path)
    assert repo.changed(SinceFork("there")) == ["/mine", "/theirs"]
    assert repo.changed(SinceFork(repo.git("rev-parse", "main"))) == ["/mine", "/theirs"]
    assert repo.changed(SinceFork("HEAD")) == []


def test_branches_without_a_common_commit_are_refused(tmp_path: Path) -> None:
    """There is no fork to compare with."""
    repo = forked(tmp_path)
    repo.git("checkout", "-q", "--orphan", "other")
    repo.write("x")
    repo.commit()
    assert "no common commit" in repo.refused(SinceFork("main"))


def test_options_and_unknown_names_are_refused(tmp_path: Path) -> None:
    """Nothing that looks like a flag reaches git as one."""
    repo = forked(tmp_path)
    for word in ("nope", "--output=stolen", "-O/etc/passwd", ""):
        assert repo.refused(SinceFork(word)).startswith(f"`--affected {word}` failed")
    assert not (tmp_path / "stolen").exists()
