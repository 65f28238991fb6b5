"""`haz cache ls` and `haz cache show`: what is stored, for people and for programs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import assert_never

from haz_trio.cache.census import Census, Entry, Standing, census, open_cache, read_file
from haz_trio.cache.entries import Damaged, Examined, NoEntry, Unreadable, examine, open_entry
from haz_trio.cache.files import explain
from haz_trio.cache.layout import MANIFEST, RECIPE, is_digest
from haz_trio.cache.manifest import Json, Manifest
from haz_trio.cache.manifest_reader import OtherSchema
from haz_trio.cache.record import Record, parse_record
from haz_trio.cache.strict_json import load_strictly
from haz_trio.cli.cache import Place, complain, failure, open_place
from haz_trio.cli.cache_reports import json_text, short_name
from haz_trio.cli.cache_texts import age_text, moment_text, size_text, tree_text
from haz_trio.cli.options import RootOptions
from haz_trio.cli.printing import Printer
from haz_trio.errors import HazError
from haz_trio.output.columns import display_width
from haz_trio.output.text import escape
from haz_trio.values import frozen

_NAMED = 5  # candidates that an error message lists
_LS = "`haz cache ls` lists the keys"


def ls_command(options: RootOptions, *, as_json: bool) -> int:
    """Print the well-formed entries, newest first; the exit code is 2 when some are unseen."""
    printer = Printer(options)
    place = open_place(options, printer)
    found = _look(place)
    entries = sorted(
        (entry for entry in found.entries if entry.standing is Standing.WELL_FORMED),
        key=lambda entry: (-entry.created_at, entry.place),
    )
    text = listing_json(entries) if as_json else listing_text(entries, int(time.time()))
    return printer.out(text) or complain(found.problems, printer)


def show_command(options: RootOptions, prefix: str, *, as_json: bool) -> int:
    """Print the entry whose key begins with ``prefix``; raises ``HazError`` if not one does."""
    printer = Printer(options)
    place = open_place(options, printer)
    found = _look(place)
    entry = pick(found.entries, prefix)
    shown = _read(place, entry)
    return printer.out(shown.json if as_json else shown.text(int(time.time())))


def listing_text(entries: Sequence[Entry], now: int) -> str:
    """One line for each entry: the key's first digits, the task, its size, its age."""
    rows = [
        (
            short_name(entry.name),
            escape(entry.task) or "-",
            size_text(entry.footprint),
            age_text(now - entry.created_at),
        )
        for entry in entries
    ]
    widths = [max((display_width(row[at]) for row in rows), default=0) for at in range(4)]
    return "".join(
        f"{key}{_gap(key, widths[0])}  {task}{_gap(task, widths[1])}  "
        f"{size:>{widths[2]}}  {age:>{widths[3]}}\n"
        for key, task, size, age in rows
    )


def listing_json(entries: Sequence[Entry]) -> str:
    """A list of objects; sizes in bytes, times in unix seconds; an unknown task is null."""
    return json_text(
        [
            {
                "key": entry.name,
                "task": entry.task or None,
                "size": entry.footprint,
                "createdAt": entry.created_at,
            }
            for entry in entries
        ]
    )


def pick(entries: Sequence[Entry], prefix: str) -> Entry:
    """The one entry that is meant; raises ``HazError`` with the way out."""
    matching = [e for e in entries if is_digest(e.name) and e.name.startswith(prefix)]
    if not matching:
        raise HazError(f"no entry has a key that starts with {prefix}; {_LS}")
    if len(matching) > 1:
        names = ", ".join(entry.name for entry in matching[:_NAMED])
        more = f" and {len(matching) - _NAMED} more" if len(matching) > _NAMED else ""
        raise HazError(
            f"{len(matching)} entries have keys that start with {prefix}: {names}{more}; "
            "give more digits"
        )
    return matching[0]


@frozen
class Shown:
    """An entry as far as it can be read; ``recipe`` is null where there is none."""

    key: str
    record: Record
    examined: Examined
    manifest: Json
    recipe: Json

    @property
    def obstacle(self) -> str:
        """Why no run will use the entry, or an empty text; the bytes of blobs are not read."""
        match self.examined:
            case Manifest():
                return ""
            case OtherSchema(reason) | Damaged(reason):
                return reason
            case NoEntry():
                return "it was removed just now"
            case Unreadable(problem):
                return explain(problem)
        assert_never(self.examined)

    @property
    def json(self) -> str:
        return json_text(
            {
                "key": self.key,
                "usable": not self.obstacle,
                "reason": self.obstacle or None,
                "manifest": self.manifest,
                "recipe": self.recipe,
            }
        )

    def text(self, now: int) -> str:
        """The record as indented lines; ``now`` is in unix seconds."""
        assert isinstance(self.manifest, dict), "a manifest that was parsed is an object"
        created = self.record.created_at
        head: dict[str, Json] = {
            "key": self.key,
            "task": self.record.task or "not recorded",
            "state": f"no run uses it: {self.obstacle}" if self.obstacle else "usable",
            "stored": f"{moment_text(created)} ({age_text(now - created)} ago)",
            "size": size_text(self.record.footprint),
        }
        rest = {name: value for name, value in self.manifest.items() if name not in head}
        recipe: Json = self.recipe if self.recipe is not None else "not recorded"
        return tree_text({**head, "manifest": rest, "recipe": recipe})


def _read(place: Place, entry: Entry) -> Shown:
    root = open_cache(place.root)
    if root is None:
        raise HazError(f"the entry {entry.name} was removed just now; {_LS}")
    try:
        with open_entry(root, entry.name) as folder:
            data = read_file(MANIFEST, folder)
            recipe = _recipe(folder)
        return Shown(
            entry.name,
            parse_record(data),
            examine(root, entry.name, place.settings.hash),
            load_strictly(data),
            recipe,
        )
    except ValueError as problem:
        raise _unclear(entry, str(problem)) from None
    except OSError as problem:
        raise _unclear(entry, explain(problem)) from None
    finally:
        os.close(root)


def _unclear(entry: Entry, reason: str) -> HazError:
    return HazError(
        f"the manifest of the entry {entry.name} cannot be read: {escape(reason)}; "
        "`haz cache clean --soft` removes what is damaged"
    )


def _recipe(folder: int) -> Json:
    """What the key was made of; an entry is good without it (cache.md C5)."""
    try:
        return load_strictly(read_file(RECIPE, folder))
    except (OSError, ValueError, RecursionError):  # absent, or not what we wrote
        return None


def _look(place: Place) -> Census:
    try:
        return census(place.root, place.settings.hash)
    except OSError as problem:
        raise failure("the cache cannot be read", place, problem) from None


def _gap(text: str, width: int) -> str:
    return " " * (width - display_width(text))
