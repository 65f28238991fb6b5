"""The local modules that local code imports, found by reading it; none is executed for that.

A value leaves no trace of the module that it was imported from, and a function that imports when
it is called leaves none before.  So all import statements of a text count, wherever they stand.
What a name that is put together at run time imports is not seen here.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TypeAlias

from attrs import frozen

from haz_trio.errors import TaskError
from haz_trio.functions.edited import is_edited
from haz_trio.functions.origins import LOCAL, origin_of
from haz_trio.functions.values import digest, framed
from haz_trio.model.names import quote

# Dots in front, the name behind them, and the names behind ``import`` of a ``from``.
Statement: TypeAlias = tuple[int, str, tuple[str, ...]]

_MISSING = framed("missing")
# By the digest of a text.  A text is parsed once in a process, which also warns once.
_statements: dict[bytes, tuple[Statement, ...]] = {}


@frozen
class _Place:
    """Where a module is: its file, if it has one, and its folders, if it is a package."""

    file: str | None
    folders: tuple[str, ...] | None


class Following:
    """All that some code imports, at any depth; each file is read once."""

    def __init__(self) -> None:
        self._places: dict[str, _Place | None] = {}
        self._pending: list[tuple[Statement, str]] = []
        self._texts: dict[str, bytes | None] = {}  # of modules that are values
        self._counted: set[str] = set()  # the files whose texts are parts already
        self.edited: list[str] = []  # the files that are not what this process has imported

    def text_of(self, module: ModuleType) -> bytes | None:
        """The digest of the text of a local module, whose imports are followed from here on.

        ``None`` for one whose file cannot be read.
        """
        file = vars(module).get("__file__")
        if not isinstance(file, str):
            return None
        if file not in self._texts:
            text = _read(file)
            self._texts[file] = None if text is None else digest(text)
            if text is not None:
                self._counted.add(os.path.realpath(file))
                self._look(file, module.__name__, text)
                self._follow(file, text, package_of(vars(module)))
        return self._texts[file]

    def called(self, statement: Statement, package: str) -> bytes:
        """What a function imports when it is called: a module, or all files of its package."""
        top = _base(statement, package).partition(".")[0]
        if not top:  # outside of every package
            return _MISSING
        origin = origin_of(top)
        if origin != LOCAL:
            return framed("known", origin.encode(), _base(statement, package).encode())
        place = self._find(top)
        if place is None:
            return _MISSING
        digests = []
        for name, file in _files(place):
            text = _read(file)
            if text is None:
                digests.append(framed("unreadable", os.fsencode(name)))
                continue
            words = name.removesuffix(".py").split("/")
            full = ".".join([top, *words]) if place.folders else top
            self._counted.add(os.path.realpath(file))
            self._look(file, full.removesuffix(".__init__"), text)
            if not place.folders:
                self._follow(file, text, "")
            elif all(map(str.isidentifier, words)):  # else nobody imports it by its name
                self._follow(file, text, ".".join([top, *words[:-1]]))
            digests.append(framed("file", os.fsencode(name), digest(text)))
        self._pending.append((statement, package))
        return framed("text", *digests)

    def parts(self) -> dict[str, bytes]:
        """By its name, each module that is imported and is not a part yet; call it last."""
        found: dict[str, bytes] = {}
        seen: set[str] = set()
        while self._pending:
            for name in self._named(*self._pending.pop()):
                if name not in seen:
                    seen.add(name)
                    part = self._part(name)
                    if part is not None:
                        found[name] = part
        return found

    def _part(self, name: str) -> bytes | None:
        origin = origin_of(name)
        if origin != LOCAL:
            if origin == f"python {name}":  # its version is a part of its own
                return None
            return framed("known", origin.encode(), name.encode())
        place = self._find(name)
        if place is None:
            return _MISSING
        if place.file is None:
            return framed("no file")
        if os.path.realpath(place.file) in self._counted:
            return None
        text = _read(place.file)
        if text is None:
            file = quote(place.file)
            raise TaskError(f"module {name} cannot be part of a key: cannot read its file {file}")
        self._look(place.file, name, text)
        self._follow(place.file, text, name if place.folders else name.rpartition(".")[0])
        return framed("text", digest(text))

    def _look(self, file: str, name: str, text: bytes) -> None:
        if is_edited(file, name, digest(text)):
            self.edited.append(file)

    def _follow(self, file: str, text: bytes, package: str) -> None:
        if file.endswith(".py"):
            self._pending += [(each, package) for each in _statements_of(file, text)]

    def _named(self, statement: Statement, package: str) -> Iterator[str]:
        """The modules that a statement may import: of other code the first name only."""
        base = _base(statement, package)
        words = base.split(".") if base else []
        if words and origin_of(words[0]) != LOCAL:
            words, base = words[:1], ""
        for end in range(1, len(words) + 1):
            name = ".".join(words[:end])
            yield name
            if self._find(name) is None:
                return
        place = self._find(base) if base else None
        if place is None or place.folders is None:
            return
        for name in statement[2]:
            if name != "*":
                yield f"{base}.{name}"
                continue
            for inner in pkgutil.iter_modules(list(place.folders)):  # any of them, by __all__
                yield f"{base}.{inner.name}"

    def _find(self, name: str) -> _Place | None:
        if name not in self._places:
            self._places[name] = _loaded(name) or self._searched(name)
        return self._places[name]

    def _searched(self, name: str) -> _Place | None:
        head, _, tail = name.rpartition(".")
        try:
            if not head:
                spec = importlib.util.find_spec(name)
            elif (above := self._find(head)) is not None and above.folders is not None:
                # By its last name: else a folder without a file asks for its parent's module.
                spec = PathFinder.find_spec(tail, list(above.folders))
            else:
                spec = None
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            return None
        folders = spec.submodule_search_locations
        file = spec.origin if spec.has_location else None
        return _Place(file, None if folders is None else tuple(folders))


def package_of(known: Mapping[str, object]) -> str:
    """The package that names with dots in front begin at, from the globals of a module."""
    package, name = known.get("__package__"), known.get("__name__")
    if isinstance(package, str):
        return package
    if not isinstance(name, str):
        return ""
    return name if "__path__" in known else name.rpartition(".")[0]


def _base(statement: Statement, package: str) -> str:
    """The full name of the module of a statement; empty outside of every package."""
    level, name, _ = statement
    if not level:
        return name
    try:
        return importlib.util.resolve_name("." * level + name, package)
    except ImportError:
        return ""


def _statements_of(file: str, text: bytes) -> tuple[Statement, ...]:
    key = digest(text)
    known = _statements.get(key)
    if known is None:
        try:
            known = tuple(sorted(set(_parsed(file, text))))
        except (SyntaxError, ValueError, RecursionError):  # nor can it be imported
            known = ()
        _statements[key] = known
    return known


def _parsed(file: str, text: bytes) -> Iterator[Statement]:
    for node in ast.walk(ast.parse(text, file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", tuple(alias.name for alias in node.names)


def _loaded(name: str) -> _Place | None:
    """Where a module is that this process has; ``None`` also for one that is nowhere."""
    module = sys.modules.get(name)
    if not isinstance(module, ModuleType):
        return None
    file, path = vars(module).get("__file__"), vars(module).get("__path__")
    folders = None if path is None else tuple(str(folder) for folder in path)
    if not isinstance(file, str):
        return None if folders is None else _Place(None, folders)
    return _Place(file, folders)


def _files(place: _Place) -> list[tuple[str, str]]:
    """The names and paths of the files of a module or of a whole package, sorted."""
    if place.folders is None:
        return [] if place.file is None else [("", place.file)]
    found = []
    for folder in place.folders:
        for inner, _, names in os.walk(folder):
            paths = (os.path.join(inner, name) for name in names if name.endswith(".py"))
            found += [(os.path.relpath(path, folder), path) for path in paths]
    return sorted(found)


def _read(file: str) -> bytes | None:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError:
        return None
