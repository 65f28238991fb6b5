"""What a command gets — arguments, environment, folder, input — and every byte that it prints."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import attrs
from hypothesis import strategies as st

from haz_trio.testing.areas.area import Area, area
from haz_trio.testing.models import files_of
from haz_trio.testing.reference.json_values import Body, Json
from haz_trio.testing.reference.workspace import Declared
from haz_trio.testing.subject import Result
from haz_trio.testing.trial import Trial
from haz_trio.testing.workspace import printed

PIECES = (
    b"a\n",
    b"",
    b"\n",
    b"no end",
    b"\r\n",
    b"\x00\xff\n",
    "é\n".encode(),
    b"[p:a] x\n",
    b"b\n\nc\n",
)
ARGUMENTS = ("a b", "", "*", "$V", 'q"', "\\", "n\nl", "é", "-n", "~", "`id`")
HOST = {"V": "v", "EMPTY": "", "SPACED": "a  b", "UNICODE": "é\n", "OTHER": "never"}
VALUES = ("", "1", "a b", "$V", "é", "x=y")
KINDS = ("bytes", "arguments", "environment", "folder", "input", "path", "shell")


@attrs.frozen
class Command:
    """One task: its body, and what it prints on both streams (``None``: see ``environment``)."""

    kind: str
    body: Body
    out: bytes
    err: bytes = b""
    environment: Mapping[str, str] | None = None


@attrs.frozen
class Example:
    """Tasks of one project by their names, and the mode of output."""

    tasks: Mapping[str, Command]
    buffered: bool
    root: str


@st.composite
def examples(draw: st.DrawFn) -> Example:
    root = draw(st.sampled_from(["p", "deep/p", "p q"]))
    names = draw(st.lists(st.sampled_from("abc"), unique=True, min_size=1))
    tasks = {name: draw(commands(root)) for name in names}
    return Example(tasks, draw(st.booleans()), root)


@st.composite
def commands(draw: st.DrawFn, root: str) -> Command:
    kind = draw(st.sampled_from(KINDS))
    if kind == "bytes":
        out, err = (b"".join(draw(st.lists(st.sampled_from(PIECES), max_size=3))) for _ in "12")
        script = f"printf '{_octal(out)}'; printf '{_octal(err)}' >&2"
        return Command(kind, {"shell": script}, out, err)
    if kind == "arguments":
        words = draw(st.lists(st.sampled_from(ARGUMENTS), min_size=1, max_size=3))
        out = "".join(f"<{word}>" for word in words).encode()
        return Command(kind, {"command": ["/usr/bin/printf", "<%s>", *words]}, out)
    if kind == "environment":
        hosts = draw(st.lists(st.sampled_from([*HOST, "UNSET"]), unique=True, max_size=3))
        names, values = st.sampled_from(["V", "W", "EMPTY"]), st.sampled_from(VALUES)
        override = draw(st.dictionaries(names, values, max_size=2))
        shown = {name: HOST[name] for name in hosts if name in HOST} | override
        given: dict[str, Json] = {}
        given |= override
        body: Body = {"command": ["/usr/bin/env", "-0"]}
        body["env"] = {"from_host": [*hosts], "override": given}
        return Command(kind, body, b"", environment=shown)
    return _fixed(kind, root, draw(st.sampled_from(["sh", "bash"])))


def _fixed(kind: str, root: str, shell: str) -> Command:
    if kind == "folder":
        return Command(kind, {"command": ["/bin/pwd"]}, b"")
    if kind == "input":
        return Command(kind, {"shell": "/bin/cat; echo read"}, b"read\n")
    if kind == "path":
        return Command(kind, {"command": ["tool", "x"]}, b"tool x\n")
    script = 'echo "$0 $#"; if [ -t 0 ] || [ -t 1 ]; then echo terminal; fi'
    return Command(kind, {"shell": script, "shell_type": shell}, f"{shell} 0\n".encode())


def play(trial: Trial, example: Example) -> None:
    folder = trial.root / example.root
    bodies: dict[str, Json] = {}
    outs = {}
    for name, command in example.tasks.items():
        body = dict(command.body)
        out = command.out
        if command.kind == "path":
            body["env"] = {"override": {"PATH": f"{folder}/bin:/bin"}}
        if command.kind == "folder":
            out = f"{folder}\n".encode()
        bodies[name], outs[name] = body, out
    trial.write({f"{example.root}/bin/tool": "#!/bin/sh\necho tool $1\n"}, 0o755)
    settings: Body = {
        "projects": [f"/{example.root}"],
        "concurrency": {"default": 1},
        "output": {"mode": "live" if example.buffered else "buffered"},
    }
    trial.write(files_of(Declared(settings, {f"/{example.root}": {"name": "p", "tasks": bodies}})))
    host: dict[str, str | None] = {**HOST, "UNSET": None}
    mode = "buffered" if example.buffered else "live"
    for verdict in ("✓ done", "◉ cached"):
        result = trial.haz("run", "--workspace", f"--output-mode={mode}", env=host)
        trial.same("EXEC-021", f"{result}exit code", result.code, 0)
        _compare(trial, example, result, outs, bodies, verdict)


def _compare(
    trial: Trial,
    example: Example,
    result: Result,
    outs: Mapping[str, bytes],
    bodies: Mapping[str, Json],
    verdict: str,
) -> None:
    ids = {name: ("p", name) for name in example.tasks}
    if any(command.environment is not None for command in example.tasks.values()):
        _environments(trial, example, result)
    else:
        expected = b"".join(
            printed(ids[name], outs[name], example.buffered) for name in sorted(outs)
        )
        rules = "EXEC-016 CACHE-020 CFG-021 CFG-022 CFG-032"
        trial.same(rules, f"{result}stdout", result.out, expected)
    known = [bodies[name] for name in sorted(outs)] if verdict == "✓ done" else []
    verdicts = {
        name: "◉ cached" if known.index(bodies[name]) < number else verdict
        for number, name in enumerate(sorted(outs))
        if known
    }  # equal bodies of one project have one key
    pattern = b"".join(
        re.escape(printed(ids[name], example.tasks[name].err, example.buffered))
        + re.escape(f"[p:{name}] {verdicts.get(name, verdict)} in ".encode())
        + rb"[^\n]*\n"
        for name in sorted(outs)
    )
    regular = re.match(pattern, result.err) is not None
    trial.holds("EXEC-016 EXEC-017 CACHE-020", f"{result}stderr is {pattern!r}", regular)


def _environments(trial: Trial, example: Example, result: Result) -> None:
    """Exactly the declared variables, in any order; other tasks' output lies between them."""
    if len(example.tasks) > 1:
        return
    ((name, command),) = example.tasks.items()
    assert command.environment is not None
    data = result.out
    if not example.buffered:
        prefix = f"[p:{name}] ".encode()
        data = b"\n".join(line.removeprefix(prefix) for line in data.split(b"\n"))
        data = data.removesuffix(b"\n") if data.endswith(b"\0\n") else data
    rows = [row for row in data.split(b"\0") if row]
    found = dict(os.fsdecode(row).split("=", 1) for row in rows)
    rules = "CFG-032 CFG-033 CACHE-008"
    trial.same(rules, f"{result}environment", found, dict(command.environment))


def _octal(data: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in data)


AREA: Area = area("process", "what commands get and print", examples, play, 0.8)
