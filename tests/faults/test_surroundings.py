"""Terminals in the background, locales and variables that are missing (section L)."""

from __future__ import annotations

import signal
import subprocess
import termios
from pathlib import Path

import pytest

from tests.cli.pseudo_terminal import on_terminal
from tests.cli.support import HAZ, Home
from tests.engine.workspaces import sh
from tests.faults.support import assert_quiet, gone_soon, halted

WITHOUT_PROC = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]


@pytest.mark.row("L04")
def test_a_run_in_the_background(tmp_path: Path) -> None:
    """``haz run &`` on a terminal with ``tostop``: nothing stops it or changes the terminal."""
    home = Home.make(tmp_path, {"t": sh("sleep 0.5; cat; true")})
    script = (
        'set -m; stty tostop; before=$(stty -g); "$@" > log 2>&1 & pid=$!; wait $pid; code=$?;'
        '[ "$(stty -g)" = "$before" ] && echo same; echo "code $code"; cat log'
    )
    words = ["sh", "-c", script, "sh", *HAZ, "run", "p:t"]
    with on_terminal(words, cwd=home.root, env={**home.env, "TERM": "xterm"}) as terminal:
        assert terminal.finish() == 0
        settings = terminal.settings()
    assert isinstance(settings, list)
    assert settings[3] & termios.TOSTOP
    assert "same" in terminal.text
    assert "code 0" in terminal.text
    assert "Tasks: 1 completed" in terminal.text


LOCALES: dict[str, dict[str, str]] = {
    "none": {},
    "C": {"LC_ALL": "C"},
    "POSIX": {"LC_ALL": "POSIX"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "ascii, strict": {"LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
    "no coercion": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "latin": {"PYTHONIOENCODING": "latin-1", "LANG": "de_DE.ISO-8859-1"},
    "unknown": {"LC_ALL": "xx_YY.nonsense"},
    "empty": {"LANG": "", "LC_ALL": "", "LC_CTYPE": ""},
    "utf-16": {"PYTHONIOENCODING": "utf-16"},
}
QUICK = {"C", "ascii, strict", "no coercion", "utf-16"}


@pytest.mark.row("L11")
@pytest.mark.parametrize(
    "locale",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.deep) for name in LOCALES],
)
def test_any_locale(tmp_path: Path, locale: str) -> None:
    """Names and words beyond ASCII come through as the bytes that they are."""
    home = Home.make(tmp_path, {"t": sh("cat ü.txt; cat ü.txt >&2", inputs=["ü.txt"])})
    home.place.write("p/ü.txt", "größer\n")
    del home.env["LANG"]
    home.env.update(LOCALES[locale])
    done = home.haz("run", "p:t", "-f")
    assert_quiet(done.err)
    assert done.code == 0
    assert done.out == "[p:t] größer\n".encode()
    assert "[p:t] größer\n".encode() in done.err
    home.place.write("p/haz.yml", '{name: "ü ü", tasks: {}}')
    refused = home.haz("check")
    assert refused.code == 2
    assert_quiet(refused.err)


@pytest.mark.row("L13")
@pytest.mark.parametrize(
    ("env", "good"),
    [
        ({"HOME": None}, True),
        ({"HOME": ""}, True),
        ({"HOME": "/nonexistent", "XDG_CONFIG_HOME": "/dev/null"}, True),
        ({"TMPDIR": "/nonexistent"}, True),
        ({"TMPDIR": "/dev/null"}, True),
        ({"PATH": ""}, False),
        ({"PATH": None}, False),
        ({"PATH": "/nonexistent"}, False),
        ({"SHELL": None, "USER": None, "LOGNAME": None, "PWD": "/elsewhere"}, True),
    ],
)
def test_variables_that_are_missing_or_wrong(
    tmp_path: Path, env: dict[str, str | None], good: bool
) -> None:
    """A run needs none of them; without PATH the program that is not found is named."""
    task = {"shell": "exec cat in", "env": {"from_host": ["PATH", "HAZ_TEST_TOKEN"]}}
    home = Home.make(tmp_path, {"t": task})
    home.place.write("p/in", "x" * 200_000)
    for name, value in env.items():
        if value is None:
            home.env.pop(name, None)
        else:
            home.env[name] = value
    done = home.haz("run", "p:t", "--output-mode", "buffered")
    assert_quiet(done.err)
    if good:
        assert (done.code, len(done.out)) == (0, 200_000)
    else:
        assert done.code in (0, 1)
        assert done.code == 0 or done.said("[p:t]")


@pytest.mark.row("L04")
def test_a_background_run_obeys_a_signal(tmp_path: Path) -> None:
    """Without a terminal of its own, a signal to the group of the job ends it as ever."""
    home = Home.make(tmp_path, {"t": sh("echo up; sleep 60")})
    script = (
        'set -m; "$@" & pid=$!; while ! [ -e go ]; do sleep 0.02; done;'
        'kill -INT -$pid; wait $pid; echo "code $?"'
    )
    words = ["sh", "-c", script, "sh", *HAZ, "run", "p:t"]
    with on_terminal(words, cwd=home.root, env=home.env) as terminal:
        terminal.wait_for("up")
        (tmp_path / "go").touch()
        assert terminal.finish() == 0
    assert f"code {128 + signal.SIGINT}" in terminal.text
    assert home.place.processes() == []


@pytest.mark.row("B14")
def test_a_caller_that_ignores_the_ends_of_children(tmp_path: Path) -> None:
    """Started with SIGCHLD ignored, haz knows how each of its commands ended all the same."""
    tasks = {f"t{n}": sh(f"exit {n}") for n in range(4)}
    home = Home.make(tmp_path, tasks)
    code = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    script = f'exec python3 -c "{code}; os.execv(sys.argv[1], sys.argv[1:])" "$@" run --workspace'
    done = home.shell(script)
    assert done.code == 1
    for n in (1, 2, 3):
        assert done.said(f"[p:t{n}]", f"(exit {n})"), done.err
    assert done.said("Tasks: 1 completed, 3 failed")


@pytest.fixture
def blind() -> list[str]:
    """The start of a command line whose rest sees no ``/proc``."""
    if subprocess.run([*WITHOUT_PROC, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    return WITHOUT_PROC


@pytest.mark.row("L15")
@pytest.mark.parametrize("containment", ["group", "strict"])
def test_what_cannot_be_found_without_proc_is_told(
    tmp_path: Path, blind: list[str], containment: str
) -> None:
    """Once for a run that starts something, and by ``haz doctor``; both say what to do."""
    tasks = {"a": sh("echo a"), "b": sh("echo b", deps=["~:a"])}
    home = Home.make(tmp_path, tasks, execution={"containment": containment})
    with halted(home, None, "run", "--workspace", around=blind) as running:
        assert running.end() == 0
    assert running.heard.count(b"no /proc") == 1
    assert b"(mount -t proc proc /proc)" in running.heard
    with halted(home, None, "run", "--workspace", around=blind) as running:
        assert running.end() == 0
    assert b"no /proc" not in running.heard
    with halted(home, None, "doctor", around=blind) as running:
        assert running.end() == 1
    assert b"LOOK  containment: no /proc" in running.heard


@pytest.mark.row("L15")
def test_the_proc_of_others_is_not_believed(tmp_path: Path) -> None:
    """In a PID namespace that sees the outer ``/proc`` nobody is taken for who he is not."""
    spaces = ["unshare", "-Urpf", "--kill-child"]
    if subprocess.run([*spaces, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    home = Home.make(tmp_path, {"t": sh("echo up; sleep 0.2")})
    with halted(home, None, "run", "p:t", around=spaces) as running:
        assert running.end() == 0
    assert b"no /proc of this PID namespace" in running.heard
    assert b"outlived" not in running.heard
    assert b"not stored" not in running.heard


@pytest.mark.row("C05", "L15")
def test_a_killed_haz_leaves_no_group_without_proc(tmp_path: Path, blind: list[str]) -> None:
    """The watchdog ends at least the groups of what was running."""
    home = Home.make(tmp_path, {"t": sh("sleep 60 & echo up; wait")})
    with halted(home, None, "run", "p:t", around=blind) as running:
        running.wait_for(b"up\n")
        running.child.kill()
        running.child.wait()
        assert gone_soon(home)
