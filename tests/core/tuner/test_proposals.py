import sqlite3
from collections.abc import Callable

import pytest

from core import alert_answers
from core.tuner.proposals import Candidate, propose
from storage.errors import UsageError
from storage.records.models import Model
from tests.conftest import ADA, NOW
from tests.core.tuner.play import Day, add, drift, play

Register = Callable[..., Model]


def by_key(candidates: tuple[Candidate, ...], key: str) -> Candidate:
    return next(c for c in candidates if key in c.change)


def test_a_limit_lies_beyond_the_noise_and_before_every_known_fault(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    play(db, model, [Day(1.2, "noise"), Day(1.5, "noise"), Day(4.0, "acted"), Day(None), Day(1.4, "duplicate")])
    told = propose(db, model, "drift", "spend")
    best = by_key(told.candidates, "times")
    assert best.change == {"times": 1.58}
    assert (told.fired, told.noise, told.known) == (4, 3, 1)
    test = best.test
    assert (test.noise_before, test.noise_after, test.known, test.lost) == (3, 0, 1, ())
    assert (test.alerts_before, test.alerts_after, test.tickets_before, test.tickets_after) == (4, 1, 1, 1)
    assert test.per_week(test.alerts_before) is None  # five days are no week


def test_a_limit_removes_what_it_can_and_stops_at_the_weakest_fault(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    play(db, model, [Day(1.2, "noise"), Day(2.0, "useful"), Day(2.5, "noise"), Day(9.0, "acted")] * 3)
    best = by_key(propose(db, model, "drift", "spend").candidates, "times")
    assert 1.2 < best.change["times"] < 2.0
    assert (best.test.noise_removed, best.test.known, best.test.kept) == (3, 6, 6)
    assert best.test.per_week(best.test.alerts_before) == pytest.approx(12 / (12 / 7))


def test_noise_like_the_faults_is_not_tuned_away(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    play(db, model, [Day(5.0, "noise"), Day(4.0, "acted")])
    told = propose(db, model, "drift", "spend")
    assert told.candidates == ()
    assert "no limit and no condition tells them apart" in told.reason


def test_without_a_known_fault_a_limit_is_not_proposed_more_than_doubled(
    db: sqlite3.Connection, register: Register
) -> None:
    model = register()
    play(db, model, [Day(1.3, "noise", touched=500), Day(30.0, "noise", touched=500)])
    limits = [c for c in propose(db, model, "drift", "spend").candidates if "times" in c.change]
    assert [c.test.noise_removed for c in limits] == [1]


def test_narrower_conditions_are_found_where_a_limit_would_not_do(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    loud, quiet = Day(6.0, "noise", slice="region=LATAM", touched=5), Day(3.0, "acted", slice="region=EU", touched=400)
    play(db, model, [loud, Day(None), Day(None), quiet, quiet, loud])
    told = propose(db, model, "drift", "spend")
    assert by_key(told.candidates, "except_slices").change == {"except_slices": ["region=LATAM"]}
    assert by_key(told.candidates, "minimum_touched").change == {"minimum_touched": 6}
    assert not [c for c in told.candidates if "times" in c.change]
    assert all(c.test.noise_removed == 2 and not c.test.lost for c in told.candidates)


def test_small_batches_and_hours_of_the_night_are_conditions_too(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    night = Day(5.0, "noise", rows=40, touched=None, hours=6)  # batches of 03:00, then 09:00, 15:00, 21:00
    fault = Day(5.0, "acted", touched=None, hours=6)
    rest = Day(None, hours=6)
    play(db, model, [night, rest, rest, rest] * 3 + [rest, fault, fault, rest])
    told = propose(db, model, "drift", "spend")
    assert by_key(told.candidates, "minimum_rows").change == {"minimum_rows": 41}
    assert by_key(told.candidates, "hours").change == {"hours": "04-03"}
    assert told.noise == 3


def test_a_fault_that_lasts_is_told_later_only_where_no_known_one_is_short(
    db: sqlite3.Connection, register: Register
) -> None:
    model = register()
    blips = [Day(2.0, "noise"), Day(None), Day(2.0, "noise"), Day(None)]
    play(db, model, [*blips, Day(3.0), Day(3.0, "acted")])
    found = by_key(propose(db, model, "drift", "spend").candidates, "batches_in_a_row")
    assert found.change == {"batches_in_a_row": 2}
    assert (found.test.unjudged, found.test.noise_removed) == (1, 2)
    play_on = add(db, model, 999, [drift(Day(3.0))])
    alert_answers.give_feedback(db, play_on[0].id, "late", actor=ADA, now=NOW)
    add(db, model, 1200, [])
    assert by_key(propose(db, model, "drift", "spend").candidates, "times").test.known == 2


def test_of_all_columns_the_noisy_one_can_be_tuned_alone(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    noisy, true = Day(6.0, "noise", touched=None), Day(2.0, "acted", column="age", touched=None)
    play(db, model, [noisy, Day(1.3, "noise", column="plan", touched=None), true, noisy, true])
    best = propose(db, model, "drift").candidates[0]
    assert (best.column, list(best.change)) == ("spend", ["batches_in_a_row"])
    assert best.test.noise_removed == 2


def test_a_hard_finding_is_never_tuned(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    for number in range(3):
        (alert,) = add(db, model, number, [drift(Day(2.0), "missing_column", error_class="hard")])
        alert_answers.give_feedback(db, alert.id, "noise", actor=ADA, now=NOW)
    told = propose(db, model, "missing_column")
    assert told.candidates == ()
    assert "always told" in told.reason


def test_a_check_without_history_is_named(db: sqlite3.Connection, register: Register) -> None:
    with pytest.raises(UsageError, match="'drft' has no results"):
        propose(db, register(), "drft")
    with pytest.raises(UsageError, match="no alert for churn"):
        propose(db, register(), "drift")
