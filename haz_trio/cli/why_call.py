"""From the words of ``haz why`` to its call."""

from __future__ import annotations

from haz_trio.cli.options import parse_target
from haz_trio.cli.state import State
from haz_trio.errors import UsageError
from haz_trio.model.references import Reference
from haz_trio.values import frozen


@frozen
class WhyOptions:
    """The argument and the options of ``haz why``."""

    reference: Reference
    diff: bool
    receipt: bool
    json: bool


def why(state: State, *, task: str, diff: bool, receipt: bool, json: bool) -> int:
    """Check the reference and explain; raises ``UsageError``, and what ``why_command`` raises."""
    if diff and receipt:
        raise UsageError("couldn't parse: `--receipt` cannot be combined with `--diff`")
    options = WhyOptions(parse_target(task), diff, receipt, json)
    # Imported here: bad arguments need neither hashing nor YAML (cli.md 14.5).
    from haz_trio.cli.why import why_command

    return why_command(state.options, options)
