"""How many rows agree with the original, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tests.cli.rows.reading import Row

ASIDE = "P"  # pipes and full disks stand beside the tables (cli.md 13.5)


@attrs.frozen
class Tally:
    """The rows of the tables, apart from those beside them."""

    agreeing: Sequence[Row]
    differing: Sequence[Row]
    aside: Sequence[Row]

    @property
    def total(self) -> int:
        return len(self.agreeing) + len(self.differing)

    @property
    def share(self) -> float:
        return len(self.agreeing) / self.total

    def __str__(self) -> str:
        reworded = [row for row in self.agreeing if row.ours]
        beside = [row for row in self.aside if not row.agrees]
        return "\n".join(
            [
                f"cli.md 16: {self.total} rows, {len(self.agreeing)} agree ({self.share:.1%})",
                "",
                f"{len(self.differing)} differ in exit code or standard output:",
                *map(_told, self.differing),
                "",
                f"{len(reworded)} of those that agree name something else on standard error:",
                *map(_told, reworded),
                "",
                f"cli.md 13.5: {len(self.aside)} rows, {len(beside)} differ:",
                *map(_told, beside),
            ]
        )


def count(rows: Sequence[Row]) -> Tally:
    """Sort rows by whether they agree."""
    tables = [row for row in rows if not row.name.startswith(ASIDE)]
    return Tally(
        [row for row in tables if row.agrees],
        [row for row in tables if not row.agrees],
        [row for row in rows if row.name.startswith(ASIDE)],
    )


def _told(row: Row) -> str:
    return f"  {row.name:<6} {row.reason}"
