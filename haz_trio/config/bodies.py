"""Task bodies of a file into tasks; everything wrong with them is noted (CFG-006, 016 to 022)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import attrs

from haz_trio.config.advice import path_advice, pattern_remarks
from haz_trio.config.nodes import Place, Sheet
from haz_trio.config.schema import EnvDto, MutexDto, Name, TaskDto, Tasks, keys_of
from haz_trio.errors import InvalidTextError, Severity, Span
from haz_trio.model.globs import compile_glob
from haz_trio.model.names import SHELL_NAME_BYTES, check_name, check_variable, quote
from haz_trio.model.patterns import Pattern, parse_pattern
from haz_trio.model.references import Reference, parse_reference
from haz_trio.model.tasks import (
    Action,
    Argv,
    Environment,
    Function,
    Mutex,
    MutexMode,
    MutexScope,
    Shell,
    Task,
    parse_function,
)

T = TypeVar("T")
PROJECT_FILE = "haz.yml"
_HELP = {name: about.help for name, (_, about) in keys_of(TaskDto).items()} | {
    f"env.{name}": about.help for name, (_, about) in keys_of(EnvDto).items()
}
_ACTIONS = ("command", "shell", "function")
_LISTS = ("inputs", "outputs", "deps", "weakDeps")


def build_tasks(sheet: Sheet, tasks: Tasks | None, source: str | None) -> dict[str, Task]:
    """The tasks that can be built, in byte order of their names."""
    built: dict[str, Task] = {}
    for name in sorted(tasks or (), key=lambda name: name.value):
        assert tasks is not None, "there is a name"
        task = _Body(sheet, name, tasks[name], source).build()
        if task is not None:
            built[task.name] = task
    return built


@attrs.frozen
class _Body:
    """One body while it is checked."""

    sheet: Sheet
    name: Name
    dto: TaskDto
    source: str | None

    def build(self) -> Task | None:
        try:
            check_name(self.name.value)
        except InvalidTextError as problem:
            self._add(
                "006",
                f"this is no task name: {problem}",
                "",
                self.name.place,
                help="use letters, digits, `_` and `-`, starting with a letter or digit",
            )
        dto = self.dto
        inputs = self._patterns("inputs", dto.inputs, "016")
        outputs = self._patterns("outputs", dto.outputs, "017")
        deps = self._references("deps", dto.deps)
        weak_deps = self._references("weakDeps", dto.weak_deps)
        self._check_outputs(dto.outputs or ())
        mutex = self._mutex()
        env = self._environment(dto.env) if dto.env is not None else Environment()
        action = self._action()
        if action is None:
            return None
        return Task(
            self.name.value,
            action,
            inputs,
            outputs,
            deps,
            weak_deps,
            mutex,
            env,
            self.source,
            self._places(),
        )

    def _add(
        self,
        code: str,
        message: str,
        key: str,
        place: Place,
        *,
        help: str = "",
        label: str = "here",
        first: Place | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        path = f"tasks.{self.name.value}" + (f".{key}" if key else "")
        self.sheet.add(
            code,
            f"task {quote(self.name.value)}: {message}",
            place,
            label=label,
            key_path=path,
            help=help,
            related=() if first is None else self.sheet.here("first occurrence here", first),
            severity=severity,
        )

    # -- lists --------------------------------------------------------------------------------

    def _each(
        self, key: str, names: tuple[Name, ...] | None, code: str, parse: Callable[[str], T]
    ) -> Iterator[tuple[Name, T]]:
        """The entries of a list that ``parse`` accepts and that did not occur before."""
        seen: dict[str, Name] = {}
        for index, name in enumerate(names or ()):
            where = f"{key}[{index}]"
            try:
                value = parse(name.value)
            except InvalidTextError as problem:
                message = f"the entry {quote(name.value)} of `{key}` is refused: {problem}"
                label = f"refused in `{key}`"
                advice = path_advice(name.value) if parse is parse_pattern else ""
                help = advice or _HELP[key]
                self._add(code, message, where, name.place, label=label, help=help)
                continue
            first = seen.setdefault(name.value, name)
            if first is not name:
                message = f"the entry {quote(name.value)} occurs twice in `{key}`"
                self._add(
                    code,
                    message,
                    where,
                    name.place,
                    label="again here",
                    help="remove one of the two",
                    first=first.place,
                )
                continue
            yield name, value

    def _patterns(
        self, key: str, names: tuple[Name, ...] | None, code: str
    ) -> tuple[Pattern, ...]:
        found = []
        for name, pattern in self._each(key, names, code, parse_pattern):
            found.append(pattern)
            if not name.value.isascii():
                for message in pattern_remarks(pattern):
                    self._add(code, message, key, name.place, severity=Severity.WARNING)
        return tuple(found)

    def _references(self, key: str, names: tuple[Name, ...] | None) -> tuple[Reference, ...]:
        return tuple(value for _, value in self._each(key, names, "018", parse_reference))

    def _check_outputs(self, names: tuple[Name, ...]) -> None:
        for index, name in enumerate(names):
            where = f"outputs[{index}]"
            # Where a relative output lies is known with the project's root: graph/files.py.
            if name.value == "/.haz" or name.value.startswith("/.haz/"):
                self._add(
                    "017",
                    f"the output {quote(name.value)} lies under `.haz/`, which belongs to haz",
                    where,
                    name.place,
                    help="let the task write somewhere else",
                )
            elif _matches_project_file(name.value):
                self._add(
                    "017",
                    f"the output {quote(name.value)} takes in the project's own {PROJECT_FILE}",
                    where,
                    name.place,
                    help="use a narrower pattern: restoring an output overwrites the file",
                    severity=Severity.WARNING,
                )

    # -- the rest of a body -------------------------------------------------------------------

    def _mutex(self) -> Mutex | None:
        match self.dto.mutex:
            case None:
                return None
            case Name() as name:
                return self._named_mutex(name, MutexMode.EXCLUSIVE, "mutex")
            case MutexDto(name=name, mode=mode, given=given):
                for key, value in (("name", name), ("mode", mode)):
                    if value is None and key not in given.keys:
                        self._add(
                            "019",
                            f"a `mutex` that is a mapping needs a `{key}`",
                            "mutex",
                            given.place,
                            help="write `{name: NAME, mode: exclusive}` or `mode: shared`; "
                            "`mutex: NAME` alone means exclusive",
                        )
                if name is None:
                    return None
                return self._named_mutex(name, mode or MutexMode.EXCLUSIVE, "mutex.name")

    def _named_mutex(self, name: Name, mode: MutexMode, key: str) -> Mutex | None:
        own = name.value.startswith("~:")
        bare = name.value.removeprefix("~:")
        try:
            check_name(bare)
        except InvalidTextError as problem:
            message = f"the mutex {quote(name.value)} is refused: {problem}"
            label, help = "refused as a mutex", _HELP["mutex"]
            self._add("019", message, key, name.place, label=label, help=help)
            return None
        scope = MutexScope.PROJECT if own else MutexScope.WORKSPACE
        return Mutex(bare, scope, mode)

    def _environment(self, dto: EnvDto) -> Environment:
        copied = self._each("env.from_host", dto.from_host, "032", check_variable)
        from_host = frozenset(value for _, value in copied)
        override: dict[str, str] = {}
        for key, value in (dto.override or {}).items():
            try:
                override[check_variable(key.value)] = value.value
            except InvalidTextError as problem:
                self._add(
                    "033",
                    f"the key {quote(key.value)} of `env.override` is refused: {problem}",
                    f"env.override.{key.value}",
                    key.place,
                    label="no variable name",
                    help=_HELP["env.override"],
                )
        return Environment(from_host, tuple(sorted(override.items())))

    def _action(self) -> Action | None:
        dto, given = self.dto, self.dto.given
        shell = self._shell_name()
        actions = [key for key in _ACTIONS if key in given.keys]
        if len(actions) > 1:
            self._add(
                "020",
                f"the body has both `{actions[0]}` and `{actions[1]}`",
                actions[1],
                given.key(actions[1]),
                help="keep one of the two: `command` runs a program, `shell` a script, "
                "`function` calls a Python function",
                label="one action too many",
                first=given.key(actions[0]),
            )
            return None
        if not actions:
            self._add(
                "020",
                "the body has no action",
                "",
                self.name.place,
                help="add `command: [program, argument]`, or `shell` with a script",
                label="needs `command` or `shell`",
            )
            return None
        if "shell" in actions:
            return Shell(dto.shell.value, shell) if dto.shell is not None else None
        if "shell_type" in given.keys:
            self._add(
                "022",
                f"`shell_type` stands beside `{actions[0]}`, and belongs to `shell`",
                "shell_type",
                given.value("shell_type"),
                help="remove it, or write the command as `shell`",
            )
        return self._function() if "function" in actions else self._command()

    def _function(self) -> Function | None:
        name = self.dto.function
        if name is None:
            return None
        try:
            return parse_function(name.value)
        except InvalidTextError as problem:
            message = f"the `function` {quote(name.value)} is refused: {problem}"
            self._add("020", message, "function", name.place, help=_HELP["function"])
            return None

    def _command(self) -> Argv | None:
        command = self.dto.command
        if command is None:
            return None
        if not command:
            self._add(
                "021",
                "`command` is empty",
                "command",
                self.dto.given.value("command"),
                help="list the program and its arguments: `command: [make, all]`",
                label="no program",
            )
            return None
        return Argv(tuple(name.value for name in command))

    def _shell_name(self) -> str:
        name = self.dto.shell_type
        if name is None:
            return "sh"
        try:
            return check_name(name.value, limit=SHELL_NAME_BYTES)
        except InvalidTextError as problem:
            message = f"the `shell_type` {quote(name.value)} is refused: {problem}"
            help = "name a shell that the task's PATH leads to: `bash`"
            self._add("022", message, "shell_type", name.place, help=help)
            return "sh"

    def _places(self) -> dict[str, Span]:
        """Spans for later messages, under key paths that begin at the body."""
        span, dto = self.sheet.span, self.dto
        places = {"": span(self.name.place)}
        for key, (_, value) in dto.given.keys.items():
            places[key] = span(value)
        for key, names in zip(
            _LISTS, (dto.inputs, dto.outputs, dto.deps, dto.weak_deps), strict=True
        ):
            for index, name in enumerate(names or ()):
                places[f"{key}[{index}]"] = span(name.place)
        return places


def _matches_project_file(text: str) -> bool:
    """Whether a relative pattern that may have been refused takes in ``haz.yml``."""
    if text == PROJECT_FILE:
        return True
    if text.startswith("/") or text.isalnum():
        return False
    try:
        pattern = parse_pattern(text)
    except InvalidTextError:
        return False
    return pattern.is_glob and compile_glob(text).matches(PROJECT_FILE.encode())
