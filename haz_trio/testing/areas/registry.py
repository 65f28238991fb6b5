"""All areas, in the order of the report."""

from __future__ import annotations

from haz_trio.testing.areas import graph, history, query, running
from haz_trio.testing.areas.area import Area

AREAS: tuple[Area, ...] = (graph.AREA, query.AREA, history.AREA, running.AREA)
