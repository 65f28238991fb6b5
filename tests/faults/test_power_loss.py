"""Power that fails at any moment of a run (C03): a hit is right or a miss, and runs heal."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pytest

from haz_trio.abc import Found, Restored
from haz_trio.cache.store import DiskStore
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Stream
from tests.cache.store_support import remove, subject, text
from tests.cli.support import HAZ, Home
from tests.engine.workspaces import sh
from tests.faults import trace
from tests.faults.power import Model, State, Tree, read_tree, write_tree
from tests.faults.support import assert_heals

pytestmark = pytest.mark.skipif(trace.PROGRAM is None, reason="there is no strace")

TASKS = {
    "a": sh('read x < in.txt; printf "a%s\\n" $x > a.txt; seq 99', inputs=["in.txt"]),
    "b": sh('mkdir -p d; read x < a.txt; for y in 1 2; do printf "b$x$y" > d/$y; done'),
    "c": sh('read x < a.txt; printf "%0999d\\n" ${x#a} > c.txt; echo c >&2'),
}
PATTERNS = {"a": "a.txt", "b": "d/**", "c": "c.txt"}
WORDS = {
    "a": (b"".join(b"%d\n" % n for n in range(1, 100)), b""),
    "b": (b"", b""),
    "c": (b"", b"c\n"),
}


def reference(version: int) -> dict[str, dict[str, bytes]]:
    """What the tasks make, by their names."""
    return {
        "a": {"a.txt": b"a%d\n" % version},
        "b": {f"d/{y}": b"ba%d%d" % (version, y) for y in (1, 2)},
        "c": {"c.txt": b"%0999d\n" % version},
    }


@attrs.frozen
class Recorded:
    """A run whose calls are known, and the entries that there are with their right contents."""

    home: Home
    version: int  # of the inputs
    model: Model
    entries: Mapping[str, tuple[str, Mapping[str, bytes]]]  # by key: the task, what it made
    earlier: frozenset[str]  # keys that were there before the run


def made_home(root: Path) -> Home:
    tasks = {
        name: {
            "inputs": ["a.txt"],
            **task,
            "outputs": [PATTERNS[name]],
            "deps": [] if name == "a" else ["~:a"],
        }
        for name, task in TASKS.items()
    }
    return Home.make(root, tasks)


def keys(home: Home) -> frozenset[str]:
    cache = home.root / ".haz/cache"
    return frozenset(path.name for path in cache.glob("[0-9a-f][0-9a-f]/[0-9a-f]*"))


def entries(home: Home) -> dict[str, tuple[str, Mapping[str, bytes]]]:
    """What each entry has now, judged by whose outputs they are."""
    made = [(task, files) for version in (1, 2) for task, files in reference(version).items()]
    found: dict[str, tuple[str, Mapping[str, bytes]]] = {}
    for key in keys(home):
        place = home.root / ".haz/cache" / key[:2] / key / "outputs"
        blobs = sorted(path.read_bytes() for path in place.iterdir())
        found[key] = next(each for each in made if sorted(each[1].values()) == blobs)
    return found


def differences(one: Tree, other: Tree, where: str = "") -> list[str]:
    """Where two trees differ."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        left, right = one.get(name), other.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            found += differences(left, right, f"{where}/{name}")
        elif left != right:
            found.append(f"{where}/{name}: {left!r:.60} {right!r:.60}")
    return found


def recorded(root: Path, argv: Sequence[str], scenario: str, **env: str) -> Recorded:
    """A run in a workspace with entries: it ``stores`` three results, or ``restores`` them."""
    home = made_home(root)
    for version in (1, 2) if scenario == "restores" else (1,):
        home.place.write("p/in.txt", f"{version}\n")
        assert home.haz("run", "--workspace").code == 0
    earlier = keys(home)
    version = 1 if scenario == "restores" else 2
    home.place.write("p/in.txt", f"{version}\n")
    before = read_tree(home.root)
    log = root.parent / "calls"
    words = [*argv, "run", "--workspace"]
    surroundings = {**home.env, "HAZ_MEMO": "0", **env}
    ops, done = trace.record(words, folder=home.root, env=surroundings, log=log)
    assert done.returncode == 0, done.stderr
    model = Model.make(home.root, before, ops)
    *_, last = model.undamaged()
    assert differences(last.tree(), read_tree(home.root)) == [], "the record is not complete"
    return Recorded(home, version, model, entries(home), earlier)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    where = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(folder)


@attrs.define
class Judge:
    """Judges the entries of a state, each different one once."""

    run: Recorded
    place: Path
    verdicts: dict[tuple[str, str], str] = attrs.field(factory=dict)

    def verdict(self, key: str, state: Tree) -> str:
        """``hit``, ``miss`` or ``wrong``, for a task whose outputs are not there."""
        shard = cache_of(state).get(key[:2], {})
        entry = shard.get(key) if isinstance(shard, dict) else None
        fingerprint = (key, repr(entry))
        if fingerprint not in self.verdicts:
            self.verdicts[fingerprint] = self._ask(key, entry)
        return self.verdicts[fingerprint]

    def _ask(self, key: str, entry: Tree | bytes | str | None) -> str:
        task, files = self.run.entries[key]
        root = self.place / "state"
        remove(root)
        write_tree(root / "p", {})
        if isinstance(entry, dict):
            write_tree(root / ".haz/cache" / key[:2] / key, entry)
            (root / ".haz/cache").chmod(0o700)
        store = DiskStore(str(root), HashName.BLAKE3, created_at=0)
        what = subject(PATTERNS[task], task=task, root="/p")
        found = store.look(key, what)
        answer = store.restore(found, what) if isinstance(found, Found) else found
        if isinstance(answer, Restored):
            said = text(answer, Stream.STDOUT), text(answer, Stream.STDERR)
            right = said == WORDS[task] and all(
                (root / "p" / name).read_bytes() == data for name, data in files.items()
            )
            verdict = "hit" if right else "wrong"
        else:
            verdict = "wrong" if any((root / "p" / name).exists() for name in files) else "miss"
        store.finish()
        return verdict


def cache_of(state: Tree) -> Tree:
    haz = state[".haz"]
    assert isinstance(haz, dict)
    cache = haz["cache"]
    assert isinstance(cache, dict)
    return cache


def assert_a_run_heals(state: State, run: Recorded, root: Path) -> None:
    """With the whole state as it is: a run makes everything right, the next has only hits."""
    shutil.rmtree(root, ignore_errors=True)
    write_tree(root, state.tree())
    home = Home(attrs.evolve(run.home.place, root=root), run.home.env)
    home.place.write("p/in.txt", f"{run.version}\n")
    assert_heals(home, "--workspace", tidy=False)
    for files in reference(run.version).values():
        for name, data in files.items():
            assert (root / "p" / name).read_bytes() == data, (state.call, state.kind, state.loss)


def published(state: Tree) -> set[str]:
    """The keys that have something under their name."""
    shards = {name: what for name, what in cache_of(state).items() if len(name) == 2}
    return {key for what in shards.values() if isinstance(what, dict) for key in what} - {""}


def half_published(run: Recorded, place: Path) -> list[tuple[int, str]]:
    """After which calls an entry is there under its key and is no right hit."""
    judge = Judge(run, place)
    found = []
    for state in run.model.undamaged():
        tree = state.tree()
        for key in sorted(published(tree) & run.entries.keys()):
            if judge.verdict(key, tree) != "hit":
                found.append((state.call, key))
    return found


def lost_entries(run: Recorded, place: Path, mixed: int) -> set[str]:
    """The keys that some state has lost in which the disk can be after the end of the run."""
    judge = Judge(run, place)
    return {
        key
        for state in run.model.states(random.Random(1), mixed, [run.model.calls - 1])
        for key in run.entries
        if judge.verdict(key, state.tree()) != "hit"
    }


SCENARIOS = ("stores", "restores")
few_or_all = pytest.mark.parametrize("runs", [3, pytest.param(1000, marks=pytest.mark.deep)])


@pytest.mark.row("C01", "C02")
@few_or_all
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_at_any_call(tmp_path: Path, place: Path, scenario: str, runs: int) -> None:
    """After each call that changes a file, what is published is whole; what is next heals."""
    run = recorded(tmp_path / "ws", HAZ, scenario)
    assert half_published(run, place) == []
    states = list(run.model.undamaged())
    assert all(run.earlier <= published(state.tree()) for state in states)
    print(f"{len(states)} calls")
    for state in random.Random(1).sample(states, min(runs, len(states))):
        assert_a_run_heals(state, run, place / "ws")


@pytest.mark.row("C03")
@pytest.mark.parametrize(
    ("mixed", "runs"), [(34, 3), pytest.param(800, 300, marks=pytest.mark.deep)]
)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_power_that_fails_at_any_call(
    tmp_path: Path, place: Path, scenario: str, mixed: int, runs: int
) -> None:
    """Each legal state gives right hits or misses; earlier entries stay; sampled runs heal."""
    run = recorded(tmp_path / "ws", HAZ, scenario)
    judge = Judge(run, place)
    seed = random.randrange(1 << 32)
    draw = random.Random(seed)
    count = 0
    sample: list[State] = []
    for state in run.model.states(draw, mixed):
        count += 1
        tree = state.tree()
        for key in run.entries:
            verdict = judge.verdict(key, tree)
            allowed = {"hit"} if key in run.earlier else {"hit", "miss"}
            assert verdict in allowed, (seed, state.call, state.kind, state.loss, key)
        if len(sample) < runs:
            sample.append(state)
        elif (place_of := draw.randrange(count)) < runs:
            sample[place_of] = state
    print(f"seed {seed}, {run.model.calls} calls, {count} states, {len(judge.verdicts)} entries")
    for state in sample:
        assert_a_run_heals(state, run, place / "ws")


@pytest.mark.row("C03")
def test_a_durable_store_loses_nothing_that_it_has_acknowledged(
    tmp_path: Path, place: Path
) -> None:
    """With ``HAZ_CACHE_DURABLE=1`` every entry of a run that has ended is a hit in every state."""
    run = recorded(tmp_path / "ws", HAZ, "stores", HAZ_CACHE_DURABLE="1")
    assert lost_entries(run, place, 200) == set()
