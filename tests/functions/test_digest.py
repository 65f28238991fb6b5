"""What changes the digest of a function, what does not, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from haz_trio.errors import TaskError
from haz_trio.functions.digest import parts_of
from haz_trio.functions.loading import load_function

RICH = """
import contextlib, dataclasses, enum, functools, json, os.path, pathlib, re

class Kind(enum.Enum):
    A = 1

@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    tags: frozenset = frozenset({"a", "b", "c"})

WORDS = {"one", "two", "three", "four"}
TABLE = {"b": [1, 2.5, None], "a": (True, b"x", 1j)}
PLACE = pathlib.PurePosixPath("/a/b")
PATTERN = re.compile("a+", re.I)
POINT = Point(1)

@contextlib.contextmanager
def opened(name):
    yield name

@functools.lru_cache
def cached(n): return n

def helper(n, times=2, *, more=Kind.A):
    def inner():
        return n * times
    if n > 3:
        return helper(n - 1)
    return inner()

adds = functools.partial(helper, times=5)

def f():
    import hashlib
    with opened(json.dumps(sorted(WORDS))) as text:
        return [helper(1), adds(2), TABLE, PLACE, PATTERN, POINT, os.path.join("a", text),
                hashlib.sha256(), len(text), (lambda x: x + 1)(2), Kind.A, missing_name]
""".replace("@functools.lru_cache\ndef cached(n): return n\n\n", "")


def parts(tmp_path: Path, text: str, name: str = "f") -> dict[str, bytes]:
    (tmp_path / "m.py").write_text(text)
    return dict(parts_of(load_function(str(tmp_path / "m.py"), name)))


def changed(tmp_path: Path, old: str, new: str, text: str = RICH) -> set[str]:
    """The parts in which a text differs after a replacement."""
    assert old in text
    before, after = parts(tmp_path, text), parts(tmp_path, text.replace(old, new, 1))
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("n * times", "n + times", {"code of helper"}),
        ("x + 1", "x + 2", {"code of f"}),
        ("times=2", "times=3", {"default times of helper"}),
        ('"two"', '"zwei"', {"global WORDS of f"}),
        ("2.5", "2.6", {"global TABLE of f"}),
        ('"/a/b"', '"/a/c"', {"global PLACE of f"}),
        ("re.I", "0", {"global PATTERN of f"}),
        ("times=5", "times=6", {"global adds of f"}),
        ("yield name", "yield name + '!'", {"code of opened"}),
        ("import hashlib", "import hmac as hashlib", {"import hashlib of f", "import hmac of f"}),
        ("sorted(WORDS)", "sorted(WORDS, key=len)", {"code of f"}),
    ],
)
def test_a_change_is_named(tmp_path: Path, old: str, new: str, differs: set[str]) -> None:
    """Each change of meaning differs in the part that it is in."""
    found = changed(tmp_path, old, new)
    # The text of the file counts where one of its classes is used.
    assert found - CLASSES - {"code of f"} == differs - {"code of f"}
    assert differs <= found


CLASSES = {"global Kind of f", "global POINT of f", "default more of helper"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f():", "# a comment\n\n\ndef f():"),
        ("def f():", "UNUSED = 7\n\ndef f():"),
        ("def f():", "def f() -> 'int':"),
        ("return n\n", "return  (n)\n"),
    ],
)
def test_what_does_not_count(tmp_path: Path, old: str, new: str) -> None:
    """Comments, places, annotations, and what the function does not use."""
    text = "import json\nLIMIT = 3\n\ndef f():\n    n = json.dumps(LIMIT)\n    return n\n"
    assert changed(tmp_path, old, new, text) == set()


def test_the_digest_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Neither the seed of hashes, nor addresses, nor the folder of the file have a part in it."""
    found = set()
    code = (
        "import json, sys; from haz_trio.functions.digest import parts_of; "
        "from haz_trio.functions.loading import load_function; "
        "print(json.dumps([[n, d.hex()] for n, d in parts_of(load_function(sys.argv[1], 'f'))]))"
    )
    for seed in ("0", "1"):
        file = tmp_path / seed / "m.py"
        file.parent.mkdir()
        file.write_text(RICH)
        words = [sys.executable, "-c", code, str(file)]
        env = {"PYTHONHASHSEED": seed}
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
        found.add(done.stdout)
    assert len(found) == 1
    names = {name for name, _ in json.loads(found.pop())}
    assert {"python", "code of f", "code of helper", "global missing_name of f"} <= names


def test_the_text_of_local_modules_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they are imported at the top, or by the function, or by another one of them."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "haz_test_deep.py").write_text("A = 1\n")
    (tmp_path / "haz_test_late.py").write_text("B = 1\n")
    (tmp_path / "haz_test_near.py").write_text("import haz_test_deep\nclass C: pass\n")
    text = "import haz_test_near\ndef f():\n    import haz_test_late\n    return haz_test_near.C\n"
    before = parts(tmp_path, text)
    for name, differs in (
        ("haz_test_deep", {"module haz_test_deep"}),
        ("haz_test_near", {"global haz_test_near of f"}),
        ("haz_test_late", {"import haz_test_late of f"}),
    ):
        file = tmp_path / f"{name}.py"
        old = file.read_text()
        file.write_text(old + "X = 2\n")
        after = parts(tmp_path, text)
        assert {n for n in before if before[n] != after[n]} == differs
        file.write_text(old)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = object()\ndef f(): x", "global x of f is a value of type object"),
        ("x = [1, open]\ndef f(): x", None),
        ("x = [1, {2: iter([])}]\ndef f(): x", "contains a value of type list_iterator"),
        ("x = []\nx.append(x)\ndef f(): x", "it contains itself"),
        ("def g():\n class C: pass\n return C\nC = g()\ndef f(): C", "made inside of a function"),
        ("import logging\nx = logging.getLogger()\ndef f(): x", "RootLogger"),
        ("def f(x=iter(())): x", "default x of f"),
    ],
)
def test_what_cannot_be_digested_is_refused(tmp_path: Path, text: str, said: str | None) -> None:
    """With the variable, the kind of the value, and the way out; never guessed."""
    if said is None:
        assert parts(tmp_path, text)
        return
    with pytest.raises(TaskError, match=said) as caught:
        parts(tmp_path, text)
    assert "make it inside of the function" in str(caught.value)
