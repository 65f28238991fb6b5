"""``python tests/mutants/haz.py NAME …``: the command line of a wrong haz."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

sys.path[0] = str(Path(__file__).parents[2])
from tests.mutants.every import EVERY  # noqa: E402  # found by the line above
from tests.mutants.patches import Mutant  # noqa: E402  # the same

UNCHANGED = "no-change"  # the name of haz as it is, to tell findings from chance


class PatchedLoader(importlib.machinery.SourceFileLoader):
    """Compiles another source than the one on disk, and keeps no bytecode of it."""

    mutant: Mutant

    def get_code(self, fullname: str) -> object:  # type: ignore[override]  # never None here
        source = self.get_data(self.path).decode()
        assert source.count(self.mutant.old) == 1, f"{self.mutant.name} does not fit"
        changed = source.replace(self.mutant.old, self.mutant.new)
        return compile(changed, self.path, "exec", dont_inherit=True)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the one module that is to be another."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != f"haz_trio.{self.mutant.module}":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = loader = PatchedLoader(fullname, spec.origin)
        loader.mutant = self.mutant
        return spec


def hook(name: str) -> None:
    """From now on the wrong module is imported; once is enough."""
    if name == UNCHANGED:
        return
    (mutant,) = (each for each in EVERY if each.name == name)
    if not any(getattr(finder, "mutant", None) == mutant for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder(mutant))


def main() -> None:
    hook(sys.argv.pop(1))
    from haz_trio.__main__ import main as haz

    haz()


if __name__ == "__prelude__":  # of a warm start
    hook(sys.argv[1])
elif __name__ == "__main__":
    main()
