"""Batches by the hour: each is judged by the same hour of earlier days, once there are enough of them."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from core.baseline import SAME_HOUR_DAYS, Baselines
from core.checks.departures import PAST, SAME_HOUR, departures
from core.checks.given import Given, PastBatch, SameHour
from core.checks.statistics import Key, Reading
from core.checks.stored_readings import FORM, pack
from core.stats.packing import pack as pack_profile
from core.stats.profile import BatchProfile
from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import batches
from tests.conftest import NOW
from tests.rows import MODEL

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROWS = Key("", "rows")


def rows(hour: int) -> float:
    """A thousand by day and a hundred by night."""
    return 1000.0 + hour % 3 if 8 <= hour % 24 < 20 else 100.0 + hour % 3


def told(hour: int) -> dict[Key, Reading]:
    return {ROWS: Reading(rows(hour), 5.0)}


def ratio(days: int, now: float) -> float:
    """How far ``now`` lies off at eight in the morning, with so many earlier days."""
    past = range(days * 24 + 8)
    at = [(START + hour * HOUR, START + (hour + 1) * HOUR, told(hour)) for hour in past]
    given = Given(
        current=BatchProfile(),
        reference=BatchProfile(),
        past=tuple(PastBatch(start, end, BatchProfile(), said) for start, end, said in at[-60:]),
        same_hour=tuple(SameHour(*at[hour]) for hour in past if hour % 24 == 8)[-SAME_HOUR_DAYS:],
        window_start=START + len(past) * HOUR,
        window_end=START + (len(past) + 1) * HOUR,
    )
    return departures(given, {}, {ROWS: Reading(now, 5.0)}).ratio("", "rows")


def test_half_an_hours_rows_are_seen_once_the_hour_is_known() -> None:
    assert PAST < 24 * SAME_HOUR
    assert ratio(SAME_HOUR - 1, 400.0) < 1.0 < ratio(SAME_HOUR, 400.0)
    assert ratio(SAME_HOUR, 1001.0) < 1.0


@pytest.mark.parametrize(("step", "found"), [(HOUR, SAME_HOUR_DAYS - 1), (24 * HOUR, 0)])
def test_the_store_tells_of_each_day_the_batch_of_that_hour(
    db: sqlite3.Connection, register: Callable[..., Model], step: timedelta, found: int
) -> None:
    model = register(MODEL)
    count = 32 * 24 if step == HOUR else 70
    left_out = 0
    for place in range(count):
        # A file rarely begins on the stroke: some minutes past, the more the later the day.
        start = START + place * step + timedelta(minutes=place % 20)
        batch = Batch(
            id=0, model_id=model.id, role="serving", path=f"{place}.csv", sha256=str(place), format="csv", bytes=1,
            version="v1", stage=None, window_start=start, window_end=start + step, rows=1, quarantined=0, columns=(),
            arrived_at=NOW, admitted=True,
        )  # fmt: skip
        batch_id = batches.insert(db, batch, [], pack_profile(BatchProfile()))
        batches.add_readings(db, batch_id, form=FORM, body=pack(told(place)), now=NOW)
        left_out = batch_id if place == count - 24 * 3 else left_out
        batches.set_baseline(db, batch_id, admit=batch_id != left_out, reason="test", by="ada", now=NOW)
    moment = START + count * step
    same = Baselines(db, model).before(moment).same_hour
    assert len(same) == found
    hours = [batch.window_start.hour for batch in same if batch.window_start]
    assert set(hours) <= {moment.hour}
    assert [b.window_start for b in same] == sorted(b.window_start for b in same if b.window_start)
    assert all(batch.readings[ROWS].value == rows(0) for batch in same)
