"""Values without compiling: they do what classes of attrs do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.values import FrozenError, evolve, field, field_names, frozen, frozen_with


@frozen
class Plain:
    """Three fields, two of them with defaults."""

    name: str
    size: int = 1
    tags: tuple[str, ...] = ()


@attrs.frozen
class Known:
    """The same by attrs."""

    name: str
    size: int = 1
    tags: tuple[str, ...] = ()


@frozen
class Special:
    """Fields that are made anew, not compared, not shown."""

    name: str
    rows: dict[str, int] = field(factory=dict)
    place: int = field(default=0, eq=False, repr=False)
    more: int = 2


@frozen_with(order=True)
class Ordered:
    """Compares like a tuple."""

    major: int
    minor: int = 0


@frozen_with(eq=False)
class Single:
    """Equal to itself alone."""

    name: str


@frozen_with(kw_only=True)
class Named:
    """Made with keywords."""

    name: str
    size: int = 3


@frozen
class Empty:
    """No field at all."""


FIELDS = st.fixed_dictionaries(
    {"name": st.text(max_size=3)},
    optional={"size": st.integers(0, 3), "tags": st.tuples(st.text(max_size=2))},
)


@given(FIELDS, FIELDS)
def test_a_value_is_what_attrs_makes(one: dict[str, object], two: dict[str, object]) -> None:
    """Texts, comparison and patterns agree; equal values have equal hashes."""
    ours, other = Plain(**one), Plain(**two)  # type: ignore[arg-type]  # fields of the class
    theirs, another = Known(**one), Known(**two)  # type: ignore[arg-type]  # the same
    assert repr(ours) == repr(theirs).replace("Known", "Plain")
    assert (ours == other) == (theirs == another)
    assert ours != object()
    if ours == other:
        assert hash(ours) == hash(other)
    match ours:
        case Plain(name, size, tags):
            assert (name, size, tags) == (theirs.name, theirs.size, theirs.tags)
    assert field_names(Plain) == ("name", "size", "tags")


@given(FIELDS)
def test_a_copy_is_equal(one: dict[str, object]) -> None:
    """Copies and pickles come back as the same value; ``evolve`` changes what it is told."""
    ours = Plain(**one)  # type: ignore[arg-type]  # fields of the class
    assert copy.copy(ours) == copy.deepcopy(ours) == pickle.loads(pickle.dumps(ours)) == ours
    assert evolve(ours, size=9) == Plain(ours.name, 9, ours.tags)
    with pytest.raises(TypeError, match="colour"):
        evolve(ours, colour=1)


def test_nothing_can_be_set_or_deleted() -> None:
    """A value is frozen, and has no room for anything else."""
    ours = Plain("a")
    for name in ("name", "new"):
        with pytest.raises(FrozenError):
            setattr(ours, name, "b")
    with pytest.raises(FrozenError):
        del ours.name
    assert not hasattr(ours, "__dict__")


@pytest.mark.parametrize(
    ("args", "named", "words"),
    [
        ((), {}, "missing 1 required positional argument: 'name'"),
        (("a", 1, (), 4), {}, "takes from 2 to 4 positional arguments but 5 were given"),
        (("a",), {"name": "b"}, "multiple values for argument 'name'"),
        (("a",), {"colour": "b"}, "unexpected keyword argument 'colour'"),
    ],
)
def test_wrong_arguments_are_named(
    args: tuple[object, ...], named: dict[str, object], words: str
) -> None:
    """A call with wrong arguments raises, and says which."""
    with pytest.raises(TypeError, match=words):
        Plain(*args, **named)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("count", range(12))
def test_each_field_gets_its_own(count: int) -> None:
    """However many fields there are, by place or by name, and whichever have defaults."""
    names = [f"f{number}" for number in range(count)]
    for defaults in range(count + 1):
        body = {"__annotations__": dict.fromkeys(names, int)}
        given = dict(zip(names[count - defaults :], range(defaults), strict=True))
        made: Callable[..., object] = frozen(type("Made", (), {**body, **given}))
        values = {name: -number for number, name in enumerate(names)}
        for one in (made(*values.values()), made(**values)):
            assert {name: getattr(one, name) for name in names} == values
        few = dict(list(values.items())[: count - defaults])
        one = made(**few)
        assert {name: getattr(one, name) for name in names} == {**few, **given}


def test_special_fields() -> None:
    """A factory makes each object its own; what is not compared is not in the hash either."""
    one, two = Special("a", {"x": 1}, 1), Special("a", {"x": 1}, 2)
    assert one == two
    assert Special("a").rows is not Special("a").rows
    assert repr(one) == "Special(name='a', rows={'x': 1}, more=2)"


def test_order_identity_and_keywords() -> None:
    """The three differences that a class can ask for."""
    assert sorted([Ordered(2), Ordered(1, 5), Ordered(1)])[0] == Ordered(1, 0)
    assert Ordered(1) <= Ordered(1) < Ordered(1, 1) >= Ordered(1)
    assert Ordered(2) > Ordered(1)
    one = Single("a")
    assert one == one
    assert one != Single("a")
    assert len({one, Single("a")}) == 2
    assert Named(name="a").size == 3
    with pytest.raises(TypeError, match="1 positional argument but 2"):
        Named("a")  # type: ignore[call-arg]  # wrong on purpose
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())
