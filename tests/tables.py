"""The tables of the fast lane and of the Tab key, made from the declarations for Typer.

``python -m tests.tables`` writes both modules; a test compares them with what it would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import typer
from typer.core import TyperArgument, TyperOption

from haz_trio.cli import app
from haz_trio.cli.declared import BODY
from haz_trio.cli.lane_types import Kind

WIDTH = 99  # of a line
HERE = Path(app.__file__).parent
HEADER = '"""{}; made by `python -m tests.tables` from the declarations."""\n'

Declared: TypeAlias = Any  # Any: click's classes, which Typer keeps in a private module

_RULES = re.compile(r" \([A-Z]{2,4}-\d+( to [A-Z]{2,4}-\d+)?\)|\s*Example: .*", re.DOTALL)


@attrs.frozen
class Command:
    """A declared command and the words that lead to it."""

    path: tuple[str, ...]
    declared: Declared

    @property
    def body(self) -> str:
        """The name of what is called for it; a group has none."""
        return getattr(self.declared.callback, BODY, "")

    @property
    def options(self) -> list[TyperOption]:
        return [each for each in self.declared.params if isinstance(each, TyperOption)]

    @property
    def arguments(self) -> list[TyperArgument]:
        return [each for each in self.declared.params if isinstance(each, TyperArgument)]


def commands() -> list[Command]:
    """Every command, the program itself first."""
    return list(_walk((), typer.main.get_command(app.make_app())))


def _walk(path: tuple[str, ...], declared: Declared) -> Iterator[Command]:
    yield Command(path, declared)
    for name, inner in getattr(declared, "commands", {}).items():
        yield from _walk((*path, name), inner)


def kind_of(option: TyperOption) -> Kind:
    """What stands behind a flag; refuses what the lane has no word for."""
    odd = option.count or option.secondary_opts or option.prompt or option.default
    assert not odd, f"the lane does not know what {option.opts} is"
    if option.is_flag:
        return "switch"
    if option.multiple:
        return "many"
    return "optional" if (option.metavar or "").startswith("[=") else "value"


def lane_table() -> str:
    """The module of the fast lane."""
    program, *others = commands()
    version = next(each for each in program.options if each.is_eager)
    variables = {each.name: each.envvar for each in program.options if each.envvar}
    groups = tuple(each.path[0] for each in others if not each.body)
    parts = [
        HEADER.format("What the fast lane takes"),
        "from __future__ import annotations\n",
        "TYPE_CHECKING = False  # in place of typing's, which is not imported here",
        "if TYPE_CHECKING:\n    from haz_trio.cli.lane_types import Command, Path, Root\n",
        f"VERSION_FLAGS = {_short(tuple(version.opts))}",
        f'VERSION = "{app.VERSION}"',
        f'START = "{app.START}"',
        f"ROOT: Root = {_block(_root(program, variables))}",
        f"GROUPS = {_short(groups)}",
        f"COMMANDS: dict[Path, Command] = {_block(dict(_commands(others)))}",
    ]
    return "\n".join(parts) + "\n"


def _root(program: Command, variables: Mapping[Any, object]) -> tuple[object, ...]:
    return _flags(program), variables


def _commands(others: list[Command]) -> Iterator[tuple[tuple[str, ...], object]]:
    for command in others:
        if not command.body:
            assert len(command.path) == 1, "the lane knows groups of one level"
            continue
        assert len(command.arguments) <= 1, "the lane knows one positional"
        positional = next(
            ((each.name, each.nargs < 0, each.required) for each in command.arguments), None
        )
        assert not any(each.envvar for each in command.declared.params), "only root options"
        yield command.path, (command.body, positional, _flags(command))


def _flags(command: Command) -> dict[str, tuple[str | None, Kind]]:
    return {
        spelled: (option.name, kind_of(option))
        for option in command.options
        if not option.is_eager
        for spelled in option.opts
    }


def suggest_table() -> str:
    """The module of the Tab key."""
    rows = {
        command.path: (
            command.declared.get_short_help_str(80) if command.path else "",
            tuple((each.metavar or "", each.nargs < 0) for each in command.arguments),
            tuple(_shown(each) for each in command.options if not each.hidden),
        )
        for command in commands()
        if not command.declared.hidden
    }
    parts = [
        HEADER.format("What the Tab key offers"),
        "from __future__ import annotations\n",
        "TYPE_CHECKING = False  # in place of typing's, which is not imported here",
        "if TYPE_CHECKING:\n    from haz_trio.cli.lane_types import Path, ShownCommand\n",
        f"COMMANDS: dict[Path, ShownCommand] = {_block(rows)}",
    ]
    return "\n".join(parts) + "\n"


def _shown(option: TyperOption) -> tuple[object, ...]:
    return tuple(option.opts), kind_of(option), option.metavar or "", about(option.help)


def about(help: str | None) -> str:
    """The first sentence of a help text."""
    text = " ".join(_RULES.sub("", help or "").split())
    return re.split(r"[.;:] ", text, maxsplit=1)[0].rstrip(". ")


def _text(text: str) -> str:
    shown = repr(text)
    return shown if '"' in text else f'"{shown[1:-1]}"'


def _block(value: object, indent: str = "", before: int = 0) -> str:
    """A literal as ruff formats it: short ones in a line, others with a line for each part.

    ``before`` is how many characters stand before it in its line, behind the indent.
    """
    short = _short(value)
    if len(indent) + before + len(short) < WIDTH:
        return short
    inner = indent + "    "
    match value:
        case dict():
            keys = {_short(key): each for key, each in value.items()}
            rows = [f"{key}: {_block(each, inner, len(key) + 2)}" for key, each in keys.items()]
            first, last = "{", "}"
        case tuple():
            rows, first, last = [_block(each, inner) for each in value], "(", ")"
        case _:
            return short
    lines = "".join(f"{inner}{row},\n" for row in rows)
    return f"{first}\n{lines}{indent}{last}" if rows else first + last


def _short(value: object) -> str:
    match value:
        case str():
            return _text(value)
        case tuple():
            parts = ", ".join(map(_short, value))
            return f"({parts},)" if len(value) == 1 else f"({parts})"
        case dict():
            return "{" + ", ".join(f"{_short(k)}: {_short(v)}" for k, v in value.items()) + "}"
        case _:
            return repr(value)


def main() -> None:
    (HERE / "lane_table.py").write_text(lane_table())
    (HERE / "suggest_table.py").write_text(suggest_table())


if __name__ == "__main__":
    main()
