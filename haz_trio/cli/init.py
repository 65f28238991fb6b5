"""``haz init``: a new workspace, chosen on the screen or on the command line (cli.md 13)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from haz_trio.cli.init_call import InitOptions
from haz_trio.cli.init_dialogue import Confirmed, Decision, Declined, Dialogue, Stopped
from haz_trio.cli.init_terminal import open_terminal
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import current_directory
from haz_trio.config.discovery import PROJECT_FILE, WORKSPACE_FILE, find_root
from haz_trio.config.disk import describe, exists, resolve, shown, within
from haz_trio.config.folders import Found, find_projects, list_folder
from haz_trio.config.ignored import Ignored
from haz_trio.config.scaffold import Plan, make_plan, refuse_existing, write_plan
from haz_trio.config.scaffold_tree import Selection
from haz_trio.errors import ConfigError, Diagnostic
from haz_trio.model.workspace import Mode
from haz_trio.output.palette import Drawing, Palette, colour_choice
from haz_trio.output.terminal import shows_unicode
from haz_trio.plan.exit_codes import EXIT_SUCCESS
from haz_trio.values import evolve

_FEW = 5  # how many paths a remark names
_SIGNALLED = 128


def init_command(root_options: RootOptions, options: InitOptions) -> int:
    """Write a workspace if the command line or the user says so.

    Raises ``HazError``; nothing has been written then.
    """
    root = current_directory(root_options)
    refuse_existing(root)
    printer = Printer(root_options)
    if root_options.root is not None and _other_root(root, root_options.root):
        printer.say(f"--root and HAZ_ROOT do not choose where init writes; it writes to {root}")
    ignored = Ignored(root)
    if not options.asks:
        return _without_questions(root, options, ignored, printer)
    match _ask(root, ignored, root_options):
        case Declined():
            return EXIT_SUCCESS
        case Stopped(number):
            return _SIGNALLED + number
        case Confirmed(plan):
            write_plan(plan)
            _say_written(plan, printer)
            return EXIT_SUCCESS


def _ask(root: str, ignored: Ignored, options: RootOptions) -> Decision:
    palette = Palette(
        colour_choice(options.color, os.environ, terminal=True),
        Drawing.UNICODE if shows_unicode(os.environ) else Drawing.ASCII,
    )
    with open_terminal() as terminal:
        return Dialogue(
            terminal,
            palette,
            shown(root),
            lambda path: list_folder(root, path, ignored),
            lambda selection: make_plan(root, selection, ignored),
        ).run()


def _without_questions(root: str, options: InitOptions, ignored: Ignored, printer: Printer) -> int:
    selection = Selection(
        _directories(root, options.projects, "--project"),
        _directories(root, options.parents, "--projects-parent"),
    )
    found = None
    if options.discover:
        found = find_projects(root, ignored)
        projects = selection.projects.union(found.projects)
        selection = evolve(selection, projects=projects)
    plan = make_plan(root, selection, ignored)
    if not options.dry_run:
        write_plan(plan)
        _say_written(plan, printer)
    # Where nothing depends on it, the walk over everything comes last: it may be interrupted.
    found = found or find_projects(root, ignored)
    _say_found(plan, found, discovered=options.discover, printer=printer)
    if options.json:
        return printer.out(_as_json(plan, written=not options.dry_run))
    if options.dry_run:
        return printer.out(_as_text(plan))
    return EXIT_SUCCESS


def _directories(root: str, words: Sequence[str], flag: str) -> frozenset[str]:
    """Directories of the command line as workspace paths, with every link resolved.

    Raises ``ConfigError`` with every one that is none, or lies outside.
    """
    paths: set[str] = set()
    problems: list[Diagnostic] = []
    for word in words:
        host = os.path.join(root, word)
        try:
            canonical, _ = resolve(host)
        except OSError as problem:
            causes = (describe(problem, host),)
            problems.append(Diagnostic(f"`{flag} {word}` is no directory", causes=causes))
            continue
        inside = within(canonical, root)
        if not os.path.isdir(canonical):
            problems.append(Diagnostic(f"`{flag} {word}` is no directory"))
        elif inside is None:
            problems.append(
                Diagnostic(
                    f"`{flag} {word}` leads to {shown(canonical)}, outside the workspace root "
                    f"{shown(root)} (DISC-022)",
                    help="run `haz init` in a directory that holds every project",
                )
            )
        else:
            paths.add(inside)
    if problems:
        raise ConfigError(problems)
    return frozenset(paths)


# -- what is said ---------------------------------------------------------------------------------


def _say_written(plan: Plan, printer: Printer) -> None:
    files = [f".{scaffold.path}" for scaffold in plan.scaffolds]
    printer.say(f"wrote {_few([f'./{WORKSPACE_FILE}', *files])}")
    outer = _outer(plan.root)
    if outer:
        printer.say(
            f"this workspace lies inside of the one at {outer}; from here on down, "
            "commands work on the new one"
        )


def _say_found(plan: Plan, found: Found, *, discovered: bool, printer: Printer) -> None:
    """What lies below the root and did not become a project."""
    registered = {*plan.existing, *(scaffold.root for scaffold in plan.scaffolds)}
    left = [path for path in found.projects if path not in registered]
    if left:
        printer.say(
            f"not registered, though there is a {PROJECT_FILE}: {_few(left)}; add them to "
            f"`projects:` in {WORKSPACE_FILE} (`--discover` does that at once)"
        )
    if found.in_root:
        printer.say(
            f"the {PROJECT_FILE} in the workspace root is not read: beside "
            f"{WORKSPACE_FILE} the root is no project (DISC-004)"
        )
    if discovered and found.nested:
        printer.say(f"not looked into, workspaces of their own: {_few(found.nested)}")
    if discovered and found.unusable:
        printer.say(f"no entry can name (PATH-002): {_few(found.unusable)}")
    if discovered and found.unreadable:
        printer.say(f"cannot look into: {_few(found.unreadable)}")
    if plan.hidden:
        printer.say(f"hidden directories that are projects too: {_few(plan.hidden)}")


def _few(paths: Sequence[str]) -> str:
    named = ", ".join(shown(path) for path in paths[:_FEW])
    return named if len(paths) <= _FEW else f"{named} and {len(paths) - _FEW} more"


def _outer(root: str) -> str:
    """The workspace that holds the new root, as far as one can be found."""
    above = os.path.dirname(root)
    if above == root:
        return ""
    try:
        outer = find_root(above)
    except ConfigError:
        return ""
    if outer.mode is Mode.IMPLICIT and not exists(os.path.join(outer.path, PROJECT_FILE)):
        return ""  # a repository, and no workspace
    return shown(outer.path)


def _other_root(root: str, chosen: str) -> bool:
    return os.path.realpath(os.path.join(root, chosen)) != root


def _as_text(plan: Plan) -> str:
    """Every file with its content; paths are relative to the new root."""
    files = [(WORKSPACE_FILE, plan.workspace)]
    files += [(scaffold.path.removeprefix("/"), scaffold.text) for scaffold in plan.scaffolds]
    return "\n".join(f"would write {shown(path)}:\n{text}" for path, text in files)


def _as_json(plan: Plan, *, written: bool) -> str:
    """One object; paths of files are relative to ``root``, those of projects begin with `/`."""
    projects = [
        *(
            {"root": path, "name": name, "scaffolded": False}
            for path, name in plan.existing.items()
        ),
        *({"root": s.root, "name": s.name, "scaffolded": True} for s in plan.scaffolds),
    ]
    document = {
        "v": 1,
        "root": shown(plan.root),
        "written": written,
        "entries": list(plan.entries),
        "projects": sorted(projects, key=lambda project: os.fsencode(str(project["root"]))),
        "files": [
            {"path": WORKSPACE_FILE, "content": plan.workspace},
            *({"path": s.path.removeprefix("/"), "content": s.text} for s in plan.scaffolds),
        ],
        "hidden": list(plan.hidden),
    }
    return json.dumps(document, indent=2) + "\n"
