"""Which paths changed, through git (EXEC-026 to EXEC-029); blocks, and runs before trio starts.

Every call is made from the top of the repository with options fixed here, so that neither the
user's configuration nor a repository's own changes what is listed or runs a program of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from typing import TypeAlias

import attrs

from haz_trio.errors import ChangesetError, InvalidTextError
from haz_trio.model.names import quote
from haz_trio.model.patterns import check_segment

_DIFF = (
    "diff",
    "--name-only",
    "-z",
    "--no-renames",
    "--no-relative",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=none",
)
_UNTRACKED = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z")
# No program that a repository's configuration names is run: it may be somebody else's.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "diff.external=")


@attrs.frozen
class WorkingTree:
    """``--git-changed``: the working tree against HEAD, untracked files included (EXEC-027)."""


@attrs.frozen
class Staged:
    """``--git-staged``: the index against HEAD (EXEC-028)."""


@attrs.frozen
class Since:
    """``--git-changed-since=REV``: the working tree against a commit, or a range (EXEC-029)."""

    revision: str


Changes: TypeAlias = WorkingTree | Staged | Since


@attrs.frozen
class Changeset:
    """Workspace-absolute paths that changed, and remarks on what was passed over."""

    paths: frozenset[str]
    notes: tuple[str, ...] = ()


def changed_paths(root: str, changes: Changes) -> Changeset:
    """What changed below a canonical workspace ``root`` of the host.

    Raises ``ChangesetError`` when there is no git, no repository, or no such revision.
    """
    top = _top(root)
    listed = _git(top, *_DIFF, *_compared(top, changes), "--")
    if not isinstance(changes, Staged):
        listed += _git(top, *_UNTRACKED)
    return _below(os.path.realpath(os.fsencode(top)), os.fsencode(root), listed.split(b"\0"))


def _compared(top: str, changes: Changes) -> tuple[str, ...]:
    match changes:
        case WorkingTree():
            return (_head(top),)
        case Staged():
            return ("--cached", _head(top))
        case Since(revision):
            return tuple(_commit(top, end, revision) for end in _ends(revision))


def _head(top: str) -> str:
    """HEAD, or the empty tree before the first commit."""
    found = _try(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if found.returncode == 0:
        return found.stdout.decode().strip()
    return _git(top, "hash-object", "-t", "tree", os.devnull).decode().strip()


def _ends(revision: str) -> tuple[str, ...]:
    """The one revision, or both ends of ``A..B``; an empty end is HEAD, as git has it."""
    before, dots, after = revision.partition("..")
    if not dots or after.startswith("."):
        return (revision,)
    return before or "HEAD", after or "HEAD"


def _commit(top: str, end: str, revision: str) -> str:
    """The commit that a word names; anything else, an option above all, is refused."""
    wanted = f"{end}^{{commit}}"
    found = _try(top, "rev-parse", "--verify", "--end-of-options", wanted)
    name = found.stdout.decode("ascii", "replace").strip().splitlines()
    if found.returncode != 0 or not name:
        why = _complaint(found.stderr) or "not a commit"
        raise ChangesetError(f"`--git-changed-since {revision}` failed: {why}")
    return name[-1]


def _top(root: str) -> str:
    found = _try(root, "rev-parse", "--show-toplevel")
    if found.returncode != 0:
        raise ChangesetError(
            f"workspace root `{root}` is not inside a git repository: {_complaint(found.stderr)}"
        )
    return os.fsdecode(found.stdout.removesuffix(b"\n"))


def _git(top: str, *words: str) -> bytes:
    done = _try(top, *words)
    if done.returncode != 0:
        raise ChangesetError(f"`git {' '.join(words)}` failed: {_complaint(done.stderr)}")
    return done.stdout


def _try(directory: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat"}
    try:
        return subprocess.run(
            ["git", *_SAFE, *words],  # noqa: S607  # the user's git, found as the user finds it
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as problem:
        raise ChangesetError(f"failed to invoke `git`: {problem.strerror}") from None
    except ValueError as problem:  # a NUL in the revision
        raise ChangesetError(f"`git {' '.join(map(quote, words))}` failed: {problem}") from None


def _complaint(stderr: bytes) -> str:
    return " ".join(stderr.decode("utf-8", "replace").split())


def _below(top: bytes, root: bytes, names: Iterable[bytes]) -> Changeset:
    """The names below the workspace root as workspace paths; no pattern matches an odd name."""
    prefix = b"" if root == top else root.removeprefix(top.rstrip(b"/") + b"/") + b"/"
    paths: set[str] = set()
    odd: list[bytes] = []
    for name in names:
        inside = name.removeprefix(prefix)
        if not name.startswith(prefix) or not inside:
            continue
        try:
            path = inside.rstrip(b"/").decode()
            for segment in path.split("/"):
                check_segment(segment)
        except (UnicodeDecodeError, InvalidTextError):
            odd.append(inside)
        else:
            paths.add(f"/{path}")
    notes = [
        f"changed file {quote(os.fsdecode(name))} is passed over: no pattern can name it"
        for name in sorted(odd)
    ]
    return Changeset(frozenset(paths), tuple(notes))
