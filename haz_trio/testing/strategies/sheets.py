"""Configuration with as many values as fit, right and wrong, each on a line of its own.

One call of ``haz check`` says of all of them which are refused, and by which rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping

import attrs
from hypothesis import strategies as st

from haz_trio.testing.reference.acceptance import (
    SHAPE,
    overlay_problems,
    project_problems,
    workspace_problems,
)
from haz_trio.testing.reference.json_values import Body, Json, mapping, text
from haz_trio.testing.reference.names import is_name
from haz_trio.testing.reference.references import resolve
from haz_trio.testing.reference.workspace import Declared, effective, named
from haz_trio.testing.strategies import values
from haz_trio.testing.strategies.spellings import SPELLED

TRUE: Body = {"shell": "true"}
NULLS = ("~", "Null", "null", "NULL", "nULl")
LISTS = ("inputs", "outputs", "deps", "weakDeps")


@attrs.frozen
class Field:
    """What is chosen from, and how the smallest file with just one value looks.

    ``problems`` gives the rules that such a file breaks.
    """

    pool: tuple[Json, ...]
    alone: Callable[[Json], Json]
    problems: Callable[[Json], Iterable[str]]

    def rules(self, value: Json) -> frozenset[str]:
        """The rules that a value breaks."""
        return frozenset(self.problems(self.alone(value)))


def _task(body: Json, name: str = "x") -> Body:
    return {"name": "x", "tasks": {name: body}}


def _in_list(key: str, pool: tuple[Json, ...]) -> Field:
    return Field(pool, lambda it: _task({**TRUE, key: [it]}), project_problems)


def _capped(pair: Json) -> Json:
    assert isinstance(pair, list)
    return {"projects": [], "concurrency": {"tags": {text(pair[0]): pair[1]}}}


def _file(value: Json) -> Json:
    return value


FIELDS: dict[str, Field] = {
    "entries": Field(values.ENTRIES, lambda it: {"projects": [it]}, workspace_problems),
    "caps": Field(values.CAPS, _capped, workspace_problems),
    "tags": Field(values.NAMES, lambda it: {"name": "x", "tags": [it]}, project_problems),
    "tasks": Field(values.NAMES, lambda it: _task(TRUE, text(it)), project_problems),
    **{key: _in_list(key, values.PATTERNS) for key in LISTS[:2]},
    **{key: _in_list(key, values.REFERENCES) for key in LISTS[2:]},
    "from_host": Field(
        values.VARIABLES, lambda it: _task({**TRUE, "env": {"from_host": [it]}}), project_problems
    ),
    "override": Field(
        values.VARIABLES,
        lambda it: _task({**TRUE, "env": {"override": {text(it): ""}}}),
        project_problems,
    ),
    "bodies": Field(values.BODIES, _task, project_problems),
    "names": Field(values.NAMES, lambda it: {"name": it}, project_problems),
    "projects": Field(values.PROJECTS, _file, project_problems),
    "spelled": Field(tuple(SPELLED), _file, lambda it: [] if SPELLED[text(it)] else [SHAPE]),
    "filters": Field(values.NAMES, lambda it: {"tasks": {}, "tagsFilter": [it]}, overlay_problems),
    "stems": Field(values.STEMS, lambda _: {"tasks": {}}, overlay_problems),
    "overlays": Field(values.OVERLAYS, _file, overlay_problems),
}


@attrs.frozen
class Sheet:
    """The values that were chosen, by what they are values of."""

    chosen: dict[str, tuple[Json, ...]]

    def values(self, field: str) -> tuple[Json, ...]:
        return self.chosen.get(field, ())

    def texts(self, field: str) -> list[str]:
        """Values that are texts anyway."""
        return [text(value) for value in self.values(field)]


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Every other value of what there is."""
    found: dict[str, tuple[Json, ...]] = {}
    for name, field in FIELDS.items():
        count = len(field.pool)
        taken = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        some = tuple(value for value, yes in zip(field.pool, taken, strict=True) if yes)
        if some:
            found[name] = some
    return Sheet(found)


def right_part(sheet: Sheet) -> Sheet:
    """What is left when wrong values are taken out, and references that mean nothing there."""
    right = {
        name: tuple(value for value in chosen if not FIELDS[name].rules(value))
        for name, chosen in sheet.chosen.items()
    }
    declared = declared_by(Sheet({**right, "deps": (), "weakDeps": ()}))
    projects = named(declared, effective(declared))
    for key in ("deps", "weakDeps"):
        meant = {it: resolve(text(it), "a", projects) for it in right.get(key, ())}
        right[key] = tuple(it for it, ids in meant.items() if ids and ("a", key) not in ids)
    return Sheet(right)


def bodies_of(sheet: Sheet) -> Mapping[str, Body]:
    """The project files, by the folders that they are in."""
    tasks: dict[str, Json] = {key: {**TRUE, key: [*sheet.values(key)]} for key in LISTS}
    override: dict[str, Json] = {name: name for name in sheet.texts("override")}
    tasks["env"] = {
        **TRUE,
        "env": {"from_host": [*sheet.values("from_host")], "override": override},
    }
    tasks |= dict.fromkeys(sheet.texts("tasks"), TRUE)
    tasks |= {f"b{number}": body for number, body in enumerate(sheet.values("bodies"))}
    found: dict[str, Body] = {
        "a": {"name": "a", "tags": ["t", *sheet.values("tags")], "tasks": tasks}
    }
    for number, name in enumerate(sheet.values("names")):
        found[f"n{number}"] = {"name": name, "tasks": {"n": TRUE}}
    for number, body in enumerate(sheet.values("projects")):
        found[f"v{number}"] = {**mapping(body)}
    for number, spelled in enumerate(sheet.texts("spelled")):
        found[f"y{number}"] = {**(SPELLED[spelled] or {})}
    return found


def overlays_of(sheet: Sheet) -> dict[str, Body]:
    """The overlays, also those whose names are none."""
    found: dict[str, Body] = {
        stem: {"tasks": {f"o{number}": TRUE}} for number, stem in enumerate(sheet.texts("stems"))
    }
    for number, body in enumerate(sheet.values("overlays")):
        found[f"v{number}"] = {**mapping(body)}
    found["filter"] = {"tasks": {"filter": TRUE}, "tagsFilter": ["t", *sheet.values("filters")]}
    return found


def declared_by(sheet: Sheet) -> Declared:
    """What a sheet declares; its values have to be right."""
    projects = {f"/{folder}": body for folder, body in bodies_of(sheet).items()}
    for body in projects.values():
        body["name"] = text(body["name"])
    overlays = {stem: body for stem, body in overlays_of(sheet).items() if is_name(stem)}
    return Declared({"projects": [*projects]}, projects, overlays)


@attrs.frozen
class Line:
    """A line of a file; ``rules`` are those that its value breaks."""

    text: str
    rules: frozenset[str] = frozenset()


def sheet_files(sheet: Sheet) -> dict[str, list[Line]]:
    """The files, line by line; the project ``a`` has most values."""
    folders = [*bodies_of(sheet)]
    files = {".haz/workspace.yml": _workspace(sheet, folders), "a/haz.yml": _project(sheet)}
    bodies = bodies_of(sheet)
    for letter, field in (("n", "names"), ("v", "projects"), ("y", "spelled")):
        for number, value in enumerate(sheet.values(field)):
            folder = f"{letter}{number}"
            shown = _json(bodies[folder] if field == "names" else value)
            line = text(value) if field == "spelled" else shown
            files[f"{folder}/haz.yml"] = [Line(line, FIELDS[field].rules(value))]
    for stem, body in overlays_of(sheet).items():
        files[f".haz/tasks/{stem}.yml"] = [Line(_json(body))]
    for number, value in enumerate(sheet.values("overlays")):
        rules = FIELDS["overlays"].rules(value)
        files[f".haz/tasks/v{number}.yml"] = [Line(_json(value), rules)]
    files[".haz/tasks/filter.yml"] = [
        Line(f"tasks: {_json({'filter': TRUE})}"),
        Line("tagsFilter:"),
        Line('- "t"'),
        *_items(sheet, "filters"),
    ]
    return files


def _workspace(sheet: Sheet, folders: Iterable[str]) -> list[Line]:
    pairs = [pair for pair in sheet.values("caps") if isinstance(pair, list)]
    return [
        Line("projects:"),
        *(Line(f"- /{folder}") for folder in folders),
        *_items(sheet, "entries"),
        Line("concurrency:"),
        Line("  tags:"),
        Line('    "t": 1'),
        *(_row(f"    {_key(pair[0])}{_json(pair[1])}", "caps", pair) for pair in pairs),
    ]


def _project(sheet: Sheet) -> list[Line]:
    lines = [Line("name: a"), Line("tags:"), Line('- "t"'), *_items(sheet, "tags"), Line("tasks:")]
    for key in LISTS:
        lines += map(Line, [f"  {key}:", "    shell: 'true'", f"    {key}:"])
        lines += _items(sheet, key, "    ")
    lines += [
        Line("  env:"),
        Line("    shell: 'true'"),
        Line("    env:"),
        Line("      from_host:"),
    ]
    lines += [*_items(sheet, "from_host", "      "), Line("      override:")]
    for name in sheet.texts("override"):
        lines.append(_row(f"        {_key(name)}{_json(name)}", "override", name))
    for name in sheet.texts("tasks"):
        lines.append(_row(f"  {_key(name)}{_json(TRUE)}", "tasks", name))
    for number, body in enumerate(sheet.values("bodies")):
        lines.append(_row(f"  b{number}: {_json(body)}", "bodies", body))
    return lines


def _items(sheet: Sheet, field: str, indent: str = "") -> list[Line]:
    return [_row(f"{indent}- {_json(value)}", field, value) for value in sheet.values(field)]


def _row(shown: str, field: str, value: Json) -> Line:
    return Line(shown, FIELDS[field].rules(value))


def _key(value: Json) -> str:
    return f"{_json(text(value))}: "


def _json(value: Json) -> str:
    """One line of YAML; what is null is spelled in one of the ways of that."""
    shown = json.dumps(value, ensure_ascii=False)
    null = NULLS[len(shown) % len(NULLS)]
    return re.sub(r'"(?:[^"\\]|\\.)*"|null', lambda it: null if it[0] == "null" else it[0], shown)
