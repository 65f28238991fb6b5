"""``haz why``: the rows A, E, K, L, M, N and O of cli.md 16 on real directories, and our forms."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import attrs
import pytest

from haz_trio.cli.main import run_command_line
from haz_trio.cli.why_json import MASK, masked
from haz_trio.process.environment import host_environment
from tests.engine.why_support import Bench, snapshot

Capture: TypeAlias = "pytest.CaptureFixture[str]"
BUILD = ["sh", "-c", "mkdir -p out && cat src/a.c > out/lib.a && echo built"]
PATHS = {"from_host": ["PATH"]}


@attrs.frozen
class Said:
    """How a command line ended; the key is masked in ``out``, white space folded in ``err``."""

    code: int
    out: str
    err: str


@attrs.frozen
class Haz:
    """A workspace and a way to ask about it from one of its folders."""

    bench: Bench
    _capture: Capture

    def __call__(self, *words: str, cwd: str = "") -> Said:
        code = run_command_line(["-C", str(self.bench.root / cwd), *words])
        out, err = self._capture.readouterr()
        out = re.sub(r"(cache_key|last_key): [0-9a-f]{64}", r"\1: KEY", out)
        return Said(code, out, " ".join(re.sub(r"[│╰─▶×]", " ", err).split()))

    def why(self, task: str, cwd: str = "") -> str:
        """The report of a task that has one."""
        said = self("why", task, cwd=cwd)
        assert (said.code, said.err) == (0, "")
        return said.out

    def refused(self, *words: str, cwd: str = "") -> str:
        """Why there is no report: exit code 2, nothing on stdout."""
        said = self(*words, cwd=cwd)
        assert (said.code, said.out) == (2, "")
        return said.err

    def run(self, *tasks: str) -> None:
        self.bench.host = dict(host_environment())
        self.bench.run(*tasks)


@pytest.fixture
def place(tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> Haz:
    """An empty workspace folder."""
    monkeypatch.setenv("HOME", "/home/one")
    monkeypatch.delenv("NOPE_X", raising=False)
    return Haz(Bench(tmp_path), capfd)


@pytest.fixture
def w1(place: Haz) -> Haz:
    """Workspace W1 of cli.md 16.1."""
    lib = {
        "default": {"command": ["true"]},
        "build": {
            "command": BUILD,
            "inputs": ["src/**/*.c"],
            "outputs": ["out/lib.a"],
            "env": PATHS,
        },
        "test": {
            "command": ["sh", "-c", "echo tested; echo warn >&2"],
            "deps": ["~:build"],
            "weakDeps": ["~:lint"],
            "inputs": ["src/**/*.c", "out/lib.a", "/shared.cfg"],
            "mutex": {"name": "db", "mode": "exclusive"},
            "env": {"from_host": ["HOME", "NOPE_X"], "override": {"MODE": "ci", "A": "1"}},
        },
        "lint": {"shell": "echo lint\necho more\n"},
    }
    web = {
        "bundle": {
            "command": ["true"],
            "deps": ["lib:build", "gen:codegen"],
            "inputs": ["/lib/out/*", "/tools/gen/gen/*.ts", "app/*.js"],
            "outputs": ["dist/**"],
        },
        "lint": {"command": ["true"]},
    }
    script = "mkdir -p gen && echo x > gen/x.ts"
    gen = {"codegen": {"command": ["sh", "-c", script], "env": PATHS, "outputs": ["gen/*.ts"]}}
    place.bench.config(
        {
            "lib": {"tags": ["core", "backend"], "tasks": lib},
            "web": {"tags": ["frontend"], "tasks": web},
            "tools/gen": {"tags": ["backend"], "tasks": gen},
        }
    )
    for path in ("shared.cfg", "docs/x.md", "lib/src/a.c", "lib/src/sub/b.c", "web/app/x.js"):
        place.bench.write(path, path)
    return place


E02 = r"""lib:build
command: ["sh", "-c", "mkdir -p out && cat src/a.c > out/lib.a && echo built"]
inputs:
  /lib/src/a.c
  /lib/src/sub/b.c
outputs:
  out/lib.a
env.from_host:
  PATH
cache_key: KEY
cache_lookup: miss: no entry
"""
E05 = r"""lib:test
command: ["sh", "-c", "echo tested; echo warn >&2"]
inputs:
  /lib/out/lib.a (produced by lib:build)
  /lib/src/a.c
  /lib/src/sub/b.c
  /shared.cfg
deps:
  lib:build
weakDeps:
  lib:lint
mutex: scope=workspace, name=db, mode=exclusive
env.from_host:
  HOME
  NOPE_X
env.override:
  A=1
  MODE=ci
cache_key: KEY
cache_lookup: hit
"""
E07 = r"""web:bundle
command: ["true"]
inputs:
  /lib/out/lib.a (produced by lib:build)
  /tools/gen/gen/x.ts (produced by gen:codegen)
  /web/app/x.js
outputs:
  dist/**
deps:
  gen:codegen
  lib:build
cache_key: KEY
cache_lookup: hit
"""
E09 = (
    "lib:lint\nshell (sh): echo lint\necho more\n\ncache_key: KEY\ncache_lookup: miss: no entry\n"
)
E11 = 'web:lint\ncommand: ["true"]\ncache_key: KEY\ncache_lookup: miss: no entry\n'


def test_a_fresh_workspace(w1: Haz) -> None:
    """Rows E02, E09, E11, E12: the report byte for byte, whatever form names the task."""
    assert w1.why("lib:build", cwd="lib") == E02
    assert w1.why("~:lint", cwd="lib") == E09
    assert w1.why("^~:lint", cwd="lib") == E11
    assert w1.why("[core]:lint", cwd="lib") == E09
    assert not w1.bench.cache.exists()


def test_a_workspace_that_has_run(w1: Haz, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows E05 to E08: hits, producers, and a variable of the host that changes the key."""
    w1.run("web:bundle", "lib:test")
    before = snapshot(w1.bench.root)
    assert w1.why("~:test", cwd="lib") == E05
    assert w1.why("web:bundle", cwd="lib") == E07
    assert w1.why("lib:build", cwd="web") == E02.replace("miss: no entry", "hit")
    monkeypatch.setenv("HOME", "/other")
    assert w1.why("~:test", cwd="lib") == E05.replace("hit", "miss: no entry")
    assert snapshot(w1.bench.root) == before


def test_a_bearing_project_is_needed_only_for_relative_forms(w1: Haz) -> None:
    """Rows E01, A40, L32, L33, made better: `project:task` works anywhere."""
    for cwd in ("", "docs", "tools", ".haz"):
        assert w1.why("lib:build", cwd=cwd) == E02
        assert w1("why", "--", "lib:build", cwd=cwd).out == E02
        for relative in ("~:build", "build", "^~:bundle", "[core]~:build"):
            assert "bearing project" in w1.refused("why", relative, cwd=cwd)


def test_a_bare_name_means_this_project(w1: Haz) -> None:
    """Row A32, made better: and it is an error where this project lacks the task."""
    assert w1.why("build", cwd="lib/src") == E02
    assert "does not define task `build`" in w1.refused("why", "build", cwd="web")


@pytest.mark.parametrize(
    ("task", "before"), [("web:bundle", "gen:codegen"), ("~:test", "lib:build")]
)
def test_a_predecessor_without_a_result(w1: Haz, task: str, before: str) -> None:
    """Rows E03, E04: no partial report; the first one is named with the way out."""
    said = w1.refused("why", task, cwd="lib")
    assert f"predecessor `{before}` has no result in the cache (miss: no entry)" in said
    assert f"`haz run {before}`" in said
    assert f"`{before}`" in w1.refused("why", "--json", task, cwd="lib")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("[nope]:lint", "no project carries tag `nope`"),
        ("~:nope", "bearing project does not define task `nope`"),
        ("nope:t", "project `nope` not found in workspace"),
        ("web:nope", "project `web` does not define task `nope`"),
        ("^:nope", "no project defines task `nope`"),
        ("^~:build", "no sibling project defines task `build` (bearing project excluded)"),
        (
            "[core]~:build",
            "no sibling project with tag `core` defines task `build` (bearing project excluded)",
        ),
        ("[core]:bundle", "no project with tag `core` defines task `bundle`"),
        ("^:lint", "resolves to 2 tasks the tasks are `lib:lint` and `web:lint`"),
        ("lib:biuld", "did you mean `lib:build`?"),
    ],
)
def test_a_reference_that_is_not_one_task(w1: Haz, reference: str, reason: str) -> None:
    """Rows E10, E13 to E20: the reference and the reason, and near names."""
    said = w1.refused("why", reference, cwd="lib")
    assert f"`{reference}`" in said
    assert reason in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "expected `TASK`, pass `--help` for usage information"),
        (["lib:build", "lib:test"], "`lib:test` is not expected in this context"),
        (["--all", "lib:build"], "`--all` is not expected in this context"),
        ([""], 'couldn\'t parse `""`: task reference is empty'),
        ([":x"], "couldn't parse `:x`: invalid project name: name is empty"),
        (["lib:"], "couldn't parse `lib:`: invalid task name: name is empty"),
        (["a:b:c"], "couldn't parse `a:b:c`: invalid task name: name contains invalid character"),
        (["[x"], "couldn't parse `[x`: tag reference malformed"),
        (["[]:t"], "couldn't parse `[]:t`: invalid tag name: name is empty"),
        (["--", "--x"], "couldn't parse `--x`: "),
        (["^:"], "couldn't parse `^:`: invalid task name: name is empty"),
        (["~:-a"], "couldn't parse `~:-a`: invalid task name: name starts with invalid character"),
        (["--diff", "--diff", "a:b"], "argument `--diff` cannot be used multiple times"),
        (["--diff=x", "a:b"], "`x` is not expected in this context"),
    ],
)
def test_bad_arguments(w1: Haz, words: list[str], text: str) -> None:
    """Rows A29 to A44: one sentence, before any workspace is read."""
    (w1.bench.root / ".haz/workspace.yml").write_text("projects: 3")
    assert text in w1.refused("why", *words, cwd="lib")


def test_help_shows_examples(place: Haz) -> None:
    """Each option has one, and the forms of the command stand below."""
    said = place("why", "--help")
    assert said.code == 0
    assert said.out.startswith("Usage: haz why [OPTIONS] ")
    for example in ("haz why lib:test", "haz why --diff lib:test", "haz why --json lib:test"):
        assert f"Example: {example}" in " ".join(said.out.split())
    assert "\n    haz why --diff --json lib:test " in said.out


@pytest.fixture
def producers(place: Haz) -> Haz:
    """Workspace W-prod: outputs that overlap, odd names, every kind of section."""
    p = {
        "a": {"command": ["true"], "outputs": ["out/*.o", "lit.txt"]},
        "b": {"command": ["true"], "outputs": ["out/x.*"]},
        "c": {
            "command": ["sh", "-c", 'echo "hi" $1\ttab', "é", "a'b"],
            "inputs": ["out/*", "lit.txt", "/q/z z.txt", "none/*.x", "/p/out/plain"],
            "weakDeps": ["q:w"],
            "mutex": {"name": "m", "mode": "shared"},
            "env": {"override": {"B": "", "M": "two\nlines", "Z": "a=b"}},
        },
        "s": {
            "shell": "echo one\necho two\n",
            "shell_type": "bash",
            "mutex": {"name": "~:pm", "mode": "exclusive"},
        },
        "z": {"shell": "echo x", "shell_type": "dash"},
        "odd": {
            "command": ["\\x7f", 'a"b', "c\\d", "\x01\0", "\xa0", "\u200b", "😀", "e\u0301\u0bbe"],
            "outputs": ["z", "/p/b", "a*"],
        },
        "fmt": {"command": ["fmt"], "inputs": ["own"], "outputs": ["own"]},
    }
    place.bench.config({"p": {"tasks": p}, "q": {"tasks": {"w": {"command": ["true"]}}}})
    for path in ("p/out/plain", "p/out/x.o", "p/out/y.o", "p/lit.txt", "q/z z.txt", "p/own"):
        place.bench.write(path, "")
    return place


E21 = r"""p:c
command: ["sh", "-c", "echo \"hi\" $1\ttab", "é", "a'b"]
inputs:
  /p/lit.txt (produced by p:a)
  /p/out/plain
  /p/out/x.o (producer: undetermined)
  /p/out/y.o (produced by p:a)
  /q/z z.txt
weakDeps:
  q:w
mutex: scope=workspace, name=m, mode=shared
env.override:
  B=
  M=two
lines
  Z=a=b
cache_key: KEY
cache_lookup: miss: no entry
"""
E22 = """p:s
shell (bash): echo one
echo two

mutex: scope=project, name=pm, mode=exclusive
cache_key: KEY
cache_lookup: miss: no entry
"""
E23 = "p:z\nshell (dash): echo x\ncache_key: KEY\ncache_lookup: miss: no entry\n"
N01 = r"""p:odd
command: ["\\x7f", "a\"b", "c\\d", "\u{1}\0", "\u{a0}", "\u{200b}", "😀", "e\u{301}\u{bbe}"]
outputs:
  z
  /p/b
  a*
cache_key: KEY
cache_lookup: miss: no entry
"""
FMT = """p:fmt
command: ["fmt"]
inputs:
  /p/own (produced by p:fmt)
outputs:
  own
cache_key: KEY
cache_lookup: miss: no entry
"""


@pytest.mark.parametrize(
    ("task", "text"), [("c", E21), ("s", E22), ("z", E23), ("odd", N01), ("fmt", FMT)]
)
def test_every_kind_of_section(producers: Haz, task: str, text: str) -> None:
    """Rows E21 to E23 and N01: quoting, producers, raw values; an input twice is listed once."""
    assert producers.why(f"p:{task}", cwd="p") == text


def rewrite(name: str, value: object) -> Callable[[Path], None]:
    def damage(entry: Path) -> None:
        file = entry / "manifest.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))

    return damage


def truncate(entry: Path) -> None:
    (entry / "manifest.json").write_text('{"chapter_revision": 0')


def remove_stdout(entry: Path) -> None:
    (entry / "stdout").unlink()


@pytest.mark.parametrize(
    ("damage", "state"),
    [
        (truncate, "corrupt entry"),  # E24
        (rewrite("chapter_revision", 7), "schema mismatch"),  # E3.01
        (rewrite("hash_function", "sha256"), "schema mismatch"),  # E3.02
        (rewrite("exit_status", 4), "corrupt entry"),  # E3.03, where the original has a hit
        (remove_stdout, "corrupt entry"),  # E3.04
    ],
)
def test_an_entry_that_is_no_use(
    producers: Haz, damage: Callable[[Path], None], state: str
) -> None:
    """Rows E24 and E3: a success all the same; ``--diff`` has the reason."""
    producers.run("p:b")
    assert producers.why("p:b", cwd="p").endswith("cache_lookup: hit\n")
    (entry,) = [m.parent for m in producers.bench.cache.glob("??/*/manifest.json")]
    damage(entry)
    assert producers.why("p:b", cwd="p").endswith(f"cache_lookup: miss: {state}\n")
    assert f"cache_lookup: miss: {state}\nreason: " in producers("why", "--diff", "p:b").out


def test_a_result_whose_place_is_taken(place: Haz) -> None:
    """Row B184 of the cache document: a miss with its own name, and the sentence of the run."""
    place.bench.config({"p": {"tasks": {"a": {"shell": ": > o", "outputs": ["o"]}}}})
    place.bench.run("p:a")
    (place.bench.root / "p/o").unlink()
    place.bench.write("p/o/mine", "")
    assert place.why("p:a").endswith("cache_lookup: miss: cannot be restored\n")
    reason = 'p:a cannot be restored: "/p/o" is a folder with something in it'
    assert f"\nreason: {reason}\n" in place("why", "--diff", "p:a").out
    assert json.loads(place("why", "--json", "p:a").out)["reason"] == reason


def test_inputs_that_cannot_be_read(place: Haz) -> None:
    """Rows M12, M14, M16: exit code 2, the path and the reason; so for a predecessor."""
    tasks = {"a": {"command": ["true"], "inputs": ["f"]}, "b": {"command": ["x"], "deps": ["~:a"]}}
    place.bench.config({"p": {"tasks": tasks}})
    file = place.bench.root / "p/f"
    assert '"/p/f" does not exist' in place.refused("why", "p:a")
    file.symlink_to("f")
    assert '"/p/f"' in place.refused("why", "p:a")
    file.unlink()
    file.mkdir()
    assert '"/p/f" is a folder' in place.refused("why", "p:a")
    said = place.refused("why", "p:b")
    assert "predecessor `p:a` cannot be derived" in said
    assert '"/p/f" is a folder' in said


def test_a_cache_that_cannot_be_looked_at(producers: Haz) -> None:
    """Row M20: the cache is a file."""
    producers.bench.write(".haz/cache", "")
    for words in (["why", "p:b"], ["why", "--diff", "p:b"]):
        said = producers.refused(*words)
        assert "/.haz/cache" in said.replace(" ", "")
        assert "Not a directory" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_shard_that_cannot_be_read(producers: Haz) -> None:
    """Row 308 of the cache document: a miss with its own name."""
    producers.run("p:b")
    (entry,) = [m.parent for m in producers.bench.cache.glob("??/*/manifest.json")]
    entry.parent.chmod(0)
    try:
        assert producers.why("p:b").endswith("cache_lookup: miss: unreadable\n")
    finally:
        entry.parent.chmod(0o700)


def test_overlays_and_undeclared_producers(place: Haz) -> None:
    """Rows K20, O212, O214: effective bodies, and a producer that is no dependency."""
    own = {
        "l": {"command": ["own"]},
        "p": {"command": ["true"], "outputs": ["o/x"]},
        "q": {"shell": "cat o/x; echo q > r", "inputs": ["o/*"], "outputs": ["r"]},
    }
    place.bench.config({"a": {"tags": ["t"], "tasks": own}})
    both = {"lint": {"command": ["true"]}, "l": {"command": ["overlay"]}}
    place.bench.write(".haz/tasks/l.yml", json.dumps({"tagsFilter": ["t"], "tasks": both}))
    place.bench.write("a/o/x", "")
    end = "cache_key: KEY\ncache_lookup: miss: no entry\n"
    assert place.why("a:lint", cwd="a") == f'a:lint\ncommand: ["true"]\n{end}'
    assert place.why("a:l", cwd="a") == f'a:l\ncommand: ["own"]\n{end}'
    assert place.why("a:q", cwd="a") == (
        "a:q\nshell (sh): cat o/x; echo q > r\ninputs:\n  /a/o/x (produced by a:p)\n"
        f"outputs:\n  r\n{end}"
    )


# -- what changed -----------------------------------------------------------------------------


def test_the_differences_of_a_real_run(w1: Haz, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs by the program itself; then every edit is named, down to the predecessor's input."""
    root = w1.bench.root
    command = [sys.executable, "-m", "haz_trio", "-C", str(root), "run", "lib:test"]
    subprocess.run(command, check=True, capture_output=True)
    assert w1("why", "--diff", "lib:test").out == (
        "lib:test\ncache_key: KEY\ncache_lookup: hit\nlast_key: KEY\nchanged: nothing\n"
    )
    monkeypatch.setenv("HOME", "/secret-value")
    w1.bench.write("lib/src/a.c", "other")
    (root / "lib/src/sub/b.c").unlink()
    w1.bench.write("lib/src/new\n.c", "")
    (root / "lib/out/lib.a").write_text("edited")
    file = root / "lib/haz.yml"
    text = file.read_text().replace("echo warn >&2", "true").replace('"MODE"', '"TOKEN"')
    file.write_text(text)
    before = snapshot(root)
    said = w1("why", "--diff", "test", cwd="lib")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "lib:test\n"
        "cache_key: unknown\n"
        "reason: predecessor lib:build has no result in the cache\n"
        "last_key: KEY\n"
        "changed:\n"
        '  action: - command: ["sh", "-c", "echo tested; echo warn >&2"]\n'
        '  action: + command: ["sh", "-c", "echo tested; true"]\n'
        "  inputs: ~ /lib/out/lib.a (produced by lib:build)\n"
        "  inputs: ~ /lib/src/a.c\n"
        '  inputs: + "/lib/src/new\\n.c"\n'
        "  inputs: - /lib/src/sub/b.c\n"
        "  deps: lib:build has no result now\n"
        "  env: HOME changed\n"
        "  env: MODE removed\n"
        "  env: TOKEN added\n"
        "\n"
        "lib:build\n"
        "cache_key: KEY\n"
        "cache_lookup: miss: no entry\n"
        "last_key: KEY\n"
        "changed:\n"
        "  inputs: ~ /lib/src/a.c\n"
        '  inputs: + "/lib/src/new\\n.c"\n'
        "  inputs: - /lib/src/sub/b.c\n"
    )
    assert snapshot(root) == before


def test_the_differences_without_any_result(w1: Haz) -> None:
    """What is known is said, and who is waited for is named; that is a success."""
    said = w1("why", "--diff", "lib:test")
    assert said.code == 0
    assert said.out == (
        "lib:test\n"
        "cache_key: unknown\n"
        'reason: input "/lib/out/lib.a" does not exist\n'
        "reason: predecessor lib:build has no result in the cache\n"
        "last_key: none recorded\n"
        "changed: unknown\n"
        "\n"
        "lib:build\n"
        "cache_key: KEY\n"
        "cache_lookup: miss: no entry\n"
        "last_key: none recorded\n"
        "changed: unknown\n"
    )


def test_a_missing_input_is_a_difference(w1: Haz) -> None:
    """The plain report refuses; ``--diff`` says what it knows."""
    w1.run("lib:test")
    (w1.bench.root / "shared.cfg").unlink()
    said = w1("why", "--diff", "lib:test").out
    assert 'reason: input "/shared.cfg" does not exist; no other task makes it: create' in said
    assert "  inputs: - /shared.cfg\n" in said


def test_a_script_is_compared_on_one_line(producers: Haz) -> None:
    """Whatever the script holds, each action has its line."""
    producers.run("p:z")
    file = producers.bench.root / "p/haz.yml"
    file.write_text(file.read_text().replace('"echo x"', '"echo x\\n"'))
    said = producers("why", "--diff", "p:z").out
    assert '  action: - shell (dash): "echo x"\n' in said
    assert '  action: + shell (dash): "echo x\\n"\n' in said


def test_unknown_values_are_said_to_be_so(w1: Haz, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the secret of the cache nobody can tell which value changed."""
    w1.run("lib:test")
    (w1.bench.cache / "state/secret").unlink()
    monkeypatch.setenv("HOME", "/other")
    said = w1("why", "--diff", "lib:test").out
    assert "  env: HOME cannot be compared (the secret of the cache is gone)\n" in said


# -- for programs -----------------------------------------------------------------------------


def test_json_is_the_report_as_an_object(producers: Haz) -> None:
    """Every section is there, also the empty ones; producers are a list."""
    said = producers("why", "--json", "p:c")
    found = json.loads(said.out)
    assert re.fullmatch(r"[0-9a-f]{64}", found.pop("key"))
    assert found == {
        "v": 1,
        "task": "p:c",
        "action": {"command": ["sh", "-c", 'echo "hi" $1\ttab', "é", "a'b"]},
        "inputs": [
            {"path": "/p/lit.txt", "producers": ["p:a"]},
            {"path": "/p/out/plain", "producers": []},
            {"path": "/p/out/x.o", "producers": ["p:a", "p:b"]},
            {"path": "/p/out/y.o", "producers": ["p:a"]},
            {"path": "/q/z z.txt", "producers": []},
        ],
        "outputs": [],
        "deps": [],
        "weakDeps": ["q:w"],
        "mutex": {"scope": "workspace", "name": "m", "mode": "shared"},
        "env": {"from_host": [], "override": {"B": "", "M": "two\nlines", "Z": "a=b"}},
        "lookup": "miss: no entry",
        "reason": "",
    }
    script = json.loads(producers("why", "--json", "p:s").out)
    assert script["action"] == {"shell": "echo one\necho two\n", "shell_type": "bash"}
    assert script["mutex"] == {"scope": "project", "name": "pm", "mode": "exclusive"}


def test_json_has_the_differences(w1: Haz, monkeypatch: pytest.MonkeyPatch) -> None:
    """One object for each task; every kind of part says what it is."""
    w1.run("lib:test")
    monkeypatch.setenv("HOME", "/other")
    file = w1.bench.root / "lib/haz.yml"
    text = file.read_text().replace("echo built", "echo rebuilt")
    file.write_text(text.replace('"out/lib.a"]', '"out/lib.a", "more*"]', 1))
    w1.bench.write("shared.cfg", "other")
    found = json.loads(w1("why", "--diff", "--json", "lib:test").out)
    assert found["key"] is None
    assert found["waiting"] == ["lib:build"]
    test, build = found["diff"]
    assert test["changes"] == [
        {"part": "inputs", "path": "/shared.cfg", "how": "changed"},
        {"part": "deps", "task": "lib:build", "how": "unknown"},
        {"part": "env", "name": "HOME", "how": "changed"},
    ]
    assert [c["part"] for c in build["changes"]] == ["action", "outputs"]
    assert build["changes"][0]["before"] == {"command": BUILD}
    assert build["changes"][1] == {
        "part": "outputs",
        "kind": "glob",
        "pattern": "/lib/more*",
        "how": "added",
    }
    w1.bench.write(".haz/workspace.yml", '{"projects": ["/lib", "/web", "/tools/gen"]}')
    assert json.loads(w1("why", "--json", "--diff", "web:lint").out)["diff"][0]["changes"] is None


def test_json_names_another_hash_function(producers: Haz) -> None:
    """A setting of the workspace is a part of the key."""
    producers.run("p:z")
    producers.bench.write(
        ".haz/workspace.yml", '{"projects": ["/p", "/q"], "cache": {"hash": "sha256"}}'
    )
    found = json.loads(producers("why", "--json", "--diff", "p:z").out)
    assert found["diff"][0]["changes"] == [
        {"part": "cache.hash", "before": "blake3", "now": "sha256"}
    ]
    assert "  cache.hash: blake3 -> sha256\n" in producers("why", "--diff", "p:z").out


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        *(
            (name, True)
            for name in ("API_TOKEN", "DB_PASSWORD", "AWS_SECRET", "SSH_KEY", "apikey")
        ),
        *((name, False) for name in ("MODE", "KEYBOARD", "MONKEY", "PATH", "LANG")),
    ],
)
def test_secret_looking_names_are_masked_in_json(name: str, hidden: bool) -> None:
    """Only in our own form; the plain report is the original's."""
    assert masked(name, "value") == (MASK if hidden else "value")


def test_no_value_is_in_the_differences(place: Haz, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an old nor a new value, of the host or of the task."""
    env = {"from_host": ["HOME"], "override": {"API_TOKEN": "old-token"}}
    place.bench.config({"p": {"tasks": {"t": {"command": ["true"], "env": env}}}})
    place.run("p:t")
    monkeypatch.setenv("HOME", "/new-home")
    file = place.bench.root / "p/haz.yml"
    file.write_text(file.read_text().replace("old-token", "new-token"))
    for words in (["--diff"], ["--diff", "--json"]):
        said = place("why", *words, "p:t").out
        assert "API_TOKEN" in said
        assert not re.search(r"new-token|old-token|new-home|home/one", said)


def test_why_pays_nothing_for_trio() -> None:
    """The report needs no event loop, and does not import one (cli.md 14.5)."""
    code = "import sys, haz_trio.cli.why; sys.exit('trio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("target", "code"), [("/dev/full", 2), ("closed", 0)])
def test_output_that_goes_nowhere(w1: Haz, target: str, code: int) -> None:
    """A full disk is said and counts, a reader that has gone is no error (cli.md 5)."""
    command = [sys.executable, "-m", "haz_trio", "-C", str(w1.bench.root), "why", "lib:build"]
    if target == "closed":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(target, os.O_WRONLY)
    try:
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writer)
    assert done.returncode == code
    assert (b"No space left" in done.stderr) == (code == 2)
