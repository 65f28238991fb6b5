"""Frozen value classes: what ``attrs.frozen`` makes, without compiling a line for each class.

A command starts with the import of all classes that it may need, and attrs writes and compiles
methods for each: half a millisecond a class, more than thirty for attrs itself (performance.md
6). Here all classes share their methods, and reach their fields by the descriptors of slots; only
``__init__`` is one of each class, made from bytecode that was compiled with this module. A class
costs some microseconds, an object less than with attrs (measured: 0.25 and 0.4 µs).

Fields are the annotated names of the class body, in order; there is no inheritance of fields.
"""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from types import CellType, FunctionType

TYPE_CHECKING = False  # typing itself would cost a start more than a hundred classes
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType
    from typing import Any, TypeAlias, TypeVar, dataclass_transform

    Anything: TypeAlias = Any  # Any: objects of every class that is made here, and their fields

    Put: TypeAlias = Callable[[Any, Any], object]  # a setter of a slot

    _T = TypeVar("_T")
else:

    def dataclass_transform(**_: object) -> Callable[[_T], _T]:
        """Only for the type checker."""
        return lambda decorator: decorator


class FrozenError(AttributeError):
    """An attribute of a value was to be set or deleted."""


class _Missing:
    """In the place of a default that there is not."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Anything = _Missing()


class _Field:
    """What is special about a field."""

    __slots__ = ("default", "eq", "factory", "repr")

    def __init__(
        self, default: object, factory: Callable[[], object] | None, eq: bool, repr: bool
    ) -> None:
        self.default, self.factory, self.eq, self.repr = default, factory, eq, repr


def field(
    *,
    default: Anything = MISSING,
    factory: Callable[[], Anything] | None = None,
    eq: bool = True,
    repr: bool = True,
) -> Anything:
    """A field with a default, made anew by ``factory`` if there is one.

    Without ``eq`` it takes no part in comparisons and hashes, without ``repr`` in texts.
    """
    return _Field(default, factory, eq, repr)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """Make a class one of frozen values with slots; to be used as a decorator."""
    return _make(cls)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_with(
    *, eq: bool = True, order: bool = False, kw_only: bool = False
) -> Callable[[type[_T]], type[_T]]:
    """The same with a difference.

    With ``order`` values compare as the tuples of their fields; without ``eq`` each object is
    equal to itself alone. ``kw_only`` values are made with keywords.
    """
    return partial(_make, eq=eq, order=order, kw_only=kw_only)


def evolve(instance: _T, /, **changes: object) -> _T:
    """A copy of a value with some fields changed; raises ``TypeError`` for any other name."""
    shape: _Shape = instance.__shape__  # type: ignore[attr-defined]  # every value class has it
    kept = {name: getattr(instance, name) for name in shape.names if name not in changes}
    return type(instance)(**kept, **changes)


def field_names(cls: type) -> tuple[str, ...]:
    """The fields of a value class, in order."""
    shape: _Shape = cls.__shape__  # type: ignore[attr-defined]  # every value class has it
    return shape.names


class _Shape:
    """What the shared methods must know of a class."""

    __slots__ = ("compared", "defaults", "factories", "kw_only", "names", "shown")

    def __init__(self, names: Sequence[str], fields: dict[str, object], kw_only: bool) -> None:
        plain = {n: f for n, f in fields.items() if not isinstance(f, _Field)}
        special = {n: f for n, f in fields.items() if isinstance(f, _Field)}
        self.names = tuple(names)
        self.kw_only = kw_only
        self.defaults = {
            **plain,
            **{n: f.default for n, f in special.items() if f.default is not MISSING},
        }
        self.factories = {n: f.factory for n, f in special.items() if f.factory is not None}
        self.shown = tuple(n for n in names if n not in special or special[n].repr)
        self.compared = _getter([n for n in names if n not in special or special[n].eq])

    def arguments(
        self, owner: str, args: tuple[object, ...], named: dict[str, Anything]
    ) -> list[Anything]:
        """One value for each field, from a call with these arguments."""
        names = self.names
        if len(args) > len(names) or (args and self.kw_only):
            most = 0 if self.kw_only else len(names)
            raise TypeError(f"{owner}() takes {most} positional arguments, not {len(args)}")
        if len(args) + len(named) == len(names):
            try:
                return [*args, *[named[name] for name in names[len(args) :]]]
            except KeyError:
                pass  # what follows says what is wrong, or takes a default
        found = list(args)
        for name in names[len(args) :]:
            if name in named:
                found.append(named.pop(name))
            elif name in self.defaults:
                found.append(self.defaults[name])
            elif name in self.factories:
                found.append(self.factories[name]())
            else:
                raise TypeError(f"{owner}() lacks the argument {name!r}")
        if named:
            what = "has twice" if next(iter(named)) in names else "takes no"
            raise TypeError(f"{owner}() {what} argument {next(iter(named))!r}")
        return found


def _getter(names: list[str]) -> Callable[[object], object]:
    """What gets the compared fields of an object, as one thing that compares as they do."""
    if not names:
        return lambda _: ()
    return attrgetter(*names)


def _make(
    cls: type[_T], *, eq: bool = True, order: bool = False, kw_only: bool = False
) -> type[_T]:
    body = dict(cls.__dict__)
    names = [name for name in body.get("__annotations__", ()) if not name.startswith("__")]
    fields = {name: body.pop(name) for name in names if name in body}
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    shape = _Shape(names, fields, kw_only)
    body.update(
        __slots__=tuple(names),
        __shape__=shape,
        __match_args__=() if kw_only else tuple(names),
        __qualname__=cls.__qualname__,
    )
    for method in (_SHARED | (_EQUAL if eq else {}) | (_ORDERED if order else {})).items():
        body.setdefault(*method)
    if "__eq__" in cls.__dict__ and "__hash__" not in cls.__dict__:
        body["__hash__"] = None  # as Python does for any class
    kind: Anything = type(cls)
    made: type[_T] = kind(cls.__name__, cls.__bases__, body)
    setters = [getattr(made, name).__set__ for name in names]
    type.__setattr__(made, "__init__", _init_of(cls.__name__, shape, setters))
    return made


# -- the methods that all classes share ---------------------------------------------------------


def _init_of(owner: str, shape: _Shape, setters: Sequence[Put]) -> Anything:
    """The ``__init__`` of a class.

    One that is compiled already, for as many fields, gets their names and defaults; where there
    is none, or a default is made anew for each object, a loop does the same at three times the
    cost.
    """
    defaults = [shape.defaults[name] for name in shape.names if name in shape.defaults]
    if shape.factories or len(setters) >= len(_INITS) or not _come_last(shape):

        def init(self: Anything, /, *args: Anything, **named: Anything) -> None:
            for put_next, given in zip(setters, shape.arguments(owner, args, named), strict=True):
                put_next(self, given)

        return init
    code = _INITS[len(setters)].replace(
        co_varnames=("self", *shape.names), co_name="__init__", co_qualname=f"{owner}.__init__"
    )
    if shape.kw_only:
        code = code.replace(co_argcount=1, co_kwonlyargcount=len(setters))
    cells = tuple(map(CellType, setters))
    positional = None if shape.kw_only else tuple(defaults)
    made = FunctionType(code, globals(), "__init__", positional, cells)
    if shape.kw_only:
        made.__kwdefaults__ = shape.defaults
    return made


def _codes(
    a: Put, b: Put, c: Put, d: Put, e: Put, f: Put, g: Put, h: Put, i: Put
) -> tuple[CodeType, ...]:
    """What sets no field, one, two, ...: each setter returns ``None``, so the next follows."""
    inits = (
        lambda self, /: None,
        lambda self, /, s: a(self, s),
        lambda self, /, s, t: a(self, s) or b(self, t),
        lambda self, /, s, t, u: a(self, s) or b(self, t) or c(self, u),
        lambda self, /, s, t, u, v: a(self, s) or b(self, t) or c(self, u) or d(self, v),
        lambda self, /, s, t, u, v, w: (
            a(self, s) or b(self, t) or c(self, u) or d(self, v) or e(self, w)
        ),
        lambda self, /, s, t, u, v, w, x: (
            a(self, s) or b(self, t) or c(self, u) or d(self, v) or e(self, w) or f(self, x)
        ),
        lambda self, /, s, t, u, v, w, x, y: (
            (a(self, s) or b(self, t) or c(self, u) or d(self, v) or e(self, w) or f(self, x))
            or g(self, y)
        ),
        lambda self, /, s, t, u, v, w, x, y, z: (
            (a(self, s) or b(self, t) or c(self, u) or d(self, v) or e(self, w) or f(self, x))
            or (g(self, y) or h(self, z))
        ),
        lambda self, /, s, t, u, v, w, x, y, z, last: (
            (a(self, s) or b(self, t) or c(self, u) or d(self, v) or e(self, w) or f(self, x))
            or (g(self, y) or h(self, z) or i(self, last))
        ),
    )
    return tuple([init.__code__ for init in inits])


_INITS = _codes(*[delattr] * 9)


def _come_last(shape: _Shape) -> bool:
    """Whether no field without a default comes behind one that has one."""
    first = len(shape.names) - len(shape.defaults)
    return all(name in shape.defaults for name in shape.names[first:])


def _repr(self: Anything) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__shape__.shown)
    return f"{type(self).__qualname__.rpartition('>.')[2]}({shown})"


def _eq(self: Anything, other: Anything) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = self.__shape__.compared
    return compared(self) == compared(other)


def _hash(self: Anything) -> int:
    return hash((self.__class__, self.__shape__.compared(self)))


def _lt(self: Anything, other: Anything) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _all(self) < _all(other)


def _le(self: Anything, other: Anything) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _all(self) <= _all(other)


def _gt(self: Anything, other: Anything) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _all(self) > _all(other)


def _ge(self: Anything, other: Anything) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _all(self) >= _all(other)


def _all(self: Anything) -> tuple[Anything, ...]:
    return tuple([getattr(self, name) for name in self.__shape__.names])


def _refuse_set(self: Anything, name: str, _: object) -> None:
    raise FrozenError(f"{type(self).__name__}.{name} cannot be set: the value is frozen")


def _refuse_delete(self: Anything, name: str) -> None:
    raise FrozenError(f"{type(self).__name__}.{name} cannot be deleted: the value is frozen")


def _reduce(self: Anything) -> tuple[object, ...]:
    return (_remade, (type(self), {n: getattr(self, n) for n in self.__shape__.names}))


def _remade(cls: type[_T], fields: dict[str, object]) -> _T:
    """A value again, from a pickle or for a copy."""
    return cls(**fields)


_SHARED = {
    "__repr__": _repr,
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
    "__reduce__": _reduce,
}
_EQUAL = {"__eq__": _eq, "__hash__": _hash}
_ORDERED = {"__lt__": _lt, "__le__": _le, "__gt__": _gt, "__ge__": _ge}
