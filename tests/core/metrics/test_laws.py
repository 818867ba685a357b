"""Laws that every registered metric keeps, and values held against scikit-learn."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics.base import Metric, Reading, Sample
from core.metrics.registry import METRICS, metric, specs
from core.stats import auc as auc_bins
from storage.errors import ModelFileError
from storage.model_file import parse
from storage.records.models import Task

FITTING = [(m, task) for m in METRICS for task in m.tasks]
IDS = [f"{m.name}-{task}" for m, task in FITTING]
NAN = float("nan")


def draw(task: Task, n: int, seed: int = 0, skill: float = 0.6) -> Sample:
    """Rows of a model: ``skill`` 0 is a coin, 1 an oracle."""
    rng = np.random.default_rng(seed)
    latency = rng.lognormal(3.0, 0.7, n)
    if task == "regression":
        labels = rng.normal(20, 5, n)
        return Sample(task, labels + (1 - skill) * (rng.normal(0, 4, n) + 2), labels, latency)
    if task == "multiclass":
        labels = rng.integers(0, 4, n).astype(float)
        return Sample(task, np.where(rng.random(n) < skill, labels, (labels + 1) % 4), labels, latency)
    labels = (rng.random(n) < 0.3).astype(float)
    noise = rng.normal(0, 1, n)
    logits = 40 * (labels - 0.5) if skill == 1 else np.where(labels == 1, 1.0, -1.0) * 2 * skill + (1 - skill) * noise
    return Sample(task, 1 / (1 + np.exp(-logits)), labels, latency)


def rows(sample: Sample, chosen: object) -> Sample:
    return Sample(sample.task, sample.scores[chosen], sample.labels[chosen], sample.latency[chosen], sample.threshold)


def same(a: Reading, b: Reading) -> None:
    assert (a.n, a.note) == (b.n, b.note)
    for x, y in ((a.value, b.value), (a.low, b.low), (a.high, b.high)):
        assert (x is None and y is None) or x == pytest.approx(y, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("m", "task"), FITTING, ids=IDS)
@settings(max_examples=10, deadline=None)
@given(n=st.integers(0, 300), cut=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_merging_equals_the_whole_in_any_order(m: Metric, task: Task, n: int, cut: float, seed: int) -> None:
    sample = draw(task, n, seed)
    sample.scores[::7] = NAN
    sample.labels[::5] = NAN
    order = np.random.default_rng(seed).permutation(n)
    k = round(cut * n)
    a, b = (json.loads(json.dumps(m.sums(rows(sample, part)))) for part in (order[:k], order[k:]))
    whole = m.read(m.sums(sample))
    same(m.read(m.merge(a, b)), whole)
    same(m.read(m.merge(b, a)), whole)


@pytest.mark.parametrize(("m", "task"), FITTING, ids=IDS)
def test_nothing_is_a_named_outcome(m: Metric, task: Task) -> None:
    read = m.read(m.sums(draw(task, 0)))
    assert (read.value, read.low, read.high, read.n) == (None, None, None, 0)
    assert read.note


@pytest.mark.parametrize(("m", "task"), FITTING, ids=IDS)
def test_the_interval_holds_the_value_and_narrows(m: Metric, task: Task) -> None:
    few, many = (m.read(m.sums(draw(task, n))) for n in (200, 20_000))
    for read in (few, many):
        assert None not in (read.value, read.low, read.high)
        assert read.low <= read.value <= read.high
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize(("m", "task"), FITTING, ids=IDS)
def test_broken_values_change_nothing(m: Metric, task: Task) -> None:
    sample = draw(task, 400)
    dirt = np.array([NAN, np.inf, -np.inf] + ([-0.1, 1.1] if task == "binary" else []))
    dirty = Sample(
        task,
        np.concatenate([sample.scores, dirt]),
        np.concatenate([sample.labels, np.ones(dirt.size)]),
        np.concatenate([sample.latency, np.full(dirt.size, NAN)]),
    )
    same(m.read(m.sums(dirty)), m.read(m.sums(sample)))


@pytest.mark.parametrize(("m", "task"), [f for f in FITTING if f[0].needs_labels], ids=lambda v: getattr(v, "name", v))
def test_better_predictions_never_read_worse(m: Metric, task: Task) -> None:
    if m.name == "calibration":  # a sharper model isn't a better calibrated one
        pytest.skip("judged by its own test")
    values = [m.read(m.sums(draw(task, 3_000, skill=skill))).value for skill in (0.05, 0.3, 0.6, 0.9, 1.0)]
    goodness = {"up": lambda v: v, "down": lambda v: -v, "zero": lambda v: -abs(v)}[m.direction]
    assert [goodness(v) for v in values] == sorted(goodness(v) for v in values)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_perfect_predictions_read_perfect(task: Task) -> None:
    perfect = {"up": 1.0, "down": 0.0, "zero": 0.0}
    for m in METRICS:
        if task in m.tasks and m.needs_labels:
            read = m.read(m.sums(draw(task, 500, skill=1.0)))
            assert read.value == pytest.approx(perfect[m.direction], abs=1e-6), m.name


def test_the_worst_predictions_read_worst() -> None:
    good = draw("binary", 500, skill=1.0)
    bad = Sample("binary", 1 - good.scores, good.labels)
    for name, worst in (("auc", 0.0), ("accuracy", 0.0), ("precision", 0.0), ("recall", 0.0), ("calibration", 1.0)):
        m = next(m for m in METRICS if m.name == name)
        assert m.read(m.sums(bad)).value == pytest.approx(worst, abs=1e-6), name


def test_calibration_grows_as_scores_leave_what_comes_true() -> None:
    m = next(m for m in METRICS if m.name == "calibration")
    rng = np.random.default_rng(3)
    scores = rng.random(20_000)
    labels = (rng.random(20_000) < scores).astype(float)
    values = [m.read(m.sums(Sample("binary", np.clip(scores + shift, 0, 1), labels))).value for shift in (0, 0.1, 0.3)]
    assert values == sorted(values)
    assert values[0] < 0.02
    assert values[2] > 0.2


@pytest.mark.parametrize("seed", range(4))
def test_binary_values_are_those_of_scikit_learn(seed: int) -> None:
    from sklearn import metrics as peers

    sample = draw("binary", 5_000, seed, skill=0.2 * seed)
    read = {m.name: m.read(m.sums(sample)).value for m in METRICS if "binary" in m.tasks}
    y, s = sample.labels, sample.scores
    assert read["log_loss"] == pytest.approx(peers.log_loss(y, s))
    assert read["accuracy"] == pytest.approx(peers.accuracy_score(y, s >= 0.5))
    assert read["precision"] == pytest.approx(peers.precision_score(y, s >= 0.5))
    assert read["recall"] == pytest.approx(peers.recall_score(y, s >= 0.5))
    counts = auc_bins.histogram(s[y == 1]), auc_bins.histogram(s[y == 0])
    off = abs(read["auc"] - peers.roc_auc_score(y, s))
    assert off <= auc_bins.bound(*counts) + 1e-12
    assert off < 2e-4


@pytest.mark.parametrize("scale", [1e-5, 1e-3, 1.0])
def test_auc_holds_its_bound_for_rare_events_and_for_classes(scale: float) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(5)
    scores = rng.beta(1, 3, 4_000) * scale
    labels = (rng.random(4_000) < scores / scale).astype(float)
    m = next(m for m in METRICS if m.name == "auc")
    assert m.read(m.sums(Sample("binary", scores, labels))).value == pytest.approx(
        roc_auc_score(labels, scores), abs=2e-3
    )
    classes = (scores > scale / 4).astype(float)
    assert m.read(m.sums(Sample("binary", classes, labels))).value == pytest.approx(roc_auc_score(labels, classes))


def test_the_auc_interval_covers_the_truth_as_often_as_it_says() -> None:
    m = next(m for m in METRICS if m.name == "auc")
    truth = 0.7602499  # of N(1, 1) against N(0, 1): Phi(1 / sqrt 2)
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labels = (rng.random(300) < 0.3).astype(float)
        read = m.read(m.sums(Sample("binary", 1 / (1 + np.exp(-rng.normal(labels, 1))), labels)))
        hits += read.low <= truth <= read.high
    assert 0.91 <= hits / 200 <= 0.99


def test_regression_values_are_those_of_scikit_learn() -> None:
    from sklearn import metrics as peers

    sample = draw("regression", 3_000, 1)
    read = {m.name: m.read(m.sums(sample)).value for m in METRICS if "regression" in m.tasks}
    assert read["mae"] == pytest.approx(peers.mean_absolute_error(sample.labels, sample.scores))
    assert read["rmse"] == pytest.approx(peers.root_mean_squared_error(sample.labels, sample.scores))
    assert read["bias"] == pytest.approx(float(np.mean(sample.scores - sample.labels)))


def test_latency_is_within_one_per_cent_of_the_exact_percentile() -> None:
    sample = draw("binary", 50_000)
    m = next(m for m in METRICS if m.name == "latency")
    read = m.read(m.sums(sample))
    assert read.value == pytest.approx(np.quantile(sample.latency, 0.95), rel=0.0102)


def test_a_threshold_moves_the_classes() -> None:
    sample = draw("binary", 2_000)
    strict = Sample("binary", sample.scores, sample.labels, sample.latency, threshold=0.9)
    rate = next(m for m in METRICS if m.name == "prediction_rate")
    assert rate.read(rate.sums(strict)).value < rate.read(rate.sums(sample)).value


MODEL = 'name = "m"\ntask = "{task}"\n[columns]\ntime = "t"\nprediction = "p"\n{more}'


def test_a_model_without_metrics_gets_those_of_its_task() -> None:
    assert [s.name for s in specs(parse(MODEL.format(task="regression", more=""), "m"))] == ["mae", "rmse", "bias"]
    with_latency = specs(parse(MODEL.format(task="binary", more='latency = "ms"'), "m"))
    assert [(s.name, s.kind) for s in with_latency][-1] == ("latency", "ops")
    assert with_latency[0].primary


def test_a_wrong_metric_is_answered_with_the_nearest() -> None:
    file = parse(MODEL.format(task="binary", more=""), "m")
    with pytest.raises(ModelFileError, match="did you mean 'precision'"):
        metric("precison", file)
    with pytest.raises(ModelFileError, match="no binary model has"):
        metric("mae", file)


def test_names_are_unique_and_every_metric_says_what_it_means() -> None:
    assert len({m.name for m in METRICS}) == len(METRICS)
    assert all(m.meaning for m in METRICS)


def test_reading_stored_values_needs_neither_numpy_nor_duckdb() -> None:
    heavy = "numpy", "scipy", "pandas", "duckdb"
    code = f"import sys, core.measure, core.objectives, core.labels; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
