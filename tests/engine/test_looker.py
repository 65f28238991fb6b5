"""Looks: what they find, what they change, and when an answer of before is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from haz_trio.abc import Found as Entry
from haz_trio.abc import Miss, Pending, ReadableRecipe, Restored, Store, Subject
from haz_trio.cache.inputs import InputReader
from haz_trio.engine.found import Found
from haz_trio.engine.jobs import job_for
from haz_trio.engine.keys import Keys
from haz_trio.engine.looker import Looker
from haz_trio.errors import OutputError
from haz_trio.model.names import TaskId
from haz_trio.model.workspace import HashName
from tests.engine.shortcut_world import Twin, proven_twin

LIT = TaskId("one", "lit")


def go_on() -> None:
    """Nobody gives up."""


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    return proven_twin(tmp_path)


def test_a_proven_look_needs_no_input_and_no_entry(twin: Twin) -> None:
    """It finds the record that a look without proofs finds, and what was printed."""
    kit = twin.kit()
    _, jobs = kit.plan([LIT])
    kit.begin()
    proven = kit.looker().recall(jobs[LIT], ())
    twin.shortcuts = False
    plain = twin.kit()
    looked = plain.looker().look(jobs[LIT], (), check=go_on)
    assert isinstance(proven, Found)
    assert isinstance(looked, Found)
    assert proven.record == looked.record
    assert proven.replay.wholes == looked.replay.wholes
    assert not list(kit.tools.keys.fingerprints)


def test_a_task_without_a_predecessor_is_looked_at(twin: Twin) -> None:
    """Its key says what is missing; a proof knows nothing of that."""
    kit = twin.kit()
    use = TaskId("one", "use")
    _, jobs = kit.plan([use])
    assert jobs[use].absent
    assert kit.looker().recall(jobs[use], ()) is None


def test_a_proven_key_is_not_derived_again(twin: Twin) -> None:
    """An output that is gone is restored under the key that its inputs are proven to have."""
    path = twin.root / "libs/one/out/lit.txt"
    text = path.read_text()
    path.unlink()
    kit = twin.kit()
    _, jobs = kit.plan([LIT])
    kit.begin()
    assert isinstance(kit.looker().look(jobs[LIT], (), check=go_on), Found)
    assert path.read_text() == text
    assert not kit.tools.keys.fingerprints.fresh


def test_a_proven_key_is_forgotten_when_files_change(twin: Twin) -> None:
    """Between the proof and the look a command may have written an input."""
    (twin.root / "libs/one/out/lit.txt").unlink()
    kit = twin.kit()
    kit.begin()
    assert kit.recall.recall(LIT, ()) is None
    kit.recall.disturb()
    assert kit.recall.certain(LIT) is None


class BrokenStore:
    """A store with an entry for everything, whose restores cannot be undone."""

    def recover(self) -> None: ...

    def look(self, key: str, subject: Subject) -> Entry | Miss:
        return Entry(key, None)

    def compare(self, found: Entry, subject: Subject) -> Restored | None:
        return None

    def restore(self, found: Entry, subject: Subject) -> Restored | Miss:
        raise OutputError("mixed")

    def begin(self, key: str, subject: Subject, recipe: ReadableRecipe) -> Pending:
        raise AssertionError("nothing runs here")

    def finish(self) -> tuple[str, ...]:
        return ()


def test_after_a_restore_that_failed_nothing_is_believed(twin: Twin) -> None:
    """Files may have changed, although the restore did not come to an end."""
    workspace, graph = twin.kit().workspace, twin.kit().graph
    reader = InputReader(workspace.root, HashName.BLAKE3)
    store: Store = BrokenStore()
    looker = Looker(store, Keys(reader, HashName.BLAKE3, {}, graph.producers_of))
    looker.settle()
    tree = job_for(graph.nodes[TaskId("one", "tree")], workspace, {})
    before = reader.read(tree.inputs)
    with pytest.raises(OutputError):
        looker.look(job_for(graph.nodes[LIT], workspace, {}), (), check=go_on)
    (twin.root / "libs/one/src/later").write_text("later")
    assert reader.read(tree.inputs) != before
