"""Faults that leave every column's range, level and shape as they were: order, company and form give them away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.checks.base import CheckContext
from core.checks.statistics import Key
from core.validate import validate
from tests.core.checks.batches import Table, context, merged, past, profile, shop_day

DAYS = 21
HISTORY = past(DAYS)
WHOLE = merged([b.profile for b in HISTORY])


def judged(table: Table, **more: object) -> CheckContext:
    return context(table, HISTORY, reference=WHOLE, **more)


def accused(table: Table, check: str) -> list[tuple[str | None, str]]:
    return [(f.column, f.tier) for f in validate(judged(table)).findings if f.check == check]


@pytest.fixture
def today() -> Table:
    return shop_day(np.random.default_rng(77), DAYS)


def test_a_tail_that_stands_still_is_frozen_since_an_hour(today: Table) -> None:
    heat = today["temperature"].copy()
    start = int(0.7 * heat.size)
    heat[start:] = heat[start]
    found = [f for f in validate(judged({**today, "temperature": heat})).findings if f.check == "frozen"]
    assert [(f.column, f.tier) for f in found] == [("temperature", "ticket")]
    hour = int(today["ts"][start].astype("datetime64[h]").astype(int) % 24)
    assert f"since {hour:02d}:00" in found[0].message
    assert found[0].evidence["rows"] == heat.size - start
    assert accused(today, "frozen") == []


@pytest.mark.parametrize("rows", [500, 5_000])
def test_a_shift_in_a_tenth_of_the_rows_leaves_the_grid(rows: int) -> None:
    table = shop_day(np.random.default_rng(5), DAYS, rows=rows)
    age = np.where(table["region"] == "LATAM", table["age"] + 7.3, table["age"])
    assert accused({**table, "age": age}, "number_form") == [("age", "ticket")]
    assert accused(table, "number_form") == []


def test_mixed_up_rows_are_seen_by_the_company_that_a_column_keeps(today: Table) -> None:
    mixed = np.random.default_rng(6).permutation(today["basket"])
    assert ("basket", "ticket") in accused({**today, "basket": mixed}, "broken_bond")
    assert accused(today, "broken_bond") == []


def test_yesterdays_file_under_todays_date_is_stale(today: Table) -> None:
    rng = np.random.default_rng(1)
    days = [shop_day(rng, d) for d in range(DAYS)]
    again = {**days[-1], "ts": days[-1]["ts"] + np.timedelta64(1, "D"), "request_id": days[-1]["request_id"] + 10_000}
    found = [f for f in validate(judged(again)).findings if f.check == "stale"]
    assert len(found) == 1
    assert found[0].tier == "ticket"
    assert {"basket", "score", "temperature"} <= set(found[0].evidence["columns"])
    assert accused(today, "stale") == []
    assert [
        c for c, _ in accused({**today, "basket": np.resize(days[-1]["basket"], today["basket"].size)}, "stale")
    ] == []


def test_labels_flipped_in_a_small_slice_are_told_from_a_bad_day(today: Table) -> None:
    small = today["region"] == "LATAM"
    flipped = np.where(small, 1 - today["bought"], today["bought"])
    found = [f for f in validate(judged({**today, "bought": flipped})).findings if f.check == "label_residual"]
    assert [(f.column, f.slice, f.tier) for f in found] == [("bought", "region=LATAM", "ticket")]
    assert found[0].evidence["turned"] == pytest.approx(1.0, abs=0.4)
    assert accused(today, "label_residual") == []


def test_readings_of_old_profiles_go_without_order_and_bonds(today: Table) -> None:
    old = tuple(replace(b, profile=replace(b.profile, orders={}, bonds=type(b.profile.bonds).empty())) for b in HISTORY)
    found = context(today, old)
    assert Key("age", "run") not in found.readings
    assert Key("age", "mean") in found.readings
    assert profile(today).orders["age"].rows == today["age"].size
