"""From the words of ``haz run`` to its call; no workspace is looked at for bad ones."""

from __future__ import annotations

from collections.abc import Sequence

from haz_trio.cli.options import RunOptions
from haz_trio.cli.run_choices import RunChoices
from haz_trio.cli.state import State


def run(
    state: State,
    *,
    tasks: Sequence[str] | None,
    everything: bool,
    workspace: bool,
    git_changed: bool,
    git_staged: bool,
    git_changed_since: str | None,
    dry_run: bool,
    output_mode: str | None,
    affected: str | None,
    query: str | None,
    only: bool,
    with_dependents: bool,
    skip: Sequence[str] | None,
    arguments: Sequence[str] | None,
    strings: Sequence[str] | None,
    jobs: str | None,
    keep_going: bool,
    fail_fast: bool,
    retries: str | None,
    task_timeout: str | None,
    timeout: str | None,
    force: bool,
    no_cache: str | None,
    explain: bool,
    json: bool,
    events: str | None,
    summary: str | None,
    annotations: str | None,
) -> int:
    """Check the words and run; raises ``UsageError``, and what ``run_command`` raises."""
    options = RunOptions.parse(
        tasks or [],
        everything=everything,
        workspace=workspace,
        git_changed=git_changed,
        git_staged=git_staged,
        git_changed_since=git_changed_since,
        dry_run=dry_run,
        output_mode=output_mode,
    )
    choices = RunChoices.parse(
        jobs=jobs,
        keep_going=keep_going,
        fail_fast=fail_fast,
        force=force,
        no_cache=no_cache,
        timeout=timeout,
        task_timeout=task_timeout,
        retries=retries,
        affected=affected,
        query=query,
        only=only,
        with_dependents=with_dependents,
        skip=skip or [],
        arguments=arguments or [],
        strings=strings or [],
        explain=explain,
        json=json,
        events=events,
        summary=summary,
        annotations=annotations,
    )
    choices.check(options)
    # Imported here: bad arguments need neither trio nor YAML (cli.md 14.5).
    from haz_trio.cli.run import run_command

    return run_command(state.options, options, choices)
