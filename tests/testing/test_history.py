"""The reference of hits and misses, where a run of examples would rarely lead."""

from __future__ import annotations

from functools import partial

import attrs

from haz_trio.testing.reference.history import (
    CACHED,
    Effect,
    Entry,
    History,
    Step,
    folder_of,
    link_to,
)
from haz_trio.testing.reference.schedule import DONE


def test_what_a_hit_has_removed_is_not_removed_again() -> None:
    """Leavings that an entry does not have go with its first hit; the second one finds none."""
    step = Step(("p", "a"), "/p", "", (), ("/p/*",), (), {}, lambda *_: Effect())
    key = History().key(step, (), {}, "blake3")
    history = History(
        files={"/p/left": (b"", 0o644)},
        entries={key: Entry(Effect(), {"/p/kept": (b"", 0o644)})},
        ours={("p", "a"): {"/p/left"}},
    )
    for _ in range(2):
        history.run({step.id: step}, [step.id], ({step.id: frozenset()}, {}), {}, "blake3")
        assert [*history.files] == ["/p/kept"]
        assert history.ours == {("p", "a"): {"/p/kept"}}


def test_what_has_left_the_outputs_is_not_removed() -> None:
    """It may be an output of another task by now; it is removed when it is an output again."""
    id = ("p", "a")
    narrow = Step(id, "/p", "", (), ("/p/*.o",), (), {}, lambda *_: Effect())
    wide = Step(id, "/p", "", (), ("/p/*",), (), {}, lambda *_: Effect())
    entry = Entry(Effect(), {"/p/a.o": (b"", 0o644)})
    keys = [History().key(step, (), {}, "blake3") for step in (narrow, wide)]
    history = History(
        files={"/p/a.txt": (b"", 0o644)},
        entries=dict.fromkeys(keys, entry),
        ours={id: {"/p/a.txt"}},
    )
    for step, left in ((narrow, ["/p/a.txt", "/p/a.o"]), (wide, ["/p/a.o"])):
        history.run({id: step}, [id], ({id: frozenset()}, {}), {}, "blake3")
        assert [*history.files] == left


def _always(effect: Effect, *_: object) -> Effect:
    return effect


def test_a_full_folder_in_the_way_makes_a_hit_a_run() -> None:
    """An empty folder or a link in the place of an output gives way, a full one does not."""
    out = "/p/out"
    made = {out: (b"made\n", 0o644)}
    step = Step(("p", "a"), "/p", "", (), (out,), (), {}, lambda *_: Effect())
    key = History().key(step, (), {}, "blake3")
    for files, verdict in (
        ({out: folder_of(0o755)}, CACHED),
        ({out: link_to("nowhere")}, CACHED),
        ({out: folder_of(0o755), f"{out}/f": (b"", 0o644)}, DONE),
    ):
        history = History(files={**files}, entries={key: Entry(Effect(), made)})
        effect = Effect(files=made, gone=[*files])
        step = attrs.evolve(step, does=partial(_always, effect))
        ended = history.run({step.id: step}, [step.id], ({step.id: frozenset()}, {}), {}, "blake3")
        assert [it.verdict for it in ended] == [verdict]
        assert history.files == made


def test_a_link_is_read_as_what_it_leads_to() -> None:
    """Also by way of another one; one that leads nowhere or to itself has no contents."""
    history = History(
        files={
            "/p/a": (b"x", 0o644),
            "/p/d/b": link_to("../a"),
            "/c": link_to("p/d/b"),
            "/self": link_to("self"),
            "/no": link_to("nowhere"),
        }
    )
    assert [history.read(it) for it in ("/c", "/self", "/no", "/none")] == [b"x", None, None, None]
