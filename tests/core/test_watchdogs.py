import csv
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from core.ingest import ingest
from core.watchdogs import watch_silence
from storage.records.models import Model
from storage.tables import alerts
from tests.conftest import ADA
from tests.rows import MODEL, START, write_log

METRICS = '[labels]\nminimum = 50\n[[metrics]]\nname = "auc"\nprimary = true\n'
LATE = START + timedelta(days=3)


def causes(db: sqlite3.Connection, model: Model) -> dict[str, str]:
    return {alert.cause: alert.tier for alert in alerts.open_groups(db, model.id)}


def test_a_model_gone_silent_is_a_ticket_until_data_comes_again(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    files = [str(write_log(tmp_path, number, rows=60)) for number in range(6)]
    list(ingest(db, model, files[:5], actor=ADA, now=START + timedelta(hours=5)))
    assert watch_silence(db, START + timedelta(hours=6)) == []
    assert watch_silence(db, START + timedelta(hours=9))[0].cause == "no data"
    assert watch_silence(db, START + timedelta(hours=10)) == []  # said once
    list(ingest(db, model, files[5:], actor=ADA, now=START + timedelta(hours=10)))
    watch_silence(db, START + timedelta(hours=7))
    assert "no data" not in causes(db, model)


def test_labels_turned_round_accuse_the_labels(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL + METRICS)
    files = [write_log(tmp_path, number, rows=400) for number in range(9)]
    with files[8].open() as source:
        rows = list(csv.DictReader(source))
    with files[8].open("w") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": 1 - int(row["label"])} for row in rows)
    for number, file in enumerate(files):
        list(ingest(db, model, [str(file)], actor=ADA, now=LATE + timedelta(hours=number)))
        found = [a for a in alerts.open_groups(db, model.id) if a.title.startswith("the labels look turned round")]
        assert bool(found) is (number == 8)
