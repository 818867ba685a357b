"""What a check gets and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.checks.beside import Beside
from core.stats.effect import log_score
from core.stats.profile import BatchProfile, ColumnProfile
from storage.logs.quoting import sql_name, sql_text
from storage.records.logs import Roles
from storage.records.models import CheckSpec
from storage.records.results import ErrorClass, Finding, Tier

if TYPE_CHECKING:
    from core.checks.departures import Departures
    from core.checks.measures import Key, Reading
    from core.checks.traits import Trait
    from core.checks.watched import WatchedSlice

MINIMUM_ROWS = 30
"""Fewer values than this in a column are not judged by their distribution."""


@dataclass(frozen=True, slots=True)
class PastBatch:
    """One accepted earlier batch; ``profile`` is also among those merged into the reference.

    ``readings`` are its statistics as they were told when it came, None where they must be measured again.
    """

    window_start: datetime | None
    window_end: datetime | None
    profile: BatchProfile
    readings: Mapping[Key, Reading] | None = None


@dataclass(frozen=True)
class CheckContext:
    """One batch and all that it is judged by.

    Attributes:
        current: the batch.
        reference: the baseline, merged.
        past: the accepted batches in the order of time; may be empty. From five on thresholds come from them.
        roles: which column plays which part.
        specs: what the model file says about checks.
        calendar: columns that the model file calls calendar columns.
        window_start, window_end: the batch's stretch of time, when known.
        expected_rows: rows that the source says it sent, when it says so (conservation).
        kept_slices: what is watched besides, each slice by its own past.
        beside: rows with known answers, and the rows that the version learned from.
    """

    current: BatchProfile
    reference: BatchProfile
    past: tuple[PastBatch, ...] = ()
    roles: Roles = field(default_factory=Roles)
    specs: tuple[CheckSpec, ...] = ()
    calendar: tuple[str, ...] = ()
    window_start: datetime | None = None
    window_end: datetime | None = None
    expected_rows: int | None = None
    kept_slices: tuple[WatchedSlice, ...] = ()
    beside: Beside = field(default_factory=Beside)

    @cached_property
    def traits(self) -> Mapping[str, Trait]:
        """What each column of the batch or the reference is, as far as that decides how it may be judged."""
        from core.checks.traits import traits

        return traits(self)

    @cached_property
    def readings(self) -> Mapping[Key, Reading]:
        """Every statistic of the batch, measured against the reference."""
        from core.checks.departures import measured

        return measured(self)

    @cached_property
    def departures(self) -> Departures:
        """Every statistic of the batch against its own past, or against the reference while there is too little."""
        from core.checks.departures import departures

        return departures(self)

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
    """The finding at another tier with more evidence."""
    return replace(finding, tier=tier, evidence={**finding.evidence, **evidence})


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


def slice_sql(by: str, value: str) -> str:
    """The predicate of a slice.

    >>> print(slice_sql("region", "EU"))
    CAST("region" AS VARCHAR) = 'EU'
    """
    return f"CAST({sql_name(by)} AS VARCHAR) = {sql_text(value)}" if value else f"{sql_name(by)} IS NULL"
