"""The public names: all there, loaded late, and where the table says."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import haz_trio

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("name", haz_trio.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    """Each name in ``__all__`` is an attribute of the package."""
    assert getattr(haz_trio, name) is not None
    assert name in dir(haz_trio)


def test_names_are_the_objects_of_their_homes() -> None:
    """A public name is the very object of the module that defines it."""
    for home, names in haz_trio._HOMES.items():
        for name in names:
            assert getattr(haz_trio, name) is getattr(importlib.import_module(home), name)


def test_type_checkers_see_the_same_names() -> None:
    """The stub takes each name from the home in the table, and has no other names."""
    stub = ast.parse(Path(haz_trio.__file__).with_suffix(".pyi").read_text())
    told = {
        node.module: sorted(alias.name for alias in node.names)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
    }
    assert told == {home: sorted(names) for home, names in haz_trio._HOMES.items()}
    (names,) = (node.value for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(names)) == sorted(haz_trio.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """What is not public is refused as Python refuses it."""
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(haz_trio, "no_such_name")  # noqa: B009  # no type checker lets it pass


def test_importing_the_package_loads_nothing_else() -> None:
    """``import haz_trio`` imports no other module of the package and no other package."""
    code = (
        "import sys; before = set(sys.modules); import haz_trio; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['haz_trio']"


def test_the_program_in_the_readme_runs_a_workspace(tmp_path: Path) -> None:
    """The README's example works as it stands: twice, and the second time from the cache."""
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / ".git").mkdir()
    (tmp_path / "haz.yml").write_text("name: p\ntasks:\n  t:\n    command: [/bin/echo, hello]\n")
    for source in ("FRESH", "CACHE"):
        words = [sys.executable, "-c", program]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("p:t Completed(")
        assert f"Source.{source}" in done.stdout
        assert done.stderr == ""
