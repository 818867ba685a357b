"""Findings of one cause brought together: what a cause explains is kept as its evidence, and does not alarm again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.checks.base import CheckContext, quieter, slice_parts
from core.checks.belief import DOUBT, doubt
from core.checks.false_alarms import further
from storage.records.results import TIERS, Finding

ORDER = (
    "constant prediction",
    "rename",
    "schema",
    "swap",
    "unit change",
    "time zone",
    "category rename",
    "stale",
    "frozen",
    "null burst",
    "encoding",
    "clipped",
    "buckets",
    "default value",
    "new values",
    "category",
    "lost values",
    "segment",
    "slice shift",
    "broken bond",
    "bounds",
    "drift",
    "labels",
    "prediction",
)
"""Causes that explain a column, the most telling first."""

SHADOWS = frozenset({"drift", "segment", "slice shift", "lost values", "buckets"})
"""What missing rows bring about: they were of other hours than those that came."""

_LOUD = ("page", "ticket")


CONTENT = frozenset({"unit change", "bounds", "default value", "clipped", "buckets", "slice shift", "frozen"})
"""What a column's own numbers can be accused of, and what a campaign or a storm does to many of them at once."""

KEPT = "kept_slice"
"""The check whose slices are names and not ``column=value``."""

WORLD_COLUMNS = 5
WORLD_SHARE = 0.2
LOST = ("completeness", "slice_completeness")
FEW_ROWS = 0.25
"""Share of rows that one source among several may lack by itself: hours of a weather station, say."""


def explained(context: CheckContext, findings: Sequence[Finding]) -> list[Finding]:
    """The failures with one loud finding per cause, the loudest and furthest first."""
    findings = _world(context, _doubted(context, _one_clock(findings)))
    volume = next((f for f in findings if f.evidence["cause"] == "volume" and f.tier in _LOUD), None)
    owner: dict[str, Finding] = {}
    for finding in sorted(findings, key=_telling):
        if finding.tier in _LOUD and finding.evidence["cause"] in ORDER:
            for column in (
                finding.evidence["columns"] if finding.evidence["cause"] in ("swap", "rename") else [finding.column]
            ):
                if column is not None:
                    owner.setdefault(column, finding)
    told = []
    for finding in findings:
        why = _owner_of_kept(finding, owner) if finding.check == KEPT else _owner(context, finding, owner)
        if why is None and volume is not None and finding.evidence["cause"] in SHADOWS:
            why = volume
        hard = finding.check == "bounds" and finding.error_class == "hard"
        # What is quieter explains nothing louder: they stay one alert by their column, at the louder tier.
        louder = why is not None and finding.tier in _LOUD and TIERS.index(finding.tier) < TIERS.index(why.tier)
        if why is None or why is finding or hard or louder:
            told.append(finding)
            continue
        cause = why.evidence["cause"]
        if finding.evidence["cause"] == "labels" and cause not in ("swap", "unit change"):
            told.append(finding)
            continue
        told.append(quieter(finding, "evidence", cause=cause, columns=why.evidence["columns"], explained_by=why.check))
    return ranked(_honest(context, _downstream(context, told)))


def _honest(context: CheckContext, findings: list[Finding]) -> list[Finding]:
    """With fewer past batches than a scale needs, what alarms says that only the reference stands behind it."""
    if context.departures.days or context.window_start is None:
        return findings
    known = len(context.past)
    basis = f"judged by the reference alone, {known} past batch{'' if known == 1 else 'es'}"
    return [replace(f, evidence={**f.evidence, "basis": basis}) if f.tier in _LOUD else f for f in findings]


def _doubted(context: CheckContext, findings: Sequence[Finding]) -> list[Finding]:
    """With a past, a ticket more likely noise than not is for the digest; the impossible and what a person set stay."""
    if not context.departures.days:
        return list(findings)
    more = further(context) if any(f.tier == "ticket" for f in findings) else 0.0
    return [
        quieter(f, "digest", doubted=True)
        if f.tier == "ticket"
        and (f.error_class != "hard" or f.check in DOUBT)
        and f.score < doubt(f.check) + more
        and not _asked(context, f)
        else f
        for f in findings
    ]


def _asked(context: CheckContext, finding: Finding) -> bool:
    """Whether a person named the threshold or the tier."""
    spec = context.spec(finding.check, finding.column)
    return spec is not None and (spec.threshold is not None or spec.tier is not None or spec.minimum is not None)


def _world(context: CheckContext, findings: Sequence[Finding]) -> Sequence[Finding]:
    """Many number columns that move in one batch are the world, few are the pipeline: the many become drift.

    A whole column in another unit, or out of a person's bounds, stays what it is, however many there are. Columns that
    lack a value in the same few rows are one source that had nothing to say then.
    """
    findings = _one_source(context, findings)
    wide = [
        f
        for f in findings
        if f.tier in _LOUD
        and f.column is not None
        and f.evidence["cause"] in CONTENT
        and not (f.check == "unit_change" and f.evidence.get("share", 0.0) >= 0.98)
        and not (f.check == "bounds" and f.error_class == "hard")
    ]
    numbers = sum(1 for name in context.shared if context.current.columns[name].number is not None)
    columns = {f.column for f in wide}
    if len(columns) < max(WORLD_COLUMNS, WORLD_SHARE * numbers):
        return findings
    told = f"{len(columns)} columns at once"
    return [quieter(f, "digest", cause="drift", world=told) if f in wide else f for f in findings]


def _one_source(context: CheckContext, findings: Sequence[Finding]) -> list[Finding]:
    """Many columns that lost few rows together: told, but nobody is woken; a lost join takes more than a few."""
    lost = [f for f in findings if f.tier in _LOUD and f.check in LOST and (f.value or 0.0) < FEW_ROWS]
    columns = {f.column for f in lost}
    if not context.departures.days or len(columns) < max(WORLD_COLUMNS, WORLD_SHARE * len(context.shared)):
        return list(findings)
    told = f"{len(columns)} columns at once"
    return [quieter(f, "digest", world=told) if f in lost else f for f in findings]


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Loudest tier first, then the furthest beyond its threshold."""
    return sorted(findings, key=lambda f: (TIERS.index(f.tier), -f.score, f.check, f.column or "", f.slice or ""))


def _telling(finding: Finding) -> tuple[int, float]:
    cause = finding.evidence["cause"]
    return (ORDER.index(cause) if cause in ORDER else len(ORDER), -finding.score)


def _owner(context: CheckContext, finding: Finding, owner: dict[str, Finding]) -> Finding | None:
    """What explains the finding: the cause of its column, or that of the column its slice is cut by."""
    if finding.column in owner:
        return owner[finding.column]
    if finding.slice is not None:
        by, _ = slice_parts(context, finding.slice)
        why = owner.get(by)
        if why is not None and why.evidence["cause"] in (
            "swap",
            "rename",
            "category rename",
            "encoding",
            "new values",
            "schema",
        ):
            return why
    return None


def _owner_of_kept(finding: Finding, owner: dict[str, Finding]) -> Finding | None:
    """A kept slice is silent only where its column is told already, and at least as loud."""
    why = owner.get(finding.column or "")
    return why if why is not None and TIERS.index(why.tier) <= TIERS.index(finding.tier) else None


def _one_clock(findings: Sequence[Finding]) -> list[Finding]:
    """A turned clock moves the hours covered; a day cut short looks like a turned clock. Rows tell them apart."""
    short = any(f.check in ("volume", "conservation") and f.tier in _LOUD for f in findings)
    clocks = [f for f in findings if f.check == "time_zone"]
    told = []
    for finding in findings:
        if short and finding.check == "time_zone":
            told.append(quieter(finding, "evidence", cause="volume", explained_by="volume"))
        elif clocks and not short and finding.check == "freshness":
            columns = [c for f in clocks for c in f.evidence["columns"]]
            told.append(quieter(finding, "evidence", cause="time zone", columns=columns, explained_by="time_zone"))
        else:
            told.append(finding)
    return told


def _downstream(context: CheckContext, findings: list[Finding]) -> list[Finding]:
    """Predictions that moved because an input is broken accuse the input."""
    inputs = [
        f
        for f in findings
        if f.tier in _LOUD
        and f.column not in (None, context.roles.prediction, context.roles.label)
        and f.evidence["cause"] not in ("drift", "segment", "slice shift", "broken bond")
    ]
    if not inputs:
        return findings
    why = max(inputs, key=lambda f: f.score)
    return [
        quieter(f, "evidence", cause=why.evidence["cause"], columns=why.evidence["columns"], explained_by=why.check)
        if (f.check == "prediction_drift" and not (f.tier == "page" and why.tier != "page"))
        or (f.check == "label_residual" and f.score < why.score)
        else f
        for f in findings
    ]
