"""Two hundred clean batches, as the store would judge them one by one, stay within the budget of false alarms."""

import numpy as np
import pytest

from core.alerts import group
from core.checks.given import PastBatch
from core.validate import validate
from storage.records.alert_rules import AlertRules
from tests.core.checks.batches import START, context, past, shop_day

BATCHES, PAST = 200, 14
FALSE_ALARMS = 1.5 / 30
"""Pages and tickets a clean batch: the most that docs/alert-quality.md names."""


@pytest.mark.simulation
def test_two_hundred_clean_batches_stay_within_the_budget() -> None:
    rng = np.random.default_rng(5)
    days, told = list(past(PAST, seed=5)), list[tuple[int, str, str]]()
    for day in range(PAST, PAST + BATCHES):
        judged = context(shop_day(rng, day, rows=600), days[-PAST:], day)
        drafts = group(validate(judged).results, model="shop", prediction="score")
        told += [(day, draft.tier, draft.title) for draft in drafts if draft.tier in ("page", "ticket")]
        days.append(PastBatch(judged.window_start, judged.window_end, judged.current, judged.readings))
    assert days[-1].window_start is not None
    weeks = (days[-1].window_start - START).days / 7
    assert sum(tier == "page" for _, tier, _ in told) <= AlertRules().pages_per_week * weeks, told
    assert len(told) <= FALSE_ALARMS * BATCHES, told
