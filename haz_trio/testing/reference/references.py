"""Task references (REF-001 to REF-008): what they may look like, and which tasks they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from haz_trio.testing.reference.names import is_name

Id = tuple[str, str]  # project and task; in canonical order when sorted
Tasks = Mapping[str, "Named"]


class Named:
    """What references look at: a project's tags and the names of its tasks."""

    def __init__(self, tags: Iterable[str], tasks: Iterable[str]) -> None:
        self.tags: frozenset[str] = frozenset(tags)
        self.tasks: frozenset[str] = frozenset(tasks)


_FORMS = re.compile(
    r"""
      ~:(?P<own>[^:]*(?::.*)?)
    | \^(?P<fan>~?):(?P<fan_task>.*)
    | \[(?P<tag>[^\]]*)\](?P<tag_sibling>~?):(?P<tag_task>.*)
    | (?P<project>[^\[:][^:]*|):(?P<task>.*)
    """,
    re.VERBOSE | re.DOTALL,
)


def parse(text: str) -> dict[str, str] | None:
    """The parts of a well-formed reference, ``None`` for anything else."""
    found = _FORMS.fullmatch(text)
    if found is None:
        return None
    parts = {name: part for name, part in found.groupdict().items() if part is not None}
    names = [part for name, part in parts.items() if name not in ("fan", "tag_sibling")]
    return parts if all(map(is_name, names)) else None


def is_reference(text: str) -> bool:
    return parse(text) is not None


def form_rule(reference: str) -> str:
    """The rule that says what a reference of this form stands for."""
    forms = {"~": "REF-002", "^:": "REF-004", "^~": "REF-008"}
    found = next((rule for form, rule in forms.items() if reference.startswith(form)), "")
    if found or "]" not in reference:
        return found or "REF-003"
    return "REF-008" if "]~:" in reference else "REF-005"


def resolve(text: str, bearing: str | None, projects: Tasks) -> frozenset[Id] | None:
    """The tasks that a reference means: empty if none, ``None`` if it needs a bearing project."""
    parts = parse(text)
    assert parts is not None
    if "own" in parts:
        return None if bearing is None else _in_projects([bearing], parts["own"], projects)
    if "project" in parts:
        return _in_projects([parts["project"]], parts["task"], projects)
    tag = parts.get("tag")
    task = parts["fan_task"] if tag is None else parts["tag_task"]
    chosen = [name for name, it in projects.items() if tag is None or tag in it.tags]
    if parts.get("fan") or parts.get("tag_sibling"):
        if bearing is None:
            return None
        chosen = [name for name in chosen if name != bearing]
    return _in_projects(chosen, task, projects)


def _in_projects(names: Iterable[str], task: str, projects: Tasks) -> frozenset[Id]:
    return frozenset(
        (name, task) for name in names if name in projects and task in projects[name].tasks
    )
