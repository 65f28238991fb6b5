"""The public names: all there, loaded late, and where the table says."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import haz_trio


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


def test_an_unknown_name_is_an_attribute_error() -> None:
    """What is not public is refused as Python refuses it."""
    with pytest.raises(AttributeError, match="no_such_name"):
        haz_trio.no_such_name  # noqa: B018  # the access is the test


def test_importing_the_package_loads_nothing_else() -> None:
    """``import haz_trio`` imports no other module of the package and no other package."""
    code = (
        "import sys; before = set(sys.modules); import haz_trio; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['haz_trio']"
