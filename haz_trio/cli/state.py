"""What one command line shares between its parser, its command and its error report."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs

from haz_trio.cli.options import RootOptions

Settings: TypeAlias = dict[str, Any]  # Any: of a click context, as typer takes them


@attrs.define
class State:
    """The options before the command, as soon as they are known."""

    options: RootOptions = attrs.field(factory=RootOptions)
