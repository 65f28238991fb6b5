"""Ways in which a task can end, each by itself in a task that depends on nothing.

So that one run shows many of them they are all in project ``o``, some with a task that is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body
from haz_trio.testing.reference.references import Id
from haz_trio.testing.strategies.parties import LOG, Guests

FILES: Mapping[str, tuple[str, int]] = {  # what the commands and inputs below name
    "o/plain": ("#!/bin/sh\n", 0o644),
    "o/bare": ("echo\n", 0o755),
    "o/odd": ("#!/no/such/interpreter\n", 0o755),
    "o/folder/file": ("", 0o644),
}
_COMMANDS = {
    "no-program": "./no-such-program",
    "nowhere-in-path": "no-such-program",
    "plain-program": "./plain",
    "folder-program": "./folder",
    "bare-script": "./bare",
    "odd-interpreter": "./odd",
}
if not any(os.path.lexists(f"{folder}/nologin") for folder in ("/bin", "/usr/bin")):
    _COMMANDS["program-of-sbin"] = "nologin"  # found by who does not look in these two alone
_INPUTS = {"no-input": "none", "folder-input": "folder"}
_OUTPUTS = {
    "no-output": "",
    "folder-output": "[ -d N ] || /bin/mkdir N; ",
    "dangling-output": "/bin/ln -sf nowhere N; ",
}
WHY: Mapping[str, str] = {
    "fail": "(exit 3)",
    "killed": "(signal 9)",
    "exit-1": "(exit 1)",
    "exit-2": "(exit 2)",
    "exit-137": "(exit 137)",
    "exit-255": "(exit 255)",
    "terminated": "(signal 15)",
}
"""What a summary line says of those that fail."""
NOT_STARTED: frozenset[str] = frozenset({*_COMMANDS, *_INPUTS})
STARTED: frozenset[str] = frozenset(_OUTPUTS)
"""Who is an error, before its command and after it."""
FLAVOURS: Mapping[str, tuple[str, ...]] = {
    "errors": (*_COMMANDS, *_INPUTS, *_OUTPUTS),
    "fails": tuple(WHY),
    "all": (*_COMMANDS, *_INPUTS, *_OUTPUTS, *WHY),
}


def last_words(kind: str) -> str:
    """How the script of one that fails ends."""
    why = WHY.get(kind, "(exit 0)").strip("()")
    how, _, number = why.partition(" ")
    return f"kill -{number} $$" if how == "signal" else f"exit {number}"


@st.composite
def endings(draw: st.DrawFn, flavour: str) -> Guests:
    """Tasks in project ``o``, of errors, of failures, of both, or none."""
    found: Guests = {}
    for kind in FLAVOURS.get(flavour, ()):
        if draw(st.integers(0, 2)) == 0:
            found["o", kind] = kind, _body(kind)
            if draw(st.booleans()):
                # A file that is there, and is no reason to begin.
                behind: Body = {"shell": "true", "deps": [f"~:{kind}"], "inputs": ["folder/file"]}
                found["o", f"a-{kind}"] = "ok", behind
    return found


def _body(kind: str) -> Body:
    id: Id = ("o", kind)
    if kind in _COMMANDS:
        return {"command": [_COMMANDS[kind]]}
    name = ":".join(id)
    does = _OUTPUTS.get(kind, "").replace("N", f"out-{kind}")
    script = (
        f"echo begin {name} >>{LOG}; {does}echo o says; echo {kind}; "
        f"echo end {name} >>{LOG}; {last_words(kind)}"
    )
    body: Body = {"shell": script}
    if kind in _INPUTS:
        body["inputs"] = [_INPUTS[kind]]
    if kind in _OUTPUTS:
        body["outputs"] = [f"out-{kind}"]
    return body
