"""The declaration of ``haz run``: every option with its help and an example (cli.md 9, 14.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand


def register_run(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "run",
        short_help="Run tasks and what they depend on.",
        cls=StrictCommand,
        context_settings=settings,
    )(run)


@forwards("haz_trio.cli.run_call:run")
def run(
    ctx: typer.Context,
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TASK]...",
            show_default=False,
            help="What to run: `project:task`, `~:task` or just `task` (this project), `^:task` "
            "(every project), `[tag]:task` (every project with the tag); `^~:` and `[tag]~:` "
            "leave this project out. Example: haz run lib:build '[py]:test'",
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Every task of this project, or of the workspace outside of projects "
            "(EXEC-024). Example: haz run --all",
        ),
    ] = False,
    workspace: Annotated[
        bool,
        typer.Option(
            "--workspace",
            help="Every task of every project, wherever you are (EXEC-025). "
            "Example: haz run --workspace",
        ),
    ] = False,
    git_changed: Annotated[
        bool,
        typer.Option(
            "--git-changed",
            help="Only tasks whose inputs differ from HEAD, untracked files included "
            "(EXEC-027). Example: haz run --git-changed",
        ),
    ] = False,
    git_staged: Annotated[
        bool,
        typer.Option(
            "--git-staged",
            help="Only tasks whose inputs are staged for a commit (EXEC-028). "
            "Example: haz run --git-staged",
        ),
    ] = False,
    git_changed_since: Annotated[
        str | None,
        typer.Option(
            "--git-changed-since",
            metavar="REV",
            help="Only tasks whose inputs differ from commit REV (EXEC-029). "
            "Example: haz run --git-changed-since=main",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would run, and run nothing (EXEC-030). "
            "Example: haz run --workspace --dry-run",
        ),
    ] = False,
    output_mode: Annotated[
        str | None,
        typer.Option(
            "--output-mode",
            metavar="MODE",
            help="live: lines as they come, with the task's name; buffered: a task's output "
            "when it ends (EXEC-016). Example: haz run --output-mode buffered",
        ),
    ] = None,
    affected: Annotated[
        str | None,
        typer.Option(
            "--affected",
            metavar="[=REV]",
            help="Only what may have changed since HEAD or since REV (for a branch: since HEAD "
            "left it): tasks with changed inputs, outputs, project files, overlays, and "
            "all that depends on them. Example: haz run --affected=main",
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            "--query",
            metavar="EXPR",
            help="Only tasks that the expression describes, in the language of `haz query "
            "--expr`. Example: haz run --query 'tag:c & name:test'",
        ),
    ] = None,
    only: Annotated[
        bool,
        typer.Option(
            "--only",
            help="Run the chosen tasks without what they depend on. Example: haz run --only "
            "lib:test",
        ),
    ] = False,
    with_dependents: Annotated[
        bool,
        typer.Option(
            "--with-dependents",
            help="Run also everything that depends on the chosen tasks. Example: haz run "
            "--with-dependents lib:build",
        ),
    ] = False,
    skip: Annotated[
        list[str] | None,
        typer.Option(
            "--skip",
            metavar="TASK",
            help="Leave these tasks out, and what only they need; may be repeated. Example: "
            "haz run --workspace --skip '^:lint'",
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Option(
            "--arg",
            metavar="VALUE",
            help="Pass VALUE on to the named tasks, as a further argument of the command or as "
            "$1, $2 ... of the script; may be repeated. Example: haz run lib:test "
            "--arg=-v --arg=fast",
        ),
    ] = None,
    strings: Annotated[
        list[str] | None,
        typer.Option(
            "--args",
            metavar="STRING",
            help="Pass the words of STRING on, split as a shell splits them (nothing is "
            "expanded), behind those of --arg; may be repeated. Example: haz run lib:test "
            "--args='-v --name \"a b\"'",
        ),
    ] = None,
    jobs: Annotated[
        str | None,
        typer.Option(
            "-j",
            "--jobs",
            metavar="N|P%",
            help="How many tasks may run at once, also as percentage of the processors; beats "
            "HAZ_JOBS, which beats concurrency.default. Example: haz run -j 4 --all",
        ),
    ] = None,
    keep_going: Annotated[
        bool,
        typer.Option(
            "-k",
            "--keep-going",
            help="Go on with what does not depend on a failure (this is the default). Example: "
            "haz run -k --workspace",
        ),
    ] = False,
    fail_fast: Annotated[
        bool,
        typer.Option(
            "--fail-fast",
            help="Stop everything at the first failure. Example: haz run --fail-fast --workspace",
        ),
    ] = False,
    retries: Annotated[
        str | None,
        typer.Option(
            "--retries",
            metavar="N",
            help="Start a task that fails again, up to N times; the last try counts. Example: "
            "haz run --retries 2 web:e2e",
        ),
    ] = None,
    task_timeout: Annotated[
        str | None,
        typer.Option(
            "--task-timeout",
            metavar="DURATION",
            help="End a command that runs longer than this; the task has failed then. Example: "
            "haz run --task-timeout 90s test",
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            help="Stop the whole run after this time, with exit code 124. Example: haz run "
            "--timeout 1h30m --workspace",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "-f",
            "--force",
            help="Run everything again and store the results: the cache is not looked up. "
            "Example: haz run -f lib:build",
        ),
    ] = False,
    no_cache: Annotated[
        str | None,
        typer.Option(
            "--no-cache",
            metavar="[=read|write]",
            help="Neither look up nor store results, or leave out just one: `read` or `write`. "
            "Example: haz run --no-cache=write test",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Say on stderr of each task that has to run why. Example: haz run --explain "
            "--workspace",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print events as JSON on stdout, one for each line (docs/events.md); with "
            "--dry-run one object that says what would hit. Example: haz run --json --all",
        ),
    ] = False,
    events: Annotated[
        str | None,
        typer.Option(
            "--events",
            metavar="FILE|fd:N",
            help="Write the events of --json to FILE, or to descriptor N that haz was given, "
            "while stdout stays as it is. Example: haz run --events events.jsonl --all",
        ),
    ] = None,
    summary: Annotated[
        str | None,
        typer.Option(
            "--summary",
            metavar="FILE",
            help="Write a JSON document about the run to FILE when it ends. Example: haz run "
            "--summary run.json --all",
        ),
    ] = None,
    annotations: Annotated[
        str | None,
        typer.Option(
            "--annotations",
            metavar="WHEN",
            help="Mark failures for GitHub on stderr: github, none, or auto (where "
            "GITHUB_ACTIONS is set). Example: haz run --annotations github --all",
        ),
    ] = None,
) -> None:
    """Run tasks and what they depend on; restore from the cache what is unchanged."""
