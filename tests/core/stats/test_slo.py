from datetime import UTC, datetime, timedelta

import pytest

from core.stats.slo import Alarm, Point, alarms, burn

START = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = timedelta(days=28)


def series(misses: set[int], count: int = 60, step: timedelta = timedelta(days=1)) -> list[Point]:
    return [Point(START + i * step, i not in misses, 1_000) for i in range(count)]


STEPS = [timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)]


@pytest.mark.parametrize("budget", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("step", STEPS)
def test_one_blip_raises_nothing(step: timedelta, budget: float) -> None:
    assert alarms(series({30}, step=step), budget=budget, window=MONTH) == ()


@pytest.mark.parametrize("budget", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1)])
def test_a_sustained_miss_pages_once(step: timedelta, budget: float) -> None:
    raised = alarms(series(set(range(30, 60)), step=step), budget=budget, window=MONTH)
    pages = [alarm for alarm in raised if alarm.level == "page"]
    assert len(pages) == 1
    assert START + 31 * step <= pages[0].at <= START + 33 * step


def test_two_episodes_page_twice_and_recovery_ends_the_first() -> None:
    raised = alarms(series({*range(10, 14), *range(40, 44)}), budget=0.01, window=MONTH)
    assert [a for a in raised if a.level == "page"] == [
        Alarm(START + timedelta(days=11), "page"),
        Alarm(START + timedelta(days=41), "page"),
    ]


def test_a_slow_burn_is_a_ticket_and_never_a_page() -> None:
    step = timedelta(hours=1)
    raised = alarms(series(set(range(0, 200, 16)), 200, step), budget=0.05, window=MONTH)
    assert {a.level for a in raised} == {"ticket"}


def test_a_small_window_weighs_what_it_holds() -> None:
    points = series(set(), 20)
    points[-1] = Point(points[-1].at, False, 1)
    state = burn(points, points[-1].at, budget=0.01, window=MONTH)
    assert state.budget_left == pytest.approx(1 - 1 / 19_001 / 0.01)
    assert (state.missed, state.windows) == (1, 20)


def test_the_budget_left_counts_only_its_own_window() -> None:
    points = series({0, 1, 2}, 40)
    assert burn(points, points[-1].at, budget=0.5, window=MONTH).budget_left == 1.0
    assert burn(points, points[5].at, budget=0.5, window=MONTH).budget_left == pytest.approx(0.0)


def test_nothing_yet_spends_nothing() -> None:
    state = burn([], START, budget=0.01, window=MONTH)
    assert (state.level, state.budget_left, state.fast, state.windows) == ("none", 1.0, 0.0, 0)
