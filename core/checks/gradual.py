"""Whether a level went where it is by degrees: the world drifts, a fault comes between one batch and the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.checks.base import CheckContext
from core.stats.profile import BatchProfile

LATEST = 3
"""Batches whose median is the level of late: one fault among them that nobody saw does not move it."""

LEAST = 2
"""Batches that a level of late takes: of one alone nobody knows where it was going."""

STEP = 0.5
"""From this part of the whole way on that the batch went by itself it is a step."""


def gradual(context: CheckContext, now: float, before: float, measure: Callable[[BatchProfile], float | None]) -> bool:
    """Whether the latest batches had gone most of the way from ``before`` to ``now``; False where they are too few.

    ``measure`` tells the level of one batch, None where it has none.
    """
    levels = [level for batch in context.past[-LATEST:] if (level := measure(batch.profile)) is not None]
    if len(levels) < LEAST:
        return False
    return abs(now - float(np.median(levels))) < STEP * abs(now - before)
