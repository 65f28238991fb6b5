"""The text of the tables, read into scenes: a workspace in the making and the rows played in it.

A line's first characters say what it is; the rest of a block is indented by two blanks::

    # what this is about
    @ W1                    a new directory, made as ``W1`` of workspaces.txt says; or empty
    + a/haz.yml             a file with the indented lines that follow
    $ ln -s a b             a step in between: a line for the shell
    C02 0 [lib] haz run     a row: name, exit code, directory if not the root, command line
      | would run 1 task:   a line of standard output
      |   - lib:default
      \\                     the last line has no end
      : [lib:a] done        a line of standard error; other lines may stand between them
      ! haz::cfg::021 · a   words of standard error, in any order
      &                     tasks run side by side: only the lines of each are in order
      ~ cli.md 9 says why   the row differs from here on: an exit code and what else we do
      2

A command line that starts with ``sh`` is a line for the shell, in which ``haz`` is the program.
A tab is spelled ⇥, a line end ⏎, a no-break space ⍽.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import attrs

TABLES = tuple("ABCDEFKLIHJMONP")
_HERE = Path(__file__).parent
_SPELLED = str.maketrans({"⇥": "\t", "⏎": "\n", "⍽": "\N{NO-BREAK SPACE}"})


@attrs.frozen
class Expected:
    """What a command line ends with."""

    code: int
    out: str = ""
    err: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    mixed: bool = False


@attrs.frozen
class Row:
    """One experiment; ``ours`` and ``reason`` are there when we differ from the original."""

    name: str
    directory: str
    line: str
    original: Expected
    reason: str = ""
    ours: Expected | None = None

    @property
    def expected(self) -> Expected:
        return self.ours or self.original

    @property
    def agrees(self) -> bool:
        """Whether a program sees no difference: exit code and standard output are the same."""
        ours, original = self.expected, self.original
        return (ours.code, ours.out) == (original.code, original.out)


@attrs.frozen
class File:
    """A file to write."""

    name: str
    text: str


@attrs.frozen
class Step:
    """A line for the shell that is no experiment."""

    line: str


Act: TypeAlias = File | Step | Row


@attrs.frozen
class Scene:
    """What happens in one directory, from the start on."""

    acts: tuple[Act, ...]

    @property
    def rows(self) -> list[Row]:
        return [act for act in self.acts if isinstance(act, Row)]


def read_tables() -> list[Scene]:
    """All scenes of all tables, in the order of the specification."""
    known = dict(_read("workspaces", {}))
    return [scene for table in TABLES for _, scene in _read(table.lower(), known)]


def _read(name: str, known: Mapping[str, Scene]) -> Iterator[tuple[str, Scene]]:
    lines = (_HERE / f"{name}.txt").read_text("utf-8").splitlines()
    blocks = [block for block in _blocks(lines) if not block[0].startswith("#")]
    starts = [at for at, block in enumerate(blocks) if block[0].startswith("@")]
    for start, end in zip(starts, [*starts[1:], len(blocks)], strict=True):
        title = blocks[start][0][1:].strip()
        base = known[title].acts if title and known else ()
        yield title, Scene((*base, *map(_read_act, blocks[start + 1 : end])))


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Each line that is not indented, with the indented lines that follow."""
    block: list[str] = []
    for line in lines:
        if line.startswith("  ") or not line:
            block.append(line[2:])
            continue
        if block:
            yield block
        block = [line]
    if block:
        yield block


def _read_act(block: list[str]) -> Act:
    head, rest = block[0], block[1:]
    if head.startswith("$ "):
        return Step(head[2:])
    if head.startswith("+ "):
        while rest and not rest[-1]:
            rest.pop()
        return File(head[2:], "".join(f"{line}\n" for line in rest))
    return _read_row(head, [line for line in rest if line])


def _read_row(head: str, body: list[str]) -> Row:
    name, code, line = head.split(" ", 2)
    directory = "."
    if line.startswith("["):
        directory, line = line[1:].split("] ", 1)
    line = line.translate(_SPELLED)
    reasons = [at for at, text in enumerate(body) if text.startswith("~ ")]
    if not reasons:
        return Row(name, directory, line, _read_expected(code, body))
    original, ours = body[: reasons[0]], body[reasons[-1] + 1 :]
    reason = " ".join(body[at][2:] for at in reasons)
    return Row(
        name,
        directory,
        line,
        _read_expected(code, original),
        reason,
        _read_expected(ours[0], ours[1:]),
    )


def _read_expected(code: str, body: list[str]) -> Expected:
    parts: dict[str, list[str]] = {"|": [], ":": [], "!": [], "\\": [], "&": []}
    for line in body:
        parts[line[0]].append(line[2:])
    out = "\n".join(parts["|"])
    if out and not parts["\\"]:
        out += "\n"
    words = (word.strip() for line in parts["!"] for word in line.split("·"))
    return Expected(
        int(code), out.translate(_SPELLED), tuple(parts[":"]), tuple(words), bool(parts["&"])
    )
