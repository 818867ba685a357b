"""Profiles of whole logs: figures by hand, and a window is the sum of its batches."""

from __future__ import annotations

import csv
import random

import pytest

from core.profiles import profile_log
from core.stats.packing import pack, unpack
from core.stats.profile_roles import guess_roles
from storage.logs.source import open_log
from storage.records.logs import Roles

NAMES = ["when", "id", "region", "plan", "amount", "clicks", "mail", "vip"]
ROLES = Roles(time="when", id="id", redact=("mail",))


@pytest.fixture
def rows():
    draw = random.Random(5)
    return [
        [
            f"2026-03-{1 + i // 200:02d} {i % 24:02d}:30:00",
            f"req-{i - (i % 100 == 99)}",
            draw.choice(["EU", "US", "LATAM", ""]),
            f"p{draw.randrange(1200)}",
            "" if i % 10 == 0 else f"{draw.lognormvariate(3, 1):.6f}",
            draw.randrange(5),
            f"user{i % 7}@example.org ",
            draw.choice(["true", "false"]),
        ]
        for i in range(4_000)
    ]


@pytest.fixture
def profiled(tmp_path):
    def _profiled(part, roles=ROLES, **options):
        path = tmp_path / "part.csv"
        with open(path, "w", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows([NAMES, *part])
        with open_log(path) as log:
            return profile_log(log, roles, **options)

    return _profiled


def test_figures_by_hand(rows, profiled):
    found = profiled(rows)
    assert (found.rows, found.rejected, found.duplicates) == (4_000, 0, 40)
    assert list(found.columns) == NAMES
    amount, clicks, region = (found.columns[name] for name in ("amount", "clicks", "region"))
    assert amount.missing == 400
    assert amount.number.moments.total == pytest.approx(sum(float(row[4]) for row in rows if row[4]))
    assert clicks.number.values == {float(n): sum(row[5] == n for row in rows) for n in range(5)}
    assert region.missing == sum(row[2] == "" for row in rows)
    assert region.text.values.counts["EU"] == sum(row[2] == "EU" for row in rows)
    assert found.columns["plan"].distinct == pytest.approx(len({row[3] for row in rows}), rel=0.15)
    assert found.columns["mail"].text.padded == 4_000
    assert len(found.columns["mail"].text.values.counts) == 7
    assert not any("@" in value for value in found.columns["mail"].text.values.counts)
    assert sum(found.columns["when"].time.hours.counts.values()) == 4_000
    assert found.columns["vip"].kind == "boolean"


def test_slices_hold_their_own_missing_values_and_means(rows, profiled):
    found = profiled(rows).slices
    assert set(found) == {"region", "vip"}
    assert set(found["region"]) == {"EU", "US", "LATAM", ""}
    for region, part in found["region"].items():
        mine = [row for row in rows if row[2] == region]
        amounts = [float(row[4]) for row in mine if row[4]]
        assert part.rows == len(mine)
        assert part.missing.get("amount", 0) == len(mine) - len(amounts)
        assert part.moments["amount"].n == len(amounts)
        assert part.moments["amount"].mean == pytest.approx(sum(amounts) / len(amounts))
    assert found["vip"]["true"].missing["region"] == sum(row[7] == "true" and not row[2] for row in rows)
    assert set(profiled(rows, slice_columns=["region"]).slices) == {"region"}


def test_a_window_is_the_sum_of_its_batches(rows, profiled):
    whole = profiled(rows)
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    summed = profiled(shuffled[:900]).merge(profiled(shuffled[900:2_500])).merge(profiled(shuffled[2_500:]))
    for name, column in whole.columns.items():
        other = summed.columns[name]
        assert (other.text, other.time) == (column.text, column.time)
        if column.number:
            assert other.number.histogram == column.number.histogram
            assert other.number.moments.m2 == pytest.approx(column.number.moments.m2)
    for region, part in whole.slices["region"].items():
        assert summed.slices["region"][region].rows == part.rows
        assert summed.slices["region"][region].missing == part.missing


def test_duplicates_without_an_id_are_whole_rows(rows, profiled):
    assert profiled([*rows[:50], *rows[:3]], Roles()).duplicates == 3


def test_bytes_and_hints(rows, profiled):
    found = profiled(rows)
    data = pack(found)
    assert unpack(data) == found
    assert len(data) < 40_000
    assert guess_roles(found) == {"when": "calendar", "id": "identifier"}


@pytest.mark.parametrize("roles", [ROLES, Roles(), Roles(id="region", ignore=("clicks",), redact=("plan",))])
@pytest.mark.parametrize("cut", [0, 1, 40, 4_000])
def test_few_rows_are_profiled_alike_by_either_way(rows, profiled, monkeypatch, roles, cut):
    part = rows[:cut]
    if cut > 30:
        part[3][3], part[4][3], part[5][2] = "é" * 130, " 1e3", "12.5\t"
        part[6][4], part[7][4] = "inf", "nan"
        part[8][7] = part[9][0] = ""
    small = profiled(part, roles)
    monkeypatch.setattr("core.profiles.SMALL_ROWS", -1)
    large = profiled(part, roles)
    assert small.columns == large.columns
    assert small.duplicates == large.duplicates
    assert list(small.slices) == list(large.slices)
    for column, values in large.slices.items():
        assert list(small.slices[column]) == list(values)
        for value, expected in values.items():
            found = small.slices[column][value]
            assert (found.rows, found.missing) == (expected.rows, expected.missing)
            assert list(found.moments) == list(expected.moments)
            for number, moments in expected.moments.items():
                assert (found.moments[number].n, found.moments[number].mean) == (moments.n, pytest.approx(moments.mean))
                assert found.moments[number].m2 == pytest.approx(moments.m2, rel=1e-9, abs=1e-9)
