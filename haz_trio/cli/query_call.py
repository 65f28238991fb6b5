"""From the words of ``haz query`` to its call."""

from __future__ import annotations

from haz_trio.cli.query_options import QueryOptions
from haz_trio.cli.state import State
from haz_trio.query.filters import Filter


def query(
    state: State,
    *,
    tags: str | None,
    projects: str | None,
    tasks: str | None,
    inputs: str | None,
    outputs: str | None,
    child_of: str | None,
    parent_of: str | None,
    depends_on: str | None,
    ancestor_of: str | None,
    expr: str | None,
    has_deps: bool,
    no_deps: bool,
    has_inputs: bool,
    no_inputs: bool,
    has_outputs: bool,
    no_outputs: bool,
    mutex: bool,
    everything: bool,
    workspace: bool,
    git_changed: bool,
    git_staged: bool,
    git_changed_since: str | None,
    format: str | None,
    as_json: bool,
    fields: str | None,
    null: bool,
    graph: str | None,
) -> int:
    """Check the words and list tasks; raises ``UsageError``, and what ``query_command`` raises."""
    options = QueryOptions.parse(
        {
            Filter.TAGS: tags,
            Filter.PROJECTS: projects,
            Filter.TASKS: tasks,
            Filter.INPUTS: inputs,
            Filter.OUTPUTS: outputs,
            Filter.CHILD_OF: child_of,
            Filter.PARENT_OF: parent_of,
            Filter.DEPENDS_ON: depends_on,
            Filter.ANCESTOR_OF: ancestor_of,
            Filter.EXPR: expr,
        },
        {
            "--has-deps": has_deps,
            "--no-deps": no_deps,
            "--has-inputs": has_inputs,
            "--no-inputs": no_inputs,
            "--has-outputs": has_outputs,
            "--no-outputs": no_outputs,
            "--mutex": mutex,
        },
        everything=everything,
        workspace=workspace,
        git_changed=git_changed,
        git_staged=git_staged,
        git_changed_since=git_changed_since,
        format=format,
        as_json=as_json,
        fields=fields,
        null=null,
        graph=graph,
    )
    # Imported here: bad arguments need no YAML (cli.md 14.5).
    from haz_trio.cli.query import query_command

    return query_command(state.options, options)
