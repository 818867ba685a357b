"""The road that tests of gates and promotions walk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.rollouts import producers
from tests.core.rollouts.road import Road, road


@pytest.fixture
def build(db: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Road]:
    """A road by its stages and by what stands on top of its model file; its looks are made by hand, without files."""
    monkeypatch.setattr(producers, "OF_FILES", ())
    return lambda stages=None, top="": road(db, tmp_path, stages, top)
