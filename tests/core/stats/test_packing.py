import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stats.packing import UnknownFormError, pack, unpack
from core.stats.profile import BatchProfile, ColumnProfile, NumberProfile, SliceProfile, TextProfile, TimeProfile
from core.stats.profile_numbers import number_profile
from core.stats.sketch_numbers import Moments
from core.stats.sketch_values import HourCounts, ValueCounts

numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=60).map(
    lambda values: number_profile(np.array(values, dtype=np.float64))
)
texts = st.dictionaries(st.text(max_size=8), st.integers(1, 10**9), max_size=20).map(
    lambda counts: TextProfile(rows=sum(counts.values()), values=ValueCounts.of(counts.items()))
)
times = st.dictionaries(st.integers(0, 500_000), st.integers(1, 100), max_size=9).map(
    lambda counts: TimeProfile(rows=sum(counts.values()), minimum=1.5, maximum=2.5, hours=HourCounts.of(counts))
)


@settings(max_examples=60, deadline=None)
@given(numbers, texts, times)
def test_what_is_unpacked_is_what_was_packed(number: NumberProfile, text: TextProfile, time: TimeProfile) -> None:
    profile = BatchProfile(
        rows=7,
        rejected=1,
        duplicates=2,
        columns={
            "n": ColumnProfile("n", number=number),
            "t": ColumnProfile("t", text=text, time=time, boolean=True),
            "none": ColumnProfile("none", number=NumberProfile(), text=TextProfile()),
        },
        slices={"region": {"": SliceProfile(3, {"n": 1}, {"n": Moments(2, 0.5, 0.25)})}, "wide": {}},
    )
    packed = pack(profile)
    assert unpack(packed) == profile
    assert pack(unpack(packed)) == packed


def test_what_was_merged_after_a_round_trip_is_what_was_merged_before() -> None:
    rng = np.random.default_rng(1)
    left, right = (
        BatchProfile(rows=500, columns={"x": ColumnProfile("x", number=number_profile(rng.lognormal(0, 2, 5000)))})
        for _ in range(2)
    )
    assert unpack(pack(left)).merge(unpack(pack(right))) == left.merge(right)


def test_strange_bytes_are_told_apart() -> None:
    import json
    import zlib

    with pytest.raises(ValueError, match="not a packed profile"):
        unpack(b"profile")
    with pytest.raises(UnknownFormError, match="form 99"):
        unpack(zlib.compress(json.dumps([99]).encode()))
