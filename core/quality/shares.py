"""A share with its interval; of too few a sentence and no number."""

from __future__ import annotations

from dataclasses import dataclass

from core.stats.intervals import wilson

LEAST = 10
"""Under this many judged there is no number: Wilson's interval of 9 of 9 still begins at 0.70."""


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``n``; ``value`` with Wilson's 95 % interval is None under :data:`LEAST`, and ``note`` says so."""

    hits: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    note: str | None

    @property
    def words(self) -> str:
        """The share as it is said.

        >>> share(14, 20, "judged").words, share(2, 3, "judged").words
        ('70 % [48 85] of 20 judged', '3 judged, 10 needed')
        """
        if self.value is None or self.low is None or self.high is None:
            return self.note or "-"
        return f"{100 * self.value:.0f} % [{100 * self.low:.0f} {100 * self.high:.0f}] {self.note}"


def share(hits: int, n: int, what: str, none: str | None = None) -> Share:
    """A share of ``n`` things called ``what``; ``none`` says that there are none.

    >>> share(0, 0, "judged").words, share(0, 0, "incidents", "unknown, no incident").words
    ('none judged', 'unknown, no incident')
    """
    if n < LEAST:
        return Share(hits, n, None, None, None, f"{n} {what}, {LEAST} needed" if n else none or f"none {what}")
    low, high = wilson(hits, n)
    return Share(hits, n, hits / n, low, high, f"of {n} {what}")
