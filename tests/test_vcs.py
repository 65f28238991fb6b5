"""Changed paths on real repositories: every row of execution.md 3.3, and of cli.md 9.3."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from pathlib import Path

import attrs
import pytest

from haz_trio.errors import ChangesetError
from haz_trio.vcs import Changes, Changeset, Since, Staged, WorkingTree, changed_paths

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": "t@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}


@attrs.frozen
class Repository:
    """A work tree at ``top`` with a workspace somewhere in it."""

    top: Path
    workspace: Path

    def git(self, *words: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=at or self.top,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str = "") -> Path:
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, message: str = "x") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def look(self, changes: Changes, **variables: str) -> Changeset:
        environment = {**ENVIRONMENT, **variables}
        return changed_paths(str(self.workspace), changes, environment=environment)

    def changed(self, changes: Changes | None = None, **variables: str) -> list[str]:
        found = self.look(changes or WorkingTree(), **variables)
        assert found.notes == ()
        return sorted(found.paths)

    def refused(self, changes: Changes, **variables: str) -> str:
        with pytest.raises(ChangesetError) as caught:
            self.look(changes, **variables)
        return str(caught.value)


def start(top: Path, workspace: Path) -> Repository:
    """A repository without a commit."""
    workspace.mkdir(parents=True, exist_ok=True)
    made = Repository(top.resolve(), workspace.resolve())
    made.git("init", "-q", "-b", "main")
    return made


@pytest.fixture(params=["at the top", "below the top"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    """Two files committed, in a workspace that is the repository or a folder in it."""
    top = tmp_path / "top"
    made = start(top, top if request.param == "at the top" else top / "sub" / "ws")
    made.write("lib/a.c", "a")
    made.write("lib/b.c", "b")
    made.write(".gitignore", "*.log\n")
    made.commit()
    return made


# -- what counts as changed -------------------------------------------------------------------


def test_a_clean_tree_has_no_changes(repo: Repository) -> None:
    """Nothing changed, with all three options (J04, J10)."""
    for changes in (WorkingTree(), Staged(), Since("HEAD")):
        assert repo.changed(changes) == []


def test_the_working_tree_is_staged_unstaged_and_untracked(repo: Repository) -> None:
    """All three kinds, not the ignored ones; the index alone has the first (EXEC-027, 028)."""
    repo.write("lib/a.c", "staged")
    repo.git("add", "-A")
    repo.write("lib/b.c", "unstaged")
    repo.write("lib/é x.c", "untracked")
    repo.write("lib/trace.log", "ignored")
    assert repo.changed() == ["/lib/a.c", "/lib/b.c", "/lib/é x.c"]
    assert repo.changed(Staged()) == ["/lib/a.c"]


def test_deleted_and_moved_files_count_under_their_old_names(repo: Repository) -> None:
    """A task that lost an input is affected, whether git sees a rename or not (O11)."""
    repo.git("mv", str(repo.workspace / "lib/a.c"), str(repo.workspace / "lib/new.c"))
    (repo.workspace / "lib/b.c").rename(repo.workspace / "lib/c.c")
    assert repo.changed() == ["/lib/a.c", "/lib/b.c", "/lib/c.c", "/lib/new.c"]
    assert repo.changed(Staged()) == ["/lib/a.c", "/lib/new.c"]


def test_a_mode_counts(repo: Repository) -> None:
    """chmod alone is a change."""
    path = repo.workspace / "lib/a.c"
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    assert repo.changed() == ["/lib/a.c"]


def test_staged_then_reverted_counts_for_the_index_only(repo: Repository) -> None:
    """As git has it: the working tree is what HEAD is."""
    repo.write("lib/a.c", "other")
    repo.git("add", "-A")
    repo.write("lib/a.c", "a")
    assert repo.changed(WorkingTree()) == []
    assert repo.changed(Staged()) == ["/lib/a.c"]


def test_since_is_commits_and_the_working_tree(repo: Repository) -> None:
    """Committed, unstaged and untracked, against a commit, a branch or a tag (EXEC-029)."""
    base = repo.git("rev-parse", "HEAD")
    repo.git("tag", "-a", "v1", "-m", "tagged")
    repo.write("lib/a.c", "2")
    repo.commit("later")
    repo.write("lib/b.c", "3")
    repo.write("lib/new.c")
    for revision in (base, "HEAD~1", "v1", base[:12], ":/x", "main~1"):
        assert repo.changed(Since(revision)) == ["/lib/a.c", "/lib/b.c", "/lib/new.c"]
    assert repo.changed(Since("main")) == ["/lib/b.c", "/lib/new.c"]


def test_a_range_is_two_commits(repo: Repository) -> None:
    """``A..B`` compares both, ``A...B`` starts at the merge base, an empty end is HEAD."""
    repo.git("checkout", "-q", "-b", "side")
    repo.write("lib/side.c")
    repo.commit("side")
    repo.git("checkout", "-q", "main")
    repo.write("lib/a.c", "2")
    repo.commit("main")
    repo.write("lib/b.c", "not committed")
    assert repo.changed(Since("HEAD~1..HEAD")) == ["/lib/a.c"]
    assert repo.changed(Since("HEAD~1..")) == ["/lib/a.c"]
    assert repo.changed(Since("..side")) == ["/lib/a.c", "/lib/side.c"]
    assert repo.changed(Since("side...main")) == ["/lib/a.c"]
    repo.write("lib/new.c")
    assert repo.changed(Since("HEAD~1..HEAD")) == ["/lib/a.c", "/lib/new.c"]


def test_a_detached_head_is_a_head(repo: Repository) -> None:
    """No branch is needed."""
    repo.git("checkout", "-q", "--detach")
    repo.write("lib/a.c", "2")
    assert repo.changed() == ["/lib/a.c"]


@pytest.mark.parametrize("objects", ["sha1", "sha256"])
def test_before_the_first_commit_everything_is_new(tmp_path: Path, objects: str) -> None:
    """Both options compare with the empty tree (J02, J03)."""
    repo = Repository(tmp_path, tmp_path)
    repo.git("init", "-q", f"--object-format={objects}")
    repo.write("staged")
    repo.git("add", "-A")
    repo.write("untracked")
    assert repo.changed() == ["/staged", "/untracked"]
    assert repo.changed(Staged()) == ["/staged"]
    assert "HEAD" in repo.refused(Since("HEAD"))


def test_a_linked_worktree_is_looked_at_itself(repo: Repository, tmp_path: Path) -> None:
    """Not the main one beside it."""
    other = tmp_path / "linked"
    repo.git("worktree", "add", "-q", str(other))
    repo.write("lib/a.c", "in the main one")
    linked = Repository(other, other / repo.workspace.relative_to(repo.top))
    linked.write("lib/b.c", "in the linked one")
    linked.write("lib/new.c")
    assert linked.changed() == ["/lib/b.c", "/lib/new.c"]


def test_an_untracked_repository_is_one_path(repo: Repository) -> None:
    """Git names its folder and none of its files, like the original."""
    nested = start(repo.top, repo.workspace / "lib/nested")
    nested.git("init", "-q", at=nested.workspace)
    nested.write("x")
    assert repo.changed() == ["/lib/nested"]


def test_a_submodule_is_one_path(repo: Repository, tmp_path: Path) -> None:
    """Another commit in it is a change of its path."""
    inner = start(tmp_path / "inner", tmp_path / "inner")
    inner.write("x")
    inner.commit()
    place = str(repo.workspace / "lib" / "module")
    repo.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        str(inner.top),
        os.path.relpath(place, repo.top),
    )
    repo.commit()
    module = Repository(Path(place), Path(place))
    assert repo.changed() == []
    module.write("x", "2")
    module.commit()
    assert repo.changed() == ["/lib/module"]
    assert module.changed(Since("HEAD~1")) == ["/x"]


# -- where the workspace is -------------------------------------------------------------------


def test_paths_outside_the_workspace_are_dropped(repo: Repository) -> None:
    """Also those of a neighbour whose name begins alike."""
    if repo.top == repo.workspace:
        return
    for name in ("outside.c", "sub/other.c", "sub/ws2/lib/a.c", "sub/w"):
        path = repo.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert repo.changed() == []
    repo.git("add", "-A")
    assert repo.changed(Staged()) == []


def test_a_folder_name_is_no_pattern_for_git(tmp_path: Path) -> None:
    """Nor for us: brackets, colons, blanks and stars in the workspace's own path."""
    repo = start(tmp_path, tmp_path / ":(top)a*[x] é")
    repo.write("in")
    (tmp_path / ":(top)abx é").mkdir()
    (tmp_path / ":(top)abx é/out").touch()
    assert repo.changed() == ["/in"]
    assert repo.changed(GIT_GLOB_PATHSPECS="1", GIT_ICASE_PATHSPECS="1") == ["/in"]


@pytest.mark.parametrize(
    "setting",
    [
        "diff.relative=true",
        "diff.renames=copies",
        "diff.external=false",
        "diff.noprefix=true",
        "diff.mnemonicPrefix=true",
        "color.ui=always",
        "core.quotePath=true",
        "core.pager=false",
        "status.showUntrackedFiles=no",
        "diff.orderFile=/nonexistent/order",
    ],
)
def test_no_setting_changes_what_is_listed(repo: Repository, setting: str) -> None:
    """Whatever the user or the repository has set (``diff.relative`` lost everything)."""
    repo.git("config", *setting.split("=", 1))
    repo.git("mv", str(repo.workspace / "lib/a.c"), str(repo.workspace / "lib/ä.c"))
    repo.write("lib/new é.c")
    assert repo.changed() == ["/lib/a.c", "/lib/new é.c", "/lib/ä.c"]


def test_nothing_of_the_repository_is_run(repo: Repository, tmp_path: Path) -> None:
    """Neither file system monitor nor hook, pager, viewer or text converter (I15)."""
    proof = tmp_path / "proof"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(proof))}\n")
    script.chmod(0o755)
    hooks = repo.top / ".git" / "hooks"
    for hook in ("post-index-change", "pre-auto-gc", "fsmonitor-watchman"):
        (hooks / hook).write_text(script.read_text())
        (hooks / hook).chmod(0o755)
    for name in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.x.command",
        "diff.x.textconv",
        "pager.diff",
    ):
        repo.git("config", name, str(script))
    repo.write(".gitattributes", "*.c diff=x\n")
    repo.write("lib/a.c", "2")
    os.utime(repo.workspace / "lib/b.c", (1, 1))  # git refreshes its index, which has a hook
    assert "/lib/a.c" in repo.changed(GIT_EXTERNAL_DIFF=str(script), GIT_PAGER=str(script))
    repo.changed(Staged())
    repo.changed(Since("HEAD"))
    assert not proof.exists()


def test_a_touched_file_has_not_changed(repo: Repository) -> None:
    """Git compares contents where stat data differ."""
    os.utime(repo.workspace / "lib/a.c", (1, 1))
    assert repo.changed() == []
    repo.git("config", "diff.autoRefreshIndex", "false")
    assert repo.changed() == []


# -- the environment --------------------------------------------------------------------------


def test_inside_a_hook_the_commit_in_progress_counts(repo: Repository) -> None:
    """``git commit FILE`` tells its hook of an index of its own; a relative GIT_DIR misleads."""
    repo.write("lib/a.c", "partly committed")
    repo.write("lib/b.c", "staged, but not of this commit")
    repo.git("add", "-A")
    own = repo.top / ".git" / "next-index-1.lock"
    one = os.path.relpath(repo.workspace / "lib/a.c", repo.top)
    environment = {**ENVIRONMENT, "GIT_INDEX_FILE": str(own)}
    for words in (["read-tree", "HEAD"], ["add", one]):
        subprocess.run(["git", *words], cwd=repo.top, env=environment, check=True)
    assert repo.changed(Staged()) == ["/lib/a.c", "/lib/b.c"]
    for index in (str(own), ".git/next-index-1.lock"):
        variables = {"GIT_DIR": ".git", "GIT_INDEX_FILE": index, "GIT_PREFIX": "sub/"}
        assert repo.changed(Staged(), **variables) == ["/lib/a.c"]


def test_the_hook_of_another_repository_does_not_mislead(repo: Repository, tmp_path: Path) -> None:
    """The repository is the one that the workspace lies in."""
    other = start(tmp_path / "other", tmp_path / "other")
    other.write("foreign")
    other.commit()
    git = other.top / ".git"
    repo.write("lib/a.c", "2")
    variables = {
        "GIT_DIR": str(git),
        "GIT_WORK_TREE": str(other.top),
        "GIT_INDEX_FILE": str(git / "index"),
        "GIT_OBJECT_DIRECTORY": str(git / "objects"),
    }
    assert repo.changed(WorkingTree(), **variables) == ["/lib/a.c"]
    assert repo.changed(Staged(), **variables) == []


def test_a_repository_that_is_named_only_by_variables_is_found(tmp_path: Path) -> None:
    """A work tree whose ``.git`` lies elsewhere."""
    repo = start(tmp_path / "ws", tmp_path / "ws")
    repo.write("a")
    repo.commit()
    (repo.top / ".git").rename(tmp_path / "elsewhere")
    repo.write("a", "2")
    variables = {"GIT_DIR": str(tmp_path / "elsewhere"), "GIT_WORK_TREE": str(repo.top)}
    assert repo.changed(WorkingTree(), **variables) == ["/a"]
    assert "not inside a git repository" in repo.refused(WorkingTree())


# -- odd names --------------------------------------------------------------------------------


def test_names_that_no_pattern_can_match_are_skipped(repo: Repository) -> None:
    """A newline or bytes that are not UTF-8 stop nothing (J23, J24); one note says so."""
    repo.write("lib/a\nb.c")
    (repo.workspace / os.fsdecode(b"lib/\xff.c")).touch()
    repo.write("lib/good.c")
    found = repo.look(WorkingTree())
    assert found.paths == {"/lib/good.c"}
    (note,) = found.notes
    assert '"lib/a\\nb.c" and 1 more' in note


# -- errors -----------------------------------------------------------------------------------


def test_outside_a_repository_is_said(tmp_path: Path) -> None:
    """With the workspace root and git's reason (J01)."""
    message = Repository(tmp_path, tmp_path).refused(WorkingTree())
    assert message.startswith(f"workspace root `{tmp_path}` is not inside a git repository: fatal")


def test_without_git_there_is_no_answer(repo: Repository) -> None:
    """Nothing on PATH is called git (J25)."""
    message = repo.refused(WorkingTree(), PATH="/nonexistent")
    assert message.startswith("failed to invoke `git`: No such file or directory")


@pytest.mark.parametrize(
    "revision",
    [
        "nope",
        "",
        "--help",
        "-O/etc/passwd",
        "--output=stolen",
        "--stat",
        "HEAD^{tree}",
        "HEAD:lib",
        "nope..HEAD",
        "HEAD..nope",
        "HEAD..--output=stolen",
        "HEAD...nope",
        "..HEAD..",
        "....",
        "^HEAD",
        "HEAD main",
        "HEAD\nmain",
        "@{upstream}",
    ],
)
def test_what_is_no_commit_is_refused_by_name(repo: Repository, revision: str) -> None:
    """Unknown names, options, trees and files never reach ``git diff`` (J16 to J19)."""
    message = repo.refused(Since(revision))
    assert message.startswith(f"`--git-changed-since {revision}` failed: not a commit")
    assert not (repo.top / "stolen").exists()
    assert not (repo.workspace / "stolen").exists()


def test_a_nul_in_a_revision_is_refused() -> None:
    """It cannot be passed to any program."""
    here = Path(__file__).parent
    with pytest.raises(ChangesetError):
        changed_paths(str(here), Since("HEAD\0"), environment=ENVIRONMENT)


def test_a_shallow_clone_gets_advice(repo: Repository, tmp_path: Path) -> None:
    """The usual reason why a revision is unknown on a build machine."""
    repo.write("lib/a.c", "2")
    repo.commit()
    clone = tmp_path / "clone"
    repo.git("clone", "-q", "--depth=1", f"file://{repo.top}", str(clone))
    shallow = Repository(clone, clone / repo.workspace.relative_to(repo.top))
    assert "git fetch --unshallow" in shallow.refused(Since("HEAD~1"))
    assert "unshallow" not in repo.refused(Since("nope"))


def test_a_broken_repository_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    """A HEAD whose commit is missing is git's error, and not everything new."""
    repo = start(tmp_path, tmp_path)
    repo.write("a")
    head = repo.commit()
    (tmp_path / ".git/objects" / head[:2] / head[2:]).unlink()
    assert "git diff" in repo.refused(WorkingTree())
