"""A learned model as plain numbers: it is read from the store and asked without any library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.stats.reliability import Bin, Reliability

FORM = 1
"""Of the stored body; another form is not read but learned anew."""


REACH = 3.0
"""Standard deviations at which a feature stops counting for more: nobody has answered alerts out there."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One feature of a logistic regression, standardised by ``mean`` and ``scale``."""

    name: str
    mean: float
    scale: float
    weight: float

    def part(self, values: Mapping[str, float]) -> float:
        """What the feature adds to the log odds of an alert like the average one."""
        return self.weight * min(max((values.get(self.name, 0.0) - self.mean) / self.scale, -REACH), REACH)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How the method did on the newest answers, which it had not seen.

    Attributes:
        model, counts: both judged on the same answers.
        floor: alerts under this probability may go down a tier; 0 where none may.
        kept: share of the worthy alerts that stay above the floor; ``kept_at_least`` with 90 % confidence.
        worthy: how many worthy alerts that rests on.
        lowered: of all these answers, how many would have gone down.
        trained: answers it had seen.
    """

    model: Reliability
    counts: Reliability
    floor: float
    kept: float
    kept_at_least: float
    worthy: int
    lowered: int
    trained: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrated logistic regression with its figures.

    Attributes:
        slope, shift: of Platt's calibration: the probability is 1 / (1 + exp(-(slope * z + shift))).
        silent: how many silences it has learned from beside the answers.
        verdict: why it is in force, or why counting stays.
    """

    weights: tuple[Weight, ...]
    intercept: float
    slope: float
    shift: float
    answers: int
    worth: int
    silent: int
    held_out: HeldOut
    in_force: bool
    verdict: str

    def margin(self, values: Mapping[str, float]) -> float:
        """The sum of all contributions, before calibration."""
        return self.intercept + sum(part for _, part in self.contributions(values))

    def contributions(self, values: Mapping[str, float]) -> list[tuple[str, float]]:
        """What each feature adds to or takes from an alert like the average one."""
        return [(w.name, w.part(values)) for w in self.weights]

    def probability(self, values: Mapping[str, float]) -> float:
        """The calibrated probability that the alert is worth acting on."""
        return sigmoid(self.slope * self.margin(values) + self.shift)

    def body(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {"form": FORM, **asdict(self)}


def sigmoid(z: float) -> float:
    """The logistic function, safe for large numbers.

    >>> sigmoid(0.0), sigmoid(-1000.0)
    (0.5, 0.0)
    """
    return 1 / (1 + math.exp(-z)) if z >= 0 else 1 - 1 / (1 + math.exp(min(z, 700.0)))


def read(body: Mapping[str, Any]) -> Fitted | None:
    """What :meth:`Fitted.body` wrote; None for another form."""
    if body.get("form") != FORM:
        return None
    told = {key: value for key, value in body.items() if key != "form"}
    held = dict(told["held_out"])
    held["model"], held["counts"] = _reliability(held["model"]), _reliability(held["counts"])
    told["held_out"] = HeldOut(**held)
    told["weights"] = tuple(Weight(**w) for w in told["weights"])
    return Fitted(**told)


def _reliability(told: Mapping[str, Any]) -> Reliability:
    return Reliability(**{**told, "bins": tuple(Bin(**b) for b in told["bins"])})
