"""A store beside a dictionary: histories of results, losses and restores, and what must hold."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from haz_trio.abc import Collected, Found, Miss, Pending, Restored, Store, Stored, Subject
from haz_trio.errors import OutputError
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import parse_pattern
from haz_trio.plan.messages import Stream
from haz_trio.testing.trial import DifferenceError

MakeStore = Callable[[Path], Store]
Piece = tuple[Stream, bytes]

_ROOT = "/p"
_OUTPUTS = ("out", "dist/**")
_SUBJECT = Subject(
    TaskId("p", "build"),
    _ROOT,
    tuple(parse_pattern(text).anchored(_ROOT) for text in _OUTPUTS),
)
_PATHS = ("/p/out", "/p/dist/a", "/p/dist/deep/b", "/p/dist/.c")
_MINE = "/p/notes"  # matches no output
_KEYS = tuple(digit * 64 for digit in "0123")
_SHOWN = 50  # bytes of a file that are printed
_DURATION = 0.25  # seconds; stores may keep it, nothing depends on it


@attrs.frozen(repr=False)
class File:
    data: bytes
    executable: bool = False

    def __repr__(self) -> str:
        shown = repr(self.data) if len(self.data) < _SHOWN else f"{len(self.data)} bytes"
        return f"File({shown}{', executable' if self.executable else ''})"


@attrs.frozen
class Result:
    """What a command leaves: its files by workspace-absolute path, and what it prints."""

    files: Mapping[str, File]
    pieces: tuple[Piece, ...]

    def stream(self, stream: Stream) -> bytes:
        return b"".join(data for which, data in self.pieces if which is stream)


# -- what happens in a history ----------------------------------------------------------------


@attrs.frozen
class Put:
    """A command runs under a key and its result is stored; files of ``foreign`` are another's."""

    key: str
    result: Result
    foreign: frozenset[str] = frozenset()


@attrs.frozen
class Drop:
    """A command runs and fails, or misses its declared output; nothing may be stored."""

    key: str
    result: Result
    collects: bool


@attrs.frozen
class Change:
    """Somebody changes a file, or takes it away."""

    path: str
    file: File | None


@attrs.frozen
class Ask:
    """A task is looked up under a key; a hit is restored."""

    key: str


@attrs.frozen
class Reopen:
    """The process ends, and another one opens the store."""


Step = Put | Drop | Change | Ask | Reopen

_files = st.builds(File, st.binary(max_size=40) | st.just(2_000).map(bytes), st.booleans())
_pieces = st.lists(
    st.tuples(st.sampled_from(Stream), st.binary(min_size=1, max_size=20)), max_size=4
).map(tuple)


@st.composite
def _results(draw: st.DrawFn, *, whole: bool = True) -> Result:
    more = draw(st.dictionaries(st.sampled_from(_PATHS[1:]), _files, max_size=3))
    files = {_PATHS[0]: draw(_files), **more} if whole else more
    return Result(files, draw(_pieces))


def _steps(*, persistent: bool) -> st.SearchStrategy[Step]:
    keys = st.sampled_from(_KEYS)
    foreign = st.frozensets(st.sampled_from(_PATHS[1:]), max_size=1)
    ways: list[st.SearchStrategy[Step]] = [
        st.builds(Ask, keys),
        st.builds(Put, keys, _results(), st.just(frozenset[str]()) | foreign),
        st.builds(Change, st.sampled_from([*_PATHS, _MINE]), st.none() | _files),
        st.builds(Drop, keys, _results(), st.just(False)),
        st.builds(Drop, keys, _results(whole=False), st.just(True)),
    ]
    if persistent:
        ways.append(st.just(Reopen()))
    return st.one_of(ways)


# -- playing ----------------------------------------------------------------------------------


def check_store(
    make: MakeStore, *, examples: int = 200, seed: int = 0, persistent: bool = True
) -> None:
    """Try a store on random histories; raises ``DifferenceError`` for the smallest that differs.

    ``make`` opens a store for the workspace in a folder; it is called again for the same folder
    when a history reopens a ``persistent`` one. The error names the rules that are broken.
    """

    def play(history: list[Step]) -> None:
        with tempfile.TemporaryDirectory(prefix="haz-kit-") as folder:
            player = _Player(make, Path(os.path.realpath(folder)))
            for step in history:
                player.play(step)
            for key in _KEYS:
                player.play(Ask(key))

    histories = st.lists(_steps(persistent=persistent), min_size=1, max_size=8)
    test = hypothesis.seed(seed)(hypothesis.given(histories)(play))
    settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )(test)()


class _Player:
    """A workspace, its store, and a dictionary of what the store must know."""

    def __init__(self, make: MakeStore, root: Path) -> None:
        self.make, self.root = make, root
        (root / "p").mkdir()
        self._write({_MINE: File(b"mine")})
        self.known: dict[str, list[Result]] = {}
        self.store = self._open()

    def _open(self) -> Store:
        store = self.make(self.root)
        store.recover()
        return store

    def play(self, step: Step) -> None:
        match step:
            case Put(key, result, foreign):
                self._put(key, result, foreign)
            case Drop(key, result, collects):
                self._drop(key, result, collects=collects)
            case Change(path, file):
                self._write({path: file})
            case Ask(key):
                self._ask(key)
            case Reopen():
                self.store.finish()
                self.store = self._open()

    # -- the workspace

    def _host(self, path: str) -> Path:
        return self.root / path[1:]

    def _write(self, files: Mapping[str, File | None]) -> None:
        for path, file in files.items():
            host = self._host(path)
            host.unlink(missing_ok=True)
            if file is not None:
                host.parent.mkdir(parents=True, exist_ok=True)
                host.write_bytes(file.data)
                host.chmod(0o755 if file.executable else 0o644)

    def _clear(self) -> None:
        shutil.rmtree(self._host("/p/dist"), ignore_errors=True)
        self._write({_PATHS[0]: None})

    def _there(self) -> dict[str, File]:
        """What matches the outputs now."""
        found = {}
        for path in _PATHS:
            host = self._host(path)
            if host.is_file():
                found[path] = File(host.read_bytes(), os.access(host, os.X_OK))
        return found

    # -- results

    def _run(self, key: str, result: Result) -> Pending:
        """What a worker does while a command runs."""
        self._clear()
        pending = self.store.begin(key, _SUBJECT, lambda secret: b"{}")
        for stream, data in result.pieces:
            pending.write(stream, data)
        self._write(result.files)
        return pending

    def _put(self, key: str, result: Result, foreign: frozenset[str]) -> None:
        pending = self._run(key, result)
        found = _collected(pending)
        if found is None:
            pending.discard()
            raise DifferenceError("CACHE-011", "outputs are there", "OutputError", result)
        expected = tuple(sorted(result.files))
        _same("CACHE-011", "the files of the result", found.outputs, expected)
        pending.hold()
        kept = {path: file for path, file in result.files.items() if path not in foreign}
        if isinstance(pending.commit(foreign=foreign, duration=_DURATION), Stored):
            self.known.setdefault(key, []).append(Result(kept, result.pieces))

    def _drop(self, key: str, result: Result, *, collects: bool) -> None:
        pending = self._run(key, result)
        if collects:
            complete = _collected(pending) is not None
            _same("CACHE-011", "a declared output that is not there", complete, False)
        pending.discard()

    def _ask(self, key: str) -> None:
        mine = Path(self._host(_MINE)).exists()
        before = self._there()
        found = self.store.look(key, _SUBJECT)
        if key not in self.known:
            _same("CACHE-017", "a look for what was never stored", type(found), Miss)
            return
        _same("CACHE-002", "a look for what was stored", type(found), Found)
        assert isinstance(found, Found)
        restored = self.store.restore(found, _SUBJECT)
        if isinstance(restored, Miss):
            raise DifferenceError("CACHE-002", "a restore", restored, "a hit")
        self._compare(restored, self.known[key], before)
        _same("CACHE-019", "files that are no outputs stay", self._host(_MINE).exists(), mine)

    def _compare(
        self, restored: Restored, results: list[Result], before: Mapping[str, File]
    ) -> None:
        """A hit leaves and says what one of the results under this key was."""
        streams = {stream: b"".join(restored.chunks(stream)) for stream in Stream}
        printed = [r for r in results if all(streams[s] == r.stream(s) for s in Stream)]
        _same("CACHE-020", f"{streams} are recorded streams", bool(printed), True)
        there = self._there()
        matching = [r for r in printed if all(there.get(p) == f for p, f in r.files.items())]
        what = f"after a hit there is {there}, stored was {[dict(r.files) for r in printed]}"
        _same("CACHE-019", what, bool(matching), True)
        named = [r for r in matching if tuple(sorted(r.files)) == restored.outputs]
        _same("CACHE-019", "the outputs that a hit names", bool(named), True)
        others = {path for path in there if path not in named[0].files}
        made = {path for path in others if before.get(path) != there[path]}
        _same("CACHE-019", "nothing else is written", made, set())


def _collected(pending: Pending) -> Collected | None:
    try:
        return pending.collect()
    except OutputError:
        return None


def _same(rules: str, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise DifferenceError(rules, what, found, expected)
