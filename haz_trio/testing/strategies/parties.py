"""Tasks that show what runs at once: a crowd that must not meet, and some that must.

Who waits for others does so by their files, with a bound that only something wrong reaches; the
mark that it leaves then says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.references import Id

LOG = "../../outside/log"
WAIT = "/bin/sleep 0.03; "  # long enough to be met by who should not be there
Guests: TypeAlias = "dict[Id, tuple[str, Body]]"  # how each goes, and its body
_LOCKS: tuple[Json, ...] = (
    None,
    "db",
    "~:db",
    {"name": "db", "mode": "shared"},
    {"name": "db", "mode": "exclusive"},
    {"name": "~:db", "mode": "shared"},
)

_KINDS = ("", "all", "shared", "parked", "capped", "scopes", "hit", "stored")
_SCOPES: st.SearchStrategy[Json] = st.sampled_from(["~:scope", "scope"])


@st.composite
def parties(draw: st.DrawFn, slots: int) -> Guests:
    """A crowd in project ``c``, whose tags are anything; in ``r`` and ``d`` who has to meet.

    Tag ``one`` of project ``d`` has a cap of 1, tag ``few`` of ``r`` one for as many as meet.
    """
    found = {
        ("c", f"k{number}"): ("ok", {"shell": _script(("c", f"k{number}"), WAIT), "mutex": lock})
        for number, lock in enumerate(draw(st.lists(st.sampled_from(_LOCKS), max_size=6)))
    }
    if slots == 1:
        return found
    kind = draw(
        st.sampled_from(["", "all", "shared", "parked", "capped", "scopes", "hit", "stored"])
    )
    names = [("r", f"m{number}") for number in range(slots)]
    if kind == "all":
        return found | {id: ("meet", _meets(id, names)) for id in names}
    if kind == "shared":
        lock: Json = {"name": "meeting", "mode": "shared"}
        return found | {id: ("meet", {**_meets(id, names), "mutex": lock}) for id in names}
    if kind == "scopes":
        one, other = ("d", "a"), ("r", "m")
        found[one] = "meet", {**_meets(one, [other]), "mutex": "~:scope"}
        found[other] = "meet", {**_meets(other, [one]), "mutex": draw(_SCOPES)}
        return found
    if kind == "parked":
        return found | _parked(draw(st.booleans()))
    if kind == "capped":
        one, other = ("d", "a"), ("r", "m")
        found[one] = "meet", _meets(one, [other])
        found["d", "b"] = "ok", {"shell": _script(("d", "b"))}
        found[other] = "meet", _meets(other, [one])
        return found
    if kind == "hit":
        return found | _hit_of_another()
    return found | _stored_first() if kind else found


def _parked(shared: bool) -> Guests:
    """Who waits for a mutex takes no slot: two slots, and a holder that waits for a third task."""
    lock: Json = {"name": "parked", "mode": "shared"} if shared else "parked"
    one, two, three = ("r", "a"), ("r", "b"), ("r", "c")
    return {
        one: ("meet", {**_meets(one, [three]), "mutex": "parked"}),
        two: ("ok", {"shell": _script(two), "mutex": lock}),
        three: ("meet", _meets(three, [one])),
    }


def _hit_of_another() -> Guests:
    """In the second run a holder, which never succeeds, waits for what a hit puts back."""
    holder, hit = ("r", "a"), ("r", "b")
    wait = f"if [ -f ../../outside/again ]; then {_until(holder, ['[ -f hit ]'])}fi; "
    return {
        holder: ("fail", {"shell": f"{_script(holder, wait)}; exit 3", "mutex": "hit"}),
        hit: ("hit", {"shell": _script(hit, ": >hit; "), "mutex": "hit", "outputs": ["hit"]}),
    }


def _stored_first() -> Guests:
    """A result is stored before who waits for the mutex may spoil it."""
    maker, spoiler = ("r", "a"), ("r", "b")
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
