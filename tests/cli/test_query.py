"""``haz query`` on real directories: what we add to the rows of test_rows.py, forms, remarks."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from haz_trio.cli.main import run_command_line
from haz_trio.cli.query_declared import query as declared

Capture = pytest.CaptureFixture[str]

# query.md 9
WORKSPACE: Mapping[str, object] = {
    ".haz/workspace.yml": {"projects": ["/core", "/api", "/web", "/tools/gen"]},
    "core/haz.yml": {
        "name": "core",
        "tags": ["rust", "lib"],
        "tasks": {
            "build": {
                "command": ["true"],
                "inputs": ["src/**/*.rs", "Cargo.toml"],
                "outputs": ["target/core.rlib"],
            },
            "test": {
                "command": ["true"],
                "deps": ["~:build"],
                "inputs": ["tests/*.rs"],
                "mutex": "db",
            },
            "fmt": {"command": ["true"], "weakDeps": ["~:test"]},
        },
    },
    "api/haz.yml": {
        "name": "api",
        "tags": ["rust", "service"],
        "tasks": {
            "build": {
                "command": ["true"],
                "deps": ["core:build", "gen:code"],
                "inputs": ["src/**/*.rs", "/core/target/*.rlib", "/proto/a.proto"],
                "outputs": ["target/api", "out/**"],
            },
            "deploy": {
                "shell": "echo up",
                "deps": ["~:build", "web:bundle"],
                "mutex": {"name": "env", "mode": "shared"},
                "env": {"from_host": ["HOME"], "override": {"MODE": "ci"}},
            },
        },
    },
    "web/haz.yml": {
        "name": "web",
        "tags": ["ts"],
        "tasks": {
            "bundle": {
                "command": ["true"],
                "deps": ["gen:code"],
                "inputs": ["src/*.{ts,tsx}"],
                "outputs": ["dist/**/*.js"],
            }
        },
    },
    "tools/gen/haz.yml": {
        "name": "gen",
        "tasks": {
            "code": {
                "command": ["true"],
                "inputs": ["/proto/*.proto"],
                "outputs": ["gen/*.ts"],
            }
        },
    },
}


def write(root: Path, files: Mapping[str, object]) -> Path:
    """Files below a root; JSON is YAML."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("shop"), WORKSPACE)


@attrs.frozen
class Row:
    name: str
    directory: str
    words: list[str]
    succeeds: bool
    text: str


def read_rows() -> list[Row]:
    rows = []
    for line in (Path(__file__).parent / "query_rows.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, directory, rest = line[:5].strip(), line[5:11].strip(), f"{line[10:]} "
        sign = " => " if " => " in rest else " !! "
        words, text = rest.split(sign)
        rows.append(Row(name, directory, shlex.split(words), sign == " => ", text.strip()))
    return rows


def query(
    root: Path, words: list[str], capfd: Capture, directory: str = "."
) -> tuple[int, str, str]:
    """Exit code and both streams; line breaks and drawings are taken out of the errors."""
    code = run_command_line(["-C", str(root / directory), "query", *words])
    out, err = capfd.readouterr()
    return code, out, " ".join(err.split())


@pytest.mark.parametrize("row", read_rows(), ids=lambda row: row.name)
def test_rows(row: Row, shop: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row gives its tasks, or its sentence and nothing on standard output."""
    monkeypatch.setenv("NO_GRAPHICS", "1")  # one line for each sentence
    code, out, err = query(shop, row.words, capfd, row.directory)
    if row.succeeds:
        assert (code, out.split()) == (0, row.text.split()), err
    else:
        assert (code, out) == (2, "")
        assert " ".join(row.text.split()) in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--no-inputs --has-inputs", "`--has-inputs` and `--no-inputs` are mutually exclusive"),
        ("--graph svg", "unknown graph form `svg` (expected `dot`, `mermaid` or `json`)"),
        ("--fields id,x", "couldn't parse `id,x`: unknown field `x`"),
        ("--fields=", 'couldn\'t parse `--fields=""`: unknown field ``'),
        ("--all --workspace", "`--all` and `--workspace` are mutually exclusive"),
        ("--git-changed --git-staged", "git-changeset filters are mutually exclusive"),
        ("--json -0", "`--json` and `-0` are mutually exclusive"),
        ("--format json --json", "`--format` and `--json` are mutually exclusive"),
        ("--format json --fields id", "`--format` and `--fields` are mutually exclusive"),
        ("--graph dot --fields id", "`--fields` and `--graph` are mutually exclusive"),
        ("-0 --graph dot", "`-0` and `--graph` are mutually exclusive"),
        ("-0 -0", "argument `-0` cannot be used multiple times in this context"),
    ],
)
def test_arguments_are_checked_first(
    words: str, text: str, tmp_path: Path, capfd: Capture
) -> None:
    """Bad words and combinations are refused before any workspace is looked for."""
    code, out, err = query(tmp_path, words.split(), capfd)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert text in err


def test_whole_objects(shop: Path, capfd: Capture) -> None:
    """``--json`` writes everything that is declared, one object on a line."""
    _, out, _ = query(shop, ["--json", "--expr", "task:api:deploy"], capfd)
    assert out.count("\n") == 1
    found = json.loads(out)
    assert found.pop("origin") == {"file": "/api/haz.yml", "line": 1, "overlay": None}
    assert found == {
        "project": "api",
        "task": "deploy",
        "id": "api:deploy",
        "tags": ["rust", "service"],
        "root": "/api",
        "action": {"shell": "echo up", "shell_type": "sh"},
        "inputs": [],
        "outputs": [],
        "deps": ["~:build", "web:bundle"],
        "weakDeps": [],
        "mutex": {"name": "env", "scope": "workspace", "mode": "shared"},
        "env": {"from_host": ["HOME"], "override": {"MODE": "ci"}},
    }
    assert query(shop, ["--format", "jsonl", "--expr", "task:api:deploy"], capfd)[1] == out


def test_fields_choose_and_order_the_keys(shop: Path, capfd: Capture) -> None:
    """``--fields`` is ``--json`` with these keys; both flags together say the same."""
    for words in (["--fields", "outputs,id"], ["--json", "--fields", "outputs,id"]):
        _, out, _ = query(shop, [*words, "--projects", "core", "--has-outputs"], capfd)
        assert out == '{"outputs":["target/core.rlib"],"id":"core:build"}\n'


def test_nul_separated_names(shop: Path, capfd: Capture) -> None:
    """``-0`` and ``--format null`` end every name with a NUL byte and nothing else."""
    for words in (["-0"], ["--format", "null"]):
        assert query(shop, [*words, "--tasks", "build"], capfd)[1] == "api:build\0core:build\0"


def test_graphs(shop: Path, capfd: Capture) -> None:
    """Edges of all three kinds between selected tasks only, from a task to what it needs."""
    words = ["--projects", "core | gen", "--graph"]
    _, out, _ = query(shop, [*words, "json"], capfd)
    assert json.loads(out) == {
        "tasks": ["core:build", "core:fmt", "core:test", "gen:code"],
        "edges": [
            {"task": "core:fmt", "needs": "core:test", "kind": "soft"},
            {"task": "core:test", "needs": "core:build", "kind": "hard"},
        ],
    }
    _, out, _ = query(shop, [*words, "dot"], capfd)
    assert '  "core:fmt" -> "core:test" [style=dashed];\n' in out
    _, out, _ = query(shop, [*words, "mermaid"], capfd)
    assert "  t2 --> t0\n" in out
    _, out, _ = query(shop, ["--tasks", "build", "--graph", "json"], capfd)
    kinds = [(edge["task"], edge["needs"], edge["kind"]) for edge in json.loads(out)["edges"]]
    assert kinds == [
        ("api:build", "core:build", "hard"),
        ("api:build", "core:build", "producer"),
    ]


def test_all_mistakes_are_said_with_their_places(shop: Path, capfd: Capture) -> None:
    """Several expressions are checked together, each word of a good one, in the fixed order."""
    words = ["--child-of", "bad | name:x | worse", "--tags", "a b"]
    code, out, err = query(shop, words, capfd)
    assert (code, out) == (2, "")
    places = ["[--tags:1:3]", "[--child-of:1:1]", "[--child-of:1:16]"]
    assert sorted(map(err.index, places)) == [err.index(place) for place in places]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--tags", "rst"], "no project carries tag `rst`; did you mean `rust`?"),
        (["--tags", "zzzzzz | rust"], "no project carries tag `zzzzzz`"),
        (["--projects", "cor"], "no project is called `cor`; did you mean `core`?"),
        (["--tasks", "!buidl"], "no task is called `buidl`; did you mean `build`?"),
        (["--child-of", "name:bulid"], "no task is called `bulid`; did you mean `build`?"),
        (["--tasks", "x*"], "no task is called `x*`"),
        (
            ["--child-of", "task:core:biuld"],
            "no task is called `core:biuld`; did you mean `core:build`?",
        ),
    ],
)
def test_a_name_of_nothing_is_remarked(
    words: list[str], text: str, shop: Path, capfd: Capture
) -> None:
    """Names that nothing has are no error, but a remark with a suggestion."""
    code, _, err = query(shop, words, capfd)
    assert (code, err) == (0, f"haz: {text}")


def test_a_query_that_leaves_the_own_project_out_is_remarked(shop: Path, capfd: Capture) -> None:
    """Inside ``web`` only its tasks are looked at, so ``--projects api`` finds nothing (F18)."""
    _, out, err = query(shop, ["--projects", "api"], capfd, "web")
    assert out == ""
    assert "`--workspace` looks at all" in err
    assert query(shop, ["--projects", "api|web"], capfd, "web")[2] == ""
    assert query(shop, ["--projects", "api", "--workspace"], capfd, "web")[2] == ""


def test_tasks_of_overlays_name_their_file(tmp_path: Path, capfd: Capture) -> None:
    """The origin of a task is the overlay that brought it."""
    overlay = {"tagsFilter": ["t"], "tasks": {"lint": {"command": ["true"]}}}
    files: dict[str, object] = {
        ".haz/workspace.yml": {"projects": ["/a"]},
        ".haz/tasks/l.yml": overlay,
        "a/haz.yml": {"name": "a", "tags": ["t"]},
    }
    write(tmp_path, files)
    _, out, _ = query(tmp_path, ["--fields", "origin", "--tasks", "lint"], capfd)
    assert json.loads(out) == {"origin": {"file": "/.haz/tasks/l.yml", "line": 1, "overlay": "l"}}


def test_git_filters(tmp_path: Path, capfd: Capture) -> None:
    """Only tasks with a changed input are candidates; the scope decides among whom."""
    write(tmp_path, WORKSPACE)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]

    def git(*words: str) -> None:
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "-m", "first")
    assert query(tmp_path, ["--git-changed"], capfd)[:2] == (0, "")
    write(tmp_path, {"core/src/a.rs": "x", "proto/a.proto": "x"})
    found = ["api:build", "core:build", "gen:code"]
    assert query(tmp_path, ["--git-changed"], capfd)[1].split() == found
    assert query(tmp_path, ["--git-changed", "--tags", "lib"], capfd)[1] == "core:build\n"
    assert query(tmp_path, ["--git-changed"], capfd, "core")[1] == "core:build\n"
    assert query(tmp_path, ["--git-changed", "--workspace"], capfd, "core")[1].split() == found
    assert query(tmp_path, ["--git-staged"], capfd)[1] == ""
    git("add", "core")
    assert query(tmp_path, ["--git-staged"], capfd)[1] == "core:build\n"
    assert query(tmp_path, ["--git-changed-since", "HEAD"], capfd)[1] == "".join(
        f"{name}\n" for name in found
    )
    assert query(tmp_path, ["--git-changed-since=nope"], capfd)[0] == 2


def test_a_query_needs_neither_trio_nor_the_cache(shop: Path) -> None:
    """The modules that are loaded at the end name neither (query.md 8)."""
    program = (
        "import sys; from haz_trio.cli.main import run_command_line as run; run(['query']); "
        "bad = [m for m in sys.modules if m.split('.')[0] in ('trio', 'rich', 'blake3') "
        "or m.startswith(('haz_trio.cache', 'haz_trio.engine'))]; sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=shop, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 7


def test_a_reader_that_has_gone_is_no_error(shop: Path) -> None:
    """A closed pipe ends the command silently; a full disk is exit code 2."""
    command = [sys.executable, "-m", "haz_trio", "query"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, cwd=shop, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=shop, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr


def test_every_option_has_an_example(capfd: Capture) -> None:
    """The help of each option shows how it is written."""
    assert run_command_line(["query", "--help"]) == 0
    out = " ".join(capfd.readouterr().out.split()).partition("Options:")[2]
    options = out.split("-h, --help")[0]
    assert options.count("Example: haz query") == len(inspect.signature(declared).parameters) - 1
