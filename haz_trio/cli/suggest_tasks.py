"""The task references that a name begins: which forms are offered depends on how it begins."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from haz_trio.cli.options import RootOptions
from haz_trio.cli.suggest_names import Names, find_names


def tasks(settings: Mapping[str, str], current: str) -> Iterator[tuple[str, str]]:
    """References for the word ``current``; ``settings`` are flags and their values before it."""
    directory, root = settings.get("-C"), settings.get("--root")
    place = RootOptions(
        None if directory is None else os.path.expanduser(directory),
        os.path.expanduser(root) if root else os.environ.get("HAZ_ROOT") or None,
    )
    return references(find_names(place), current)


def references(names: Names, current: str) -> Iterator[tuple[str, str]]:
    """References in canonical order, each with a few words about it.

    What does not begin with ``~``, ``^`` or ``[`` is a task of the own project or in full.
    """
    own = names.bearing.tasks if names.bearing is not None else ()
    every = sorted({task for project in names.projects for task in project.tasks})
    if current.startswith("["):
        yield from _tagged(names)
    elif current.startswith("^"):
        for task in every:
            yield f"^:{task}", "every project that has it"
        for task in every if names.bearing is not None else ():
            yield f"^~:{task}", "every other project that has it"
    elif current.startswith("~"):
        for task in own:
            yield f"~:{task}", "this project"
    else:
        for task in own:
            yield task, "this project"
        for project in names.projects:
            for task in project.tasks:
                yield f"{project.name}:{task}", project.root


def _tagged(names: Names) -> Iterator[tuple[str, str]]:
    by_tag: dict[str, set[str]] = {}
    for project in names.projects:
        for tag in project.tags:
            by_tag.setdefault(tag, set()).update(project.tasks)
    forms = [("", "every project with the tag")]
    if names.bearing is not None:
        forms.append(("~", "every other project with the tag"))
    for tag, tasks in sorted(by_tag.items()):
        for mark, about in forms:
            for task in sorted(tasks):
                yield f"[{tag}]{mark}:{task}", about
