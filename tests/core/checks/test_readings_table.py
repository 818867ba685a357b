"""Readings as tables: what a dictionary would say, from arrays and from bytes old and new."""

import json
import math
import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.checks.departed import Departure, DeparturesTable
from core.checks.readings_table import ReadingsTable, history
from core.checks.statistics import STATS, Key, Reading
from core.checks.stored_readings import pack, unpack

KEYS = st.builds(
    Key, st.sampled_from(["", "a", "b c"]), st.sampled_from(sorted(STATS)), st.sampled_from(["", "c=x\ny", "c="])
)
NUMBERS = st.floats(-1e9, 1e9, width=32)
DAYS = st.dictionaries(KEYS, st.builds(Reading, NUMBERS, NUMBERS), max_size=30)


@given(DAYS)
def test_packed_readings_are_those_given(told: dict[Key, Reading]) -> None:
    assert dict(unpack(pack(told))) == told
    assert list(ReadingsTable.of(told)) == list(told)


def test_bytes_of_the_older_form_are_read() -> None:
    older = zlib.compress(json.dumps({"a": [["mean", "", 0.5, 0.1], ["slice_mean", "c=x", 1.5, 0.2]]}).encode())
    assert dict(unpack(older)) == {
        Key("a", "mean"): Reading(0.5, 0.1),
        Key("a", "slice_mean", "c=x"): Reading(1.5, 0.2),
    }


@given(st.lists(DAYS, min_size=1, max_size=4), DAYS)
def test_history_is_what_looking_up_each_day_says(days: list[dict[Key, Reading]], now: dict[Key, Reading]) -> None:
    values, noises = history([ReadingsTable.of(day) for day in days], ReadingsTable.of(now))
    for row, day in enumerate(days):
        for place, (key, today) in enumerate(now.items()):
            share = Key(key.slice.partition("=")[0], "slice_share", key.slice)
            lacked_nothing = key.stat == "slice_missing" and share in day
            expected = day[key] if key in day else Reading(0.0 if lacked_nothing else math.nan, today.noise)
            assert np.array_equal([values[row, place], noises[row, place]], list(expected), equal_nan=True)


@given(st.dictionaries(KEYS, st.builds(Departure, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=30))
def test_departures_as_a_table_say_the_same(found: dict[Key, Departure]) -> None:
    table = DeparturesTable.of(found)
    assert dict(table) == found
    assert dict(table.of_rows()) == {key: d for key, d in found.items() if not key.slice}
    for stat in STATS:
        furthest = sorted(((k, d) for k, d in found.items() if k.stat == stat), key=lambda kd: -kd[1].ratio)
        assert table.of_stat(stat) == furthest
        assert table.ratios(stat) == [(key, d.ratio) for key, d in furthest]
        assert table.furthest(stat) == (furthest[0][1].ratio if furthest else None)
