"""The files beside this one are checked by type checkers; here they only have to be importable."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_what_is_checked_can_be_imported(name: str) -> None:
    """Every name that the checkers see is there at run time as well."""
    importlib.import_module(f"tests.typing.{name}")
