"""An estimate in words, the same on every screen; a number never stands without ``est.``."""

from __future__ import annotations

from typing import Any

from storage.records.estimates import Estimate


def figure(told: Estimate) -> str:
    """``auc est. 0.71 ±0.02``, or why there is none: ``auc: no estimate: off by 0.06 on the last 12 windows``."""
    if not told.usable:
        return f"{told.metric}: {told.why_not}"
    half = max(told.high - told.value, told.value - told.low)
    if half >= 10:
        return f"{told.metric} est. {told.value:.4g} ±{half:.2g}"
    places = 2 if half >= 0.01 else 3 if half >= 0.001 else 4
    return f"{told.metric} est. {told.value:.{places}f} ±{half:.{places}f}"


def sentence(told: Estimate) -> str:
    """The figure with its batch and by how much such estimates were off."""
    labels = "labels overdue" if told.overdue else "labels not in"
    if not told.usable or told.own_error is None:
        return f"batch {told.batch_id}, {labels}: {figure(told)}"
    off = f"off by {told.own_error:.2g} on the last {told.windows} windows whose labels are known"
    return f"batch {told.batch_id}, {labels}: {figure(told)}; {off}"


def document(told: Estimate) -> dict[str, Any]:
    """An estimate as scripts read it: ``est`` is None where it is not usable."""
    return {
        "metric": told.metric,
        "batch": told.batch_id,
        "est": told.value if told.usable else None,
        "interval": [told.low, told.high] if told.usable else None,
        "method": told.method,
        "own_error": told.own_error,
        "unchanged_error": told.same_error,
        "windows": told.windows,
        "usable": told.usable,
        "why_not": told.why_not or None,
        "labels_overdue": told.overdue,
        "at": told.at,
    }
