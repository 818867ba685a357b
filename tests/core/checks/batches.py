"""Batches as profiles, built from columns in memory: a serving log of a made-up shop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from core.checks.base import CheckContext
from core.checks.given import PastBatch
from core.stats.bonds import bonds_of
from core.stats.profile import AGREEMENT, BatchProfile, ColumnProfile, SliceProfile, TextProfile, TimeProfile
from core.stats.profile_numbers import number_profile
from core.stats.row_order import order_profile
from core.stats.sketch_numbers import Moments
from core.stats.sketch_values import HourCounts, ValueCounts
from storage.records.logs import Roles

ROLES = Roles(time="ts", id="request_id", prediction="score", label="bought")
START = datetime(2026, 9, 7, tzinfo=UTC)
Table = dict[str, Any]


def shop_day(rng: np.random.Generator, day: int, rows: int | None = None, drift: float = 0.0) -> Table:
    """One day: weekday season in volume, slow drift in basket and temperature, everything else stationary."""
    start = START + timedelta(days=day)
    base = 1500 if start.weekday() < 5 else 1000
    n = rows or int(rng.poisson(base))
    hour = np.sort(rng.choice(24, n, p=_DAY))
    seconds = start.timestamp() + hour * 3600 + rng.uniform(0, 3600, n)
    region = rng.choice(["EMEA", "LATAM", "APAC", "NA"], n, p=[0.4, 0.1, 0.2, 0.3])
    basket = rng.lognormal(4 + drift * day, 0.6, n)
    age = np.clip(rng.normal(42, 12, n), 18, 90).round()
    minutes = rng.gamma(3, 8, n)
    heat = 15 + 6 * np.sin(day / 9) + rng.normal(0, 4, n)
    score = 1 / (1 + np.exp(-(0.02 * (age - 42) + 0.5 * (np.log(basket) - 4) - 1)))
    return {
        "ts": seconds.astype("datetime64[s]"),
        "request_id": np.arange(n, dtype=float) + day * 10_000,
        "region": region.astype(object),
        "device": rng.choice(["phone", "tablet", "desktop"], n, p=[0.6, 0.1, 0.3]).astype(object),
        "age": age,
        "basket": basket,
        "minutes": minutes,
        "temperature": heat,
        "visits": rng.poisson(3, n).astype(float),
        "bucket": rng.choice(6, n, p=[0.25, 0.2, 0.2, 0.15, 0.1, 0.1]).astype(float),
        "income": np.where(rng.random(n) < 0.05, np.nan, rng.normal(50, 10, n)),
        "score": score,
        "bought": (rng.random(n) < score).astype(float),
    }


_DAY = np.array([1, 1, 1, 1, 1, 2, 4, 8, 9, 9, 8, 8, 9, 8, 8, 8, 9, 9, 9, 7, 5, 4, 2, 1], dtype=float)
_DAY /= _DAY.sum()


def profile(table: Table, slices: Sequence[str] = ("region", "device"), rejected: int = 0) -> BatchProfile:
    """The profile of columns: floats with NaN for missing, objects with None, datetime64."""
    rows = len(next(iter(table.values()))) if table else 0
    columns = {name: _column(name, np.asarray(values)) for name, values in table.items()}
    ids = table.get("request_id")
    twice = rows - len(set(np.asarray(ids).tolist())) if ids is not None else 0
    parts = {by: _slices(table, by) for by in slices if by in table and np.asarray(table[by]).dtype == object}
    numbers = {n: np.asarray(v, dtype=float) for n, v in table.items() if np.asarray(v).dtype.kind == "f"}
    orders = {name: order_profile(values) for name, values in numbers.items()}
    bonds = bonds_of({name: values for name, values in numbers.items() if name != "request_id"})
    return BatchProfile(rows, rejected, twice, columns, parts, orders, bonds)


def _column(name: str, values: npt.NDArray[Any]) -> ColumnProfile:
    if values.dtype.kind == "M":
        seconds = values.astype("datetime64[s]").astype(np.int64)
        hours = HourCounts.of({int(k): v for k, v in Counter((seconds // 3600).tolist()).items()})
        if not values.size:
            return ColumnProfile(name, time=TimeProfile())
        return ColumnProfile(name, time=TimeProfile(values.size, 0, float(seconds.min()), float(seconds.max()), hours))
    if values.dtype == object:
        texts = [v for v in values.tolist() if v is not None]
        text = TextProfile(
            rows=values.size,
            missing=values.size - len(texts),
            empty=sum(v == "" for v in texts),
            padded=sum(v != v.strip() for v in texts),
            numeric=sum(v.replace(".", "", 1).isdigit() for v in texts),
            characters=sum(map(len, texts)),
            values=ValueCounts.of(Counter(texts).items()),
        )
        return ColumnProfile(name, text=text)
    return ColumnProfile(name, number=number_profile(values.astype(float)))


def _slices(table: Table, by: str) -> Mapping[str, SliceProfile]:
    keys = np.array(["" if v is None else v for v in table[by]], dtype=object)
    found = {}
    for value in sorted(set(keys.tolist())):
        chosen = keys == value
        missing, moments = {}, {}
        products = {AGREEMENT: table["score"] * table["bought"]} if {"score", "bought"} <= set(table) else {}
        for name, values in {**table, **products}.items():
            part = np.asarray(values)[chosen]
            if part.dtype == object:
                lost = sum(v is None for v in part)
            elif part.dtype.kind == "M":
                lost = 0
            else:
                lost = int(np.isnan(part).sum())
                moments[name] = Moments.of(part[np.isfinite(part)])
            if lost and name != AGREEMENT:
                missing[name] = lost
        found[value] = SliceProfile(int(chosen.sum()), missing, moments)
    return found


def merged(profiles: Sequence[BatchProfile]) -> BatchProfile:
    """All of them together."""
    whole = profiles[0]
    for part in profiles[1:]:
        whole = whole.merge(part)
    return whole


def past(days: int, seed: int = 1, drift: float = 0.0) -> tuple[PastBatch, ...]:
    """Clean days in a row."""
    rng = np.random.default_rng(seed)
    return tuple(
        PastBatch(START + timedelta(days=d), START + timedelta(days=d + 1), profile(shop_day(rng, d, drift=drift)))
        for d in range(days)
    )


def context(
    table: Table,
    history: Sequence[PastBatch],
    day: int | None = None,
    *,
    reference: BatchProfile | None = None,
    **more: Any,
) -> CheckContext:
    """A day against the days before it; ``reference`` is all of them together, where that is known already."""
    start = START + timedelta(days=len(history) if day is None else day)
    return CheckContext(
        current=profile(table),
        reference=reference or merged([b.profile for b in history]),
        past=tuple(history),
        roles=more.pop("roles", ROLES),
        window_start=start,
        window_end=start + timedelta(days=1),
        **more,
    )


def alone(table: Table, reference: Table, **more: Any) -> CheckContext:
    """A batch against one reference, without any past."""
    return CheckContext(profile(table), profile(reference), roles=more.pop("roles", ROLES), **more)
