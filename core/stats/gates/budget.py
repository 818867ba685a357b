"""The chance of a false alarm, shared by all that may raise one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.stats.gates.exact import log_sum


def share(alpha: float, stages: int = 1, guardrails: int = 1) -> float:
    """What each guardrail of each stage may spend, so that all together stay within ``alpha`` (Bonferroni).

    Equal parts: an alarm has a name attached, so each guardrail must hold its own.

    >>> share(0.01, stages=2, guardrails=5)
    0.001

    Raises:
        ValueError: ``alpha`` is not between 0 and 1, or there is no stage or guardrail.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha {alpha}: between 0 and 1 is needed")
    if stages < 1 or guardrails < 1:
        raise ValueError("at least one stage and one guardrail are needed")
    return alpha / (stages * guardrails)


def needed(alpha: float) -> float:
    """What the logarithm of an e-value must reach at this error: ``ln(1 / alpha)``.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha {alpha}: between 0 and 1 is needed")
    return -math.log(alpha)


def anything(log_evidences: Sequence[float]) -> float:
    """Evidence that any of several is harmed, without saying which: the mean of e-values is an e-value.

    >>> round(anything([0.0, 5.0]), 3)
    4.314

    Raises:
        ValueError: there is none.
    """
    if not log_evidences:
        raise ValueError("at least one guardrail is needed")
    return log_sum(list(log_evidences)) - math.log(len(log_evidences))
