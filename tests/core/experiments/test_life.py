"""From the registration to the end: what the store takes, what it refuses, and where the time went."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.experiments import registering, results, running
from core.experiments.lives import PLACES, life_of, lives, split
from storage import db as store
from storage.clock import to_text
from storage.errors import RefusedError, UsageError
from storage.records.experiments import STAGE_KINDS, Registration
from storage.records.models import Model, StageKind
from storage.tables import audit, experiments
from tests.conftest import ADA, CHURN, NOW
from tests.core.experiments.kit import STAGES, day, put, register, running_one


@pytest.fixture
def churn(register: Callable[..., Model]) -> Model:
    return register(CHURN + STAGES)


def test_what_is_registered_is_hashed_whole(db: sqlite3.Connection, churn: Model) -> None:
    found = register(db, churn)
    assert (found.state, found.version, found.registration.kind) == ("registered", None, "data")
    told = json.loads(found.document)
    assert (told["hypothesis"], told["registered_at"]) == ("newer rows cure the drift", to_text(NOW))
    assert registering.wrong(found) == ()
    assert next(e.action for e in audit.recent(db)) == "experiment.register"
    # One changed byte anywhere is another hash; a store that was tampered with is told.
    db.execute("DROP TRIGGER experiments_no_update")
    db.execute("UPDATE experiments SET predicted_high = 0.02")
    assert registering.wrong(experiments.get(db, found.id)) == ("the row says another thing than the document",)
    db.execute("UPDATE experiments SET document = replace(document, '0.01', '0.02')")
    assert "the document has the hash" in registering.wrong(experiments.get(db, found.id))[0]


def test_what_can_not_be_registered(db: sqlite3.Connection, churn: Model) -> None:
    wrong: dict[str, dict[str, object]] = {
        "title and a hypothesis": {"title": " "},
        "no kind": {"kind": "magic"},
        "no metric": {"metric": "f7"},
        "finite": {"predicted_low": float("nan")},
        "upside down": {"predicted_low": 0.5},
        "asks for nothing": {"minimum_gain": 0.0},
        "no experiment 77": {"parent_id": 77},
    }
    for words, other in wrong.items():
        with pytest.raises(UsageError, match=words):
            register(db, churn, **other)
    assert not experiments.listing(db)


def test_no_result_is_older_than_its_registration(db: sqlite3.Connection, churn: Model) -> None:
    found = running_one(db, churn, 3)
    old = results.Measured("offline", 0.01, 0.0, 0.02, "auc", day(2))
    with pytest.raises(RefusedError, match="was registered at"):
        results.record(db, found.id, old, actor=ADA, now=day(4))
    # The store itself refuses what the program would let through, whichever of the two moments is too early.
    values = {"stage": "offline", "kind": "test", "metric": "auc", "gain": 0.01, "low": 0.0, "high": 0.02, "n": None}
    rest = {"version": None, "baseline": None, "source": "typed", "source_ref": None, "note": None, "by": "ada"}
    for at, now in ((day(2), day(4)), (day(4), day(2))):
        with pytest.raises(sqlite3.IntegrityError, match="older than the registered hypothesis"):
            experiments.add_result(db, found.id, **values, **rest, at=at, now=now)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError, match="older than the experiment"):
        experiments.add_event(db, found.id, "kill", body="x", by="ada", now=day(1))
    assert not experiments.results(db)


def test_bad_results(db: sqlite3.Connection, churn: Model) -> None:
    found = running_one(db, churn)
    wrong = (
        ("nowhere", 0.01, 0.0, 0.02, "auc", "no stage"),
        ("offline", 0.01, 0.02, 0.03, "auc", "none of the gain"),
        ("offline", 0.01, 0.01, 0.01, "auc", "none of the gain"),
        ("offline", float("inf"), 0.0, 0.02, "auc", "finite"),
        ("offline", 0.01, 0.0, 0.02, "mae", "no metric"),
    )
    for *told, words in wrong:
        with pytest.raises(UsageError, match=str(words)):
            results.record(db, found.id, results.Measured(*told, at=day(1)), actor=ADA, now=day(1))  # type: ignore[arg-type]
    to_come = results.Measured("offline", 0.01, 0.0, 0.02, "auc", day(2))
    with pytest.raises(UsageError, match="still to come"):
        results.record(db, found.id, to_come, actor=ADA, now=day(1))
    assert not experiments.results(db)


def test_words_after_the_first_result_are_retrofitted(db: sqlite3.Connection, churn: Model) -> None:
    found = running_one(db, churn)
    same = found.registration.hypothesis
    assert not running.explain(db, found.id, "more on it", hypothesis=same, actor=ADA, now=day(1)).retrofitted
    assert running.explain(db, found.id, "or so", hypothesis="the unit was wrong", actor=ADA, now=day(1)).retrofitted
    put(db, found, "offline", 0.01, 2)
    assert running.explain(db, found.id, "it was clear", actor=ADA, now=day(3)).retrofitted
    with pytest.raises(sqlite3.IntegrityError, match="are retrofitted"):
        experiments.add_event(db, found.id, "explain", body="slipped in", by="ada", now=day(4))


def test_one_over_the_limit_is_refused_and_can_replace_another(db: sqlite3.Connection, churn: Model) -> None:
    first, *_ = [running_one(db, churn, title=f"idea {n}") for n in range(3)]
    fourth = register(db, churn)
    with pytest.raises(RefusedError, match="could be stopped: 1 idea 0; 2 idea 1; 3 idea 2") as refused:
        running.start(db, fourth.id, actor=ADA, now=day(1))
    assert f"start {fourth.id} --stop {first.id}" in refused.value.hint
    assert running.start(db, fourth.id, stop=first.id, actor=ADA, now=day(1)).state == "running"
    assert experiments.get(db, first.id).state == "held"
    # What can't be stopped leaves nothing behind, and a limit of a team holds beside that of a model.
    with pytest.raises(RefusedError, match="can't hold"):
        running.start(db, first.id, stop=first.id, actor=ADA, now=day(2))
    running.set_limit(db, "model", "churn", 9, actor=ADA, now=day(2))
    running.set_limit(db, "team", "growth-ml", 3, reason="two people", actor=ADA, now=day(2))
    with pytest.raises(RefusedError, match="the team growth-ml run and 3 may"):
        running.start(db, first.id, actor=ADA, now=day(2))
    running.set_limit(db, "team", "growth-ml", 4, actor=ADA, now=day(2))
    assert running.start(db, first.id, actor=ADA, now=day(2)).state == "running"
    for scope, name, most in (("team", "nobody", 1), ("model", "eta", 1), ("model", "churn", -1)):
        with pytest.raises(UsageError):
            running.set_limit(db, scope, name, most, actor=ADA, now=day(2))  # type: ignore[arg-type]
    assert experiments.limits(db)[1].most == 4


def test_of_two_people_who_start_the_last_one_at_once_one_is_refused(
    db: sqlite3.Connection, churn: Model, store_file: Path
) -> None:
    running.set_limit(db, "model", "churn", 1, actor=ADA, now=day(0))
    for title in ("one", "other"):
        register(db, churn, title=title)

    def attempt(number: int) -> str:
        with closing(store.connect(store_file)) as own:
            try:
                return running.start(own, number, actor=ADA, now=day(1)).state
            except RefusedError:
                return "refused"

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(attempt, (1, 2))) == ["refused", "running"]
    assert sorted(one.state for one in experiments.listing(db)) == ["registered", "running"]


def test_the_ways_between_states(db: sqlite3.Connection, churn: Model) -> None:
    found = register(db, churn)
    told = results.Measured("offline", 0.01, 0.0, 0.02, "auc", day(1))
    with pytest.raises(RefusedError, match="takes no result"):
        results.record(db, found.id, told, actor=ADA, now=day(1))
    with pytest.raises(RefusedError, match="can't launch"):
        running.launch(db, found.id, None, actor=ADA, now=day(1))
    running.start(db, found.id, version="v43", actor=ADA, now=day(1))
    with pytest.raises(UsageError, match="takes a reason"):
        running.kill(db, found.id, " ", actor=ADA, now=day(2))
    assert running.kill(db, found.id, "too small", actor=ADA, now=day(2)).state == "killed"
    with pytest.raises(RefusedError, match="is killed"):
        running.drop(db, found.id, "legal", actor=ADA, now=day(2))
    again = running.start(db, found.id, actor=ADA, now=day(3))
    assert (again.state, again.version) == ("running", "v43")
    assert running.launch(db, found.id, "5 %", actor=ADA, now=day(4)).state == "launched"
    assert running.drop(db, found.id, "legal", actor=ADA, now=day(5)).state == "dropped"
    assert running.book(db, found.id, 6.5, actor=ADA, now=day(5)) == 6.5
    assert running.book(db, found.id, -2, actor=ADA, now=day(5)) == 4.5
    with pytest.raises(UsageError, match=r"only 4\.5 hours"):
        running.book(db, found.id, -5, actor=ADA, now=day(5))
    with pytest.raises(UsageError, match="no experiment 9"):
        experiments.get(db, 9)


def test_times_are_recomputed_from_events(db: sqlite3.Connection, churn: Model) -> None:
    found = register(db, churn)
    running.start(db, found.id, actor=ADA, now=day(1))
    put(db, found, "offline", 0.01, 3)
    running.hold(db, found.id, None, actor=ADA, now=day(4))
    running.start(db, found.id, actor=ADA, now=day(10))
    put(db, found, "canary", 0.004, 12)
    running.kill(db, found.id, "too small", actor=ADA, now=day(15))
    seen = life_of(db, found.id, now=day(40))
    assert {place: span.days for place, span in seen.spent.items()} == {"build": 2, "test": 3, "canary": 3}
    assert seen.worked == timedelta(days=8)
    assert (seen.to_first, seen.to_stage, seen.to_kill) == (*(timedelta(days=n) for n in (3, 12, 15)),)
    assert seen.offline is not None
    assert seen.latest is not None
    assert (seen.place, seen.offline.gain, seen.latest.gain) == ("canary", 0.01, 0.004)
    other = running_one(db, churn, 20)
    [_, open_one] = lives(db, churn.id, now=day(22))
    assert (open_one.experiment.id, open_one.place, open_one.worked) == (other.id, "build", timedelta(days=2))
    assert open_one.to_kill is None


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(STAGE_KINDS), st.floats(-5, 15)), st.floats(0, 5), st.floats(0, 9))
def test_the_parts_of_a_span_sum_up_to_it(reached: dict[StageKind, float], begin: float, length: float) -> None:
    parts = split(day(begin), day(begin + length), {kind: day(at) for kind, at in reached.items()})
    assert sum((span for _, span in parts), timedelta(0)) == day(begin + length) - day(begin)
    assert all(span > timedelta(0) for _, span in parts)
    # The farthest stage only ever grows.
    assert [PLACES.index(place) for place, _ in parts] == sorted(PLACES.index(place) for place, _ in parts)


def test_a_model_file_without_a_test_stage_knows_one_by_its_kind(
    db: sqlite3.Connection, register: Callable[..., Model]
) -> None:
    model = register()
    assert results.offline_stage(model.file) == "test"
    given = Registration("t", "h", "", 0.0, 0.1, 0.01)
    found = registering.register(db, model, given, actor=ADA, now=NOW)
    assert found.registration.metric == "auc"
    running.start(db, found.id, actor=ADA, now=NOW)
    put(db, found, "test", 0.02, 1)
    assert life_of(db, found.id, now=day(2)).place == "test"
