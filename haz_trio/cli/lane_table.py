"""What the fast lane takes; made by `python -m tests.tables` from the declarations."""

from __future__ import annotations

TYPE_CHECKING = False  # in place of typing's, which is not imported here
if TYPE_CHECKING:
    from haz_trio.cli.lane_types import Command, Path, Root

VERSION_FLAGS = ("-V", "--version")
VERSION = "haz_trio.cli.plain_call:version"
START = "haz_trio.cli.start_call:start"
ROOT: Root = (
    {
        "-C": ("directory", "value"),
        "--root": ("workspace_root", "value"),
        "--color": ("color", "value"),
        "--diagnostics": ("diagnostics", "value"),
        "-q": ("quiet", "switch"),
        "--quiet": ("quiet", "switch"),
        "-v": ("verbose", "switch"),
        "--verbose": ("verbose", "switch"),
    },
    {"workspace_root": "HAZ_ROOT"},
)
GROUPS = ("cache",)
COMMANDS: dict[Path, Command] = {
    ("run",): (
        "haz_trio.cli.run_call:run",
        ("tasks", True, False),
        {
            "--all": ("everything", "switch"),
            "--workspace": ("workspace", "switch"),
            "--git-changed": ("git_changed", "switch"),
            "--git-staged": ("git_staged", "switch"),
            "--git-changed-since": ("git_changed_since", "value"),
            "--dry-run": ("dry_run", "switch"),
            "--output-mode": ("output_mode", "value"),
            "--affected": ("affected", "optional"),
            "--query": ("query", "value"),
            "--only": ("only", "switch"),
            "--with-dependents": ("with_dependents", "switch"),
            "--skip": ("skip", "many"),
            "--arg": ("arguments", "many"),
            "--args": ("strings", "many"),
            "-j": ("jobs", "value"),
            "--jobs": ("jobs", "value"),
            "-k": ("keep_going", "switch"),
            "--keep-going": ("keep_going", "switch"),
            "--fail-fast": ("fail_fast", "switch"),
            "--retries": ("retries", "value"),
            "--task-timeout": ("task_timeout", "value"),
            "--timeout": ("timeout", "value"),
            "-f": ("force", "switch"),
            "--force": ("force", "switch"),
            "--no-cache": ("no_cache", "optional"),
            "--explain": ("explain", "switch"),
            "--json": ("json", "switch"),
            "--events": ("events", "value"),
            "--summary": ("summary", "value"),
            "--annotations": ("annotations", "value"),
        },
    ),
    ("check",): (
        "haz_trio.cli.check_call:check",
        None,
        {
            "--all": ("everything", "switch"),
            "--workspace": ("workspace", "switch"),
            "--strict": ("strict", "switch"),
            "--json": ("json", "switch"),
        },
    ),
    ("why",): (
        "haz_trio.cli.why_call:why",
        ("task", False, True),
        {
            "--diff": ("diff", "switch"),
            "--receipt": ("receipt", "switch"),
            "--json": ("json", "switch"),
        },
    ),
    ("query",): (
        "haz_trio.cli.query_call:query",
        None,
        {
            "--tags": ("tags", "value"),
            "--projects": ("projects", "value"),
            "--tasks": ("tasks", "value"),
            "--inputs": ("inputs", "value"),
            "--outputs": ("outputs", "value"),
            "--child-of": ("child_of", "value"),
            "--parent-of": ("parent_of", "value"),
            "--depends-on": ("depends_on", "value"),
            "--ancestor-of": ("ancestor_of", "value"),
            "--expr": ("expr", "value"),
            "--has-deps": ("has_deps", "switch"),
            "--no-deps": ("no_deps", "switch"),
            "--has-inputs": ("has_inputs", "switch"),
            "--no-inputs": ("no_inputs", "switch"),
            "--has-outputs": ("has_outputs", "switch"),
            "--no-outputs": ("no_outputs", "switch"),
            "--mutex": ("mutex", "switch"),
            "--all": ("everything", "switch"),
            "--workspace": ("workspace", "switch"),
            "--git-changed": ("git_changed", "switch"),
            "--git-staged": ("git_staged", "switch"),
            "--git-changed-since": ("git_changed_since", "value"),
            "--format": ("format", "value"),
            "--json": ("as_json", "switch"),
            "--fields": ("fields", "value"),
            "-0": ("null", "switch"),
            "--graph": ("graph", "value"),
        },
    ),
    ("graph",): (
        "haz_trio.cli.graph_call:graph",
        ("tasks", True, False),
        {"--format": ("format", "value"), "--json": ("json", "switch")},
    ),
    ("waits",): (
        "haz_trio.cli.waits_call:waits",
        ("run", False, False),
        {"--list": ("list", "switch"), "--all": ("all", "switch"), "--json": ("json", "switch")},
    ),
    ("simulate",): (
        "haz_trio.cli.simulate_call:simulate",
        ("run", False, False),
        {
            "-j": ("jobs", "value"),
            "--jobs": ("jobs", "value"),
            "--set": ("set", "many"),
            "--json": ("json", "switch"),
        },
    ),
    ("init",): (
        "haz_trio.cli.init_call:init",
        None,
        {
            "--yes": ("yes", "switch"),
            "--discover": ("discover", "switch"),
            "--project": ("projects", "many"),
            "--projects-parent": ("parents", "many"),
            "--dry-run": ("dry_run", "switch"),
            "--json": ("json", "switch"),
        },
    ),
    ("schema",): (
        "haz_trio.cli.schema_call:schema",
        ("kind", False, False),
        {"--write": ("write", "switch")},
    ),
    ("completions",): ("haz_trio.cli.plain_call:completions", ("shell", False, True), {}),
    ("__suggest",): ("haz_trio.cli.suggest_call:suggest", ("words", True, True), {}),
    ("doctor",): ("haz_trio.cli.doctor_call:doctor", None, {"--json": ("json", "switch")}),
    ("cache", "info"): ("haz_trio.cli.cache_call:info", None, {"--json": ("json", "switch")}),
    ("cache", "clear"): ("haz_trio.cli.cache_call:clear", None, {}),
    ("cache", "clean"): (
        "haz_trio.cli.cache_call:clean",
        None,
        {
            "--soft": ("soft", "switch"),
            "--max-age": ("max_age", "value"),
            "--max-size": ("max_size", "value"),
            "--dry-run": ("dry_run", "switch"),
        },
    ),
    ("cache", "ls"): ("haz_trio.cli.cache_call:ls", None, {"--json": ("json", "switch")}),
    ("cache", "show"): (
        "haz_trio.cli.cache_call:show",
        ("key", False, True),
        {"--json": ("json", "switch")},
    ),
    ("cache", "verify"): (
        "haz_trio.cli.cache_call:verify",
        None,
        {"--repair": ("repair", "switch"), "--json": ("json", "switch")},
    ),
}
