"""What a program says of tasks: how they ended, and what has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from haz_trio.testing.reference.graph import label
from haz_trio.testing.reference.history import CACHED, Happened
from haz_trio.testing.reference.references import Id
from haz_trio.testing.reference.schedule import DONE, FAILED, SKIPPED


def named_differences(report: bytes, task: str) -> list[tuple[str, str, str]] | None:
    """What ``haz why --diff --json`` says has changed for a task; ``None`` for nothing at all."""
    try:
        (found,) = (it for it in json.loads(report)["diff"] if it["task"] == task)
        return sorted(
            (
                it["part"],
                it.get("path") or it.get("pattern") or it.get("name") or it.get("task") or "",
                it.get("how", ""),
            )
            if it["part"] != "cache.hash"
            else (it["part"], it["before"], it["now"])
            for it in found["changes"]
        )
    except (ValueError, KeyError, TypeError):
        return None


_SUMMARY = re.compile(r"^(?:.*?)(\[[\w-]+:[\w-]+\] [✓◉✗!-] \w+)(?: in [\dhms ]+?)?( \(.*\))?$")


def summaries(lines: list[str]) -> list[str]:
    """The lines on standard error that say how a task ended, without the durations."""
    found = (_SUMMARY.match(line) for line in lines)
    return [f"{one[1]}{one[2] or ''}" for one in found if one and "errored" not in one[1]]


def summary(happened: Happened, ended: Mapping[Id, str]) -> list[str]:
    """The line for a task, as ``summaries`` gives it; none for one that errored."""
    verbs = {
        DONE: "✓ done",
        CACHED: "◉ cached",
        FAILED: f"✗ failed (exit {happened.effect.code})",
    }
    if happened.verdict == SKIPPED:
        cause = happened.cause
        assert cause is not None
        return [f"[{label(happened.id)}] - skipped (upstream {label(cause)} {ended[cause]})"]
    verb = verbs.get(happened.verdict)
    return [f"[{label(happened.id)}] {verb}"] if verb else []
