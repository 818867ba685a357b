"""Is the traffic split as it should be? A sequential test of sample-ratio mismatch that may be read after every look.

The arms' counts are held against shares drawn from a Dirichlet law about the expected ones: the Bayes factor
``G(c) / G(c + n) * prod(G(c rho_i + n_i) / (G(c rho_i) rho_i**n_i))`` (``G`` the gamma function, ``c`` the
concentration) is a martingale that starts at 1 while units fall on arms at random with shares ``rho``, so the chance
that it ever reaches ``1 / alpha`` is at most ``alpha`` (Lindon, Malek 2022, NeurIPS, "Anytime-valid inference for
multinomial count data"). A split that is off voids whatever else the gate measured.

Units must be what was split: rows of users that were split by user come in clumps, and clumps look like a split that is
off. Counts are whole numbers, kept by expected share: neither order nor grouping of looks changes anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.stats.gates.exact import whole

ALPHA = 0.001
CONCENTRATION = 100.0


@dataclass(frozen=True, slots=True)
class Split:
    """Counts of both arms so far, as ``(expected share of the candidate, candidate, control)``, by share.

    >>> fair = Split().add(1_000, 9_000, 0.1)
    >>> round(fair.log_evidence, 2), fair.add(700, 9_300, 0.1).off()
    (-2.32, True)
    """

    counts: tuple[tuple[float, int, int], ...] = ()

    def add(self, canary: int, control: int, expected: float) -> Split:
        """With one more look.

        Raises:
            ValueError: a count is no count, or the share is not between 0 and 1.
        """
        if not 0.0 < expected < 1.0:
            raise ValueError(f"expected share {expected}: between 0 and 1 is needed")
        a, b = whole(canary, "units of the candidate"), whole(control, "units of the control")
        held = {share: (x, y) for share, x, y in self.counts}
        x, y = held.get(expected, (0, 0))
        held[expected] = (x + a, y + b)
        return Split(tuple((share, *held[share]) for share in sorted(held)))

    def merge(self, other: Split) -> Split:
        """Looks of both together."""
        both = self
        for share, a, b in other.counts:
            both = both.add(a, b, share)
        return both

    @property
    def log_evidence(self) -> float:
        """``ln`` of the e-value against the expected split; 0.0 without data."""
        return math.fsum(_log_factor(share, a, b) for share, a, b in self.counts)

    def off(self, alpha: float = ALPHA) -> bool:
        """Whether the split is shown to be off."""
        return self.log_evidence >= -math.log(alpha)

    @property
    def canary(self) -> int:
        """Units of the candidate."""
        return sum(a for _, a, _ in self.counts)

    @property
    def control(self) -> int:
        """Units of the control."""
        return sum(b for _, _, b in self.counts)

    @property
    def expected(self) -> float:
        """The candidate's share of all units that was expected; NaN without data."""
        n = self.canary + self.control
        return math.fsum(share * (a + b) for share, a, b in self.counts) / n if n else math.nan


def _log_factor(share: float, canary: int, control: int) -> float:
    factor = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + canary + control)
    for rho, n in ((share, canary), (1.0 - share, control)):
        factor += math.lgamma(CONCENTRATION * rho + n) - math.lgamma(CONCENTRATION * rho) - n * math.log(rho)
    return factor
