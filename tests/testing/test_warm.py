"""A program that is forked cannot tell it from a fresh start, and neither can who calls it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from haz_trio.testing.areas.registry import AREAS
from haz_trio.testing.command.session import Batch, play
from haz_trio.testing.subject import Result, Subject
from haz_trio.testing.warm import TooLateError, end_zygotes, script_of, zygote_for

HAZ = str(Path(sys.executable).with_name("haz"))
# Prints all that a program can see of how it was started, and what modules that it imports see.
MIRROR = """
import atexit, gc, json, os, resource, signal, sys, threading
import helper, colorsys
seen = {
    "argv": sys.argv, "orig_argv": sys.orig_argv[1:], "cwd": os.getcwd(), "env": dict(os.environ),
    "environb": len(os.environb), "path": sys.path, "flags": str(sys.flags), "exe": sys.executable,
    "main": sorted(n for n in globals() if n.startswith("__")), "file": __file__,
    "loader": type(__loader__).__name__, "is main": sys.modules["__main__"].__dict__ is globals(),
    "signals": [str(signal.getsignal(n)) for n in range(1, 32)], "gc": gc.isenabled(),
    "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "umask": os.umask(0o22),
    "leads": os.getsid(0) == os.getpid() == os.getpgrp(), "open": os.listdir("/proc/self/fd"),
    "limits": resource.getrlimit(resource.RLIMIT_NOFILE), "threads": threading.active_count(),
    "children": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, "in": sys.stdin.read(),
    "streams": [(s.encoding, s.errors, s.line_buffering, s.isatty(), s.mode, s.name, s.seekable())
                for s in (sys.stdin, sys.stdout, sys.stderr)], "counted": helper.count(),
    "hooks": [str(sys.excepthook), len(sys.meta_path), str(sys.argv is sys.argv)],
}
atexit.register(print, "at the end", flush=True)
print(json.dumps(seen, sort_keys=True))
print("said", file=sys.stderr)
"""
HELPER = "counter = []\ndef count():\n    counter.append(1)\n    return len(counter)\n"
ENDS = {
    "exit": "import sys; sys.exit(3)",
    "text": "import sys; sys.exit('why')",
    "raise": "raise ValueError('no')",
    "hard": "import os; print('x', flush=True); os._exit(5)",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "interrupted": "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
    "aborted": "import os; os.abort()",
}


@pytest.fixture(autouse=True)
def no_zygotes() -> Iterator[None]:
    yield
    end_zygotes()


def write(folder: Path, text: str, name: str = "tool") -> Path:
    """A console script."""
    script = folder / name
    script.write_text(f"#!{sys.executable}\n{text}")
    script.chmod(0o755)
    return script


def both(script: Path, args: list[str], cwd: Path, env: dict[str, str | None]) -> list[Result]:
    """One cold call, and several warm ones: what is imported is learned from the first."""
    cold = Subject((str(script),))
    warm = attrs.evolve(cold, warm=True)
    return [cold.run(args, cwd, env), *(warm.run(args, cwd, env) for _ in range(3))]


def test_a_program_sees_the_same(tmp_path: Path) -> None:
    script = write(tmp_path, MIRROR)
    (tmp_path / "helper.py").write_text(HELPER)
    place = tmp_path / "a folder"
    place.mkdir()
    env = {"V": "é\udcff", "HOME": None, "EMPTY": ""}
    cold, *warm = both(script, ["a b", "", "é\udcff"], place, env)
    assert b"at the end" in cold.out
    assert (cold.code, cold.err) == (0, b"said\n")
    assert warm == [cold] * 3
    assert zygote_for((str(script),), "", {}) is not None


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_the_same(how: str, tmp_path: Path) -> None:
    """Exit codes, and death by a signal."""
    cold, *warm = both(write(tmp_path, ENDS[how]), [], tmp_path, {})
    assert [it.code for it in warm] == [cold.code] * 3
    assert [it.out for it in warm] == [cold.out] * 3
    assert [it.err.splitlines()[-1:] for it in warm] == [cold.err.splitlines()[-1:]] * 3


def test_what_it_imports_is_imported_once(tmp_path: Path) -> None:
    """Other calls find modules as they are after their import, whatever a call did to them."""
    mark = tmp_path / "mark"
    helper = f"import os\nopen({str(mark)!r}, 'a').write('x')\n{HELPER}"
    (tmp_path / "helper.py").write_text(helper)
    script = write(tmp_path, "import helper, random; print(helper.count(), random.random())")
    warm = Subject((str(script),), warm=True)
    said = [warm.run([], tmp_path, {}).out.split() for _ in range(5)]
    assert {count for count, _ in said} == {b"1"}
    assert len({number for _, number in said}) == 5
    assert mark.read_text() == "xx"  # in the first call, and then for all others


def test_a_variable_that_is_read_at_import_is_heeded(tmp_path: Path) -> None:
    """Such a call is a cold start; so is one with a variable that Python itself reads."""
    (tmp_path / "helper.py").write_text("import os\nvalue = os.environ.get('MODE')\n")
    script = write(tmp_path, "import helper, sys; print(helper.value, sys.flags.utf8_mode)")
    warm = Subject((str(script),), warm=True)
    modes = [None, None, "x", None, "y"]
    said = [warm.run([], tmp_path, {"MODE": mode}).out for mode in modes]
    assert said == [f"{mode} 0\n".encode() for mode in modes]
    assert warm.run([], tmp_path, {"PYTHONUTF8": "1"}).out == b"None 1\n"


def test_a_program_that_hangs_is_killed(tmp_path: Path) -> None:
    """The next call is served."""
    script = write(tmp_path, "import sys, time; print(1); sys.argv[1:] and time.sleep(60)")
    env = dict(os.environ)
    zygote = zygote_for((str(script),), "", env)
    assert zygote is not None
    with pytest.raises(TooLateError):
        zygote.call(["hang"], tmp_path, env, 0.3)
    assert zygote.call([], tmp_path, env, 20) == (0, b"1\n", b"")


@pytest.mark.parametrize(
    ("text", "interpreter"),
    [
        ("#!/usr/bin/python3 -E\n", ("/usr/bin/python3", "-E")),
        ("#!/bin/sh\n'''exec' '/a b/python3.11' \"$0\" \"$@\"\n", ("/a b/python3.11",)),
        ("#!/usr/bin/env python3\n", None),
        ("#!/bin/sh\n", None),
        ("\x7fELF", None),
    ],
)
def test_python_scripts_are_known_by_their_first_line(
    text: str, interpreter: tuple[str, ...] | None, tmp_path: Path
) -> None:
    """Anything else is started as ever."""
    path = tmp_path / "tool"
    path.write_text(text)
    script = script_of((str(path), "word"))
    assert (script and script.interpreter) == interpreter
    assert script is None or script.words == ("word",)


def test_a_bare_name_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell looks for it."""
    script = write(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = script_of(("tool",))
    assert found is not None
    assert found.path == str(script)


def test_another_program_is_started_as_ever(tmp_path: Path) -> None:
    assert Subject(("/bin/echo",), warm=True).run(["a"], tmp_path, {}).out == b"a\n"


@pytest.mark.parametrize("warm", [False, True])
def test_standard_output_may_go_elsewhere(tmp_path: Path, warm: bool) -> None:
    """To a descriptor of the caller, and then it is no part of the result."""
    script = write(tmp_path, "import sys; print('out'); print('err', file=sys.stderr)\n")
    with open(tmp_path / "out", "wb") as out:
        result = Subject((str(script),), warm=warm).run([], tmp_path, {}, out.fileno())
    assert (result.out, result.err) == (b"", b"err\n")
    assert (tmp_path / "out").read_bytes() == b"out\n"


@pytest.mark.parametrize("name", ["query", "history"])
def test_verdicts_are_the_same(name: str) -> None:
    """The same examples meet the same rules as often, cold and warm."""
    (area,) = (area for area in AREAS if area.name == name)
    cold = Batch(area.name, 1, 1, 3, Subject((HAZ,)), frozenset(), frozenset(), 0.0)
    warm = attrs.evolve(cold, subject=attrs.evolve(cold.subject, warm=True))
    ends = [play(batch) for batch in (cold, warm)]
    assert ends[0].met == ends[1].met
    assert [end.finding for end in ends] == [None, None]
