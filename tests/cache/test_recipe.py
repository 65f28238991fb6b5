"""Recipes: one encoding for each, the same one whatever the order, and none for two."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.cache.hashing import digest_bytes
from haz_trio.cache.recipe import FORMAT, PLATFORM, Recipe, encode, key_of, readable
from haz_trio.model.names import TaskId
from haz_trio.model.patterns import Anchored, parse_pattern
from haz_trio.model.tasks import Action, Argv, Environment, Function, Shell
from haz_trio.model.workspace import HashName
from haz_trio.plan.messages import Upstream
from haz_trio.values import evolve

SECRET = bytes(range(32))

# Few letters and many separators, so that wrong cuts would show.
TEXT = st.text("aé/:=\0\n 1", max_size=6)
NAME = st.text("ab_", min_size=1, max_size=3)
DIGEST = st.binary(min_size=32, max_size=32)
ACTION: st.SearchStrategy[Action] = st.one_of(
    st.builds(Argv, st.lists(TEXT, min_size=1, max_size=3).map(tuple)),
    st.builds(Shell, TEXT, st.sampled_from(["sh", "bash", "command"])),
)


@attrs.frozen
class Parts:
    """The arguments of ``Recipe.of`` in some order."""

    hash_name: HashName
    root: str
    action: Action
    outputs: list[Anchored]
    inputs: list[tuple[str, bytes]]
    upstream: list[Upstream]
    env: Environment
    host: dict[str, str]

    def recipe(self) -> Recipe:
        return Recipe.of(**{f.name: getattr(self, f.name) for f in attrs.fields(Parts)})

    def but(self, **changes: object) -> Parts:
        return attrs.evolve(self, **changes)  # type: ignore[arg-type]  # tables of changes


@st.composite
def parts(draw: st.DrawFn) -> Parts:
    patterns = ["o", "*.o", "dist/**", "/o", "/lib/o"]
    upstream = st.builds(Upstream, st.builds(TaskId, NAME, NAME), DIGEST, DIGEST)
    return Parts(
        hash_name=draw(st.sampled_from(HashName)),
        root=draw(st.sampled_from(["/", "/lib", "/lib/o"])),
        action=draw(ACTION),
        outputs=[
            parse_pattern(text).anchored("/lib")
            for text in draw(st.lists(st.sampled_from(patterns), max_size=3))
        ],
        inputs=list(draw(st.dictionaries(TEXT, DIGEST, max_size=4)).items()),
        upstream=draw(st.lists(upstream, max_size=3, unique_by=lambda u: u.task)),
        env=Environment(
            draw(st.frozensets(NAME, max_size=3)),
            tuple(sorted(draw(st.dictionaries(NAME, TEXT, max_size=2)).items())),
        ),
        host=draw(st.dictionaries(NAME, TEXT, max_size=4)),
    )


Decoded: TypeAlias = "bytes | str | list[Decoded] | None"


def decode(data: bytes) -> Decoded:
    """The value that an encoding stands for, by the description and not by the encoder."""
    value, rest = _decode(data)
    assert rest == b""
    return value


def _decode(data: bytes) -> tuple[Decoded, bytes]:
    tag, count = struct.unpack_from(">cQ", data)
    rest = data[9:]
    match tag:
        case b"n":
            assert count == 0
            return None, rest
        case b"b":
            return rest[:count], rest[count:]
        case b"t":
            return rest[:count].decode(), rest[count:]
        case _:
            assert tag == b"l"
            items: list[Decoded] = []
            for _ in range(count):
                item, rest = _decode(rest)
                items.append(item)
            return items, rest


def as_recipe(value: Decoded) -> Recipe:
    """The recipe that a decoded value describes."""
    assert isinstance(value, list)
    form, platform, root, action, outputs, inputs, upstream, host, overrides = value
    assert isinstance(form, list)
    assert form[0] == FORMAT
    assert isinstance(action, list)
    kind, *words = (str(word) for word in action)
    return Recipe(
        hash_name=HashName(form[1]),
        platform=_tuples(platform),
        root=str(root),
        action=Argv(_tuples(action[1])) if kind == "command" else Shell(words[1], words[0]),
        outputs=_tuples(outputs),
        inputs=tuple((path.decode(), digest) for path, digest in _tuples(inputs)),
        upstream=_tuples(upstream),
        host_env=_tuples(host),
        overrides=_tuples(overrides),
    )


def _tuples(value: Decoded) -> tuple:  # type: ignore[type-arg]  # of whatever was encoded
    assert isinstance(value, list)
    return tuple(_tuples(item) if isinstance(item, list) else item for item in value)


@given(parts())
def test_an_encoding_can_be_decoded(given_parts: Parts) -> None:
    """A decoder gives the recipe back, so that no two recipes share an encoding (K1)."""
    recipe = given_parts.recipe()
    assert as_recipe(decode(encode(recipe))) == recipe


@given(parts())
def test_order_and_repetition_do_not_matter(given_parts: Parts) -> None:
    """Permuted and doubled inputs, outputs, predecessors and variables give the same key (K1)."""
    doubled = attrs.evolve(
        given_parts,
        outputs=given_parts.outputs[::-1] + given_parts.outputs,
        inputs=given_parts.inputs[::-1] + given_parts.inputs[:1],
        upstream=given_parts.upstream[::-1],
        env=Environment(given_parts.env.from_host, given_parts.env.override[::-1]),
        host=dict(reversed(given_parts.host.items())),
    )
    assert key_of(doubled.recipe()) == key_of(given_parts.recipe())


@given(parts(), parts())
def test_different_recipes_have_different_encodings(one: Parts, other: Parts) -> None:
    """Nothing of a recipe is lost on the way (K1)."""
    assert (encode(one.recipe()) == encode(other.recipe())) == (one.recipe() == other.recipe())


BASE = Parts(
    HashName.BLAKE3,
    "/lib",
    Argv(("cc", "a b")),
    [parse_pattern("out").anchored("/lib")],
    [("/lib/a", b"1" * 32), ("/lib/b", b"2" * 32)],
    [Upstream(TaskId("lib", "gen"), b"3" * 32, b"4" * 32)],
    Environment(frozenset({"PATH", "MODE"}), (("X", "1"),)),
    {"PATH": "/bin"},
)
UP = BASE.upstream[0]


def variants() -> dict[str, Parts]:
    """Every kind of change that must give another key (cache.md B1)."""
    changes: dict[str, dict[str, object]] = {
        "hash function": {"hash_name": HashName.SHA256},
        "project folder": {"root": "/app"},
        "argument added": {"action": Argv(("cc", "a b", ""))},
        "argument cut elsewhere": {"action": Argv(("cc", "a", "b"))},
        "shell in place of command": {"action": Shell("cc 'a b'")},
        "other shell": {"action": Shell("cc 'a b'", "bash")},
        "blank in the script": {"action": Shell("cc 'a b' ")},
        "output removed": {"outputs": []},
        "output renamed": {"outputs": [parse_pattern("out2").anchored("/lib")]},
        "output now a glob": {"outputs": [parse_pattern("ou[t]").anchored("/lib")]},
        "input removed": {"inputs": BASE.inputs[:1]},
        "input renamed": {"inputs": [("/lib/c", b"1" * 32), BASE.inputs[1]]},
        "contents swapped": {"inputs": [("/lib/a", b"2" * 32), ("/lib/b", b"1" * 32)]},
        "no dependency": {"upstream": []},
        "other stdout": {"upstream": [evolve(UP, stdout=b"5" * 32)]},
        "other stderr": {"upstream": [evolve(UP, stderr=b"5" * 32)]},
        "streams swapped": {"upstream": [Upstream(UP.task, UP.stderr, UP.stdout)]},
        "dependency renamed": {"upstream": [evolve(UP, task=TaskId("lib", "gen2"))]},
        "variable: other value": {"host": {"PATH": "/bin:/usr/bin"}},
        "variable: empty, not unset": {"host": {"PATH": "/bin", "MODE": ""}},
        "variable: unset": {"host": {}},
        "override changed": {"env": Environment(BASE.env.from_host, (("X", "2"),))},
        "override added": {"env": Environment(BASE.env.from_host, (("X", "1"), ("Y", "")))},
        "host value becomes override": {
            "env": Environment(frozenset({"MODE"}), (("PATH", "/bin"), ("X", "1")))
        },
    }
    return {name: BASE.but(**change) for name, change in changes.items()}


def test_every_change_that_counts_gives_another_key() -> None:
    """The base and all variants have keys of their own."""
    keys = {name: key_of(variant.recipe()) for name, variant in variants().items()}
    keys["nothing"] = key_of(BASE.recipe())
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize(
    "change",
    [
        {"host": {"PATH": "/bin", "OTHER": "x"}},
        {"host": {"PATH": "/bin", "X": "a host value behind an override"}},
        {"env": Environment(frozenset({"PATH", "MODE", "X"}), (("X", "1"),))},
        {"inputs": [*BASE.inputs, BASE.inputs[0]]},
        {"outputs": [parse_pattern("/lib/out").anchored("/elsewhere")]},
    ],
    ids=["unlisted variable", "shadowed value", "shadowed name", "doubled input", "spelling"],
)
def test_what_does_not_count_leaves_the_key(change: dict[str, object]) -> None:
    """Rows of cache.md B1 that stay hits."""
    assert key_of(BASE.but(**change).recipe()) == key_of(BASE.recipe())


def test_a_value_that_is_not_utf8_counts_by_its_bytes() -> None:
    """A host value enters as bytes, whatever they are (defect D11 of the original)."""
    odd = os.fsdecode(b"\xff\xfe")
    recipe = BASE.but(host={"PATH": odd}).recipe()
    assert ("PATH", b"\xff\xfe") in recipe.host_env
    assert key_of(recipe) != key_of(BASE.recipe())


def test_the_key_is_the_digest_of_the_encoding() -> None:
    """With the hash function of the workspace, in 64 lower-case hexadecimal digits."""
    for name in HashName:
        recipe = BASE.but(hash_name=name).recipe()
        assert key_of(recipe) == digest_bytes(name, encode(recipe)).hex()
        assert len(key_of(recipe)) == 64


def test_the_encoding_does_not_change_by_accident() -> None:
    """A fixed vector: another encoding needs another FORMAT, or old keys would mean new things."""
    recipe = evolve(BASE.recipe(), platform=("linux", "x86_64"))
    assert FORMAT == "haz-trio recipe 1"
    assert PLATFORM[0] == sys.platform
    digest = hashlib.sha256(encode(recipe)).hexdigest()
    assert digest == "76412c34324178765b24f3eb76caa025a1b2b02ca4b590c27880e136d23c2dc6"


def test_the_key_is_the_same_in_every_surrounding() -> None:
    """Locale, hash seed, folder, umask and unlisted variables have no say (K3)."""
    program = (
        "from haz_trio.cache.recipe import key_of\n"
        "from tests.cache.test_recipe import BASE, variants\n"
        "print(*[key_of(p.recipe()) for p in [BASE, *variants().values()]])"
    )
    root = str(Path(__file__).parents[2])
    answers = set()
    for number, locale in enumerate(["C", "C.UTF-8", "POSIX", "tr_TR.UTF-8"]):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": root,
                "PYTHONHASHSEED": str(number),
                "LC_ALL": locale,
                "TZ": "Asia/Tokyo" if number % 2 else "UTC",
                "HOME": f"/nonexistent/{number}",
            },
            cwd="/" if number % 2 else root,
            umask=0o77 if number % 2 else 0o22,
            capture_output=True,
            check=True,
        )
        answers.add(done.stdout)
    assert len(answers) == 1
    assert answers.pop().split()[0].decode() == key_of(BASE.recipe())


# -- recipe.json ------------------------------------------------------------------------------


@given(parts())
def test_the_readable_form_tells_recipes_apart(given_parts: Parts) -> None:
    """It is JSON, has every component, and differs for different recipes."""
    document = json.loads(readable(given_parts.recipe(), SECRET))
    assert list(document) == [
        "format",
        "hash_function",
        "platform",
        "project_root",
        "action",
        "outputs",
        "inputs",
        "deps",
        "env",
    ]
    assert len(document["inputs"]) == len(given_parts.inputs)


def test_each_change_shows_in_the_readable_form() -> None:
    """What changes the key changes the document, so that ``why`` can name the component."""
    documents = {readable(variant.recipe(), SECRET) for variant in variants().values()}
    documents.add(readable(BASE.recipe(), SECRET))
    assert len(documents) == len(variants()) + 1


def test_no_value_of_a_variable_is_in_the_readable_form() -> None:
    """Neither text nor plain digest: who has the file cannot try a guess (decisions.md 17)."""
    value = "hunter2-swordfish"
    env = Environment(frozenset({"TOKEN", "GONE"}), (("ALSO", value),))
    recipe = BASE.but(env=env, host={"TOKEN": value}).recipe()
    text = readable(recipe, SECRET).decode()
    assert value not in text
    for function in ("sha256", "blake2b", "sha1", "md5"):
        assert hashlib.new(function, value.encode()).hexdigest()[:32] not in text
    env_shown = json.loads(text)["env"]
    assert env_shown["from_host"]["GONE"] is None
    assert env_shown["from_host"]["TOKEN"] != env_shown["override"]["ALSO"]  # equality is hidden
    other = json.loads(readable(recipe, SECRET[::-1]))["env"]
    assert other["from_host"]["TOKEN"] != env_shown["from_host"]["TOKEN"]


@pytest.mark.parametrize("secret", [b"", b"short", bytes(65)])
def test_a_useless_secret_is_refused(secret: bytes) -> None:
    """Without a key the digests would be an oracle."""
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        readable(BASE.recipe(), secret)


# -- the original's keys (cache.md A2, K4) ----------------------------------------------------


def original_key(
    name: HashName,
    action: Action,
    *,
    inputs: list[tuple[str, bytes]] | None = None,
    upstream: list[tuple[str, str, bytes, bytes]] | None = None,
    host: dict[str, str | None] | None = None,
    overrides: dict[str, str] | None = None,
) -> str:
    """The key that haz 0.2.0 gives to these parts; contents and streams come as bytes."""

    def count(number: int) -> bytes:
        return struct.pack(">I", number)

    def text(value: str) -> bytes:
        return count(len(value.encode())) + value.encode()

    overrides = overrides or {}
    seen = {n: v for n, v in (host or {}).items() if n not in overrides}
    out = b"\0" + (b"\0" if name is HashName.BLAKE3 else b"\1")
    match action:
        case Argv(argv):
            out += b"\1" + count(len(argv)) + b"".join(map(text, argv))
        case Shell(script, shell):
            out += b"\2" + text(shell) + text(script)
        case Function():
            raise AssertionError("haz 0.2.0 has no functions")
    files = sorted(inputs or [], key=lambda item: item[0].encode())
    out += count(len(files))
    for path, content in files:
        out += digest_bytes(name, content) + text(path)
    before = sorted(upstream or [])
    out += count(len(before))
    for project, task, stdout, stderr in before:
        out += text(project) + text(task)
        out += digest_bytes(name, stdout) + digest_bytes(name, stderr)
    out += count(len(seen))
    for variable, value in sorted(seen.items()):
        out += text(variable) + (b"\0" if value is None else text(value))
    out += count(len(overrides))
    for variable, setting in sorted(overrides.items()):
        out += text(variable) + text(setting)
    return digest_bytes(name, out).hex()


TRUE = Argv(("/bin/true",))
PATH: dict[str, str | None] = {"PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            original_key(HashName.BLAKE3, TRUE),
            "18431e0da1a3e00cbf9e0000facbb3bf7116bd0dba4b4af2fe765adbf3a82123",
        ),
        (
            original_key(HashName.SHA256, TRUE),
            "b43036246aa8b34c5bd6e69740475b51ed27987a3a26e30a3453a57b2fc0f82a",
        ),
        (
            original_key(HashName.BLAKE3, Argv(("true", "a b", "")), host=PATH),
            "ba39108d940ada6b30a2d315312392e5ef8bd0416088944f98f870e4f9ce069c",
        ),
        (
            original_key(HashName.BLAKE3, Shell("true", "dash"), host=PATH),
            "044184bcb80fb3de4a47f039caef934e5a9a6bd80525c0bd6f287bee4b3dbac7",
        ),
        (
            original_key(
                HashName.BLAKE3,
                TRUE,
                host={"A": None, "B": "", "C": "1", "D": "host"},
                overrides={"D": "x", "Z": "é"},
            ),
            "df73d0aae53cda69e6380d0e37f55e52efda9cbe5de652495411c304d1968c1b",
        ),
        (
            original_key(
                HashName.BLAKE3,
                Shell(":", "bash"),
                inputs=[("/lib/in", b"hello\n")] * 2,
                upstream=[("lib", "gen", b"out\n", b"err\n")],
            ),
            "d4d9db60fbd300765407e2bbb63cda2704d925d9854752b6a20d16442723939d",
        ),
    ],
)
def test_the_layout_of_the_original_stays_understood(key: str, expected: str) -> None:
    """Known answers of the original (K4)."""
    assert key == expected


@settings(max_examples=30)
@given(parts())
def test_our_keys_are_never_the_original_s(given_parts: Parts) -> None:
    """The two programs share a cache folder without hitting each other's entries."""
    ours = encode(given_parts.recipe())
    assert not ours.startswith((b"\0\0", b"\0\1"))
