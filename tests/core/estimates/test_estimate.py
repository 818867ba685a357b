"""Estimates in the store: learned from labelled batches, said of new ones, held against the labels that come."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.batch_view import view
from core.estimates import words
from core.estimates.estimate import latest
from core.estimates.learning import newest_lesson
from core.estimates.lesson import pack, unpack
from core.handover import build
from core.handover_page import markdown as page_of
from core.home import health
from core.ingest import ingest
from core.labels import ingest_labels
from core.suites.overview import overview
from storage.records.batches import Batch, Role
from storage.records.estimates import Estimate
from storage.records.models import Model
from storage.tables import alerts, batches, estimates, metrics
from tests.conftest import ADA, CHURN
from tui.present import home

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MODEL = CHURN + '[[metrics]]\nname = "accuracy"\n'


def scored(day: int, rows: int, *, other: float = 0.3, fault: float = 0.0) -> pd.DataFrame:
    """One day's rows: the score is worth less where ``plan`` is new; ``fault``: labels that ignore it."""
    rng = np.random.default_rng(day)
    known, new = rng.normal(size=rows), rng.random(rows) < other
    truth = (rng.random(rows) < 1 / (1 + np.exp(-known * np.where(new, 0.3, 2.0)))).astype(int)
    drawn = rng.random(rows) < fault
    truth[drawn] = (rng.random(rows) < 0.5)[drawn]
    times = [START + day * DAY + timedelta(seconds=20 * i) for i in range(rows)]
    return pd.DataFrame(
        {
            "scored_at": [t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in times],
            "request_id": [f"r{day:03d}-{i:05d}" for i in range(rows)],
            "score": 1 / (1 + np.exp(-1.5 * known)),
            "usage": (known * 10 + 50).round(1),
            "plan": np.where(new, "new", "old"),
            "email": [f"u{day}{i}@example.org" for i in range(rows)],
            "model_version": "v1",
            "churned": truth,
        }
    )


class Night:
    """A model with a labelled reference, and batches whose labels come three days later."""

    def __init__(self, db: sqlite3.Connection, model: Model, folder: Path) -> None:
        self.db, self.model, self.folder = db, model, folder
        self.frames: dict[int, pd.DataFrame] = {}

    def reference(self, rows: int = 6_000) -> None:
        self._take(scored(0, rows), "reference", START + DAY)

    def serve(self, day: int, **drawn: float) -> Batch:
        self.frames[day] = scored(day, 1_500, **drawn)
        return self._take(self.frames[day].drop(columns="churned"), f"day{day}", START + (day + 1) * DAY)

    def labels(self, day: int) -> None:
        path = self.folder / f"labels{day}.csv"
        self.frames[day][["request_id", "churned"]].to_csv(path, index=False)
        ingest_labels(self.db, self.model, path, actor=ADA, now=START + (day + 4) * DAY)

    def auc(self, batch: Batch) -> Estimate:
        found = latest(self.db, self.model.id, batch.id, "auc")
        assert found is not None
        return found

    def truth(self, batch: Batch, metric: str = "auc") -> float:
        [value] = [v.value for v in metrics.current(self.db, batch.id) if v.metric == metric]
        assert value is not None
        return value

    def _take(self, frame: pd.DataFrame, name: str, now: datetime) -> Batch:
        path = self.folder / f"{name}.csv"
        frame.to_csv(path, index=False)
        role: Role = "reference" if name == "reference" else "serving"
        [done] = ingest(self.db, self.model, [str(path)], role=role, actor=ADA, now=now)
        return done.batch


@pytest.fixture
def night(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Night:
    return Night(db, register(MODEL), tmp_path)


def test_a_batch_without_labels_is_estimated_from_a_labelled_reference(night: Night) -> None:
    night.reference()
    drifted = night.serve(5, other=0.7)
    told = night.auc(drifted)
    assert told.usable, told.why_not
    assert told.windows >= 3
    night.labels(5)
    assert told.low < night.truth(drifted) < told.high
    assert abs(told.value - night.truth(drifted)) < 0.03
    assert abs(told.said["same"][0] - night.truth(drifted)) > 0.06
    assert night.auc(drifted).said == told.said  # labels change the verdict, never the words


def test_nothing_is_estimated_without_labels_or_of_what_was_learned_from(night: Night) -> None:
    first = night.serve(1)
    assert latest(night.db, night.model.id, first.id, "auc") is None
    night.labels(1)
    assert newest_lesson(night.db, night.model) is None  # nothing waits for labels
    second = night.serve(6)  # the first labels teach: from now on there are estimates
    lesson = newest_lesson(night.db, night.model)
    assert lesson is not None
    assert lesson[1].batches == {first.id}
    assert latest(night.db, night.model.id, first.id, "auc") is None
    assert night.auc(second).rows == 1_500
    assert night.auc(second).lesson_id == lesson[0]


@pytest.mark.simulation
def test_when_labels_come_the_verdict_on_batches_without_them_changes(night: Night) -> None:
    """Concept drift: what was said is far from what labels say, so that later estimates are words."""
    night.reference()
    days = [night.serve(day, fault=0.7) for day in range(1, 9)]
    assert night.auc(days[-1]).usable
    for day in range(1, 5):
        night.labels(day)
    waiting = night.serve(9, fault=0.7)
    assert newest_lesson(night.db, night.model) is not None
    told = night.auc(days[7])
    assert told.own_error is not None
    assert not told.usable or told.lesson_id != night.auc(waiting).lesson_id
    for day in range(5, 8):
        night.labels(day)
    rows = night.db.execute("SELECT usable, why_not, at FROM estimates WHERE batch_id = ? ORDER BY id", (waiting.id,))
    found = rows.fetchall()
    assert any("no estimate: off by" in row["why_not"] for row in found)


def test_a_new_version_is_not_estimated_by_what_an_old_one_taught(night: Night) -> None:
    night.serve(1)
    night.labels(1)
    frame = scored(6, 1_500).assign(model_version="v2").drop(columns="churned")
    later = night._take(frame, "v2", START + 7 * DAY)
    told = night.auc(later)
    assert not told.usable
    assert told.why_not == "no estimate: too few labels of v2 yet, it was learned from v1"


def test_rows_unlike_any_labelled_one_get_words(night: Night) -> None:
    night.reference()
    frame = scored(1, 1_500).assign(plan=None).drop(columns="churned")
    told = night.auc(night._take(frame, "unlike", START + 2 * DAY))
    assert not told.usable
    assert told.why_not == "no estimate: 100% of its rows are unlike any labelled row"


def test_a_lesson_survives_the_store_and_holds_no_redacted_column(night: Night) -> None:
    night.reference()
    night.serve(1)
    found = newest_lesson(night.db, night.model)
    assert found is not None
    lesson = found[1]
    assert lesson.columns == ("usage", "plan")
    assert pack(unpack(pack(lesson))) == pack(lesson)
    body = estimates.lesson(night.db, night.model.id, form=1)
    assert body is not None
    assert b"example.org" not in body[1]


def test_a_model_whose_logs_hold_their_labels_learns_nothing(night: Night) -> None:
    night.reference()
    for day in (1, 2):
        night._take(scored(day, 1_500), f"day{day}", START + (day + 1) * DAY)
    assert newest_lesson(night.db, night.model) is None
    frame = scored(3, 1_500)
    frame.loc[:200, "churned"] = None  # the labels of an eighth of the rows are late
    told = night.auc(night._take(frame, "late", START + 8 * DAY))
    assert told.usable, told.why_not


def test_facts_stay(night: Night) -> None:
    night.reference()
    night.serve(1)
    for table in ("estimates", "estimate_lessons"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            night.db.execute(f"DELETE FROM {table}")


def test_a_file_that_is_gone_is_passed_over(night: Night) -> None:
    batch = night.serve(1)
    night.labels(1)
    night.serve(6)
    first = newest_lesson(night.db, night.model)
    Path(batch.path).unlink()
    night.labels(6)
    night.serve(11)
    last = newest_lesson(night.db, night.model)
    assert first is not None
    assert last is not None
    assert last[0] > first[0]
    assert last[1].learned is not None
    assert batches.get(night.db, batch.id).id in last[1].batches


def test_an_estimate_that_misses_its_objective_is_a_digest_and_says_so(night: Night) -> None:
    night.reference()
    night.serve(2, other=0.95)
    [told] = [a for a in alerts.page(night.db) if a.cause == "estimate misses"]
    assert told.tier == "digest"
    assert told.title.startswith("auc est. 0.6")
    assert told.title.endswith("misses the objective >= 0.68: an estimate, the labels are not in")
    night.serve(3, other=0.1)
    [later] = [a for a in alerts.page(night.db, only_open=False) if a.cause == "estimate misses"]
    assert later.state == "resolved"


def test_what_waits_for_labels_is_told_everywhere_with_est(night: Night) -> None:
    night.reference()
    batch = night.serve(4)
    now = START + 5 * DAY
    told = words.sentence(night.auc(batch))
    assert re.match(rf"batch {batch.id}, labels not in: auc est\. 0\.\d\d ±0\.\d\d; off by 0\.0", told)
    assert [one.metric for one in overview(night.db, night.model, now=now).waiting] == ["auc", "accuracy"]
    found = health(night.db, night.model, now)
    assert home.objective(found).startswith("auc est. 0.")
    page = build(night.db, start=START, end=now)
    assert any(told in line for line in page.estimates)
    assert told in page_of(page).replace("\\", "")
    assert [one.metric for one in view(night.db, batch.id).estimates] == ["auc", "accuracy"]
    late = overview(night.db, night.model, now=START + 30 * DAY).waiting
    assert words.sentence(late[0]).startswith(f"batch {batch.id}, labels overdue: auc est. 0.")
    assert words.document(late[0])["labels_overdue"] is True
    night.labels(4)
    assert view(night.db, batch.id).estimates == ()
    assert overview(night.db, night.model, now=START + 9 * DAY).waiting == ()


def test_a_switched_off_estimate_is_words_and_no_number(night: Night) -> None:
    night.reference()
    frame = scored(1, 1_500).assign(plan=None).drop(columns="churned")
    told = night.auc(night._take(frame, "unlike", START + 2 * DAY))
    assert words.figure(told) == "auc: no estimate: 100% of its rows are unlike any labelled row"
    assert words.document(told)["est"] is None


@pytest.mark.simulation
def test_natural_drift_with_a_better_metric_wakes_nobody(night: Night) -> None:
    """A region's mix moves a little a day up to a PSI of 0.5, and the metric gets better all the while."""
    regions, then = ["eu", "us", "latam", "apac", "mea"], np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    rng = np.random.default_rng(7)

    def mix(day: int) -> np.ndarray:
        return np.asarray(then + (then[::-1] - then) * 0.055 * day)

    night._take(scored(0, 2_000).assign(region=rng.choice(regions, 2_000, p=then)), "reference", START + DAY)
    for day in range(1, 13):
        frame = scored(day, 1_500, other=0.3 - 0.012 * day)
        night.frames[day] = frame.assign(region=rng.choice(regions, 1_500, p=mix(day)))
        night._take(night.frames[day].drop(columns="churned"), f"day{day}", START + (day + 1) * DAY)
        if day > 3:
            night.labels(day - 3)
    assert ((mix(12) - then) * np.log(mix(12) / then)).sum() > 0.5
    points = metrics.history(night.db, night.model.id, "auc")
    assert (points[8].reading.value or 0) > (points[0].reading.value or 1)
    assert [alert.title for alert in alerts.page(night.db, only_open=False) if alert.tier == "page"] == []
