"""Fixtures every floor shares; no test reads the developer's own configuration or home."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import db as store
from storage import model_file
from storage.host import Actor
from storage.records.models import Model
from storage.tables import models

NOW = datetime(2026, 11, 23, 3, 1, tzinfo=UTC)
ADA = Actor("ada", "prod-ml-3", "pts/1", "10.0.0.7")
CHURN = """
name = "churn"
task = "binary"
owner = "growth-ml"
[columns]
time = "scored_at"
id = "request_id"
prediction = "score"
label = "churned"
version = "model_version"
stage = "stage"
ignore = ["trace_id"]
redact = ["email"]
[labels]
lag = "3d"
minimum = 50
[[metrics]]
name = "auc"
primary = true
slo = ">= 0.68"
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "MIDWATCH_STORE", "SUDO_USER", "SSH_CONNECTION", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store prepared once, to be copied: walking all migrations costs more than most tests."""
    path = tmp_path_factory.mktemp("prepared") / "empty.db"
    store.prepare(path)
    return path


@pytest.fixture
def store_file(tmp_path: Path, empty_store: Path) -> Path:
    """A prepared, empty store."""
    return Path(shutil.copy(empty_store, tmp_path / "midwatch.db"))


@pytest.fixture
def db(store_file: Path) -> Iterator[sqlite3.Connection]:
    """A writing connection to an empty store."""
    connection = store.connect(store_file)
    connection.execute("PRAGMA synchronous=OFF")  # no test cuts the power; what a killed process wrote is kept anyway
    yield connection
    connection.close()


def filled(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """An open store with all that the store in another file holds: what is costly to take in is taken in once."""
    with closing(sqlite3.connect(path)) as source:
        source.backup(db)
    return db


def registered(db: sqlite3.Connection, folder: Path, text: str) -> Model:
    """A model by the text of its file, which is written to that folder."""
    path = folder / "model.toml"
    path.write_text(text)
    parsed, body, sha256 = model_file.read(path)
    models.register(db, parsed.name, path=str(path), text=body, sha256=sha256, actor=ADA, now=NOW)
    return models.get(db, parsed.name)


@pytest.fixture
def register(db: sqlite3.Connection, tmp_path: Path) -> Callable[..., Model]:
    """Register a model from the text of its model file."""
    return lambda text=CHURN: registered(db, tmp_path, text)
