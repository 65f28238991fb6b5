"""What ``haz run`` was told beyond its original options, checked (cli.md 14.3)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from haz_trio.cli.lane import UNSAID
from haz_trio.cli.mistakes import bad_value
from haz_trio.cli.options import RunOptions, Scope, parse_target
from haz_trio.cli.values import (
    Annotations,
    Jobs,
    parse_duration,
    parse_jobs,
    parse_retries,
    parse_without,
    parse_word,
    split_words,
)
from haz_trio.errors import UsageError
from haz_trio.model.references import Reference
from haz_trio.plan.policy import UNLIMITED, CacheUse, Policy
from haz_trio.values import frozen

if TYPE_CHECKING:
    from haz_trio.cli.run_events import Destination
    from haz_trio.query.atoms import Meaning
    from haz_trio.vcs import Changes


@frozen
class RunChoices:
    """The choices of one run; ``policy`` has everything but the number of slots.

    ``timeout`` is for the whole run, in seconds.
    """

    jobs: Jobs | None
    policy: Policy
    timeout: float
    affected: Changes | None
    query: Meaning | None
    skip: tuple[Reference, ...]
    only: bool
    with_dependents: bool
    arguments: tuple[str, ...]
    explain: bool
    json: bool
    events: Destination | None
    summary: str | None
    annotations: Annotations

    @property
    def is_plain(self) -> bool:
        """Whether what the run says depends on files, variables and the command line alone."""
        return not (
            self.affected
            or self.json
            or self.events is not None
            or self.explain
            or self.summary
            or self.arguments
            or self.policy.cache is not CacheUse.BOTH
        )

    @classmethod
    def parse(
        cls,
        *,
        jobs: str | None,
        keep_going: bool,
        fail_fast: bool,
        force: bool,
        no_cache: str | None,
        timeout: str | None,
        task_timeout: str | None,
        retries: str | None,
        affected: str | None,
        query: str | None,
        only: bool,
        with_dependents: bool,
        skip: Sequence[str],
        arguments: Sequence[str],
        strings: Sequence[str],
        explain: bool,
        json: bool,
        events: str | None,
        summary: str | None,
        annotations: str | None,
        environment: Mapping[str, str] = os.environ,
    ) -> RunChoices:
        """Check the words; raises ``UsageError``, and ``QueryError`` for a bad expression."""
        _exclude({"--keep-going": keep_going, "--fail-fast": fail_fast})
        _exclude({"--force": force, "--no-cache": no_cache is not None})
        _exclude({"--only": only, "--with-dependents": with_dependents})
        if no_cache is not None:
            cache = parse_without(no_cache, "--no-cache")
        else:
            cache = CacheUse.FORCED if force else CacheUse.BOTH
        if summary == "":
            raise bad_value("", "expected the name of a file", "--summary")
        limit = UNLIMITED
        return cls(
            jobs=_jobs(jobs, environment),
            policy=Policy(
                fail_fast=fail_fast,
                retries=parse_retries(retries, "--retries") if retries is not None else 0,
                task_timeout=limit
                if task_timeout is None
                else parse_duration(task_timeout, "--task-timeout"),
                cache=cache,
            ),
            timeout=limit if timeout is None else parse_duration(timeout, "--timeout"),
            affected=_affected(affected),
            query=None if query is None else _question(query),
            skip=tuple(parse_target(word) for word in skip),
            only=only,
            with_dependents=with_dependents,
            arguments=(*arguments, *chain.from_iterable(map(split_words, strings))),
            explain=explain,
            json=json,
            events=None if events is None else _destination(events),
            summary=summary,
            annotations=parse_word(
                "auto" if annotations is None else annotations,
                Annotations,
                "--annotations",
                "kind of annotations",
            ),
        )

    @property
    def filters(self) -> bool:
        """Whether the scope's tasks are narrowed by what is chosen here."""
        return self.affected is not None or self.query is not None

    def check(self, options: RunOptions) -> None:
        """Refuse what does not go together with the original options; raises ``UsageError``."""
        references = bool(options.references)
        _exclude({"positional task references": references, "--affected": self.affected})
        _exclude({"positional task references": references, "--query": self.query})
        _exclude({"a git filter": options.git, "--affected": self.affected})
        if self.arguments and (options.scope is not Scope.DEFAULT or options.git or self.filters):
            raise UsageError(
                "couldn't parse: `--arg` and `--args` are for tasks that are named; name them, "
                "or leave out the flags that choose among all"
            )
        _exclude({"--output-mode": options.output_mode, "--json": self.json})
        _exclude({"--dry-run": options.dry_run, "--events": self.events})
        _exclude({"--dry-run": options.dry_run, "--summary": self.summary})
        if options.dry_run and self.explain and not self.json:
            raise UsageError(
                "couldn't parse: `--explain` needs a real run; `--dry-run --json` has the reasons"
            )


def _jobs(text: str | None, environment: Mapping[str, str]) -> Jobs | None:
    if text is not None:
        return parse_jobs(text, "--jobs")
    inherited = environment.get("HAZ_JOBS", "")
    return parse_jobs(inherited, "HAZ_JOBS") if inherited else None


def _affected(revision: str | None) -> Changes | None:
    if revision is None:
        return None
    if revision == "":
        raise bad_value("", "expected a revision, or no `=` to compare with HEAD", "--affected")
    # Imported here, as below: most runs are chosen without it (cli.md 14.5).
    from haz_trio.vcs import SinceFork, WorkingTree

    return WorkingTree() if revision == UNSAID else SinceFork(revision)


def _question(expression: str) -> Meaning:
    from haz_trio.query.filters import Filter, read_filter

    return read_filter(Filter.EXPR, expression, flag="--query")


def _destination(text: str) -> Destination:
    from haz_trio.cli.run_events import parse_events

    return parse_events(text)


def _exclude(given: Mapping[str, object]) -> None:
    """Refuse two things at once; each is named as people know it."""
    first, second = (f"`{name}`" if name.startswith("-") else name for name in given)
    if all(value is not None and value is not False for value in given.values()):
        raise UsageError(f"couldn't parse: {second} cannot be combined with {first}")
