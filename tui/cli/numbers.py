"""Numbers and cells of tables on standard output."""

from __future__ import annotations


def number(value: float | None) -> str:
    """A mean signal, as short as it says something."""
    return "-" if value is None or value != value else f"{value:.4g}"


def cell(value: object) -> str:
    """A cell of a log, cut to sixty characters; empty where it is missing."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)[:60]


def interval_text(interval: tuple[float, float] | None) -> str:
    """An interval as ``[low high]``."""
    return "-" if interval is None else f"[{interval[0]:.4g} {interval[1]:.4g}]"
