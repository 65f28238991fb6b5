"""Names below ``.haz/cache`` and nothing else (CACHE-010, cache.md C4)."""

from __future__ import annotations

import re

CACHE = ".haz/cache"
CACHE_PATH = "/" + CACHE  # workspace-absolute; no walk enters it, no output lies below it

MANIFEST = "manifest.json"
RECIPE = "recipe.json"
STDOUT = "stdout"
STDERR = "stderr"
ORDER = "order"
OUTPUTS = "outputs"

POOL = "blobs"
QUARANTINE = "quarantine"
STATE = "state"
LEDGER = "ledger"
LOCKS = "locks"
RUNNING = "runs"
TAG = "CACHEDIR.TAG"
TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# Results of tasks; safe to delete.\n"
IGNORE = ".gitignore"
IGNORE_TEXT = b"*\n"

TEMPORARY = ".tmp-"
RESTORING = ".restore-"
TRASH = ".trash-"
BESIDE = ".haz-restore-"
JOURNAL = "journal"
BESIDE_LIST = "beside"
OWNER = "owner"
MOURNED = "mourned"  # made by the watchdog when nothing of a killed run is left

_STRIPE = re.compile(r"lock-[0-9a-f]{3}", re.ASCII)
_RUN = re.compile(r"([0-9]{1,10})-[0-9a-f]{16}", re.ASCII)
_BEGUN = re.compile(r"[\w-]+\.[0-9a-f]{16}", re.ASCII)  # see ``frames.write_whole``
_BACKUP = re.compile(r"backup-([0-9]{8})", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_digest(text: str) -> bool:
    """Whether a text is a key or digest as we write it: 64 lower-case hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def shard(key: str) -> str:
    """The folder of the entries whose keys begin alike."""
    return key[:2]


def temporary(key: str, token: str) -> str:
    """A store in progress, inside the shard."""
    return f"{TEMPORARY}{key}-{token}"


def restoring(key: str, token: str) -> str:
    """A restore in progress, inside the cache root."""
    return f"{RESTORING}{key}-{token}"


def restoring_many(token: str) -> str:
    """The staging folder of a run for single files, inside the cache root."""
    return RESTORING + token


def trash(token: str) -> str:
    """Something being deleted, inside the cache root."""
    return TRASH + token


def quarantined(key: str, reason: str, token: str) -> str:
    """A damaged entry, inside ``quarantine``; ``reason`` is one word."""
    return f"{key[:8]}-{reason}-{token}"


def stripe(number: int) -> str:
    """The file of many locks, inside ``state``, where the bytes of one file cannot be locked."""
    return f"lock-{number:03x}"


def is_stripe(name: str) -> bool:
    """Whether a name is one of ``stripe``."""
    return _STRIPE.fullmatch(name) is not None


def running(process: int, token: str) -> str:
    """The file, inside ``state/runs``, that a run holds the lock of as long as it lives."""
    return f"{process}-{token}"


def running_process(name: str) -> int | None:
    """The process of a name of ``running``, ``None`` for any other name."""
    found = _RUN.fullmatch(name)
    return int(found[1]) if found is not None else None


def is_begun(name: str) -> bool:
    """Whether a name inside ``state`` is that of a file whose writer has not finished."""
    return _BEGUN.fullmatch(name) is not None


def staged(number: int) -> str:
    """A new file of a restore, inside its staging folder."""
    return f"{number:08d}"


def replaced(number: int) -> str:
    """What a restore found in the place of a new file."""
    return f"old-{number:08d}"


def backup(number: int) -> str:
    """The record of what a task's outputs were, inside the folder of a run."""
    return f"backup-{number:08d}"


def backup_number(name: str) -> int | None:
    """The number of a name of ``backup``, ``None`` for any other name."""
    found = _BACKUP.fullmatch(name)
    return int(found[1]) if found is not None else None


def kept(number: int, thing: int) -> str:
    """A file as it was, for the record ``number``."""
    return f"kept-{number:08d}-{thing}"


def beside(token: str, name: str) -> str:
    """A staged or replaced file next to its target, where the staging folder cannot serve."""
    return f"{BESIDE}{token}-{name}"
