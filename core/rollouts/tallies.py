"""What the looks of one guardrail add up to, by the method of its rule: records of looks in, readings out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, Protocol

from storage.records.looks import Binary, Means, Moments, PairedBinary, PairedMeans, Ranks, Sums
from storage.records.rollouts import GuardrailRule, Harm, Method

if TYPE_CHECKING:
    from core.stats.gates.means import Means as MeansTest
    from core.stats.gates.odds import Odds
    from core.stats.gates.ranks import Ranks as RanksTest

Scale = Literal["odds ratio", "difference", "chance to be worse"]
SCALES: dict[Method, Scale] = {
    "odds": "odds ratio",
    "paired odds": "odds ratio",
    "mean": "difference",
    "paired mean": "difference",
    "rank": "chance to be worse",
}


class Test(Protocol):
    """What every test of a gate can be asked."""

    @property
    def estimate(self) -> float:
        """The most likely value on its scale."""

    def log_harm(self, harm: Harm) -> float:
        """Logarithm of the e-value against "no harm"."""

    def log_promote(self, margin: float, harm: Harm) -> float:
        """Logarithm of the e-value against "harm at the margin"."""

    def interval(self, alpha: float) -> tuple[float, float]:
        """Low and high, valid at every look."""


class Tally(ABC):
    """Sums over the looks of one guardrail, with what they say so far."""

    rule: GuardrailRule
    so_far: Test

    @abstractmethod
    def add(self, sums: Sums) -> tuple[int, int] | None:
        """Take in one look: the units of both arms that it brought, or None when its sums are of another method.

        Raises:
            ValueError: its numbers cannot be, as more events than units; the message says which.
        """

    def read(self) -> tuple[float, float]:
        """Logarithms of the e-values against "no harm" and against "harm at the margin"."""
        return self.so_far.log_harm(self.rule.harm), self.so_far.log_promote(self.rule.margin, self.rule.harm)

    def interval(self, alpha: float) -> tuple[float, float, float]:
        """Estimate, low and high; the interval is valid at every look."""
        return self.so_far.estimate, *self.so_far.interval(alpha)


def begin(rule: GuardrailRule) -> Tally:
    """An empty tally for a guardrail; numpy is loaded here, not with the module.

    Raises:
        ValueError: the rule's margin or standard deviation is not one its method can work with.
    """
    match rule.method:
        case "odds" | "paired odds":
            return OddsTally(rule)
        case "mean" | "paired mean":
            return MeansTally(rule)
        case "rank":
            return RanksTally(rule)


class OddsTally(Tally):
    """Events of two arms, or of requests that both versions answered."""

    def __init__(self, rule: GuardrailRule):
        from core.stats.gates.odds import Odds

        self.rule = rule
        self.so_far: Odds = Odds.empty(margin=rule.margin)

    def add(self, sums: Sums) -> tuple[int, int] | None:
        """As :meth:`Tally.add` says."""
        match self.rule.method, sums:
            case "odds", Binary():
                self.so_far = self.so_far.add(sums.canary, sums.canary_events, sums.control, sums.control_events)
                return sums.canary, sums.control
            case "paired odds", PairedBinary():
                self.so_far = self.so_far.add_paired(sums.only_canary, sums.only_control, sums.pairs)
                return sums.pairs, sums.pairs
        return None


class MeansTally(Tally):
    """Numbers of two arms, or differences over requests that both versions answered; 0/1 are numbers too."""

    def __init__(self, rule: GuardrailRule):
        from core.stats.gates.means import Means as Test

        self.rule = rule
        self.so_far: MeansTest = Test.empty(sd=rule.sd or 0.0, covariate=rule.covariate is not None)

    def add(self, sums: Sums) -> tuple[int, int] | None:
        """As :meth:`Tally.add` says."""
        match self.rule.method, sums:
            case "mean", Means():
                canary, control = sums.canary, sums.control
            case "mean", Binary() if self.rule.covariate is None:
                canary = Moments(sums.canary, sums.canary_events, sums.canary_events)
                control = Moments(sums.control, sums.control_events, sums.control_events)
            case "paired mean", PairedMeans():
                self.so_far = self.so_far.add_differences(sums.pairs, sums.total, sums.squares)
                return sums.pairs, sums.pairs
            case "paired mean", PairedBinary():
                differ = sums.only_canary + sums.only_control
                self.so_far = self.so_far.add_differences(sums.pairs, sums.only_canary - sums.only_control, differ)
                return sums.pairs, sums.pairs
            case _:
                return None
        self.so_far = self.so_far.add(canary, control)
        return canary.n, control.n


class RanksTally(Tally):
    """The chance that a unit of the candidate's arm is worse than one of the control's."""

    def __init__(self, rule: GuardrailRule):
        from core.stats.gates.ranks import Ranks as Test

        self.rule = rule
        self.so_far: RanksTest = Test()

    def add(self, sums: Sums) -> tuple[int, int] | None:
        """As :meth:`Tally.add` says."""
        if not isinstance(sums, Ranks):
            return None
        self.so_far = self.so_far.add(sums.canary, sums.control, sums.auc, sums.ties)
        return sums.canary, sums.control

    def interval(self, alpha: float) -> tuple[float, float, float]:
        """As :meth:`Tally.interval` says; where smaller is worse, of the chance to be smaller."""
        estimate, low, high = super().interval(alpha)
        return (estimate, low, high) if self.rule.harm == "up" else (1 - estimate, 1 - high, 1 - low)
