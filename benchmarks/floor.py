"""The floor: the least that a caching runner in Python can do, as a program of its own.

    python floor.py        in a workspace of the dialect ``floor``

It stats every source, hashes what its state does not know, derives keys from commands, sources
and the keys before, skips, restores or executes two at a time, and stores outputs by content.
It has no configuration, no checks, no messages, no streams, no locks and no recovery.
What it takes is the unit in which the regression limits of ``benchmarks.gate`` are written.
Imports stay at the least: this file shares nothing with the package or with haz.
"""

from __future__ import annotations

import json
import marshal
import os
import sys
from _blake2 import blake2b  # hashlib would load OpenSSL: a tenth of a no-op

STATE, STORE = ".floor/state", ".floor/store"
FAILED = 1

# The shapes of the state: path → (mtime, size, inode, digest), task → (key, mtime, size, inode),
# key → digest of the output.
Files = dict[str, tuple[int, int, int, bytes]]
Outputs = dict[str, tuple[bytes, int, int, int]]
Blobs = dict[bytes, bytes]


def digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        data = os.read(fd, 1 << 16)
        if len(data) < 1 << 16:
            return data
        parts = [data]
        while data := os.read(fd, 1 << 20):
            parts.append(data)
        return b"".join(parts)
    finally:
        os.close(fd)


def digest_file(path: str, size: int) -> bytes:
    if size < 1 << 20:
        return digest(read(path))
    hash, buffer = blake2b(digest_size=16), bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hash.update(memoryview(buffer)[:count])
    return hash.digest()


def copy(source: str, target: str) -> None:
    """By way of a temporary name, as whoever must never show half a file does."""
    reading = os.open(source, os.O_RDONLY)
    writing = os.open(target + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    left = os.fstat(reading).st_size
    while left > 0:
        left -= os.copy_file_range(reading, writing, left)
    os.close(reading)
    os.close(writing)
    os.replace(target + ".tmp", target)


def scan(project: str, known: Files, table: Files) -> bytes:
    """The digest of a project's sources; fills ``table``, and reads what is not ``known``."""
    found: list[tuple[str, bytes]] = []
    folders = [f"{project}/src"]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                path, seen = entry.path, entry.stat(follow_symlinks=False)
                row = known.get(path)
                if row is None or row[:3] != (seen.st_mtime_ns, seen.st_size, seen.st_ino):
                    content = digest_file(path, seen.st_size)
                    row = (seen.st_mtime_ns, seen.st_size, seen.st_ino, content)
                table[path] = row
                found.append((path, row[3]))
    found.sort()
    return digest(b"".join(path.encode() + b"\0" + content for path, content in found))


class Task:
    __slots__ = ("after", "command", "cwd", "id", "key", "output", "then", "waits")

    def __init__(self, row: dict[str, str | list[str]]) -> None:
        self.id, self.cwd = str(row["id"]), str(row["cwd"])
        self.command, self.output = str(row["command"]), f"{row['cwd']}/{row['output']}"
        self.after = row["after"]
        self.waits = len(self.after)
        self.then: list[Task] = []
        self.key = b""


class Build:
    """One run over all tasks; the state is what the last run left."""

    def __init__(self, tasks: list[Task], files: Files, outputs: Outputs, blobs: Blobs) -> None:
        self.tasks = {task.id: task for task in tasks}
        self.outputs, self.blobs = outputs, blobs
        self.table: Files = {}
        projects = dict.fromkeys(task.cwd for task in tasks)
        self.inputs = {project: scan(project, files, self.table) for project in projects}
        for task in tasks:
            for id in task.after:
                self.tasks[id].then.append(task)
        self.ready = [task for task in tasks if not task.waits]

    def run(self, jobs: int) -> int:
        """Everything that can be done; how many commands failed."""
        alive: dict[int, Task] = {}
        failures = 0
        while self.ready or alive:
            while self.ready and len(alive) < jobs:
                task = self.ready.pop()
                if self.up_to_date(task):
                    self.settle(task)
                    continue
                alive[spawn(task)] = task
            if alive:
                pid, status = os.wait()
                task = alive.pop(pid)
                if status:
                    failures += 1
                else:
                    self.keep(task)
                    self.settle(task)
        return failures

    def settle(self, task: Task) -> None:
        for follower in task.then:
            follower.waits -= 1
            if not follower.waits:
                self.ready.append(follower)

    def up_to_date(self, task: Task) -> bool:
        """Derive the key; is the output there, or can it be brought back?"""
        before = [self.tasks[id].key for id in task.after]
        parts = [task.command.encode(), self.inputs[task.cwd], *before]
        task.key = digest(b"\0".join(parts))
        last = self.outputs.get(task.id)
        if last is not None and last[0] == task.key:
            try:
                seen = os.stat(task.output)
            except FileNotFoundError:
                pass
            else:
                if last[1:] == (seen.st_mtime_ns, seen.st_size, seen.st_ino):
                    return True
        blob = self.blobs.get(task.key)
        if blob is None:
            return False
        copy(blob_path(blob), task.output)
        self.note(task)
        return True

    def note(self, task: Task) -> None:
        seen = os.stat(task.output)
        self.outputs[task.id] = (task.key, seen.st_mtime_ns, seen.st_size, seen.st_ino)

    def keep(self, task: Task) -> None:
        blob = digest_file(task.output, os.stat(task.output).st_size)
        path = blob_path(blob)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            copy(task.output, path)
        self.blobs[task.key] = blob
        self.note(task)


def blob_path(blob: bytes) -> str:
    return f"{STORE}/{blob.hex()[:2]}/{blob.hex()}"


def spawn(task: Task) -> int:
    """In a process group of its own; what it prints goes where the floor's own output goes."""
    words = ["/bin/sh", "-c", f"cd {task.cwd} && {task.command}"]
    return os.posix_spawn("/bin/sh", words, os.environ, setpgroup=0)


def main() -> int:
    model = json.loads(read("model.json"))
    try:
        files, outputs, blobs = marshal.loads(read(STATE))
    except FileNotFoundError:
        files, outputs, blobs = {}, {}, {}
        os.makedirs(STORE)
    build = Build([Task(row) for row in model["tasks"]], files, outputs, blobs)
    failures = build.run(model["jobs"])
    with open(STATE + ".tmp", "wb") as file:
        file.write(marshal.dumps((build.table, build.outputs, build.blobs)))
    os.replace(STATE + ".tmp", STATE)
    return FAILED if failures else 0


if __name__ == "__main__":
    sys.exit(main())
