"""The absolute ranking's z, interval and q-value: a slice against the rest of its own window, paid for the search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.stats.slices.candidates import candidates
from core.stats.slices.change import difference
from core.stats.slices.error_control import ROWS, learn
from core.stats.slices.expected import sample
from core.stats.slices.search import Slice
from core.stats.slices.sides import Sums
from core.stats.slices.table import Table


def paid_slices(
    table: Table, slices: Sequence[Slice], *, depth: int = 3, support: float = 0.01, rng: np.random.Generator
) -> tuple[Slice, ...]:
    """``slices`` of an absolute ranking of ``table``, in their order, with what the search they won costs.

    The z is that of mean here against mean elsewhere (0/1: signed root of the likelihood ratio, half a case of
    continuity; real: Welch). ``effect`` stays the mean here less the mean overall, and the interval is of it, 95 % over
    all slices of the search together. The q-value is family-wise for slices *worse* than the rest, from the overlap of
    all slices of that depth and support (:func:`core.stats.slices.error_control.learn`).

    Args:
        depth, support: those of the search.
    """
    if not slices or not table.rows:
        return tuple(slices)
    tried = candidates([table], depth=depth, minimum=max(1, math.ceil(support * table.rows - 1e-9)))
    chance = learn(tried, sample(table, ROWS, rng).on, rng)
    whole = Sums.whole(table)
    paid = []
    for one in slices:
        tally = table.tally(one.literals)
        here = Sums.of(tally.rows, tally.total, None if table.is_binary else tally.squares)
        length = max(1, len(one.literals))
        width = chance.critical(0.05, min(length, len(chance.counts)))
        z, low, high = difference(here, whole.beyond(here), is_binary=table.is_binary, width=width)
        evidence = chance.evidence(np.array([z]), np.array([min(length, len(chance.counts))]))
        outside = 1.0 - tally.rows / table.rows  # mean here - overall is this share of mean here - mean elsewhere
        q_value = float(chance.q_values(evidence)[0])
        paid.append(replace(one, z=z, interval=(low * outside, high * outside), q_value=q_value))
    return tuple(paid)
