"""Small helpers for tests on real directories: trees from a dict, entries from texts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from haz_trio.config.files import Entry
from haz_trio.errors import ConfigError, SourceText, Span
from haz_trio.model.patterns import parse_pattern

SOURCE = SourceText("workspace.yml", ())


class To(str):
    """A link to this target."""

    __slots__ = ()


def plant(root: Path, tree: Mapping[str, str]) -> Path:
    """Make files, links (`To`) and, for names that end with a slash, directories."""
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif isinstance(content, To):
            path.symlink_to(content)
        else:
            path.write_text(content)
    return root


def entries(*texts: str) -> list[Entry]:
    """Entries as `workspace.yml` would give them, the first on line 1."""
    return [
        Entry(parse_pattern(text), Span(SOURCE, line, 1, line, 2))
        for line, text in enumerate(texts, 1)
    ]


def told(error: ConfigError) -> str:
    """Everything that an error says."""
    parts = [error.headline]
    for diagnostic in error.diagnostics:
        parts += [diagnostic.message, *diagnostic.causes, diagnostic.help]
    return "\n".join(parts)


def real(path: Path) -> str:
    return os.path.realpath(path)


@contextmanager
def without_privileges() -> Iterator[Path]:
    """A directory for a process that may not read everything, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        us = os.geteuid()
        try:
            if us == 0:
                os.chown(folder, 65534, -1)
                os.seteuid(65534)
            yield Path(folder)
        finally:
            os.seteuid(us)
