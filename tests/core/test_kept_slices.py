"""Kept slices: a past of their own, watched on every batch, recomputed when labels come late."""

import csv
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.checks.kept_slice import tier_of
from core.ingest import Ingested, ingest
from core.kept import slices as kept_slices
from core.labels import ingest_labels
from storage import db as store
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import alerts, batches, models, results
from storage.tables import kept_slices as table
from tests.conftest import ADA, NOW
from tests.rows import MODEL, write_log

LATAM = (Predicate("region", "=", "LATAM"),)
ROWS, PAST = 400, 5
LABELS = '[labels]\nminimum = 20\n[[metrics]]\nname = "accuracy"\nprimary = true\n'


def changed(path: Path, edit: Callable[[dict[str, str]], dict[str, str] | None]) -> Path:
    """The same log with rows edited; None leaves a row out."""
    with path.open() as file:
        rows = [row for row in map(edit, csv.DictReader(file)) if row is not None]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass
class Scene:
    """A model with hours that were accepted, without labels."""

    db: sqlite3.Connection
    model: Model
    folder: Path

    def take(self, path: Path, role: str = "serving") -> Ingested:
        [done] = ingest(self.db, self.model, [str(path)], role=role, actor=ADA, now=NOW)
        return done

    def keep(self, **options: object) -> kept_slices.Kept:
        return kept_slices.keep(self.db, self.model, "latam", LATAM, actor=ADA, now=NOW, **options)

    def batch(self, number: int, edit: Callable[[dict[str, str]], dict[str, str] | None] = lambda row: row) -> Ingested:
        return self.take(changed(write_log(self.folder, number, ROWS), lambda row: edit({**row, "label": ""})))

    def truth(self, number: int, wrong: bool = False) -> list[tuple[str, int]]:
        """Right answers of a batch, or wrong ones in the slice."""
        with (self.folder / f"batch_{number:04d}.csv").open() as file:
            rows = list(csv.DictReader(file))
        return [(r["request_id"], int((float(r["score"]) >= 0.5) ^ (wrong and r["region"] == "LATAM"))) for r in rows]

    def labels(self, number: int, wrong: bool = False) -> None:
        path = self.folder / f"labels_{number}.csv"
        path.write_text("request_id,label\n" + "".join(f"{i},{t}\n" for i, t in self.truth(number, wrong)))
        ingest_labels(self.db, self.model, path, actor=ADA, now=NOW)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with five hours of reference; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("seeded")
    store.prepare(folder / "midwatch.db")
    db = store.connect(folder / "midwatch.db")
    body, path = MODEL + LABELS, folder / "churn.toml"
    models.register(db, "churn", path=str(path), text=body, sha256="0" * 64, actor=ADA, now=NOW)
    logs = [changed(write_log(folder, n, ROWS), lambda row: {**row, "label": ""}) for n in range(PAST)]
    for _ in ingest(db, models.get(db, "churn"), [str(p) for p in logs], role="reference", actor=ADA, now=NOW):
        pass
    db.close()
    return folder


@pytest.fixture
def scene(seeded: Path, tmp_path: Path) -> Iterator[Scene]:
    shutil.copy(seeded / "midwatch.db", tmp_path / "midwatch.db")
    db = store.connect(tmp_path / "midwatch.db")
    yield Scene(db, models.get(db, "churn"), tmp_path)
    db.close()


def findings(done: Ingested) -> list[tuple[str | None, str, str]]:
    return [(f.slice, f.tier, f.message) for f in done.findings if f.check == "kept_slice"]


def test_a_new_slice_gets_its_past_from_the_files(scene: Scene) -> None:
    told: list[str] = []
    kept = scene.keep(kind="critical", tell=told.append)
    assert (kept.read, kept.failures, len(told)) == (PAST, (), PAST)
    first = table.days(scene.db, kept.slice.id, [1])[0].reading
    [(rows, mean)] = scene.db.execute("SELECT rows, prediction_mean FROM kept_slice_rows WHERE batch_id = 1").fetchall()
    assert (first.rows, first.batch_rows, first.predictions) == (rows, ROWS, rows)
    assert 70 < rows < 130
    assert 0.25 < mean < 0.35
    scene.batch(7)
    [line] = kept_slices.listing(scene.db, scene.model)
    assert line.readings == PAST + 1
    assert line.rows is not None
    assert line.rows.batch_id == PAST + 1


def test_what_hides_in_the_whole_is_told_of_the_slice_and_louder_when_critical(scene: Scene) -> None:
    scene.keep(kind="critical")
    kept_slices.keep(scene.db, scene.model, "eu", [Predicate("region", "=", "EU")], actor=ADA, now=NOW)
    assert findings(scene.batch(7)) == []

    def half(row: dict[str, str]) -> dict[str, str] | None:
        return None if row["region"] == "LATAM" else row

    done = scene.batch(8, half)
    [(name, tier, message)] = [f for f in findings(done) if f[0] == "latam"]
    assert (name, tier) == ("latam", "page")
    assert message.startswith("critical slice 'latam' has no rows, 2")
    assert any(alert.tier == "page" and alert.cause == "kept slice" for alert in done.alerts)
    assert not batches.get(scene.db, done.batch.id).admitted


def test_predictions_and_missing_values_of_a_slice(scene: Scene) -> None:
    scene.keep()

    def moved(row: dict[str, str]) -> dict[str, str]:
        return {**row, "score": "0.6", "spend": ""} if row["region"] == "LATAM" and row["plan"] != "pro" else row

    said = {tier: message for _, tier, message in findings(scene.batch(7, moved))}
    assert any("predictions moved by +" in message for message in said.values()), said
    raised = [f for f in scene.batch(8, moved).findings if f.check == "kept_slice" and f.column == "spend"]
    assert all(f.evidence["rows_sql"].endswith('"spend" IS NULL') for f in raised)


def test_a_column_that_is_gone_is_said_and_nothing_breaks(scene: Scene) -> None:
    scene.keep()
    done = scene.batch(7, lambda row: {k: v for k, v in row.items() if k != "region"})
    [said] = [f.message for f in done.not_checked if f.check == "kept_slice"]
    assert said.startswith("kept slice 'latam': the column 'region' of its condition is not in ")
    assert done.batch.rows == ROWS


def test_late_labels_change_the_metric_of_their_own_window_and_raise_it(scene: Scene) -> None:
    kept = scene.keep(kind="critical", floor=0.8).slice
    for number in (7, 8):
        scene.batch(number)
    assert [m.reading.value for m in table.metrics(scene.db, kept.id, "accuracy")] == [None, None]
    scene.labels(7, wrong=True)
    values = {m.batch_id: m.reading.value for m in table.metrics(scene.db, kept.id, "accuracy")}
    assert values == {PAST + 1: 0.0, PAST + 2: None}
    [alert] = [a for a in alerts.open_groups(scene.db, scene.model.id) if a.cause == "kept slice"]
    assert (alert.tier, alert.batch_id) == ("page", None)
    assert "accuracy 0 is beyond its floor 0.8" in alert.title
    assert [r.batch_id for r in results.of_alert(scene.db, alert.id)] == [PAST + 1]
    scene.labels(8)
    assert not [a for a in alerts.open_groups(scene.db, scene.model.id) if a.cause == "kept slice"]


def test_a_gate_asks_a_slice_over_batches_together(scene: Scene) -> None:
    for number in (7, 8):
        scene.batch(number)
        scene.labels(number, wrong=number == 8)
    kept = scene.keep(floor=0.9, look_back=0).slice
    over = [batches.get(scene.db, n) for n in (PAST + 1, PAST + 2)]
    fresh = kept_slices.evaluate(scene.db, scene.model, kept, over)
    right = fresh.value
    assert fresh.standing == "broken"
    assert right is not None
    assert fresh.low is not None
    assert fresh.low < right < 0.7
    assert (fresh.labelled, fresh.batches, fresh.failures) == (fresh.rows, 2, ())
    assert not table.metrics(scene.db, kept.id, "accuracy")
    kept_slices.retire(scene.db, scene.model, "latam", actor=ADA, now=NOW)
    stored = scene.keep(floor=0.9, look_back=2).slice
    assert replace(kept_slices.evaluate(scene.db, scene.model, stored, over)) == fresh
    (scene.folder / "batch_0007.csv").unlink()
    gone = kept_slices.evaluate(scene.db, scene.model, replace(stored, id=0), over)
    assert gone.batches == 1
    assert "is gone" in gone.failures[0]


def test_names_kinds_and_redacted_columns(scene: Scene) -> None:
    scene.keep(look_back=0)
    with pytest.raises(RefusedError, match="is kept already"):
        scene.keep(look_back=0)
    with pytest.raises(sqlite3.IntegrityError, match="kept already"):
        scene.db.execute(
            "INSERT INTO kept_slices(model_id, name, predicates_json, kind, by, at) "
            "VALUES (1, 'latam', '[]', 'user', 'x', 'x')"
        )
    kept_slices.retire(scene.db, scene.model, "latam", reason="region closed", actor=ADA, now=NOW)
    assert scene.keep(look_back=0).slice.retired_at is None
    with pytest.raises(UsageError, match="kept"):
        kept_slices.retire(scene.db, scene.model, "emea", actor=ADA, now=NOW)
    with pytest.raises(UsageError, match="name and a condition"):
        kept_slices.keep(scene.db, scene.model, " ", LATAM, actor=ADA, now=NOW)
    hidden = replace(
        scene.model, file=replace(scene.model.file, columns=replace(scene.model.file.columns, redact=("region",)))
    )
    with pytest.raises(RefusedError, match="redacted"):
        kept_slices.keep(scene.db, hidden, "secret", LATAM, actor=ADA, now=NOW)
    [line] = kept_slices.listing(scene.db, hidden)
    assert line.slice.predicates[0].value == "[redacted]"
    reader = store.connect(scene.folder / "midwatch.db", read_only=True)
    with pytest.raises(RefusedError, match="read-only"):
        kept_slices.keep(reader, scene.model, "eu", [Predicate("region", "=", "EU")], look_back=0, actor=ADA, now=NOW)
    reader.close()


def test_critical_is_a_step_louder() -> None:
    order = ("digest", "ticket", "page")
    for ratio in (1.0, 1.9, 2.0, 40.0):
        assert order.index(tier_of("critical", ratio)) == order.index(tier_of("user", ratio)) + 1
