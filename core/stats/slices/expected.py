"""What a row's signal would be were the windows alike: so that a mix of other rows is no change of a slice.

An additive model of the coded columns and of the pairs of columns that add most, fitted by a few rounds of shrunk
Newton steps on counts (a generalised additive model with pairs; Lou et al. 2013), logistic for a 0/1 signal, linear
else. The window is a term of its own while fitting and left out of what is expected. It need not be right: only the
*difference* of its mean in a slice between the windows is used, which is noise about zero while the mix within the
slice stays, whatever the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Block, Words
from core.stats.slices.table import Table

Numbers = NDArray[np.float64]
Codes = NDArray[np.uint8]

ROWS = 20_000
"""Rows of each window that the model is fitted on."""
ROUNDS = 6
PAIRS = 12
WIDEST = 12
"""Columns among which pairs are looked for: those that alone say most."""
_RIDGE = 4.0
PLANES = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows of a table: ``on`` (literals, rows) 0/1, codes (columns, rows), signal (rows)."""

    on: Codes
    codes: Codes
    signal: Numbers


def sample(table: Table, rows: int, rng: np.random.Generator) -> Sample:
    """At most ``rows`` rows, evenly at random without repetition."""
    chosen = np.sort(rng.choice(table.rows, size=rows, replace=False)) if table.rows > rows else np.arange(table.rows)
    parts, signals, begun = [], [], 0
    for block in table.blocks:
        used = np.flatnonzero(_unpacked(block.valid))
        mine = used[chosen[(chosen >= begun) & (chosen < begun + len(used))] - begun]
        begun += len(used)
        words, shifts = mine >> 6, (mine & 63).astype(np.uint64)
        parts.append(((block.bits.take(words, axis=1) >> shifts) & np.uint64(1)).astype(np.uint8))
        signals.append((words < block.head).astype(np.float64) if table.is_binary else block.values[mine])
    if not parts:
        return Sample(np.zeros((sum(table.sizes), 0), np.uint8), np.zeros((len(table.sizes), 0), np.uint8), np.zeros(0))
    on = np.concatenate(parts, axis=1)
    return Sample(on, _codes(on, table.sizes), np.concatenate(signals))


def _codes(on: Sequence[Codes] | Codes, sizes: Sequence[int]) -> Codes:
    """Code of each row and column; a row in none of the literals has the code behind them."""
    codes, at = [], 0
    for size in sizes:
        column = np.full(on[0].shape, size, np.uint8) if len(on) else np.zeros(0, np.uint8)
        for code in range(size):
            column -= on[at + code] * np.uint8(size - code)
        codes.append(column)
        at += size
    return np.array(codes)


def _unpacked(words: Words) -> Codes:
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), bitorder="little")


@dataclass(frozen=True, slots=True)
class Expectation:
    """A base and ``terms`` ``(i, j, effects)`` of columns i and j (i twice: of one), flat over their codes."""

    base: float
    terms: tuple[tuple[int, int, Numbers], ...]
    sizes: tuple[int, ...]
    is_binary: bool

    def of(self, codes: Codes) -> Numbers:
        """Expected signal of each row."""
        score = np.full(codes.shape[1], self.base)
        for i, j, effects in self.terms:
            score += effects.take(_cell(codes, i, j, self.sizes))
        return _expit(score) if self.is_binary else score

    def planes(self, table: Table) -> tuple[float, float, list[Words]]:
        """Expected signals of all rows as bits: ``low``, ``step``, and planes, each bit of the p-th ``step * 2**p``."""
        found = [self.of(_codes([_unpacked(row) for row in block.bits], table.sizes)) for block in table.blocks]
        low = min((float(part.min()) for part in found if len(part)), default=0.0)
        high = max((float(part.max()) for part in found if len(part)), default=0.0)
        step = (high - low) / (2**PLANES - 1) or 1.0
        levels = [np.rint((part - low) / step).astype(np.uint8) for part in found]
        planes = [
            np.concatenate(
                [_masked(part >> np.uint8(p) & np.uint8(1), b) for part, b in zip(levels, table.blocks, strict=True)]
            )
            for p in range(PLANES)
        ]
        return low, step, planes


def _masked(bits: Codes, block: Block) -> Words:
    return np.packbits(bits, bitorder="little").view(np.uint64) & block.valid


def fit(now: Sample, then: Sample, sizes: tuple[int, ...], *, is_binary: bool) -> Expectation:
    """The model of both windows' rows, read at the level of the reference."""
    codes = np.concatenate([now.codes, then.codes], axis=1)
    y = np.concatenate([now.signal, then.signal])
    window = np.concatenate([np.ones(len(now.signal), np.int64), np.zeros(len(then.signal), np.int64)])
    mean = (y.sum() + 0.5) / (len(y) + 1.0) if is_binary else float(y.mean())
    base = float(np.log(mean / (1 - mean))) if is_binary else mean
    score = np.full(len(y), base)
    shift = np.zeros(2)
    effects: dict[tuple[int, int], Numbers] = {}

    def step(i: int, j: int) -> None:
        cells = _cell(codes, i, j, sizes)
        width = (sizes[i] + 1) * (1 if i == j else sizes[j] + 1)
        old = effects.setdefault((i, j), np.zeros(width))
        left, weight = _residual(y, score, is_binary)
        moved = (np.bincount(cells, left, width) - _RIDGE * spread * old) / (
            np.bincount(cells, weight, width) + _RIDGE * spread
        )
        moved = np.clip(moved, -2.0, 2.0) if is_binary else moved
        old += moved
        np.add(score, moved.take(cells), out=score)

    spread = mean * (1 - mean) if is_binary else 1.0
    for _ in range(ROUNDS):
        left, weight = _residual(y, score, is_binary)
        moved = np.bincount(window, left, 2) / np.maximum(np.bincount(window, weight, 2), 1e-9)
        shift += moved
        score += moved.take(window)
        for i in range(len(sizes)):
            step(i, i)
    pairs = _best_pairs(codes, _residual(y, score, is_binary), sizes, effects)
    for _ in range(2):
        for i, j in pairs:
            step(i, j)
    terms = tuple((i, j, table) for (i, j), table in effects.items())
    return Expectation(base + float(shift[0]), terms, sizes, is_binary)


def _best_pairs(
    codes: Codes, residual: tuple[Numbers, Numbers], sizes: tuple[int, ...], effects: dict[tuple[int, int], Numbers]
) -> list[tuple[int, int]]:
    left, weight = residual
    says = {i: float(table.std()) for (i, j), table in effects.items() if i == j}
    best = sorted(sorted(says, key=lambda i: (-says[i], i))[:WIDEST])
    gains = []
    for i, j in combinations(best, 2):
        cells = _cell(codes, i, j, sizes)
        inside = np.bincount(cells, weight)
        gain = float((np.bincount(cells, left) ** 2 / (inside + _RIDGE)).sum())
        gains.append((-gain / max(1, int((inside > 0).sum())) ** 0.5, i, j))
    return [(i, j) for _, i, j in sorted(gains)[:PAIRS]]


def _cell(codes: Codes, i: int, j: int, sizes: tuple[int, ...]) -> NDArray[np.uint16]:
    cells: NDArray[np.uint16] = codes[i].astype(np.uint16)
    if i != j:
        cells *= np.uint16(sizes[j] + 1)
        cells += codes[j]
    return cells


def _residual(y: Numbers, score: Numbers, is_binary: bool) -> tuple[Numbers, Numbers]:
    if not is_binary:
        return y - score, np.ones_like(y)
    rate = _expit(score)
    return y - rate, rate * (1 - rate)


def _expit(x: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), dtype=np.float64)
