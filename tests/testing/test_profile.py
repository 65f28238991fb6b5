"""The profile of the original: nothing in it is idle; skipped without ``HAZ_ORIGINAL``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.command.main import main
from haz_trio.testing.profile import BUILT_IN, Difference, load_profile

ORIGINAL = os.environ.get("HAZ_ORIGINAL", "")
needs_original = pytest.mark.skipif(not ORIGINAL, reason="HAZ_ORIGINAL names no program")
EXAMPLES = {"signals": 25, "history": 400, "running": 120, "query": 600, "why": 150}
EXAMPLES |= {"graph": 400, "git": 80, "discovery": 800}


def judge(folder: Path, *words: str) -> int:
    common = ["--haz", ORIGINAL, "--jobs", "2", "--shrink", "0", "--failures", str(folder)]
    return main([*common, *words])


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_profile_names_areas_that_there_are(name: str) -> None:
    """Names are given once, and every area exists."""
    known = load_profile(name)
    assert len({it.name for it in known}) == len(known)
    assert {area for it in known for area in it.areas} <= {area.name for area in AREAS}


def test_a_profile_with_another_field_is_refused(tmp_path: Path) -> None:
    """What the kit would not heed is an error."""
    (tmp_path / "odd.toml").write_text('[[difference]]\nname = "x"\nwhy = "y"\n')
    with pytest.raises(ValueError, match="a difference has name, areas and says"):
        load_profile(str(tmp_path / "odd.toml"))


@needs_original
@pytest.mark.deep
def test_nothing_about_the_original_is_unexplained(tmp_path: Path) -> None:
    """With its profile the original has no finding."""
    assert judge(tmp_path, "--profile", "haz-0.2.0", "--examples", "1500") == 0


@needs_original
@pytest.mark.deep
@pytest.mark.parametrize("difference", load_profile(BUILT_IN[0]), ids=lambda it: it.name)
def test_each_difference_shows_without_its_entry(tmp_path: Path, difference: Difference) -> None:
    """Removing any entry of the profile makes a finding appear."""
    for area in difference.areas:
        words = ["--area", area, "--examples", str(EXAMPLES.get(area, 80))]
        assert (
            judge(tmp_path, "--profile", "haz-0.2.0", "--without", difference.name, *words) == 1
        ), area
