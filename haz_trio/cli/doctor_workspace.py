"""The workspace: its root, the markers around it, its files, its cache."""

from __future__ import annotations

import os
from collections.abc import Iterator

from haz_trio.cache.census import Census, Standing, cache_path, census, measure
from haz_trio.cache.files import Disk
from haz_trio.cache.layout import QUARANTINE
from haz_trio.cache.root import CacheRoot
from haz_trio.cli.doctor_disk import look_at_disk
from haz_trio.cli.doctor_findings import Finding, attention, good, note, size_text
from haz_trio.cli.options import RootOptions
from haz_trio.cli.session import open_session
from haz_trio.config.discovery import Root
from haz_trio.config.disk import shown
from haz_trio.config.folders import find_projects
from haz_trio.config.ignored import Ignored
from haz_trio.config.load import read_cache_settings
from haz_trio.config.overlay_files import list_overlays
from haz_trio.errors import ConfigError
from haz_trio.model.workspace import Mode, Settings
from haz_trio.output.text import escape

_SHOWN = 5  # paths that are named before the rest is only counted
_SOFT = "`haz cache clean --soft` removes what is of no use"


def no_root(problem: ConfigError) -> Finding:
    """The finding for a directory without a workspace around it."""
    first = problem.diagnostics[0]
    way_out = first.help or "run `haz init`, or name the root with --root or HAZ_ROOT"
    return attention("root", "; ".join((first.message, *first.causes)), way_out)


def look_at_workspace(root: Root, options: RootOptions) -> Iterator[Finding]:
    """Everything about one workspace; writes nothing but what the disk is tried with."""
    yield good("root", f"{shown(root.path)} ({root.mode.value})")
    yield from _markers(root)
    if root.mode is Mode.EXPLICIT:
        yield from _overlays(root)
    yield _configuration(options)
    yield from _cache(root)
    yield from look_at_disk(cache_folder(root.path))


def cache_folder(root: str) -> str:
    """The folder whose file system the cache is on, or will be on."""
    wanted = os.path.realpath(cache_path(root))
    while not os.path.isdir(wanted):
        wanted = os.path.dirname(wanted)
    return wanted


def _markers(root: Root) -> Iterator[Finding]:
    if root.note:
        yield note(
            "markers above",
            root.note,
            "`--root DIR` or HAZ_ROOT chooses another; else all is well",
        )
    nested = find_projects(root.path, Ignored(root.path)).nested
    if nested:
        yield note(
            "nested workspaces",
            _some(nested),
            "commands that are called in there see only that workspace; `--root` chooses",
        )
    else:
        yield good("nested workspaces", "none")


def _overlays(root: Root) -> Iterator[Finding]:
    listing = list_overlays(root.path)
    for each in (*listing.problems, *listing.notes):
        way_out = each.help or "rename it to NAME.yml, or move it out of .haz/tasks"
        yield attention("overlays", "; ".join((each.message, *each.causes)), way_out)
    if not listing.problems and not listing.notes:
        yield good("overlays", f"{len(listing.files)} read, none ignored")


def _configuration(options: RootOptions) -> Finding:
    try:
        session = open_session(options, places=True)
    except ConfigError as problem:
        count = len(problem.diagnostics)
        first = problem.diagnostics[0].message
        way_out = "`haz check` shows everything, with places"
        return attention("configuration", f"{count} error(s), the first: {first}", way_out)
    value = f"{len(session.graph.nodes)} task(s) in {len(session.workspace.projects)} project(s)"
    if session.warnings:
        count = len(session.warnings)
        return note("configuration", f"{value}, {count} warning(s)", "`haz check` shows them")
    return good("configuration", value)


def _cache(root: Root) -> Iterator[Finding]:
    try:
        settings = read_cache_settings(root)
    except ConfigError:
        settings = Settings()  # what is wrong has been told of the configuration
    trust = CacheRoot(root.path, Disk())
    try:
        if trust.reading() is None and not trust.notes:
            yield good("cache", "none yet")
            return
    finally:
        trust.close()
    way_out = "make .haz/cache a folder of your own that only you can write to, or remove it"
    for text in trust.notes:
        yield attention("cache", text, way_out)
    try:
        found, bulk = census(root.path, settings.hash), measure(root.path)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        path = shown(cache_path(root.path))
        yield attention("cache", f"{path} cannot be read: {reason}", way_out)
        return
    yield _health(found)
    for each in dict.fromkeys((*found.problems, *bulk.problems)):
        yield attention("cache", f"{escape(each.path)}: {each.reason}", "make it readable for you")
    yield from _damaged(root.path)
    limit = settings.max_size
    if limit is not None and bulk.total > limit:
        yield attention(
            "cache size",
            f"{size_text(bulk.total)}, more than cache.clean.max_size ({size_text(limit)})",
            "`haz cache clean` removes the oldest results",
        )
    else:
        yield good("cache size", size_text(bulk.total))


def _health(found: Census) -> Finding:
    entries = f"{found.count(Standing.WELL_FORMED)} well-formed entries"
    corrupt = found.count(Standing.CORRUPT)
    orphans = len(found.temporary) + len(found.restoring)
    wrong = [f"{corrupt} corrupt"] * bool(corrupt)
    wrong += [f"{orphans} leftover(s) of killed runs"] * bool(orphans)
    if not wrong:
        return good("cache", entries)
    return attention("cache", f"{entries}, {', '.join(wrong)}", _SOFT)


def _damaged(root: str) -> Iterator[Finding]:
    """What runs have set aside because its bytes were wrong."""
    try:
        names = sorted(os.listdir(os.path.join(cache_path(root), QUARANTINE)))
    except OSError:
        return  # none was ever needed, or the census has told why it cannot be read
    if names:
        yield note(
            "damaged entries",
            f"{len(names)} set aside: {_some([escape(name) for name in names])}",
            "if there are more and more, check the disk and the memory of this machine; "
            "`haz cache clear` removes them",
        )


def _some(paths: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(shown, paths[:_SHOWN])) + more
