"""Numbers that are read from evaluations and rollouts, also under another primary metric."""

import math
import sqlite3
from collections.abc import Callable

import pytest

from core.experiments import running
from core.experiments.lives import life_of
from core.experiments.look_gains import gain, guardrail_of, measures
from core.experiments.readings import available, read_new, reread
from core.suites.rotation import rotate
from storage.errors import RefusedError, UsageError
from storage.records.looks import Binary, Look, Means, Moments, PairedMeans, Ranks, Split
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule, StageRule
from storage.tables import experiments
from tests.conftest import ADA, CHURN
from tests.core.experiments.kit import STAGES, day, evaluated, register, rolled_out, running_one

METRICS = """
[[metrics]]
name = "log_loss"
[[metrics]]
name = "accuracy"
"""


@pytest.fixture
def churn(register: Callable[..., Model]) -> Model:
    return register(CHURN + METRICS + STAGES)


def test_evaluations_and_looks_are_read_not_typed(db: sqlite3.Connection, churn: Model) -> None:
    found = running_one(db, churn, metric="accuracy")
    with pytest.raises(UsageError, match="no version carries"):
        read_new(db, found.id, actor=ADA, now=day(1))
    number = rolled_out(db, churn, 2)
    assert {one.stage for one in read_new(db, found.id, version="v43", actor=ADA, now=day(6))} == {"shadow", "canary"}
    shadow, canary = experiments.results(db, found.id)
    assert (shadow.source, shadow.source_ref) == ("rollout", f"rollouts {number}, 2 looks")
    assert shadow.gain == pytest.approx(25 / 1500)
    # Mantel and Haenszel: 800 x 0.02 and 250 x 0.1, each look with its own control.
    assert canary.gain == pytest.approx((800 * 0.02 + 250 * 0.1) / 1050)
    assert (canary.n, canary.version, canary.baseline, canary.at) == (1500, "v43", "v42", day(4))
    assert experiments.get(db, found.id).version == "v43"
    assert read_new(db, found.id, actor=ADA, now=day(7)) == ()
    assert life_of(db, found.id, now=day(7)).stage == "canary"


def test_an_evaluation_older_than_the_registration_is_refused(db: sqlite3.Connection, churn: Model) -> None:
    evaluated(db, churn, 1)
    found = running_one(db, churn, 2)
    with pytest.raises(RefusedError, match="was registered at"):
        read_new(db, found.id, version="v43", actor=ADA, now=day(3))
    assert not experiments.results(db)
    evaluated(db, churn, 4, verified=False)
    assert [one.at for one in available(db, churn, "v43", "auc")] == [day(1)]
    number = evaluated(db, churn, 5, auc=(0.02, 0.01, 0.03))
    [told] = read_new(db, found.id, version="v43", actor=ADA, now=day(6))
    assert (told.stage, told.gain, told.source_ref) == ("offline", 0.02, f"evaluations {number}")


def test_a_running_experiment_is_read_again_under_the_metric_that_is_primary_now(
    db: sqlite3.Connection, churn: Model
) -> None:
    found = running.start(db, register(db, churn).id, version="v43", actor=ADA, now=day(0))
    evaluated(db, churn, 1)
    assert [one.metric for one in read_new(db, found.id, actor=ADA, now=day(2))] == ["auc"]
    assert reread(db, life_of(db, found.id, now=day(2)), now=day(2)) is None
    rotate(db, churn, "log_loss", owner="ada", reason="calibration counts", actor=ADA, now=day(3))
    again = reread(db, life_of(db, found.id, now=day(4)), now=day(4))
    assert again is not None
    assert (again.registered, again.now) == ("auc", "log_loss")
    assert again.under_registered is not None
    assert again.under_now is not None
    # A loss that falls is a gain; what was registered stays what the experiment is judged by.
    assert (again.under_registered.gain, again.under_now.gain) == (0.01, 0.002)
    assert [one.metric for one in read_new(db, found.id, actor=ADA, now=day(5))] == ["log_loss"]
    seen = life_of(db, found.id, now=day(5))
    assert seen.latest is not None
    assert seen.latest.metric == "auc"
    kept = reread(db, seen, now=day(5))
    assert kept is not None
    assert kept.under_now is not None
    assert kept.under_now.gain == 0.002
    assert register(db, churn, 5, metric="").registration.metric == "log_loss"
    running.kill(db, found.id, "enough", actor=ADA, now=day(6))
    assert reread(db, life_of(db, found.id, now=day(6)), now=day(6)) is None


def look(sums: object) -> Look:
    return Look(0, 1, "canary", "g", "v42", (1,), day(0), day(1), day(1), 10, 10, sums)  # type: ignore[arg-type]


def test_gains_of_looks() -> None:
    up = GuardrailRule("g", "abs_error", "up", "mean", 1.0)
    arms = Means(Moments(4, 8.0, 20.0), Moments(4, 12.0, 40.0))
    told = gain([look(arms)], up)
    assert told is not None
    assert told.gain == 1.0
    assert told.high - told.gain == pytest.approx(1.959964 * math.sqrt((4 / 3) / 4 * 2))
    down = gain([look(arms)], GuardrailRule("g", "sql", "down", "mean", 1.0))
    assert down is not None
    assert (down.gain, down.low) == (-1.0, -told.high)
    paired = gain([look(PairedMeans(100, -50.0, 100.0))], up)
    assert paired is not None
    assert (paired.gain, paired.n) == (0.5, 100)
    nothing = (
        Ranks(5, 5, 0.5, 0.0),
        Split(5, 5, 0.5),
        Binary(0, 0, 9, 1),
        Binary(5, 0, 5, 0),
        PairedMeans(1, 1.0, 1.0),
    )
    assert all(gain([look(sums)], up) is None for sums in nothing)
    assert gain([], up) is None


def test_which_guardrail_measures_a_metric() -> None:
    sliced = GuardrailRule("jfk", "error", "up", "odds", 1.1, slice="jfk")
    errors, cost = GuardrailRule("e", "error", "up", "odds", 1.1), GuardrailRule("cost", "sql", "up", "mean", 1.0)
    rule = StageRule("canary", "canary", 0.1, (sliced, errors, cost))
    assert guardrail_of(rule, "accuracy") is errors
    assert guardrail_of(rule, "cost") is cost
    assert guardrail_of(rule, "auc") is None
    assert measures(rule.guardrails) == ("accuracy", "cost")
