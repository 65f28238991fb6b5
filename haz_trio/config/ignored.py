"""Which folders git ignores: git is asked; where it cannot answer, the files are read here.

Without a repository, or without git, the `.gitignore` files from the workspace root down and the
user's global excludes are applied by rules of our own, which know no POSIX character classes.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence

from haz_trio.config.disk import read_file
from haz_trio.model.patterns import join
from haz_trio.values import frozen

# Nothing that a repository's configuration names is run: it may be somebody else's.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
_FOUND, _NONE_FOUND = 0, 1  # exit codes of `git check-ignore`


@frozen
class Rule:
    """A line of an ignore file; ``whole`` ones look at the path, others at the name alone."""

    regex: re.Pattern[str]
    whole: bool
    ignores: bool

    def matches(self, path: str) -> bool:
        """Whether a path below the ignore file's folder is meant, without a leading slash."""
        text = path if self.whole else path.rpartition("/")[2]
        return self.regex.fullmatch(text) is not None


def parse_rules(text: str) -> tuple[Rule, ...]:
    """The rules of an ignore file for folders, in order; a later one overrules earlier ones."""
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return tuple(rule for line in lines if (rule := _parse_rule(line)) is not None)


class Ignored:
    """Answers for one workspace root; asks git as long as git has answers."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._asks_git = _answers(root)
        self._files: dict[str, tuple[Rule, ...]] = {}
        self._global: tuple[Rule, ...] | None = None

    def among(self, paths: Sequence[str]) -> frozenset[str]:
        """Those of some folders, as workspace paths, that are ignored."""
        if not self._asks_git or not paths:
            return frozenset(filter(self._by_rules, paths))
        found = _ask(self._root, [path.removeprefix("/") for path in paths])
        if found is not None:
            return frozenset("/" + name for name in found)
        return self._folder_by_folder(paths)

    def _folder_by_folder(self, paths: Iterable[str]) -> frozenset[str]:
        """Ask for each folder's children from within, where a submodule answers for itself."""
        by_folder: dict[str, list[str]] = {}
        for path in paths:
            folder, _, name = path.rpartition("/")
            by_folder.setdefault(folder, []).append(name)
        ignored: set[str] = set()
        for folder, names in by_folder.items():
            found = _ask(self._root.rstrip("/") + folder, names)
            if found is None:
                ignored.update(filter(self._by_rules, (f"{folder}/{name}" for name in names)))
            else:
                ignored.update(f"{folder}/{name}" for name in found)
        return frozenset(ignored)

    def _by_rules(self, path: str) -> bool:
        """Whether a folder, or one that holds it, is ignored."""
        parts = path.split("/")[1:]
        return any(self._one("/" + "/".join(parts[: n + 1])) for n in range(len(parts)))

    def _one(self, path: str) -> bool:
        verdict = _verdict(self._global_rules(), path.removeprefix("/"), False)
        parts = path.split("/")[1:]
        for depth in range(len(parts)):
            folder = "/" + "/".join(parts[:depth])
            verdict = _verdict(self._rules_of(folder), "/".join(parts[depth:]), verdict)
        return verdict

    def _rules_of(self, folder: str) -> tuple[Rule, ...]:
        if folder not in self._files:
            name = join(folder, ".gitignore")
            self._files[folder] = _read_rules(self._root.rstrip("/") + name)
        return self._files[folder]

    def _global_rules(self) -> tuple[Rule, ...]:
        if self._global is None:
            self._global = _read_rules(_global_excludes(self._root))
        return self._global


def _verdict(rules: Sequence[Rule], path: str, before: bool) -> bool:
    for rule in reversed(rules):
        if rule.matches(path):
            return rule.ignores
    return before


# -- git ------------------------------------------------------------------------------------------


def _answers(root: str) -> bool:
    """Whether git can be asked here, and the root is not itself inside of an ignored folder."""
    top = _run(root, "rev-parse", "--show-toplevel")
    if top is None or top.returncode != 0:
        return False
    if os.path.realpath(top.stdout.removesuffix(b"\n")) == os.fsencode(root):
        return True
    here = _run(os.path.dirname(root), "check-ignore", "-q", "--", f"./{os.path.basename(root)}")
    return here is not None and here.returncode == _NONE_FOUND


def _ask(directory: str, names: Sequence[str]) -> list[str] | None:
    """Those of some relative paths that git ignores; ``None`` when it does not say."""
    asked = b"".join(b"./" + os.fsencode(name) + b"\0" for name in names)
    done = _run(directory, "check-ignore", "-z", "--stdin", data=asked)
    if done is None or done.returncode not in (_FOUND, _NONE_FOUND):
        return None
    return [os.fsdecode(n.removeprefix(b"./")) for n in done.stdout.split(b"\0") if n]


def _run(
    directory: str, *words: str, data: bytes = b""
) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(
            [*_GIT, *words],
            cwd=directory,
            env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
            input=data,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None


def _global_excludes(root: str) -> str:
    """The file that git's own configuration names, else the one in its usual place."""
    named = _run(root, "config", "--type=path", "--get", "core.excludesFile")
    if named is not None and named.returncode == 0:
        return os.fsdecode(named.stdout.removesuffix(b"\n"))
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(folder, "git", "ignore")


# -- rules of our own -----------------------------------------------------------------------------


def _read_rules(path: str) -> tuple[Rule, ...]:
    data = read_file(path)
    return parse_rules(os.fsdecode(data)) if isinstance(data, bytes) else ()


_CLASS = re.compile(r"\[(?P<not>[!^]?)(?P<members>\]?[^\]]*)\]")
_TRAILING = re.compile(r"(?<!\\)((?:\\\\)*) +$")


def _parse_rule(line: str) -> Rule | None:
    line = _TRAILING.sub(r"\1", line)
    if not line or line.startswith("#"):
        return None
    ignores = not line.startswith("!")
    line = line.removeprefix("!") if not ignores else line
    line = line.removesuffix("/")  # only folders are ever looked at
    whole = "/" in line
    line = line.removeprefix("/")
    if not line:
        return None
    try:
        return Rule(re.compile(_expression(line), re.DOTALL), whole, ignores)
    except re.error:
        return None


_WILD: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(?<![^/])\*\*+/"), lambda _: "(?:.*/)?"),
    (re.compile(r"(?<=/)\*\*+$"), lambda _: ".+"),
    (re.compile(r"\*+"), lambda _: "[^/]*"),
    (re.compile(r"\?"), lambda _: "[^/]"),
    (_CLASS, lambda found: _class(found["not"], found["members"])),
    (re.compile(r"\\(.)", re.DOTALL), lambda found: re.escape(found[1])),
)


def _expression(pattern: str) -> str:
    """A pattern as a regular expression for ``fullmatch``."""
    pieces = []
    at = 0
    while at < len(pattern):
        for wild, translate in _WILD:
            found = wild.match(pattern, at)
            if found:
                pieces.append(translate(found))
                at = found.end()
                break
        else:
            pieces.append(re.escape(pattern[at]))
            at += 1
    return "".join(pieces)


def _class(inverted: str, members: str) -> str:
    """A class never stands for a slash."""
    inside = members.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    inside = inside.replace("^", "\\^").replace("&", "\\&").replace("~", "\\~").replace("|", "\\|")
    return f"(?!/)[{'^' if inverted else ''}{inside}]"
