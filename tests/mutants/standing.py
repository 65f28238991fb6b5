"""More wrong implementations: what is believed of files, what stands in the way, reports."""

from __future__ import annotations

from tests.mutants.patches import Mutant

_T = "cache.targets"
_D = "engine.differences"
MUTANTS: tuple[Mutant, ...] = (
    # -- which files are believed to be unchanged -------------------------------------------------
    Mutant(
        "only-the-time-of-contents-counts",
        "trust",
        '"st_mtime_ns", "st_ctime_ns", "st_mode"',
        '"st_mtime_ns", "st_mtime_ns", "st_mode"',
    ),
    # -- what stands where an output has to be ----------------------------------------------------
    Mutant(
        "links-in-the-place-of-outputs-stay",
        _T,
        "            return Want(place, item, Here.LINK)\n",
        "            return None\n",
    ),
    Mutant(
        "empty-folders-are-in-the-way",
        _T,
        "            if self._tree.here(place) is Here.FOLDER:\n",
        "            if True:\n",
    ),
    Mutant(
        "full-folders-stay",
        _T,
        "                raise Obstacle("
        "f\"{quote('/' + place)} is a folder with something in it\")\n",
        "                return None\n",
    ),
    Mutant(
        "folders-are-not-restored",
        _T,
        "for f in manifest.folders]",
        "for f in ()]",
    ),
    Mutant(
        "folders-keep-their-modes",
        _T,
        "        if info.st_mode & 0o777 == folder.mode:\n",
        "        if True:\n",
    ),
    Mutant(
        "folders-of-ours-stay",
        _T,
        "            sorted((g for g in gone if g.folder_mode is not None)",
        "            sorted((g for g in gone if g is None)",
    ),
    # -- what has changed since the last result ---------------------------------------------------
    Mutant(
        "removed-inputs-are-forgotten",
        _D,
        "                yield InputDiffers(path, How.REMOVED)\n",
        "                pass\n",
    ),
    Mutant(
        "new-values-are-no-changes",
        _D,
        "    return None if old == new else How.CHANGED\n",
        "    return None\n",
    ),
    Mutant(
        "new-outputs-are-no-changes",
        _D,
        "sorted(before.outputs ^ now.outputs,",
        "sorted(before.outputs - now.outputs,",
    ),
    # -- caches and roots -------------------------------------------------------------------------
    Mutant(
        "names-of-one-file-count-each",
        "cache.census",
        "                        seen.add((info.st_dev, info.st_ino))\n",
        "                        pass\n",
    ),
    Mutant(
        "linked-marks-do-not-count",
        "config.discovery",
        "        return os.stat(path).st_mode\n",
        "        return os.lstat(path).st_mode\n",
    ),
    Mutant(
        "branches-are-their-tips",
        "vcs",
        '    done = git.ask("merge-base", commit, "HEAD")\n',
        '    return commit\n    done = git.ask("merge-base", commit, "HEAD")\n',
    ),
    Mutant(
        "branches-of-remotes-are-their-tips",
        "vcs",
        '(b"refs/heads/", b"refs/remotes/")',
        '(b"refs/heads/",)',
    ),
    Mutant(
        "all-revisions-are-where-they-fork",
        "vcs",
        '    if not any(ref.startswith((b"refs/heads/", b"refs/remotes/")) for ref in name):\n',
        "    if False:\n",
    ),
)
