"""A store with one ingested batch of 120 unlabelled rows, for tests of failure cases and evaluation sets."""

import csv
import sqlite3
from pathlib import Path

from core.ingest import ingest
from storage import db as store
from storage.records.alerts import AlertDraft
from storage.records.results import Finding
from storage.tables import alerts, batches, models, results
from tests.conftest import ADA, NOW
from tests.rows import MODEL, write_log

TEXT = MODEL.replace('version = "version"', 'version = "version"\nredact = ["plan"]') + "[labels]\nminimum = 20\n"
ROWS = 120


def seed(folder: Path) -> Path:
    """Make the store in a folder."""
    store.prepare(folder / "midwatch.db")
    db = store.connect(folder / "midwatch.db")
    models.register(db, "churn", path=str(folder / "churn.toml"), text=TEXT, sha256="0" * 64, actor=ADA, now=NOW)
    path = write_log(folder, 1, ROWS)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "label": ""} for row in rows)
    assert len(list(ingest(db, models.get(db, "churn"), [str(path)], actor=ADA, now=NOW))) == 1
    db.close()
    return folder


def alert_on_rows(db: sqlite3.Connection) -> int:
    """An alert whose finding names the rows of one region."""
    evidence = {"cause": "null burst", "columns": ["spend"], "rows": 25, "rows_sql": "region = 'LATAM'"}
    finding = Finding("completeness", "soft", "ticket", "fail", "'spend' is missing", "spend", evidence=evidence)
    [result] = results.insert(db, 1, [finding], NOW)
    draft = AlertDraft("f" * 16, "f" * 16, "ticket", "soft", "null burst", "'spend' is missing", ("spend",), 2.0, (0,))
    batch = batches.get(db, 1)
    window = (batch.window_start, batch.window_end)
    return alerts.insert(db, draft, model_id=1, batch_id=1, result_ids=[result], window=window, now=NOW)
