"""Which columns of a table fit a width, and how wide each becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 1
"""Blank cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        id: what a row source sorts by.
        title: the header's word.
        width: the least width in cells at which the column is of use.
        grow: share of the spare width; 0 keeps the column at ``width``.
        rank: 0 is never dropped; on a narrow screen the highest rank goes first.
        right: numbers stand at the right edge.
        sortable: ``s`` stops here.
        descending: ``s`` shows the largest first.
    """

    id: str
    title: str
    width: int
    grow: int = 0
    rank: int = 0
    right: bool = False
    sortable: bool = True
    descending: bool = False


def layout(columns: Sequence[Column], width: int) -> tuple[tuple[Column, int], ...]:
    """The columns that fit into ``width`` cells, in their order, with their widths.

    Columns of the highest rank go first (the rightmost of equals) until the rest fits; those of rank 0 stay and are
    cut on the right where even they are too wide. Spare cells go to the growing columns by their share.

    >>> two = (Column("a", "A", 4), Column("b", "B", 6, grow=1, rank=1))
    >>> [(c.id, w) for c, w in layout(two, 20)], [(c.id, w) for c, w in layout(two, 8)]
    ([('a', 4), ('b', 15)], [('a', 4)])
    """
    kept = list(columns)
    while len(kept) > 1 and _least(kept) > width:
        worst = max(range(len(kept)), key=lambda place: (kept[place].rank, place))
        if kept[worst].rank == 0:
            break
        del kept[worst]
    spare = max(0, width - _least(kept))
    shares = sum(column.grow for column in kept)
    result: list[tuple[Column, int]] = []
    for column in kept:
        extra = spare * column.grow // shares if shares else 0
        spare, shares = spare - extra, shares - column.grow
        result.append((column, column.width + extra))
    return tuple(result)


def _least(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)
