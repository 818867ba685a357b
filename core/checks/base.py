"""What a check gets and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from core.checks.departures import Departures, departures, measured
from core.checks.given import Given
from core.checks.statistics import Key, Reading
from core.checks.traits import Trait, traits
from core.stats.effect import log_score
from core.stats.profile import ColumnProfile
from storage.logs.quoting import sql_name, sql_text
from storage.records.models import CheckSpec
from storage.records.results import ErrorClass, Finding, Tier

MINIMUM_ROWS = 30
"""Fewer values than this in a column are not judged by their distribution."""


@dataclass(frozen=True)
class CheckContext(Given):
    """What is given of a batch, with what follows from it: each conclusion is drawn once, when a check asks."""

    @cached_property
    def traits(self) -> Mapping[str, Trait]:
        """What each column of the batch or the reference is, as far as that decides how it may be judged."""
        return traits(self.current, self.reference, self.roles, self.calendar)

    @cached_property
    def readings(self) -> Mapping[Key, Reading]:
        """Every statistic of the batch, measured against the reference."""
        return measured(self, self.traits)

    @cached_property
    def departures(self) -> Departures:
        """Every statistic of the batch against its own past, or against the reference while there is too little."""
        return departures(self, self.traits, self.readings)

    @cached_property
    def spikes(self) -> dict[str, object]:
        """Where columns piled up, as far as checks have asked: see :mod:`core.checks.spikes`."""
        return {}

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """Columns that batch and reference both have and that are not ignored, in the batch's order."""
        return tuple(
            name for name in self.current.columns if name in self.reference.columns and name not in self.roles.ignore
        )

    def pairs(self, *traits: str) -> list[tuple[str, ColumnProfile, ColumnProfile]]:
        """Name, profile now and profile in the reference of shared columns that have one of ``traits``."""
        return [
            (name, self.current.columns[name], self.reference.columns[name])
            for name in self.shared
            if not traits or self.traits[name].kind in traits
        ]

    def spec(self, check: str, column: str | None) -> CheckSpec | None:
        """What the model file says about ``check`` in ``column``: the column's own entry, else the one for all."""
        if not self.specs:
            return None
        own = [s for s in self.specs if s.check == check and s.column == column]
        every = [s for s in self.specs if s.check == check and s.column is None]
        return next(iter(own or every), None)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: a function over a context with what a person has to know about it.

    Attributes:
        needs: what it can't judge without, in words.
        rationale: why it is there.
        response: what to do when it fails, by its class, unless it has one of its own.
    """

    name: str
    error_class: ErrorClass
    tier: Tier
    needs: str
    rationale: str
    run: Callable[[CheckContext], list[Finding]]
    own_response: str = ""

    @property
    def response(self) -> str:
        """What midwatch proposes to do."""
        return self.own_response or RESPONSES[self.error_class]


RESPONSES: Mapping[ErrorClass, str] = {
    "hard": "block the batch and quarantine it; serve the fallback until it is mended",
    "soft": "tag the rows and watch the metric; mend it upstream",
    "drift": "follow the trend; consider retraining when the metric moves",
    "ops": "look at the pipeline: arrival, retries, clocks",
}


def failed(
    context: CheckContext,
    check: Check,
    message: str,
    *,
    cause: str,
    ratio: float,
    column: str | None = None,
    columns: tuple[str, ...] = (),
    part: str | None = None,
    value: float | None = None,
    threshold: float | None = None,
    tier: Tier | None = None,
    rows: int | None = None,
    rows_sql: str | None = None,
    **evidence: Any,
) -> Finding:
    """A finding that fails; ``ratio`` is 1.0 at the threshold, ``columns`` the accused ones, most likely first."""
    spec = context.spec(check.name, column)
    found: dict[str, Any] = {"cause": cause, "columns": list(columns or ((column,) if column else ()))}
    found.update(rows=rows, rows_sql=rows_sql, response=check.response, rationale=check.rationale)
    if spec is not None:
        found.update({k: getattr(spec, k) for k in ("rationale", "owner", "reviewed") if getattr(spec, k)})
    found.update(evidence)
    return Finding(
        check=check.name,
        error_class=check.error_class,
        tier=(spec.tier if spec and spec.tier else None) or tier or check.tier,
        status="fail",
        message=message,
        column=column,
        slice=part,
        value=value,
        threshold=threshold,
        score=log_score(ratio),
        evidence={k: v for k, v in found.items() if v is not None},
    )


def passed(check: Check, message: str, columns: int) -> Finding:
    """What a check judged and found in order."""
    return Finding(check.name, check.error_class, "evidence", "pass", message, evidence={"judged": columns})


def not_checked(check: Check, message: str, column: str | None = None) -> Finding:
    """What a check could not judge, and why."""
    return Finding(check.name, check.error_class, "evidence", "not_checked", message, column=column)


def quieter(finding: Finding, tier: Tier, **evidence: Any) -> Finding:
    """The finding at another tier with more evidence; ``tier_before`` keeps the tier that its check gave it."""
    before = {} if tier == finding.tier else {"tier_before": finding.tier}
    return replace(finding, tier=tier, evidence={**before, **finding.evidence, **evidence})


def percent(share: float) -> str:
    """A share for a person, with as many digits as it needs.

    >>> percent(0.5), percent(0.0213), percent(0.00042)
    ('50 %', '2.1 %', '0.042 %')
    """
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def slice_parts(context: CheckContext, part: str) -> tuple[str, str]:
    """The column and the value of a slice's name; the value of missing is empty."""
    by = max((c for c in context.current.slices if part.startswith(f"{c}=")), key=len)
    return by, part[len(by) + 1 :]


def slice_named(part: str) -> str:
    """A slice's name in a sentence: a missing value shows as such.

    >>> slice_named("maker="), slice_named("region=EU")
    ('maker=(empty)', 'region=EU')
    """
    return f"{part}(empty)" if part.endswith("=") and part.count("=") == 1 else part


def slice_sql(by: str, value: str) -> str:
    """The predicate of a slice.

    >>> print(slice_sql("region", "EU"))
    CAST("region" AS VARCHAR) = 'EU'
    """
    return f"CAST({sql_name(by)} AS VARCHAR) = {sql_text(value)}" if value else f"{sql_name(by)} IS NULL"
