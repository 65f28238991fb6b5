"""What the Tab key offers; made by `python -m tests.tables` from the declarations."""

from __future__ import annotations

TYPE_CHECKING = False  # in place of typing's, which is not imported here
if TYPE_CHECKING:
    from haz_trio.cli.lane_types import Path, ShownCommand

COMMANDS: dict[Path, ShownCommand] = {
    (): (
        "",
        (),
        (
            (("-C",), "value", "DIR", "Work as if started in DIR"),
            (
                ("--root",),
                "value",
                "DIR",
                "Take DIR as the workspace root instead of looking for one upwards",
            ),
            (("--color",), "value", "WHEN", "Colour the output"),
            (("--diagnostics",), "value", "FORM", "Form of errors and warnings on stderr"),
            (("-q", "--quiet"), "switch", "", "Results and trouble alone"),
            (("-v", "--verbose"), "switch", "", "Say more on stderr"),
            (("-V", "--version"), "switch", "", "Prints version information"),
        ),
    ),
    ("run",): (
        "Run tasks and what they depend on.",
        (("[TASK]...", True),),
        (
            (
                ("--all",),
                "switch",
                "",
                "Every task of this project, or of the workspace outside of projects",
            ),
            (("--workspace",), "switch", "", "Every task of every project, wherever you are"),
            (
                ("--git-changed",),
                "switch",
                "",
                "Only tasks whose inputs differ from HEAD, untracked files included",
            ),
            (("--git-staged",), "switch", "", "Only tasks whose inputs are staged for a commit"),
            (
                ("--git-changed-since",),
                "value",
                "REV",
                "Only tasks whose inputs differ from commit REV",
            ),
            (("--dry-run",), "switch", "", "Print what would run, and run nothing"),
            (("--output-mode",), "value", "MODE", "live"),
            (
                ("--affected",),
                "optional",
                "[=REV]",
                "Only what may have changed since HEAD or since REV (for a branch",
            ),
            (
                ("--query",),
                "value",
                "EXPR",
                "Only tasks that the expression describes, in the language of `haz query --expr`",
            ),
            (("--only",), "switch", "", "Run the chosen tasks without what they depend on"),
            (
                ("--with-dependents",),
                "switch",
                "",
                "Run also everything that depends on the chosen tasks",
            ),
            (("--skip",), "many", "TASK", "Leave these tasks out, and what only they need"),
            (
                ("--arg",),
                "many",
                "VALUE",
                "Pass VALUE on to the named tasks, as a further argument of the command or as $1, $2",
            ),
            (
                ("--args",),
                "many",
                "STRING",
                "Pass the words of STRING on, split as a shell splits them (nothing is expanded), behind those of --arg",
            ),
            (
                ("-j", "--jobs"),
                "value",
                "N|P%",
                "How many tasks may run at once, also as percentage of the processors",
            ),
            (
                ("-k", "--keep-going"),
                "switch",
                "",
                "Go on with what does not depend on a failure (this is the default)",
            ),
            (("--fail-fast",), "switch", "", "Stop everything at the first failure"),
            (("--retries",), "value", "N", "Start a task that fails again, up to N times"),
            (("--task-timeout",), "value", "DURATION", "End a command that runs longer than this"),
            (
                ("--timeout",),
                "value",
                "DURATION",
                "Stop the whole run after this time, with exit code 124",
            ),
            (("-f", "--force"), "switch", "", "Run everything again and store the results"),
            (
                ("--no-cache",),
                "optional",
                "[=read|write]",
                "Neither look up nor store results, or leave out just one",
            ),
            (("--explain",), "switch", "", "Say on stderr of each task that has to run why"),
            (
                ("--json",),
                "switch",
                "",
                "Print events as JSON on stdout, one for each line (docs/events.md)",
            ),
            (
                ("--events",),
                "value",
                "FILE|fd:N",
                "Write the events of --json to FILE, or to descriptor N that haz was given, while stdout stays as it is",
            ),
            (
                ("--summary",),
                "value",
                "FILE",
                "Write a JSON document about the run to FILE when it ends",
            ),
            (("--annotations",), "value", "WHEN", "Mark failures for GitHub on stderr"),
        ),
    ),
    ("check",): (
        "Validate the whole workspace.",
        (),
        (
            (("--all",), "switch", "", "Count the tasks of this project"),
            (("--workspace",), "switch", "", "Count the tasks of every project, wherever you are"),
            (("--strict",), "switch", "", "Fail with exit code 2 on warnings too"),
            (
                ("--json",),
                "switch",
                "",
                "Print the number of tasks and every diagnostic as one JSON object",
            ),
        ),
    ),
    ("why",): (
        "Explain a task's cache key: hit or miss, and what changed.",
        (("TASK", False),),
        (
            (
                ("--diff",),
                "switch",
                "",
                "Name what changed in the key since the task's last result, and in the keys of the predecessors to blame",
            ),
            (("--receipt",), "switch", "", "Tell how the task ended when it last did not succeed"),
            (("--json",), "switch", "", "Print one JSON object"),
        ),
    ),
    ("query",): (
        "List the tasks that match.",
        (),
        (
            (("--tags",), "value", "EXPR", "Tasks of projects with these tags"),
            (("--projects",), "value", "EXPR", "Tasks of these projects"),
            (("--tasks",), "value", "EXPR", "Tasks with these names"),
            (
                ("--inputs",),
                "value",
                "EXPR",
                "Tasks with an input that can be one of these paths or match one of these globs",
            ),
            (("--outputs",), "value", "EXPR", "The same for outputs"),
            (("--child-of",), "value", "EXPR", "Tasks that need one of these directly, by `deps`"),
            (("--parent-of",), "value", "EXPR", "Tasks that one of these needs directly"),
            (("--depends-on",), "value", "EXPR", "Tasks that need one of these, directly or not"),
            (
                ("--ancestor-of",),
                "value",
                "EXPR",
                "Tasks that one of these needs, directly or not",
            ),
            (("--expr",), "value", "EXPR", "All families in one expression"),
            (("--has-deps",), "switch", "", "Tasks with `deps`"),
            (("--no-deps",), "switch", "", "Tasks without `deps`"),
            (("--has-inputs",), "switch", "", "Tasks with `inputs`"),
            (("--no-inputs",), "switch", "", "Tasks without `inputs`"),
            (("--has-outputs",), "switch", "", "Tasks with `outputs`"),
            (("--no-outputs",), "switch", "", "Tasks without `outputs`"),
            (("--mutex",), "switch", "", "Tasks with a mutex"),
            (
                ("--all",),
                "switch",
                "",
                "Look at this project, or at the workspace outside of projects",
            ),
            (("--workspace",), "switch", "", "Look at every project, wherever you are"),
            (
                ("--git-changed",),
                "switch",
                "",
                "Only tasks whose inputs differ from HEAD, untracked files included",
            ),
            (("--git-staged",), "switch", "", "Only tasks whose inputs are staged for a commit"),
            (
                ("--git-changed-since",),
                "value",
                "REV",
                "Only tasks whose inputs differ from commit REV",
            ),
            (("--format",), "value", "FMT", "plain"),
            (("--json",), "switch", "", "A JSON object with everything about a task on each line"),
            (
                ("--fields",),
                "value",
                "FIELDS",
                "As --json, with these keys in this order, out of project, task, id, tags, root, action, inputs, outputs, deps, weakDeps, mutex, env and origin",
            ),
            (("-0",), "switch", "", "Names with a NUL byte behind each"),
            (
                ("--graph",),
                "value",
                "FORM",
                "The tasks and the edges between them, as dot, mermaid or json",
            ),
        ),
    ),
    ("graph",): (
        "Draw the task graph.",
        (("[TASK]...", True),),
        (
            (("--format",), "value", "FORM", "dot (for Graphviz, the default), mermaid, or json"),
            (("--json",), "switch", "", "The same as --format json"),
        ),
    ),
    ("waits",): (
        "Show what the tasks of a run waited for.",
        (("[RUN]", False),),
        (
            (("--list",), "switch", "", "List the runs that are recorded"),
            (("--all",), "switch", "", "Show all tasks, not only those that waited longest"),
            (("--json",), "switch", "", "Print one JSON object"),
        ),
    ),
    ("simulate",): (
        "Reckon how long a run takes with other caps and mutexes.",
        (("[RUN]", False),),
        (
            (("-j", "--jobs"), "value", "N", "As many slots as `haz run -j` would give"),
            (("--set",), "many", "KEY=VALUE", "Change a setting"),
            (("--json",), "switch", "", "Print one JSON object"),
        ),
    ),
    ("init",): (
        "Make this directory a workspace.",
        (),
        (
            (("--yes",), "switch", "", "Ask nothing"),
            (("--discover",), "switch", "", "Register every directory below that has a haz.yml"),
            (
                ("--project",),
                "many",
                "DIR",
                "Register DIR as a project, with a haz.yml if it has none",
            ),
            (
                ("--projects-parent",),
                "many",
                "DIR",
                "Register each directory in DIR as a project (`/DIR/*`)",
            ),
            (("--dry-run",), "switch", "", "Print what would be written, and write nothing"),
            (("--json",), "switch", "", "Print what is written, or would be, as one JSON object"),
        ),
    ),
    ("schema",): (
        "Print the JSON Schema of the configuration files.",
        (("[KIND]", False),),
        (
            (
                ("--write",),
                "switch",
                "",
                "Put the schemas into .haz/schema/ of the workspace, and print the line by which editors with a YAML language server find them",
            ),
        ),
    ),
    ("completions",): ("Print the completion script of a shell.", (("SHELL", False),), ()),
    ("doctor",): (
        "Look for what may be wrong here, and say the way out.",
        (),
        ((("--json",), "switch", "", "Print one JSON object"),),
    ),
    ("cache",): ("Look at stored results, and remove them.", (), ()),
    ("cache", "info"): (
        "Count entries, leftovers and bytes.",
        (),
        ((("--json",), "switch", "", "Print JSON for programs"),),
    ),
    ("cache", "clear"): ("Remove the whole cache.", (), ()),
    ("cache", "clean"): (
        "Remove a part of the cache.",
        (),
        (
            (("--soft",), "switch", "", "Remove what is of no use"),
            (
                ("--max-age",),
                "value",
                "DURATION",
                "Remove entries stored longer ago than DURATION",
            ),
            (
                ("--max-size",),
                "value",
                "BYTES",
                "Remove the oldest entries until at most BYTES are left",
            ),
            (("--dry-run",), "switch", "", "Print what would be removed, and remove nothing"),
        ),
    ),
    ("cache", "ls"): (
        "List the entries, newest first.",
        (),
        ((("--json",), "switch", "", "Print JSON for programs"),),
    ),
    ("cache", "show"): (
        "Print what one entry records.",
        (("KEY", False),),
        ((("--json",), "switch", "", "Print JSON for programs"),),
    ),
    ("cache", "verify"): (
        "Verify every entry and blob.",
        (),
        (
            (
                ("--repair",),
                "switch",
                "",
                "Move damaged entries to quarantine and remove damaged blobs",
            ),
            (("--json",), "switch", "", "Print JSON for programs"),
        ),
    ),
}
