"""A workspace whose commands are known: what they print and write, as shell and as functions.

Two projects. ``lib:gen`` reads ``src`` and writes two kinds of outputs, ``app:build`` makes a
program from one of them, ``app:test`` looks at it, and an overlay gives both a ``lint``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from haz_trio.testing.reference.globs import anchored, matches
from haz_trio.testing.reference.history import Effect, Step, Tree
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.reference.world import Value

LOG = "../../outside/log"  # where commands leave a mark; no part of the workspace
SPELLINGS: tuple[tuple[str, ...], ...] = (
    ("src/*",),
    ("/lib/src/*",),
    ("src/{*,q}",),
    ("src/*", "src/a*"),
    ("src/?*", "src/*"),
)


@attrs.frozen
class Knobs:
    """What can be changed in the configuration; each has another effect on keys."""

    salt: str = "s"
    spelling: int = 0  # of the same inputs
    deep: bool = False  # inputs are src/** instead
    copies: bool = True  # whether gen/* is made and declared
    declares: bool = True  # whether out/o.txt is declared
    variable: bool = True  # whether V is in from_host
    override: str | None = None  # a value for V
    shell: str = "sh"
    to_stderr: bool = False
    tag: bool = False
    mutex: bool = False
    comment: str = ""
    buffered: bool = False
    hash: str = "blake3"
    depends: bool = True  # whether build depends on gen
    reads_bin: bool = False  # whether test has bin among its inputs
    chmod: bool = True  # whether bin becomes executable
    weak: bool = False  # whether test also depends weakly on gen
    twins: bool = True  # whether two projects have one and the same task

    @property
    def rollback(self) -> bool:
        return False

    @property
    def sources(self) -> dict[str, bytes]:
        """Files that are there from the beginning."""
        return {"/app/main": b"main\n"}

    @property
    def watched(self) -> tuple[str, ...]:
        return ()

    def declared(self) -> Declared:
        return declared(self)

    def steps(self) -> dict[tuple[str, str], Step]:
        return steps(self)

    def turned(self, knob: str, value: Value) -> Knobs:
        """The same with one knob turned."""
        changes: Any = {knob: value}  # Any: the type of the value is that of the knob
        return attrs.evolve(self, **changes)

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("src/**",) if self.deep else SPELLINGS[self.spelling]


def declared(knobs: Knobs) -> Declared:
    """The configuration."""
    hosts: list[Json] = ["PATH", "V"] if knobs.variable else ["PATH"]
    environment: dict[str, Json] = {"from_host": hosts}
    if knobs.override is not None:
        environment["override"] = {"V": knobs.override}
    gen: Body = {
        "shell": gen_script(knobs),
        "inputs": [*knobs.inputs],
        "outputs": [*_gen_outputs(knobs)],
        "env": environment,
    }
    if knobs.shell != "sh":
        gen["shell_type"] = knobs.shell
    if knobs.mutex:
        gen["mutex"] = {"name": "db", "mode": "shared"}
    path: Json = {"from_host": ["PATH"]}
    build: Body = {
        "shell": build_script(knobs),
        "inputs": ["/lib/out/o.txt", "main"],
        "outputs": ["bin"],
        "deps": ["lib:gen"] if knobs.depends else [],
        "env": path,
    }
    test: Body = {
        "command": ["/bin/sh", "-c", TEST, "test"],
        "deps": ["~:build"],
        "weakDeps": ["lib:gen"] if knobs.weak else [],
        "inputs": ["bin"] if knobs.reads_bin else [],
        "env": path,
    }
    lint: Body = {"shell": LINT, "outputs": ["l.txt"], "env": path}
    settings: Body = {
        "projects": ["/lib", "/app"],
        "concurrency": {"default": 1},
        "cache": {"hash": knobs.hash},
        "output": {"mode": "buffered" if knobs.buffered else "live"},
    }
    projects: dict[str, Body] = {
        "/lib": {"name": "lib", "tags": ["t"] if knobs.tag else [], "tasks": {"gen": gen}},
        "/app": {"name": "app", "tasks": {"build": build, "test": test}},
    }
    overlays: dict[str, Body] = {"lint": {"tasks": {"lint": lint}}} if knobs.twins else {}
    return Declared(settings, projects, overlays)


def steps(knobs: Knobs) -> dict[tuple[str, str], Step]:
    """The same tasks as functions."""
    override = {} if knobs.override is None else {"V": knobs.override}
    host = ("PATH", "V") if knobs.variable else ("PATH",)
    inputs = tuple(anchored(pattern, "/lib") for pattern in knobs.inputs)
    outputs = tuple(f"/lib/{pattern}" for pattern in _gen_outputs(knobs))
    gen, build, test = ("lib", "gen"), ("app", "build"), ("app", "test")
    read_bin = ("/app/bin",) if knobs.reads_bin else ()
    action = f"{knobs.shell} {gen_script(knobs)}"
    found = [
        Step(gen, "/lib", action, inputs, outputs, host, override, partial(_gen, knobs)),
        Step(
            build,
            "/app",
            build_script(knobs),
            ("/lib/out/o.txt", "/app/main"),
            ("/app/bin",),
            ("PATH",),
            {},
            partial(_build, knobs),
        ),
        Step(test, "/app", TEST, read_bin, (), ("PATH",), {}, lambda *_: Effect(out=b"tested\n")),
    ]
    for project in ("app", "lib") if knobs.twins else ():
        path = f"/{project}/l.txt"
        makes = partial(_lint, path)
        found.append(
            Step((project, "lint"), f"/{project}", LINT, (), (path,), ("PATH",), {}, makes)
        )
    return {step.id: step for step in found}


TEST = f"echo app:test >>{LOG}; echo tested"
LINT = f'echo "${{PWD##*/}}:lint" >>{LOG}; umask 022; echo lint >l.txt'


def gen_script(knobs: Knobs) -> str:
    lines = [
        f"echo lib:gen >>{LOG}; umask 022",
        f'echo "{knobs.salt} ${{V-unset}}"' + " >&2" * knobs.to_stderr,
        'for f in src/*; do if [ -f "$f" ]; then cat "$f"; fi; done',
        "if grep -q '!' src/* 2>/dev/null; then exit 3; fi",
        'mkdir -p out gen; for f in src/*; do if [ -f "$f" ]; then cat "$f"; fi; done >out/o.txt',
    ]
    if knobs.copies:
        lines.append('for f in src/*; do if [ -f "$f" ]; then cat "$f" >gen/"${f##*/}"; fi; done')
    return "\n".join(lines)


def build_script(knobs: Knobs) -> str:
    then = "chmod 755 bin" if knobs.chmod else "chmod 644 bin"
    return f"echo app:build >>{LOG}; umask 022; cat /dev/null main ../lib/out/o.txt >bin; {then}"


def _gen_outputs(knobs: Knobs) -> list[str]:
    return ["out/o.txt"] * knobs.declares + ["gen/*"] * knobs.copies


def _gen(knobs: Knobs, files: Tree, environment: Mapping[str, str]) -> Effect:
    said = f"{knobs.salt} {environment.get('V', 'unset')}\n".encode()
    sources = {
        path: content
        for path, (content, _) in sorted(files.items())
        if matches("/lib/src/[!.]*", path) and path.count("/") == 3
    }
    everything = b"".join(sources.values())
    out, err = (everything, said) if knobs.to_stderr else (said + everything, b"")
    if b"!" in everything:
        return Effect(3, out, err)
    made = {"/lib/out/o.txt": everything}
    if knobs.copies:
        made |= {path.replace("/src/", "/gen/"): content for path, content in sources.items()}
    return Effect(0, out, err, {path: (it, _mode(files, path)) for path, it in made.items()})


def _build(knobs: Knobs, files: Tree, _: Mapping[str, str]) -> Effect:
    made = files["/app/main"][0] + files.get("/lib/out/o.txt", (b"", 0))[0]
    return Effect(files={"/app/bin": (made, 0o755 if knobs.chmod else 0o644)})


def _lint(path: str, files: Tree, _: Mapping[str, str]) -> Effect:
    return Effect(files={path: (b"lint\n", _mode(files, path))})


def _mode(files: Tree, path: str) -> int:
    """A file that is written again keeps its mode."""
    return files[path][1] if path in files else 0o644
