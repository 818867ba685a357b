"""What gates behind a shadow and behind a canary ask beside their looks."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.shadow import representing, standing
from core.shadow.compare import compare
from core.shadow.refusals import NOT_VALID
from storage.records.models import Model, StageKind
from storage.records.rollouts import GuardrailRule, Rollout, RolloutRule, StageRule
from tests.conftest import NOW
from tests.core.shadow.kit import TEXT, requests, shadowed, take

Register = Callable[..., Model]
ERROR = GuardrailRule("error", "error", "up", "odds", 1.5, needs_labels=True, lag=timedelta(days=1))
LATENCY = GuardrailRule("slow", "latency", "up", "mean", 0.1, sd=1.0)
FEEDBACK = 'feedback_loop = true\ntask = "binary"'


def rollout(
    model: Model, kind: StageKind, *guardrails: GuardrailRule, feedback: bool = False
) -> tuple[Rollout, StageRule]:
    """A rollout of v2 against v1 that is in a stage of this kind."""
    stages = tuple(StageRule(name, name, 0.1, guardrails) for name in ("shadow", "canary", "full"))  # type: ignore[arg-type]
    rule = RolloutRule(stages, feedback, "0" * 64)
    found = Rollout(1, model.id, model.name, "v2", "v1", rule, kind, "open", "ada", NOW, NOW)
    return found, next(stage for stage in stages if stage.stage == kind)


@pytest.mark.parametrize(("allowed", "met"), [("0.10", True), ("0.02", False)])
def test_a_shadow_may_disagree_as_often_as_the_model_file_allows(
    db: sqlite3.Connection, register: Register, tmp_path: Path, allowed: str, met: bool
) -> None:
    model = register(f"{TEXT}[gates]\ndisagreement = {allowed}\n")
    base = requests(2000)
    take(
        db,
        model,
        tmp_path / "log.parquet",
        pd.concat([base, shadowed(base, flips=dict.fromkeys(("EU", "NA", "APAC"), 0.05))]),
    )
    found, stage = rollout(model, "shadow")
    [one] = standing.conditions(db, model, found, stage, now=NOW)
    assert (one.kind, one.met) == ("shadow", met)
    compared = compare(db, model, found, now=NOW)
    assert compared.disagreement is not None
    assert compared.within is met
    assert f"{compared.disagreement.count} of 2,000 requests" in one.text
    assert standing.conditions(db, model, found, rollout(model, "full")[1], now=NOW) == ()
    (tmp_path / "log.parquet").unlink()
    [gone] = standing.conditions(db, model, found, stage, now=NOW)
    assert not gone.met
    assert "answers can't be compared: the file of batch 1" in gone.text


def test_without_ids_a_shadow_holds_with_the_reason(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(TEXT.replace('id = "rid"\n', ""))
    base = requests(100)
    take(db, model, tmp_path / "log.parquet", pd.concat([base, shadowed(base, flips={})]))
    found, stage = rollout(model, "shadow")
    [one] = standing.conditions(db, model, found, stage, now=NOW)
    assert not one.met
    assert "names no id column: answers to the same request can't be joined" in one.text


def test_with_a_feedback_loop_what_depends_on_exposure_is_refused_with_the_reason(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    text = TEXT.replace('task = "binary"', FEEDBACK)
    base = requests(300)
    model = register(text)
    take(
        db,
        model,
        tmp_path / "log.parquet",
        pd.concat([base, shadowed(base, flips=dict.fromkeys(("EU", "NA", "APAC"), 0.1))]),
    )
    found, stage = rollout(model, "shadow", ERROR, LATENCY, feedback=True)
    refused, agrees = standing.conditions(db, model, found, stage, now=NOW)
    assert refused.met  # nobody asked for it here: it is told, and judged where users see the answers
    assert refused.text.startswith(f"{NOT_VALID}: error ")
    assert agrees.met
    compared = compare(db, model, found, now=NOW)
    assert compared.metrics == ()
    assert (compared.why_no_metrics or "").startswith(NOT_VALID)
    assert compared.disagreement is not None  # disagreement stays
    model = register(f'{text}[[guardrails]]\nname = "error"\nsignal = "error"\nstages = ["shadow", "canary"]\n')
    asked, _ = standing.conditions(db, model, found, stage, now=NOW)
    assert not asked.met
    assert "take 'shadow' out of its stages" in asked.text


def canary(base: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    """The same log, with some of its rows served by the candidate in the canary."""
    version, stage = np.where(rows, "v2", "v1"), np.where(rows, "canary", "full")
    return base.assign(version=version, stage=stage)


def test_a_canary_with_ios_only_is_no_good_sample_and_names_what_is_thin(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(TEXT)
    base = requests(6000)
    drawn = pd.Series(np.random.default_rng(7).random(6000) < 0.1)
    take(db, model, tmp_path / "ios.parquet", canary(base, drawn & (base["platform"] == "ios")))
    found, stage = rollout(model, "canary")
    [one] = representing.conditions(db, model, found, stage, now=NOW)
    assert (one.kind, one.met) == ("sample", False)
    told = representing.representing(db, model, "v2", "canary", now=NOW)
    rest = base[~(drawn & (base["platform"] == "ios"))]
    android = (rest["platform"] == "android").mean()
    assert f"platform = android has 0.0% of canary and {android:.1%} of the rest" in one.text
    assert (told.rows, told.rest_rows) == (len(base) - len(rest), len(rest))
    assert told.thin[0].words == "platform = android"
    assert representing.conditions(db, model, found, rollout(model, "shadow")[1], now=NOW) == ()


def test_a_canary_that_is_drawn_is_a_good_sample_also_where_arms_write_files_of_their_own(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(TEXT)
    base = requests(4000)
    drawn = pd.Series(np.random.default_rng(8).random(4000) < 0.1)
    log = canary(base, drawn).drop(columns=["version", "stage"])
    take(db, model, tmp_path / "live.parquet", log[~drawn], version="v1", stage="full")
    take(
        db,
        model,
        tmp_path / "other.parquet",
        requests(500, seed=9, hour=5).drop(columns=["version", "stage"]),
        version="v1",
        stage="full",
    )
    found, stage = rollout(model, "canary")
    [early] = representing.conditions(db, model, found, stage, now=NOW)
    assert (early.met, early.text) == (False, "no row of 'v2' was served in 'canary' yet")
    take(db, model, tmp_path / "canary.parquet", log[drawn], version="v2", stage="canary")
    [one] = representing.conditions(db, model, found, stage, now=NOW)
    assert one.met
    assert one.text.startswith(f"as far as {drawn.sum()} rows tell, canary is a good sample of all traffic")
    told = representing.representing(db, model, "v2", "canary", now=NOW)
    assert len(told.batches) == 2  # the other hour is not what it is held against
