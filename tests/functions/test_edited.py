"""A module that was edited after its import is not called in its old form under a new key."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from haz_trio.errors import TaskError
from haz_trio.functions.digest import parts_of
from haz_trio.functions.loading import load_function

OLD, NEW = "def g(): return 1\n", "def g(): return 2\n"
USES = {
    "value": "import hy_help\n{kind} f({argument}):\n    hy_help.g()\n",
    "lazy": "{kind} f({argument}):\n    import hy_help\n    hy_help.g()\n",
    "deep": "import hy_near\n{kind} f({argument}):\n    hy_near\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to import from, with a module and one that imports it in a function."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "hy_help.py").write_text(OLD)
    (tmp_path / "hy_near.py").write_text("def f():\n    import hy_help\n")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("hy_")]:
        del sys.modules[name]


def digest(root: Path, use: str, kind: str = "async def") -> dict[str, bytes]:
    argument = "context" if kind == "async def" else ""
    (root / "task.py").write_text(USES[use].format(kind=kind, argument=argument))
    return dict(parts_of(load_function(str(root / "task.py"), "f")))


@pytest.mark.parametrize("use", USES)
def test_an_edit_behind_the_import_is_refused(root: Path, use: str) -> None:
    """By name of the file, until its old text is back or it is imported again."""
    module = importlib.import_module("hy_help")
    before = digest(root, use)
    (root / "hy_help.py").write_text(NEW)
    for _ in range(2):
        with pytest.raises(TaskError, match=r"hy_help\.py\" was edited after .* a new process"):
            digest(root, use)
    (root / "hy_help.py").write_text(OLD)
    assert digest(root, use) == before
    (root / "hy_help.py").write_text(NEW + "# longer, so that a reload sees it\n")
    importlib.reload(module)
    assert digest(root, use) != before


def test_an_edit_behind_the_first_call_is_refused(root: Path) -> None:
    """The call has imported the module, after the first look at its file."""
    digest(root, "lazy")
    importlib.import_module("hy_help")
    digest(root, "lazy")
    (root / "hy_help.py").write_text(NEW)
    with pytest.raises(TaskError, match="start a new process"):
        digest(root, "lazy")


def test_an_edit_between_key_and_import_is_refused(root: Path) -> None:
    """Which of two texts was imported is not known, when the first look was before the import."""
    digest(root, "lazy")
    importlib.import_module("hy_help")
    (root / "hy_help.py").write_text(NEW)
    with pytest.raises(TaskError, match="start a new process"):
        digest(root, "lazy")


@pytest.mark.parametrize("use", ["lazy", "deep"])
def test_an_edit_before_the_import_is_fine(root: Path, use: str) -> None:
    """What is imported later is imported in its new form."""
    before = digest(root, use)
    (root / "hy_help.py").write_text(NEW)
    after = digest(root, use)
    assert after != before
    importlib.import_module("hy_help")
    assert digest(root, use) == after


@pytest.mark.parametrize("use", USES)
def test_a_process_of_its_own_imports_the_new_text(root: Path, use: str) -> None:
    """A function that is no coroutine is called there, so that nothing is refused."""
    importlib.import_module("hy_help")
    before = digest(root, use, "def")
    (root / "hy_help.py").write_text(NEW)
    assert digest(root, use, "def") != before


def test_the_file_of_a_task_is_executed_again(root: Path) -> None:
    """Another task may import it by its name, which has nothing to do with that."""
    task = root / "hy_task.py"
    (root / "other.py").write_text("async def f(context):\n    import hy_task\n")
    for value in ("1", "22"):
        task.write_text(f"class K: v = {value}\nasync def f(context): K\n")
        for file in ("other.py", "hy_task.py"):
            assert parts_of(load_function(str(root / file), "f"))
