"""``haz graph``: which tasks are drawn, which edges, in which forms."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from haz_trio.cli.main import run_command_line

Capture = pytest.CaptureFixture[str]
TRUE = {"command": ["true"]}
FILES: Mapping[str, object] = {
    ".haz/workspace.yml": {"projects": ["/web", "/lib"]},
    "lib/haz.yml": {
        "name": "lib",
        "tags": ["c"],
        "tasks": {
            "build": {**TRUE, "outputs": ["out.a"]},
            "test": {**TRUE, "deps": ["~:build"], "weakDeps": ["~:lint"]},
            "lint": TRUE,
        },
    },
    "web/haz.yml": {
        "name": "web",
        "tasks": {"end": {**TRUE, "deps": ["lib:build"], "inputs": ["/lib/out.a"]}},
    },
}


@attrs.frozen
class Place:
    root: Path
    _capture: Capture

    def __call__(self, *words: str, cwd: str = "", code: int = 0) -> str:
        """What ``haz graph`` prints, or what it says when it fails."""
        assert run_command_line(["-C", str(self.root / cwd), "graph", *words]) == code
        out, err = self._capture.readouterr()
        assert not (err if code == 0 else out)
        return out or err


@pytest.fixture
def graph(tmp_path: Path, capfd: Capture) -> Place:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return Place(tmp_path, capfd)


DOT = """\
digraph haz {
  rankdir=LR;
  node [shape=box];
  "lib:build";
  "lib:lint";
  "lib:test";
  "web:end";
  "lib:test" -> "lib:build" [style=solid];
  "lib:test" -> "lib:lint" [style=dashed];
  "web:end" -> "lib:build" [style=solid];
  "web:end" -> "lib:build" [style=dotted];
}
"""


def test_dot_is_the_default(graph: Place) -> None:
    """The whole workspace in canonical order; each kind of edge has a style of its own."""
    assert graph() == DOT
    assert graph("--format", "dot") == DOT


def test_where_it_is_called_makes_no_difference(graph: Place) -> None:
    """Without a task the whole workspace is drawn, also from inside a project."""
    assert graph(cwd="lib") == DOT


def test_mermaid(graph: Place) -> None:
    """Names are in quotes, and kinds of edges differ."""
    lines = graph("--format", "mermaid").splitlines()
    assert lines[0] == "flowchart LR"
    assert '  t3["web:end"]' in lines
    assert {"  t2 --> t0", "  t2 -.-> t1", "  t3 -.->|files| t0"} <= set(lines)


def test_json(graph: Place) -> None:
    """`--json` is `--format json`."""
    text = graph("--json")
    assert text == graph("--format=json")
    found = json.loads(text)
    assert found["tasks"] == ["lib:build", "lib:lint", "lib:test", "web:end"]
    kinds = [edge["kind"] for edge in found["edges"]]
    assert kinds == ["hard", "soft", "hard", "producer"]


@pytest.mark.parametrize(
    ("words", "cwd", "tasks"),
    [
        (["lib:test"], "", ["lib:build", "lib:test"]),
        (["test"], "lib", ["lib:build", "lib:test"]),
        (["web:end", "lib:lint"], "", ["lib:build", "lib:lint", "web:end"]),
        (["[c]:lint"], "", ["lib:lint"]),
        (["^:build", "^:build"], "", ["lib:build"]),
        (["--", "lib:build"], "", ["lib:build"]),
    ],
)
def test_named_tasks_bring_what_they_need(
    graph: Place, words: list[str], cwd: str, tasks: list[str]
) -> None:
    """`deps` are followed, `weakDeps` are not; edges to what is not drawn are left out."""
    found = json.loads(graph("--json", *words, cwd=cwd))
    assert found["tasks"] == tasks
    assert all({edge["task"], edge["needs"]} <= set(tasks) for edge in found["edges"])


@pytest.mark.parametrize("form", ["dot", "mermaid", "json"])
def test_the_writer_is_that_of_query(graph: Place, form: str, capfd: Capture) -> None:
    """`haz query --graph` over the workspace gives the same bytes."""
    drawn = graph("--format", form)
    assert run_command_line(["-C", str(graph.root), "query", "--workspace", "--graph", form]) == 0
    assert capfd.readouterr().out == drawn


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "html"], "expected `dot`, `mermaid` or `json`"),
        (["--format", "dot", "--json"], "mutually exclusive"),
        (["--json", "--json"], "cannot be used multiple times"),
        (["a:b:c"], "couldn't parse"),
        (["lib:nope"], "lib"),
        (["nope"], "bearing project"),
    ],
)
def test_what_is_refused(graph: Place, words: list[str], said: str) -> None:
    """Bad values, and references that stand for nothing, end with exit code 2."""
    assert said in " ".join(re.sub("[│╰─▶×]", " ", graph(*words, code=2)).split())


def test_an_empty_workspace_is_drawn(tmp_path: Path, capfd: Capture) -> None:
    """A graph without tasks is one too."""
    (tmp_path / ".haz").mkdir()
    (tmp_path / ".haz/workspace.yml").write_text("projects: []")
    assert Place(tmp_path, capfd)("--json") == '{"tasks":[],"edges":[]}\n'


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_it(graph: Place) -> None:
    """Graphviz draws what is printed."""
    done = subprocess.run(
        ["dot", "-Tplain"], input=graph(), capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\nnode ") == 4
