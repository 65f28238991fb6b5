"""Tests that are named in tables: a file, or a file and a function."""

from __future__ import annotations

import ast
from pathlib import Path

TOP = Path(__file__).parents[1]


def is_there(test: str) -> bool:
    """Whether ``tests/….py`` or ``tests/….py::function`` exists."""
    file, _, function = test.partition("::")
    path = TOP / file
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return not function or function in names
