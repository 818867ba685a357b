from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.checks.base import CheckContext
from core.checks.departed import Departure
from core.checks.departures import Departures
from core.checks.false_alarms import BUDGET, USUAL, Answered, expected_false_alarms, further
from core.checks.given import PastBatch
from core.checks.statistics import Key
from core.stats.profile import BatchProfile

START = datetime(2026, 10, 1, tzinfo=UTC)


def context(ratios: np.ndarray | None) -> CheckContext:
    """A batch whose past days' volume lay at these ratios."""
    made = CheckContext(current=BatchProfile(), reference=BatchProfile())
    found = {Key("", "rows"): Departure(0.0, 0.0, 1.0, 0.0)}
    made.__dict__["departures"] = Departures(0 if ratios is None else ratios.size, found, ratios)
    return made


def days(*ratios: float) -> np.ndarray:
    return np.array(ratios)[:, None]


def test_without_a_past_it_is_what_planted_days_showed() -> None:
    assert expected_false_alarms(context(None)) == USUAL
    assert further(context(None)) == 0.0


def test_a_wild_past_expects_more_and_asks_for_more() -> None:
    calm, wild = context(days(*[0.3, 0.4] * 14)), context(days(*[0.3, 3.0] * 14))
    assert expected_false_alarms(calm) < USUAL < BUDGET < expected_false_alarms(wild)
    assert further(calm) == 0.0 < further(wild)


@given(st.lists(st.floats(0.0, 20.0), min_size=2, max_size=35))
def test_it_is_a_chance_and_asks_for_more_only_beyond_the_budget(ratios: list[float]) -> None:
    made = context(days(*ratios))
    assert 0.0 <= expected_false_alarms(made) <= 1.0
    assert (further(made) > 0.0) <= (expected_false_alarms(made) > BUDGET)


def test_an_hourly_batch_is_expected_to_alarm_less_than_a_daily_one_and_more_than_a_day_s_24th() -> None:
    daily, hourly = context(None), context(None)
    for made, step in ((daily, timedelta(days=1)), (hourly, timedelta(hours=1))):
        starts = [START + place * step for place in range(9)]
        made.__dict__["past"] = tuple(PastBatch(start, start + step, BatchProfile()) for start in starts)
    told = expected_false_alarms(hourly)
    assert USUAL / 24 < told < expected_false_alarms(daily) == USUAL


def test_answers_teach_what_to_expect() -> None:
    quiet = loud = Answered()
    for place in range(400):
        quiet = quiet.after(0.05, noise=False)
        loud = loud.after(0.05, noise=place % 4 == 0)
    made = context(None)
    assert expected_false_alarms(made, Answered()) == expected_false_alarms(made) == USUAL
    assert expected_false_alarms(made, quiet) < USUAL / 10
    assert 0.9 < expected_false_alarms(made, loud) / USUAL / (0.25 / 0.05) < 1.0
