"""Which paths changed, through git (EXEC-026 to EXEC-029); blocks, and runs before trio starts.

Every call is made from the top of the repository with options fixed here, so that no setting of
the user or of the repository changes what is listed, and no hook or viewer of the repository
is run; only its content filters are, without which git cannot compare.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from typing import TypeAlias, assert_never

from haz_trio.errors import ChangesetError, InvalidTextError
from haz_trio.model.names import quote
from haz_trio.model.patterns import check_segment
from haz_trio.values import evolve, frozen

_FIXED = (
    "--no-pager",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "diff.autoRefreshIndex=true",  # a file that was only touched has not changed
    "-c",
    f"core.hooksPath={os.devnull}",
)
_DIFF = (
    "diff",
    "--name-only",
    "-z",
    "--no-color",
    "--no-ext-diff",
    "--no-relative",
    "--no-renames",
    "--no-textconv",
    f"-O{os.devnull}",  # an order file that is set and missing would be an error
)
_UNTRACKED = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z")
# What ties git to one repository, such as the one whose hook has started us.
_LOCAL = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
# These cannot be combined with literal path names.
_PATHSPECS = frozenset({"GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_NOGLOB_PATHSPECS"})
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@frozen
class WorkingTree:
    """``--git-changed``: the working tree against HEAD, untracked files included (EXEC-027)."""


@frozen
class Staged:
    """``--git-staged``: the index against HEAD (EXEC-028)."""


@frozen
class Since:
    """``--git-changed-since=REV``: the working tree against a commit (EXEC-029).

    ``A..B`` and ``A...B`` mean two commits, as in ``git diff``.
    """

    revision: str


@frozen
class SinceFork:
    """``--affected=REV``: as ``Since``, but a branch means the place where HEAD left it."""

    revision: str


Changes: TypeAlias = WorkingTree | Staged | Since | SinceFork


@frozen
class Changeset:
    """Workspace-absolute paths that changed, and remarks on what was passed over."""

    paths: frozenset[str]
    notes: tuple[str, ...] = ()


def changed_paths(
    root: str, changes: Changes, *, environment: Mapping[str, str] = os.environ
) -> Changeset:
    """What changed below a canonical workspace ``root`` of the host.

    The repository is the one that the root lies in; ``GIT_DIR`` counts if there is none.
    Raises ``ChangesetError`` when there is no git, no repository, or no such revision.
    """
    git = _find_repository(root, environment)
    inside = ("--", git.below) if git.below else ("--",)
    listed = git.read(*_DIFF, *_compared(git, changes), *inside)
    match changes:
        case WorkingTree() | Since() | SinceFork():
            listed += git.read(*_UNTRACKED, *inside)
        case Staged():
            pass
        case _:
            assert_never(changes)
    return _changeset(git.below, listed.split(b"\0"))


@frozen
class _Git:
    """A way to ask git about the repository with its top at ``top``.

    ``below`` is the workspace root relative to that, without a slash at the end.
    """

    top: str
    below: str
    environment: Mapping[str, str]

    def ask(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return _run(self.top, self.environment, words)

    def read(self, *words: str) -> bytes:
        done = self.ask(*words)
        if done.returncode != 0:
            raise ChangesetError(f"`git {' '.join(words)}` failed: {_complaint(done)}")
        return done.stdout


def _find_repository(root: str, environment: Mapping[str, str]) -> _Git:
    own = {name: value for name, value in environment.items() if name not in _PATHSPECS} | _QUIET
    clean = {name: value for name, value in own.items() if name not in _LOCAL}
    found = first = _run(root, clean, ("rev-parse", "--show-toplevel"))
    if found.returncode != 0 and "GIT_DIR" in own:
        clean = own
        found = _run(root, clean, ("rev-parse", "--show-toplevel"))
    if found.returncode != 0:
        raise ChangesetError(
            f"workspace root `{root}` is not inside a git repository: {_complaint(first)}"
        )
    top = os.path.realpath(os.fsdecode(found.stdout.removesuffix(b"\n")))
    if root != top and not root.startswith(top.rstrip("/") + "/"):
        raise ChangesetError(f"workspace root `{root}` is not inside the work tree `{top}`")
    below = os.path.relpath(root, top) if root != top else ""
    git = _Git(top, below, clean)
    index = _index_of_hook(git, environment.get("GIT_INDEX_FILE"))
    return evolve(git, environment={**clean, "GIT_INDEX_FILE": index}) if index else git


def _index_of_hook(git: _Git, index: str | None) -> str | None:
    """The index of a commit in progress, which a hook of this very repository is told."""
    if not index:
        return None
    folder = os.fsdecode(git.read("rev-parse", "--absolute-git-dir").removesuffix(b"\n"))
    whole = os.path.realpath(os.path.join(git.top, index))
    return whole if os.path.dirname(whole) == os.path.realpath(folder) else None


def _compared(git: _Git, changes: Changes) -> tuple[str, ...]:
    match changes:
        case WorkingTree():
            return (_head(git),)
        case Staged():
            return ("--cached", _head(git))
        case Since(revision):
            return (_revision(git, revision, "--git-changed-since"),)
        case SinceFork(revision):
            return (_fork(git, revision),)
        case _:
            assert_never(changes)


def _head(git: _Git) -> str:
    """HEAD, or the empty tree before the first commit."""
    if git.ask("rev-parse", "--verify", "--quiet", "HEAD").returncode == 0:
        return "HEAD"
    return git.read("hash-object", "-t", "tree", os.devnull).decode("ascii").strip()


def _fork(git: _Git, revision: str) -> str:
    """The best common ancestor of HEAD and a branch; any other revision is itself."""
    commit = _revision(git, revision, "--affected")
    words = ("rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options")
    name = git.ask(*words, revision).stdout.split()[-1:]
    if not any(ref.startswith((b"refs/heads/", b"refs/remotes/")) for ref in name):
        return commit
    done = git.ask("merge-base", commit, "HEAD")
    if done.returncode != 0:
        raise ChangesetError(
            f"`--affected={revision}` failed: the branch and HEAD have no common commit"
            f"{_advice(git)}"
        )
    return done.stdout.decode("ascii").strip()


def _advice(git: _Git) -> str:
    shallow = git.read("rev-parse", "--is-shallow-repository").strip() == b"true"
    return "; this clone is shallow, `git fetch --unshallow` gets the rest" if shallow else ""


def _revision(git: _Git, revision: str, flag: str) -> str:
    """Object names in the place of what somebody wrote, which could be an option or a file."""
    whole = _commit(git, revision)
    if not isinstance(whole, str) and ".." in revision:
        dots = "..." if "..." in revision else ".."
        # As git has it, an end that is not written is HEAD.
        ends = [_commit(git, end or "HEAD") for end in revision.split(dots, 1)]
        if all(isinstance(end, str) for end in ends):
            return dots.join(map(str, ends))
        whole = next(end for end in ends if not isinstance(end, str))
    if isinstance(whole, str):
        return whole
    raise ChangesetError(
        f"`{flag} {revision}` failed: not a commit of this repository "
        f"({_complaint(whole)}){_advice(git)}"
    )


def _commit(git: _Git, word: str) -> str | subprocess.CompletedProcess[bytes]:
    """The name of the commit that a word means, or git's refusal."""
    # Two steps, because `:/text^{commit}` would look for a text that ends so.
    done = git.ask("rev-parse", "--verify", "--end-of-options", word)
    if done.returncode == 0:
        name = done.stdout.decode("ascii").split()[-1]  # git before 2.30 repeats the option
        done = git.ask("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        if done.returncode == 0 and not name.startswith("^"):
            return done.stdout.decode("ascii").split()[-1]
    return done


def _run(
    directory: str, environment: Mapping[str, str], words: tuple[str, ...]
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *_FIXED, *words],  # noqa: S607  # the user's git, found as the user finds it
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as problem:
        raise ChangesetError(
            f"failed to invoke `git`: {problem.strerror}; git filters need git on PATH"
        ) from None
    except ValueError as problem:  # a NUL among the words
        raise ChangesetError(f"`git {quote(' '.join(words))}` failed: {problem}") from None


def _complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    text = " ".join(done.stderr.decode("utf-8", "replace").split())
    return text or f"git ended with status {done.returncode}"


def _changeset(below: str, names: Iterable[bytes]) -> Changeset:
    """Names from the top of the repository as workspace paths; no pattern matches an odd name."""
    prefix = os.fsencode(below) + b"/" if below else b""
    paths: set[str] = set()
    odd: set[bytes] = set()
    for name in names:
        inside = name.removeprefix(prefix).rstrip(b"/")  # a nested repository ends with a slash
        if not name.startswith(prefix) or not inside:
            continue
        try:
            path = inside.decode()
            for segment in path.split("/"):
                check_segment(segment)
        except (UnicodeDecodeError, InvalidTextError):
            odd.add(inside)
        else:
            paths.add(f"/{path}")
    if not odd:
        return Changeset(frozenset(paths))
    more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
    note = f"changed file {quote(os.fsdecode(min(odd)))}{more}: no pattern can name it, ignored"
    return Changeset(frozenset(paths), (note,))
