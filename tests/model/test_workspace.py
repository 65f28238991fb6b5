"""Workspaces: paths of the host, and the project that bears (EXEC-022)."""

from __future__ import annotations

import pytest

from haz_trio.model.workspace import Project, Workspace


def workspace(root: str) -> Workspace:
    roots = {"a": "/a", "ab": "/ab", "deep": "/a/x/y"}
    return Workspace(root, projects={name: Project(name, at) for name, at in roots.items()})


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("/w/a", "a"),
        ("/w/a/x", "a"),
        ("/w/a/x/y", "deep"),
        ("/w/a/x/y/z", "deep"),
        ("/w/ab", "ab"),
        ("/w/b", None),
        ("/w", None),
        ("/", None),
        ("/wa/a", None),
    ],
)
def test_the_deepest_project_bears(directory: str, expected: str | None) -> None:
    """Whole segments count, and only below the workspace root."""
    found = workspace("/w").bearing_project(directory)
    assert (found and found.name) == expected


def test_a_workspace_may_be_the_root_of_the_host() -> None:
    """No slash is doubled, and none is lost."""
    whole = workspace("/")
    found = whole.bearing_project("/a/x/y/z")
    assert found is not None
    assert found.name == "deep"
    assert whole.host_path("/a") == "/a"
    assert whole.host_path("/") == "/"
    assert whole.bearing_project("/") is None


def test_the_implicit_project_bears_everywhere() -> None:
    """Its root is the workspace root (DISC-003)."""
    implicit = Workspace("/w", projects={"p": Project("p", "/")})
    assert implicit.bearing_project("/w") == implicit.projects["p"]
    assert implicit.bearing_project("/w/x") == implicit.projects["p"]
    assert implicit.bearing_project("/v") is None
    assert implicit.host_path("/x") == "/w/x"
    assert implicit.host_path("/") == "/w"
