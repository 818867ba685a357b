"""Metrics of batches, of windows of batches, and over time."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.measure import measure_batch, trend, window
from core.objectives import objective, persistent_drop, slo_state, slo_states
from storage.errors import ModelFileError, SourceError, UsageError
from storage.logs.source import open_log
from storage.records.models import Model
from storage.records.results import MetricValue
from storage.tables import batches, metrics
from tests.conftest import CHURN
from tests.core.log_batches import DAY, START, add_batch, predictions

BUSINESS = """
[[metrics]]
name = "revenue_per_user"
kind = "business"
sql = "avg(plan_price * (1 - churned))"
direction = "up"
[[metrics]]
name = "revenue_per_request"
kind = "business"
sql = "sum(plan_price) / count(*)"
direction = "up"
[[metrics]]
name = "accuracy"
"""
LATER = START + 40 * DAY


def measure(
    db: sqlite3.Connection, model: Model, frame: pd.DataFrame, folder: Path, day: int, **options: object
) -> dict:
    path = folder / f"day{day}.csv"
    frame.to_csv(path, index=False)
    batch = add_batch(db, model, path, day, len(frame), now=LATER, **options)
    with open_log(path) as source:
        return {value.metric: value for value in measure_batch(db, model, batch, source, LATER)}


def test_values_are_those_of_pandas_and_scikit_learn(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    from sklearn.metrics import roc_auc_score

    model = register(CHURN + BUSINESS)
    frame = predictions(0)
    got = measure(db, model, frame, tmp_path, 0)
    assert got["auc"].value == pytest.approx(roc_auc_score(frame.churned, frame.score), abs=2e-4)
    assert got["accuracy"].value == pytest.approx(((frame.score >= 0.5) == frame.churned).mean())
    revenue = frame.plan_price * (1 - frame.churned)
    assert got["revenue_per_user"].value == pytest.approx(revenue.mean())
    assert got["revenue_per_user"].high - got["revenue_per_user"].value == pytest.approx(
        1.966 * revenue.std() / 20, rel=1e-3
    )
    ratio = got["revenue_per_request"]
    assert ratio.value == pytest.approx(frame.plan_price.mean())
    assert ratio.high - ratio.low == pytest.approx(4 * frame.plan_price.std() / 20, rel=0.35)
    assert {v.metric for v in metrics.current(db, 1)} == set(got)


def test_a_window_is_the_merge_of_its_batches(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(CHURN + BUSINESS)
    frames = [predictions(day) for day in range(3)]
    for day, frame in enumerate(frames):
        measure(db, model, frame, tmp_path, day)
    other = tmp_path / "whole"
    other.mkdir()
    whole = measure(db, model, pd.concat(frames), other, 20)
    for name in ("auc", "accuracy", "revenue_per_user", "revenue_per_request"):
        merged = window(db, model, name, START, START + 3 * DAY, now=LATER)
        assert (merged.n, merged.batches, merged.coverage) == (1200, 3, 1.0)
        assert merged.value == pytest.approx(whole[name].value, abs=1e-9)
    assert window(db, model, "auc", START, START + DAY, now=LATER).n == 400
    assert window(db, model, "auc", START + 9 * DAY, LATER - DAY * 25, now=LATER).note == "no data"


def test_immature_windows_are_flagged_and_left_out(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(CHURN + BUSINESS.replace("sum(plan_price) / count(*)", "sum(plan_price)"))
    for day in range(3):
        measure(db, model, predictions(day), tmp_path, day)
    now = START + 5 * DAY  # the lag is three days: the window of day 1 ends at day 2
    assert [p.immature for p in trend(db, model, "auc", now=now)] == [False, False, True]
    assert [p.immature for p in trend(db, model, "revenue_per_request", now=now)] == [False] * 3
    merged = window(db, model, "auc", START, START + 3 * DAY, now=now)
    assert (merged.batches, merged.immature) == (2, 1)
    assert window(db, model, "auc", START, START + 3 * DAY, now=now, immature=True).batches == 3
    assert len(trend(db, model, "auc", 2, now=now)) == 2


def test_few_labels_are_words_and_never_a_number_until_they_add_up(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(CHURN + BUSINESS)
    for day in range(2):
        frame = predictions(day, 1_000)
        frame["churned"] = frame.churned.astype("Int64").where(np.arange(1_000) % 33 == 0)
        got = measure(db, model, frame, tmp_path, day)
        for name in ("auc", "accuracy", "revenue_per_user"):
            assert (got[name].value, got[name].low, got[name].high) == (None, None, None)
            assert got[name].note == "not enough labels: 31 of 50"
        assert got["revenue_per_request"].value is not None
        assert slo_state(db, model, START + 9 * DAY).state == ("not enough labels" if day == 0 else "ok")
    merged = window(db, model, "auc", START, START + 3 * DAY, now=LATER)
    assert merged.value is not None
    assert (merged.labelled, merged.coverage) == (62, 0.031)
    assert trend(db, model, "auc", now=LATER)[0].coverage == 0.031


def test_recomputing_appends_and_the_newest_counts(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()
    measure(db, model, predictions(0), tmp_path, 0)
    with open_log(tmp_path / "day0.csv") as source:
        measure_batch(db, model, batches.get(db, 1), source, LATER + DAY)
    assert db.execute("SELECT count(*) FROM metric_values").fetchone()[0] == 2
    assert len(metrics.current(db, 1)) == 1
    assert len(trend(db, model, "auc", now=LATER)) == 1


def test_shadow_batches_are_not_what_users_saw(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(CHURN + '[[stages]]\nname = "shadow"\n[[stages]]\nname = "full"\n')
    measure(db, model, predictions(0), tmp_path, 0, stage="shadow")
    measure(db, model, predictions(1), tmp_path, 1, stage="full")
    assert [p.stage for p in trend(db, model, "auc", now=LATER)] == ["full"]


@pytest.mark.parametrize(
    ("yes", "no", "positive"),
    [
        ("Y", " N ", None),
        ("true", "false", None),
        ("Yes", "no", None),
        ("churned", "stayed", "churned"),
        ("1.0", "0.0", None),
    ],
)
def test_labels_come_as_people_write_them(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path, yes: str, no: str, positive: str | None
) -> None:
    text = CHURN.replace("minimum = 50", f'minimum = 50\npositive = "{positive}"') if positive else CHURN
    frame = predictions(0)
    truth = measure(db, register(), frame, tmp_path, 0)["auc"].value
    frame["churned"] = frame.churned.map({1: yes, 0: no})
    assert measure(db, register(text), frame, tmp_path, 1)["auc"].value == pytest.approx(truth)


def test_labels_that_cannot_be_read_are_counted(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    frame = predictions(0)
    frame["churned"] = frame.churned.map({1: "gone", 0: "stayed"})
    got = measure(db, register(), frame, tmp_path, 0)["auc"]
    assert got.value is None
    assert "400 labels can't be read; name the positive one in labels.positive" in got.note


def test_classes_as_predictions_and_broken_scores(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(CHURN + BUSINESS)
    frame = predictions(0)
    classes = frame.assign(score=np.where(frame.score >= 0.5, "yes", "no"))
    assert measure(db, model, classes, tmp_path, 0)["accuracy"].value == pytest.approx(
        ((frame.score >= 0.5) == frame.churned).mean()
    )
    text = frame.score.astype(str)
    text[:6] = ["", "nan", "inf", "-0.5", "7", "1e400"]
    got = measure(db, model, frame.assign(score=text), tmp_path, 1)
    assert got["auc"].n == 394
    assert "2 outside [0, 1]" in got["auc"].note
    assert got["revenue_per_user"].note is None


def test_multiclass_and_regression(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> None:
    frame = predictions(0)
    rng = np.random.default_rng(0)
    frame["churned"] = rng.choice(["cat", "dog", "Ölfass"], 400)
    frame["score"] = np.where(rng.random(400) < 0.8, frame.churned, "dog")
    text = CHURN.replace('"binary"', '"multiclass"').replace('"auc"', '"accuracy"')
    got = measure(db, register(text), frame, tmp_path, 0)["accuracy"]
    assert got.value == pytest.approx((frame.score == frame.churned).mean())
    frame["churned"], frame["score"] = rng.normal(20, 5, 400), rng.normal(21, 5, 400)
    frame.loc[:3, "churned"] = [np.inf, -np.inf, np.nan, 1.0]
    text = CHURN.replace('"binary"', '"regression"').replace('"auc"', '"bias"')
    got = measure(db, register(text), frame, tmp_path, 1)["bias"]
    assert got.n == 397
    assert got.value == pytest.approx((frame.score - frame.churned)[3:].mean())


def test_the_class_that_the_log_names_counts_over_the_threshold(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    more = "".join(f'[[metrics]]\nname = "{name}"\n' for name in ("accuracy", "precision", "recall", "prediction_rate"))
    text = CHURN.replace('id = "request_id"', 'id = "request_id"\npredicted_class = "decision"') + more
    frame = predictions(0)
    decided = frame.score >= 0.8
    got = measure(db, register(text), frame.assign(decision=np.where(decided, "Y", "N")), tmp_path, 0)
    assert got["accuracy"].value == pytest.approx((decided == frame.churned).mean())
    assert got["precision"].value == pytest.approx(frame.churned[decided].mean())
    assert got["recall"].value == pytest.approx(decided[frame.churned == 1].mean())
    assert got["prediction_rate"].value == pytest.approx(decided.mean())


def test_latency_needs_no_labels(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> None:
    text = CHURN.replace('id = "request_id"', 'id = "request_id"\nlatency = "ms"') + '[[metrics]]\nname = "latency"\n'
    frame = predictions(0).assign(ms=np.arange(1, 401)).drop(columns="churned")
    got = measure(db, register(text), frame, tmp_path, 0)
    assert got["latency"].kind == "ops"
    assert got["latency"].value == pytest.approx(380, rel=0.011)
    assert got["auc"].note == "not enough labels: 0 of 50"


def test_wrong_metrics_are_refused(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> None:
    model = register()
    with pytest.raises(UsageError, match="has no metric 'acc'"):
        trend(db, model, "acc", now=LATER)
    attack = BUSINESS.replace("sum(plan_price) / count(*)", "(SELECT count(*) FROM read_csv('/etc/passwd'))")
    with pytest.raises(ModelFileError, match="revenue_per_request"):
        measure(db, register(CHURN + attack), predictions(0), tmp_path, 0)
    assert db.execute("SELECT count(*) FROM metric_values").fetchone()[0] == 0
    with pytest.raises(SourceError, match="no column 'score'"):
        measure(db, register(CHURN), predictions(1).drop(columns="score"), tmp_path, 1)


def put(db: sqlite3.Connection, model: Model, tmp_path: Path, values: list[float], name: str = "auc") -> None:
    """Metric values without files behind them."""
    for day, value in enumerate(values):
        path = tmp_path / f"{name}{day}.csv"
        path.write_text(f"{name}{day}")
        batch = add_batch(db, model, path, day, 10_000, now=LATER)
        metrics.append(
            db, model.id, batch.id, [MetricValue(name, "ml", value, value - 0.01, value + 0.01, 10_000, 10_000)], LATER
        )


def test_an_objective_fails_burns_and_pages_only_when_it_stays(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()
    assert slo_state(db, model, LATER).state == "no data"
    put(db, model, tmp_path, [0.75] * 20 + [0.60] + [0.75] * 3 + [0.60] * 3)
    early, blip, late = (slo_state(db, model, START + timedelta(days=d)) for d in (23, 24, 31))
    assert (early.state, early.level, early.budget_left) == ("ok", "none", 1.0)
    assert (blip.state, blip.level) == ("failing", "none")
    assert (late.state, late.level, late.objective) == ("failing", "page", ">= 0.68")
    assert late.missed == 4
    assert late.budget_left < 0
    assert late.note.startswith("4 of 26 windows missed auc >= 0.68; the error budget is spent 15.4 times over")
    assert slo_states(db, model, LATER) == (slo_state(db, model, LATER),)
    assert objective(db, register(CHURN.replace('slo = ">= 0.68"', "")), model.file.metrics[0], LATER).metric == "auc"


def test_windows_that_are_still_immature_are_no_data(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register()
    put(db, model, tmp_path, [0.5])
    state = slo_state(db, model, START + 2 * DAY)
    assert state.state == "no data"
    assert state.note.endswith("1 are younger than the label lag")


def test_a_lag_longer_than_the_objectives_window_is_no_obstacle(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(CHURN.replace('lag = "3d"', 'lag = "60d"'))
    put(db, model, tmp_path, [0.75] * 30)
    assert slo_state(db, model, START + 30 * DAY).state == "no data"
    state = slo_state(db, model, START + 90 * DAY)
    assert (state.state, state.windows) == ("ok", 27)
    assert slo_state(db, model, START + 190 * DAY).state == "no data"


def test_a_small_drop_that_stays_is_found_with_its_onset(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.75, 0.004, 36)
    values[26:] -= 0.012
    model = register()
    put(db, model, tmp_path, values.tolist())
    verdict, onset = persistent_drop(db, model, "auc", LATER)
    assert verdict.status == "fail"
    assert abs(onset - (START + 26 * DAY)) <= 2 * DAY
    assert persistent_drop(db, model, "auc", START + 28 * DAY)[0].status == "pass"
