"""All areas, in the order of the report."""

from __future__ import annotations

from haz_trio.testing.areas import (
    beside,
    cache,
    config,
    discovery,
    git,
    graph,
    history,
    invariants,
    keys,
    process,
    query,
    running,
    signals,
    why,
)
from haz_trio.testing.areas.area import Area

AREAS: tuple[Area, ...] = (
    config.AREA,
    discovery.AREA,
    graph.AREA,
    query.AREA,
    why.AREA,
    process.AREA,
    running.AREA,
    keys.AREA,
    history.AREA,
    invariants.AREA,
    cache.AREA,
    git.AREA,
    signals.AREA,
    beside.AREA,
)


def area_named(name: str) -> Area:
    (found,) = (area for area in AREAS if area.name == name)
    return found
