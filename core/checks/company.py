"""How much of their company the model's answers lost."""

from __future__ import annotations

from core.checks.base import CheckContext

LEFT = 0.5
"""From this part of their company lost, the answers have left their features, and not one feature the answers."""


def answers_left(context: CheckContext) -> float:
    """The part of the prediction's bonds and ties that is gone, 0 to 1; 0 while they stay within their own past."""
    gone = 0.0
    for stat in ("bond", "tie"):
        departure = context.departures.get(context.roles.prediction or "", stat)
        if departure is not None and departure.ratio >= 1 and departure.rise < 0 < departure.expected:
            gone = max(gone, min(1.0, -departure.rise / departure.expected))
    return gone
