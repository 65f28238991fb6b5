"""Root discovery against a slow reference that knows only the written rule."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from haz_trio.config.discovery import Root, find_root
from haz_trio.errors import ConfigError
from haz_trio.model.workspace import Mode


@attrs.frozen
class Level:
    """One directory of a chain; ``lists`` are the levels that its workspace has as projects."""

    haz: bool
    workspace: bool
    git: bool
    project: bool
    lists: frozenset[int]
    as_glob: bool


LEVELS = st.builds(
    Level,
    haz=st.booleans(),
    workspace=st.sampled_from([False, False, True]),
    git=st.booleans(),
    project=st.booleans(),
    lists=st.frozensets(st.integers(1, 5)),
    as_glob=st.booleans(),
)


def reference(chain: list[Level]) -> tuple[int, Mode] | str:
    """The level of the root and its mode, or what is missing: outermost level first."""
    if not chain:
        return "DISC-002"
    here, at = chain[-1], len(chain) - 1
    above = [i for i in range(at) if chain[i].haz and chain[i].workspace]
    if here.haz and here.workspace:
        return at, Mode.EXPLICIT
    if here.git and not above:
        return at, Mode.IMPLICIT
    if here.git and here.project:
        if at in chain[above[-1]].lists:
            return above[-1], Mode.EXPLICIT
        return at, Mode.IMPLICIT
    if here.git:
        return reference(chain[:-1])
    if here.haz:
        outer = reference(chain[:-1])
        if isinstance(outer, str) or (outer[1] is Mode.IMPLICIT and not chain[outer[0]].project):
            return f"/L{at}/.haz/workspace.yml"
        return outer
    return reference(chain[:-1])


def build(base: str, chain: list[Level]) -> list[str]:
    """Make the directories of a chain; gives their paths."""
    paths: list[str] = []
    for at, level in enumerate(chain):
        paths.append(os.path.join(paths[-1] if paths else base, f"L{at}"))
        here = Path(paths[-1])
        here.mkdir()
        if level.haz:
            (here / ".haz").mkdir()
        if level.haz and level.workspace:
            (here / ".haz/workspace.yml").write_text(f"projects: [{entries(at, level)}]\n")
        if level.git:
            (here / ".git").mkdir()
        if level.project:
            (here / "haz.yml").write_text("name: p\n")
    return paths


def entries(at: int, level: Level) -> str:
    """The entries of the workspace at a level: a literal or a glob for each level it lists."""
    wanted = [i for i in sorted(level.lists) if i > at]
    steps = ["/".join(f"L{j}" for j in range(at + 1, i + 1)) for i in wanted]
    return ", ".join(f'"/{step.replace("L", "?") if level.as_glob else step}"' for step in steps)


@settings(max_examples=100, deadline=None)
@given(st.lists(LEVELS, min_size=1, max_size=6))
def test_the_root_is_the_one_of_the_written_rule(chain: list[Level]) -> None:
    """For every nesting of markers: the same root and mode, or a refusal about the same level."""
    expected = reference(chain)
    with tempfile.TemporaryDirectory() as folder:
        paths = build(os.path.realpath(folder), chain)
        found = attempt(paths[-1])
        match found, expected:
            case (Root(), (int(at), mode)):
                assert (found.path, found.mode) == (paths[at], mode)
                assert bool(found.note) == passes_over(chain[at + 1 :])
            case (str(), str()):
                assert expected in found
            case _:
                raise AssertionError(f"{found} is not {expected}")


def attempt(start: str) -> Root | str:
    try:
        return find_root(start)
    except ConfigError as error:
        return str(error)


def passes_over(inner: list[Level]) -> bool:
    return any(level.haz or level.git for level in inner)
