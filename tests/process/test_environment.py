"""The snapshot of the environment that tasks copy from (execution.md 5.4)."""

from __future__ import annotations

import json

import pytest

from haz_trio.process.environment import host_environment
from tests.process.support import command, python_program, run

CODE = """
import json
from haz_trio.process.environment import host_environment
print(json.dumps(dict(host_environment())))
"""


def test_names_that_no_task_can_write_are_left_out() -> None:
    """Only letters, digits and the underscore, not starting with a digit, are names."""
    odd = {"odd-name": "3", "9x": "4", "a.b": "5", "x%%": "6", "ä": "7"}
    seen = json.loads(python_program(CODE, env={"GOOD": "1", "_x": "2", **odd}))
    assert {name: seen[name] for name in ("GOOD", "_x")} == {"GOOD": "1", "_x": "2"}
    assert not odd.keys() & seen.keys()


def test_bytes_that_are_not_utf8_reach_a_child_unchanged() -> None:
    """A value of any bytes survives the way in and out, whatever the locale is (L11)."""
    code = """
import os, trio
from haz_trio.process.environment import host_environment
from tests.process.support import run, command
value = host_environment()["ODD"]
print(run(command("printenv", "ODD", ODD=value, PATH=os.environ["PATH"])).out.hex())
"""
    for locale in ("C", "POSIX", "en_US.ISO-8859-1", "C.UTF-8"):
        setup = f"export LC_ALL={locale} ODD=\"$(printf 'a\\377\\303\\244')\""
        assert python_program(code, setup=setup).strip() == b"a\xff\xc3\xa4\n".hex()


def test_the_snapshot_does_not_change() -> None:
    """It cannot be written, and later changes of the process's environment are not in it."""
    snapshot = host_environment()
    with pytest.raises(TypeError):
        snapshot["HAZ_TEST"] = "x"  # type: ignore[index]  # that this is an error is the point


def test_a_child_sees_exactly_its_environment() -> None:
    """No PATH, no HOME, nothing of this process: what the command says, and that only."""
    assert run(command("/usr/bin/env", PATH="/bin", A="ü")).out == "PATH=/bin\nA=ü\n".encode()
