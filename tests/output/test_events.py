"""Events as JSON objects, one by one."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from haz_trio.model.names import TaskId
from haz_trio.output.annotations import Annotated, Place
from haz_trio.output.events import Encoder, SummaryBook, as_line
from haz_trio.output.writes import Target, Write
from haz_trio.plan.messages import (
    Event,
    Obstacle,
    RunClosed,
    RunFinished,
    RunNote,
    RunStarted,
    Stream,
    TaskBegun,
    TaskMissed,
    TaskNote,
    TaskOutput,
    TaskReady,
    TaskSettled,
    TaskStarted,
    TaskWaits,
    TryFailed,
)
from haz_trio.plan.outcome import (
    Cancelled,
    Completed,
    Errored,
    Exited,
    Failed,
    InRuntimeCycle,
    Outcome,
    Record,
    RunCancelled,
    RunReport,
    Signalled,
    Skipped,
    Source,
    TimedOut,
    UpstreamErrored,
)

A, B = TaskId("p", "a"), TaskId("p", "b")
DONE = Completed(Source.FRESH, Record("k", b"", b"", ("/p/o",)))


def encoder() -> Encoder:
    return Encoder(1000.0, 4, {"net": 1}, {A: "db"})


def encoded(*events: tuple[Event, float]) -> list[dict[str, object]]:
    encode = encoder()
    return [each for event, at in events for each in encode(event, at)]


def test_a_whole_life() -> None:
    """Times are unix seconds, numbers go up, waits are told apart."""
    found = encoded(
        (RunStarted((A,)), 0.0),
        (TaskReady(A), 1.0),
        (TaskStarted(A), 3.0),
        (TaskMissed(A, "k", "no entry"), 3.0),
        (TaskWaits(A, Obstacle.KEY), 4.0),
        (TaskWaits(A, Obstacle.MUTEX), 6.0),
        (TaskBegun(A, "k"), 9.0),
        (TryFailed(A, Signalled(9), 1, 2), 10.0),
        (TaskBegun(A, "k"), 10.0),
        (TaskSettled(A, DONE), 13.0),
        (RunFinished(RunReport({A: DONE})), 13.0),
        (RunClosed(0), 14.0),
    )
    assert [(e["type"], e["ts"], e["seq"]) for e in found] == [
        ("run_start", 1000.0, 0),
        ("task_ready", 1001.0, 1),
        ("task_miss", 1003.0, 2),
        ("task_wait", 1004.0, 3),
        ("task_wait", 1006.0, 4),
        ("task_start", 1009.0, 5),
        ("task_retry", 1010.0, 6),
        ("task_end", 1013.0, 7),
        ("run_end", 1014.0, 8),
    ]
    assert "name" not in found[3]
    assert found[4]["name"] == "db"
    assert found[6]["signal"] == 9
    end = found[7]
    assert (end["duration"], end["tries"]) == (10.0, 2)
    assert end["waits"] == {"slot": 2.0, "key": 2.0, "mutex": 3.0}


def test_a_command_of_another_haz_is_no_try() -> None:
    """Begun again without a try that failed, as the haz that was followed died: that is one."""
    found = encoded(
        (TaskBegun(A, "k"), 1.0), (TaskBegun(A, "k"), 2.0), (TaskSettled(A, DONE), 3.0)
    )
    assert [each["type"] for each in found] == ["task_start", "task_end"]
    assert "tries" not in found[-1]


@given(st.lists(st.tuples(st.sampled_from(Stream), st.binary(max_size=8)), max_size=12))
def test_bytes_come_back_exactly(pieces: list[tuple[Stream, bytes]]) -> None:
    """Whatever is written, however it is cut, text or base64 give it back, in place."""
    encode = encoder()
    back = dict.fromkeys(Stream, b"")
    for stream, data in pieces:
        for each in encode(TaskOutput(A, stream, data), 0.0):
            line = as_line(each)
            assert line.count(b"\n") == 1
            read = json.loads(line)
            assert read["offset"] == len(back[stream])
            text = read.get("text")
            back[stream] += text.encode() if text is not None else base64.b64decode(read["base64"])
    for stream in Stream:
        assert back[stream] == b"".join(data for kind, data in pieces if kind is stream)


def test_every_outcome_has_its_members() -> None:
    """States are words; what explains them stands beside them."""
    outcomes: dict[Outcome, dict[str, object]] = {
        Failed(Exited(3)): {"state": "failed", "exit": 3},
        Failed(TimedOut(1.5)): {"state": "failed", "timed_out": 1.5},
        Errored("why"): {"state": "errored", "reason": "why"},
        Skipped(UpstreamErrored(B)): {
            "state": "skipped",
            "reason": "upstream p:b errored",
            "upstream": "p:b",
            "cause": {"kind": "task", "task": "p:b"},
        },
        Skipped(InRuntimeCycle()): {
            "state": "skipped",
            "reason": "in runtime cycle",
            "cause": {"kind": "violation", "rule": "EXEC-019"},
        },
        Cancelled(RunCancelled()): {
            "state": "cancelled",
            "reason": "run cancelled",
            "cause": {"kind": "caller"},
        },
        DONE: {"state": "completed", "source": "fresh", "key": "k", "outputs": ["/p/o"]},
    }
    for outcome, wanted in outcomes.items():
        (found,) = encoded((TaskSettled(A, outcome), 0.0))
        assert {k: v for k, v in found.items() if k not in ("v", "type", "ts", "seq")} == {
            "task": "p:a",
            **wanted,
        }


def test_notes_are_diagnostics() -> None:
    """With the task, if they are about one."""
    one, other = encoded((TaskNote(A, "x"), 0.0), (RunNote("y"), 0.0))
    assert (one["severity"], one["task"], one["message"]) == ("note", "p:a", "x")
    assert (other["severity"], other["message"], "task" in other) == ("note", "y", False)


def test_the_book_has_the_tasks_in_canonical_order() -> None:
    """However they ended, and without a word of their output."""
    book = SummaryBook(encoder())
    for event in (
        RunStarted((A, B)),
        TaskOutput(B, Stream.STDOUT, b"secret"),
        TaskSettled(B, DONE),
        TaskNote(B, "n"),
        TaskSettled(A, Errored("no")),
        RunFinished(RunReport({A: Errored("no"), B: DONE})),
        RunClosed(1),
    ):
        book.notice(event, 2.0)
    document = json.loads(book.document())
    assert [each["task"] for each in document["tasks"]] == ["p:a", "p:b"]
    assert document["counts"]["errored"] == document["exit_code"] == 1
    assert [each["message"] for each in document["diagnostics"]] == ["n"]
    assert b"secret" not in book.document()


def marked(*events: Event, folded: bool = False) -> bytes:
    """What the marks add to a renderer that prints a dot for each event."""
    places = {A: Place("a,b/100%.yml", 7)}
    render = Annotated(lambda event, at: [Write(Target.STDERR, b".\n")], places, folded)
    return b"".join(write.data for event in events for write in render(event, 0.0))


def test_marks_are_escaped() -> None:
    """As GitHub's workflow commands ask for it; a task without a place has only its name."""
    assert marked(TaskSettled(A, Errored("50%\nof it"))) == (
        b".\n::error file=a%2Cb/100%25.yml,line=7,title=p%3Aa::p:a errored: 50%25%0Aof it\n"
    )
    assert marked(TaskSettled(B, Failed(Exited(1)))) == (
        b".\n::error title=p%3Ab::p:b failed (exit 1)\n"
    )
    assert marked(TaskSettled(A, DONE)) == b".\n"


def test_only_blocks_with_something_in_them_are_folded() -> None:
    """A task that said nothing has no group."""
    said = TaskOutput(A, Stream.STDOUT, b"x")
    assert marked(said, TaskSettled(A, DONE), folded=True) == (
        b".\n::group::p:a\n.\n::endgroup::\n"
    )
    assert marked(TaskSettled(A, DONE), folded=True) == b".\n"
    assert marked(said, TaskSettled(A, DONE)) == b".\n.\n"
