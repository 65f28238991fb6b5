"""From the words of the `haz cache` commands to their calls (cli.md 12)."""

from __future__ import annotations

import re
from collections.abc import Callable

from haz_trio.cli.mistakes import bad_value
from haz_trio.cli.state import State
from haz_trio.errors import InvalidTextError
from haz_trio.model.quantities import parse_age, parse_size

_KEY = re.compile(r"[0-9a-fA-F]{4,64}", re.ASCII)


def info(state: State, *, json: bool) -> int:
    """Say what there is."""
    # Imported here, as below: bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.cache import info_command

    return info_command(state.options, as_json=json)


def clear(state: State) -> int:
    """Remove the cache."""
    from haz_trio.cli.cache import clear_command

    return clear_command(state.options)


def clean(
    state: State, *, soft: bool, max_age: str | None, max_size: str | None, dry_run: bool
) -> int:
    """Check the limits and remove what is beyond them; raises ``UsageError``."""
    age = _quantity(parse_age, max_age, "--max-age")
    size = _quantity(parse_size, max_size, "--max-size")
    from haz_trio.cli.cache import clean_command

    return clean_command(state.options, soft=soft, max_age=age, max_size=size, dry_run=dry_run)


def ls(state: State, *, json: bool) -> int:
    """List the entries."""
    from haz_trio.cli.cache_entries import ls_command

    return ls_command(state.options, as_json=json)


def show(state: State, *, key: str, json: bool) -> int:
    """Check the key and print its entry; raises ``UsageError``."""
    if not _KEY.fullmatch(key):
        raise bad_value(key, "a key is given by 4 to 64 hexadecimal digits, see `haz cache ls`")
    from haz_trio.cli.cache_entries import show_command

    return show_command(state.options, key.lower(), as_json=json)


def verify(state: State, *, repair: bool, json: bool) -> int:
    """Verify everything."""
    from haz_trio.cli.cache_verify import verify_command

    return verify_command(state.options, mend=repair, as_json=json)


def _quantity(parse: Callable[[str], int], text: str | None, flag: str) -> int | None:
    if text is None:
        return None
    try:
        return parse(text)
    except InvalidTextError as problem:
        raise bad_value(text, problem, flag) from None
