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

_ADDED = frozenset({b"LC_CTYPE"})
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")


def host_environment() -> Mapping[str, str]:
    """A snapshot of this process's environment; names that no task can write are left out.

    A value that is not UTF-8 holds lone surrogates and reaches a child byte for byte.
    Nor does what the interpreter has added: in the C locale it sets LC_CTYPE (PEP 538), which
    the user has not.
    """
    added = _ADDED - _given_names() if os.environb.keys() & _ADDED else frozenset()
    return MappingProxyType(
        {
            name.decode(ENCODING, ERRORS): value.decode(ENCODING, ERRORS)
            for name, value in os.environb.items()
            if _NAME.fullmatch(name) and name not in added
        }
    )


def _given_names() -> frozenset[bytes]:
    """The variables that this process was started with, as the kernel remembers them."""
    try:
        with open("/proc/self/environ", "rb") as file:
            block = file.read()
    except OSError:
        return _ADDED
    return frozenset(item.partition(b"=")[0] for item in block.split(b"\0"))
