"""``haz init`` as a program: on a real terminal, and without one (cli.md 13, rows I01 to I14)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.pseudo_terminal import on_terminal

HAZ = [sys.executable, "-m", "haz_trio"]
DOWN, RIGHT = b"\x1b[B", b"\x1b[C"
ALTERNATE, BACK = b"\x1b[?1049h", b"\x1b[?1049l"


def environment(**changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    fixed = {"HOME": "/nonexistent", "LANG": "C.UTF-8", "TERM": "xterm", "NO_GRAPHICS": "1"}
    return {**kept, **fixed, "GIT_CONFIG_NOSYSTEM": "1", **changes}


def haz(cwd: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run without any terminal."""
    return subprocess.run(
        [*HAZ, *words],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def check(cwd: Path) -> str:
    done = haz(cwd, "check")
    assert done.returncode == 0, done.stderr
    return done.stdout


def folders(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).mkdir(parents=True, exist_ok=True)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def contents(root: Path) -> dict[str, str]:
    return {
        str(p.relative_to(root)): p.read_text() if p.is_file() else "" for p in root.rglob("*")
    }


# -- on a terminal --------------------------------------------------------------------------------


def test_choosing_and_confirming_writes(tmp_path: Path) -> None:
    """T03: keys on a real terminal lead to the files, and the terminal is as it was."""
    folders(tmp_path, "lib", "web", "pkgs/a", "pkgs/b")
    with on_terminal([*HAZ, "init"], tmp_path, environment()) as terminal:
        before = terminal.settings()
        terminal.wait_for("Commit selection (0 projects)")
        assert terminal.settings() != before
        terminal.press(DOWN + b" " + DOWN + b"  " + DOWN + b" ")
        terminal.wait_for("Commit selection (4 projects)")
        assert not (tmp_path / ".haz").exists()
        terminal.press(b"\r")
        terminal.wait_for("Proceed?")
        assert not (tmp_path / ".haz").exists()
        terminal.press(b"y")
        assert terminal.finish() == 0
        assert terminal.settings() == before
    assert terminal.raw.index(ALTERNATE) < terminal.raw.index(BACK)
    expected = "projects:\n  - /lib\n  - /pkgs/*\n  - /web\n"
    assert (tmp_path / ".haz/workspace.yml").read_text() == expected
    assert (tmp_path / "pkgs/a/haz.yml").read_text() == "name: a\ntasks: {}\n"
    assert check(tmp_path) == "0 task(s) validated.\n"


@pytest.mark.parametrize(
    ("screen", "keys", "code"),
    [
        ("first", b"q", 0),
        ("first", b"\x1b", 0),
        ("first", b"\x03", 130),
        ("second", b"N", 0),
        ("second", b"\x03", 130),
    ],
)
def test_leaving_writes_nothing(tmp_path: Path, screen: str, keys: bytes, code: int) -> None:
    """T01, T11, T12: `q` and Esc are a success, Ctrl+C is 130; nothing is said or written."""
    folders(tmp_path, "lib")
    with on_terminal([*HAZ, "init"], tmp_path, environment()) as terminal:
        before = terminal.settings()
        terminal.wait_for("Commit selection")
        if screen == "second":
            terminal.press(b"\r")
            terminal.wait_for("Proceed?")
        terminal.press(keys)
        assert terminal.finish() == code
        assert terminal.settings() == before
    assert terminal.raw.endswith(BACK)
    assert contents(tmp_path) == {"lib": ""}


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name
)
def test_a_signal_gives_the_terminal_back(tmp_path: Path, number: signal.Signals) -> None:
    """A signal from outside ends with 128 + its number and a terminal that is as it was."""
    with on_terminal([*HAZ, "init"], tmp_path, environment()) as terminal:
        before = terminal.settings()
        terminal.wait_for("Commit selection")
        terminal.child.send_signal(number)
        assert terminal.finish() == 128 + number
        assert terminal.settings() == before
    assert terminal.raw.endswith(BACK)
    assert contents(tmp_path) == {}


def test_a_refused_plan_gives_the_terminal_back(tmp_path: Path) -> None:
    """T22: an error that ends the screens is said on the ordinary screen, exit code 2."""
    folders(tmp_path, "___")
    with on_terminal([*HAZ, "init"], tmp_path, environment()) as terminal:
        before = terminal.settings()
        terminal.wait_for("Commit selection")
        terminal.press(DOWN + b" \r")
        assert terminal.finish() == 2
        assert terminal.settings() == before
    after = terminal.raw.rpartition(BACK)[2].decode()
    assert "could not derive a valid project name from directory `/___`" in " ".join(after.split())
    assert contents(tmp_path) == {"___": ""}


def test_stopping_and_going_on(tmp_path: Path) -> None:
    """A stop from outside gives the terminal back; going on takes it and draws again."""
    with on_terminal([*HAZ, "init"], tmp_path, environment()) as terminal:
        before = terminal.settings()
        terminal.wait_for("Commit selection")
        terminal.child.send_signal(signal.SIGTSTP)
        os.waitpid(terminal.child.pid, os.WUNTRACED)
        assert terminal.settings() == before
        terminal.child.send_signal(signal.SIGCONT)
        terminal.wait_for("Commit selection", count=2)
        assert terminal.settings() != before
        terminal.press(b"q")
        assert terminal.finish() == 0
        assert terminal.settings() == before


def test_another_size_is_followed(tmp_path: Path) -> None:
    """When the window changes, the screen is drawn to the new size."""
    folders(tmp_path, *(f"p{n:02}" for n in range(30)))
    with on_terminal([*HAZ, "init"], tmp_path, environment()) as terminal:
        terminal.wait_for("p16")
        assert "p20" not in terminal.frame
        terminal.resize(50, 60)
        terminal.wait_for("p29")
        terminal.press(b"q")
        assert terminal.finish() == 0


def test_control_of_the_terminal_is_enough(tmp_path: Path) -> None:
    """Without standard streams the screens are on the controlling terminal."""
    folders(tmp_path, "lib")
    with on_terminal([*HAZ, "init"], tmp_path, environment(), detached=True) as terminal:
        terminal.wait_for("Commit selection")
        terminal.press(DOWN + b" \ry")
        assert terminal.finish() == 0
    assert check(tmp_path) == "0 task(s) validated.\n"


def test_colours_follow_the_one_policy(tmp_path: Path) -> None:
    """Green and cyan unless NO_COLOR or --color never say otherwise; the focus always shows."""
    folders(tmp_path, "a", "b")
    for words, changes, colour in (
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "never"], {}, False),
    ):
        with on_terminal([*HAZ, *words, "init"], tmp_path, environment(**changes)) as terminal:
            terminal.wait_for("Commit selection (0")
            terminal.press(DOWN + b" " + DOWN)
            terminal.wait_for("Commit selection (1")
            terminal.press(b"q")
            assert terminal.finish() == 0
        assert (b"\x1b[32m" in terminal.raw) is colour
        assert b"\x1b[1;7m" in terminal.raw


# -- without one ----------------------------------------------------------------------------------


def test_yes_writes_an_empty_workspace(tmp_path: Path) -> None:
    """I01, I04: one file, nothing on stdout, and what was written on stderr (Better)."""
    write(tmp_path, {"kept": "x"})
    done = haz(tmp_path, "init", "--yes")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "haz: wrote ./.haz/workspace.yml\n"
    found = {".haz": "", ".haz/workspace.yml": "projects: []\n", "kept": "x"}
    assert contents(tmp_path) == found
    assert check(tmp_path) == "0 task(s) validated.\n"


@pytest.mark.parametrize("words", [["--yes"], []])
@pytest.mark.parametrize("kind", ["workspace", "file", "dangling", "link", "broken"])
def test_an_existing_workspace_is_refused(tmp_path: Path, words: list[str], kind: str) -> None:
    """I02, I03, I05, I08, I09, I10, I14: exit code 2, the rule, and nothing touched."""
    match kind:
        case "workspace":
            write(tmp_path, {".haz/workspace.yml": "projects: []\n"})
        case "broken":
            write(tmp_path, {".haz/workspace.yml": "projects: ["})
        case "file":
            write(tmp_path, {".haz": ""})
        case "dangling":
            (tmp_path / ".haz").symlink_to("nowhere")
        case _:
            folders(tmp_path, "other")
            (tmp_path / ".haz").symlink_to("other")
    before = contents(tmp_path)
    done = haz(tmp_path, "init", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"`{tmp_path}/.haz` (AUX-002)" in " ".join(done.stderr.split())
    assert contents(tmp_path) == before


def test_a_workspace_inside_of_one_says_so(tmp_path: Path) -> None:
    """I06: allowed, and the consequence is said (Better)."""
    write(tmp_path, {".haz/workspace.yml": "projects: []\n"})
    folders(tmp_path, "sub")
    done = haz(tmp_path / "sub", "init", "--yes")
    assert done.returncode == 0
    assert f"inside of the one at {tmp_path}" in done.stderr


def test_no_terminal_is_said_with_the_ways_out(tmp_path: Path) -> None:
    """I07: exit code 2, nothing written, and the options that need no terminal are named."""
    done = haz(tmp_path, "init")
    assert (done.returncode, done.stdout) == (2, "")
    assert "terminal" in done.stderr
    assert "--yes" in done.stderr
    assert contents(tmp_path) == {}


def test_files_that_are_there_are_named(tmp_path: Path) -> None:
    """I11, I12: `--yes` registers nothing, touches nothing, and says how to register (Better)."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    files = {".gitignore": "x\n", "haz.yml": "name: r\n", "a/haz.yml": "name: a\n"}
    write(tmp_path, files)
    done = haz(tmp_path, "init", "--yes")
    assert done.returncode == 0
    assert "not registered, though there is a haz.yml: /a;" in done.stderr
    assert "haz.yml in the workspace root is not read" in done.stderr
    assert {name: (tmp_path / name).read_text() for name in files} == files
    assert check(tmp_path) == "0 task(s) validated.\n"


def test_the_name_of_the_directory_does_not_matter(tmp_path: Path) -> None:
    """I13."""
    folders(tmp_path, "-bad name")
    assert haz(tmp_path / "-bad name", "init", "--yes").returncode == 0


def test_discover_registers_what_is_there(tmp_path: Path) -> None:
    """Every visible `haz.yml` below; ignored and hidden folders are not looked into."""
    task = "tasks:\n  t:\n    command: [echo]\n"
    names = ("a", "b/c", "gen/x", ".h")
    write(tmp_path, {f"{n}/haz.yml": f"name: {n[-1]}\n{task}" for n in names})
    write(tmp_path, {".gitignore": "gen\n", "in/.haz/workspace.yml": "projects: []\n"})
    done = haz(tmp_path, "init", "--discover")
    assert (done.returncode, done.stdout) == (0, "")
    assert "workspaces of their own: /in" in done.stderr
    expected = "projects:\n  - /a\n  - /b/c\n"
    assert (tmp_path / ".haz/workspace.yml").read_text() == expected
    assert check(tmp_path) == "2 task(s) validated.\n"


def test_every_choice_can_be_written_down(tmp_path: Path) -> None:
    """`--project` and `--projects-parent`, repeated, from `-C`; links count as where they lead."""
    folders(tmp_path, "ws/web", "ws/t/gen", "ws/p/a", "ws/p/.b", "ws/q/c")
    (tmp_path / "ws/link").symlink_to("t/gen")
    words = ["--project", "web", "--project=link", "--projects-parent", "p"]
    done = haz(tmp_path, "-C", "ws", "init", *words, "--projects-parent", "./q/../q")
    assert done.returncode == 0, done.stderr
    expected = "projects:\n  - /p/*\n  - /q/*\n  - /t/gen\n  - /web\n"
    assert (tmp_path / "ws/.haz/workspace.yml").read_text() == expected
    assert "hidden directories that are projects too: /p/.b" in done.stderr
    assert check(tmp_path / "ws") == "0 task(s) validated.\n"


def test_a_dry_run_prints_the_files(tmp_path: Path) -> None:
    """Each file with its content on stdout, and nothing written."""
    folders(tmp_path, "web")
    done = haz(tmp_path, "init", "--project", "web", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "would write .haz/workspace.yml:\nprojects:\n  - /web\n"
        "\nwould write web/haz.yml:\nname: web\ntasks: {}\n"
    )
    assert contents(tmp_path) == {"web": ""}
    assert haz(tmp_path, "init", "--dry-run").stdout.endswith("projects: []\n")


@pytest.mark.parametrize("dry", [True, False])
def test_json_says_what_was_written(tmp_path: Path, dry: bool) -> None:
    """One object on stdout, the same for a dry run except for ``written``."""
    write(tmp_path, {"a/haz.yml": "name: a\n"})
    folders(tmp_path, "p/b")
    words = ["--discover", "--projects-parent", "p", "--json", *["--dry-run"] * dry]
    done = haz(tmp_path, "init", *words)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "v": 1,
        "root": str(tmp_path),
        "written": not dry,
        "entries": ["/a", "/p/*"],
        "projects": [
            {"root": "/a", "name": "a", "scaffolded": False},
            {"root": "/p/b", "name": "b", "scaffolded": True},
        ],
        "files": [
            {"path": ".haz/workspace.yml", "content": "projects:\n  - /a\n  - /p/*\n"},
            {"path": "p/b/haz.yml", "content": "name: b\ntasks: {}\n"},
        ],
        "hidden": [],
    }
    assert (tmp_path / ".haz").exists() is not dry


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--yes", "more"], "`more` is not expected in this context"),
        (["--yes", "--yes"], "argument `--yes` cannot be used multiple times"),
        (["--no"], "--no"),
        (["--project"], "`--project` requires an argument `DIR`"),
        (["--project="], 'couldn\'t parse `--project=""`'),
        (["--json"], "`--json` needs one of"),
        (["--project", "gone"], "`--project gone` is no directory"),
        (["--project", "file"], "`--project file` is no directory"),
        (["--project", ".."], "outside the workspace root"),
        (["--project", "."], "root cannot be a project"),
        (["--projects-parent", "web"], "matched no directories"),
        (["--project", "web", "--project", "___"], "could not derive"),
    ],
)
def test_bad_words_write_nothing(tmp_path: Path, words: list[str], says: str) -> None:
    """A88 to A90 and the like for the additions: exit code 2 before anything is written."""
    folders(tmp_path, "web", "___")
    write(tmp_path, {"file": ""})
    before = contents(tmp_path)
    done = haz(tmp_path, "init", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.split())
    assert contents(tmp_path) == before


def test_the_flag_of_another_place_is_told(tmp_path: Path) -> None:
    """A22: the flag of `init` before the command."""
    done = haz(tmp_path, "--yes", "init")
    assert done.returncode == 2
    assert "did you mean to pass it to command `init`?" in " ".join(done.stderr.split())


def test_a_root_chosen_elsewhere_is_told(tmp_path: Path) -> None:
    """`--root` does not choose where `init` writes; whoever says it hears so."""
    folders(tmp_path, "here", "there")
    done = haz(tmp_path / "here", "--root", "../there", "init", "--yes")
    assert done.returncode == 0
    assert "do not choose where init writes" in done.stderr
    assert (tmp_path / "here/.haz").exists()
    assert not (tmp_path / "there/.haz").exists()


def test_help_has_an_example_for_each_option(tmp_path: Path) -> None:
    """Every option shows how it is written."""
    text = " ".join(haz(tmp_path, "init", "--help").stdout.split())
    for name in ("yes", "discover", "project", "projects-parent", "dry-run", "json"):
        assert f"--{name} " in text
    assert text.count("Example: haz init") == 6
