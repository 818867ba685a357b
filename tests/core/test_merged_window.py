"""A window that moves is merged as if each were merged from the start."""

from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.merged_window import MergedWindow
from core.stats.profile import BatchProfile, ColumnProfile
from core.stats.profile_numbers import number_profile


def _profile(batch: int) -> BatchProfile:
    values = np.array([float(batch), float(batch % 3)])
    return BatchProfile(rows=2, columns={"x": ColumnProfile("x", number=number_profile(values))})


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), max_size=40))
def test_every_window_equals_the_merge_of_its_members(moves: list[tuple[int, int, bool]]) -> None:
    merges = 0

    def profile_of(batch: int) -> BatchProfile:
        nonlocal merges
        merges += 1
        return _profile(batch)

    window, ids, newest = MergedWindow(profile_of), [0], 0
    for dropped, added, hole in moves:
        ids = ids[dropped:] + [newest + i + 1 for i in range(added)]
        newest += added
        if hole and len(ids) > 2:
            del ids[len(ids) // 2]
        told, plain = window.of(ids), reduce(BatchProfile.merge, map(_profile, ids), BatchProfile())
        assert told.rows == plain.rows
        assert told.columns.keys() == plain.columns.keys()
        for name, column in plain.columns.items():
            assert column.number is not None
            assert told.columns[name].number is not None
            assert told.columns[name].number.values == column.number.values


def test_a_window_that_moves_reads_few_members_again() -> None:
    read = []

    def profile_of(batch: int) -> BatchProfile:
        read.append(batch)
        return _profile(batch)

    window = MergedWindow(profile_of)
    for end in range(60, 660):
        window.of(range(end - 60, end))
    assert len(read) < 600 * 5
