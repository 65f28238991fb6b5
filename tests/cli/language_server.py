"""An editor without a window: the YAML language server as a process, spoken to in JSON-RPC."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import attrs

Message: TypeAlias = dict[str, Any]  # Any: what JSON holds
DEADLINE = 60.0  # seconds that the server may take for anything; node starts slowly under load
PROGRAM = "yaml-language-server"
# No schemas but those that the files name: nothing is asked of the network.
_SETTINGS: Mapping[str, object] = {
    "validate": True,
    "hover": True,
    "completion": True,
    "schemaStore": {"enable": False},
    "kubernetesCRDStore": {"enable": False},
}


@attrs.frozen(order=True)
class Mark:
    """What an editor underlines: the line, counted from 1, the text on it, and the message."""

    line: int
    text: str
    message: str


class LanguageServer:
    """The conversation with one server; made by ``open_language_server``."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._buffer = b""
        self._number = 0
        self._published: dict[str, list[Message]] = {}

    def begin(self, root: Path) -> None:
        """Tell who we are, and wait until the server has asked for its settings."""
        self.ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri(),
                "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
                "capabilities": {
                    "workspace": {"configuration": True, "workspaceFolders": True},
                    "textDocument": {"publishDiagnostics": {}, "hover": {}, "completion": {}},
                },
            },
        )
        self._send({"method": "initialized", "params": {}})
        while self._take().get("method") != "workspace/configuration":
            pass

    def marks(self, path: Path) -> list[Mark]:
        """Open a file and wait for what is underlined in it, from the top down."""
        uri, text = path.as_uri(), path.read_text()
        self._published.pop(uri, None)
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while uri not in self._published:
            self._take()
        lines = text.split("\n")
        return sorted(_mark(found, lines) for found in self._published[uri])

    def hover(self, path: Path, line: int) -> str:
        """What is shown for the word at the beginning of a line of an open file."""
        place = {"line": line - 1, "character": 1}
        where = {"textDocument": {"uri": path.as_uri()}, "position": place}
        found = self.ask("textDocument/hover", where)
        return json.dumps(found["contents"]) if found else ""

    def ask(self, method: str, params: Message) -> Message | None:
        """Send a request and wait for its answer."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._take()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                result: Message | None = message.get("result")
                return result

    def _take(self) -> Message:
        """The next message; requests are answered, diagnostics kept."""
        message = self._receive()
        match message.get("method"):
            case "workspace/configuration":
                items = message["params"]["items"]
                values = [_SETTINGS if i.get("section") == "yaml" else {} for i in items]
                self._send({"id": message["id"], "result": values})
            case "textDocument/publishDiagnostics":
                params = message["params"]
                self._published[params["uri"]] = params["diagnostics"]
            case str() if "id" in message:
                self._send({"id": message["id"], "result": None})
        return message

    def _send(self, message: Message) -> None:
        assert self._child.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._child.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._child.stdin.flush()

    def _receive(self) -> Message:
        head = self._read_until(lambda data: data.find(b"\r\n\r\n"))
        size = int(head.partition(b"Content-Length:")[2].split()[0])
        self._buffer = self._buffer[4:]
        body = self._read_until(lambda data: size if len(data) >= size else -1)
        found: Message = json.loads(body)
        return found

    def _read_until(self, end_of: Callable[[bytes], int]) -> bytes:
        """The bytes up to where they are said to end."""
        assert self._child.stdout is not None
        limit = time.monotonic() + DEADLINE
        while (end := end_of(self._buffer)) < 0:
            ready = select.select([self._child.stdout], [], [], limit - time.monotonic())[0]
            data = os.read(self._child.stdout.fileno(), 1 << 16) if ready else b""
            assert data, f"the language server is silent after {self._buffer!r}"
            self._buffer += data
        found, self._buffer = self._buffer[:end], self._buffer[end:]
        return found


def _mark(found: Message, lines: list[str]) -> Mark:
    start, end = found["range"]["start"], found["range"]["end"]
    line: int = start["line"]
    stop = end["character"] if end["line"] == line else None
    return Mark(line + 1, lines[line][start["character"] : stop], found["message"])


@contextmanager
def open_language_server(root: Path) -> Iterator[LanguageServer]:
    """A server for the files below a folder; whatever happens, it does not outlive the block."""
    program = shutil.which(PROGRAM)
    assert program is not None
    child = subprocess.Popen(
        [program, "--stdio"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        server = LanguageServer(child)
        server.begin(root)
        yield server
    finally:
        child.kill()
        child.communicate()
