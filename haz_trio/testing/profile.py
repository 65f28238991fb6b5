"""Profiles: the known and intended differences of a program, as data (TOML).

[[difference]]
name = "weak-deps-order-nothing"   # what areas ask for
areas = ["running"]                # where it shows
says = "..."                       # what is different, in a sentence
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import attrs

BUILT_IN = ("haz-0.2.0",)


@attrs.frozen
class Difference:
    """A difference that is no finding; ``areas`` are those in which it shows."""

    name: str
    areas: tuple[str, ...]
    says: str


def load_profile(name: str) -> tuple[Difference, ...]:
    """A profile of the package by its name, or one from a file.

    Raises ``OSError`` if there is none, and ``ValueError`` if it is malformed.
    """
    if name in BUILT_IN:
        text = (files("haz_trio.testing") / "profiles" / f"{name}.toml").read_text()
    else:
        text = Path(name).read_text()
    found = []
    for row in tomllib.loads(text).get("difference", []):
        if set(row) != {"name", "areas", "says"}:
            raise ValueError(f"{name}: a difference has name, areas and says, not {sorted(row)}")
        found.append(Difference(row["name"], tuple(row["areas"]), row["says"]))
    return tuple(found)
