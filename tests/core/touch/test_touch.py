import csv
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from core.ingest import ingest
from core.touch.beside import touch_words
from core.touch.reading import touch
from storage.records.alerts import AlertDraft
from storage.records.models import Model
from storage.records.results import Finding
from storage.tables import alerts, batches, results
from tests.conftest import ADA, NOW
from tests.rows import MODEL, START, write_log

Rows = list[dict[str, str]]


def stored(
    db: sqlite3.Connection, model: Model, folder: Path, change: Callable[[dict[str, str]], None]
) -> tuple[int, Rows]:
    """Six batches of reference and one in which ``change`` has altered rows; the batch's id and its rows."""
    past = [str(write_log(folder, number)) for number in range(6)]
    assert len(list(ingest(db, model, past, role="reference", actor=ADA, now=NOW))) == 6
    path = write_log(folder, 6, 400)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    for row in rows:
        change(row)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (done,) = ingest(db, model, [str(path)], actor=ADA, now=START + timedelta(days=1))
    return done.batch.id, rows


def raised(db: sqlite3.Connection, model: Model, batch_id: int, finding: Finding, columns: tuple[str, ...]) -> int:
    batch = batches.get(db, batch_id)
    [result] = results.insert(db, batch_id, [finding], NOW)
    draft = AlertDraft("f", "g", "ticket", "soft", "null burst", finding.message, columns, 2.0, (0,))
    window = (batch.window_start, batch.window_end)
    return alerts.insert(db, draft, model_id=model.id, batch_id=batch_id, result_ids=[result], window=window, now=NOW)


def empty_latam(row: dict[str, str]) -> None:
    """The fault: without a spend the model answers 0.2 too high; otherwise the score follows the plan."""
    if row["region"] == "LATAM":
        row["spend"] = ""
    score = {"free": 0.1, "basic": 0.3, "pro": 0.5}[row["plan"]] + (0.2 if not row["spend"] else 0.0)
    row["score"] = f"{score + int(row['sessions']) / 1000:.4f}"


def test_the_failing_rows_are_held_against_the_others_and_their_past(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    batch_id, rows = stored(db, model, tmp_path, empty_latam)
    evidence = {"rows_sql": "region = 'LATAM'", "columns": ["spend"]}
    finding = Finding("completeness", "soft", "ticket", "fail", "m", "spend", "region=LATAM", evidence=evidence)
    alert_id = raised(db, model, batch_id, finding, ("spend", "region"))
    found = touch(db, alerts.get(db, alert_id))
    assert found is not None
    failing = [float(r["score"]) for r in rows if r["region"] == "LATAM"]
    others = [float(r["score"]) for r in rows if r["region"] != "LATAM"]
    assert found.failing.rows == len(failing)
    assert found.failing.mean == pytest.approx(np.mean(failing))
    assert found.failing.positive == pytest.approx(np.mean(np.array(failing) >= 0.5))
    assert found.others is not None
    assert found.others.mean == pytest.approx(np.mean(others))
    assert found.most == pytest.approx(len(failing) / 400)
    assert found.past is not None
    assert found.past.mean == pytest.approx(0.3, abs=0.03)  # LATAM's own past
    assert found.weight is not None
    assert found.weight.value < 0.1  # spend was drawn without a look at the score
    assert any(words.startswith(f"predictions of these {len(failing)} rows average") for words in found.words)
    assert touch_words(db, alerts.get(db, alert_id), most=300) == [
        f"its batch has 400 rows; how it would touch the model: midwatch alerts show {alert_id}"
    ]
    assert any("of decisions change" in words for words in touch_words(db, alerts.get(db, alert_id)))

    by_plan = raised(db, model, batch_id, Finding("drift", "drift", "digest", "fail", "m", "plan"), ("plan",))
    whole = touch(db, alerts.get(db, by_plan))
    assert whole is not None
    assert (whole.others, whole.most, whole.failing.rows) == (None, None, 400)
    assert whole.weight is not None
    groups = [[float(r["score"]) for r in rows if r["plan"] == plan] for plan in ("free", "basic", "pro")]
    total = np.var(failing + others)
    between = sum(len(g) * (np.mean(g) - np.mean(failing + others)) ** 2 for g in groups) / 400
    assert whole.weight.value == pytest.approx(between / total, abs=0.01)
    assert any("of decisions are positive" in words for words in whole.words)


def test_a_weight_of_the_model_file_goes_before_an_association(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL + "[alerts.importance]\nspend = 3\n")
    batch_id, _ = stored(db, model, tmp_path, empty_latam)
    finding = Finding("bounds", "soft", "ticket", "fail", "m", "spend", evidence={"rows_sql": "spend > 1e9"})
    found = touch(db, alerts.get(db, raised(db, model, batch_id, finding, ("spend",))))
    assert found is not None
    assert "'spend' weighs 3 in the model file" in found.words
    assert found.failing.rows == 0


def test_without_its_file_what_the_store_knows_is_told_and_the_rest_is_not(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    batch_id, _ = stored(db, model, tmp_path, empty_latam)
    evidence = {"rows_sql": "region = 'LATAM'", "rows": 100}
    finding = Finding("completeness", "soft", "ticket", "fail", "m", "spend", evidence=evidence)
    alert_id = raised(db, model, batch_id, finding, ("spend",))
    Path(batches.get(db, batch_id).path).unlink()
    found = touch(db, alerts.get(db, alert_id))
    assert found is not None
    assert (found.failing.mean, found.most) == (None, 0.25)
    assert found.note is not None
    assert "is gone" in found.note
    assert found.past is not None


def test_an_alert_without_a_batch_touches_nothing_that_is_known(
    db: sqlite3.Connection, register: Callable[..., Model]
) -> None:
    model = register(MODEL)
    draft = AlertDraft("f", "g", "page", "ops", "no data", "no data", (), 1.0, ())
    alert_id = alerts.insert(db, draft, model_id=model.id, batch_id=None, result_ids=(), window=(None, None), now=NOW)
    assert touch(db, alerts.get(db, alert_id)) is None
    assert touch_words(db, alerts.get(db, alert_id)) == []
