"""Late labels: they change the window they belong to, and only that one."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import chdir, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from core.label_trust import label_verdict
from core.labels import LabelReport, ingest_labels
from core.measure import measure_batch, trend
from storage import db as store
from storage.errors import SourceError, UsageError
from storage.logs.source import open_log
from storage.records.models import Model
from storage.tables import batches, metrics, models
from tests.conftest import ADA, CHURN, filled, registered
from tests.core.log_batches import DAY, START, add_batch, predictions

NOW = START + 10 * DAY


@dataclass
class Scene:
    """Four days of predictions without labels, measured."""

    db: sqlite3.Connection
    model: Model
    folder: Path
    truth: list[pd.DataFrame]

    def labels(self, frame: pd.DataFrame, name: str = "labels.csv", **options: object) -> LabelReport:
        path = self.folder / name
        frame.to_csv(path, index=False)
        return ingest_labels(self.db, self.model, path, actor=ADA, now=options.get("now", NOW))

    def auc(self, day: int) -> float | None:
        return next(v.value for v in metrics.current(self.db, day + 1) if v.metric == "auc")


TRUTH = [predictions(day) for day in range(4)]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A folder with the logs and the store that measured them, made once. The store names them without a folder."""
    folder = tmp_path_factory.mktemp("measured")
    shutil.copy(empty_store, folder / "midwatch.db")
    with closing(store.connect(folder / "midwatch.db")) as db, chdir(folder):
        model = registered(db, folder, CHURN)
        for day, frame in enumerate(TRUTH):
            path = Path(f"day{day}.csv")
            frame.drop(columns="churned").to_csv(path, index=False)
            batch = add_batch(db, model, path, day, len(frame), now=START + (day + 1) * DAY)
            with open_log(path) as source:
                measure_batch(db, model, batch, source, START + (day + 1) * DAY)
    return folder


@pytest.fixture
def scene(db: sqlite3.Connection, measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for path in measured.glob("day*.csv"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    model = models.get(filled(db, measured / "midwatch.db"), "churn")
    return Scene(db, model, tmp_path, [frame.copy() for frame in TRUTH])


def answers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["request_id", "churned"]]


def test_labels_change_the_window_they_belong_to_and_no_other(scene: Scene) -> None:
    from sklearn.metrics import roc_auc_score

    report = scene.labels(answers(scene.truth[1]))
    assert (report.rows, report.ids, report.matched, report.unmatched) == (400, 400, 400, 0)
    [batch] = report.batches
    assert (batch.batch, batch.labelled, batch.coverage) == (2, 400, 1.0)
    assert batch.metrics[0].before is None
    assert batch.metrics[0].after == pytest.approx(
        roc_auc_score(scene.truth[1].churned, scene.truth[1].score), abs=2e-4
    )
    assert [scene.auc(day) is not None for day in range(4)] == [False, True, False, False]
    assert [p.coverage for p in trend(scene.db, scene.model, "auc", now=NOW)] == [0.0, 1.0, 0.0, 0.0]


def test_a_file_over_several_batches_and_with_strangers(scene: Scene) -> None:
    strangers = pd.DataFrame({"request_id": ["x1", "x2", "x2"], "churned": [1, 0, 1]})
    report = scene.labels(pd.concat([answers(scene.truth[0])[:100], answers(scene.truth[2])[:200], strangers]))
    assert [(b.batch, b.matched, b.coverage) for b in report.batches] == [(1, 100, 0.25), (3, 200, 0.5)]
    assert (report.rows, report.ids, report.matched, report.unmatched) == (303, 302, 300, 2)


def test_the_same_file_twice_is_once_under_any_name(scene: Scene) -> None:
    first = scene.labels(answers(scene.truth[0]))
    rows = scene.db.execute("SELECT count(*) FROM metric_values").fetchone()[0]
    again = scene.labels(answers(scene.truth[0]), "copy.csv")
    assert (first.known, again.known) == (False, True)
    assert (again.batches, again.matched, again.unmatched) == ((), 400, 0)
    assert scene.db.execute("SELECT count(*) FROM metric_values").fetchone()[0] == rows
    assert scene.db.execute("SELECT count(*) FROM label_files").fetchone()[0] == 1
    assert scene.db.execute("SELECT count(*) FROM audit_log WHERE action = 'labels.ingest'").fetchone()[0] == 1


def test_a_later_label_replaces_the_earlier(scene: Scene) -> None:
    wrong = answers(scene.truth[0]).assign(churned=1 - scene.truth[0].churned)
    scene.labels(wrong, "wrong.csv")
    flipped = scene.auc(0)
    scene.labels(answers(scene.truth[0]), "right.csv", now=NOW + DAY)
    assert flipped == pytest.approx(1 - scene.auc(0))
    assert batches.coverage(scene.db, 1).labelled == 400


def test_within_a_file_the_last_row_of_an_id_counts(scene: Scene) -> None:
    frame = answers(scene.truth[0])
    scene.labels(pd.concat([frame.assign(churned=1 - frame.churned), frame]))
    assert scene.auc(0) > 0.7


def test_labels_add_to_those_of_the_log_and_of_earlier_files(scene: Scene) -> None:
    scene.labels(answers(scene.truth[0])[:100], "a.csv")
    report = scene.labels(answers(scene.truth[0])[100:150], "b.csv", now=NOW + DAY)
    assert report.batches[0].labelled == 150


def test_the_lag_comes_from_the_file_or_from_its_arrival(scene: Scene) -> None:
    one = scene.labels(answers(scene.truth[0]))
    # Predictions came a minute apart from the start of the day on; the file arrived ten days after.
    assert one.batches[0].lag_p50_seconds == pytest.approx((10 * DAY).total_seconds() - 199.5 * 60)
    times = pd.to_datetime(scene.truth[1].scored_at) + timedelta(hours=5)
    two = scene.labels(answers(scene.truth[1]).assign(labelled_at=times), "timed.csv")
    assert (two.batches[0].lag_p50_seconds, two.batches[0].lag_p95_seconds) == (5 * 3600, 5 * 3600)


def test_a_batch_that_is_gone_is_named_and_the_others_are_done(scene: Scene) -> None:
    (scene.folder / "day1.csv").rename(scene.folder / "away.csv")
    with (scene.folder / "day2.csv").open("a") as log:
        log.write("2026-11-03T09:00:00Z,late,0.5,1.0\n")
    everything = pd.concat([answers(frame) for frame in scene.truth])
    report = scene.labels(everything)
    assert [b.batch for b in report.batches] == [1, 4]
    assert [f.batch for f in report.failures] == [2, 3]
    assert "day1.csv, is gone" in report.failures[0].message
    assert "day2.csv, has changed since" in report.failures[1].message
    (scene.folder / "away.csv").rename(scene.folder / "day1.csv")
    again = scene.labels(everything)
    assert [b.batch for b in again.batches] == [2]
    assert again.matched == 1200


def test_a_label_file_that_has_changed_since_is_named(scene: Scene) -> None:
    scene.labels(answers(scene.truth[0])[:100], "a.csv")
    (scene.folder / "a.csv").write_text("request_id,churned\n")
    report = scene.labels(answers(scene.truth[0])[100:], "b.csv")
    assert "a.csv has changed since its labels were joined" in report.failures[0].message
    assert scene.auc(0) is not None


def test_only_batches_of_the_time_are_read_when_the_file_tells_it(scene: Scene) -> None:
    (scene.folder / "day3.csv").unlink()
    report = scene.labels(scene.truth[0][["scored_at", "request_id", "churned"]])
    assert report.failures == ()
    assert report.matched == 400


def test_ids_join_as_text_whatever_their_type(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model, frame = register(), predictions(0).assign(request_id=range(1, 401))
    path = tmp_path / "log.parquet"
    frame.drop(columns="churned").to_csv(tmp_path / "log.csv", index=False)
    duckdb.sql(f"COPY (SELECT * REPLACE (request_id::DOUBLE AS request_id) FROM '{tmp_path}/log.csv') TO '{path}'")
    add_batch(db, model, path, 0, 400, now=NOW)
    labels = tmp_path / "labels.csv"
    frame[["request_id", "churned"]].to_csv(labels, index=False)
    assert ingest_labels(db, model, labels, actor=ADA, now=NOW).matched == 400


def test_what_cannot_be_joined_is_said(scene: Scene, register: Callable[..., Model]) -> None:
    with pytest.raises(SourceError, match="no column 'request_id'"):
        scene.labels(answers(scene.truth[0]).rename(columns={"request_id": "req"}))
    with pytest.raises(SourceError, match="no column 'churned'"):
        scene.labels(answers(scene.truth[0]).rename(columns={"churned": "outcome"}))
    with pytest.raises(SourceError):
        ingest_labels(scene.db, scene.model, scene.folder / "nowhere.csv", actor=ADA, now=NOW)
    without = register(CHURN.replace('id = "request_id"', ""))
    with pytest.raises(UsageError, match="no id column"):
        ingest_labels(scene.db, without, scene.folder / "day0.csv", actor=ADA, now=NOW)
    assert scene.db.execute("SELECT count(*) FROM label_files").fetchone()[0] == 0


def test_flipped_labels_of_a_batch_are_told(scene: Scene) -> None:
    for day in range(3):
        scene.labels(answers(scene.truth[day]), f"{day}.csv")
    assert label_verdict(scene.db, scene.model, 3, NOW).verdict == "fine"
    assert label_verdict(scene.db, scene.model, 4, NOW).verdict == "no_data"
    scene.labels(answers(scene.truth[3]).assign(churned=1 - scene.truth[3].churned), "flipped.csv")
    told = label_verdict(scene.db, scene.model, 4, NOW)
    assert told.verdict == "flipped"
    assert "under one half" in told.reasons[0]


def test_labels_that_show_a_burning_budget_raise_its_alert(scene: Scene) -> None:
    flipped = [answers(frame).assign(churned=1 - frame.churned) for frame in scene.truth]
    scene.labels(pd.concat(flipped))
    titles = [row["title"] for row in scene.db.execute("SELECT title FROM alerts")]
    assert len([title for title in titles if title.startswith("auc >= 0.68: 4 of 4 windows missed")]) == 1
