import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from core.kept.slices import keep
from core.rollouts.opening import find, open_rollout
from core.rollouts.rule import resolve
from core.versions import Sources, add, deploy
from storage.errors import MidwatchError, RefusedError, UsageError
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import audit
from tests.conftest import ADA
from tests.core.rollouts.logs import ALL, MODEL, OPENED, START, candidate, requests, take_in, write

Register = Callable[..., Model]


def reference(db: sqlite3.Connection, model: Model, folder: Path) -> None:
    take_in(db, model, write(folder, "r.parquet", requests(0, [("v7", "full", 300)])), START, role="reference")


def test_what_goes_without_saying(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    rule = resolve(db, register(MODEL))
    assert [stage.stage for stage in rule.stages] == ["shadow", "canary", "full"]
    shadow, canary, full = rule.stages
    [paired], [odds] = shadow.guardrails, canary.guardrails
    assert (paired.name, paired.method, paired.margin, paired.unit) == ("error", "paired odds", 1.3, "row")
    assert (odds.method, odds.margin, odds.needs_labels, odds.lag) == ("odds", 1.15, True, timedelta(days=2))
    assert (odds.sd, odds.cap, odds.minimum_units, full.guardrails) == (None, None, 0, ())
    assert (shadow.alpha_harm, canary.alpha_harm, canary.alpha_promote, canary.traffic) == (0.005, 0.005, 0.05, 0.2)


def test_margins_caps_and_spreads_come_from_the_reference(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL + ALL + "\n[gates]\nharm = 0.04\npromote = 0.1\n")
    reference(db, model, tmp_path)
    frame = requests(0, [("v7", "full", 300)])
    shadow, canary = (stage for stage in resolve(db, model).stages[:2])
    rules = {one.name: one for one in canary.guardrails}
    paired = {one.name: one for one in shadow.guardrails}
    assert set(paired) == {"error", "loss", "latency"}
    assert (canary.alpha_harm, canary.alpha_promote) == (0.02, 0.1)

    loss = -np.log(np.where(frame["churned"] == 1, frame["score"], 1 - frame["score"]))
    capped = np.minimum(loss, np.quantile(loss, 0.99))
    assert rules["loss"].cap == pytest.approx(np.quantile(loss, 0.99))
    assert rules["loss"].sd == pytest.approx(capped.std(ddof=1))
    assert rules["loss"].margin == pytest.approx(0.15 * capped.mean())
    assert (rules["loss"].covariate, rules["loss"].minimum_units) == ("tenure", 0)
    assert (paired["loss"].method, paired["loss"].covariate) == ("paired mean", None)
    assert paired["loss"].margin == pytest.approx(0.3 * capped.mean())

    assert (rules["latency"].method, rules["latency"].sd) == ("rank", None)
    assert rules["latency"].margin == pytest.approx(1.15 / 2.15 - 0.5)
    assert not rules["latency"].needs_labels
    assert paired["latency"].margin == pytest.approx(0.3 * frame["latency_ms"].mean())

    money = frame["price"] * (1 - frame["churned"])
    assert (rules["money"].method, rules["money"].minimum_units, rules["money"].needs_labels) == ("mean", 2000, True)
    assert rules["money"].margin == pytest.approx(0.15 * money.mean())


def test_a_model_whose_answers_change_what_happens_judges_no_outcome_in_shadow(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL.replace('task = "binary"', 'task = "binary"\nfeedback_loop = true') + ALL)
    reference(db, model, tmp_path)
    rule = resolve(db, model)
    assert rule.feedback_loop
    assert [[one.name for one in stage.guardrails] for stage in rule.stages] == [
        ["latency"], ["error", "loss", "latency", "money"], []
    ]  # fmt: skip


def test_critical_slices_and_scenarios_are_guarded_too(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    text = (
        MODEL + '[[guardrails]]\nname = "mine"\nsignal = "error"\nslice = "free"\nstages = ["canary"]\nmargin = 1.5\n'
    )
    model = register(text)
    with pytest.raises(UsageError, match="no slice called 'free'"):
        resolve(db, model)
    for name, kind in (("pro", "critical"), ("free", "scenario"), ("other", "user")):
        keep(db, model, name, [Predicate("plan", "=", name)], kind=kind, actor=ADA, now=START)  # type: ignore[arg-type]
    shadow, canary, _ = resolve(db, model).stages
    assert [(one.name, one.margin, one.floored) for one in canary.guardrails] == [
        ("mine", 1.5, False), ("error in pro", 2.0, True)
    ]  # fmt: skip
    assert [one.name for one in shadow.guardrails] == ["error in pro"]
    assert canary.guardrails[0].predicates == (Predicate("plan", "=", "free"),)


def test_a_vital_slice_of_numbers_is_guarded_by_a_margin_that_guards(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL.replace('task = "binary"', 'task = "regression"').replace('name = "auc"', 'name = "mae"'))
    reference(db, model, tmp_path)
    keep(db, model, "pro", [Predicate("plan", "=", "pro")], kind="critical", actor=ADA, now=START)
    shadow, canary, _ = resolve(db, model).stages
    frame = requests(0, [("v7", "full", 300)])
    off = (frame["score"] - frame["churned"]).abs()[frame["plan"] == "pro"].mean()
    assert [one.name for one in canary.guardrails] == ["abs_error", "abs_error in pro"]
    assert [stage.guardrails[1].margin for stage in (shadow, canary)] == pytest.approx([0.3 * off, 0.3 * off])


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ('signal = "loss"', RefusedError, "'x' has no values in the reference"),
        ('signal = "latency"\nmethod = "mean"', RefusedError, "'x' has no values in the reference"),
        ('signal = "latency"\nmethod = "odds"', UsageError, "about numbers: it has no odds"),
        ('signal = "error"\nmargin = 0.2', UsageError, "a margin of odds is above 1"),
        ('signal = "latency"\nmargin = 0.7\nstages = ["canary"]', UsageError, "a margin of ranks is below 0.5"),
        ('signal = "sql"\nsql = "price"\nmethod = "odds"', MidwatchError, "can't be checked: churn has no log yet"),
    ],
)
def test_a_guardrail_that_cannot_be_judged_is_told_when_the_rollout_opens(
    db: sqlite3.Connection, register: Register, change: str, kind: type[MidwatchError], said: str
) -> None:
    model = register(f'{MODEL}[[guardrails]]\nname = "x"\n{change}\n')
    with pytest.raises(kind, match=said):
        resolve(db, model)


def test_sql_of_a_guardrail_is_one_expression_over_the_row(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    for sql in (
        "price) + sum(price",
        "price; drop table log",
        "nothing_there",
        "(select 1)",
        "read_text('/etc/passwd')",
    ):
        model = register(f'{MODEL}[[guardrails]]\nname = "x"\nsignal = "sql"\nsql = "{sql}"\n')
        if sql.startswith("price)"):
            reference(db, model, tmp_path)
        with pytest.raises(MidwatchError, match="'x'"):
            resolve(db, model)


def test_an_sql_of_yes_and_no_is_judged_by_odds(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(f'{MODEL}[[guardrails]]\nname = "dear"\nsignal = "sql"\nsql = "price > 20"\n')
    reference(db, model, tmp_path)
    [dear] = resolve(db, model).stages[1].guardrails
    assert (dear.method, dear.needs_labels, dear.margin) == ("odds", False, 1.15)


def test_opening_says_what_is_missing(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(MODEL)
    with pytest.raises(UsageError, match="v8"):
        open_rollout(db, model, "v8", actor=ADA, now=OPENED)
    for name in ("v7", "v8"):
        add(db, model, name, Sources(seed=name), actor=ADA, now=START)
    with pytest.raises(RefusedError, match="nothing is known to serve churn in full") as nothing:
        open_rollout(db, model, "v8", actor=ADA, now=OPENED)
    assert nothing.value.hint == "record what does: midwatch deploy churn VERSION --stage full, or ingest its log"
    deploy(db, model, "v7", "full", at=START, actor=ADA, now=START)
    with pytest.raises(RefusedError, match="v7 serves churn in full already"):
        open_rollout(db, model, "v7", actor=ADA, now=OPENED)
    assert find(db, model, "v8") is None
    opened = open_rollout(db, model, "v8", actor=ADA, now=OPENED)
    assert (opened.baseline, opened.stage, opened.state, find(db, model, "v8")) == ("v7", None, "open", opened)
    assert next(audit.recent(db, 1)).action == "rollout.open"
    with pytest.raises(RefusedError, match="open already"):
        open_rollout(db, model, "v8", actor=ADA, now=OPENED)


def test_one_stage_has_no_gate_and_a_shadow_needs_ids(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL.split("[[stages]]")[0])
    with pytest.raises(RefusedError, match="one stage, full: there is no gate"):
        candidate(db, model, tmp_path)
    bare = register(MODEL.replace('id = "request_id"\n', ""))
    with pytest.raises(UsageError, match="names no id column"):
        open_rollout(db, bare, "v8", actor=ADA, now=OPENED)
