"""The shape of the three kinds of files: one attrs class per mapping, one line per key.

A field's type says how its value is read, its ``Key`` says which rule it falls under and what to
write instead; ``structure.py`` turns nodes into these classes.
What a value means is checked later (``bodies.py``, ``settings.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NewType, TypeAlias  # Any: what attrs.field gives is whatever its field is

import attrs

from haz_trio.config.nodes import Place
from haz_trio.model.tasks import MutexMode
from haz_trio.model.workspace import Containment, HashName, KeepOutputs, OutputMode

Age = NewType("Age", int)  # seconds, written like 4w2d
Size = NewType("Size", int)  # bytes, written like 2GiB
Seconds = NewType("Seconds", float)  # finite, not negative
Count = NewType("Count", int)  # at least 1
Parallelism = NewType("Parallelism", int)  # at least 1, or `auto`, which reads as 0


@attrs.frozen
class Name:
    """Text taken verbatim (CFG-005), and where it stands; equal when the text is."""

    value: str
    place: Place = attrs.field(eq=False)


Names: TypeAlias = tuple[Name, ...]
_KEY = "haz_trio.config"
EXTENSION = "x-"


@attrs.frozen
class Key:
    """What messages about a key say; ``rule`` and ``items`` are numbers of rules, or ``yaml``.

    ``items`` is for what is inside the value; ``nullable`` keys take null for "not given".
    """

    rule: str
    help: str
    name: str = ""
    items: str = ""
    required: bool = False
    nullable: bool = True


@attrs.frozen
class Given:
    """Which keys a mapping has, nulls left out: the places of the key and of its value."""

    place: Place = (0, 0, 0, 0)
    keys: Mapping[str, tuple[Place, Place]] = attrs.field(factory=dict)

    def key(self, name: str) -> Place:
        return self.keys[name][0] if name in self.keys else self.place

    def value(self, name: str) -> Place:
        return self.keys[name][1] if name in self.keys else self.place


def key(
    rule: str,
    help: str,
    *,
    name: str = "",
    items: str = "",
    required: bool = False,
    nullable: bool = True,
) -> Any:  # Any: see the import
    """A field of a mapping; its name is the attribute's unless ``name`` is given."""
    about = Key(rule, help, name, items or rule, required, nullable)
    return attrs.field(default=None, metadata={_KEY: about})


def given() -> Any:  # Any: see the import
    """The field that takes a ``Given``; it is no key of the file."""
    return attrs.field(factory=Given)


def keys_of(cls: type[attrs.AttrsInstance]) -> dict[str, tuple[attrs.Attribute[object], Key]]:
    """The keys of a mapping in declaration order: attribute and description of each."""
    found = {}
    for attribute in attrs.fields(attrs.resolve_types(cls)):
        about = attribute.metadata.get(_KEY)
        if about is not None:
            found[about.name or attribute.name] = (attribute, about)
    return found


# ruff: noqa: RUF009  # ``key`` and ``given`` are ``attrs.field`` under a shorter name

# -- task bodies ------------------------------------------------------------------------------

_REFERENCES = (
    "list references such as `~:task`, `project:task`, `^:task` or `[tag]:task`; "
    "those that start with `[` need quotes"
)
_PATTERNS = "list paths or globs such as `src/**/*.py`; `/` at the start is the workspace root"


@attrs.frozen(kw_only=True)
class MutexDto:
    name: Name | None = key("019", "give the mutex a name: `{name: db, mode: shared}`")
    mode: MutexMode | None = key("019", "write `mode: exclusive` or `mode: shared`")
    given: Given = given()


@attrs.frozen(kw_only=True)
class EnvDto:
    from_host: Names | None = key("032", "list names of variables: `from_host: [PATH, HOME]`")
    override: Mapping[Name, Name] | None = key(
        "033", "write a mapping of variables to texts: `override: {LANG: C}`", items="yaml"
    )
    given: Given = given()


@attrs.frozen(kw_only=True)
class TaskDto:
    inputs: Names | None = key("016", _PATTERNS)
    outputs: Names | None = key("017", _PATTERNS)
    deps: Names | None = key("018", _REFERENCES)
    weak_deps: Names | None = key("018", _REFERENCES, name="weakDeps")
    mutex: Name | MutexDto | None = key(
        "019", "write `mutex: name`, `mutex: ~:name` or `mutex: {name: name, mode: shared}`"
    )
    env: EnvDto | None = key("032", "write `env: {from_host: [PATH], override: {LANG: C}}`")
    command: Names | None = key(
        "021",
        "list the program and its arguments: `command: [make, all]`; "
        "for a command line or a script use `shell: make all`",
    )
    shell: Name | None = key("022", "write the script as text: `shell: make all`")
    shell_type: Name | None = key("022", "name a shell: `shell_type: bash`")
    function: Name | None = key(
        "020", "name a Python file and a function in it: `function: tools/seed.py:seed`"
    )
    given: Given = given()


Tasks: TypeAlias = Mapping[Name, TaskDto]
_TASKS = "write a mapping of task names to bodies: `tasks: {build: {command: [make]}}`"

# -- files ------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ProjectDto:
    """``haz.yml``."""

    name: Name | None = key(
        "013",
        "name the project: letters, digits, `_` and `-`, at most 64",
        required=True,
        nullable=False,
    )
    tags: Names | None = key("014", "list tags: `tags: [backend, rust]`")
    tasks: Tasks | None = key("015", _TASKS)
    given: Given = given()


@attrs.frozen(kw_only=True)
class OverlayDto:
    """``.haz/tasks/NAME.yml``."""

    tags_filter: Names | None = key(
        "024",
        "list the tags that a project needs, or leave the key out for every project",
        name="tagsFilter",
    )
    tasks: Tasks | None = key("025", _TASKS, items="015", required=True)
    given: Given = given()


@attrs.frozen(kw_only=True)
class CleanDto:
    max_age: Age | None = key(
        "034", "write digits with units s, m, h, d, w, each at most once: `max_age: 4w2d`"
    )
    max_size: Size | None = key(
        "035", "write bytes, or digits with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB: `2GiB`"
    )
    given: Given = given()


@attrs.frozen(kw_only=True)
class CacheDto:
    hash: HashName | None = key("027", "write `hash: blake3` or `hash: sha256`")
    clean: CleanDto | None = key("034", "write `clean: {max_age: 30d, max_size: 2GiB}`")
    given: Given = given()


@attrs.frozen(kw_only=True)
class ConcurrencyDto:
    default: Parallelism | None = key(
        "028", "write `default: auto`, or a whole number from 1 on, without quotes"
    )
    tags: Mapping[Name, Count] | None = key(
        "029", "write a mapping of tags to whole numbers from 1 on: `tags: {heavy: 2}`"
    )
    given: Given = given()


@attrs.frozen(kw_only=True)
class OutputDto:
    mode: OutputMode | None = key("030", "write `mode: live` or `mode: buffered`")
    given: Given = given()


@attrs.frozen(kw_only=True)
class ExecutionDto:
    cancel_grace: Seconds | None = key("031", "write seconds: `cancel_grace: 2.5`")
    containment: Containment | None = key(
        "031", "write `containment: group` or `containment: strict`"
    )
    outputs: KeepOutputs | None = key("031", "write `outputs: keep` or `outputs: rollback`")
    given: Given = given()


@attrs.frozen(kw_only=True)
class WorkspaceDto:
    """``.haz/workspace.yml``."""

    projects: Names | None = key(
        "009",
        "list folders or globs from the workspace root: `projects: [/lib, /tools/x-*]`",
        items="010",
        required=True,
    )
    cache: CacheDto | None = key("027", "write `cache: {hash: blake3}`")
    concurrency: ConcurrencyDto | None = key("028", "write `concurrency: {default: 4}`")
    output: OutputDto | None = key("030", "write `output: {mode: live}`")
    execution: ExecutionDto | None = key("031", "write `execution: {cancel_grace: 5}`")
    given: Given = given()


FILES: tuple[type[attrs.AttrsInstance], ...] = (WorkspaceDto, ProjectDto, OverlayDto)
"""The root mappings; they alone take keys that start with ``x-`` and ignore them."""
