import dataclasses
import math
import sqlite3
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import db as store
from storage.errors import RefusedError
from storage.records.looks import Binary, Look, Means, Moments, PairedBinary, PairedMeans, Ranks, Split, Sums
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule, RolloutRule, StageRule
from storage.records.rule_documents import hashed, read_rule, rule_document
from storage.records.slices import Predicate
from storage.tables import looks as look_table
from storage.tables import rollouts
from tests.conftest import NOW

SLICED = GuardrailRule(
    "error in jfk", "error", "up", "odds", 1.15, needs_labels=True, lag=timedelta(days=3), slice="jfk",
    predicates=(Predicate("origin", "=", "JFK"), Predicate("hour", "between", (17.0, 20.0))), floored=True,
)  # fmt: skip
LATENCY = GuardrailRule("latency", "latency", "up", "rank", 0.02, sd=0.1 + 0.2, cap=1e-300, minimum_units=2000)
RULE = hashed(
    (
        StageRule("canary", "canary", 0.1, (SLICED, LATENCY), 1000, 50, 6.5, 2, ("legal",), 0.005, 0.05),
        StageRule("full", "full", 1.0),
    ),
    True,
)


def look(rollout_id: int, sums: Sums, guardrail: str = "error", batches: tuple[int, ...] = (3,)) -> Look:
    hour = timedelta(hours=1)
    return Look(0, rollout_id, "canary", guardrail, "v7", batches, NOW, NOW + hour, NOW + 2 * hour, 100, 90, sums)


def test_a_rule_is_read_back_the_same_and_hashed() -> None:
    assert read_rule(rule_document(RULE)) == RULE
    assert len(RULE.sha256) == 64
    assert hashed(RULE.stages, False).sha256 != RULE.sha256
    other = dataclasses.replace(RULE.stages[0], alpha_harm=0.0051)
    assert hashed((other, RULE.stages[1]), True).sha256 != RULE.sha256
    with pytest.raises(ValueError, match="JSON compliant"):
        hashed((dataclasses.replace(RULE.stages[0], minimum_hours=math.nan),), False)


def test_a_rollout_goes_its_way_and_ends(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    model = register()
    one = rollouts.insert(db, model.id, "v8", "v7", RULE, by="ada", now=NOW)
    assert rollouts.get(db, one).rule == RULE
    assert (rollouts.get(db, one).stage, rollouts.get(db, one).state) == (None, "open")
    with pytest.raises(RefusedError, match="open already"):
        rollouts.insert(db, model.id, "v8", "v7", RULE, by="grace", now=NOW)
    other = rollouts.insert(db, model.id, "v9", "v7", RULE, by="grace", now=NOW)
    decided = rollouts.add_decision(
        db, one, "promoted", from_stage="canary", to_stage="full", outcome="promote", dry_run=False, at=NOW,
        document='{"a":1}', by="ada", now=NOW,
    )  # fmt: skip
    rollouts.add_event(db, one, "entered", stage="canary", by="ada", now=NOW)
    rollouts.add_event(db, one, "rebased", baseline="v7b", by="midwatch", now=NOW)
    rollouts.add_event(db, one, "entered", stage="full", decision_id=decided.id, by="ada", now=NOW + timedelta(1))
    found = rollouts.get(db, one)
    assert (found.stage, found.baseline, found.entered_at) == ("full", "v7b", NOW + timedelta(1))
    rollouts.add_event(db, one, "done", by="ada", now=NOW)
    with pytest.raises(RefusedError, match="has ended"):
        rollouts.add_event(db, one, "entered", stage="canary", by="ada", now=NOW)
    assert [r.id for r in rollouts.open_rollouts(db)] == [other]
    assert [r.id for r in rollouts.list_all(db, model.id)] == [other, one]
    again = rollouts.insert(db, model.id, "v8", "v7b", RULE, by="ada", now=NOW)
    newest = rollouts.find(db, model.id, "v8")
    assert newest is not None
    assert newest.id == again
    assert rollouts.find(db, model.id, "v1") is None
    assert [e.kind for e in rollouts.events(db, one)] == ["entered", "rebased", "entered", "done"]
    assert rollouts.decisions(db, one, stage="canary") == [decided]
    assert rollouts.decisions(db, one, kind="stopped") == []


numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 10**12)
moments = st.builds(Moments, counts, numbers, numbers, numbers, numbers, numbers)
sums = st.one_of(
    st.builds(Binary, counts, counts, counts, counts), st.builds(Means, moments, moments),
    st.builds(Ranks, counts, counts, numbers, numbers), st.builds(PairedBinary, counts, counts, counts),
    st.builds(PairedMeans, counts, numbers, numbers), st.builds(Split, counts, counts, numbers),
)  # fmt: skip


@given(sums)
def test_sums_are_kept_to_the_last_bit(one: Sums) -> None:
    kind = next(name for name, known in look_table._KINDS.items() if isinstance(one, known))
    text = look_table.sums_document(one)
    assert look_table.read_sums(kind, text) == one
    assert look_table.sums_document(look_table.read_sums(kind, text)) == text


def test_a_look_is_taken_once(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    model = register()
    one = rollouts.insert(db, model.id, "v8", "v7", RULE, by="ada", now=NOW)
    first = look(one, Binary(10, 1, 90, 8))
    assert rollouts.add_looks(db, [first, look(one, Ranks(10, 90, 0.5, 0.0), "latency")], NOW) == 2
    assert rollouts.add_looks(db, [look(one, Binary(10, 9, 90, 8))], NOW) == 0
    kept = rollouts.looks(db, one, "canary", "v7")
    assert [dataclasses.replace(k, id=0) for k in kept] == [first, look(one, Ranks(10, 90, 0.5, 0.0), "latency")]
    assert rollouts.looks(db, one, "shadow") == rollouts.looks(db, one, baseline="v6") == ()
    assert look_table.done(db, one, "canary", "v7") == {("error", (3,)), ("latency", (3,))}
    with pytest.raises(ValueError, match="JSON compliant"):
        rollouts.add_looks(
            db, [look(one, PairedMeans(1, 1.0, 1.0), "a"), look(one, PairedMeans(1, math.inf, 1.0))], NOW
        )
    assert len(rollouts.looks(db, one)) == 2
    rollouts.add_event(db, one, "stopped", by="ada", now=NOW)
    two = rollouts.insert(db, model.id, "v8", "v7", RULE, by="ada", now=NOW)
    assert look_table.used_before(db, two, model.id, "v8", "canary") == {3}
    assert look_table.used_before(db, one, model.id, "v8", "canary") == set()


def test_of_two_at_once_one_opens_the_rollout(store_file: Path, register: Callable[..., Model]) -> None:
    model = register()
    told: list[str] = []

    def run() -> None:
        db = store.connect(store_file)
        try:
            rollouts.insert(db, model.id, "v8", "v7", RULE, by="ada", now=NOW)
            told.append("opened")
        except RefusedError:
            told.append("refused")
        finally:
            db.close()

    racers = [threading.Thread(target=run) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(told) == ["opened", "refused", "refused", "refused"]


def test_a_rule_without_stages_is_a_rule() -> None:
    assert read_rule(rule_document(RolloutRule((), False, ""))).stages == ()
