"""What a store says of an entry whose outputs are right."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from haz_trio.abc import Evidence, Restored
from haz_trio.cache.layout import CACHE_PATH, MANIFEST, shard
from haz_trio.cache.manifest import Manifest
from haz_trio.cache.streams import Printed, Recorded
from haz_trio.cache.targets import Work
from haz_trio.plan.messages import Stream


def restored(manifest: Manifest, printed: Printed, work: Work) -> Restored:
    """The answer for an entry that has printed this, after this work."""
    streams = printed.streams
    return Restored(
        streams[Stream.STDOUT].digest,
        streams[Stream.STDERR].digest,
        manifest.paths,
        functools.partial(_chunks, streams),
        bool(work),
        _evidence(manifest),
        _changed(work),
        printed.order,
    )


def written(work: Work, manifest: Manifest) -> list[str]:
    """The workspace-absolute paths that a restore wrote."""
    made = {need.place for need in work.needs}
    folders = [folder.path for folder in manifest.folders if folder.path[1:] in made]
    return [want.item.path for want in work.wants] + [*work.aliases] + folders


def _chunks(streams: Mapping[Stream, Recorded], stream: Stream) -> Iterator[bytes]:
    return streams[stream].chunks()


def _changed(work: Work) -> tuple[str, ...] | None:
    """What the work has changed; ``None`` where links led to it, so that it has other names."""
    if work.aliases or any(want.item.path[1:] != want.place for want in work.wants):
        return None
    places = [each.place for each in work.needs]
    places += [each.place for each in work.wants]
    places += [each.place for each in work.gone]
    places += [each.place for each in work.modes]
    return tuple(["/" + place for place in places])


def _evidence(manifest: Manifest) -> Evidence | None:
    """The outputs, their folders and the entry; what a link leads to moves without a trace."""
    if manifest.links:
        return None
    place = f"{CACHE_PATH}/{shard(manifest.key)}/{manifest.key}/{MANIFEST}"
    return Evidence(
        tuple((output.path, bytes.fromhex(output.digest)) for output in manifest.outputs),
        (place, *(folder.path for folder in manifest.folders)),
    )
