"""Hours that a batch covers, for batches shorter than a day."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from core.checks import freshness
from core.checks.base import CheckContext
from core.checks.given import PastBatch
from tests.core.checks.batches import ROLES, START, Table, merged, profile, shop_day


def part(hour: int, hours: int) -> Table:
    """Rows of a stretch of so many hours from an hour on, counted from the start."""
    table = shop_day(np.random.default_rng(hour), 0, rows=300)
    begin = START.replace(tzinfo=None) + timedelta(hours=hour)
    seconds = np.linspace(0, hours * 3600 - 1, 300).astype("timedelta64[s]")
    return {**table, "ts": np.datetime64(begin, "s") + seconds}


def told(count: int, hours: int, filled: int | None = None) -> list[str]:
    """The message of the last of so many stretches in a row, of which the last is filled in part."""
    past = tuple(
        PastBatch(
            START + timedelta(hours=i * hours),
            START + timedelta(hours=(i + 1) * hours),
            profile(part(i * hours, hours)),
        )
        for i in range(count)
    )
    now = CheckContext(
        current=profile(part(count * hours, filled or hours)),
        reference=merged([b.profile for b in past]),
        past=past,
        roles=ROLES,
        window_start=START + timedelta(hours=count * hours),
        window_end=START + timedelta(hours=(count + 1) * hours),
    )
    return [f.message for f in freshness.CHECK.run(now) if f.status == "fail"]


def test_a_batch_of_the_night_does_not_end_earlier_than_usual() -> None:
    assert told(24, 1) == []
    assert told(4, 6) == []
    assert told(8, 6) == []


def test_a_short_batch_that_breaks_off_is_told() -> None:
    assert "hours" in told(12, 6, filled=2)[0]
