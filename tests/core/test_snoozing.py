from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.snoozing import LONGEST, check_end, end_of, next_wall_time
from storage.errors import UsageError
from storage.records.alert_rules import AlertRules
from storage.records.watches import Rotation

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        ("2026-11-23T03:00:00+01:00", BERLIN, "2026-11-23T08:00:00+01:00"),
        ("2026-11-23T08:00:00+01:00", BERLIN, "2026-11-24T08:00:00+01:00"),  # this morning has begun
        ("2026-10-24T23:00:00+02:00", BERLIN, "2026-10-25T08:00:00+01:00"),  # the clocks go back in the night
        ("2026-03-28T23:00:00+01:00", BERLIN, "2026-03-29T08:00:00+02:00"),  # and forward
        ("2026-10-31T23:30:00-04:00", NEW_YORK, "2026-11-01T08:00:00-05:00"),
        ("2026-11-23T03:00:00+00:00", NEW_YORK, "2026-11-23T08:00:00-05:00"),  # it is still the 22nd there
    ],
)
def test_morning_is_on_the_wall_of_whoever_sleeps(now: str, zone: ZoneInfo, end: str) -> None:
    assert end_of("morning", [AlertRules()], moment(now), zone=zone) == moment(end)


def test_a_time_that_the_clocks_skip_is_not_lost() -> None:
    now = moment("2026-03-29T00:10:00+01:00")
    assert next_wall_time(time(2, 30), now, BERLIN) == moment("2026-03-29T03:30:00+02:00")


def test_of_a_time_shown_twice_the_first() -> None:
    now = moment("2026-10-25T01:10:00+02:00")
    assert next_wall_time(time(2, 30), now, BERLIN) == moment("2026-10-25T02:30:00+02:00")
    assert next_wall_time(time(2, 30), moment("2026-10-25T02:40:00+02:00"), BERLIN) == moment("2026-10-26T02:30+01:00")


@given(
    st.integers(0, 4 * 365 * 24 * 60).map(lambda m: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=m)),
    st.times(),
    st.sampled_from(ZONES),
)
def test_the_next_time_on_the_wall_is_ahead_and_within_a_day_and_two_hours(
    now: datetime, wall: time, name: str
) -> None:
    end = next_wall_time(wall, now, ZoneInfo(name))
    assert now < end <= now + timedelta(hours=26)
    shown = end.astimezone(ZoneInfo(name))
    skipped = datetime.combine(shown.date(), wall, ZoneInfo(name)).astimezone(UTC).astimezone(ZoneInfo(name))
    assert shown.time() == wall or shown == skipped


def test_without_a_zone_it_is_the_clock_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import time as clock

    monkeypatch.setenv("TZ", "Europe/Berlin")
    clock.tzset()
    try:
        now = moment("2026-10-24T23:00:00+02:00")
        assert end_of("morning", [], now) == moment("2026-10-25T08:00:00+01:00")
    finally:
        monkeypatch.delenv("TZ")
        clock.tzset()


def test_a_shift_ends_with_the_day_or_with_the_watch() -> None:
    now = moment("2026-11-23T10:00:00+01:00")
    turns = Rotation("r.toml", ("ada", "lin"), timedelta(days=1), time(14), BERLIN, date(2026, 11, 2))
    assert end_of("shift-end", [], now, zone=BERLIN) == moment("2026-11-23T18:00:00+01:00")
    assert end_of("shift-end", [], now, zone=BERLIN, rotation=turns) == moment("2026-11-23T14:00:00+01:00")
    early = AlertRules(shift_end=time(12, 30))
    assert end_of("shift-end", [AlertRules(), early], now, zone=BERLIN, rotation=turns) == moment(
        "2026-11-23T12:30:00+01:00"
    )


def test_until_resolved_has_an_end_too() -> None:
    now = moment("2026-11-23T10:00:00+01:00")
    end = end_of("resolved", [], now)
    assert end == now + LONGEST
    check_end(end, now)
    with pytest.raises(UsageError, match="30 days at most"):
        check_end(end + timedelta(seconds=1), now)
