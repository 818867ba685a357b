"""Slices as tables merge as mappings of profiles do."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.stats.profile import BatchProfile, SliceProfile
from core.stats.sketch_numbers import Moments
from core.stats.slice_table import SliceTable, merge_tabled

COLUMNS = st.sampled_from(["a", "b", "c"])
MOMENTS = st.one_of(
    st.just(Moments()), st.builds(Moments, st.integers(1, 999), st.floats(-1e6, 1e6), st.floats(0, 1e9))
)
PARTS = st.builds(
    SliceProfile,
    st.integers(0, 999),
    st.dictionaries(COLUMNS, st.integers(1, 99)),
    st.dictionaries(COLUMNS, MOMENTS),
)
SLICES = st.dictionaries(st.sampled_from(["x", "y", "", "z"]), PARTS)
BATCHES = st.builds(BatchProfile, slices=st.dictionaries(st.sampled_from(["by", "other"]), SLICES))


def plain(profile: BatchProfile) -> BatchProfile:
    return replace(profile, slices={name: dict(values) for name, values in profile.slices.items()})


@given(SLICES)
def test_a_table_holds_what_it_was_given(slices: dict[str, SliceProfile]) -> None:
    assert dict(SliceTable.of(slices)) == slices
    assert list(SliceTable.of(slices)) == list(slices)


@given(st.lists(BATCHES, max_size=4))
def test_tables_merge_to_the_same_profile(batches: list[BatchProfile]) -> None:
    merged, told = BatchProfile(), BatchProfile()
    for batch in batches:
        merged, told = merged.merge(batch), merge_tabled(told, batch)
    assert plain(told) == merged


@given(SLICES)
def test_squares_within_slices_add_up(slices: dict[str, SliceProfile]) -> None:
    within = SliceTable.of(slices).within()
    for column in {name for part in slices.values() for name in part.moments}:
        having = [part.moments[column] for part in slices.values() if column in part.moments]
        assert within[column] == (sum((m.m2 for m in having), 0.0), sum(m.n for m in having), len(having))
