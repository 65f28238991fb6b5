"""Writes the row of a test into its report, from where the table reads it."""

from __future__ import annotations

import pytest

from tests.faults.rows import ROWS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("row"):
            for row in mark.args:
                assert row in ROWS, f"{item.nodeid}: there is no row {row!r}"
                item.user_properties.append(("row", row))
