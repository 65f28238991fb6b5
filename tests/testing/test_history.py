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
