"""Make recorded outputs right, all or none (CACHE-019, CACHE-020, cache.md C7).

New files are staged and verified first; then a journal is written, then they are published.
Whatever fails is undone, and what a killed run left half done is undone by a later run.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from haz_trio.cache import journal as journals
from haz_trio.cache.files import (
    FOLDER,
    READ,
    Damage,
    Disk,
    copy,
    delete_tree,
    hold,
    opened,
    refuses_links,
    regular,
    token,
)
from haz_trio.cache.hashing import new_hasher
from haz_trio.cache.journal import (
    Change,
    Journal,
    Made,
    NewFolder,
    NewMode,
    Removed,
    RemovedFolder,
    Workshop,
)
from haz_trio.cache.layout import BESIDE_LIST, JOURNAL, OUTPUTS, restoring
from haz_trio.cache.manifest import Link, Manifest, Output
from haz_trio.cache.staging import Staging
from haz_trio.cache.targets import Want, Work
from haz_trio.cache.tree import Here, Tree, split
from haz_trio.errors import OutputError
from haz_trio.model.names import quote
from haz_trio.values import evolve


class Restore:
    """One restore of one entry; ``run`` is called once."""

    def __init__(
        self, root: int, entry: int, tree: Tree, manifest: Manifest, staging: Staging, disk: Disk
    ) -> None:
        """``root`` and ``entry`` are the descriptors of the cache and of the entry's folder."""
        self._root = root
        self._entry = entry
        self._staging = staging
        self._tree = tree
        self._manifest = manifest
        self._disk = disk
        self._token = ""
        self._device = 0

    def run(self, work: Work) -> None:
        """Do the work or leave everything as it was.

        Raises ``Damage`` for a blob with other bytes, ``OSError`` for anything that failed, and
        ``OutputError`` when what was begun could not be undone either.
        """
        try:
            if not self._put_single(work):
                self._token = token()
                self._device = os.fstat(self._root).st_dev
                self._attempt(work, apart=False)
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            self._token = token()
            self._attempt(work, apart=True)

    def _put_single(self, work: Work) -> bool:
        """Put the only file or link of the work in one step, if that can be done."""
        want = work.single
        if want is None:
            return False
        parent, name = split(want.place)
        try:
            staging, new = self._staging.spot(self._root)
        except OSError:
            return False  # a cache that cannot be written
        folder = self._tree.folder(parent)
        if os.fstat(folder).st_dev != self._staging.device:
            return False
        try:
            with _blobs(self._entry, self._manifest) as blobs:
                self._stage_item(want.item, new, staging, blobs)
            if want.here is Here.NOTHING and self._tree.stat(want.place) is not None:
                raise FileExistsError(errno.EEXIST, "something appeared at a target")
            self._disk.rename(new, name, at=staging, to=folder)
        except BaseException:  # whatever happened, nothing of it stays
            delete_tree(new, at=staging)
            raise
        return True

    def _attempt(self, work: Work, *, apart: bool) -> None:
        """``apart``: stage everything next to its target, one file system or not."""
        name = restoring(self._manifest.key, self._token)
        staging = self._make_staging(name)
        shop = Workshop(self._tree, staging, self._token)
        changes = self._plan(work, apart=apart or staging is None)
        journal = Journal(self._manifest.key, self._token, changes, self._tree.home)
        keep = False
        try:
            if staging is not None and any(_near_of(c) is not None for c in changes):
                self._disk.write_new(BESIDE_LIST, journals.encode(journal), at=staging)
            journal = self._stage(work, journal, shop)
            if staging is not None:
                new = JOURNAL + ".new"
                self._disk.write_new(new, journals.encode(journal), at=staging)
                self._disk.rename(new, JOURNAL, at=staging, to=staging)
            try:
                self._publish(journal, work, shop)
                if staging is not None:
                    self._disk.unlink(JOURNAL, at=staging)
            except OSError as problem:
                failed = journals.undo(journal, shop, self._disk)
                if failed:
                    keep = True
                    raise OutputError(_lost(failed, problem)) from problem
                raise
        finally:
            if not keep:
                journals.sweep_beside(journal, shop)
                if staging is not None:
                    delete_tree(name, at=self._root)
            if staging is not None:
                os.close(staging)

    def _make_staging(self, name: str) -> int | None:
        """The staging folder in the cache, ``None`` where the cache cannot be written."""
        try:
            self._disk.mkdir(name, at=self._root)
        except OSError as problem:
            if problem.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
                return None
            raise
        try:
            fd = os.open(name, FOLDER, dir_fd=self._root)
        except OSError:
            delete_tree(name, at=self._root)
            raise
        hold(fd)
        return fd

    def _plan(self, work: Work, *, apart: bool) -> tuple[Change, ...]:
        """The changes in the order of publishing; inodes of staged files are still unknown."""
        made = {need.place for need in work.needs}
        changes: list[Change] = []
        for number, need in enumerate(work.needs):
            near = self._near(need.place, made, apart)
            changes.append(NewFolder(need.place, need.here, number, near))
        for number, want in enumerate(work.wants, len(changes)):
            near = self._near(want.place, made, apart)
            changes.append(Made(want.place, 0, want.here, number, near))
        for number, gone in enumerate(work.gone, len(changes)):
            if gone.folder_mode is not None:
                changes.append(RemovedFolder(gone.place, gone.folder_mode))
            else:
                near = self._near(gone.place, made, apart)
                changes.append(Removed(gone.place, gone.ino, number, near))
        changes.extend(NewMode(m.place, m.ino, m.old) for m in reversed(work.modes))
        return tuple(changes)

    def _near(self, place: str, made: set[str], apart: bool) -> str | None:
        """The folder next to a target for its staged file, if the cache is elsewhere."""
        parent = split(place)[0]
        while parent in made:
            parent = split(parent)[0]
        if apart or os.fstat(self._tree.folder(parent)).st_dev != self._device:
            return parent
        return None

    def _stage(self, work: Work, journal: Journal, shop: Workshop) -> Journal:
        """Write and verify all new files and links; the journal with their inodes."""
        wants = {want.place: want for want in work.wants}
        changes: list[Change] = []
        with _blobs(self._entry, self._manifest) as blobs:
            for change in journal.changes:
                if isinstance(change, Made):
                    ino = self._stage_one(wants[change.target], change, shop, blobs)
                    change = evolve(change, ino=ino)
                changes.append(change)
        return evolve(journal, changes=tuple(changes))

    def _stage_one(self, want: Want, change: Made, shop: Workshop, blobs: int) -> int:
        folder, name = shop.staged(change.number, change.near)
        self._stage_item(want.item, name, folder, blobs)
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino

    def _stage_item(self, item: Output | Link, name: str, folder: int, blobs: int) -> None:
        match item:
            case Link(_, target):
                self._disk.symlink(target, name, at=folder)
            case Output() as output:
                self._stage_file(output, name, folder, blobs)

    def _stage_file(self, output: Output, name: str, folder: int, blobs: int) -> None:
        wrong = Damage(
            f"the blob {output.digest} has other bytes", kind="blob", blob=output.digest
        )
        with opened(output.digest, READ, at=blobs) as source:
            if not regular(os.fstat(source)):
                raise wrong
            target = self._disk.create(name, at=folder)
            try:
                hasher = new_hasher(self._manifest.hash_name)
                seen = copy(source, hasher, size=output.size, disk=self._disk, target=target)
                if seen != output.size or hasher.digest().hex() != output.digest:
                    raise wrong
                self._disk.chmod(target, output.mode)
            finally:
                os.close(target)

    def _publish(self, journal: Journal, work: Work, shop: Workshop) -> None:
        modes = {need.place: need.mode for need in work.needs}
        modes.update({mode.place: mode.mode for mode in work.modes})
        for change in journal.changes:
            match change:
                case NewFolder():
                    self._make_folder(change, modes[change.target], shop)
                case Made():
                    self._put(change, shop)
                case Removed():
                    self._remove(change, shop)
                case RemovedFolder(target):
                    self._remove_folder(target)
                case NewMode(target):
                    self._set_mode(target, modes[target])
        for need in reversed(work.needs):
            self._set_mode(need.place, need.mode)

    def _make_folder(self, change: NewFolder, mode: int | None, shop: Workshop) -> None:
        parent, name = split(change.target)
        if change.here is Here.LINK:
            folder, old = shop.replaced(change.number, change.near)
            self._disk.rename(name, old, at=self._tree.folder(parent), to=folder)
        at = self._tree.folder(parent)
        self._disk.mkdir(name, at=at, mode=0o777 if mode is None else 0o700)

    def _put(self, change: Made, shop: Workshop) -> None:
        parent, name = split(change.target)
        at = self._tree.folder(parent)
        if change.here is Here.NOTHING:
            if self._tree.stat(change.target) is not None:
                raise FileExistsError(errno.EEXIST, "something appeared at a target")
        else:
            folder, old = shop.replaced(change.number, change.near)
            if change.here is Here.EMPTY:
                self._tree.forget(change.target)
                self._disk.rename(name, old, at=at, to=folder)
            else:
                self._save(name, old, at=at, to=folder)
        folder, new = shop.staged(change.number, change.near)
        self._disk.rename(new, name, at=folder, to=self._tree.folder(parent))

    def _save(self, name: str, old: str, *, at: int, to: int) -> None:
        """Keep what is about to be replaced, if possible without a moment of absence."""
        try:
            self._disk.link(name, old, at=at, to=to)
        except OSError as problem:
            if not refuses_links(problem) or problem.errno == errno.EXDEV:
                raise
            self._disk.rename(name, old, at=at, to=to)

    def _remove(self, change: Removed, shop: Workshop) -> None:
        if self._tree.inode(change.target) != change.ino:
            return  # changed since: not ours any more
        parent, name = split(change.target)
        folder, old = shop.replaced(change.number, change.near)
        self._disk.rename(name, old, at=self._tree.folder(parent), to=folder)

    def _remove_folder(self, place: str) -> None:
        parent, name = split(place)
        self._tree.forget(place)
        try:
            self._disk.rmdir(name, at=self._tree.folder(parent))
        except OSError as problem:
            if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise

    def _set_mode(self, place: str, mode: int | None) -> None:
        if mode is not None:
            fd = self._tree.folder(place)
            self._disk.chmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) & 0o7000 | mode)


@contextlib.contextmanager
def _blobs(entry: int, manifest: Manifest) -> Iterator[int]:
    """The folder of an entry's blobs; the entry itself if it has none."""
    if not manifest.outputs:
        yield entry
        return
    with opened(OUTPUTS, FOLDER, at=entry) as folder:
        yield folder


def _near_of(change: Change) -> str | None:
    match change:
        case Made() | NewFolder() | Removed():
            return change.near
        case NewMode() | RemovedFolder():
            return None


def _lost(failed: list[str], problem: OSError) -> str:
    return (
        f"a restore failed ({problem.strerror}) and could not be undone: {listed(failed)} "
        "may be mixed; the next run tries again to undo it"
    )


def listed(places: list[str]) -> str:
    """The first places of many, as text."""
    shown = ", ".join(quote("/" + place) for place in places[:5])
    return shown + (f" and {len(places) - 5} more" if len(places) > 5 else "")
