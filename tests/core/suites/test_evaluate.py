"""Candidate against baseline on the same rows: numbers, floors, splits, doors."""

import hashlib
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.suites.rows import RowsAsked
from core.suites.spec import refuse_unlike
from storage.errors import RefusedError, SourceError, UsageError
from storage.records.models import Model
from storage.tables import audit, suites
from tests.conftest import NOW
from tests.core.log_batches import add_batch
from tests.core.suites.scene import BUSINESS, ROWS, TEXT, Scene, make


@pytest.fixture
def scene(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Scene:
    return make(db, register, tmp_path)


def test_numbers_are_those_of_pandas_on_the_newest_rows(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    scene = make(db, register, tmp_path, TEXT + BUSINESS)
    done = scene.evaluate()
    newest = scene.table.tail(ROWS * 3 // 10)
    whole = done.whole
    assert whole is not None
    assert (done.counts.rows, done.counts.older, done.counts.coverage) == (len(newest), ROWS - len(newest), 1.0)
    one, other = ((newest[v] - newest["delay"]).abs() for v in ("v2", "v1"))
    told = {metric.metric: metric for metric in whole.metrics}
    mae, cost = told["mae"], told["cost"]
    assert mae.baseline is not None
    assert mae.difference is not None
    assert cost.difference is not None
    assert mae.candidate.value == pytest.approx(one.mean())
    assert mae.baseline.value == pytest.approx(other.mean())
    assert mae.difference.value == pytest.approx(one.mean() - other.mean())
    half = 1.9761 * (one - other).std() / np.sqrt(len(newest))
    assert mae.difference.high == pytest.approx(one.mean() - other.mean() + half, rel=1e-3)
    assert told["rmse"].candidate.value == pytest.approx(np.sqrt((one**2).mean()))
    assert cost.difference.value == pytest.approx(((one - other) * newest["weight"]).mean())
    assert cost.difference.low is not None
    assert told["long_delays"].candidate.value == pytest.approx((newest["delay"] > 30).mean())
    assert "reads no prediction" in told["long_delays"].method
    assert suites.get(scene.db, done.id) == done
    assert audit.verify(scene.db).broken_at is None


def test_a_broken_critical_slice_vetoes_a_better_mean_and_is_named_first(scene: Scene) -> None:
    scene.keep("lga", "LGA", 12.0)
    scene.keep("jfk", "JFK", 30.0, "scenario")
    done = scene.evaluate()
    assert done.comparison == "better"
    assert not done.passes
    assert [(part.name, part.standing) for part in done.parts[:2]] == [("lga", "broken"), ("jfk", "holds")]
    assert "'lga' breaks its floor 12" in done.reasons[0]


def test_a_slice_that_can_not_be_told_is_not_sure_and_holds(scene: Scene) -> None:
    scene.change(labels=replace(scene.model.file.labels, minimum=100))
    scene.keep("lga", "LGA", 90.0)
    done = scene.evaluate()
    assert (done.comparison, done.passes, done.parts[0].standing) == ("better", False, "not sure")
    assert "not enough labels" in done.reasons[0]


def test_another_floor_makes_another_suite_and_numbers_are_refused(scene: Scene) -> None:
    scene.keep("lga", "LGA", 12.0)
    first = scene.evaluate()
    refuse_unlike(first, first)
    scene.suite(margin=0.5)
    other = scene.evaluate()
    assert other.suite.sha256 != first.suite.sha256
    assert any("not comparable" in note for note in other.notes)
    with pytest.raises(RefusedError, match=r"not comparable.*margin: 0.0, now 0.5"):
        refuse_unlike(first, other)


def test_the_split_is_by_time_and_a_random_one_is_flagged(scene: Scene) -> None:
    by_time, random, whole = scene.evaluate(), scene.evaluate(split="random"), scene.evaluate(split="all")
    assert not by_time.flags
    assert "random split" in random.flags[0]
    assert 0.2 < random.counts.rows / ROWS < 0.4
    assert whole.counts.rows == ROWS
    assert len({one.suite.sha256 for one in (by_time, random, whole)}) == 3
    scene.own_rows(scene.table.drop(columns="at"))
    with pytest.raises(UsageError, match="has a time"):
        scene.evaluate()


def test_rows_without_an_answer_of_either_are_counted_and_left_out(scene: Scene) -> None:
    newest = scene.table.tail(ROWS * 3 // 10)
    done = scene.evaluate(
        scores=scene.scores("v2", newest.iloc[10:]), baseline_scores=scene.scores("v1", newest.iloc[:-5])
    )
    assert (done.counts.no_candidate, done.counts.no_baseline) == (10, 5)
    assert done.counts.rows == len(newest) - 15
    assert (done.comparison, done.passes) == ("better", False)
    assert "answers only 140 of 150 rows" in done.reasons[0]
    with pytest.raises(SourceError, match="both"):
        scene.evaluate(scores=scene.scores("v2", newest.iloc[:9]), baseline_scores=scene.scores("v1", newest.iloc[9:]))


def test_scores_that_contradict_themselves_are_refused(scene: Scene) -> None:
    path = scene.folder / "twice.csv"
    path.write_text("id,prediction\nF00499,3\nF00499,4\n")
    with pytest.raises(SourceError, match=r"F00499.*twice"):
        scene.evaluate(scores=str(path))


def test_predictions_come_from_logs_of_a_shadow(scene: Scene) -> None:
    columns = scene.table.columns.drop(["v1", "v2"])
    batches = []
    for number, version in enumerate(("v1", "v2")):
        path = scene.folder / f"batch_{version}.csv"
        served = scene.table[columns].assign(predicted=scene.table[version], version=version)
        served.to_csv(path, index=False)
        stage = "shadow" if version == "v2" else None
        batches.append(add_batch(scene.db, scene.model, path, number, ROWS, now=NOW, stage=stage))
    by_log = scene.evaluate(data=RowsAsked(batches=tuple(batches)), scores=None, baseline_scores=None)
    by_file = scene.evaluate()
    assert (by_log.candidate_door.kind, by_log.baseline_door.kind) == ("log", "log")
    assert by_log.parts == by_file.parts
    assert by_log.counts.given == ROWS


def test_a_scorer_never_sees_what_is_known_afterwards(scene: Scene) -> None:
    code = (
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    row = json.loads(line)\n"
        "    assert sorted(row) == ['at', 'distance', 'flight', 'origin', 'weight'], row\n"
        "    print(json.dumps({'prediction': 10 + 0.03 * row['distance']}))\n"
    )
    scene.change(scoring={"command": [sys.executable, "-c", code]})
    done = scene.evaluate("v3", scores=None)
    newest = scene.table.tail(ROWS * 3 // 10)
    whole = done.whole
    assert whole is not None
    assert whole.metrics[0].candidate.value == pytest.approx(
        (10 + 0.03 * newest["distance"] - newest["delay"]).abs().mean()
    )
    assert done.candidate_door.kind == "scorer"


def test_data_that_is_not_the_one_named_is_refused(scene: Scene) -> None:
    right = hashlib.sha256(Path(scene.rows).read_bytes()).hexdigest()
    assert scene.evaluate(data=replace(scene.asked, sha256=(right[:12],))).passes
    with pytest.raises(RefusedError, match="not the data that was named"):
        scene.evaluate(data=replace(scene.asked, sha256=("0" * 64,)))


def test_without_predictions_the_doors_are_named(scene: Scene) -> None:
    with pytest.raises(UsageError, match=r"no predictions of 'v9'.*--scores"):
        scene.evaluate("v9")
    with pytest.raises(UsageError, match="own baseline"):
        scene.evaluate("v1")


@pytest.mark.parametrize("simple", ["prior", "logistic", "tree"])
def test_the_gain_over_a_simple_baseline_is_on_the_same_rows(scene: Scene, simple: str) -> None:
    scene.suite(simple=simple)
    gain = scene.evaluate().gain
    newest, older = scene.table.tail(ROWS * 3 // 10), scene.table.head(ROWS * 7 // 10)
    assert gain is not None
    assert gain.trained == len(older)
    assert gain.value is not None
    candidate = (newest["v2"] - newest["delay"]).abs().mean()
    if simple == "prior":
        assert gain.value == pytest.approx((older["delay"].mean() - newest["delay"]).abs().mean())
    assert gain.gain == pytest.approx(gain.value - candidate)
    assert gain.reached is (simple == "prior")


def test_a_gain_under_the_least_that_is_asked_for_holds(scene: Scene) -> None:
    scene.suite(gain=99.0)
    done = scene.evaluate()
    assert (done.comparison, done.passes) == ("better", False)
    assert "less than the 99" in done.reasons[-1]


def test_the_order_of_rows_changes_nothing(scene: Scene) -> None:
    scene.keep("lga", "LGA", 12.0)
    first = scene.evaluate()
    scene.own_rows(scene.table.sample(frac=1.0, random_state=1))
    again = scene.evaluate(scores=scene.scores("v2", scene.table.sample(frac=1.0, random_state=2)))
    assert again.parts == first.parts
    assert again.gain == first.gain
    assert again.data != first.data


def test_classes_are_compared_by_their_names(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    text = TEXT.replace("regression", "multiclass").replace("tolerance = 10.0\n", "").replace('"mae"', '"accuracy"')
    scene = make(db, register, tmp_path, text.replace('[[metrics]]\nname = "rmse"\n', ""))
    words = np.array(["late", "early", "on time"])
    table = scene.table
    places = np.arange(len(table))
    table["delay"] = words[places % 3]
    table["v1"] = np.where(places % 4 == 0, words[(places + 1) % 3], words[places % 3])
    table["v2"] = np.where(places % 20 == 0, words[(places + 1) % 3], words[places % 3])
    scene.own_rows(table)
    scene.suite(simple="tree")
    done = scene.evaluate(scores=scene.scores("v2", table), baseline_scores=scene.scores("v1", table))
    newest = table.tail(ROWS * 3 // 10)
    whole = done.whole
    assert whole is not None
    assert whole.metrics[0].candidate.value == pytest.approx((newest["v2"] == newest["delay"]).mean())
    assert done.comparison == "better"
    assert done.gain is not None
    assert done.gain.reached is True


def test_a_business_metric_may_be_the_primary_one_with_floors_of_its_own(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    text = TEXT.replace("primary = true\n", "") + BUSINESS.replace('"cost"\n', '"cost"\nprimary = true\n', 1)
    scene = make(db, register, tmp_path, text)
    scene.keep("lga", "LGA", 20.0)
    done = scene.evaluate()
    lga = scene.table.tail(ROWS * 3 // 10).query("origin == 'LGA'")
    part = done.parts[0]
    assert part.primary is not None
    assert part.primary.candidate.value == pytest.approx(((lga.v2 - lga.delay).abs() * lga.weight).mean())
    assert (part.name, part.standing, done.comparison) == ("lga", "broken", "better")
    assert done.gain is not None
    assert done.gain.metric == "mae"
