"""What the documentation shows is true: the tutorial is walked, every library example is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

HERE = Path(__file__).parents[1]
TUTORIAL = HERE / "docs" / "tutorial.md"
EXAMPLES = HERE / "examples" / "library"
_STEP = re.compile(r"<!-- step(?:: (.*?))? -->\n```sh\n(.*?)```", re.DOTALL)


@attrs.frozen
class Step:
    """A block of the tutorial: what it runs, its exit code, and what it must say."""

    script: str
    code: int
    says: Sequence[str]


def steps() -> list[Step]:
    found = []
    for wishes, script in _STEP.findall(TUTORIAL.read_text()):
        code, says = 0, []
        for wish in filter(None, wishes.split("; ")):
            verb, _, rest = wish.partition(" ")
            if verb == "fails":
                code = int(rest)
            else:
                assert verb == "says"
                says.append(rest)
        found.append(Step(script, code, says))
    return found


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """Each block in its turn, in one shell's directory, with the haz of this environment."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    directory = tmp_path
    walked = steps()
    assert len(walked) > 12
    assert TUTORIAL.read_text().count("```sh\n") == len(walked), "every block is a step"
    for step in walked:
        script = f"{step.script}\necho; pwd"
        keep = f"set -e\n{script}" if not step.code else script.replace("\necho; pwd", "")
        done = subprocess.run(
            ["bash", "-c", keep],
            cwd=directory,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout + done.stderr
        assert done.returncode == step.code, f"{step.script}\n{told}"
        for text in step.says:
            assert text in told, f"{step.script}\n{told}"
        if not step.code:
            directory = Path(done.stdout.splitlines()[-1])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two projects, one task that needs another one, and one that takes long."""
    (tmp_path / ".haz").mkdir()
    (tmp_path / ".haz" / "workspace.yml").write_text("projects: [/app]\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "haz.yml").write_text(
        "name: app\n"
        "tasks:\n"
        "  build: {shell: echo built; echo x > out, outputs: [out]}\n"
        "  test: {command: [/bin/echo, tested], inputs: [out], deps: ['~:build']}\n"
    )
    return tmp_path


def run(name: str, *words: object, code: int = 0) -> str:
    """What an example prints."""
    argv = [sys.executable, str(EXAMPLES / name), *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout


def test_every_example_is_shown_and_tested() -> None:
    page = (HERE / "docs" / "library.md").read_text()
    tests = Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f"examples/library/{path.name}" in page
        assert f'"{path.name}"' in tests


def test_a_first_run(workspace: Path) -> None:
    assert run("first_run.py", workspace) == "app:build Completed\napp:test Completed\n"


def test_a_workspace_in_code(tmp_path: Path) -> None:
    """A changed closure is a miss of the task that closes over it, and of no other."""
    (tmp_path / "app").mkdir()
    first = run("in_code.py", tmp_path, "good morning")
    assert "app:hello says good morning" in first
    assert "3 seed.txt" in first
    assert {"app:seed is fresh", "app:hello is fresh"} <= set(first.splitlines())
    again = run("in_code.py", tmp_path, "good morning")
    assert {"app:seed is cache", "app:hello is cache"} <= set(again.splitlines())
    assert "app:hello says good morning" in again
    other = run("in_code.py", tmp_path, "good night")
    assert {"app:seed is cache", "app:hello is fresh"} <= set(other.splitlines())


def test_a_deadline(workspace: Path) -> None:
    haz = workspace / "app" / "haz.yml"
    haz.write_text(haz.read_text() + "  slow: {command: [/bin/sleep, '60']}\n")
    said = run("deadline.py", workspace, 2.0).splitlines()
    assert "app:slow Cancelled" in said
    assert len(said) == 3


def test_one_task_is_cancelled(workspace: Path) -> None:
    """The other two end before their time is over, or behind it as well and are left alone."""
    haz = workspace / "app" / "haz.yml"
    haz.write_text(haz.read_text() + "  slow: {command: [/bin/sleep, '60']}\n")
    said = run("cancel_one.py", workspace, 3.0).splitlines()
    assert said == ["app:build completed", "app:slow ByCaller()", "app:test completed"]


def test_events(workspace: Path) -> None:
    assert run("events.py", workspace).splitlines() == [
        "app:build begins",
        "app:build stdout: b'built\\n'",
        "app:build is completed",
        "app:test begins",
        "app:test stdout: b'tested\\n'",
        "app:test is completed",
    ]


def test_what_if(workspace: Path) -> None:
    said = run("what_if.py", workspace)
    assert re.search(r"app:test ran \d+\.\d\d s and waited .*dependency app:build", said)
    assert re.search(r"\d+\.\d\d s; with two slots \d+\.\d\d s", said)


def test_a_fixture() -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*argv, str(EXAMPLES / "fixture.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_names_of_the_reference_are_the_public_ones() -> None:
    """Each public name has a section of its own."""
    import haz_trio

    page = (HERE / "docs" / "api.md").read_text()
    titles = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert sorted(titles) == sorted(set(haz_trio.__all__) - {"__version__"})
