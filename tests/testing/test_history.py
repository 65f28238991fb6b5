"""The reference of hits and misses, where a run of examples would rarely lead."""

from __future__ import annotations

from haz_trio.testing.reference.history import Effect, Entry, History, Step


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
