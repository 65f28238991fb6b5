"""Wrong implementations by who had not seen the others: what is kept, repaired, warned of."""

from __future__ import annotations

from tests.mutants.patches import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # -- names and links --------------------------------------------------------------------------
    Mutant(
        "stars-stop-at-the-end-of-a-line",
        "model.globs",
        "re.compile(_expression(self.tokens), re.DOTALL)",
        "re.compile(_expression(self.tokens))",
    ),
    Mutant(
        "links-to-nowhere-are-no-inputs",
        "cache.walk",
        "found.dangling.setdefault(link.decode(), pattern)",
        "pass",
    ),
    Mutant(
        "links-to-folders-are-not-entered",
        "cache.walk",
        "                if not self._in_cache(link):\n                    inner.append(link)",
        "                pass",
    ),
    # -- the cache --------------------------------------------------------------------------------
    Mutant(
        "files-of-others-are-cleaned-away",
        "cache.collect",
        "if not entry.stranger and not entry.in_use]",
        "if not entry.in_use]",
    ),
    Mutant(
        "damaged-blobs-are-left-by-repair",
        "cache.repair",
        "            disk.unlink(name, at=pool)",
        "            pass",
    ),
    Mutant(
        "verify-reads-no-streams",
        "cache.verification",
        "                self._streams(found, entry)",
        "                pass",
    ),
    # -- outputs of a command that fails ----------------------------------------------------------
    Mutant(
        "outputs-are-put-back-with-one-mode",
        "cache.backups",
        "mode, times = stat.S_IMODE(info.st_mode),",
        "mode, times = 0o644,",
    ),
    Mutant(
        "new-outputs-are-not-put-back",
        "cache.putting_back",
        "        attempt(place, partial(_remove, place, now[place], bench))",
        "        pass",
    ),
    # -- what has changed, and warnings -----------------------------------------------------------
    Mutant(
        "three-dots-are-two",
        "vcs",
        "return dots.join(map(str, ends))",
        'return "..".join(map(str, ends))',
    ),
    Mutant(
        "globs-do-not-read-programs",
        "graph.lints",
        "not any(pattern.matches(path) for pattern in node.inputs)",
        "not any(pattern.text == path for pattern in node.inputs)",
    ),
    Mutant(
        "tasks-overlap-themselves",
        "graph.files",
        "others = without(tuple(merged(groups)), entry.owners[0])",
        "others = tuple(merged(groups))",
    ),
)
