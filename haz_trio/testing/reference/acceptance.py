"""What configuration files may hold (CFG-004 to CFG-035): every broken rule, by the file's value.

Files are right before they reach the graph; what references mean is not looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from haz_trio.testing.reference.globs import is_pattern
from haz_trio.testing.reference.json_values import Json, mapping, text
from haz_trio.testing.reference.names import is_name, is_shell_name, is_variable
from haz_trio.testing.reference.references import is_reference

Problems = Iterator[str]  # of rule IDs
UNITS = {"B": 1, "": 1} | {
    f"{letter}{middle}B": base**power
    for power, letter in enumerate("KMGT", 1)
    for middle, base in (("", 1000), ("i", 1024))
}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SHAPE = "CFG-005"


def workspace_problems(value: Json) -> Problems:
    """``workspace.yml``."""
    yield from _keys(value, ("projects", "cache", "concurrency", "output", "execution"))
    found = mapping(value)
    if "projects" not in found:
        yield "CFG-009"
    entries, out = _list(found.get("projects"))
    for entry in entries:
        if not entry.startswith("/") or not is_pattern(entry):
            yield "CFG-010"
    yield from out
    yield from _cache(found.get("cache"))
    yield from _concurrency(found.get("concurrency"))
    yield from _section(
        found.get("output"), "mode", "CFG-030", lambda it: it in ("live", "buffered")
    )
    yield from _section(
        found.get("execution"),
        "cancel_grace",
        "CFG-031",
        is_grace,
        others=("containment", "outputs"),
    )


def project_problems(value: Json) -> Problems:
    """``haz.yml``."""
    yield from _keys(value, ("name", "tags", "tasks"))
    found = mapping(value)
    if "name" not in found:
        yield "CFG-013"
    yield from _scalar(found.get("name", "x"), "CFG-013", is_name, needed=True)
    yield from _names(found.get("tags"), "CFG-014", is_name)
    yield from _tasks(found.get("tasks"))


def overlay_problems(value: Json) -> Problems:
    """``.haz/tasks/NAME.yml``."""
    yield from _keys(value, ("tagsFilter", "tasks"))
    found = mapping(value)
    if "tasks" not in found:
        yield "CFG-025"
    if found.get("tagsFilter") == []:
        yield "CFG-024"
    yield from _names(found.get("tagsFilter"), "CFG-024", is_name)
    yield from _tasks(found.get("tasks"))


def is_age(value: str) -> bool:
    """``1w2d``: digits and units, each unit at most once (CFG-034)."""
    if not re.fullmatch(r"([0-9]+[smhdw])+", value):
        return False
    terms = re.findall(r"([0-9]+)([smhdw])", value)
    units = [unit for _, unit in terms]
    seconds = [int(number) * SECONDS[unit] for number, unit in terms]
    return len(units) == len(set(units)) and sum(seconds) < 2**64


def is_size(value: str) -> bool:
    """``5GiB``, bytes without a unit (CFG-035)."""
    found = re.fullmatch(r"([0-9]+)([A-Za-z]*)", value, re.ASCII)
    return found is not None and found[2] in UNITS and int(found[1]) * UNITS[found[2]] < 2**64


def is_grace(value: str) -> bool:
    """Seconds: a real that is not negative, and finite."""
    try:
        return 0 <= float(value) < 2**64 and "_" not in value and value == value.strip()
    except ValueError:
        return False


def _tasks(value: Json) -> Problems:
    if value is not None and not isinstance(value, dict):
        yield SHAPE
    for name, body in mapping(value).items():
        if not is_name(name):
            yield "CFG-006"
        yield from _task(body)


BODY = ("command", "shell", "shell_type", "inputs", "outputs", "deps", "weakDeps", "mutex", "env")


def _task(value: Json) -> Problems:
    """A task body."""
    yield from _keys(value, BODY)
    body = mapping(value)
    yield from _names(body.get("inputs"), "CFG-016", is_pattern)
    yield from _names(body.get("outputs"), "CFG-017", is_pattern)
    yield from _names(body.get("deps"), "CFG-018", is_reference)
    yield from _names(body.get("weakDeps"), "CFG-018", is_reference)
    yield from _mutex(body.get("mutex"))
    environment = body.get("env")
    yield from _keys({} if environment is None else environment, ("from_host", "override"))
    yield from _names(mapping(environment).get("from_host"), "CFG-032", is_variable)
    override = mapping(environment).get("override")
    if override is not None and not isinstance(override, dict):
        yield SHAPE
    for name, it in mapping(override).items():
        if not is_variable(name):
            yield "CFG-033"
        yield from _scalar(it, "CFG-033", lambda _: True, needed=True)
    command, script, shell = (body.get(key) for key in ("command", "shell", "shell_type"))
    yield from _list(command)[1]
    yield from _scalar(script, SHAPE, lambda _: True)
    if (command is None) == (script is None):
        yield "CFG-020"
    elif shell is not None and script is None:
        yield "CFG-022"
    elif command == []:
        yield "CFG-021"
    else:
        yield from _scalar(shell, "CFG-022", is_shell_name)


def _mutex(value: Json) -> Problems:
    if isinstance(value, dict):
        yield from _keys(value, ("name", "mode"))
        if value.get("name") is None or value.get("mode") is None:
            yield "CFG-019"
        yield from _scalar(value.get("mode"), "CFG-019", lambda it: it in ("exclusive", "shared"))
        value = value.get("name")
    yield from _scalar(value, "CFG-019", lambda it: is_name(it.removeprefix("~:")))


def _cache(value: Json) -> Problems:
    yield from _section(
        value, "hash", "CFG-027", lambda it: it in ("blake3", "sha256"), ("clean",)
    )
    clean = mapping(value).get("clean")
    yield from _section(clean, "max_age", "CFG-034", is_age, ("max_size",))
    yield from _section(clean, "max_size", "CFG-035", is_size, ("max_age",))


def _concurrency(value: Json) -> Problems:
    yield from _keys({} if value is None else value, ("default", "tags"))
    most = mapping(value).get("default")
    right = (
        most is None or most == "auto" or (isinstance(most, int) and most is not True and most > 0)
    )
    if not right:
        yield "CFG-028"
    tags = mapping(value).get("tags")
    if tags is not None and not isinstance(tags, dict):
        yield SHAPE
    for tag, cap in mapping(tags).items():
        if not is_name(tag) or not re.fullmatch(r"\+?0*[1-9][0-9]*", text(cap)):
            yield "CFG-029"


def _section(
    value: Json,
    key: str,
    rule: str,
    right: Callable[[str], bool],
    others: Collection[str] = (),
) -> Problems:
    """A mapping that may be left out, and one of its scalars."""
    yield from _keys({} if value is None else value, (key, *others))
    yield from _scalar(mapping(value).get(key), rule, right)


def _keys(value: Json, allowed: Collection[str]) -> Problems:
    if not isinstance(value, dict):
        yield SHAPE
        return
    if any(key not in allowed for key in value):
        yield "CFG-004"


def _scalar(
    value: Json, rule: str, right: Callable[[str], bool], *, needed: bool = False
) -> Problems:
    if isinstance(value, list | dict) or (value is None and needed):
        yield SHAPE
    elif value is not None and not right(text(value)):
        yield rule


def _list(value: Json) -> tuple[list[str], list[str]]:
    """The texts of a list that may be left out, and the problems of its shape."""
    if value is None:
        return [], []
    if not isinstance(value, list):
        return [], [SHAPE]
    right = [it for it in value if it is not None and not isinstance(it, list | dict)]
    return list(map(text, right)), [SHAPE] * (len(right) < len(value))


def _names(value: Json, rule: str, right: Callable[[str], bool]) -> Problems:
    """A list of texts that are right, each at most once."""
    found, out = _list(value)
    yield from out
    if not all(map(right, found)) or len(found) != len(set(found)):
        yield rule
