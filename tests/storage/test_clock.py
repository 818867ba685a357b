from datetime import UTC, datetime, timedelta, timezone

import pytest

from storage.clock import from_text, from_text_or_none, to_text


def test_text_order_is_time_order_across_offsets() -> None:
    early = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    late = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert to_text(early) < to_text(late)


def test_round_trip_keeps_microseconds() -> None:
    moment = datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC)
    assert from_text(to_text(moment)) == moment


def test_a_bare_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_text(datetime(2026, 1, 1))  # noqa: DTZ001


def test_nothing_stays_nothing() -> None:
    assert from_text_or_none(None) is None
