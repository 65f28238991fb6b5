"""`haz cache info`, `clear` and `clean` (CACHE-021, CACHE-022, AUX-017..028).

They need the root and the `cache` settings alone: a broken project file is in nobody's way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from haz_trio.cache.census import Bulk, Census, cache_path, census, measure
from haz_trio.cache.files import explain
from haz_trio.cache.problems import Problem
from haz_trio.cli.cache_reports import cleaned_text, info_json, info_text, plan_text
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.cli.session import current_directory
from haz_trio.config.snapshot import find_snapshot
from haz_trio.errors import ConfigError, Diagnostic, HazError, Severity
from haz_trio.model.workspace import Settings
from haz_trio.output.streams import write_all
from haz_trio.output.text import escape
from haz_trio.output.writes import Target
from haz_trio.plan.exit_codes import EXIT_CONFIGURATION, EXIT_SUCCESS
from haz_trio.values import frozen

_NO_MODE = (
    "haz cache clean requires at least one mode: --soft, --max-age <DURATION>, or --max-size "
    "<BYTES> (AUX-022; workspace cache.clean.max_age / max_size MAY supply a default per AUX-025)"
)


@frozen
class Place:
    """A workspace whose projects may be broken: its root on the host and its settings."""

    root: str
    settings: Settings


def open_place(options: RootOptions, printer: Printer) -> Place:
    """Find the workspace around the current directory; raises ``ConfigError``."""
    directory = current_directory(options)
    snapshot = find_snapshot(directory, root=options.root)
    if snapshot is not None:  # none is made where there is a note
        return Place(snapshot.workspace.root, snapshot.workspace.settings)
    # Imported here: an unchanged workspace needs no YAML (cli.md 14.5).
    from haz_trio.config.load import load_root, read_cache_settings

    root = load_root(directory, root=options.root)
    if root.note:
        printer.warn([Diagnostic(root.note, severity=Severity.WARNING)])
    return Place(root.path, read_cache_settings(root))


def info_command(options: RootOptions, *, as_json: bool) -> int:
    """Print what there is; the exit code is 2 when a part of it could not be seen."""
    printer = Printer(options)
    place = open_place(options, printer)
    found, bulk = _look(place)
    text = info_json if as_json else info_text
    code = printer.out(text(found, bulk, place.settings.hash))
    if found.quarantined and not as_json:
        printer.say(
            f"damaged entries in quarantine: {found.quarantined}; "
            "`haz cache clean --soft` removes them"
        )
    for name in sorted(found.misplaced):
        printer.say(f"{escape(f'{found.path}/{name}')} is not a folder; it is not counted")
        code = EXIT_CONFIGURATION
    return complain(found.problems + bulk.problems, printer) or code


def clear_command(options: RootOptions) -> int:
    """Remove the cache; also without one that is a success."""
    # Imported here, as below: those who look need nothing that removes.
    from haz_trio.cache.clearing import clear

    printer = Printer(options)
    place = open_place(options, printer)
    try:
        cleared = clear(place.root)
    except OSError as problem:
        raise failure("cache clear failed", place, problem) from None
    for remark in cleared.remarks:
        printer.say(escape(remark))
    if cleared.problems:
        causes = tuple(escape(str(problem)) for problem in cleared.problems)
        raise ConfigError([Diagnostic("cache clear failed", causes=causes)])
    if cleared.busy:
        printer.say(f"left alone, because a run works there now: {', '.join(cleared.busy)}")
    return printer.out("cache cleared.\n")


def clean_command(
    options: RootOptions,
    *,
    soft: bool,
    max_age: int | None,
    max_size: int | None,
    dry_run: bool,
) -> int:
    """Remove or show what the flags and the workspace ask for; ages in seconds, sizes in bytes.

    The exit code is 2 when something could not be read or removed.
    """
    from haz_trio.cache.collect import CleanOptions, plan_clean
    from haz_trio.cache.sweep import carry_out

    now = max(0, int(time.time()))  # ages are those at the call, however long looking takes
    printer = Printer(options)
    place = open_place(options, printer)
    wanted = CleanOptions(soft=soft, max_age=max_age, max_size=max_size).merged(
        max_age=place.settings.max_age, max_size=place.settings.max_size
    )
    if wanted.asks_for_nothing:
        raise HazError(_NO_MODE)
    try:
        plan = plan_clean(census(place.root, place.settings.hash), wanted, now=now)
        problems = plan.problems
        if dry_run:
            text = plan_text(plan)
        else:
            cleaned = carry_out(place.root, plan)
            text, problems = cleaned_text(cleaned.done), cleaned.problems
            for remark in cleaned.remarks:
                printer.say(escape(remark))
    except OSError as problem:
        raise failure("cache clean failed", place, problem) from None
    code = printer.out(text)
    for entry in plan.kept:
        path = escape(f"{cache_path(place.root)}/{entry.place}")
        printer.say(f"{path} stays: haz did not write {escape(entry.stranger)} in it")
    _say_raw(f"cache clean: {escape(str(problem))}\n" for problem in problems)
    return code or (EXIT_CONFIGURATION if problems else EXIT_SUCCESS)


def failure(headline: str, place: Place, problem: OSError) -> ConfigError:
    """The error for a cache that cannot be looked at or changed at all."""
    path = cache_path(place.root)
    causes = [f"{path}: {explain(problem)}"]
    if isinstance(problem, NotADirectoryError):
        causes.append("remove what stands there; `haz run` makes a new cache")
    return ConfigError([Diagnostic(headline, causes=tuple(causes))])


def complain(problems: Iterable[Problem], printer: Printer) -> int:
    """Say what could not be read; the exit code that this makes."""
    told: list[str] = []
    for path, reason in sorted({problem.path: problem.reason for problem in problems}.items()):
        if not told or not path.startswith(told[-1] + "/"):  # else its folder has been named
            printer.say(f"cannot read {escape(path)}: {reason}; what is there is not counted")
            told.append(path)
    return EXIT_CONFIGURATION if told else EXIT_SUCCESS


def _look(place: Place) -> tuple[Census, Bulk]:
    try:
        return census(place.root, place.settings.hash), measure(place.root)
    except OSError as problem:
        raise failure("cache info walk failed", place, problem) from None


def _say_raw(lines: Iterable[str]) -> None:
    write_all(Target.STDERR, "".join(lines).encode("utf-8", "replace"))
