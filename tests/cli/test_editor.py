"""The schemas in an editor: what the YAML language server underlines, and where."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from haz_trio.cli.main import run_command_line
from haz_trio.config.json_schema import FileKind
from tests.cli.language_server import PROGRAM, LanguageServer, open_language_server
from tests.config.support import errors, parse

Capture = pytest.CaptureFixture[str]
EXAMPLE = Path(__file__).parents[2] / "examples" / "monorepo"


@attrs.frozen
class Editor:
    """A workspace with its schemas, open in an editor."""

    server: LanguageServer
    root: Path

    def modeline(self, kind: FileKind, folder: Path, capture: Capture) -> str:
        """The line that `haz schema --write` tells to put first into a file of a folder."""
        words = ["-C", str(folder), "schema", kind.value, "--write"]
        assert run_command_line(words) == 0
        found = capture.readouterr().out.splitlines()[1]
        assert found.startswith("# yaml-language-server: ")
        return found

    def write(self, fault: str, capture: Capture) -> tuple[Path, str]:
        """A new file with one of the faults below the line for its schema; path and text."""
        kind, text = BROKEN[fault]
        folder = self.root / {FileKind.PROJECT: "stats", FileKind.OVERLAY: ".haz/tasks"}.get(
            kind, ".haz"
        )
        start = folder if kind is FileKind.PROJECT else self.root
        text = f"{self.modeline(kind, start, capture)}\n{text}"
        # Never a name twice: the server would not know the file for another one.
        path = folder / f"{fault.replace(' ', '-')}-{len(os.listdir(folder))}.yml"
        path.write_text(text)
        return path, text


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    if shutil.which(PROGRAM) is None:
        missing = f"{PROGRAM} is not on the path (npm install {PROGRAM})"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    root = tmp_path_factory.mktemp("editor") / "monorepo"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("cache", "out"))
    with open_language_server(root) as server:
        yield Editor(server, root)


def files_of(root: Path) -> list[tuple[FileKind, Path]]:
    return [
        (FileKind.WORKSPACE, root / ".haz/workspace.yml"),
        *((FileKind.PROJECT, path) for path in sorted(root.glob("*/haz.yml"))),
        *((FileKind.OVERLAY, path) for path in sorted(root.glob(".haz/tasks/*.yml"))),
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, str(path.relative_to(EXAMPLE))) for kind, path in files_of(EXAMPLE)],
)
def test_the_example_has_nothing_underlined(
    editor: Editor, kind: FileKind, name: str, capfd: Capture
) -> None:
    """Each file finds its schema by the printed line, shows help on its keys, and is right."""
    path = editor.root / name
    text = path.read_text()
    folder = path.parent if kind is FileKind.PROJECT else editor.root
    path.write_text(f"{editor.modeline(kind, folder, capfd)}\n{text}")
    assert editor.server.marks(path) == []
    lines = path.read_text().split("\n")
    first = next(n for n, line in enumerate(lines, 1) if line and not line.startswith("#"))
    assert "(CFG-" in editor.server.hover(path, first)


TASK = "name: a\ntasks:\n  build:\n"
# Each breaks one rule; the arrow points to the line that is at fault.
BROKEN = {
    "an unknown key of a task": (
        FileKind.PROJECT,
        TASK + "    command: [make]\n    inptus: [a]  # <-\n",
    ),
    "an unknown key of an overlay": (
        FileKind.OVERLAY,
        "tasks: {}\ntagFilter: [py]  # <-\n",
    ),
    "a text for a list": (FileKind.PROJECT, TASK + "    command: make all  # <-\n"),
    "a list for a mapping": (FileKind.PROJECT, "name: a\ntasks:\n  - build  # <-\n"),
    "no name": (FileKind.PROJECT, "tags: [c]  # <-\ntasks: {}\n"),
    "no projects": (FileKind.WORKSPACE, "cache:  # <-\n  hash: sha256\n"),
    "a bad name of a project": (FileKind.PROJECT, "tags: [c]\nname: not a name  # <-\n"),
    "a bad name of a task": (
        FileKind.PROJECT,
        TASK + "    command: [make]\n  a b:  # <-\n    command: [x]\n",
    ),
    "a bad name of a variable": (
        FileKind.PROJECT,
        TASK + "    command: [make]\n    env:\n      override:\n        1A: x  # <-\n",
    ),
    "a bad mode of a mutex": (
        FileKind.PROJECT,
        TASK + "    command: [x]\n    mutex:\n      name: db\n      mode: sharde  # <-\n",
    ),
    "a bad hash": (FileKind.WORKSPACE, "projects: [/a]\ncache:\n  hash: md5  # <-\n"),
    "a bad output mode": (FileKind.WORKSPACE, "projects: []\noutput:\n  mode: grand  # <-\n"),
    "both actions": (FileKind.PROJECT, TASK + "    command: [make]\n    shell: make  # <-\n"),
    "no action": (FileKind.PROJECT, "name: a\ntasks:\n  build:  # <-\n    inputs: [a]\n"),
    "a shell type without a shell": (
        FileKind.PROJECT,
        TASK + "    command: [make]\n    shell_type: bash  # <-\n",
    ),
    "an output above the project": (
        FileKind.PROJECT,
        TASK + "    command: [make]\n    outputs:\n      - out/a\n      - ../b  # <-\n",
    ),
    "an output in .haz": (
        FileKind.PROJECT,
        TASK + "    command: [make]\n    outputs:\n      - out/a\n      - /.haz/b  # <-\n",
    ),
    "a reference without a task": (
        FileKind.PROJECT,
        TASK + "    command: [make]\n    deps:\n      - a:b\n      - lib  # <-\n",
    ),
    "a folder that is not from the root": (
        FileKind.WORKSPACE,
        "projects:\n  - /a\n  - lib  # <-\n",
    ),
    "a cap of nothing": (
        FileKind.WORKSPACE,
        "projects: []\nconcurrency:\n  default: 0  # <-\n",
    ),
    "an age without a unit": (
        FileKind.WORKSPACE,
        "projects: []\ncache:\n  clean:\n    max_age: 5  # <-\n",
    ),
    "an empty list of tags": (FileKind.OVERLAY, "tasks: {}\ntagsFilter: []  # <-\n"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_is_underlined_where_it_is(editor: Editor, fault: str, capfd: Capture) -> None:
    """The editor marks one place in a broken file: the line that `haz check` names as well."""
    path, text = editor.write(fault, capfd)
    wrong = [n for n, line in enumerate(text.split("\n"), 1) if line.endswith("# <-")]
    found = editor.server.marks(path)
    assert [mark.line for mark in found] == wrong, found
    told = errors(parse(BROKEN[fault][0].value, text))
    assert [each.span.line for each in told if each.span] == wrong


# What an editor's own words would leave in the dark: patterns, and rules between keys.
@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("a text for a list", "`shell: make all`"),
        ("a bad name of a project", "letters, digits, `_` and `-`"),
        ("a bad name of a task", "letters, digits, `_` and `-`"),
        ("a bad name of a variable", "letters, digits and `_`"),
        ("a bad mode of a mutex", "`mode: exclusive` or `mode: shared`"),
        ("both actions", "keep one of the two"),
        ("no action", "add `command: [program, argument]`, or `shell`"),
        ("an output in .haz", "is not in `.haz`"),
        ("a reference without a task", "`project:task`"),
        ("a folder that is not from the root", "begins with `/`"),
        ("an age without a unit", "`max_age: 4w2d`"),
    ],
)
def test_a_fault_is_explained(editor: Editor, fault: str, advice: str, capfd: Capture) -> None:
    """The editor says in words what to write instead, and shows no regular expression."""
    path, _ = editor.write(fault, capfd)
    found = editor.server.marks(path)
    assert advice in found[0].message
    assert "pattern" not in found[0].message


def test_marks_come_from_the_schemas(editor: Editor) -> None:
    """In a file that names no schema the server marks only what is no YAML."""
    path = editor.root / "stats/plain.yml"
    path.write_text(BROKEN["both actions"][1])
    assert editor.server.marks(path) == []
    other = editor.root / "stats/broken.yml"
    other.write_text("a: [\n")
    assert editor.server.marks(other) != []
