"""Random edits of the small workspaces on which the shortcuts are tried."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

INPUTS = [
    "libs/one/src/a",
    "libs/one/src/b",
    "libs/one/src/deep/d",
    "libs/two/src/a",
    "libs/two/src/c",
    "shared/s",
]
OUTPUTS = [
    "libs/one/out/gen.txt",
    "libs/one/out/lit.txt",
    "libs/one/bin/all",
    "libs/one/tree/deep/x",
    "libs/two/bin/use",
]
FOLDERS = ["libs/one/src", "libs/one/src/deep", "libs/two/src", "shared", "libs/one/tree/deep"]
CONFIGURATION = ["libs/one/haz.yml", "libs/two/haz.yml", ".haz/workspace.yml"]

Edit = Callable[[Path], object]
Project = Callable[[str, str], object]


def same_size(name: str, letter: str) -> Edit:
    """In place, as many bytes as before."""

    def edit(root: Path) -> None:
        path = root / name
        if path.is_file():
            path.write_text(letter * max(1, path.stat().st_size))

    return edit


def write(name: str, text: str) -> Edit:
    def edit(root: Path) -> None:
        path = root / name
        with suppress(OSError):  # a link that leads nowhere stands in the way
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                path.unlink()
            path.write_text(text)

    return edit


def touch_r(name: str, letter: str) -> Edit:
    """Edited, and given the time back that it had."""

    def edit(root: Path) -> None:
        path = root / name
        if path.is_file():
            info = path.stat()
            same_size(name, letter)(root)
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))

    return edit


def cp_p(name: str, letter: str) -> Edit:
    """Another file of the same size and times, renamed over it."""

    def edit(root: Path) -> None:
        path = root / name
        if path.is_file():
            other = root / "other"
            shutil.copy2(path, other)
            other.write_text(letter * max(1, path.stat().st_size))
            shutil.copystat(path, other)
            other.rename(path)

    return edit


def remove(name: str) -> Edit:
    def edit(root: Path) -> None:
        path = root / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)

    return edit


def away_and_back(name: str) -> Edit:
    """Added and removed again, so that only a folder's times can tell."""

    def edit(root: Path) -> None:
        path = root / name / "passing"
        if path.parent.is_dir():
            path.write_text("x")
            path.unlink()

    return edit


def swap(name: str, letter: str) -> Edit:
    """A folder changes places with a copy whose files are older than any look at it."""

    def edit(root: Path) -> None:
        place, other, spare = root / name, root / "spare", root / "aside"
        if not place.is_dir() or place.is_symlink():
            return
        if not other.exists():
            with suppress(shutil.Error):  # what cannot be copied stays behind
                shutil.copytree(place, other, symlinks=True)
            for path in sorted(other.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    path.write_text(letter * max(1, path.stat().st_size))
            return
        place.rename(spare)
        other.rename(place)
        spare.rename(other)

    return edit


def chmod(name: str, mode: int) -> Edit:
    def edit(root: Path) -> None:
        path = root / name
        if path.exists():
            path.chmod(mode if path.is_file() else mode | 0o700)

    return edit


def link(name: str, target: str) -> Edit:
    """A link in the place of whatever is there, which stays under another name."""

    def edit(root: Path) -> None:
        path = root / name
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            kept = path.with_name(path.name + "-kept")
            remove(str(kept.relative_to(root)))(root)
            path.rename(kept)
        if path.parent.is_dir():
            path.symlink_to(target)

    return edit


def unlink_link(name: str) -> Edit:
    """The thing itself again in the place of a link to it."""

    def edit(root: Path) -> None:
        path = root / name
        kept = path.with_name(path.name + "-kept")
        if path.is_symlink() and kept.exists():
            path.unlink()
            kept.rename(path)

    return edit


def configure(name: str, variant: str, project: Project) -> Edit:
    """Other declarations for a project, or the old ones again."""
    return write(f"libs/{name}/haz.yml", json.dumps(project(name, variant)))


def hash_with(name: str) -> Edit:
    def edit(root: Path) -> None:
        settings = {"projects": ["/libs/*"], "cache": {"hash": name}}
        write(".haz/workspace.yml", json.dumps(settings))(root)

    return edit


def draw(dice: random.Random, project: Project) -> tuple[str, Edit]:
    """One edit and its name; ``project`` makes the declarations of a project in a variant."""
    letter = dice.choice("xyz")
    file = dice.choice(INPUTS + OUTPUTS if dice.random() < 0.7 else INPUTS + CONFIGURATION)
    plain = dice.choice(INPUTS + OUTPUTS)
    folder = dice.choice(FOLDERS)
    number = dice.randrange(1000)
    kinds: list[tuple[int, str, Edit]] = [
        (10, f"same size {plain} {letter}", same_size(plain, letter)),
        (5, f"touch -r {plain} {letter}", touch_r(plain, letter)),
        (5, f"cp -p {plain} {letter}", cp_p(plain, letter)),
        (5, f"write {plain}", write(plain, letter * dice.randrange(1, 5))),
        (1, f"fail {plain}", write(dice.choice(INPUTS), "fail")),
        (5, f"remove {plain}", remove(plain)),
        (3, f"remove {folder}", remove(folder)),
        (4, f"add to {folder}", write(f"{folder}/n{number % 3}", letter)),
        (2, f"take from {folder}", remove(f"{folder}/n{number % 3}")),
        (3, f"away and back {folder}", away_and_back(folder)),
        (5, f"swap {folder}", swap(folder, letter)),
        (3, f"chmod {file}", chmod(file, dice.choice([0o644, 0o600, 0o755]))),
        (2, f"chmod {folder}", chmod(folder, dice.choice([0o755, 0o750]))),
        (3, f"link {plain}", link(plain, dice.choice(["b", "a-kept", "nowhere"]))),
        (2, f"link {folder}", link(folder, Path(folder).name + "-kept")),
        (4, f"unlink {plain}", unlink_link(plain)),
        (4, f"unlink {folder}", unlink_link(folder)),
        (3, f"entry {number}", lambda root: remove_entry(root, number)),
        (2, f"configure {letter}", configure(dice.choice(["one", "two"]), letter, project)),
        (2, "configure back", configure(dice.choice(["one", "two"]), "", project)),
        (1, "hash", hash_with(dice.choice(["blake3", "sha256"]))),
        (1, "no project", remove("libs/two/haz.yml")),
        (3, "project", configure("two", "", project)),
        (1, "overlay", write(".haz/tasks/o.yml", "tagsFilter: [t]\ntasks: {}\n")),
        (1, "no overlay", remove(".haz/tasks")),
        (2, "FIFO", lambda root: fifo(root / folder)),
    ]
    weights = [weight for weight, _, _ in kinds]
    _, name, edit = dice.choices(kinds, weights)[0]
    return name, edit


def fifo(folder: Path) -> None:
    """Something in a folder of which people are told; the next time it goes again."""
    path = folder / "fifo"
    with suppress(OSError):
        if path.exists():
            path.unlink()
        else:
            os.mkfifo(path)


def entries(root: Path) -> list[Path]:
    """The entries of the cache, in the order of their keys."""
    return sorted((root / ".haz/cache").glob("??/" + "?" * 64))


def remove_entry(root: Path, number: int) -> None:
    found = entries(root)
    if found:
        shutil.rmtree(found[number % len(found)])
