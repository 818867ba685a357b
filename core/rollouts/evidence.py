"""The evidence of one guardrail, from its looks; adding a look costs the same however many came before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.rollouts.tallies import SCALES, Tally, begin
from core.stats.gates.budget import needed, share
from storage.records.looks import Look
from storage.records.rollouts import Evidence, GuardrailRule, Method, StageRule

HARM_FROM: dict[Method, int] = {"mean": 30, "paired mean": 30}
CLEAR_FROM: dict[Method, int] = {"mean": 100, "paired mean": 300}
"""Units of the candidate before a mean may say harm, or be clear: those tests are right for large samples only.

Measured at 5 %, looks of 3 and of 50 units: candidates at the margin were cleared in up to 32 % (pairs of skewed
numbers) and 5.3 % (two arms) with none, in at most 3.5 % and 4.3 % with these. Measured at 1 %: two arms of 2 units of
normal numbers said harm in 2.1 % with none, in 0.1 % with 30.
"""

Order = tuple[datetime, datetime, datetime, str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Point:
    """Where one guardrail stood at a moment in the time of the data; the interval is valid at every one of them."""

    at: datetime
    estimate: float
    low: float
    high: float
    log_harm: float
    log_promote: float


def order(look: Look) -> Order:
    """The place of a look among the looks of a stage: by what it says, never by when it was stored.

    Looks that are equal in all of it are interchangeable, so any order of arrival gives the same sums to the last bit.
    """
    said = (look.guardrail, look.baseline, repr(look.sums), look.rows, look.labelled)
    return (look.counted_at, look.window_start, look.window_end, *said)


def harm_needed(rule: StageRule) -> float:
    """Logarithm of the e-value at which one guardrail says harm: the stage's chance of error, shared by all of them."""
    return needed(share(rule.alpha_harm, guardrails=max(len(rule.guardrails), 1)))


def promote_needed(rule: StageRule) -> float:
    """Logarithm of the e-value at which one guardrail is clear; each must be, so nothing is shared."""
    return needed(rule.alpha_promote)


class Gathering:
    """The evidence of one guardrail of a stage, look by look.

    Attributes:
        looks, canary, control: looks that can be believed, and units in those that have both arms.
        rows, labelled: of the candidate's arm.
        harm_from, clear_from: units of the candidate before it may say harm, or be clear.
        harmed_at: the first moment at which harm was certain; it stays (Ville: that it ever happens has the error's
            chance). cleared_at: since when it has been clear of the margin without a break.
        wrong: looks that cannot be believed; ``why_wrong`` says it of the first, with the start of its window.
    """

    def __init__(self, rule: GuardrailRule, stage: StageRule):
        self.rule = rule
        self.alpha = stage.alpha_promote
        self.harm_needed, self.promote_needed = harm_needed(stage), promote_needed(stage)
        self.tally: Tally = begin(rule)
        self.looks = self.canary = self.control = self.rows = self.labelled = self.wrong = 0
        self.why_wrong: tuple[str, datetime] | None = None
        self.harmed_at: datetime | None = None
        self.cleared_at: datetime | None = None
        self.baseline = ""
        self.log_harm = self.log_promote = 0.0
        self.harm_from = max(rule.minimum_units, HARM_FROM.get(rule.method, 0))
        self.clear_from = max(rule.minimum_units, CLEAR_FROM.get(rule.method, 0))

    def add(self, look: Look) -> bool:
        """Take in one look, if it can be believed; :meth:`settle` follows when all looks of its moment are in."""
        try:
            if look.window_end < look.window_start:
                raise ValueError("its window ends before it begins")
            units = self.tally.add(look.sums)
            if units is None:
                raise ValueError(f"sums that method {self.rule.method!r} cannot read")
        except ValueError as error:
            self.wrong += 1
            self.why_wrong = self.why_wrong or (str(error), look.window_start)
            return False
        self.looks += 1
        self.rows += look.rows
        self.labelled += look.labelled
        self.baseline = look.baseline
        if min(units) > 0:
            self.canary += units[0]
            self.control += units[1]
        return True

    def settle(self, at: datetime) -> None:
        """Read what the looks up to ``at`` say."""
        if not self.canary:
            return
        self.log_harm, self.log_promote = self.tally.read()
        if self.harmed_at is None and self.canary >= self.harm_from and self.log_harm >= self.harm_needed:
            self.harmed_at = at
        if self.canary < self.clear_from or self.log_promote < self.promote_needed:
            self.cleared_at = None
        elif self.cleared_at is None:
            self.cleared_at = at

    @property
    def early(self) -> bool:
        """Whether it would say harm, had it not too few units for that."""
        return 0 < self.canary < self.harm_from and self.log_harm >= self.harm_needed

    def beyond(self, estimate: float) -> bool:
        """Whether an estimate is at the margin or on its bad side."""
        margin, down = self.rule.margin, self.rule.harm == "down"
        match SCALES[self.rule.method]:
            case "odds ratio":
                return estimate <= 1 / margin if down else estimate >= margin
            case "difference":
                return estimate <= -margin if down else estimate >= margin
            case "chance to be worse":
                return estimate >= 0.5 + margin

    def evidence(self) -> Evidence:
        """How far it has come."""
        estimate, low, high = self.tally.interval(self.alpha) if self.canary else (math.nan,) * 3
        return Evidence(
            guardrail=self.rule.name,
            method=self.rule.method,
            looks=self.looks,
            canary=self.canary,
            control=self.control,
            log_harm=self.log_harm,
            log_promote=self.log_promote,
            harm_needed=self.harm_needed,
            promote_needed=self.promote_needed,
            scale=SCALES[self.rule.method],
            estimate=estimate,
            low=low,
            high=high,
            harmed_at=self.harmed_at,
            cleared_at=self.cleared_at,
        )


def evidence_over_time(rule: StageRule, looks: Iterable[Look], guardrail: str) -> tuple[Point, ...]:
    """How one guardrail came to where it is: a point for each moment at which looks of it were counted.

    Nothing for a guardrail that the stage does not have; a look that cannot be believed, or with an empty arm, adds
    no point.
    """
    judged = next((each for each in rule.guardrails if each.name == guardrail), None)
    if judged is None:
        return ()
    gathering = Gathering(judged, rule)
    points: dict[datetime, Point] = {}
    units = 0
    for look in sorted((look for look in looks if look.guardrail == guardrail and look.stage == rule.stage), key=order):
        gathering.add(look)
        gathering.settle(look.counted_at)
        if gathering.canary > units:
            units = gathering.canary
            now = gathering.evidence()
            points[look.counted_at] = Point(
                look.counted_at, now.estimate, now.low, now.high, now.log_harm, now.log_promote
            )
    return tuple(points.values())


def bars(evidence: Evidence) -> tuple[float, float]:
    """How full the bars toward promote and toward harm are, 0 to 1; the bar of a harm that was found stays full."""
    promote = 1.0 if evidence.cleared_at is not None else min(_part(evidence.log_promote, evidence.promote_needed), 1.0)
    harm = 1.0 if evidence.harmed_at is not None else min(_part(evidence.log_harm, evidence.harm_needed), 1.0)
    return promote, harm


def _part(reached: float, needed: float) -> float:
    return max(reached, 0.0) / needed if needed > 0 else 1.0
