"""Replay all rows and print what agrees with the original: ``python -m tests.cli.rows``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.cli.rows.playing import Haz, Stage
from tests.cli.rows.reading import Row, read_tables
from tests.cli.rows.tally import count


def main() -> int:
    """The exit code is 0 if every row gives what its table says."""
    failures: list[tuple[Row, list[str]]] = []
    rows: list[Row] = []
    with Haz.started() as haz:
        for scene in read_tables():
            with tempfile.TemporaryDirectory() as directory:
                stage = Stage(haz, scene, Path(directory))
                for row in scene.rows:
                    rows.append(row)
                    if found := stage.differences(row, row.expected, stage.play(row)):
                        failures.append((row, found))
    print(count(rows))
    for row, found in failures:
        print(f"\n{row.name} gives something else: {row.line}")
        for line in found:
            print(f"  {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
