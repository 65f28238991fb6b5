"""Tasks that show what runs at once: a crowd that must not meet, and some that must.

Who waits for others does so by their files, with a bound that only something wrong reaches; the
mark that it leaves then says so.
Those that have to meet follow each other in canonical order, so that none keeps a slot from the
one it waits for, and no two meetings share a lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.references import Id

LOG = "../../outside/log"
WAIT = "/bin/sleep 0.03; "  # long enough to be met by who should not be there
Guests: TypeAlias = "dict[Id, tuple[str, Body]]"  # how each goes, and its body
CROWDS = ("c", "ca")
APART = ("fa", "ga")  # the projects of those who must not meet others, each with one before it
_READS, _WRITES = "shared", "exclusive"
_WAYS = ((_READS, _WRITES), (_WRITES, _READS), (_READS, _READS, _WRITES), (_WRITES, _WRITES))
LINE = "l"  # the project of those who share a lock, or want it alone, in canonical order
_LINES = (
    (_READS, _WRITES, _READS),
    (_READS, _WRITES, _READS, _READS),
    (_READS, _READS, _WRITES, _READS),
    (_WRITES, _READS, _WRITES, _READS),
)
SPOILT: Id = ("s", "a")  # whose output another one changes; a second run shows what was stored
PARKING = "r"  # the project of those who meet if one who waits for a mutex takes no slot
TWIN = "w"  # the project of equal tasks, and what they print
FAILING_TWIN = "wf"  # the same of those that fail
TWINS = "../../outside/twins"  # where each that is executed leaves a line, by project
_TWIN_LOCKS: tuple[Json, ...] = (None, None, "twin", {"name": "twin", "mode": "shared"})
_MODES = ((_READS, _READS), (_WRITES, _READS), (_READS, _WRITES), (_WRITES, _WRITES))
_LOCKS: tuple[Json, ...] = (
    None,
    "db",
    "~:db",
    {"name": "db", "mode": "shared"},
    {"name": "db", "mode": "exclusive"},
    {"name": "~:db", "mode": "shared"},
)
# Who gets along with whom: whether in one project, and two locks; each N is one name.
_PAIRS: Mapping[str, tuple[bool, Json, Json]] = {
    "own-locks": (False, "~:N", "~:N"),
    "own-lock-and-global": (False, "~:N", "N"),
    "scopes-of-one": (True, "~:N", "N"),
    "names-of-one": (True, "~:N", "~:N-"),
    "names": (False, "N", "N-"),
    "shared": (False, {"name": "N", "mode": "shared"}, {"name": "N", "mode": "shared"}),
    "own-shared": (True, {"name": "~:N", "mode": "shared"}, {"name": "~:N", "mode": "shared"}),
    "nothing": (True, "N", None),
}


@st.composite
def parties(draw: st.DrawFn, slots: int, *, fails: bool) -> Guests:
    """A crowd in projects whose tags are anything, and in ``d`` and behind it who has to meet.

    Tag ``one`` of project ``d`` has a cap of 1; so has one of ``low`` and ``zoom``, the tags of
    ``e``, while the other one has as many units as there are slots.
    """
    found: Guests = {}
    for number, lock in enumerate(draw(st.lists(st.sampled_from(_LOCKS), max_size=7))):
        id = draw(st.sampled_from(CROWDS)), f"k{number}"
        found[id] = "ok", {"shell": _script(id, WAIT), "mutex": lock}
    if slots == 1:
        return found
    if draw(st.booleans()):
        for id in (("e", "a"), ("e", "b")):
            found[id] = "ok", {"shell": _script(id, WAIT)}
    for project, ways in zip(APART, draw(st.permutations(_WAYS)), strict=False):
        for number, way in enumerate(ways if draw(st.booleans()) else ()):
            id = project if number else project[:1], f"x{number}"
            lock = {"name": project, "mode": way}
            found[id] = "ok", {"shell": _script(id, WAIT), "mutex": lock}
    if draw(st.booleans()):
        for number, way in enumerate(draw(st.sampled_from(_LINES))):
            id = LINE, f"l{number}"
            found[id] = "ok", {"shell": _script(id, WAIT), "mutex": {"name": LINE, "mode": way}}
    some = draw(st.lists(st.sampled_from([*_PAIRS]), unique=True, min_size=2, max_size=4))
    for number, kind in enumerate(some):
        found |= _pair(f"m{number}", *_PAIRS[kind])
    if draw(st.booleans()):
        found |= _parked(draw(st.booleans()))
    if draw(st.booleans()):
        found |= _capped()
    if fails and draw(st.booleans()):
        found |= _hit_of_another(*draw(st.sampled_from(_MODES)))
    if draw(st.integers(0, 2)) == 2:
        found |= _twins(draw(st.sampled_from(_TWIN_LOCKS)), draw(st.integers(2, 3)))
    if fails and draw(st.integers(0, 4)) == 4:
        found |= _twins(draw(st.sampled_from(_TWIN_LOCKS)), draw(st.integers(2, 3)), fail=True)
    if draw(st.integers(0, 2)) == 0:
        names = [("ra", f"m{number}") for number in range(slots)]
        found |= {id: ("meet", _meets(id, names)) for id in names}
    return found | (_stored_first() if draw(st.integers(0, 2)) == 2 else {})


def _pair(name: str, together: bool, lock: Json, other: Json) -> Guests:
    """Two that have to meet."""
    first, second = (name, "a"), (name if together else f"{name}a", "b")
    return {
        first: ("meet", {**_meets(first, [second]), "mutex": _named(lock, name)}),
        second: ("meet", {**_meets(second, [first]), "mutex": _named(other, name)}),
    }


def _named(lock: Json, name: str) -> Json:
    """The lock with its own name."""
    if isinstance(lock, dict):
        return {key: _named(value, name) for key, value in lock.items()}
    return lock.replace("N", name) if isinstance(lock, str) else lock


def _capped() -> Guests:
    """Who is passed over because of a tag keeps nobody else from running."""
    one, two, other = ("d", "a"), ("d", "b"), ("da", "m")
    return {
        one: ("meet", _meets(one, [other])),
        two: ("ok", {"shell": _script(two)}),
        other: ("meet", _meets(other, [one])),
    }


def _parked(shared: bool) -> Guests:
    """Who waits for a mutex takes no slot: two slots, and a holder that waits for a third task."""
    lock: Json = {"name": "parked", "mode": "shared"} if shared else "parked"
    one, two, three = (PARKING, "a"), (PARKING, "b"), (PARKING, "c")
    return {
        one: ("meet", {**_meets(one, [three]), "mutex": "parked"}),
        two: ("ok", {"shell": _script(two), "mutex": lock}),
        three: ("meet", _meets(three, [one])),
    }


def _hit_of_another(mode: str, other: str) -> Guests:
    """In the second run a holder, which never succeeds, waits for what a hit puts back.

    Behind the hit comes one that is executed again, and that the holder keeps out.
    """
    holder, hit, behind = ("h", "a"), ("h", "b"), ("h", "c")
    wait = f"{_until(holder, ['[ -f hit ]'])}/bin/sleep 0.1; "
    wait = f"if [ -f ../../outside/again ]; then {wait}fi; "
    own, its = {"name": "hit", "mode": mode}, {"name": "hit", "mode": other}
    late: Body = {"shell": f"{_script(behind)}; exit 3", "mutex": {**its}, "weakDeps": ["~:b"]}
    return {
        holder: ("fail", {"shell": f"{_script(holder, wait)}; exit 3", "mutex": "hit"}),
        hit: ("hit", {"shell": _script(hit, ": >hit; "), "mutex": {**own}, "outputs": ["hit"]}),
        behind: ("fail", late),
    }


def _twins(lock: Json, count: int, *, fail: bool = False) -> Guests:
    """Equal tasks of one project: the first is executed, and the others wait for its result.

    If it fails, the next one has to try.
    """
    project, kind = (FAILING_TWIN, "twin-fails") if fail else (TWIN, "twin")
    script = f"echo twin >>{TWINS}-{project}; /bin/sleep 0.06; echo {TWIN}; echo {TWIN}"
    body: Body = {"shell": f"{script}; exit 3" if fail else script, "mutex": lock}
    return {(project, name): (kind, body) for name in "abc"[:count]}


def _stored_first() -> Guests:
    """A result is stored before who waits for the mutex may spoil it."""
    maker, spoiler = SPOILT, ("s", "b")
    makes = "/usr/bin/truncate -s 40M big; "
    return {
        maker: ("ok", {"shell": _script(maker, makes), "mutex": "big", "outputs": ["big"]}),
        spoiler: ("ok", {"shell": _script(spoiler, "echo spoilt >big; "), "mutex": "big"}),
    }


def _meets(id: Id, others: Sequence[Id]) -> Body:
    """It ends well only if the others run while it does."""
    here = f": >../../outside/{id[0]}-{id[1]}; "
    tests = [f"[ -f ../../outside/{other[0]}-{other[1]} ]" for other in others]
    return {"shell": _script(id, here + _until(id, tests))}


def _until(id: Id, tests: Sequence[str]) -> str:
    return (
        f"i=0; until {' && '.join(tests)}; do i=$((i+1)); /bin/sleep 0.02; "
        f"if [ $i -gt 250 ]; then echo alone {id[0]}:{id[1]} >>{LOG}; break; fi; done; "
    )


def _script(id: Id, does: str = "") -> str:
    begin, end = (f"echo {what} {id[0]}:{id[1]} >>{LOG}" for what in ("begin", "end"))
    return f"{begin}; {does}echo {id[0]} says; echo {id[1]}; {end}"
