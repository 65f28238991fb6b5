"""What this room costs those who need little of it (cli.md 14.5)."""

from __future__ import annotations

import subprocess
import sys

LIGHT = ("palette", "renderers", "streams", "summary", "terminal", "writes")
HEAVY = {"trio", "json", "tempfile", "textwrap", "unicodedata"}


def loaded(*names: str) -> set[str]:
    """Every module that a fresh interpreter has after importing some."""
    script = "".join(f"import {name}\n" for name in names) + "import sys; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_printing_without_a_loop_loads_no_loop() -> None:
    """A run in which all is cached prints without trio, temporary files and Unicode tables."""
    names = [f"haz_trio.output.{name}" for name in LIGHT]
    extra = loaded("attrs", *names) - loaded("attrs")
    assert set(names) <= extra
    assert not extra & HEAVY
