"""Removes things from a cache while runs may use it (cache.md C9).

A name is freed by a rename and only then deleted, so that a run sees an entry whole or not at
all.  What a living run holds the lock of is never touched.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable

from haz_trio.cache.census import cache_path
from haz_trio.cache.files import FOLDER, Disk, delete_tree, lock, opened, token
from haz_trio.cache.layout import BESIDE_LIST, JOURNAL, TEMPORARY, backup_number, trash
from haz_trio.cache.problems import Problem, Step
from haz_trio.cache.recovery import recover
from haz_trio.cache.root import doubt_of
from haz_trio.cache.tree import Tree

_ELSEWHERE = (errno.EACCES, errno.EPERM, errno.EXDEV)


class Remover:
    """Removes by place (``name`` or ``folder/name`` inside the cache) and goes on past failures.

    ``root`` is the open cache of the workspace at a path of the host; ``problems`` is what went
    wrong so far, ``remarks`` what people should know of what was undone.
    """

    def __init__(self, workspace: str, root: int, disk: Disk) -> None:
        self.root = root
        self.path: str = cache_path(workspace)
        self.disk = disk
        self.problems: list[Problem] = []
        self.stuck: set[str] = set()  # names in the root that could not be deleted
        self.remarks: list[str] = []
        self._doubt = doubt_of(self.path, os.fstat(root))
        self._workspace = workspace

    def recover(self) -> None:
        """Undo what was killed half way: with the records gone nobody could.

        Records in a cache that runs refuse may be anybody's: they write nothing (I09).
        """
        if self._doubt is not None:
            return
        tree = Tree(self._workspace)
        try:
            self.remarks += recover(self.root, tree, self.disk)
        finally:
            tree.close()

    def remove(
        self,
        place: str,
        step: Step,
        *,
        only: Callable[[os.stat_result], bool] = lambda info: True,
    ) -> bool:
        """Free a name, then delete what had it; whether all of it is gone.

        Nothing happens to what ``only`` does not want any more.
        """
        folder, name = _parts(place)
        try:
            with opened(folder, FOLDER, at=self.root) as at:
                if not only(os.stat(name, dir_fd=at, follow_symlinks=False)):
                    return False
                waste = trash(token())
                try:
                    self.disk.rename(name, waste, at=at, to=self.root)
                except OSError as problem:
                    if problem.errno not in _ELSEWHERE:
                        raise
                    waste = TEMPORARY + token()  # what a later cleaning finds and removes
                    self.disk.rename(name, waste, at=at, to=at)
                    return self.delete(waste, at, step, place)
                return self.delete(waste, self.root, step, place)
        except FileNotFoundError:
            return False
        except OSError as problem:
            self.complain(step, place, problem)
            return False

    def delete(self, name: str, at: int, step: Step, place: str) -> bool:
        """Delete a file or a whole tree as far as it goes; whether all of it is gone."""
        try:
            if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                shutil.rmtree(name, dir_fd=at)
            else:
                self.disk.unlink(name, at=at)
        except OSError as problem:
            delete_tree(name, at=at)  # the rest
            if _is_there(name, at):
                self.stuck.add(name)
                self.complain(step, place, problem)
                return False
        return True

    def remove_orphan(self, place: str, step: Step) -> bool:
        """Remove what a dead run left, holding its lock meanwhile; whether it is gone now."""
        shard, name = _parts(place)
        try:
            with opened(shard, FOLDER, at=self.root) as at, opened(name, FOLDER, at=at) as fd:
                if not lock(fd):
                    return False
                if _unfinished(fd):
                    # Its journal is the only record of what belongs where in the workspace.
                    raise OSError(errno.EBUSY, self._unfinished_text())
                return self.remove(place, step)
        except FileNotFoundError:
            # A recovery that undid it has removed it as well.
            return step is Step.REMOVE_RESTORING
        except OSError as problem:
            if problem.errno in (errno.ELOOP, errno.ENOTDIR) and self.is_link(place):
                return self.remove(place, step)
            self.complain(step, place, problem)
            return False

    def _unfinished_text(self) -> str:
        what = "this has the only record of what a killed run has left half done"
        if self._doubt is not None:
            return f"{what}, which is not undone: {self._doubt}"
        return (
            f"{what}, which could not be undone; the next run of its workspace tries again, "
            "or remove it by hand to give that up"
        )

    def is_link(self, place: str) -> bool:
        folder, name = _parts(place)
        try:
            with opened(folder, FOLDER, at=self.root) as at:
                return stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def complain(self, step: Step, place: str, problem: OSError) -> None:
        path = f"{self.path}/{place}" if place else self.path
        self.problems.append(Problem.of(step, path, problem))


def _parts(place: str) -> tuple[str, str]:
    """The folder, seen from the root, and the name of a place in the cache."""
    folder, slash, name = place.partition("/")
    return (folder, name) if slash else (".", folder)


def _unfinished(folder: int) -> bool:
    """Whether a folder still has the record of what was not undone."""
    names = os.listdir(folder)
    return any(n in (JOURNAL, BESIDE_LIST) or backup_number(n) is not None for n in names)


def _is_there(name: str, at: int) -> bool:
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except OSError:
        return False
    return True
