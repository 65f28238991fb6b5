"""What can stand at the end of an unfinished command line: the answer to the Tab key.

Commands, flags and what is said about them come from a table that is made from their
declarations, names from the workspace.
The answer is one candidate a line, with a tab and a few words about it; a line with no candidate
and the word ``files`` or ``folders`` leaves it to the shell.
Every press of the key starts an interpreter: no library is imported here and no class of theirs
is made, until names are wanted.
"""

from __future__ import annotations

from haz_trio.cli.suggest_table import COMMANDS

TYPE_CHECKING = False  # in place of typing's, which is not imported here
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from haz_trio.cli.lane_types import Candidate, Path, Shown

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
_TASKS = ("TASK", "[TASK]", "[TASK]...")
_PLACES = {"DIR": "folders", "FILE": "files", "FILE|fd:N": "files"}


class _Line:
    """The words before the current one, as far as they have a meaning."""

    def __init__(self) -> None:
        self.path: Path = ()
        self.settings: dict[str, str] = {}
        self.seen: set[str] = set()
        self.positionals = 0
        self.waiting: Shown | None = None
        self.only_positionals = False

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
        elif self.is_group:
            if (*self.path, word) in COMMANDS:
                self.path = (*self.path, word)
                self.only_positionals = False
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
        spellings, kind, _, _ = option
        if kind != "many":
            self.seen.update(spellings)
        if kind != "switch":
            if equals:
                self._set(option, value)
            elif kind != "optional":
                self.waiting = option

    def _set(self, option: Shown, value: str) -> None:
        self.settings.update(dict.fromkeys(option[0], value))

    @property
    def is_group(self) -> bool:
        return any(path[:-1] == self.path for path in COMMANDS if path)

    @property
    def options(self) -> Sequence[Shown]:
        return COMMANDS[self.path][2]

    def option(self, name: str) -> Shown | None:
        return next((option for option in self.options if name in option[0]), None)


def suggest(before: Sequence[str], current: str) -> list[Candidate]:
    """The candidates for the word ``current`` behind the words ``before``, in order.

    Each is a word and a few words about it; without a word the shell looks for one.
    """
    line = _Line()
    for word in before:
        line.read(word)
    if line.waiting is not None:
        found = _values(line, line.waiting, current)
    elif current.startswith("-") and not line.only_positionals:
        found = _flags(line, current)
    elif line.is_group:
        found = _commands(line)
    else:
        found = _positional(line, current)
    return [(word, about) for word, about in found if word.startswith(current) or not word]


def _commands(line: _Line) -> Iterator[Candidate]:
    for path, (about, _, _) in COMMANDS.items():
        if path and path[:-1] == line.path:
            yield path[-1], about


def _flags(line: _Line, current: str) -> Iterator[Candidate]:
    name, equals, value = current.partition("=")
    option = line.option(name)
    if equals:
        if option is not None and option[1] != "switch":
            for word, about in _values(line, option, value):
                yield word and f"{name}={word}", about
        return
    for spellings, _, _, about in line.options:
        if not line.seen.intersection(spellings):
            for spelled in spellings:
                yield spelled, about
    yield "--help", "Show this message and exit."


def _values(line: _Line, option: Shown, current: str) -> Iterator[Candidate]:
    spellings, _, metavar, _ = option
    name = next((each for each in spellings if each.startswith("--")), spellings[0])
    yield from _words(line, name, metavar, current)


def _positional(line: _Line, current: str) -> Iterator[Candidate]:
    _, arguments, _ = COMMANDS[line.path]
    for metavar, several in arguments[line.positionals :] or arguments[-1:]:
        if several or line.positionals < len(arguments):
            yield from _words(line, metavar, metavar, current)
        return


def _words(line: _Line, name: str, metavar: str, current: str) -> Iterator[Candidate]:
    for word in WORDS.get((line.name, name), ()):
        yield word, ""
    if metavar in _PLACES:
        yield "", _PLACES[metavar]
    elif metavar in _TASKS:
        # Imported here: commands and flags need no YAML.
        from haz_trio.cli.suggest_tasks import tasks

        yield from tasks(line.settings, current)
