"""The floors of the house: who may import whom, and how large a room's modules may be."""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "haz_trio"

# Lowest floor first (architecture.md 2). A room imports the rooms named here and itself.
MAY_IMPORT: dict[str, set[str]] = {
    "values": set(),  # what every other room may import
    "errors": set(),
    "model": {"errors"},
    "graph": {"errors", "model"},
    "query": {"errors", "model", "graph"},
    "plan": {"errors", "model", "graph"},
    "abc": {"errors", "model", "graph", "plan"},
    "frames": {"errors", "model"},
    "ragged": set(),
    "trust": set(),
    "living": set(),
    "scout": {"trust"},
    "config": {"errors", "model", "graph", "abc", "frames", "ragged", "trust"},
    "cache": {
        "errors",
        "model",
        "graph",
        "plan",
        "abc",
        "frames",
        "ragged",
        "scout",
        "trust",
        "living",
    },
    "process": {"errors", "model", "plan", "abc"},
    "functions": {"errors", "model", "plan", "abc"},
    "vcs": {"errors", "model"},
    "engine": {
        "errors",
        "model",
        "graph",
        "plan",
        "abc",
        "frames",
        "ragged",
        "trust",
        "living",
        "config",
        "cache",
        "process",
        "functions",
        "vcs",
    },
    "output": {"errors", "model", "graph", "plan", "abc"},
    # Tried before anything else: what it imports is all that a warm start pays for.
    "memo": {"frames", "ragged", "scout", "trust", "living", "output"},
    "__init__": set(),
}
# The command line stands on everything; ``__main__`` starts it.
MAY_IMPORT["cli"] = {*MAY_IMPORT}
# The test kit is an extra: it may use everything but the command line, and nobody uses it.
MAY_IMPORT["testing"] = {*MAY_IMPORT} - {"cli", "memo"}
MAY_IMPORT["__main__"] = {"cli", "memo"}

THIRD_PARTY: dict[str, set[str]] = {
    "config": {"blake3", "cattrs", "xxhash", "yaml"},
    "memo": {"blake3", "xxhash"},
    "cache": {"blake3", "xxhash"},
    "frames": {"xxhash"},
    "abc": {"trio"},
    "process": {"trio"},
    "functions": {"trio"},
    "engine": {"blake3", "outcome", "trio"},
    "output": {"trio", "trio_util"},
    "cli": {"trio", "trio_util", "typer"},
    "testing": {"hypothesis", "trio", "yaml"},
}
PURE_ROOMS = {"errors", "model", "graph", "query", "plan"}
PURE_STANDARD = {
    "__future__",
    "bisect",
    "collections",
    "copy",
    "difflib",
    "enum",
    "functools",
    "heapq",
    "itertools",
    "operator",
    "re",
    "typing",
    "unicodedata",
}
LONGEST_MODULE = 350


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Every module that a file names in an import, dotted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found.append(node.module)
            if node.module == "haz_trio":
                found += [f"haz_trio.{alias.name}" for alias in node.names]
    return found


def complaints(path: Path, room: str, names: list[str]) -> list[str]:
    """What a module of a room may not import."""
    found = []
    for name in names:
        top, _, rest = name.partition(".")
        if top == "haz_trio":
            other = rest.partition(".")[0]
            if (
                other
                and other != room
                and other not in MAY_IMPORT[room] | {"__version__", "values"}
            ):
                found.append(f"{path.name}: {room} may not import {other}")
        elif top in sys.stdlib_module_names:
            if room in PURE_ROOMS and top not in PURE_STANDARD:
                found.append(f"{path.name}: the pure room {room} imports {top}")
        elif top != "attrs" and top not in THIRD_PARTY.get(room, set()):
            found.append(f"{path.name}: {room} may not import {top}")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_floors(path: Path) -> None:
    """Every import is allowed by the table above."""
    assert complaints(path, room_of(path), imports(path)) == []


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("plan", "haz_trio.engine.loop"),
        ("model", "haz_trio.graph.build"),
        ("output", "haz_trio.engine.loop"),
        ("cache", "haz_trio.config.load"),
        ("plan", "os"),
        ("model", "time"),
        ("graph", "trio"),
        ("engine", "typer"),
    ],
)
def test_a_broken_floor_is_noticed(room: str, name: str) -> None:
    """The check itself can fail: each of these imports is refused."""
    assert complaints(Path("example.py"), room, [name])


def test_the_table_has_no_circles() -> None:
    """Following the table from any room never leads back to it."""
    for room, below in MAY_IMPORT.items():
        assert all(room not in MAY_IMPORT[other] for other in below), room


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_is_one_idea(path: Path) -> None:
    """No module is longer than 350 lines, and each says first what it is for.

    A table that a program makes is not for reading, and may be longer.
    """
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE or path.stem.endswith("_table")
    assert ast.get_docstring(ast.parse(text)), "a module opens with a sentence of purpose"


ESCAPE = re.compile(r"type: ignore|noqa|pragma: no|\bAny\b")
REASONED = re.compile(
    r"(type: ignore\[[\w, -]+\]|noqa: [A-Z0-9, ]+|pragma: no \w+|\bAny\b).*?# *\S.{7,}"
)


def escapes() -> list[tuple[str, str]]:
    """Every line that switches a check off or says ``Any``, outside of imports."""
    found = []
    for path in modules():
        with path.open("rb") as file:
            lines = path.read_text().splitlines()
            numbers = set()
            for token in tokenize.tokenize(file.readline):
                if token.type in (tokenize.COMMENT, tokenize.NAME) and ESCAPE.search(token.string):
                    numbers.add(token.start[0])
        for number in sorted(numbers):
            line = lines[number - 1].strip()
            if not line.startswith(("from typing import", "import ")):
                found.append((f"{path.relative_to(PACKAGE)}:{number}", line))
    return found


@pytest.mark.parametrize(("place", "line"), escapes() or [("none", "Any  # nothing to look at")])
def test_every_escape_has_its_reason_beside_it(place: str, line: str) -> None:
    """An ignore, a pragma or an ``Any`` carries a comment that says why."""
    assert REASONED.search(line), f"{place}: {line}"


def unannotated(text: str) -> list[str]:
    """Public attributes of public classes of which only a value tells the type.

    One that is set to an argument of its name has that one's type.
    """
    found, lines = [], text.splitlines()
    for kind in ast.walk(ast.parse(text)):
        if not isinstance(kind, ast.ClassDef) or kind.name.startswith("_"):
            continue
        names: dict[str, int] = {}
        known = set()
        for node in ast.walk(kind):
            targets: list[ast.expr] = []
            match node:
                case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name)):
                    known.add(name)
                case ast.Assign():
                    targets = node.targets
                case ast.AugAssign():
                    targets = [node.target]
                case _:
                    pass
            for target in targets:
                for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self":
                        names[each.attr] = each.lineno
        slots = "__slots__ = " in "".join(ast.unparse(node) for node in kind.body)
        for name, line in names.items():
            shown = lines[line - 1].strip()
            if name.startswith("_") or name in known:
                continue
            if slots or not shown.endswith(f"= {name}"):
                found.append(f"{kind.name}: {shown}")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_public_attributes_have_types_that_are_written_down(path: Path) -> None:
    """What one type checker infers another may infer differently (pyright --verifytypes)."""
    assert unannotated(path.read_text()) == []


def test_an_attribute_without_its_type_is_noticed() -> None:
    """The check itself can fail."""
    assert unannotated("class A:\n def f(self, b):\n  self.a = 1\n  self.b = b\n  self._c = 2\n")
    assert unannotated("class A:\n def f(self, b):\n  self.a: int = 1\n  self.b = b\n") == []
