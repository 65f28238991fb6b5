"""The values that options of ``haz run`` take, from words; no workspace is looked at here."""

from __future__ import annotations

import enum
import re
from typing import TypeVar

from haz_trio.cli.lane import UNSAID
from haz_trio.cli.mistakes import bad_value, expected
from haz_trio.plan.policy import CacheUse
from haz_trio.values import frozen

_COUNT = re.compile(r"[0-9]{1,6}")
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_WITHOUT = {
    UNSAID: CacheUse.NEITHER,
    "read": CacheUse.STORE_ONLY,
    "write": CacheUse.LOOK_ONLY,
}

EnumT = TypeVar("EnumT", bound=enum.Enum)


class Annotations(enum.Enum):
    """Whether failures are marked for the page of a continuous integration service."""

    AUTO = "auto"
    GITHUB = "github"
    NONE = "none"


@frozen
class Jobs:
    """How many tasks may be in flight: a number, or percents of the processors."""

    number: int
    percent: bool = False

    def slots(self, processors: int) -> int:
        return max(1, processors * self.number // 100) if self.percent else self.number


def parse_jobs(text: str, source: str) -> Jobs:
    """``4`` or ``50%``; ``source`` is the option or the variable that the text is from."""
    digits = text.removesuffix("%")
    if not _COUNT.fullmatch(digits) or int(digits) == 0:
        reason = "expected a number of tasks from 1 on, or a percentage of the processors as `50%`"
        raise bad_value(text, reason, source)
    return Jobs(int(digits), text.endswith("%"))


def parse_duration(text: str, flag: str) -> float:
    """``90s``, ``1h30m`` or ``1.5s`` in seconds, more than none; raises ``UsageError``."""
    total, seen, at = 0.0, set[str](), 0
    while part := _PART.match(text, at):
        if part[2] in seen:
            raise bad_value(text, f"the unit `{part[2]}` appears more than once", flag)
        seen.add(part[2])
        total += float(part[1]) * _SECONDS[part[2]]
        at = part.end()
    if at < len(text) or not text:
        reason = "expected numbers with units (ms, s, m, h, d), such as `90s` or `1h30m`"
        raise bad_value(text, reason, flag)
    if total <= 0:
        raise bad_value(text, "a time limit must be longer than nothing", flag)
    return total


def split_words(text: str) -> list[str]:
    """The words of ``--args``, split as a POSIX shell does it; raises ``UsageError``."""
    # Imported here: most command lines have none (cli.md 14.5).
    import shlex

    try:
        return shlex.split(text)
    except ValueError as problem:
        fault = str(problem)
        reason = f"{fault[:1].lower()}{fault[1:]}; close it, or pass each word on with `--arg`"
        raise bad_value(text, reason, "--args") from None


def parse_retries(text: str, flag: str) -> int:
    """A number of tries after the first; raises ``UsageError``."""
    if not _COUNT.fullmatch(text):
        raise bad_value(text, "expected how often a failed task is tried again, 0 or more", flag)
    return int(text)


def parse_without(text: str, flag: str) -> CacheUse:
    """What ``--no-cache[=read|write]`` leaves of the cache; raises ``UsageError``."""
    try:
        return _WITHOUT[text]
    except KeyError:
        reason = f"unknown half of the cache `{text}` (expected `read`, `write` or no value)"
        raise bad_value(text, reason, flag) from None


def parse_word(text: str, words: type[EnumT], flag: str, what: str) -> EnumT:
    """One of the words that an enumeration has for values; raises ``UsageError``."""
    try:
        return words(text)
    except ValueError:
        known = expected(each.value for each in words)
        raise bad_value(text, f"unknown {what} `{text}` ({known})", flag) from None
