"""Tables of the same rows with other values: drawn in to quantiles of the reference, or squared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Block
from core.stats.slices.table import Table


def capped(current: Table, reference: Table, share: float) -> tuple[Table, Table]:
    """Both tables with real signals beyond the ``share`` and ``1 - share`` quantiles of the reference drawn in to them.

    Falling order stays falling, so the bits serve both.

    Raises:
        ValueError: share outside 0.5..1.
    """
    if not 0.5 <= share <= 1:
        raise ValueError("the share of rows that is not capped is within 0.5..1")
    signals = np.concatenate([block.values[_used(block)] for block in reference.blocks])
    low, high = np.quantile(signals, [1 - share, share])
    both = []
    for table in (current, reference):
        blocks = []
        for b in table.blocks:
            values = np.where(_used(b), np.clip(b.values, low, high), 0.0)
            blocks.append(Block(b.bits, b.valid, b.head, values, b.least.clip(low, high), b.most.clip(low, high)))
        both.append(Table.gather([replace(table, blocks=tuple(blocks))]))
    return both[0], both[1]


def squared(table: Table) -> Table:
    """The same rows, their real signals squared: for sums of squares of many slices, within the width of words."""
    blocks = []
    for b in table.blocks:
        ends = b.least**2, b.most**2
        least = np.where(b.least * b.most < 0, 0.0, np.minimum(*ends))
        blocks.append(Block(b.bits, b.valid, b.head, b.values**2, least, np.maximum(*ends)))
    return replace(table, blocks=tuple(blocks), total=table.squares, peak=table.peak**2)


def _used(block: Block) -> NDArray[np.bool_]:
    return np.unpackbits(block.valid.view(np.uint8), bitorder="little").view(np.bool_)
