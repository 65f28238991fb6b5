"""From the words of ``haz simulate`` to its call, and what its words mean."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.cli.mistakes import bad_value
from haz_trio.cli.state import State
from haz_trio.cli.values import Jobs, parse_jobs
from haz_trio.errors import UsageError
from haz_trio.values import frozen

_SLOTS = "concurrency.default"
_TAG = "concurrency.tags."
_MUTEX = "mutex."
_NONE = "none"


@frozen
class SimulateOptions:
    """What is to be different; ``None`` as the cap of a tag lifts it.

    Without ``run`` the last one is meant, without ``jobs`` its number of slots stays.
    """

    run: str | None
    jobs: Jobs | None
    tags: tuple[tuple[str, int | None], ...]
    unlocked: tuple[str, ...]
    json: bool


def simulate(
    state: State, *, run: str | None, jobs: str | None, set: Sequence[str] | None, json: bool
) -> int:
    """Check the words and simulate; raises ``UsageError``, and what the command raises."""
    slots = None if jobs is None else parse_jobs(jobs, "--jobs")
    tags: dict[str, int | None] = {}
    unlocked = []
    for text in set or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise bad_value(text, "write it as KEY=VALUE", "--set")
        if key == _SLOTS:
            if slots is not None:
                raise UsageError(f"couldn't parse: the number of slots is given twice: {text}")
            slots = parse_jobs(value, "--set")
        elif key.startswith(_TAG) and len(key) > len(_TAG):
            tags[key.removeprefix(_TAG)] = _cap(text, value)
        elif key.startswith(_MUTEX) and len(key) > len(_MUTEX):
            if value != _NONE:
                raise bad_value(text, f"a mutex can only be taken away: {key}={_NONE}", "--set")
            unlocked.append(key.removeprefix(_MUTEX))
        else:
            known = f"`{_SLOTS}`, `{_TAG}NAME` and `{_MUTEX}NAME`"
            raise bad_value(text, f"unknown setting `{key}`; there are {known}", "--set")
    options = SimulateOptions(run, slots, tuple(tags.items()), tuple(unlocked), json)
    # Imported here: bad arguments need no workspace (cli.md 14.5).
    from haz_trio.cli.simulate import simulate_command

    return simulate_command(state.options, options)


def _cap(text: str, value: str) -> int | None:
    if value == _NONE:
        return None
    if not (value.isascii() and value.isdecimal()) or len(value) > 9 or int(value) < 1:
        raise bad_value(text, f"the cap of a tag is a number from 1 on, or `{_NONE}`", "--set")
    return int(value)
