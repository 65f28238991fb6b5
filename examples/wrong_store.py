"""A store in memory with one mistake; `haz_trio.testing` says which rule it breaks.

What does it do wrong? Run it and read the report.
"""

from haz_trio.abc import Found, Miss, Restored, Subject
from haz_trio.testing.machines.store import check_store
from haz_trio.testing.memory_store import Kept, MemoryStore
from haz_trio.testing.trial import DifferenceError


class LazyStore(MemoryStore):
    """Spares itself the work of writing files that are there already."""

    def restore(self, found: Found, subject: Subject) -> Restored | Miss:
        kept = found.handle
        assert isinstance(kept, Kept)
        there = {path for path in kept.files if (self.root / path[1:]).exists()}
        missing = {path: data for path, data in kept.files.items() if path not in there}
        lazy = Kept(kept.streams, missing, kept.executable)
        restored = super().restore(Found(found.key, lazy), subject)
        assert isinstance(restored, Restored)
        outputs = tuple(sorted(kept.files))
        return Restored(restored.stdout, restored.stderr, outputs, restored.chunks)


if __name__ == "__main__":
    try:
        check_store(LazyStore, persistent=False)
    except DifferenceError as difference:
        print(difference, *difference.__notes__, sep="\n")
