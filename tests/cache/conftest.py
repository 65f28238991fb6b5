"""The bench of the cache's tests: a store for a workspace with one empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cache.store_support import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "ws" / "lib").mkdir(parents=True)
    return Bench(tmp_path / "ws")
