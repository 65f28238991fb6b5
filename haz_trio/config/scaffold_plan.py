"""The texts and names that ``haz init`` writes (cli.md 13.3, AUX-005); opens no file."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence, Set

from haz_trio.config.scaffold_tree import Selection
from haz_trio.errors import ConfigError, Diagnostic, InvalidTextError
from haz_trio.model.globs import escape, is_glob
from haz_trio.model.names import NAME_BYTES, check_name
from haz_trio.model.patterns import WORKSPACE_ROOT, join
from haz_trio.values import frozen

HEADLINE = "haz init cannot make this workspace (AUX-005)"
_PLAIN = re.compile(r"/[A-Za-z0-9_./*+@=-]+(?: [A-Za-z0-9_./*+@=-]+)*", re.ASCII)
_OUTSIDE_NAME = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_RUN = re.compile(r"--+")
_NO_START = re.compile(r"^[^A-Za-z0-9]+", re.ASCII)


@frozen
class Entry:
    """One entry of ``projects``: a folder, and the pattern for it or for what is in it."""

    path: str
    pattern: str


@frozen
class Scaffold:
    """A `haz.yml` to be written into the folder ``root``, a workspace path."""

    root: str
    name: str

    @property
    def path(self) -> str:
        return join(self.root, "haz.yml")

    @property
    def text(self) -> str:
        return f"name: {_name_value(self.name)}\ntasks: {{}}\n"


def entries_for(selection: Selection) -> tuple[Entry, ...]:
    """The entries in byte order; a project that a projects parent takes in needs none."""
    taken_in = selection.parents
    literal = [
        (path, Entry(path, escape(path) if is_glob(path) else path))
        for path in selection.projects
        if (path.rpartition("/")[0] or WORKSPACE_ROOT) not in taken_in or path == WORKSPACE_ROOT
    ]
    globs = [(join(p, "*"), Entry(p, join(_literal_part(p), "*"))) for p in selection.parents]
    ordered = sorted(literal + globs, key=lambda pair: os.fsencode(pair[0]))
    return tuple(entry for _, entry in ordered)


def workspace_text(entries: Sequence[Entry]) -> str:
    """The content of `workspace.yml`."""
    if not entries:
        return "projects: []\n"
    return "projects:\n" + "".join(f"  - {_scalar(entry.pattern)}\n" for entry in entries)


def name_projects(roots: Sequence[str], taken: Set[str]) -> tuple[Scaffold, ...]:
    """A name for each folder that needs one, in byte order of the folders.

    ``taken`` are the names of projects that have a file already.
    A name that several folders would have, or that is taken, gets the folder above in front
    (`a-lib`), and a number where that does not help.
    Raises ``ConfigError`` with every folder whose name leaves nothing to make a name of.
    """
    ordered = sorted(roots, key=os.fsencode)
    plain = {root: sanitise(root.rpartition("/")[2]) for root in ordered}
    problems = [d for root, name in plain.items() if (d := _check_derived(root, name)) is not None]
    if problems:
        raise ConfigError(problems, HEADLINE)
    shared = Counter([*plain.values(), *taken])
    names = _Names({*taken, *(name for name in plain.values() if shared[name] == 1)})
    return tuple(
        Scaffold(root, names.take(root, name) if shared[name] > 1 else name)
        for root, name in plain.items()
    )


def sanitise(name: str) -> str:
    """What is left of a folder's name in a project's; may be empty or too long."""
    return _NO_START.sub("", _RUN.sub("-", _OUTSIDE_NAME.sub("-", name)))


def _check_derived(root: str, name: str) -> Diagnostic | None:
    try:
        check_name(name)
    except InvalidTextError as problem:
        return Diagnostic(
            f"could not derive a valid project name from directory `{root}` (sanitised: `{name}`)",
            causes=(str(problem),),
            help=f"rename the directory, or write `.{root}/haz.yml` with a name of your own first",
        )
    return None


class _Names:
    """Hands out names, each once."""

    def __init__(self, used: Set[str]) -> None:
        self._used = set(used)
        self._next: dict[str, int] = {}

    def take(self, root: str, name: str) -> str:
        above = sanitise(root.rpartition("/")[0].rpartition("/")[2])
        qualified = f"{above}-{name}" if above else name
        base = qualified if len(qualified) <= NAME_BYTES else name
        candidate = base
        while candidate in self._used:
            number = self._next.get(base, 2)
            self._next[base] = number + 1
            candidate = f"{base[: NAME_BYTES - len(str(number)) - 1]}-{number}"
        self._used.add(candidate)
        return candidate


def _literal_part(path: str) -> str:
    """A folder as the beginning of a glob."""
    return path if path == WORKSPACE_ROOT else escape(path)


def _scalar(text: str) -> str:
    """A text as a YAML scalar: as it is where that is safe, else in single quotes."""
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "''") + "'"


def _name_value(name: str) -> str:
    """A name as a YAML scalar; the one word that the loader does not take for text is quoted."""
    return f'"{name}"' if name.lower() == "null" else name
