"""The recipe: injective, order-free where order means nothing, and silent about secrets."""

from __future__ import annotations

import json
import struct
from typing import TypeAlias

import attrs
import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haz_trio.cache.recipe import FORMAT, PLATFORM, Recipe, encode, key_of, readable
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Pattern
from haz_trio.model.tasks import Argv, Environment, Shell
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Upstream

Value: TypeAlias = "bytes | str | list[Value] | None"


def decode(data: bytes) -> Value:
    """The value that an encoding stands for; fails on anything left over."""
    value, end = _decode(data, 0)
    assert end == len(data)
    return value


def _decode(data: bytes, at: int) -> tuple[Value, int]:
    tag, count = struct.unpack_from(">cQ", data, at)
    at += 9
    match tag:
        case b"n":
            assert count == 0
            return None, at
        case b"b":
            return data[at : at + count], at + count
        case b"t":
            return data[at : at + count].decode("utf-8", "surrogateescape"), at + count
        case _:
            assert tag == b"l"
            items: list[Value] = []
            for _ in range(count):
                item, at = _decode(data, at)
                items.append(item)
            return items, at


def listed(recipe: Recipe) -> Value:
    """A recipe as the nested lists that its encoding stands for."""
    match recipe.action:
        case Argv(argv):
            action: Value = ["command", list(argv)]
        case Shell(script, shell):
            action = ["shell", shell, script]
    return [
        [FORMAT, recipe.hash_name.value],
        list(PLATFORM),
        recipe.root,
        action,
        [list(output) for output in recipe.outputs],
        [[path.encode("utf-8", "surrogateescape"), digest] for path, digest in recipe.inputs],
        [list(before) for before in recipe.upstream],
        [list(pair) for pair in recipe.host_env],
        [list(pair) for pair in recipe.overrides],
    ]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
digests = st.binary(min_size=32, max_size=32)
names = st.sampled_from(["A", "B", "C"])
upstreams = st.builds(Upstream, st.builds(TaskId, names, names), stdout=digests, stderr=digests)


@attrs.frozen
class Ingredients:
    """The arguments of ``Recipe.of``, for tests that shuffle them."""

    action: Argv | Shell
    outputs: list[str]
    inputs: list[tuple[str, bytes]]
    upstream: list[Upstream]
    env: Environment
    host: dict[str, str]
    hash_name: HashName = HashName.BLAKE3
    root: str = "/lib"

    def recipe(self) -> Recipe:
        return Recipe.of(
            hash_name=self.hash_name,
            root=self.root,
            action=self.action,
            outputs=[Pattern(text).anchored(self.root) for text in self.outputs],
            inputs=self.inputs,
            upstream=self.upstream,
            env=self.env,
            host=self.host,
        )


ingredients = st.builds(
    Ingredients,
    action=st.builds(Argv, st.lists(texts, min_size=1, max_size=3).map(tuple))
    | st.builds(Shell, texts, st.sampled_from(["sh", "bash"])),
    outputs=st.lists(st.sampled_from(["a", "b", "*.o", "/x"]), max_size=3),
    inputs=st.lists(st.tuples(st.sampled_from(["/a", "/b", "/é"]), digests), max_size=3),
    upstream=st.lists(upstreams, max_size=3, unique_by=lambda u: u.task),
    env=st.builds(
        Environment,
        from_host=st.frozensets(names, max_size=3),
        override=st.dictionaries(names, texts, max_size=2).map(lambda d: tuple(sorted(d.items()))),
    ),
    host=st.dictionaries(names, texts, max_size=3),
    hash_name=st.sampled_from(HashName),
    root=st.sampled_from(["/", "/lib"]),
)


@given(ingredients.map(Ingredients.recipe))
def test_an_encoding_says_everything(recipe: Recipe) -> None:
    """Decoding gives the recipe back, so two recipes never share an encoding."""
    assert decode(encode(recipe)) == listed(recipe)


@given(ingredients, ingredients)
def test_keys_are_equal_when_ingredients_are(one: Ingredients, two: Ingredients) -> None:
    """Equal recipes have equal keys, different ones different keys."""
    assert (key_of(one.recipe()) == key_of(two.recipe())) == (one.recipe() == two.recipe())


@given(ingredients, st.randoms(use_true_random=False))
def test_order_does_not_count(one: Ingredients, random: object) -> None:
    """Inputs, outputs and dependencies are sets: their order and repetitions do not matter."""
    again = attrs.evolve(
        one,
        outputs=list(reversed(one.outputs)) + one.outputs[:1],
        inputs=list(reversed(one.inputs)) + one.inputs[:1],
        upstream=list(reversed(one.upstream)),
    )
    assert key_of(again.recipe()) == key_of(one.recipe())


BASE = Ingredients(
    action=Argv(("cc", "a b")),
    outputs=["out"],
    inputs=[("/lib/a", b"1" * 32), ("/lib/b", b"2" * 32)],
    upstream=[Upstream(TaskId("p", "t"), stdout=b"3" * 32, stderr=b"4" * 32)],
    env=Environment(frozenset({"PATH", "GONE", "BOTH"}), (("BOTH", "mine"),)),
    host={"PATH": "/bin", "BOTH": "host", "OTHER": "x"},
)


@pytest.mark.parametrize(
    "change",
    [
        {"action": Argv(("cc", "a", "b"))},
        {"action": Shell("cc a b")},
        {"outputs": ["out", "more"]},
        {"outputs": []},
        {"inputs": [("/lib/a", b"2" * 32), ("/lib/b", b"1" * 32)]},
        {"inputs": [("/lib/a", b"1" * 32)]},
        {"upstream": []},
        {"upstream": [Upstream(TaskId("p", "t"), stdout=b"4" * 32, stderr=b"3" * 32)]},
        {"env": Environment(frozenset({"PATH", "BOTH"}), (("BOTH", "mine"),))},
        {"env": Environment(frozenset({"PATH", "GONE", "BOTH"}), (("BOTH", "other"),))},
        {"host": {"PATH": "/bin", "GONE": ""}},
        {"host": {"PATH": "/usr/bin"}},
        {"hash_name": HashName.SHA256},
        {"root": "/other"},
    ],
)
def test_what_counts(change: dict[str, object]) -> None:
    """Each of these changes gives another key (cache.md B1)."""
    assert key_of(attrs.evolve(BASE, **change).recipe()) != key_of(BASE.recipe())  # type: ignore[arg-type]  # mixed fields


@pytest.mark.parametrize(
    "change",
    [
        {"host": {"PATH": "/bin", "BOTH": "changed", "OTHER": "y"}},
        {"env": Environment(frozenset({"PATH", "GONE"}), (("BOTH", "mine"),))},
    ],
)
def test_what_does_not_count(change: dict[str, object]) -> None:
    """Shadowed and unlisted variables are no ingredients."""
    assert key_of(attrs.evolve(BASE, **change).recipe()) == key_of(BASE.recipe())  # type: ignore[arg-type]  # mixed fields


def test_a_value_that_is_not_utf8_counts_as_its_bytes() -> None:
    """An environment value of any bytes enters the key (cache.md D11)."""
    odd = attrs.evolve(BASE, host={"PATH": b"\xff".decode("utf-8", "surrogateescape")})
    assert b"\xff" in encode(odd.recipe())
    assert len(key_of(odd.recipe())) == 64


def test_the_readable_form_holds_no_value_of_the_environment() -> None:
    """Values appear only as digests keyed with the secret of the cache (decisions.md 17)."""
    secret = attrs.evolve(BASE, host={"PATH": "hunter2-hunter2"})
    text = readable(secret.recipe(), b"s" * 32)
    document = json.loads(text)
    assert b"hunter2" not in text
    assert b"mine" not in text
    assert document["env"]["from_host"]["GONE"] is None
    assert document["inputs"] == {"/lib/a": (b"1" * 32).hex(), "/lib/b": (b"2" * 32).hex()}
    assert readable(secret.recipe(), b"t" * 32) != text


def original_key(parts: list[bytes]) -> str:
    """The key of the original: revision 0, hash byte 0 for blake3, then its components."""
    return blake3.blake3(b"\0\0" + b"".join(parts)).hexdigest()


def u32(number: int) -> bytes:
    return struct.pack(">I", number)


def framed(text: str) -> bytes:
    return u32(len(text.encode())) + text.encode()


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (
            [b"\1", u32(1), framed("/bin/true"), u32(0), u32(0), u32(0), u32(0)],
            "18431e0da1a3e00cbf9e0000facbb3bf7116bd0dba4b4af2fe765adbf3a82123",
        ),
        (
            [
                b"\2",
                framed("dash"),
                framed("true"),
                u32(0),
                u32(0),
                u32(1),
                framed("PATH"),
                framed("/usr/bin:/bin"),
                u32(0),
            ],
            "044184bcb80fb3de4a47f039caef934e5a9a6bd80525c0bd6f287bee4b3dbac7",
        ),
    ],
)
def test_the_layout_of_the_original_is_understood(parts: list[bytes], key: str) -> None:
    """Known answers of haz 0.2.0 (cache.md A2, K4)."""
    assert original_key(parts) == key
