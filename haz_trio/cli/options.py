"""What the command line said, checked and in our own words; no workspace is looked at here."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from haz_trio.cli.mistakes import bad_value
from haz_trio.errors import InvalidTextError, UsageError
from haz_trio.model.names import check_name
from haz_trio.model.references import Reference, SameProject, parse_reference
from haz_trio.model.workspace import OutputMode
from haz_trio.output.palette import ColorChoice
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.vcs import Changes


def is_on(variable: str) -> bool:
    """Whether a variable of our environment is set to anything but nothing and ``0``."""
    return os.environ.get(variable, "0") not in ("", "0")


class Diagnostics(enum.Enum):
    """The form of error reports: drawn, narrated for readers aloud, or JSON for programs."""

    PRETTY = "pretty"
    NARRATED = "narrated"
    JSON = "json"


@frozen
class RootOptions:
    """The options before the command: where to start, which root, how to look.

    ``diagnostics`` is the form of error reports, ``None`` for the one that fits the terminal.
    """

    directory: str | None = None
    root: str | None = None
    color: ColorChoice = ColorChoice.AUTO
    verbose: bool = False
    quiet: bool = False
    diagnostics: Diagnostics | None = None

    @classmethod
    def parse(
        cls,
        directory: str | None,
        root: str | None,
        *,
        color: str | None,
        diagnostics: str | None,
        quiet: bool,
        verbose: bool,
    ) -> RootOptions:
        """Check the values and their combinations; raises ``UsageError``."""
        if quiet and verbose:
            raise UsageError("`--quiet` can't be combined with `--verbose`")
        try:
            choice = ColorChoice(color or "auto")
        except ValueError:
            reason = f"unknown colour choice `{color}` (expected `auto`, `always` or `never`)"
            raise bad_value(color or "", reason, "--color") from None
        try:
            form = None if diagnostics is None else Diagnostics(diagnostics)
        except ValueError:
            reason = f"unknown form `{diagnostics}` (expected `pretty`, `narrated` or `json`)"
            raise bad_value(diagnostics or "", reason, "--diagnostics") from None
        return cls(directory, root or None, choice, verbose, quiet, form)


class Scope(enum.Enum):
    """Which tasks are candidates when no reference is given (EXEC-023 to EXEC-026)."""

    DEFAULT = "default"
    ALL = "all"
    WORKSPACE = "workspace"


@frozen
class RunOptions:
    """The options and arguments of ``haz run``."""

    references: tuple[Reference, ...]
    scope: Scope
    git: Changes | None
    dry_run: bool
    output_mode: OutputMode | None

    @classmethod
    def parse(
        cls,
        tasks: Sequence[str],
        *,
        everything: bool,
        workspace: bool,
        git_changed: bool,
        git_staged: bool,
        git_changed_since: str | None,
        dry_run: bool,
        output_mode: str | None,
    ) -> RunOptions:
        """Check the words and their combinations; raises ``UsageError`` (cli.md 2.2)."""
        references = tuple(parse_target(text) for text in tasks)
        mode = _parse_mode(output_mode)
        filters = [git_changed, git_staged, git_changed_since is not None].count(True)
        if filters > 1:
            raise _excluded("git-changeset filters are mutually exclusive")
        scope = parse_scope(everything, workspace)
        if references and scope is not Scope.DEFAULT:
            raise _excluded(
                f"`--{scope.value}` cannot be combined with positional task references"
            )
        if references and filters:
            raise _excluded(
                "git-changeset filters cannot be combined with positional task references"
            )
        git = None
        if filters:
            git = _changes(staged=git_staged, since=git_changed_since)
        return cls(references, scope, git, dry_run, mode)


def _changes(*, staged: bool, since: str | None) -> Changes:
    # Imported here: what git is run with is not needed without a filter (cli.md 14.5).
    from haz_trio.vcs import Since, Staged, WorkingTree

    if since is not None:
        return Since(since)
    return Staged() if staged else WorkingTree()


def parse_scope(everything: bool, workspace: bool) -> Scope:
    """The scope that two flags name; raises ``UsageError`` when both are given."""
    if everything and workspace:
        raise _excluded("`--all` and `--workspace` are mutually exclusive")
    if workspace:
        return Scope.WORKSPACE
    return Scope.ALL if everything else Scope.DEFAULT


def parse_target(text: str) -> Reference:
    """A reference of the command line; a bare task name means ``~:task`` (decisions.md 5)."""
    try:
        if text and ":" not in text and not text.startswith("["):
            return SameProject(check_name(text))
        return parse_reference(text)
    except InvalidTextError as problem:
        raise bad_value(text, problem) from None


def _parse_mode(text: str | None) -> OutputMode | None:
    if text is None:
        return None
    try:
        return OutputMode(text)
    except ValueError:
        reason = f"unknown output mode `{text}` (expected `live` or `buffered`)"
        raise bad_value(text, reason, "--output-mode") from None


def _excluded(reason: str) -> UsageError:
    return UsageError(f"couldn't parse: {reason}")
