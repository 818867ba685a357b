"""What the cursor stands on, for everything that asks "of what?": a model, perhaps one batch, perhaps slices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Focus:
    """A model, and what narrows it down.

    Attributes:
        model: its name.
        batch_id: one batch of it; None for what came in last.
        slices: slices that findings of an alert name, as ``region=LATAM``, the worst first.
        alert_id: the alert that the cursor stood on.
    """

    model: str
    batch_id: int | None = None
    slices: tuple[str, ...] = ()
    alert_id: int | None = None
