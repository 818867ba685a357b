"""Two versions over the same requests: every number as pandas has it."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import log_loss, roc_auc_score

from core.kept.slices import keep
from core.shadow.compare import compare_versions
from core.stats.intervals import wilson
from storage.records.models import Model
from storage.records.slices import Predicate
from tests.conftest import ADA, NOW
from tests.core.shadow.kit import START, TEXT, requests, shadowed, take

Register = Callable[..., Model]
FLIPS = {"EU": 0.12, "NA": 0.02, "APAC": 0.02}


@pytest.fixture
def logged(db: sqlite3.Connection, register: Register, tmp_path: Path) -> tuple[Model, pd.DataFrame]:
    """One file of a window with both versions; the joined truth of it, as pandas has it."""
    model = register(TEXT)
    base = requests(3000)
    shadow = shadowed(base, flips=FLIPS).iloc[:2500]
    take(db, model, tmp_path / "log.parquet", pd.concat([base, shadow]).sort_values("ts", kind="stable"))
    return model, shadow.merge(base, on="rid", suffixes=("", "_b"))


def test_without_labels_all_numbers_are_those_of_pandas(
    db: sqlite3.Connection, logged: tuple[Model, pd.DataFrame]
) -> None:
    model, both = logged
    keep(db, model, "europe", [Predicate("region", "=", "EU")], kind="critical", actor=ADA, now=NOW)
    found = compare_versions(db, model, "v2", "v1", now=NOW)
    assert (found.stage, found.both, found.coverage) == ("shadow", 2500, 2500 / 3000)
    assert [(a.version, a.rows, a.requests, a.only) for a in found.answers] == [
        ("v2", 2500, 2500, 0), ("v1", 3000, 3000, 500),
    ]  # fmt: skip
    differs = (both["score"] >= 0.6) != (both["score_b"] >= 0.6)
    assert found.disagreement is not None
    assert (found.disagreement.count, found.disagreement.n) == (differs.sum(), 2500)
    assert (found.disagreement.low, found.disagreement.high) == pytest.approx(wilson(differs.sum(), 2500))
    assert found.disagreement.low < 0.12 / 3 + 0.04 / 3 < found.disagreement.high
    moved = both["score"] - both["score_b"]
    assert found.shift is not None
    assert found.shift.mean == pytest.approx(moved.mean())
    low, high = stats.t.interval(0.95, 2499, moved.mean(), stats.sem(moved))
    assert (found.shift.low, found.shift.high) == pytest.approx((low, high), abs=1e-5)
    assert found.shift.absolute == pytest.approx(moved.abs().mean())
    for point in found.shift.quantiles:
        assert point.candidate == pytest.approx(both["score"].quantile(point.q))
        assert point.baseline == pytest.approx(both["score_b"].quantile(point.q))
        assert point.difference == pytest.approx(moved.quantile(point.q))
    edges = [-np.inf, *both["score_b"].quantile(np.arange(1, 10) / 10), np.inf]
    parts = [pd.cut(both[c], edges).value_counts(sort=False) / 2500 for c in ("score", "score_b")]
    assert found.shift.psi == pytest.approx(((parts[0] - parts[1]) * np.log(parts[0] / parts[1])).sum(), abs=1e-3)
    ups = int((differs & (both["score"] >= 0.6)).sum())
    assert {(m.baseline, m.candidate): m.requests for m in found.moves} == {
        ("negative", "positive"): ups, ("positive", "negative"): differs.sum() - ups,
    }  # fmt: skip
    [kept] = found.slices
    europe = both["region"] == "EU"
    assert (kept.name, kept.kind, kept.requests) == ("europe", "critical", europe.sum())
    assert kept.disagreement is not None
    assert kept.disagreement.count == differs[europe].sum()
    assert kept.shift == pytest.approx(moved[europe].mean())
    assert [one.words for one in (*found.by_disagreement, *found.by_shift)] == ["region = EU", "region = EU"]
    assert found.latency is not None
    assert found.latency.difference == pytest.approx(2)
    assert found.latency.candidate_p95 == pytest.approx(both["ms"].quantile(0.95))


def test_with_labels_both_versions_are_measured_on_the_same_requests(
    db: sqlite3.Connection, logged: tuple[Model, pd.DataFrame]
) -> None:
    model, both = logged
    found = compare_versions(db, model, "v2", "v1", now=NOW, slices=False)
    told = {gap.metric: gap for gap in found.metrics}
    assert found.labelled == 2500
    right = [(both[c] >= 0.6) == (both["label"] == 1) for c in ("score", "score_b")]
    gap = told["accuracy"]
    assert (gap.candidate.value, gap.baseline.value) == (right[0].mean(), right[1].mean())
    paired = right[0].astype(int) - right[1].astype(int)
    low, high = stats.t.interval(0.95, 2499, paired.mean(), stats.sem(paired))
    assert (gap.difference, gap.low, gap.high) == pytest.approx((paired.mean(), low, high), abs=1e-5)
    assert gap.better == "v1"
    auc = told["auc"]
    for reading, column in ((auc.candidate, "score"), (auc.baseline, "score_b")):
        assert reading.value == pytest.approx(roc_auc_score(both["label"], both[column]), abs=2e-3)
    assert auc.low is not None
    assert auc.high is not None
    unpaired = (auc.candidate.high or 0) - (auc.candidate.low or 0)
    assert 0 < auc.high - auc.low < unpaired  # what both share cancels
    loss = told["log_loss"]
    assert loss.difference == pytest.approx(
        log_loss(both["label"], both["score"].clip(1e-15, 1 - 1e-15))
        - log_loss(both["label"], both["score_b"].clip(1e-15, 1 - 1e-15)),
        abs=2e-3,
    )


def test_arms_in_files_of_their_own_are_joined_within_a_window_and_not_beyond(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(TEXT)
    for hour in (0, 1):
        base = requests(300, hour=hour)  # the ids of both hours are alike
        take(
            db,
            model,
            tmp_path / f"live{hour}.parquet",
            base.drop(columns=["version", "stage"]),
            version="v1",
            stage="full",
        )
        if hour == 1:
            shadow = shadowed(base, flips=dict.fromkeys(FLIPS, 1.0)).drop(columns=["version", "stage", "spend"])
            take(db, model, tmp_path / "shadow.parquet", shadow, version="v2", stage="shadow")
    found = compare_versions(db, model, "v2", "v1", now=NOW)
    assert (found.both, found.answers[1].only) == (300, 0)
    assert found.disagreement is not None
    assert found.disagreement.value == 1.0
    assert found.start is not None
    assert found.start >= START + timedelta(hours=1)
    assert len(found.batches) == 2


def test_of_a_retry_the_last_answer_counts_and_rows_without_an_id_are_told(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(TEXT)
    base = requests(200)
    shadow = shadowed(base, flips=dict.fromkeys(FLIPS, 0.0))
    again = shadow.iloc[:20].assign(ts="2026-11-19T23:59:59Z", score=lambda f: np.where(f["score"] >= 0.6, 0.1, 0.9))
    base.loc[190:, "rid"] = None
    shadow.loc[100:104, "score"] = np.nan
    take(db, model, tmp_path / "log.parquet", pd.concat([again, shadow, base]))
    found = compare_versions(db, model, "v2", "v1", now=NOW)
    candidate, baseline = found.answers
    assert (candidate.rows, candidate.requests, candidate.repeated, candidate.unlike) == (220, 200, 20, 20)
    assert (baseline.without_id, baseline.requests, found.both) == (10, 190, 190)
    assert candidate.unreadable == 5
    assert found.disagreement is not None
    assert (found.disagreement.count, found.disagreement.n) == (5, 190)  # an answer that can't be read is another one
    assert {m.candidate for m in found.moves} == {"not readable"}
    assert any("more than once and not alike" in told for told in found.unknown)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rid": "text"}, "no row of 'v1' has an id"),
        ({"user": "text"}, "they name no requests"),
        ({"apart": "text"}, "no request was answered by both 'v2' and 'v1'"),
        ({"version": "v9"}, "no row is of the version 'v2'"),
    ],
)
def test_what_cannot_be_joined_is_said_and_nothing_is_compared(
    db: sqlite3.Connection, register: Register, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    model = register(TEXT)
    base = requests(120)
    shadow = shadowed(base, flips=dict.fromkeys(FLIPS, 0.0))
    if "rid" in change:
        base["rid"] = None
    if "user" in change:
        base["rid"] = [f"u{i % 7}" for i in range(120)]
    if "apart" in change:
        shadow["rid"] += "x"
    if "version" in change:
        shadow["version"] = "v9"
    take(db, model, tmp_path / "log.parquet", pd.concat([base, shadow]))
    found = compare_versions(db, model, "v2", "v1", now=NOW)
    assert found.not_answered is not None
    assert said in found.not_answered
    assert (found.disagreement, found.shift, found.metrics) == (None, None, ())


def test_a_regression_disagrees_beyond_its_tolerance_and_without_one_only_shifts(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    text = TEXT.split("[[metrics]]")[0].replace('"binary"', '"regression"').replace('"shadow"', '"full"')
    stages = '[[stages]]\nname = "shadow"\n[[stages]]\nname = "full"\n'
    base = requests(400)
    base["score"] = base["spend"] * 2
    base["label"] = base["spend"] * 2 + 1
    rng = np.random.default_rng(5)
    shadow = base.assign(score=base["score"] + rng.normal(0.5, 2, 400), version="v2", stage="shadow")
    moved = shadow["score"] - base["score"]
    model = register(text + stages)
    take(db, model, tmp_path / "log.parquet", pd.concat([base, shadow]))
    found = compare_versions(db, model, "v2", "v1", now=NOW)
    assert found.disagreement is None
    assert "tolerance" in (found.why_no_disagreement or "")
    assert found.shift is not None
    assert found.shift.mean == pytest.approx(moved.mean())
    told = {gap.metric: gap for gap in found.metrics}
    errors = [(frame["score"] - frame["label"]).abs() for frame in (shadow, base)]
    assert told["mae"].difference == pytest.approx((errors[0] - errors[1]).mean())
    model = register(text.replace("minimum = 50", "minimum = 50\ntolerance = 1.5") + stages)
    found = compare_versions(db, model, "v2", "v1", now=NOW)
    assert found.disagreement is not None
    assert found.disagreement.count == (moved.abs() > 1.5).sum()


def test_labels_that_have_not_had_their_time_are_no_labels(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(TEXT.replace("minimum = 50", 'minimum = 50\nlag = "2d"'))
    base = requests(200)
    take(db, model, tmp_path / "log.parquet", pd.concat([base, shadowed(base, flips=FLIPS)]))
    early = compare_versions(db, model, "v2", "v1", now=START + timedelta(days=1))
    assert (early.metrics, early.immature) == ((), 1)
    assert "has a label that had its time" in (early.why_no_metrics or "")
    assert compare_versions(db, model, "v2", "v1", now=START + timedelta(days=3)).labelled == 200


def test_a_file_that_names_one_stage_for_all_its_rows_holds_both_versions(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(TEXT.replace('stage = "stage"\n', ""))
    base = requests(100)
    both = pd.concat([base, shadowed(base, flips=FLIPS)]).drop(columns="stage")
    take(db, model, tmp_path / "log.parquet", both.assign(version=both["version"].str[1:]), stage="shadow")
    found = compare_versions(db, model, "2", "1", now=NOW)  # versions that are numbers
    assert (found.stage, found.both) == ("shadow", 100)


def test_classes_disagree_by_name_and_are_measured_by_the_same_names(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    text = TEXT.split("[[metrics]]")[0].replace('"binary"', '"multiclass"')
    model = register(f'{text}[[metrics]]\nname = "accuracy"\n[[stages]]\nname = "shadow"\n[[stages]]\nname = "full"\n')
    rng, names = np.random.default_rng(3), np.array(["cat", "dog", "fox"])
    base = requests(600)
    truth, said = names[rng.integers(0, 3, 600)], names[rng.integers(0, 3, 600)]
    base = base.assign(label=truth, score=np.where(rng.random(600) < 0.8, truth, said))
    shadow = base.assign(score=np.where(base["score"] == "fox", "Dog", base["score"]), version="v2", stage="shadow")
    take(db, model, tmp_path / "log.parquet", pd.concat([base, shadow]))
    found = compare_versions(db, model, "v2", "v1", now=NOW)
    foxes = int((base["score"] == "fox").sum())
    assert found.disagreement is not None
    assert (found.disagreement.count, found.shift) == (foxes, None)
    assert [(m.baseline, m.candidate, m.requests) for m in found.moves] == [("fox", "Dog", foxes)]
    [gap] = found.metrics
    right = [(frame["score"].str.lower() == base["label"]).mean() for frame in (shadow, base)]
    assert (gap.candidate.value, gap.baseline.value) == pytest.approx(tuple(right))
