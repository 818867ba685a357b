"""Every planted fault is named with its column first; clean days stay quiet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from core.checks.given import PastBatch
from core.stats.profile import BatchProfile
from core.validate import Validation, validate
from tests.core.checks.batches import START, Table, alone, context, merged, past, shop_day

Fault = Callable[[Table, np.random.Generator], Table]
LOUD = ("page", "ticket")


@cache
def history() -> tuple[PastBatch, ...]:
    return past(28)


@cache
def of_history() -> BatchProfile:
    return merged([batch.profile for batch in history()])


def some(table: Table, share: float, rng: np.random.Generator) -> np.ndarray:
    return rng.random(len(table["age"])) < share


def with_column(name: str, change: Callable[[Table, np.random.Generator], object]) -> Fault:
    return lambda table, rng: {**table, name: change(table, rng)}


def null_in_slice(t: Table, rng: np.random.Generator) -> Table:
    lost = (t["region"] == "LATAM") & some(t, 0.5, rng)
    return {**t, "age": np.where(lost, np.nan, t["age"])}


def repeated(t: Table, rng: np.random.Generator) -> Table:
    again = np.concatenate([np.arange(len(t["age"])), np.flatnonzero(some(t, 0.1, rng))])
    return {name: np.asarray(values)[again] for name, values in t.items()}


def only(keep: Callable[[Table], np.ndarray]) -> Fault:
    return lambda t, rng: {name: np.asarray(values)[keep(t)] for name, values in t.items()}


def renumbered(t: Table) -> Table:
    return {**t, "request_id": np.arange(len(t["age"]), dtype=float) + 500_000}


def flipped_slice(t: Table, rng: np.random.Generator) -> Table:
    return {**t, "bought": np.where(t["region"] == "EMEA", 1 - t["bought"], t["bought"])}


def mojibake(t: Table, rng: np.random.Generator) -> Table:
    hit = some(t, 0.5, rng)
    return {
        **t,
        "device": np.array([f"Ã©{v}" if h else v for v, h in zip(t["device"], hit, strict=True)], dtype=object),
    }


FAULTS: dict[str, tuple[Fault, str, str | None]] = {
    "missing": (lambda t, r: {k: v for k, v in t.items() if k != "age"}, "missing_column", "age"),
    "renamed": (
        lambda t, r: {("basket_value" if k == "basket" else k): v for k, v in t.items()},
        "renamed_column",
        "basket",
    ),
    "retyped": (
        with_column("age", lambda t, r: np.array([f"{v:.0f} y" for v in t["age"]], dtype=object)),
        "retyped_column",
        "age",
    ),
    "swapped": (lambda t, r: {**t, "age": t["minutes"], "minutes": t["age"]}, "swapped_columns", "age"),
    "swapped texts": (lambda t, r: {**t, "region": t["device"], "device": t["region"]}, "swapped_columns", "region"),
    "hours": (with_column("minutes", lambda t, r: t["minutes"] / 60), "unit_change", "minutes"),
    "cents": (with_column("basket", lambda t, r: t["basket"] * 100), "unit_change", "basket"),
    "fahrenheit": (
        with_column("temperature", lambda t, r: t["temperature"] * 9 / 5 + 32),
        "unit_change",
        "temperature",
    ),
    "frozen": (with_column("visits", lambda t, r: np.full(len(t["age"]), 3.0)), "frozen", "visits"),
    "constant": (with_column("score", lambda t, r: np.full(len(t["age"]), 0.31)), "constant_prediction", "score"),
    "nulls": (
        with_column("visits", lambda t, r: np.where(some(t, 0.1, r), np.nan, t["visits"])),
        "completeness",
        "visits",
    ),
    "all null": (with_column("age", lambda t, r: np.full(len(t["age"]), np.nan)), "completeness", "age"),
    "null in slice": (null_in_slice, "slice_completeness", "age"),
    "category": (
        with_column("region", lambda t, r: np.where(t["region"] == "EMEA", "Europe", t["region"])),
        "categories",
        "region",
    ),
    "new value": (
        with_column("device", lambda t, r: np.where(some(t, 0.1, r), "watch", t["device"])),
        "categories",
        "device",
    ),
    "mojibake": (mojibake, "categories", "device"),
    "padded": (
        with_column("region", lambda t, r: np.array([f"{v} " for v in t["region"]], dtype=object)),
        "categories",
        "region",
    ),
    "default": (
        with_column("income", lambda t, r: np.where(some(t, 0.2, r), -1.0, t["income"])),
        "default_value",
        "income",
    ),
    "clipped": (with_column("age", lambda t, r: np.minimum(t["age"], 50)), "clipped", "age"),
    "bucket": (with_column("bucket", lambda t, r: np.where(some(t, 0.6, r), 5.0, t["bucket"])), "buckets", "bucket"),
    "segment": (lambda t, r: renumbered(only(lambda t: t["region"] != "LATAM")(t, r)), "categories", "region"),
    "duplicates": (repeated, "duplicates", None),
    "truncated": (only(lambda t: np.arange(len(t["age"])) < 0.5 * len(t["age"])), "freshness", "ts"),
    "shifted clock": (with_column("ts", lambda t, r: t["ts"] + np.timedelta64(5, "h")), "time_zone", "ts"),
    "empty": (only(lambda t: np.zeros(len(t["age"]), bool)), "volume", None),
    "flipped labels": (with_column("bought", lambda t, r: 1 - t["bought"]), "label_sanity", "bought"),
    "flipped slice": (flipped_slice, "label_residual", "bought"),
}


def named(validation: Validation) -> list[tuple[str, str | None]]:
    return [(f.check, f.column) for f in validation.findings if f.tier in LOUD]


@pytest.mark.parametrize("fault", FAULTS)
def test_named_against_its_past(fault: str) -> None:
    plant, check, column = FAULTS[fault]
    rng = np.random.default_rng(5)
    found = validate(context(plant(shop_day(rng, 28), rng), history(), reference=of_history()))
    assert named(found)[:1] == [(check, column)], [f.message for f in found.findings[:5]]
    loud = [f for f in found.findings if f.tier in LOUD]
    assert loud[0].evidence["cause"]
    assert loud[0].score >= 1


NEED_PAST = {"truncated", "flipped slice"}


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in NEED_PAST])
def test_named_against_one_reference(fault: str) -> None:
    plant, check, column = FAULTS[fault]
    rng = np.random.default_rng(6)
    reference = shop_day(rng, 0, rows=3000)
    found = validate(alone(plant(shop_day(rng, 1, rows=3000), rng), reference))
    assert named(found)[:1] == [(check, column)], [(f.check, f.column, f.tier, f.message) for f in found.findings[:5]]


def test_labels_that_have_not_come_yet_are_no_fault() -> None:
    rng = np.random.default_rng(7)
    unlabelled = {name: values for name, values in shop_day(rng, 1).items() if name != "bought"}
    found = validate(alone(unlabelled, shop_day(rng, 0)))
    assert not [f for f in found.findings if f.check == "missing_column"]
    late = [r for r in found.results if r.check == "missing_column" and r.status == "not_checked"]
    assert [r.message for r in late] == ["the label 'bought' is not there yet: labels may come later"]


@pytest.mark.parametrize("rows", [500, 3000])
def test_a_clean_file_is_clean_at_any_size(rows: int) -> None:
    rng = np.random.default_rng(rows)
    for _ in range(5):
        found = validate(alone(shop_day(rng, 1, rows=rows), shop_day(rng, 0, rows=rows)))
        assert found.verdict in ("clear", "digest"), [f.message for f in found.findings[:3]]


def test_clean_days_with_a_season_and_slow_drift_raise_no_alarm() -> None:
    days = list(past(28, seed=3, drift=0.001))
    rng = np.random.default_rng(4)
    loud: list[tuple[str, str | None]] = []
    for day in range(28, 48):
        judged = context(shop_day(rng, day, drift=0.001), days[-28:], day)
        loud += named(validate(judged))
        days.append(PastBatch(START + timedelta(days=day), START + timedelta(days=day + 1), judged.current))
    assert len(loud) <= 1, loud


def test_two_per_cent_in_one_slice_is_found_where_the_whole_column_misses_it() -> None:
    rng = np.random.default_rng(8)
    table, reference = shop_day(rng, 1, rows=40_000), shop_day(rng, 0, rows=40_000)
    lost = (table["region"] == "APAC") & some(table, 0.02, rng)
    found = validate(alone({**table, "age": np.where(lost, np.nan, table["age"])}, reference))
    assert ("slice_completeness", "age") in named(found)
    assert not [f for f in found.findings if f.check == "completeness"]
    finding = next(f for f in found.findings if f.check == "slice_completeness")
    assert (finding.slice, finding.evidence["rows"]) == ("region=APAC", int(lost.sum()))


def test_half_a_per_cent_of_lost_rows_is_found() -> None:
    rng = np.random.default_rng(9)
    table = shop_day(rng, 28, rows=1500)
    found = validate(context({k: v[np.arange(1500) % 200 != 7] for k, v in table.items()}, history()))
    assert ("conservation", "request_id") in named(found)
    told = validate(context(table, history(), expected_rows=1508))
    assert ("conservation", None) in named(told)


def test_ten_times_a_training_share_is_found() -> None:
    rng = np.random.default_rng(10)
    table, reference = shop_day(rng, 1, rows=3000), shop_day(rng, 0, rows=3000)
    rare = np.where(rng.random(3000) < 0.01, "console", reference["device"])
    many = np.where(rng.random(3000) < 0.1, "console", table["device"])
    found = validate(alone({**table, "device": many}, {**reference, "device": rare}))
    finding = next(f for f in found.findings if f.check == "segments")
    assert (finding.slice, finding.tier) == ("device=console", "ticket")


def test_swapped_columns_are_found_every_time() -> None:
    names: Sequence[str] = ("age", "basket", "minutes", "temperature", "visits", "income")
    rng = np.random.default_rng(11)
    right = 0
    for _ in range(20):
        left, other = rng.choice(names, 2, replace=False)
        table = shop_day(rng, 1, rows=2000)
        found = validate(alone({**table, left: table[other], other: table[left]}, shop_day(rng, 0, rows=2000)))
        top = found.findings[0]
        right += top.check == "swapped_columns" and set(top.evidence["columns"]) == {left, other}
    assert right == 20


def test_two_columns_that_moved_into_each_others_range_are_not_swapped() -> None:
    rng = np.random.default_rng(12)
    today, before = shop_day(rng, 1, rows=2000), shop_day(rng, 0, rows=2000)
    wind = np.round(rng.gamma(6, 2, 2000)) * 1.15078  # measured in steps of another unit: never whole
    calm, hour = np.round(rng.gamma(2, 2, 2000)) * 1.15078, rng.poisson(12, 2000).astype(float)
    found = validate(
        alone(
            {**today, "wind": wind, "flights": rng.poisson(4, 2000).astype(float)},
            {**before, "wind": calm, "flights": hour},
        )
    )
    assert [f for f in found.findings if f.check == "swapped_columns"] == []


def test_a_unit_held_by_one_slice_names_the_slice() -> None:
    rng = np.random.default_rng(13)
    table = shop_day(rng, 28)
    held = np.where(table["region"] == "APAC", table["minutes"] * 1000, table["minutes"])
    found = validate(context({**table, "minutes": held}, history(), reference=of_history()))
    (unit,) = [f for f in found.findings if f.check == "unit_change"]
    assert "all of region=APAC: thousandths" in unit.message
    assert unit.evidence["held_by"] == "region=APAC"


def test_a_column_wholly_far_out_of_its_range_is_a_ticket() -> None:
    rng = np.random.default_rng(14)
    table = shop_day(rng, 28)
    found = validate(context({**table, "age": table["age"] + 200}, history(), reference=of_history()))
    assert "age" in {column for _, column in named(found)}
    (out,) = [f for f in found.results if f.check == "bounds" and f.status == "fail" and f.column == "age"]
    assert out.evidence.get("tier_before", out.tier) == "ticket"
