"""From findings to alerts: one alert a probable cause. The one seam behind which grouping and scoring may change.

Grouping, in order:

1. Findings that accuse the same column belong together (the specific one, as "unit change", explains the general one,
   as "drift"); so do findings in the same slice with the same cause, since one upstream loss empties many columns.
2. Drift without a more specific cause is one alert for the whole batch: many columns moving together is the world.
3. What follows from a broken input (the prediction moved because a feature broke) joins the input's alert when that
   one is louder than drift; a prediction that moved while inputs did not stays alone, which is a diagnosis in itself.

From batch to batch an alert is continued by its group: model, cause, slice and first column. What tells of one column's
level (it moved in one slice, it left its range, it is in another unit) is one group, whichever is told today.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.checks.belief import NEAR, near, weight
from storage.records.alerts import AlertDraft
from storage.records.results import TIERS, Finding

ALERTING: tuple[str, ...] = ("page", "ticket", "digest")
"""Tiers that raise an alert; ``evidence`` is recorded and never alerts."""

DRIFT = "drift"
LEVEL = "level"
"""What the group of one column's ``LEVELS`` is known by."""

PREDICTION = "prediction"
GENTLE = frozenset({"slice shift", "default value", "buckets", "bounds", "clipped", "frozen", "new values", "category"})
"""Causes that, as long as they are gentle enough for a digest, are told together with the drift of the day."""

CONSEQUENCES = frozenset({PREDICTION, "metric"})
"""Causes that a broken input brings about by itself."""

QUIET = 0.4
"""What the evidence of a digest's finding weighs in the rank of a batch, on the scale of its logarithm."""

GROUP_COLUMNS = 1
"""How many of the accused columns a group is known by: the root stays, the long tail wanders from batch to batch."""


LEVELS = frozenset({"unit change", "slice shift", "bounds"})
"""Causes by which one fault of a column's level is told while it grows: first where it began, then by its kind."""


def cause_of(finding: Finding) -> str:
    """The probable cause a check gave, else the check's own name."""
    return str(finding.evidence.get("cause") or finding.check)


def columns_of(finding: Finding) -> tuple[str, ...]:
    """The columns a finding accuses, most likely first."""
    listed = tuple(str(c) for c in finding.evidence.get("columns") or ())
    return listed or ((finding.column,) if finding.column else ())


def group(findings: Sequence[Finding], *, model: str, prediction: str | None = None) -> list[AlertDraft]:
    """One draft per probable cause, the loudest and worst first.

    Args:
        findings: every verdict of one validation; only failing ones of an alerting tier count.
        model: part of the fingerprint.
        prediction: the prediction's column, whose drift follows from broken inputs.
    """
    loud = [i for i, f in enumerate(findings) if f.status == "fail" and f.tier in ALERTING]
    sets = _Sets(loud)
    root_of: dict[tuple[str, ...], int] = {}
    for i in loud:
        for key in _keys(findings[i]):
            sets.join(i, root_of.setdefault(key, i))
    _join_consequences(findings, loud, sets, prediction)
    drafts = [_draft([findings[i] for i in part], part, model) for part in sets.parts()]
    return sorted(drafts, key=lambda d: (TIERS.index(d.tier), -d.score))


def batch_score(findings: Sequence[Finding], drafts: Sequence[AlertDraft]) -> float:
    """The belief that a person should look at a batch; ranks batches, near 0.0 when nothing was found.

    Per alert the evidence of its strongest finding (see :mod:`core.checks.belief`), each further alert counting less
    than the one before it, and a little for how near the rest came.
    """
    found = (max((_evidence(findings[i]) for i in draft.findings), default=0.0) for draft in drafts)
    evidence = sorted(found, reverse=True)
    alerts = sum(value / (position + 1) for position, value in enumerate(evidence))
    return round(alerts + NEAR * near(findings), 6)


def _evidence(finding: Finding) -> float:
    """What a finding weighs: one kept for the digest was explained by the world, however far it lies."""
    told = weight(finding)
    return told if finding.tier in ("page", "ticket") else QUIET * math.log1p(told)


def _keys(finding: Finding) -> list[tuple[str, ...]]:
    """What a finding shares with others of the same cause."""
    cause = cause_of(finding)
    if cause == DRIFT or (finding.tier == "digest" and cause in GENTLE):
        return [(DRIFT,)]
    keys: list[tuple[str, ...]] = [("column", column) for column in columns_of(finding)]
    if finding.slice is not None:
        keys.append(("slice", cause, finding.slice))
    return keys or [("table", cause)]


def _join_consequences(findings: Sequence[Finding], loud: list[int], sets: _Sets, prediction: str | None) -> None:
    follows = [i for i in loud if cause_of(findings[i]) in CONSEQUENCES or findings[i].column == prediction]
    inputs = [
        i
        for i in loud
        if i not in follows and findings[i].error_class in ("hard", "soft") and findings[i].tier != "digest"
        and columns_of(findings[i])
    ]  # fmt: skip
    if inputs:
        worst = max(inputs, key=lambda i: _strength(findings[i]))
        for i in follows:
            # A hard fault of the prediction itself (constant, missing) needs no input to explain it.
            if findings[i].error_class != "hard":
                sets.join(i, worst)


def _strength(finding: Finding) -> tuple[float, int, str, str, str]:
    """Orders inputs by what they may bring about; of equals the same one comes first, whatever their order."""
    loud = -TIERS.index(finding.tier)
    return (finding.score, loud, cause_of(finding), finding.column or "", finding.slice or "")


def _draft(part: list[Finding], positions: list[int], model: str) -> AlertDraft:
    order = sorted(range(len(part)), key=lambda k: _rank(part[k]))
    root = part[order[0]]
    # Gentle findings are one group, whichever of them leads today.
    cause = DRIFT if root.tier == "digest" and cause_of(root) in GENTLE else cause_of(root)
    score = max(f.score for f in part)
    weights: dict[str, float] = {}
    for k in order:
        for place, column in enumerate(columns_of(part[k])):
            lead = 1000.0 if k == order[0] else 1.0
            weights[column] = max(weights.get(column, 0.0), lead * max(part[k].score, 1e-6) / (1 + place))
    columns = tuple(sorted(weights, key=lambda c: -weights[c]))
    level = cause in LEVELS and root.column is not None
    anchor = ["" if level else root.slice or "", *columns[:GROUP_COLUMNS]] if cause != DRIFT else []
    return AlertDraft(
        fingerprint=_digest(model, cause, root.slice or "", *sorted(columns)),
        group_key=_digest(model, LEVEL if level else cause, *anchor),
        tier=min((f.tier for f in part), key=TIERS.index),
        error_class=root.error_class,
        cause=cause,
        title=_title(root, cause, columns),
        columns=columns,
        score=round(score, 6),
        findings=tuple(positions[k] for k in order),
    )


def _rank(finding: Finding) -> tuple[int, int, int, float]:
    """The root first: what explains before what follows, the louder before the quieter, then the stronger."""
    cause = cause_of(finding)
    kind = 2 if cause == DRIFT else 1 if cause in CONSEQUENCES else 0
    return (kind, int(bool(finding.evidence.get("explained_by"))), TIERS.index(finding.tier), -finding.score)


def _title(root: Finding, cause: str, columns: tuple[str, ...]) -> str:
    if cause == DRIFT and len(columns) > 1:
        return f"{len(columns)} columns drifted together: {', '.join(columns[:4])}{' …' if len(columns) > 4 else ''}"
    more = len(set(columns) - set(columns_of(root)))
    basis = root.evidence.get("basis")
    return f"{root.message}{f' (and {more} more columns)' if more else ''}{f' ({basis})' if basis else ''}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Sets:
    """Disjoint sets of positions (union-find)."""

    members: list[int]
    parent: dict[int, int]

    def __init__(self, members: list[int]) -> None:
        self.members = members
        self.parent = {i: i for i in members}

    def root(self, i: int) -> int:
        while self.parent[i] != i:
            i = self.parent[i]
        return i

    def join(self, a: int, b: int) -> None:
        first, second = sorted((self.root(a), self.root(b)))
        self.parent[second] = first

    def parts(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for i in self.members:
            found.setdefault(self.root(i), []).append(i)
        return list(found.values())
