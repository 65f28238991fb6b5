"""Tasks that show what a command gets, and print what is hard to carry."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from hypothesis import strategies as st

from haz_trio.testing.reference.json_values import Body, Json

PIECES = (
    b"a\n",
    b"",
    b"\n",
    b"no end",
    b"\r\n",
    b" \n",
    b"\x00\xff\n",
    "é\n".encode(),
    b"[p:a] x\n",
    b"b\n\nc\n",
)
ARGUMENTS = ("a b", "", "*", "$V", 'q"', "\\", "n\nl", "é", "-n", "~", "`id`")
HOST = {"V": "v", "EMPTY": "", "SPACED": "a  b", "UNICODE": "é\n", "OTHER": "never"}
VALUES = ("", "1", "a b", "$V", "é", "x=y")
KINDS = (
    *("bytes", "environment", "arguments", "bytes", "environment", "bytes", "bytes"),
    *("folder", "input", "path", "bare", "relative", "shell", "group", "signals"),
)
_GROUP = "read -r a b c d e f </proc/$$/stat; [ $$ = $e ] && echo leads"
_SIGNALS = "while read -r a b; do case $a in Sig[IB]*) echo $b;; esac; done </proc/$$/status"
_FIXED: dict[str, tuple[Body, bytes]] = {
    "folder": ({"command": ["/bin/pwd"]}, b"@\n"),
    "input": ({"shell": "/bin/cat; echo read"}, b"read\n"),
    "path": ({"command": ["tool", "x"], "env": {"override": {"PATH": "@/bin:/bin"}}}, b"tool x\n"),
    "bare": ({"command": ["printf", "<%s>", "x"]}, b"<x>"),  # haz itself would find another
    "relative": ({"command": ["bin/tool", "y z"]}, b"tool y z\n"),
    "group": ({"shell": _GROUP}, b"leads\n"),
    "signals": ({"shell": _SIGNALS}, b"0000000000000000\n" * 2),
}


@attrs.frozen
class Command:
    """One task: its body, and what it prints; ``@`` is the folder of the project.

    With an ``environment`` it leaves its own in a file ``env-TASK`` outside of the workspace.
    """

    kind: str
    body: Body
    out: bytes
    err: bytes = b""
    environment: Mapping[str, str] | None = None
    words: tuple[str, ...] | None = None  # of one that prints its arguments


@attrs.frozen
class Example:
    """Tasks of one project by their names, how haz is asked to show them, and where they are.

    ``more`` are arguments that a last run passes on to those that print their arguments.
    """

    tasks: Mapping[str, Command]
    mode: str  # "live", "buffered" or "json"
    root: str
    more: tuple[str, ...] = ()


@st.composite
def examples(draw: st.DrawFn) -> Example:
    root = draw(st.sampled_from(["p", "deep/p", "p q"]))
    tasks = {}
    for name in "abcdefgh":
        if draw(st.integers(0, 5)):
            tasks[name] = draw(commands(root, name))
    mode = draw(st.sampled_from(["live", "buffered", "json"]))
    more = draw(st.lists(st.sampled_from(ARGUMENTS), max_size=2))
    return Example(tasks, mode, root, tuple(more))


@st.composite
def commands(draw: st.DrawFn, root: str, name: str) -> Command:
    kind = draw(st.sampled_from(KINDS))
    if kind == "bytes":
        out, err = (b"".join(draw(st.lists(st.sampled_from(PIECES), max_size=3))) for _ in "12")
        script = f"printf '{_octal(out)}'; printf '{_octal(err)}' >&2"
        return Command(kind, {"shell": script}, out, err)
    if kind == "arguments":
        words = draw(st.lists(st.sampled_from(ARGUMENTS), min_size=1, max_size=3))
        body: Body = {"command": ["/usr/bin/printf", "<%s>", *words]}
        return Command(kind, body, shown(words), words=tuple(words))
    if kind == "environment":
        return _environment(draw, root, name)
    if kind == "shell":
        shell = draw(st.sampled_from(["sh", "bash"]))
        script = 'echo "$0 $#"; if [ -t 0 ] || [ -t 1 ]; then echo terminal; fi'
        return Command(kind, {"shell": script, "shell_type": shell}, f"{shell} 0\n".encode())
    body, out = _FIXED[kind]
    return Command(kind, body, out)


def _environment(draw: st.DrawFn, root: str, name: str) -> Command:
    hosts = draw(st.lists(st.sampled_from([*HOST, "UNSET"]), unique=True, max_size=3))
    names, values = st.sampled_from(["V", "W", "EMPTY"]), st.sampled_from(VALUES)
    override = draw(st.dictionaries(names, values, max_size=2))
    seen = {name: HOST[name] for name in hosts if name in HOST} | override
    given: dict[str, Json] = {}
    given |= override
    outside = "../" * (root.count("/") + 2) + "outside"
    script = f"/bin/cat /proc/$$/environ >{outside}/env-{name}"
    body: Body = {"command": ["/bin/sh", "-c", script]}
    body["env"] = {"from_host": [*hosts], "override": given}
    return Command("environment", body, b"", environment=seen)


def shown(words: list[str]) -> bytes:
    """What ``printf '<%s>'`` makes of them."""
    return "".join(f"<{word}>" for word in words).encode()


def _octal(data: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in data)
