"""Where Python code comes from, and so how it is told apart from other code.

Code of the standard library goes by its name, since the Python version is in every key; code of an
installed distribution goes by name and version.  All other code is local: its text counts.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import site
import sys
import sysconfig
from functools import cache
from types import ModuleType

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
    file = _file_of(top)
    if file is None or not any(file.startswith(folder) for folder in _site_folders()):
        return LOCAL
    try:
        return f"{top} {importlib.metadata.version(top)}"
    except importlib.metadata.PackageNotFoundError:
        pass
    names = importlib.metadata.packages_distributions().get(top, ())
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names)))


def _file_of(top: str) -> str | None:
    module = sys.modules.get(top)
    if module is not None:
        file: str | None = getattr(module, "__file__", None)
    else:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            spec = None
        file = spec.origin if spec is not None else None
    return None if file is None else os.path.realpath(file)


@cache
def _site_folders() -> tuple[str, ...]:
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    paths |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.join(os.path.realpath(path), "") for path in sorted(paths))


def text_of(module: ModuleType) -> bytes | None:
    """The digest of the file of a local module; ``None`` for one without a file."""
    file = getattr(module, "__file__", None)
    return None if not isinstance(file, str) else _digest_of([file])


def text_of_name(name: str) -> bytes | None:
    """The digest of a local module that is imported later: its file, or all of its package."""
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return None
    files = [spec.origin] if spec.origin is not None and os.path.isfile(spec.origin) else []
    for folder in spec.submodule_search_locations or ():
        for place, _, names in os.walk(folder):
            files += [os.path.join(place, name) for name in names if name.endswith(".py")]
    return _digest_of(sorted(set(files)))


def _digest_of(files: list[str]) -> bytes | None:
    digest = hashlib.blake2b(digest_size=16)
    try:
        for file in files:
            with open(file, "rb") as opened:
                data = opened.read()
            digest.update(len(data).to_bytes(8, "big") + data)
    except OSError:
        return None
    return digest.digest()
