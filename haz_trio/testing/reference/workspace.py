"""A declared workspace and its effective tasks (DAG-001 to DAG-006, CFG-024 to CFG-026)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from haz_trio.testing.reference.globs import anchored
from haz_trio.testing.reference.json_values import Body, Json, mapping, text, texts
from haz_trio.testing.reference.references import Id, Named


@attrs.frozen
class Declared:
    """The three kinds of files, parsed: settings, projects by their roots, overlays by stem."""

    settings: Body
    projects: dict[str, Body]
    overlays: dict[str, Body] = attrs.field(factory=dict)


@attrs.frozen
class Task:
    """An effective task: its project, the project's root and tags, and the body that applies."""

    id: Id
    root: str
    tags: frozenset[str]
    body: Mapping[str, Json]

    def texts(self, key: str) -> tuple[str, ...]:
        return texts(self.body.get(key))

    def patterns(self, key: str) -> tuple[str, ...]:
        """``inputs`` or ``outputs`` in workspace coordinates."""
        return tuple(anchored(pattern, self.root) for pattern in self.texts(key))

    @property
    def mutex(self) -> tuple[str, bool] | None:
        """What is locked, and whether it is shared (MUTEX-001, MUTEX-002)."""
        declared = self.body.get("mutex")
        if declared is None:
            return None
        form = mapping(declared)
        name = text(form["name"]) if form else text(declared)
        own = name.startswith("~:")
        return (f"{self.id[0]}/{name[2:]}" if own else name), form.get("mode") == "shared"


class AmbiguousError(ValueError):
    """No overlay is the most specific one (DAG-006); the argument lists the tasks."""


def effective(declared: Declared) -> dict[Id, Task]:
    """Every task of a workspace, in canonical order; raises ``AmbiguousError``."""
    projects = {text(body["name"]): (root, body) for root, body in declared.projects.items()}
    tags = {name: frozenset(texts(body.get("tags"))) for name, (_, body) in projects.items()}
    attached = {
        stem: {name for name in projects if tags[name] >= set(texts(overlay.get("tagsFilter")))}
        for stem, overlay in declared.overlays.items()
    }
    found: dict[Id, Task] = {}
    ambiguous: list[Id] = []
    for name, (root, body) in sorted(projects.items()):
        own = mapping(body.get("tasks"))
        offered = {
            task
            for stem, overlay in declared.overlays.items()
            if name in attached[stem]
            for task in mapping(overlay.get("tasks"))
        }
        for task in sorted({*own, *offered}):
            sources = [
                stem
                for stem, overlay in declared.overlays.items()
                if name in attached[stem] and task in mapping(overlay.get("tasks"))
            ]
            winners = [
                stem
                for stem in sources
                if all(attached[stem] < attached[other] for other in sources if other != stem)
            ]
            if task in own:
                chosen = mapping(own[task])
            elif len(winners) == 1:
                chosen = mapping(mapping(declared.overlays[winners[0]]["tasks"])[task])
            else:
                ambiguous.append((name, task))
                continue
            found[name, task] = Task((name, task), root, tags[name], chosen)
    if ambiguous:
        raise AmbiguousError(ambiguous)
    return found


def named(declared: Declared, tasks: Mapping[Id, Task]) -> dict[str, Named]:
    """What references look at."""
    return {
        text(body["name"]): Named(
            texts(body.get("tags")), [id[1] for id in tasks if id[0] == text(body["name"])]
        )
        for body in declared.projects.values()
    }
