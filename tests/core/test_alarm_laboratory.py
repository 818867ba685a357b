"""The laboratory of the alarms in its quick form: what it plants, and that its replay decides as ingest does."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.alert_answers import give_feedback
from core.ingest import ingest
from storage import db as store
from storage import model_file
from storage.host import Actor
from storage.tables import models
from tests.benchmarks.alarm_days import plant
from tests.benchmarks.alarm_faults import AFTER, BEFORE, KNOWN, Table
from tests.benchmarks.alarm_figures import average_precision, figures, wilson
from tests.benchmarks.alarm_replay import MODEL, Record, Run, replay
from tests.benchmarks.alarm_year import Hour, Incident, incidents, live, months

ADA = Actor("ada", "here")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HISTORY, DAYS = 8, 8


@pytest.fixture(scope="module")
def table() -> Table:
    """Thirty days of 120 rows."""
    draw, parts = np.random.default_rng(3), []
    for day in range(30):
        n = 120
        seconds = np.sort(draw.integers(0, 86_400, n))
        age, plan = draw.normal(40, 9, n).round(), draw.choice(["free", "basic", "gold"], n, p=[0.5, 0.35, 0.15])
        part = {
            "ts": pd.Timestamp("2026-10-05") + pd.to_timedelta(day * 86_400 + seconds, unit="s"),
            "request_id": day * n + np.arange(n),
            "plan": plan.astype(object),
            "region": draw.choice(["N", "S", "E"], n).astype(object),
            "age": age,
            "spend": draw.lognormal(3, 0.5, n).round(2),
            "hour": (seconds // 3600).astype(float),
            "label": (draw.random(n) < 1 / (1 + np.exp((40 - age) / 9))).astype(int),
            "day": day,
        }
        parts.append(pd.DataFrame(part))
    dates = {day: f"day {day}" for day in range(30)}
    return Table(
        "small", pd.concat(parts, ignore_index=True), ("age", "spend", "hour"), ("plan", "region"), ("hour",), (), dates
    )


@pytest.fixture(scope="module")
def run(table: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planted run of few days."""
    folder = tmp_path_factory.mktemp("run")
    plant(table, folder, seed=4, start=12, kinds=KNOWN, history=HISTORY, days=DAYS)
    return folder


def test_a_replay_decides_as_ingest_does(run: Path, tmp_path: Path) -> None:
    truth = json.loads((run / "truth.json").read_text())["truth"]
    told = replay(run, tmp_path / "kept").records
    (tmp_path / "bench.toml").write_text(MODEL)
    store.prepare(tmp_path / "s.db")
    db = store.connect(tmp_path / "s.db")
    _, text, sha256 = model_file.read(tmp_path / "bench.toml")
    models.register(db, "bench", path="bench.toml", text=text, sha256=sha256, actor=ADA, now=NOW)
    model = models.get(db, "bench")
    files = [str(run / f"day_{i:03d}.parquet") for i in range(HISTORY + DAYS)]
    list(ingest(db, model, files[:HISTORY], role="reference", actor=ADA, now=NOW))
    for record, path in zip(told, files[HISTORY:], strict=True):
        (done,) = ingest(db, model, [path], actor=ADA, now=NOW)
        loud = [alert for alert in done.alerts if alert.tier in ("page", "ticket")]
        assert bool(loud) == record.alarm
        assert done.score == pytest.approx(record.score, abs=1e-5)
        assert tuple(dict.fromkeys(c for alert in loud for c in alert.columns)) == record.accused
        for alert in loud:
            give_feedback(db, alert.id, "acted" if truth[record.day]["fault"] else "noise", actor=ADA, now=NOW)
    db.close()


def test_what_is_kept_of_a_file_changes_nothing(run: Path, tmp_path: Path) -> None:
    first, second = (replay(run, tmp_path, feedback="wrong10").records for _ in range(2))
    assert first == second
    assert list(tmp_path.rglob("*.profile"))


def test_the_same_seed_plants_the_same(table: Table, run: Path, tmp_path: Path) -> None:
    plant(table, tmp_path, seed=4, start=12, kinds=KNOWN, history=HISTORY, days=DAYS)
    assert (tmp_path / "truth.json").read_text() == (run / "truth.json").read_text()
    faults = [day["fault"] for day in json.loads((run / "truth.json").read_text())["truth"]]
    assert not any(faults[:HISTORY])
    assert sum(map(bool, faults)) == round(0.35 * DAYS)


@pytest.mark.parametrize("kind", [*BEFORE, *AFTER])
def test_a_fault_touches_what_it_says(table: Table, kind: str) -> None:
    day = table.rows[table.rows["day"] == 5].drop(columns="day").reset_index(drop=True)
    day["prediction"] = np.linspace(0.1, 0.9, len(day))
    planted = next(
        found for seed in range(20) if (found := (BEFORE | AFTER)[kind](day, table, np.random.default_rng(seed)))
    )
    shown, columns, severity = planted
    assert severity
    if columns == ("__rows__",):
        assert len(shown) != len(day)
    elif set(shown) != set(day):
        assert set(columns) == set(shown) ^ set(day)
    else:
        assert {c for c in day if not shown[c].equals(day[c])} <= set(columns)


def test_figures_of_days_known_by_heart() -> None:
    day = Record(0, "", None, (), "", False, 0.0, ())
    days = [
        replace(day, fault="frozen", columns=("x",), alarm=True, score=3.0, accused=("x",)),
        replace(day, fault="clipped", columns=("x",), score=0.5),
        replace(day, alarm=True, score=2.0, accused=("y",)),
        day,
    ]
    assert average_precision(days) == pytest.approx((1 + 2 / 3) / 2)
    told = {share.name: share.value for share in figures([Run("run", 0.0, tuple(days))])}
    assert told["precision"] == told["recall"] == 0.5
    assert told["false_alarms_per_30_clean_days"] == 15
    assert told["first_column_right"] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_month_counts_each_incident_and_each_false_alarm_once() -> None:
    planted = [Incident(0, 0, "frozen", 200, 203), Incident(1, 0, "clipped", 300, 300)]
    opened = {150: ("page",), 201: ("ticket",), 202: ("page",)}
    told = [
        Hour(0, h, next((i.number for i in planted if i.first <= h <= i.last), None), opened.get(h, ()), h in opened)
        for h in range(100, 400)
    ]
    (month,) = months(told, planted).to_dict("records")
    assert month["false"] == month["false alarms"] == 1
    assert (month["alarms"], month["incidents"], month["found"]) == (3, 2, 1)
    assert month["precision"] == pytest.approx(2 / 3)


def test_a_week_and_a_day_of_hours_can_be_lived(table: Table) -> None:
    planted = incidents(9, 1, 1, seed=2)
    told, _ = live(0, table=table, days=8, planted=planted, seed=2)
    assert [h.hour for h in told] == list(range(168, 192))
