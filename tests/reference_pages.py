"""Pages of the documentation that are made from the code: configuration, rules, names, states."""

from __future__ import annotations

import ast
import enum
import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias, get_args, get_origin

import attrs

import haz_trio
from haz_trio.config.schema import (
    Age,
    Count,
    Key,
    Name,
    OverlayDto,
    Parallelism,
    ProjectDto,
    Seconds,
    Size,
    WorkspaceDto,
    keys_of,
)
from haz_trio.testing.rules import RULES

PACKAGE = Path(haz_trio.__file__).parent
MADE = "Made by `python -m tests.reference` from the code."
DtoClass: TypeAlias = type[Any]  # Any: the schema classes have no base class in common
TypeForm: TypeAlias = Any  # Any: a type expression such as ``X | None`` has no type of its own

_FILES = (
    (".haz/workspace.yml", "marks the root of a workspace and lists its projects", WorkspaceDto),
    ("haz.yml", "describes a project", ProjectDto),
    (".haz/tasks/NAME.yml", "gives tasks to all projects with certain tags", OverlayDto),
)
_TEXTS: dict[object, str] = {
    Name: "text",
    Age: "an age such as `30d` or `4w2d`",
    Size: "a size such as `2GiB`",
    Seconds: "seconds",
    Count: "a whole number from 1 on",
    Parallelism: "`auto`, or a whole number from 1 on",
}


# -- configuration --------------------------------------------------------------------------------


def configuration() -> str:
    """Every key of the three kinds of files, from the classes that they are read into."""
    parts = ["# Configuration", MADE]
    seen: set[DtoClass] = set()
    todo: list[tuple[str, DtoClass]] = [(f"`{name}`: {about}", cls) for name, about, cls in _FILES]
    while todo:
        title, cls = todo.pop(0)
        if cls in seen:
            continue
        seen.add(cls)
        rows = ["| Key | Value | Rule | Write |", "|---|---|---|---|"]
        for name, (attribute, about) in keys_of(cls).items():
            kind, inner = _kind(attribute.type)
            todo += [(f"`{name}`", each) for each in inner]
            rows.append(f"| `{name}` | {kind} | {_rule(about)} | {_cell(_sentence(about))} |")
        parts += [f"## {title}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _rule(about: Key) -> str:
    return f"CFG-{about.rule}" if about.rule.isdigit() else ""


def _sentence(about: Key) -> str:
    return about.help + (" (required)" if about.required else "")


def _kind(form: TypeForm) -> tuple[str, list[DtoClass]]:
    """What a value is, in words, and the mappings inside it."""
    if form in _TEXTS:
        return _TEXTS[form], []
    origin: TypeForm = get_origin(form)
    inner = [each for each in get_args(form) if each is not Ellipsis]
    inner = [each for each in inner if each is not type(None)]
    if origin is None:
        if issubclass(form, enum.Enum):
            return " or ".join(f"`{member.value}`" for member in form), []
        assert attrs.has(form), form
        return "mapping", [form]
    kinds = [_kind(each) for each in inner]
    mappings = [each for _, found in kinds for each in found]
    if origin is types.UnionType or str(origin) == "typing.Union":
        return ", or ".join(kind for kind, _ in kinds), mappings
    if origin is tuple:
        return f"list of {kinds[0][0]}s" if kinds[0][0] == "text" else "list", mappings
    return f"mapping of names to {kinds[1][0]}", mappings


# -- rules ----------------------------------------------------------------------------------------


def rules() -> str:
    """Every rule with its words and the modules that name it, and the exit codes."""
    parts = ["# Rules and exit codes", MADE, "## Exit codes", _exit_codes(), "## Rules"]
    parts.append(
        "Rules have the identifiers of haz 0.2.0; messages end with the one that was broken. "
        "Who keeps a rule is found by its identifier in the sources."
    )
    named = _modules_by_rule()
    rows = ["| Rule | About | Named in |", "|---|---|---|"]
    for rule, about in RULES.items():
        modules = ", ".join(f"`{module}`" for module in named.get(rule, ()))
        rows.append(f"| {rule} | {_cell(about)} | {modules} |")
    return "\n\n".join([*parts, "\n".join(rows)]) + "\n"


def _exit_codes() -> str:
    rows = (
        ("0", "success; also when nothing had to run"),
        ("1", "a task failed or erred, outputs collided, or `haz cache verify` found damage"),
        ("2", "bad arguments or configuration; nothing has run"),
        ("124", "the run was stopped by `--timeout`"),
        ("128 + N", "signal N stopped the run: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP"),
    )
    return "\n".join(["| Code | When |", "|---|---|", *(f"| {c} | {w} |" for c, w in rows)])


def _modules_by_rule() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "testing" in path.parts:
            continue
        module = str(path.relative_to(PACKAGE)).removesuffix(".py").replace("/", ".")
        for rule in sorted(set(re.findall(r"\b[A-Z]+-\d{3}\b", path.read_text()))):
            found.setdefault(rule, []).append(module)
    return found


# -- names ----------------------------------------------------------------------------------------

_ROOMS = (
    ("Workspaces", ("config", "model", "engine.built", "errors")),
    ("Graphs and queries", ("graph", "query")),
    ("Runs", ("engine", "plan.policy", "functions")),
    ("Events", ("plan.messages",)),
    ("Outcomes and reports", ("plan",)),
    ("Ports", ("abc",)),
)


def names() -> str:
    """Every public name: signature, fields, methods and docstring, read from the sources."""
    parts = ["# Public names", MADE, "All of these are attributes of `haz_trio`."]
    left = dict(haz_trio._HOMES)
    for title, rooms in _ROOMS:
        parts.append(f"## {title}")
        for home in sorted(left):
            inside = home.removeprefix("haz_trio.")
            exact = [room for room in rooms if inside == room or inside.startswith(room + ".")]
            taken = any(
                inside == other or inside.startswith(other + ".")
                for _, others in _ROOMS
                for other in others
                if other not in rooms and any(other.startswith(room + ".") for room in exact)
            )
            if exact and not taken:
                parts += _names_of(home, left.pop(home))
    assert not left, f"rooms without a title: {sorted(left)}"
    return "\n\n".join(parts) + "\n"


def _names_of(home: str, public: tuple[str, ...]) -> list[str]:
    path = PACKAGE.parent / (home.replace(".", "/") + ".py")
    if not path.exists():
        path = PACKAGE.parent / home.replace(".", "/") / "__init__.py"
    found: list[str] = []
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.ClassDef(name=name) if name in public:
                found += _class(node)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name in public:
                found += [f"### {name}", _fenced(_signature(node)), _prose(node)]
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if name in public:
                assert value is not None
                found += [f"### {name}", _fenced(f"{name} = {ast.unparse(value)}")]
            case _:
                pass
    return [each for each in found if each]


def _class(node: ast.ClassDef) -> list[str]:
    lines = []
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines.append(f"class {node.name}({bases})" if bases else f"class {node.name}")
    methods = []
    for inner in node.body:
        match inner:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                lines.append("    " + ast.unparse(inner).split(" = attrs.field", 1)[0])
            case ast.Assign(targets=[ast.Name(id=name)]) if bases == "enum.Enum":
                lines.append("    " + ast.unparse(inner))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("_") or name in ("__init__", "__call__"):
                    methods.append(inner)
            case _:
                pass
    found = [f"### {node.name}", _fenced("\n".join(lines)), _prose(node)]
    for method in methods:
        found += [_fenced(_signature(method)), _prose(method)]
    return found


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    head = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    decorators = [ast.unparse(each) for each in node.decorator_list]
    lines = [f"@{each}" for each in decorators if each in ("property", "contextmanager")]
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return "\n".join([*lines, f"{head} {node.name}({ast.unparse(node.args)}){result}"])


def _fenced(code: str) -> str:
    return f"```python\n{code}\n```"


def _prose(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    return re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def pages() -> Iterator[tuple[str, str]]:
    """All of these pages by the name of their file."""
    yield "configuration.md", configuration()
    yield "rules.md", rules()
    yield "api.md", names()
