"""What a store says of an entry whose outputs are right."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from haz_trio.abc import Evidence, Restored
from haz_trio.cache.layout import CACHE_PATH, MANIFEST, shard
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.streams import Recorded
from haz_trio.plan.messages import Stream


def restored(manifest: Manifest, streams: Mapping[Stream, Recorded], *, wrote: bool) -> Restored:
    """The answer for an entry with these streams; ``wrote`` says whether files have changed."""
    return Restored(
        streams[Stream.STDOUT].digest,
        streams[Stream.STDERR].digest,
        manifest.paths,
        functools.partial(_chunks, streams),
        wrote,
        _evidence(manifest),
    )


def _chunks(streams: Mapping[Stream, Recorded], stream: Stream) -> Iterator[bytes]:
    return streams[stream].chunks()


def _evidence(manifest: Manifest) -> Evidence | None:
    """The outputs, their folders and the entry; what a link leads to moves without a trace."""
    if manifest.links:
        return None
    place = f"{CACHE_PATH}/{shard(manifest.key)}/{manifest.key}/{MANIFEST}"
    return Evidence(
        tuple((output.path, bytes.fromhex(output.digest)) for output in manifest.outputs),
        (place, *(folder.path for folder in manifest.folders)),
    )
