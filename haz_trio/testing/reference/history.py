"""Hits and misses over a history of edits (CACHE-001 to CACHE-023), by remembering everything.

A key is the tuple of what it is made of, the cache a dictionary, and a run of a task a function
from files to files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

import attrs

from haz_trio.testing.reference.globs import matches
from haz_trio.testing.reference.graph import Edges
from haz_trio.testing.reference.keys import Key
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.schedule import DONE, ERRORED, FAILED, Event, run_in_order

File: TypeAlias = tuple[bytes, int]  # contents and mode
Tree: TypeAlias = dict[str, File]  # by workspace-absolute paths


@attrs.frozen
class Effect:
    """What a command does: its exit code, what it prints, what it removes, and then writes."""

    code: int = 0
    out: bytes = b""
    err: bytes = b""
    files: Tree = attrs.field(factory=dict)
    gone: Collection[str] = ()


@attrs.frozen
class Step:
    """A task whose command is known; patterns are workspace-absolute."""

    id: Id
    root: str
    action: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    from_host: tuple[str, ...]
    override: Mapping[str, str]
    does: Callable[[Tree, Mapping[str, str]], Effect]


@attrs.frozen
class Entry:
    """A stored result."""

    effect: Effect
    outputs: Tree

    @property
    def contents(self) -> set[bytes]:
        """All bytes that are stored of it."""
        plain = {it[0] for it in self.outputs.values() if is_plain(it)}
        return plain | {self.effect.out, self.effect.err}


@attrs.frozen
class Happened:
    """What a run did with a task; ``verdict`` is one of the schedule's, or "cached"."""

    id: Id
    verdict: str
    cause: Id | None = None
    effect: Effect = Effect()


CACHED = "cached"


def link_to(target: str) -> File:
    """A symbolic link, as it stands among files."""
    return f"-> {target}".encode(), 0


def folder_of(mode: int) -> File:
    """A folder, as it stands among files where folders are looked at."""
    return b"/", mode


def is_link(file: File | None) -> bool:
    return file is not None and file[0].startswith(b"-> ")


def is_plain(file: File | None) -> bool:
    """Whether this is a regular file."""
    return file is not None and not is_link(file) and file[0] != b"/"


def below(folder: str, paths: Iterable[str]) -> list[str]:
    """The paths that lie in a folder."""
    return [path for path in paths if path.startswith(f"{folder}/")]


_HOPS = 9  # of links that lead to links


@attrs.define
class History:
    """The files of a workspace, and everything that its cache may know."""

    files: Tree = attrs.field(factory=dict)
    entries: dict[Key, Entry] = attrs.field(factory=dict)
    ours: dict[Id, set[str]] = attrs.field(factory=dict)  # written by us, touched by nobody since
    last_keys: dict[Id, Key] = attrs.field(factory=dict)
    last_results: dict[Id, Key] = attrs.field(factory=dict)  # of the last run, if it left one
    streams: dict[Id, tuple[bytes, bytes]] = attrs.field(factory=dict)
    doubtful: set[Key] = attrs.field(factory=set)  # damaged where a hit need not notice
    known: Collection[str] = ()  # differences of the program, by their names
    rollback: bool = False  # whether a command that fails leaves its outputs as they were
    observed: Collection[Id] = ()  # who was executed, as far as that decides about doubtful ones

    def touch(self, path: str) -> None:
        """Somebody else has changed, made or removed a file."""
        for paths in self.ours.values():
            paths.discard(path)

    def run(
        self,
        steps: Mapping[Id, Step],
        chosen: Collection[Id],
        edges: tuple[Edges, Edges],
        host: Mapping[str, str],
        hash_name: str,
        *,
        look: bool = True,
        keep: bool = True,
    ) -> list[Happened]:
        """A run with one slot; hard and weak edges."""
        hard, weak = edges
        details: dict[Id, Happened] = {}

        def execute(id: Id) -> str:
            happened = details[id] = self._task(
                steps[id], steps, hard[id] & set(chosen), host, hash_name, look=look, keep=keep
            )
            return DONE if happened.verdict == CACHED else happened.verdict

        events: list[Event] = list(run_in_order(chosen, hard, weak, execute))
        return [details.get(id, Happened(id, verdict, cause)) for id, verdict, cause in events]

    def predict(
        self, steps: Mapping[Id, Step], id: Id, hard: Edges, host: Mapping[str, str], hash: str
    ) -> str | None:
        """What ``haz why`` says of the cache: "hit", "miss: no entry", or "" for a refusal.

        ``None`` where nothing says what it is to answer: a folder is in the way of a hit.
        """
        for before in sorted(hard[id]):
            if (says := self.predict(steps, before, hard, host, hash)) != "hit":
                return says and ""
        step = steps[id]
        if self._lacks_input(step):
            return ""
        entry = self.entries.get(self.key(step, hard[id], host, hash))
        if entry is None:
            return "miss: no entry"
        if self._is_blocked(entry):
            return None
        self.streams[id] = entry.effect.out, entry.effect.err
        return "hit"

    def _lacks_input(self, step: Step) -> bool:
        return any("*" not in path and self.read(path) is None for path in step.inputs)

    def read(self, path: str) -> bytes | None:
        """The contents of a file, also by a link."""
        for _ in range(_HOPS):
            file = self.files.get(path)
            if file is None or not is_link(file):
                return file[0] if file is not None and is_plain(file) else None
            target = file[0].decode().removeprefix("-> ")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return None

    def key(self, step: Step, before: Collection[Id], host: Mapping[str, str], hash: str) -> Key:
        """What the result of a task rests on."""
        seen = [
            (path, content)
            for pattern in step.inputs
            for path in self.files
            if matches(pattern, path) and (content := self.read(path)) is not None
        ]
        once = seen if "inputs-once-for-each-pattern" in self.known else set(seen)
        outputs = () if "outputs-not-in-the-key" in self.known else step.outputs
        variables = {name: host.get(name) for name in step.from_host if name not in step.override}
        return Key(
            hash,
            step.root,
            step.action,
            frozenset(outputs),
            tuple(sorted(once)),
            tuple((id, self.streams[id]) for id in sorted(before)),
            tuple(sorted(variables.items(), key=lambda item: item[0])),
            tuple(sorted(step.override.items())),
        )

    def _task(
        self,
        step: Step,
        steps: Mapping[Id, Step],
        before: Collection[Id],
        host: Mapping[str, str],
        hash_name: str,
        *,
        look: bool,
        keep: bool,
    ) -> Happened:
        self.last_results.pop(step.id, None)
        if self._lacks_input(step):
            return Happened(step.id, ERRORED)
        key = self.last_keys[step.id] = self.key(step, before, host, hash_name)
        entry = self.entries.get(key) if look else None
        blocked = entry is not None and self._is_blocked(entry)
        if blocked or (key in self.doubtful and step.id in self.observed):
            entry = None
        if entry is not None:
            self.last_results[step.id] = key
            self._restore(step, entry, steps)
            return Happened(step.id, CACHED, None, entry.effect)
        variables = {name: host[name] for name in step.from_host if name in host}
        effect = step.does(self.files, {**variables, **step.override})
        old = dict(self.files)
        for path in effect.gone:
            del self.files[path]
        self.files.update(effect.files)
        for path in (*effect.gone, *effect.files):
            self.touch(path)
        if effect.code:
            if self.rollback:
                self._put_back(step, old)
            return Happened(step.id, FAILED, None, effect)
        made = {
            path: file
            for path, file in self.files.items()
            if any(matches(pattern, path) for pattern in step.outputs)
        }
        if any("*" not in path and path not in made for path in step.outputs):
            return Happened(step.id, ERRORED, None, effect)
        if keep:
            self.last_results[step.id] = key
            self.entries[key] = Entry(effect, made)
            if look and not blocked:  # who has not looked into an entry may leave it as it is
                self.doubtful.discard(key)
        self.ours.setdefault(step.id, set()).update(made.keys() & effect.files.keys())
        self.streams[step.id] = effect.out, effect.err
        return Happened(step.id, DONE, None, effect)

    def _put_back(self, step: Step, old: Tree) -> None:
        """All outputs of a task are again what they were (decisions.md 12)."""
        for path in [path for path in {*self.files, *old} if _declares(step, path)]:
            if path in old:
                self.files[path] = old[path]
            else:
                del self.files[path]

    def _is_blocked(self, entry: Entry) -> bool:
        """Whether a folder with something in it stands where no folder has to be."""
        others = [path for path, file in entry.outputs.items() if file[0] != b"/"]
        return any(below(path, self.files) for path in others)

    def _restore(self, step: Step, entry: Entry, steps: Mapping[Id, Step]) -> None:
        """A hit leaves what the run left; of other files only our own leavings go."""
        ours = self.ours.setdefault(step.id, set())
        for path, file in entry.outputs.items():
            if self.files.get(path) != file:
                self.files[path] = file
                self.touch(path)
                ours.add(path)
            elif any(path in paths for paths in self.ours.values()):
                ours.add(path)  # another task has left it: it goes with the last one
        for path in ours - entry.outputs.keys():
            if not _declares(step, path):
                continue  # it has left the outputs: others may need it
            ours.discard(path)
            others = {id for id, paths in self.ours.items() if path in paths}
            if any(_declares(steps[id], path) for id in others & steps.keys()):
                continue
            if "leavings-stay" not in self.known:
                self.files.pop(path, None)  # somebody may have removed it
        self.streams[step.id] = entry.effect.out, entry.effect.err


def _declares(step: Step, path: str) -> bool:
    return any(matches(pattern, path) for pattern in step.outputs)
