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
FILES: Mapping[str, tuple[str, int]] = {  # below the project, with their modes
    "bin/tool": ("#!/bin/sh\necho tool $1\n", 0o755),
    "bin/printf": ("#!/bin/sh\necho ours\n", 0o755),
    "here": ("#!/bin/sh\necho here $1\n", 0o755),
    "first/tool": ("#!/bin/sh\necho first $1\n", 0o755),
    "plain/tool": ("#!/bin/sh\necho plain $1\n", 0o644),
    "folder/tool/file": ("", 0o644),
}
_UNSET = "unset"
_PAINTING: Mapping[str, tuple[str, ...]] = {
    "NO_COLOR": (_UNSET, "", "1", "0"),
    "FORCE_COLOR": (_UNSET, "0", "1"),
    "CLICOLOR_FORCE": (_UNSET, _UNSET, "0", "1"),
    "CLICOLOR": (_UNSET, "0"),
}
LONG = 300_000  # bytes, more than a program may want to hold of one line
_GROUP = "read -r a b c d e f </proc/$$/stat; [ $$ = $e ] && echo leads"
_OPEN = "for f in /proc/$$/fd/*; do if [ -e $f ]; then echo ${f##*/}; fi; done"
_SIGNALS = "while read -r a b; do case $a in Sig[IB]*) echo $b;; esac; done </proc/$$/status"


def _found(path: str, program: str, word: str) -> Body:
    """A program that is looked up in this PATH."""
    return {"command": [program, word], "env": {"override": {"PATH": path}}}


_FIXED: Mapping[str, tuple[Body, bytes]] = {
    "folder": ({"command": ["/bin/pwd"]}, b"@\n"),
    "input": ({"shell": "/bin/cat; echo read"}, b"read\n"),
    "path": (_found("@/bin:/bin", "tool", "x"), b"tool x\n"),
    "empty-path": (_found("", "here", "e"), b"here e\n"),
    "gap-in-path": (_found("/nowhere::/bin", "here", "g"), b"here g\n"),
    "relative-path": (_found("bin", "tool", "r"), b"tool r\n"),
    "order-of-path": (_found("@/nowhere:@/first:@/bin", "tool", "o"), b"first o\n"),
    "plain-in-path": (_found("@/plain:@/folder:@/bin", "tool", "p"), b"tool p\n"),
    "path-of-host": ({"command": ["tool", "h"], "env": {"from_host": ["PATH"]}}, b"tool h\n"),
    "bare": ({"command": ["printf", "<%s>", "x"]}, b"<x>"),  # haz itself would find another
    "relative": ({"command": ["bin/tool", "y z"]}, b"tool y z\n"),
    "absolute": ({"command": ["@/bin/tool", "a"]}, b"tool a\n"),
    "own-shell": (
        {"shell": "x", "shell_type": "tool", "env": {"override": {"PATH": "@/bin"}}},
        b"tool -c\n",
    ),
    "group": ({"shell": _GROUP}, b"leads\n"),
    "signals": ({"shell": _SIGNALS}, b"0000000000000000\n" * 2),
    "umask": ({"shell": "umask"}, b"UMASK\n"),
    "open-files": ({"shell": _OPEN}, b"0\n1\n2\n"),
    "late": ({"shell": "printf 'a\nb'; /bin/sleep 0.01; printf 'c\n\nd'"}, b"a\nbc\n\nd"),
}
# Who leaves processes behind that do not end by themselves: in its group, with its pipes, or
# outside of the group, of which only those that hold no pipe are nobody's business.
_AWAY = (
    ": >T; /usr/bin/setsid /bin/sh -c 'echo $$ >T; exec /bin/sleep 60' STREAMS & "
    "i=0; until [ -s T ] || [ $i = 500 ]; do i=$((i+1)); /bin/sleep 0.01; done; echo left"
)
DAEMON = "daemon"
HOLDER = "holds-from-away"
_LEAVES: Mapping[str, str] = {
    "leaves": "(/bin/sleep 60 >/dev/null 2>&1) & echo left",
    "leaves-many": "for i in 1 2 3; do (/bin/sleep 60; echo) >/dev/null 2>&1 & done; echo left",
    "holds": "/bin/sleep 60 & echo left",
    "holds-one": "/bin/sleep 60 2>/dev/null & echo left",
    HOLDER: _AWAY.replace("STREAMS", ""),
    DAEMON: _AWAY.replace("STREAMS", ">/dev/null 2>&1"),
}
DYING: Mapping[str, tuple[Body, str]] = {  # what fails behind a daemon, and what is said of it
    end: ({"shell": f"{_LEAVES[DAEMON].replace('T', DAEMON)}; {end}"}, said)
    for end, said in (("exit 3", "(exit 3)"), ("kill -9 $$", "(signal 9)"))
}
LEAVES: frozenset[str] = frozenset(_LEAVES)
"""Kinds of commands behind whose end there is somebody; a hit are only daemons."""


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
    """Tasks of one project by their names, and where they are.

    ``modes`` are how they are shown when they run and when they are hits, each "live", "buffered"
    or "json".

    ``more`` are arguments that another run passes on to those that print their arguments.

    ``color`` is what follows that option, if anything, and ``painting`` are variables that say
    the same, for each of the two runs.

    ``dying`` is how a task ends that has started a daemon, if there is one.

    ``umask`` is that of the calls, and so of the commands.

    ``lost`` is the standard output of a last run: a "full" disk, a "closed" pipe, or "".
    """

    tasks: Mapping[str, Command]
    modes: tuple[str, str]
    root: str
    more: tuple[str, ...] = ()
    lost: str = ""
    dying: str = ""
    umask: int = 0o022
    color: str = ""
    painting: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """A third of what is fixed, and some of each other kind, in any order."""
    root = draw(st.sampled_from(["p", "deep/p", "p q"]))
    kinds = [kind for kind in (*_FIXED, "long") if draw(st.integers(0, 2)) == 2]
    for kind in ("bytes", "bytes", "bytes", "environment", "environment", "arguments", "shell"):
        kinds += [kind] * draw(st.integers(0, 2)) if kind != "shell" else [kind]
    if draw(st.integers(0, 3)) == 3:
        kinds += draw(st.lists(st.sampled_from([*_LEAVES]), unique=True, min_size=1, max_size=3))
    tasks = {}
    for number, kind in enumerate(draw(st.permutations(kinds))):
        name = chr(ord("a") + number)
        tasks[name] = _command(draw, kind, root, name)
    first, second = (draw(st.sampled_from(["live", "buffered", "live", "json"])) for _ in "12")
    more = draw(st.lists(st.sampled_from(ARGUMENTS), max_size=2))
    lost = draw(st.sampled_from(["", "", "", "full", "closed"]))
    umask = draw(st.sampled_from([0o022, 0o002, 0o027, 0o077]))
    color = draw(st.sampled_from(["", "", "", "auto", "always", "never"]))
    painting = _painting(draw), _painting(draw)
    dying = draw(st.sampled_from(["", "", *DYING]))
    return Example(tasks, (first, second), root, tuple(more), lost, dying, umask, color, painting)


def _painting(draw: st.DrawFn) -> Mapping[str, str]:
    found = {name: draw(st.sampled_from(values)) for name, values in _PAINTING.items()}
    return {name: value for name, value in found.items() if value != _UNSET}


def _command(draw: st.DrawFn, kind: str, root: str, name: str) -> Command:
    if kind == "bytes":
        return _bytes(draw)
    if kind == "long":
        size = draw(st.sampled_from([70_000, LONG]))
        return Command(kind, {"shell": f"printf '%0{size}d' 0"}, b"0" * size)
    if kind == "arguments":
        words = draw(st.lists(st.sampled_from(ARGUMENTS), min_size=1, max_size=3))
        body: Body = {"command": ["/usr/bin/printf", "<%s>", *words]}
        return Command(kind, body, shown(words), words=tuple(words))
    if kind == "environment":
        return _environment(draw, root, name)
    if kind == "shell":
        shell = draw(st.sampled_from(["sh", "bash"]))
        script = 'false; echo "$0 $#"; if [ -t 0 ] || [ -t 1 ]; then echo terminal; fi'
        return Command(kind, {"shell": script, "shell_type": shell}, f"{shell} 0\n".encode())
    if kind in LEAVES:
        return Command(kind, {"shell": _LEAVES[kind].replace("T", kind)}, b"left\n")
    return Command(kind, *_FIXED[kind])


def _bytes(draw: st.DrawFn) -> Command:
    """Bytes on both streams, at once or one after the other."""
    pauses = draw(st.integers(0, 3)) == 3
    streams = [draw(st.lists(st.sampled_from(PIECES), max_size=4)) for _ in "12"]
    script = ""
    for pieces, to in zip(streams, ("", " >&2"), strict=True):
        if pauses:
            script += "".join(f"printf '{_octal(it)}'{to}; /bin/sleep 0.004; " for it in pieces)
        else:
            script += f"printf '{_octal(b''.join(pieces))}'{to}; "
    out, err = map(b"".join, streams)
    return Command("bytes", {"shell": script}, out, err)


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
