"""The environment of this process, as tasks may copy from it (execution.md 5.4)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType

# Text of a command crosses into the system as UTF-8 whatever the locale says (L11).
# Bytes that are not UTF-8 survive the way in and out as lone surrogates.
ENCODING = "utf-8"
ERRORS = "surrogateescape"

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")


def host_environment() -> Mapping[str, str]:
    """A snapshot of this process's environment; names that no task can write are left out.

    A value that is not UTF-8 holds lone surrogates and reaches a child byte for byte.
    """
    return MappingProxyType(
        {
            name.decode(ENCODING, ERRORS): value.decode(ENCODING, ERRORS)
            for name, value in os.environb.items()
            if _NAME.fullmatch(name)
        }
    )
