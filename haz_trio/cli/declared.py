"""How a command is declared: a function for Typer that has words and help, but no body.

The body is elsewhere and knows nothing of Typer, so that the fast lane calls it as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

from haz_trio.cli.lane_types import Value
from haz_trio.cli.state import State
from haz_trio.cli.strict import Context

Settings: TypeAlias = dict[str, Any]  # Any: of a click context, as typer takes them

BODY = "__body__"  # where a declaration keeps the name of its body


def forwards(body: str) -> Callable[[Callable[..., None]], Callable[..., int]]:
    """Let a declaration call a body, ``module:function``, with its own keywords."""

    def decorate(declaration: Callable[..., None]) -> Callable[..., int]:
        @wraps(declaration)
        def forward(ctx: Context, **keywords: Value) -> int:
            state: State = ctx.ensure_object(State)
            return state.call(body, keywords)

        vars(forward)[BODY] = body
        return forward

    return decorate
