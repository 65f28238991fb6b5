"""Where Python code comes from, and so how it is told apart from other code.

Code of the standard library goes by its name, since the Python version is in every key; code of an
installed distribution goes by name and version.  All other code is local: its text counts.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache

from haz_trio import __version__

LOCAL = ""
_OURS = "haz_trio"


def origin_of(module: str) -> str:
    """What stands for all code of a module: empty for local code, whose text counts."""
    top = module.partition(".")[0]
    if top == _OURS and not module.startswith(f"{_OURS}_"):
        return f"{_OURS} {__version__}"
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return f"python {top}"
    return _installed(top)


@cache
def _installed(top: str) -> str:
    """Name and version of the distribution that a module comes from, if it is an installed one."""
    places = _places_of(top)
    if not places or not all(place.startswith(_site_folders()) for place in places):
        return LOCAL
    try:
        return f"{top} {importlib.metadata.version(top)}"
    except importlib.metadata.PackageNotFoundError:
        pass
    names = _distributions().get(top, ())
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names)))


@cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _places_of(top: str) -> list[str]:
    """The file of a module, or the folders of a package that has no file of its own."""
    module = sys.modules.get(top)
    if module is not None:
        file: str | None = getattr(module, "__file__", None)
        folders = getattr(module, "__path__", None)
    else:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            spec = None
        file = spec.origin if spec is not None else None
        folders = spec.submodule_search_locations if spec is not None else None
    found = list(folders or ()) if file is None else [file]
    return [os.path.realpath(place) for place in found]


@cache
def _site_folders() -> tuple[str, ...]:
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    paths |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.join(os.path.realpath(path), "") for path in sorted(paths))
