"""Names of projects, tags, tasks, mutexes, shells and variables (ID-001 to ID-004, CFG-022)."""

from __future__ import annotations

import re


def is_name(text: str, longest: int = 64) -> bool:
    """ASCII letters, digits, ``_`` and ``-``; the first is a letter or a digit."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", text) is not None and len(text) <= longest


def is_shell_name(text: str) -> bool:
    return is_name(text, longest=32)


def is_variable(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None and len(text) <= 256
