"""A shadow of a model whose answers change what happens: nothing is judged, requests that both answered are counted."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from core.rollouts import arming, deciding, promotion, turns
from core.rollouts.opening import find
from storage.records.looks import Split
from storage.records.models import Model
from tests.conftest import ADA
from tests.core.rollouts.logs import DAY, MODEL, OPENED, bare, candidate, requests, take_in, write

LOOP = MODEL.replace('task = "binary"', 'task = "binary"\nfeedback_loop = true').replace(
    'name = "shadow"\n', 'name = "shadow"\nminimum_rows = 100\nminimum_hours = 24\n'
)
SHADOW = (("v7", "full", 90), ("v8", "shadow", 60))


def test_it_is_left_once_enough_requests_were_answered_by_both(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(LOOP)
    rollout = candidate(db, model, tmp_path)
    now = OPENED

    def promote() -> str | None:
        plan = promotion.plan(db, model, "v8", now=now, actor=ADA)
        promotion.promote(db, model, plan, reason="agreed", actor=ADA, now=now)
        found = find(db, model, "v8")
        return None if found is None else found.stage

    def said() -> tuple[str, list[str]]:
        turns.keep_up(db, model, now=now)
        found = find(db, model, "v8")
        assert found is not None
        verdict = deciding.standing(db, model, found, now=now).verdict
        return verdict.outcome, [reason.text for reason in verdict.reasons if reason.kind == "minimum"]

    assert promote() == "shadow"
    arming.arm(db, model, rollout.rule.stages[0], reason="ready", actor=ADA, now=now)
    take_in(db, model, write(tmp_path, "d1.parquet", requests(1, SHADOW, shared=True)), now)
    assert said()[0] == "hold"
    assert said()[1][0] == "rows: 60 of 100, 40 missing"
    take_in(db, model, write(tmp_path, "d2.parquet", requests(2, SHADOW, shared=True)), now)
    assert said() == ("promote", [])
    assert [look.sums for look in bare(db, rollout, "shadow")] == [Split(60, 60, 0.5)] * 2
    now = now + DAY / 24
    assert promote() == "canary"
