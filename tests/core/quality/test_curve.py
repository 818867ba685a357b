import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import alert_answers
from core.quality.curve import curve, of
from core.quality.misses import mark
from storage.records.alert_quality import ScoreCount
from storage.records.models import Model
from tests.conftest import ADA, NOW
from tests.core.test_alert_life import arrive
from tests.core.test_alerts import found

SCORES = st.integers(0, 12).map(lambda n: n / 4)
THINGS = st.lists(st.tuples(SCORES, st.sampled_from(["right", "wrong", "unknown", "quiet"])), min_size=10, max_size=40)


@given(THINGS, st.lists(st.none() | SCORES, max_size=5))
def test_every_point_is_a_count_of_what_lies_above_it(
    things: list[tuple[float, str]], misses: list[float | None]
) -> None:
    counts = [ScoreCount(score, kind, 1) for score, kind in things]  # type: ignore[arg-type]
    counts += [ScoreCount(score, "problem", 1) for score, kind in things if kind == "right"]
    told = of(None, counts, misses)
    judged = sum(kind in ("right", "wrong") for _, kind in things)
    assert told.judged == judged
    assert (told.note is None) == (judged >= 10)
    problems = sum(kind == "right" for _, kind in things) + len(misses)
    for point in told.points:
        above = [kind for score, kind in things if score >= point.cut]
        right, wrong, none = (above.count(kind) for kind in ("right", "wrong", "unknown"))
        assert (point.right, point.wrong, point.unjudged, point.quiet) == (right, wrong, none, above.count("quiet"))
        if right + wrong:
            assert point.precision == pytest.approx(right / (right + wrong))
            assert point.low - 1e-12 <= (point.precision or 0.0) <= point.high + 1e-12
        if problems:
            assert point.recall == pytest.approx(right / problems)
            more = sum(miss is not None and miss >= point.cut for miss in misses)
            assert point.recall_with_quiet == pytest.approx((right + more) / problems)


def test_a_quiet_finding_at_the_time_of_a_miss_is_what_a_lower_cut_would_have_told(
    db: sqlite3.Connection, register: Callable[..., Model]
) -> None:
    model = register()
    for number in range(12):
        score = 3.0 if number < 8 else 1.5
        (alert,) = arrive(db, model, number, [found("bounds", f"c{number}", cause=f"c{number}", score=score)])
        alert_answers.give_feedback(db, alert.id, "acted" if number < 8 else "noise", actor=ADA, now=NOW)
    arrive(db, model, 20, [found("bounds", "a", tier="evidence", score=0.8)])
    arrive(db, model, 30, [found("bounds", "b", tier="evidence", score=0.9)])
    mark(db, model, at=NOW + timedelta(hours=20, minutes=30), column="a", actor=ADA, now=NOW + timedelta(days=2))
    mark(db, model, at=NOW + timedelta(hours=40), actor=ADA, now=NOW + timedelta(days=2))
    told = curve(db, model, "bounds", since=NOW - timedelta(days=1), now=NOW + timedelta(days=3))
    assert (told.problems, told.missed, told.never_seen, told.unjudged) == (10, 2, 1, 0)
    points = {p.cut: p for p in told.points}
    assert (points[3.0].precision, points[3.0].recall) == (1.0, 0.8)
    assert points[1.5].precision == pytest.approx(8 / 12)
    assert (points[0.9].quiet, points[0.9].recall_with_quiet) == (1, 0.8)
    assert (points[0.8].quiet, points[0.8].recall_with_quiet) == (2, 0.9)
    other = curve(db, model, "drift", since=NOW, now=NOW + timedelta(days=3))
    assert other.points == ()
    assert "10 are needed" in (other.note or "")


def test_alerts_of_one_incident_are_one_problem(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    from core.incidents import lifecycle

    model = register()
    ids = [arrive(db, model, n, [found("bounds", f"c{n}", cause=f"c{n}", score=1.0 + n)])[0].id for n in range(12)]
    lifecycle.open_incident(db, model=model, title="one cause", alerts=ids[:6], actor=ADA, now=NOW)
    for alert_id in ids[6:]:
        alert_answers.give_feedback(db, alert_id, "useful", actor=ADA, now=NOW)
    told = curve(db, model, since=NOW - timedelta(days=1), now=NOW + timedelta(days=3))
    assert (told.judged, told.problems) == (12, 7)
    assert told.points[0].recall == pytest.approx(1 / 7)
