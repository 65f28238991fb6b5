"""The program `haz` as it is installed: a script of ours, and no entry point."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import haz_trio

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "bin/haz"


def test_the_script_starts_haz() -> None:
    """It does what ``python -m haz_trio`` does."""
    for start in ([str(SCRIPT)], ["-m", "haz_trio"]):
        command = [sys.executable, *start, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == (f"Version: {haz_trio.__version__}\n", "")


def test_installers_can_make_a_program_of_it() -> None:
    """Its first line is the one that they replace by their interpreter's, and it may be run."""
    assert SCRIPT.read_text().startswith("#!python\n")
    assert os.access(SCRIPT, os.X_OK)


def test_nothing_else_has_its_name() -> None:
    """An entry point of the same name would be written over it, or the other way round."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    scripts = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-scripts"]
    assert scripts == {"bin/haz": "haz"}
    for kind in ("scripts", "gui-scripts", "entry-points"):
        assert "haz" not in project["project"].get(kind, {})


@pytest.mark.skipif(
    not (Path(sys.executable).parent / "haz").exists(), reason="haz is not installed beside Python"
)
def test_the_installed_program_starts_haz() -> None:
    """Wherever the environment has it, it runs with this interpreter."""
    program = Path(sys.executable).parent / "haz"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Version: ")
