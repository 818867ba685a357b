import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import alert_answers
from core.tuner.answers import accept, record, reject, revert
from core.tuner.backtest import BackTest
from core.tuner.history import read
from core.tuner.proposals import Candidate, propose
from core.tuner.replay import replay
from core.tuner.standing import standing, tuned_specs
from storage.errors import RefusedError, UsageError
from storage.records.models import CheckSpec, Model
from storage.tables import audit, tunings
from tests.conftest import ADA, CHURN, NOW
from tests.core.tuner.play import Day, fresh, play

Register = Callable[..., Model]
NOISY = [Day(1.2, "noise"), Day(1.5, "noise"), Day(4.0, "acted"), Day(None), Day(1.4)]


def proposed(db: sqlite3.Connection, model: Model) -> int:
    best = next(c for c in propose(db, model, "drift", "spend").candidates if "times" in c.change)
    return record(db, model, best, actor=ADA, now=NOW)


def test_an_accepted_tuning_decides_and_a_revert_restores_the_exact_state(
    db: sqlite3.Connection, register: Register
) -> None:
    model = register(CHURN + '[[checks]]\ncheck = "drift"\nowner = "maps"\n')
    play(db, model, NOISY)
    before = tuned_specs(db, model)
    assert before == model.file.checks
    tuning = proposed(db, model)
    assert proposed(db, model) == tuning  # the same proposal waits once
    done = accept(db, tuning, reason="weekends", actor=ADA, now=NOW)
    assert (done.state, done.accepted_by, done.reason) == ("accepted", "ada", "weekends")
    general, own = tuned_specs(db, model)
    assert general == before[0]
    assert own == CheckSpec("drift", "spend", owner="maps", times=1.58, tuned="tuned by ada on 2026-11-23: x1.58")
    assert revert(db, tuning, reason="too quiet", actor=ADA, now=NOW).state == "reverted"
    assert tuned_specs(db, model) == before
    actions = [e.action for e in audit.recent(db, limit=10)]
    assert {"tuning.accept", "tuning.revert"} <= set(actions)


def test_a_fault_that_became_known_since_the_proposal_refuses_it(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    raised = play(db, model, NOISY)
    tuning = proposed(db, model)
    alert_answers.give_feedback(db, raised[-1].id, "late", actor=ADA, now=NOW)
    with pytest.raises(RefusedError, match=f"would lose .* alert {raised[-1].id};") as refused:
        accept(db, tuning, reason="x", actor=ADA, now=NOW)
    assert refused.value.exit_code == 5
    assert tuned_specs(db, model) == ()
    assert reject(db, tuning, reason="it was real", actor=ADA, now=NOW).state == "rejected"
    for act in (accept, reject, revert):
        with pytest.raises(RefusedError, match=r"(is|was) rejected"):
            act(db, tuning, reason="again", actor=ADA, now=NOW)
    with pytest.raises(UsageError, match="needs a reason"):
        accept(db, tuning, reason=" ", actor=ADA, now=NOW)


def test_a_model_file_that_says_something_new_wins(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    play(db, model, NOISY)
    accept(db, proposed(db, model), reason="weekends", actor=ADA, now=NOW)
    same = register(CHURN + '# a comment\n[[checks]]\ncheck = "volume"\nthreshold = 0.5\n')
    assert [s.overruled for s in standing(db, same)] == [False]
    new = register(CHURN + '[[checks]]\ncheck = "drift"\ncolumn = "spend"\nthreshold = 0.3\n')
    assert [s.overruled for s in standing(db, new)] == [True]
    assert tuned_specs(db, new) == new.file.checks


def test_facts_are_append_only(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    play(db, model, NOISY)
    accept(db, proposed(db, model), reason="weekends", actor=ADA, now=NOW)
    for sql in ("UPDATE tunings SET by = 'x'", "DELETE FROM tuning_events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(sql)


DAYS = st.lists(
    st.builds(
        Day,
        st.none() | st.floats(1.0, 60.0),
        st.sampled_from([None, "noise", "noise", "duplicate", "acted", "useful", "late", "incident"]),
        st.sampled_from(["spend", "age"]),
        st.sampled_from([None, "region=EU", "region=LATAM"]),
        st.sampled_from([None, 3, 40, 900]),
        st.sampled_from([50, 1000]),
        st.sampled_from([6, 24]),
    ),
    min_size=2,
    max_size=12,
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "times": st.floats(1.0, 40.0),
        "except_slices": st.lists(st.sampled_from(["region=EU", "region=LATAM"]), min_size=1, unique=True),
        "minimum_rows": st.integers(1, 2000),
        "minimum_touched": st.integers(1, 1000),
        "hours": st.sampled_from(["00-12", "06-22", "22-06"]),
        "batches_in_a_row": st.integers(1, 4),
    },
).filter(bool)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(DAYS, DAYS, st.sampled_from(["drift", "bounds"]))
def test_no_accepted_proposal_ever_loses_a_known_fault(
    tmp_path_factory: pytest.TempPathFactory, days: list[Day], later: list[Day], check: str
) -> None:
    """Whatever the history, and whatever is added to it between proposal and acceptance."""
    db, model = fresh(tmp_path_factory.mktemp("tuner"), CHURN)
    play(db, model, days, check)
    try:
        found = propose(db, model, check).candidates
    except UsageError:
        found = ()
    ids = [record(db, model, candidate, actor=ADA, now=NOW) for candidate in found]
    assert all(c.test.noise_removed > 0 and c.test.lost == () for c in found)
    play_after(db, model, later, check)
    for tuning in ids:
        before = tuned_specs(db, model)
        try:
            accept(db, tuning, reason="noise", actor=ADA, now=NOW)
        except RefusedError:
            assert tuned_specs(db, model) == before
        else:
            assert not lost(db, model)
    for tuning in reversed(ids):
        if tunings.get(db, tuning).state == "accepted":
            revert(db, tuning, reason="back", actor=ADA, now=NOW)
    assert tuned_specs(db, model) == model.file.checks
    db.close()


@SLOW
@given(DAYS, CHANGES, st.sampled_from([None, "spend"]))
def test_a_change_that_nobody_proposed_is_held_to_the_same_law(
    tmp_path_factory: pytest.TempPathFactory, days: list[Day], change: dict[str, object], column: str | None
) -> None:
    db, model = fresh(tmp_path_factory.mktemp("tuner"), CHURN)
    play(db, model, days)
    test = BackTest(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ())
    tuning = record(db, model, Candidate("drift", column, change, test), actor=ADA, now=NOW)
    try:
        accept(db, tuning, reason="by hand", actor=ADA, now=NOW)
    except RefusedError:
        assert tuned_specs(db, model) == ()
    else:
        assert not lost(db, model)
    db.close()


def lost(db: sqlite3.Connection, model: Model) -> list[int]:
    """Known faults of the history that the checks in force would not tell."""
    history = read(db, model)
    now = replay(history, tuned_specs(db, model))
    return [a.id for a in history.every_alert() if a.known and not now.keeps(a)]


def play_after(db: sqlite3.Connection, model: Model, days: list[Day], check: str) -> None:
    """Days that follow what was played."""
    last = read(db, model).batches[-1].at
    play(db, model, days, check, start=int((last - NOW) / timedelta(hours=1)) + 24)
