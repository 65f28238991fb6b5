"""``recipe.json`` read back: what was written comes out, anything else is no recipe."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haz_trio.cache.recipe import FORMAT, Recipe, readable
from haz_trio.cache.recorded import FromHost, Override, Streams, parse, recorded
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import parse_pattern
from haz_trio.model.tasks import Argv, Environment, Shell
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Upstream

SECRET, OTHER = b"s" * 32, b"o" * 32
texts = st.text(max_size=8)
digests = st.binary(min_size=32, max_size=32)
names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True)
ids = st.builds(TaskId, st.sampled_from(["a", "b", "c-d"]), st.sampled_from(["t", "u_1"]))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Recipes of any shape."""
    override = draw(st.dictionaries(names, texts, max_size=3))
    upstream = draw(st.dictionaries(ids, st.tuples(digests, digests), max_size=3))
    return Recipe.of(
        hash_name=draw(st.sampled_from(HashName)),
        root=draw(st.sampled_from(["/", "/lib", "/a/\udcff b"])),
        action=draw(
            st.one_of(
                st.builds(Argv, st.lists(texts, min_size=1, max_size=3).map(tuple)),
                st.builds(Shell, texts, st.sampled_from(["sh", "bash"])),
            )
        ),
        outputs=[
            parse_pattern(text).anchored("/lib")
            for text in draw(st.lists(st.sampled_from(["o", "d/*", "/x/**"]), max_size=3))
        ],
        inputs=draw(st.dictionaries(texts.map("/{}".format), digests, max_size=4)).items(),
        upstream=[Upstream(id, *streams) for id, streams in upstream.items()],
        env=Environment(
            frozenset(draw(st.lists(names, max_size=3))), tuple(sorted(override.items()))
        ),
        host=draw(st.dictionaries(names, texts, max_size=3)),
    )


@given(recipes())
def test_what_is_written_comes_back(recipe: Recipe) -> None:
    """Every component but the values of variables, which stay veiled."""
    found = recorded(recipe, SECRET)
    assert (found.hash_name, found.platform) == (recipe.hash_name, recipe.platform)
    assert (found.root, found.action) == (recipe.root, recipe.action)
    assert found.outputs == set(recipe.outputs)
    assert found.inputs == {path: digest.hex() for path, digest in recipe.inputs}
    assert found.upstream == {
        TaskId(project, task): Streams(out.hex(), err.hex())
        for project, task, out, err in recipe.upstream
    }
    kinds = {name: FromHost for name, _ in recipe.host_env}
    assert {n: type(v) for n, v in found.env.items()} == {
        **kinds,
        **{name: Override for name, _ in recipe.overrides},
    }
    for name, value in recipe.host_env:
        assert (found.env[name].veiled is None) == (value is None)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine two are slow to draw
@given(recipes(), recipes())
def test_veiled_values_are_compared_through_the_secret(one: Recipe, two: Recipe) -> None:
    """With one secret equal values look equal and others do not; with another all differ."""
    first, second = recorded(one, SECRET).env, recorded(two, SECRET).env
    plain_one = {**dict(one.host_env), **{n: v.encode() for n, v in one.overrides}}
    plain_two = {**dict(two.host_env), **{n: v.encode() for n, v in two.overrides}}
    for name in first.keys() & second.keys():
        same = first[name].veiled == second[name].veiled
        assert same == (plain_one[name] == plain_two[name])
    for name, value in recorded(one, OTHER).env.items():
        assert value.veiled is None or value.veiled != first[name].veiled


def document() -> dict[str, Any]:  # Any: JSON
    recipe = Recipe.of(
        hash_name=HashName.BLAKE3,
        root="/lib",
        action=Argv(("cc",)),
        outputs=[parse_pattern("o").anchored("/lib")],
        inputs=[("/lib/a", bytes(32))],
        upstream=[Upstream(TaskId("a", "t"), bytes(32), bytes(32))],
        env=Environment(frozenset(["HOME"]), (("A", "1"),)),
        host={"HOME": "/h"},
    )
    found = json.loads(readable(recipe, SECRET))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), FORMAT + "0"),
        (("hash_function",), "md5"),
        (("platform",), ["linux"]),
        (("platform",), "ab"),
        (("project_root",), 1),
        (("action",), {}),
        (("action", "command"), "cc"),
        (("action", "command", 0), None),
        (("outputs",), {}),
        (("outputs", 0, "kind"), "file"),
        (("outputs", 0, "pattern"), "relative"),
        (("inputs", "/lib/a"), "0" * 63),
        (("inputs", "/lib/a"), "../" + "0" * 61),
        (("inputs",), {"relative": "0" * 64}),
        (("deps",), {"no colon": {"stdout": "0" * 64, "stderr": "0" * 64}}),
        (("deps",), {"a:../b": {"stdout": "0" * 64, "stderr": "0" * 64}}),
        (("deps", "a:t"), {"stdout": "0" * 64}),
        (("env",), []),
        (("env", "from_host", "HOME"), "zz"),
        (("env", "from_host"), {"NOT A NAME": None}),
        (("env", "override", "A"), None),
        (("env", "override", "A"), 1),
    ],
)
def test_a_wrong_member_makes_it_no_recipe(place: tuple[str | int, ...], value: object) -> None:
    """One wrong member is enough, wherever it is."""
    good = document()
    assert parse(json.dumps(good).encode()) is not None
    bad = copy.deepcopy(good)
    at: Any = bad  # Any: JSON
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    assert parse(json.dumps(bad).encode()) is None


@pytest.mark.parametrize("name", sorted(document()))
def test_a_missing_member_makes_it_no_recipe(name: str) -> None:
    """Every member has to be there."""
    found = document()
    del found[name]
    assert parse(json.dumps(found).encode()) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"format": NaN}'],
)
def test_other_bytes_are_no_recipe(data: bytes) -> None:
    """Nothing is raised, however odd they are."""
    assert parse(data) is None


def test_a_member_twice_makes_it_no_recipe() -> None:
    """Two readers could take two different values."""
    text = json.dumps(document())
    assert parse(text.encode()) is not None
    assert parse(f'{text[:-1]}, "format": "{FORMAT}"}}'.encode()) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(document())), json_values)
def test_no_value_of_a_member_raises(name: str, value: object) -> None:
    """The reader answers whatever stands there."""
    parse(json.dumps({**document(), name: value}).encode())
