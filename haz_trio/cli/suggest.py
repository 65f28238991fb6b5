"""What can stand at the end of an unfinished command line: the answer to the Tab key.

Commands, flags and help come from the application's own declarations, names from the workspace.
The answer is one candidate a line, with a tab and a few words about it; a line with no candidate
and the word ``files`` or ``folders`` leaves it to the shell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import attrs
from typer.core import TyperArgument, TyperOption

from haz_trio.cli.options import RootOptions

# Typer 0.24 to 0.28 parse with click or with a copy of it: no type can be named for both.
Command: TypeAlias = Any  # reason: see above

# The words that an option or argument takes, where its declaration says just that it is text.
WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "--color"): ("auto", "always", "never"),
    ("", "--diagnostics"): ("pretty", "narrated", "json"),
    ("run", "--output-mode"): ("live", "buffered"),
    ("run", "--no-cache"): ("read", "write"),
    ("run", "--annotations"): ("auto", "github", "none"),
    ("query", "--format"): ("plain", "json", "jsonl", "null"),
    ("query", "--graph"): ("dot", "mermaid", "json"),
    ("graph", "--format"): ("dot", "mermaid", "json"),
    ("schema", "[KIND]"): ("workspace", "project", "overlay"),
    ("completions", "SHELL"): ("bash", "zsh", "fish", "powershell"),
}
_TASKS = frozenset({"TASK", "[TASK]", "[TASK]..."})
_PLACES = {"DIR": "folders", "FILE": "files"}
_OPTIONAL = "[="  # how the name of a value begins that stands behind `=` or is not there
_RULES = re.compile(r" \([A-Z]{2,4}-\d+( to [A-Z]{2,4}-\d+)?\)|\s*Example: .*", re.DOTALL)


@attrs.frozen
class Candidate:
    """A word that fits, and a few words about it; without a ``word`` the shell looks for one."""

    word: str
    about: str = ""

    def __str__(self) -> str:
        return f"{self.word}\t{self.about}"


@attrs.define
class _Line:
    """The words before the current one, as far as they have a meaning."""

    command: Command
    path: list[str] = attrs.field(factory=list)
    settings: dict[str, str] = attrs.field(factory=dict)
    seen: set[str] = attrs.field(factory=set)
    positionals: int = 0
    waiting: TyperOption | None = None
    only_positionals: bool = False

    @property
    def name(self) -> str:
        return " ".join(self.path)

    def read(self, word: str) -> None:
        """Take in one more word."""
        if self.waiting is not None:
            self._set(self.waiting, word)
            self.waiting = None
        elif word == "--" and not self.only_positionals:
            self.only_positionals = True
        elif word.startswith("-") and word != "-" and not self.only_positionals:
            self._flag(word)
        elif hasattr(self.command, "commands"):
            inner = self.command.commands.get(word)
            if inner is not None:
                self.command, self.only_positionals = inner, False
                self.path.append(word)
                self.seen.clear()
        else:
            self.positionals += 1

    def _flag(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self.option(name)
        if option is None:
            option, value, equals = self.option(word[:2]), word[2:], word[2:]
        if option is None:
            return
        if not option.multiple:
            self.seen.update(option.opts)
        if takes_value(option):
            if equals:
                self._set(option, value)
            elif not (option.metavar or "").startswith(_OPTIONAL):
                self.waiting = option

    def _set(self, option: TyperOption, value: str) -> None:
        self.settings.update(dict.fromkeys(option.opts, value))

    def option(self, name: str) -> TyperOption | None:
        for parameter in options_of(self.command):
            if name in parameter.opts:
                return parameter
        return None

    @property
    def workspace(self) -> RootOptions:
        directory, root = self.settings.get("-C"), self.settings.get("--root")
        return RootOptions(
            None if directory is None else os.path.expanduser(directory),
            os.path.expanduser(root) if root else os.environ.get("HAZ_ROOT") or None,
        )


def suggest(application: Command, before: Sequence[str], current: str) -> list[Candidate]:
    """The candidates for the word ``current`` behind the words ``before``, in order."""
    line = _Line(application)
    for word in before:
        line.read(word)
    if line.waiting is not None:
        found = _values(line, line.waiting, current)
    elif current.startswith("-") and not line.only_positionals:
        found = _flags(line, current)
    elif hasattr(line.command, "commands"):
        found = _commands(line.command)
    else:
        found = _positional(line, current)
    return [each for each in found if not each.word or each.word.startswith(current)]


def options_of(command: Command) -> list[TyperOption]:
    return [each for each in command.params if isinstance(each, TyperOption)]


def takes_value(option: TyperOption) -> bool:
    return not (option.is_flag or option.count)


def _commands(group: Command) -> Iterator[Candidate]:
    for name, command in group.commands.items():
        if not command.hidden:
            yield Candidate(name, command.get_short_help_str(80))


def _flags(line: _Line, current: str) -> Iterator[Candidate]:
    name, equals, value = current.partition("=")
    option = line.option(name)
    if equals:
        if option is not None and takes_value(option):
            for each in _values(line, option, value):
                yield attrs.evolve(each, word=each.word and f"{name}={each.word}")
        return
    for option in options_of(line.command):
        if not option.hidden and not line.seen.intersection(option.opts):
            for spelled in option.opts:
                yield Candidate(spelled, _about(option.help))
    yield Candidate("--help", "Show this message and exit.")


def _values(line: _Line, option: TyperOption, current: str) -> Iterator[Candidate]:
    name = next((each for each in option.opts if each.startswith("--")), option.opts[0])
    yield from _words(line, name, option.metavar or "", current)


def _positional(line: _Line, current: str) -> Iterator[Candidate]:
    places = [each for each in line.command.params if isinstance(each, TyperArgument)]
    last = len(places) - 1
    at = min(line.positionals, last) if places and places[last].nargs < 0 else line.positionals
    if at <= last:
        metavar = places[at].metavar or ""
        yield from _words(line, metavar, metavar, current)


def _words(line: _Line, name: str, metavar: str, current: str) -> Iterator[Candidate]:
    for word in WORDS.get((line.name, name), ()):
        yield Candidate(word)
    if metavar in _PLACES:
        yield Candidate("", _PLACES[metavar])
    elif metavar in _TASKS:
        # Imported here: commands and flags need no YAML.
        from haz_trio.cli.suggest_names import find_names
        from haz_trio.cli.suggest_tasks import references

        for word, about in references(find_names(line.workspace), current):
            yield Candidate(word, about)


def _about(help: str | None) -> str:
    """The first sentence of a help text."""
    text = " ".join(_RULES.sub("", help or "").split())
    return re.split(r"[.;:] ", text, maxsplit=1)[0].rstrip(".")
