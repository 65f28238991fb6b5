"""The command line of ``haz query``: every filter and form, declared once (cli.md 14.4)."""

from __future__ import annotations

from typing import Annotated

import typer

from haz_trio.cli.declared import Settings, forwards
from haz_trio.cli.strict import StrictCommand


@forwards("haz_trio.cli.query_call:query")
def query(
    ctx: typer.Context,
    tags: Annotated[
        str | None,
        typer.Option(
            "--tags",
            metavar="EXPR",
            help="Tasks of projects with these tags; `&`, `|`, `!` and parentheses combine, "
            "`*` stands for any letters (QRY-003). Example: haz query --tags 'rust & !lib'",
        ),
    ] = None,
    projects: Annotated[
        str | None,
        typer.Option(
            "--projects",
            metavar="EXPR",
            help="Tasks of these projects (QRY-003). Example: haz query --projects 'api | web'",
        ),
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            "--tasks",
            metavar="EXPR",
            help="Tasks with these names (QRY-003). Example: haz query --tasks 'test-*'",
        ),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(
            "--inputs",
            metavar="EXPR",
            help="Tasks with an input that can be one of these paths or match one of these "
            "globs; a trailing `/` means anything below (QRY-003). "
            "Example: haz query --inputs '/proto/**'",
        ),
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option(
            "--outputs",
            metavar="EXPR",
            help="The same for outputs (QRY-003). Example: haz query --outputs dist/app.js",
        ),
    ] = None,
    child_of: Annotated[
        str | None,
        typer.Option(
            "--child-of",
            metavar="EXPR",
            help="Tasks that need one of these directly, by `deps`. These are said by "
            "`name:TASK`, `project:PROJECT`, `tag:TAG` and `task:PROJECT:TASK` (QRY-004). "
            "Example: haz query --child-of 'project:core & name:build'",
        ),
    ] = None,
    parent_of: Annotated[
        str | None,
        typer.Option(
            "--parent-of",
            metavar="EXPR",
            help="Tasks that one of these needs directly (QRY-004). "
            "Example: haz query --parent-of task:web:bundle",
        ),
    ] = None,
    depends_on: Annotated[
        str | None,
        typer.Option(
            "--depends-on",
            metavar="EXPR",
            help="Tasks that need one of these, directly or not; these themselves are left out "
            "(`--expr` keeps them) (QRY-004). Example: haz query --depends-on tag:lib",
        ),
    ] = None,
    ancestor_of: Annotated[
        str | None,
        typer.Option(
            "--ancestor-of",
            metavar="EXPR",
            help="Tasks that one of these needs, directly or not; these themselves are left out "
            "(`--expr` keeps them) (QRY-004). Example: haz query --ancestor-of name:deploy",
        ),
    ] = None,
    expr: Annotated[
        str | None,
        typer.Option(
            "--expr",
            metavar="EXPR",
            help="All families in one expression: tag:, project:, name:, task:, input:, "
            "output:, has-deps, no-deps, …, mutex, child-of(…), parent-of(…), depends-on(…), "
            "ancestor-of(…). "
            "Example: haz query --expr 'tag:rust & child-of(name:build) & !input:/proto/**'",
        ),
    ] = None,
    has_deps: Annotated[
        bool,
        typer.Option(
            "--has-deps", help="Tasks with `deps` (QRY-005). Example: haz query --has-deps"
        ),
    ] = False,
    no_deps: Annotated[
        bool,
        typer.Option(
            "--no-deps", help="Tasks without `deps` (QRY-005). Example: haz query --no-deps"
        ),
    ] = False,
    has_inputs: Annotated[
        bool,
        typer.Option(
            "--has-inputs", help="Tasks with `inputs` (QRY-005). Example: haz query --has-inputs"
        ),
    ] = False,
    no_inputs: Annotated[
        bool,
        typer.Option(
            "--no-inputs", help="Tasks without `inputs` (QRY-005). Example: haz query --no-inputs"
        ),
    ] = False,
    has_outputs: Annotated[
        bool,
        typer.Option(
            "--has-outputs",
            help="Tasks with `outputs` (QRY-005). Example: haz query --has-outputs",
        ),
    ] = False,
    no_outputs: Annotated[
        bool,
        typer.Option(
            "--no-outputs",
            help="Tasks without `outputs` (QRY-005). Example: haz query --no-outputs",
        ),
    ] = False,
    mutex: Annotated[
        bool,
        typer.Option("--mutex", help="Tasks with a mutex (QRY-005). Example: haz query --mutex"),
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Look at this project, or at the workspace outside of projects; the same as no "
            "flag (EXEC-022). Example: haz query --all",
        ),
    ] = False,
    workspace: Annotated[
        bool,
        typer.Option(
            "--workspace",
            help="Look at every project, wherever you are. "
            "Example: haz query --workspace --tasks lint",
        ),
    ] = False,
    git_changed: Annotated[
        bool,
        typer.Option(
            "--git-changed",
            help="Only tasks whose inputs differ from HEAD, untracked files included "
            "(EXEC-027). Example: haz query --git-changed",
        ),
    ] = False,
    git_staged: Annotated[
        bool,
        typer.Option(
            "--git-staged",
            help="Only tasks whose inputs are staged for a commit (EXEC-028). "
            "Example: haz query --git-staged",
        ),
    ] = False,
    git_changed_since: Annotated[
        str | None,
        typer.Option(
            "--git-changed-since",
            metavar="REV",
            help="Only tasks whose inputs differ from commit REV (EXEC-029). "
            "Example: haz query --git-changed-since=main",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FMT",
            help="plain: `project:task` lines; json: one array with project, tags and task; "
            "jsonl: as --json; null: as -0 (QRY-008). Example: haz query --format json",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="A JSON object with everything about a task on each line. "
            "Example: haz query --json",
        ),
    ] = False,
    fields: Annotated[
        str | None,
        typer.Option(
            "--fields",
            metavar="FIELDS",
            help="As --json, with these keys in this order, out of project, task, id, tags, "
            "root, action, inputs, outputs, deps, weakDeps, mutex, env and origin. "
            "Example: haz query --fields id,inputs",
        ),
    ] = None,
    null: Annotated[
        bool,
        typer.Option(
            "-0",
            help="Names with a NUL byte behind each. Example: haz query -0 | xargs -0 haz run",
        ),
    ] = False,
    graph: Annotated[
        str | None,
        typer.Option(
            "--graph",
            metavar="FORM",
            help="The tasks and the edges between them, as dot, mermaid or json. "
            "Example: haz query --graph dot",
        ),
    ] = None,
) -> None:
    """List the tasks that all given filters match; without a filter, all of them."""


def register_query(app: typer.Typer, settings: Settings) -> None:
    """Add the command to the application."""
    app.command(
        "query",
        short_help="List the tasks that match.",
        cls=StrictCommand,
        context_settings=settings,
    )(query)
