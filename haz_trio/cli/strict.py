"""The command line's grammar where Typer's own is looser than the contract (cli.md 2, 14.4).

Groups and commands look their arguments over before Typer parses them: a flag given twice, a
value that looks like a flag, a leftover, an unknown name with its nearest neighbour, and help
that wins over every other mistake. What passes here, Typer parses without complaint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from haz_trio.cli.lane import UNSAID
from haz_trio.cli.mistakes import refused

# Typer 0.24 parses with click, 0.28 with a copy of its own: neither type can be named for both.
Context: TypeAlias = Any  # reason: see above

HELP = ("-h", "--help")
NEAR = 0.7  # how alike two names are that may be mistaken for each other


class _Flag(NamedTuple):
    """One option: its first long name, whether it takes a value, and what the value is called.

    A value that is optional stands behind ``=`` or is not there.
    No class of attrs, which help would have to import for it alone.
    """

    name: str
    takes_value: bool
    meta: str
    repeatable: bool
    optional: bool = False


class StrictCommand(TyperCommand):
    """A command that refuses what the original refuses."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        flags = _flags(self.params)
        if _asks_for_help(args, flags):
            return super().parse_args(ctx, ["--help"])
        positionals = [p for p in self.params if isinstance(p, TyperArgument)]
        room = sum(float("inf") if p.nargs < 0 else p.nargs for p in positionals)
        left = _scan(args, flags)
        if len(left) > room:
            raise refused(f"`{left[int(room)]}` is not expected in this context")
        for position, parameter in enumerate(positionals):
            if parameter.required and len(left) <= position:
                meta = parameter.metavar or parameter.human_readable_name
                raise refused(f"expected `{meta}`, pass `--help` for usage information")
        return super().parse_args(ctx, _with_values(args, flags))


class StrictGroup(TyperGroup):
    """A group that takes its own flags first and then the name of a command."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        flags = _flags(self.params)
        head, rest = _split(args, flags)
        if _asks_for_help(head, flags) or "--help" in head:
            return super().parse_args(ctx, ["--help"])
        if "--version" in flags and any(map(_asks_for_version, head)):
            return super().parse_args(ctx, ["--version"])
        for word in head:
            self._check_own_flag(ctx, word, flags)
        _scan(head, flags)
        if not rest:
            raise refused("expected `COMMAND ...`, pass `--help` for usage information")
        names = self.list_commands(ctx)
        if rest[0] not in names:
            raise refused(_unknown_command(rest[0], names))
        return super().parse_args(ctx, args)

    def _check_own_flag(self, ctx: Context, word: str, flags: dict[str, _Flag]) -> None:
        name = word.partition("=")[0]
        if not name.startswith("-") or name in flags or name[:2] in flags:
            return
        for command in self.list_commands(ctx):
            inner = self.get_command(ctx, command)
            if inner is not None and name in _flags(inner.params):
                raise refused(
                    f"flag `{name}` is not valid in this context, "
                    f"did you mean to pass it to command `{command}`?"
                )
        near = get_close_matches(name, flags, 1, NEAR)
        if near:
            raise refused(_unknown_flag(name, near[0]))
        raise refused(_unknown_command(word, ()))


def _flags(parameters: Iterable[object]) -> dict[str, _Flag]:
    """Every spelling of every option; help is always there."""
    found = {name: _Flag("--help", False, "", True) for name in HELP}
    for parameter in parameters:
        if isinstance(parameter, TyperOption):
            names = [*parameter.opts, *parameter.secondary_opts]
            long = next((n for n in names if n.startswith("--")), names[0])
            takes_value = not (parameter.is_flag or parameter.count)
            meta = parameter.metavar or "VALUE"
            repeatable = parameter.multiple or parameter.count
            flag = _Flag(long, takes_value, meta, repeatable, meta.startswith("[="))
            found.update(dict.fromkeys(names, flag))
    return found


def _asks_for_help(args: Sequence[str], flags: dict[str, _Flag]) -> bool:
    words = args[: args.index("--")] if "--" in args else args
    for word in words:
        if word.partition("=")[0] in HELP:
            return True
        if word.startswith("-") and not word.startswith("--") and "h" in word:
            short = [f"-{letter}" for letter in word[1:]]
            if all(name in flags and not flags[name].takes_value for name in short):
                return True
    return False


def _asks_for_version(word: str) -> bool:
    name = word.partition("=")[0]
    return name == "--version" or (name.startswith("-V") and name.rstrip("V") == "-")


def _split(args: Sequence[str], flags: dict[str, _Flag]) -> tuple[list[str], list[str]]:
    """A group's own words, and the words from the name of the command on."""
    at = 0
    while at < len(args) and args[at].startswith("-") and args[at] != "--":
        flag = flags.get(args[at])
        at += 2 if flag is not None and flag.takes_value else 1
    return list(args[:at]), list(args[at:])


def _scan(args: Sequence[str], flags: dict[str, _Flag]) -> list[str]:
    """The positionals of a command line; raises ``UsageError`` for any flag that is not right."""
    left: list[str] = []
    seen: set[str] = set()
    at = 0
    while at < len(args):
        word = args[at]
        at += 1
        if word == "--":
            return left + list(args[at:])
        if not word.startswith("-") or word == "-":
            left.append(word)
            continue
        named, value = _read_flags(word, flags)
        for flag in named:
            if flag.name in seen and not flag.repeatable:
                raise refused(
                    f"argument `{flag.name}` cannot be used multiple times in this context"
                )
            seen.add(flag.name)
        flag = named[-1]
        if not flag.takes_value:
            if value is not None:
                raise refused(f"`{value}` is not expected in this context")
        elif value is None and not flag.optional:
            _check_value(args, at, flag, flags)
            at += 1
    return left


def _with_values(args: Sequence[str], flags: dict[str, _Flag]) -> list[str]:
    """The command line with ``UNSAID`` in the place of optional values that are not there."""
    end = args.index("--") if "--" in args else len(args)
    optional = {name for name, flag in flags.items() if flag.optional}
    head = [f"{word}={UNSAID}" if word in optional else word for word in args[:end]]
    return head + list(args[end:])


def _read_flags(word: str, flags: dict[str, _Flag]) -> tuple[list[_Flag], str | None]:
    """The option of a word, or the switches of a cluster like ``-fk``, and the value in it."""
    name, equals, value = word.partition("=")
    if name in flags:
        return [flags[name]], value if equals else None
    if not word.startswith("--") and word[:2] in flags:
        if flags[word[:2]].takes_value:
            return [flags[word[:2]]], word[2:]
        letters = [f"-{letter}" for letter in word[1:]]
        if all(each in flags and not flags[each].takes_value for each in letters):
            return [flags[each] for each in letters], None
    near = get_close_matches(name, [n for n in flags if n.startswith("--")], 1, NEAR)
    raise refused(_unknown_flag(name, near[0] if near else ""))


def _check_value(args: Sequence[str], at: int, flag: _Flag, flags: dict[str, _Flag]) -> None:
    wanted = f"`{flag.name}` requires an argument `{flag.meta}`"
    if at == len(args) or args[at].partition("=")[0] in flags or args[at] == "--":
        raise refused(wanted)
    if args[at].startswith("-") and args[at] != "-":
        # Imported here: only who made this mistake reads it.
        from shlex import quote

        shown = quote(args[at]) if " " in args[at] else args[at]
        raise refused(
            f"{wanted}, got a flag `{args[at]}`, "
            f"try `{flag.name}={shown}` to use it as an argument"
        )


def _unknown_flag(name: str, near: str) -> str:
    if near:
        return f"no such flag: `{name}`, did you mean `{near}`?"
    return f"`{name}` is not expected in this context"


def _unknown_command(word: str, names: Iterable[str]) -> str:
    near = get_close_matches(word, names, 1, NEAR)
    if near:
        return f"no such command or positional: `{word}`, did you mean `{near[0]}`?"
    return f"expected `COMMAND ...`, got `{word}`. Pass `--help` for usage information"
