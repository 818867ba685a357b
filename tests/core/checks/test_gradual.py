"""A world that drifts wakes nobody; the same way gone in one step does."""

from datetime import timedelta

import numpy as np
import pytest

from core.checks.given import PastBatch
from core.checks.gradual import gradual
from core.stats.profile import BatchProfile
from core.validate import Validation, validate
from storage.records.results import Finding
from tests.core.checks.batches import START, Table, context, past, profile, shop_day

DAYS = 45
LEAVES = 10
"""The day from which on the old device begins to leave."""


def fading(day: int, old: float | None = None) -> Table:
    """A day on which the old device holds less than the day before, and the new one all that it lost."""
    rng = np.random.default_rng(100 + day)
    table = shop_day(rng, day, rows=600)
    left = 0.25 - 0.22 * max(0, day - LEAVES) / (DAYS - LEAVES) if old is None else old
    table["device"] = rng.choice(["new", "old", "desktop"], 600, p=[0.7 - left, left, 0.3]).astype(object)
    return table


def batch(table: Table, day: int) -> PastBatch:
    return PastBatch(START + timedelta(days=day), START + timedelta(days=day + 1), profile(table))


def loud(told: Validation) -> list[Finding]:
    return [f for f in told.findings if f.tier in ("page", "ticket")]


@pytest.mark.simulation
def test_a_category_that_fades_and_one_that_grows_raise_no_ticket_on_any_day() -> None:
    history = [batch(fading(day), day) for day in range(14)]
    said = {}
    for day in range(14, DAYS + 1):
        said[day] = loud(validate(context(fading(day), history, day)))
        history.append(batch(fading(day), day))
    assert {day: [f.message for f in found] for day, found in said.items() if found} == {}


def test_the_same_way_in_one_step_is_a_rename_and_not_drift() -> None:
    history = [batch(fading(day, old=0.25), day) for day in range(21)]
    found = loud(validate(context(fading(21, old=0.0), history, 21)))
    assert [(f.check, f.evidence["cause"], f.column) for f in found] == [("categories", "category rename", "device")]


def test_one_batch_that_went_before_is_not_yet_a_drift() -> None:
    """A fault that nobody saw has joined the past; sent again, it still is a step."""
    history = [batch(fading(day, old=0.25 if day < 20 else 0.0), day) for day in range(21)]
    assert not gradual(context(fading(21, old=0.0), history, 21), 0.0, 0.25, _share)
    twice = [batch(fading(day, old=0.25 if day < 19 else 0.0), day) for day in range(21)]
    assert gradual(context(fading(21, old=0.0), twice, 21), 0.0, 0.25, _share)


def test_without_a_past_nothing_is_known_to_be_slow() -> None:
    assert not gradual(context(fading(2), past(2), 2), 0.1, 0.1, _share)


def _share(told: BatchProfile) -> float | None:
    text = told.columns["device"].text
    return text.values.counts.get("old", 0) / text.values.kept_rows if text is not None else None
