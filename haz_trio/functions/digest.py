"""What a function is made of, part by part, each with a digest (peers.md, idea 2).

The parts are its code, its defaults, the variables that it encloses, the globals that it names,
and the same of every local function among them; of local classes and modules the text of the
file, and those of all local modules that it imports.  Annotations, comments and places in files
do not count.
What is not known to be the same in the next process is refused, never guessed.
"""

from __future__ import annotations

import builtins
import dis
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

from haz_trio.errors import TaskError
from haz_trio.functions.imports import Following, Statement, package_of
from haz_trio.functions.origins import LOCAL, origin_of
from haz_trio.functions.values import NoBytesError, digest, encode, framed
from haz_trio.model.names import quote

_LANGUAGE = f"{sys.implementation.cache_tag} {importlib.util.MAGIC_NUMBER.hex()}"
_GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})


def parts_of(function: FunctionType) -> tuple[tuple[str, bytes], ...]:
    """The parts of a function, sorted by name.

    Reads files of local modules, and so may block.
    Raises ``TaskError``, with names and way out, for a value that cannot be digested, and for a
    coroutine function, called in this process, that uses a module edited since its import.
    """
    return _Digester().digest(function)


class _Digester:
    def __init__(self) -> None:
        self._parts: dict[str, bytes] = {"python": _LANGUAGE.encode()}
        self._names: dict[int, str] = {}  # by the id of the function; they live as long as this
        self._pending: list[FunctionType] = []
        self._modules: set[str] = set()
        self._imports = Following()

    def digest(self, function: FunctionType) -> tuple[tuple[str, bytes], ...]:
        self._name(function)
        for each in self._pending:
            self._take_apart(each)
        for name, data in self._imports.parts().items():
            self._parts.setdefault(f"module {name}", data)
        if self._imports.edited and inspect.iscoroutinefunction(function):
            files = ", ".join(quote(file) for file in sorted(self._imports.edited))
            raise TaskError(
                f"{function.__qualname__} would be called with old code: {files} was edited after "
                "this process had imported it; start a new process"
            )
        found = ((name, digest(data)) for name, data in self._parts.items())
        return tuple(sorted(found))

    def _name(self, function: FunctionType) -> str:
        """What a function is called in the names of its parts; it is taken apart once."""
        name = self._names.get(id(function))
        if name is None:
            name, number = function.__qualname__.rpartition("<locals>.")[2], 1
            if origin_of(_home(function)) != LOCAL:  # what a decorator has put around a function
                name = f"{name} by {_home(function)}"
            taken = self._names.values()
            while (full := name if number == 1 else f"{name} ({number})") in taken:
                number += 1
            name = self._names[id(function)] = full
            self._pending.append(function)
        return name

    def _take_apart(self, function: FunctionType) -> None:
        name, code = self._names[id(function)], function.__code__
        origin = origin_of(_home(function))
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        for variable, cell in cells:
            try:
                value = cell.cell_contents
            except ValueError:  # it has no value yet
                self._parts[f"closure variable {variable} of {name}"] = b""
                continue
            self._add(f"closure variable {variable} of {name}", value)
        positional = function.__defaults__ or ()
        named = code.co_varnames[code.co_argcount - len(positional) : code.co_argcount]
        for variable, value in zip(named, positional, strict=True):
            self._add(f"default {variable} of {name}", value)
        for variable, value in (function.__kwdefaults__ or {}).items():
            self._add(f"default {variable} of {name}", value)
        if origin != LOCAL:
            self._parts[f"code of {name}"] = framed("known", origin.encode(), _path(function))
            return
        self._parts[f"code of {name}"] = self._code(code, f"the code of {name}")
        known = function.__globals__
        for variable in sorted(set(_global_names(code))):
            if variable in known:
                self._add(f"global {variable} of {name}", known[variable])
            elif not hasattr(builtins, variable):
                self._parts[f"global {variable} of {name}"] = framed("missing")
        for statement in sorted(set(_imports(code))):
            imported = "." * statement[0] + statement[1]
            data = self._imports.called(statement, package_of(known))
            self._parts[f"import {imported} of {name}"] = data

    def _add(self, part: str, value: object) -> None:
        try:
            self._parts[part] = encode(value, self._other)
        except NoBytesError as problem:
            raise _refusal(part, value, problem) from None

    # -- code, classes and modules ------------------------------------------------------------

    def _code(self, code: CodeType, where: str) -> bytes:
        constants = []
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                constants.append(self._code(constant, where))
            else:
                constants.append(encode(constant, self._other))
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        return framed(
            "code",
            code.co_code,
            code.co_exceptiontable,
            encode(names, self._other),
            encode(counts, self._other),
            *constants,
        )

    def _other(self, value: object) -> bytes:
        match value:
            case FunctionType():
                return framed("function", self._name(value).encode())
            case ModuleType():
                return framed("module", self._module(value))
            case type():
                return framed("class", self._class(value))
            case BuiltinFunctionType():
                owner = value.__self__
                if owner is None or isinstance(owner, ModuleType | type):
                    module = value.__module__ or getattr(owner, "__name__", "")
                    return framed("builtin", f"{module}.{value.__qualname__}".encode())
                return framed("bound", encode(owner, self._other), value.__name__.encode())
            case _:
                raise NoBytesError(value)

    def _module(self, module: ModuleType) -> bytes:
        origin = origin_of(module.__name__)
        if origin != LOCAL:
            return framed("known", origin.encode(), module.__name__.encode())
        # Its own name is left out: the file of a workspace may be somewhere else tomorrow.
        text = self._imports.text_of(module)
        if text is None:
            raise NoBytesError(module, "its file cannot be read")
        if module.__name__ not in self._modules:
            self._modules.add(module.__name__)
            for other in _local_modules(module):
                if other.__name__ not in self._modules:
                    self._parts[f"module {other.__name__}"] = self._module(other)
        return framed("text", text)

    def _class(self, kind: type) -> bytes:
        name = kind.__qualname__.encode()
        origin = origin_of(kind.__module__)
        if origin != LOCAL:
            return framed("known", origin.encode(), name)
        if "<locals>" in kind.__qualname__:
            raise NoBytesError(kind, "the class is made inside of a function")
        module = sys.modules.get(kind.__module__)
        if module is None:
            raise NoBytesError(kind, f"its module {kind.__module__} is gone")
        return framed("local", name, self._module(module))


def _refusal(part: str, value: object, problem: NoBytesError) -> TaskError:
    inner = problem.value
    shown = f"a value of type {type(inner).__name__}"
    if isinstance(inner, type | ModuleType):
        shown = repr(inner)
    what = f"is {shown}" if inner is value else f"contains {shown}"
    why = f" ({problem.why})" if problem.why else ""
    return TaskError(
        f"{part} {what}{why}, which cannot be part of a key: it may be different in the next run; "
        "make it inside of the function, or use numbers, texts, lists, mappings, paths, enums or "
        "data classes"
    )


def _home(function: FunctionType) -> str:
    """The module whose code a function has, whatever a decorator says of it."""
    home = function.__globals__.get("__name__")
    return home if isinstance(home, str) else ""


def _path(function: FunctionType) -> bytes:
    name = getattr(function.__code__, "co_qualname", function.__code__.co_name)
    return f"{_home(function)}.{name}".encode()


def _global_names(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in _GLOBALS:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _imports(code: CodeType) -> Iterator[Statement]:
    loaded: list[object] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level, names = loaded[-2:]
            assert isinstance(level, int), "the number of dots is loaded first"
            yield level, str(instruction.argval), names if isinstance(names, tuple) else ()
        elif instruction.opname != "EXTENDED_ARG":
            loaded.append(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _imports(constant)


def _local_modules(module: ModuleType) -> list[ModuleType]:
    """The other local modules of which a local module has something."""
    found: dict[str, ModuleType] = {}
    for value in vars(module).values():
        if isinstance(value, ModuleType):
            other: ModuleType | None = value
        else:
            home = getattr(value, "__module__", None)
            other = sys.modules.get(home) if isinstance(home, str) else None
        if other is not None and other is not module and origin_of(other.__name__) == LOCAL:
            found[other.__name__] = other
    return [found[name] for name in sorted(found)]
