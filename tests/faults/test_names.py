"""Names, environments and secrets (section K)."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import HAZ, LIMIT, Home
from tests.engine.workspaces import sh
from tests.faults import trace
from tests.faults.support import assert_quiet

NAMES = (
    *("a b", "-rf", "$(touch harm)", "`touch harm`", "a;touch harm", "a\nb", "a\tb", "'", '"'),
    *(
        "\u202eevil",
        "e\u0301",
        "\u00e9",
        "x" * 255,
        "\x1b[2J",
        "...",
        "a\\b",
        "a:b",
        "🙂",
        "*",
        "?",
    ),
    *("[a]", "~", "#", "%", "&", "|", "--help", "{a,b}", "\x7f", "a\rb"),
)


@pytest.mark.row("K01", "K02")
def test_odd_names_of_files(tmp_path: Path) -> None:
    """Whatever files are called: they are inputs; none is executed, none moves a cursor."""
    home = Home.make(tmp_path, {"t": sh("ls | wc -l", inputs=["src/**"])})
    for name in NAMES:
        home.place.write(f"p/src/{name}", "1")
    (home.place.p / "src").joinpath("b\udcff").write_text("1")
    for _ in range(2):
        done = home.haz("-v", "run", "p:t", HAZ_MEMO="0")
        assert done.code == 0, done.err
        assert b"\x1b" not in done.err
        assert "\u202e".encode() not in done.err
    assert done.said("1 cached")
    home.place.write(f"p/src/{NAMES[2]}", "2")
    for words in (["why", "p:t", "--diff"], ["run", "--dry-run", "p:t"], ["query"], ["check"]):
        done = home.haz(*words)
        assert done.code == 0, done.err
        assert b"\x1b" not in done.out + done.err
        assert_quiet(done.err)
    assert not list(tmp_path.rglob("harm"))


@pytest.mark.row("K01")
@pytest.mark.parametrize(
    "name",
    [
        *("$(touch harm)", "\x1b[2J", "..", "a/b"),
        *(
            pytest.param(name, marks=pytest.mark.deep)
            for name in (*NAMES, "", ".", "a:b", "x" * 256, "é")
        ),
    ],
)
def test_odd_names_of_tasks_and_projects(tmp_path: Path, name: str) -> None:
    """The names of tasks are a closed set: any other one is refused with its place, escaped."""
    home = Home.make(tmp_path, {name: sh("touch ../harm")})
    for words in (["check"], ["run", "--workspace"]):
        done = home.haz(*words)
        if done.code == 0:  # a name of our own alphabet, however odd
            assert name.replace("-", "").replace(".", "").isalnum()
            continue
        assert done.code == 2
        assert b"p/haz.yml:1:" in done.err
        assert b"\x1b" not in done.err
    assert not (tmp_path / "harm").exists() or home.haz("check").code == 0


@pytest.mark.row("K02")
@pytest.mark.skipif(trace.PROGRAM is None, reason="there is no strace")
def test_words_are_handed_on_as_they_are(tmp_path: Path) -> None:
    """No shell sees the words of a command; a script is one word to its shell."""
    words = ["/bin/echo", "$HOME", "; touch harm", "`id`", "a  b", "*"]
    home = Home.make(tmp_path / "ws", {"t": {"command": words}, "s": sh("echo $((1+1)) '*'")})
    log = tmp_path / "calls"
    options = ["-f", "-s", "9999", "-e", "trace=execve", "-o", str(log)]
    done = subprocess.run(
        [str(trace.PROGRAM), *options, "--", *HAZ, "run", "--workspace"],
        cwd=home.root,
        env=home.env,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    assert b"[p:t] $HOME ; touch harm `id` a  b *\n" in done.stdout
    calls = log.read_text()
    assert '["/bin/echo", "$HOME", "; touch harm", "`id`", "a  b", "*"]' in calls
    assert '"-c", "echo $((1+1)) \'*\'"]' in calls


@pytest.mark.row("K04")
def test_values_of_variables_stay_out_of_everything(tmp_path: Path) -> None:
    """Twenty secrets in the environment of tasks: no file of the cache, report or argv has one."""
    draw = random.Random(4)
    secrets = {f"SECRET_{n}": f"s3cret-{draw.getrandbits(96):024x}" for n in range(20)}
    look = "ps -eo args | grep -c s3cret- ; exit 0"
    env = {"from_host": ["PATH", "HAZ_TEST_TOKEN", *secrets]}
    home = Home.make(
        tmp_path,
        {
            "good": {"shell": look, "env": env, "inputs": ["in"]},
            "bad": {"shell": "exit 3", "env": env},
            "gone": {"command": ["no-such-program"], "env": env},
        },
    )
    home.place.write("p/in", "1")
    home.env.update(secrets)
    lines = (
        *(["-v", "run", "--workspace", "--explain"], ["run", "--workspace", "--json", "-f"]),
        *(["run", "--summary", "summary.json", "p:good"], ["why", "p:good", "--json"]),
        *(["why", "p:bad", "--diff"], ["cache", "ls"], ["check"], ["graph"]),
    )
    for words in lines:
        done = home.haz(*words)
        for value in secrets.values():
            assert value.encode() not in done.out + done.err, words
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        data = path.read_bytes()
        assert not [name for name, value in secrets.items() if value.encode() in data], path


@pytest.mark.row("K06")
def test_what_must_not_be_kept_can_be_left_out(tmp_path: Path) -> None:
    """A run whose words must not be replayed elsewhere says ``--no-cache``."""
    home = Home.make(tmp_path, {"t": sh("echo s3cret")})
    for words in (["--no-cache"], ["--no-cache=write"]):
        assert home.haz("run", "p:t", *words).code == 0
        cache = tmp_path / ".haz/cache"
        assert not [p for p in cache.rglob("*") if p.is_file() and b"s3cret" in p.read_bytes()]
