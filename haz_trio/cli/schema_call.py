"""From the words of ``haz schema`` to its call."""

from __future__ import annotations

from haz_trio.cli.mistakes import bad_value
from haz_trio.cli.state import State

_KINDS = ("workspace", "project", "overlay")


def schema(state: State, *, kind: str | None, write: bool) -> int:
    """Check the kind and print or write; raises ``UsageError``."""
    if kind is not None and kind not in _KINDS:
        reason = f"unknown kind of file `{kind}` (expected `workspace`, `project` or `overlay`)"
        raise bad_value(kind, reason)
    # Imported here: bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.schema import schema_command
    from haz_trio.config.json_schema import FileKind

    return schema_command(state.options, None if kind is None else FileKind(kind), write=write)
