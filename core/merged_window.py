"""The latest batches merged into one profile, while the window moves on: a few merges a batch and not one a member.

The members before a cut are kept as merges of "from here to the cut", one every few members; those after the cut as one
merge that grows. When the window has left all that lies before the cut, the cut moves to its end (a queue made of two
stacks, with checkpoints so that little is held).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.stats.profile import BatchProfile
from core.stats.slice_table import merge_tabled

STRIDE = 4
"""Members between two kept merges: at most as many are merged anew for each window."""


class MergedWindow:
    """Merges of consecutive windows over the same batches; any other window is merged from the start."""

    def __init__(self, profile_of: Callable[[int], BatchProfile]) -> None:
        self._profile_of = profile_of
        self._front: list[int] = []
        self._tails: dict[int, BatchProfile] = {}
        self._back: list[int] = []
        self._merged_back = BatchProfile()

    def of(self, ids: Sequence[int]) -> BatchProfile:
        """The profiles of ``ids`` merged in that order."""
        first = self._place(ids)
        for new in ids[len(self._front) + len(self._back) - first :]:
            self._back.append(new)
            self._merged_back = merge_tabled(self._merged_back, self._profile_of(new))
        if first >= len(self._front):
            return self._merged_back
        kept = -(-first // STRIDE) * STRIDE
        told = self._merge(self._front[first:kept])
        if kept in self._tails:
            told = merge_tabled(told, self._tails[kept])
        return merge_tabled(told, self._merged_back)

    def _place(self, ids: Sequence[int]) -> int:
        """Where the window begins in what is known, which begins anew when it does not continue."""
        known = [*self._front, *self._back]
        first = known.index(ids[0]) if ids and ids[0] in known else -1
        if first >= 0 and known[first:] == list(ids[: len(known) - first]):
            if first <= len(self._front):
                return first
            self._cut([*known[first:]])
            return 0
        self._front, self._tails, self._back, self._merged_back = [], {}, [], BatchProfile()
        return 0

    def _cut(self, members: list[int]) -> None:
        """Put ``members`` before the cut and nothing behind it."""
        self._front, self._tails, self._back, self._merged_back = members, {}, [], BatchProfile()
        tail = BatchProfile()
        for place in range((len(members) - 1) // STRIDE * STRIDE, -1, -STRIDE):
            tail = merge_tabled(self._merge(members[place : place + STRIDE]), tail)
            self._tails[place] = tail

    def _merge(self, members: Sequence[int]) -> BatchProfile:
        merged = BatchProfile()
        for member in members:
            merged = merge_tabled(merged, self._profile_of(member))
        return merged
