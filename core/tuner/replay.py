"""What the stored history would have told, had other checks been in force: verdicts walked again, none measured anew.

A finding that would not have been told leaves its alert; what it had explained away comes back in its place. An alert
without findings was not raised. What only a nearer limit would have found is not among the stored verdicts: see
:mod:`core.tuner.rejudge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.checks.narrowed import Facts, excluded, own_ratio
from core.checks.registry import CHECKS
from core.tuner.history import History
from core.tuner.standing import spec_of
from storage.records.models import CheckSpec
from storage.records.results import TIERS, Tier
from storage.records.verdict_history import JudgedBatch, PastAlert, PastFinding

_TIER_OF: Mapping[str, Tier] = {check.name: check.tier for check in CHECKS}


@dataclass(frozen=True, slots=True)
class Told:
    """One alert as it would have been raised; ``past`` is None for one that never was.

    Attributes:
        lost: it would not have accused the column that it accused first.
    """

    batch_id: int
    tier: Tier
    group_key: str
    past: PastAlert | None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """Every alert that would have been raised, by batch in order of time."""

    batches: Sequence[JudgedBatch]
    told: Mapping[int, Sequence[Told]]

    def days(self) -> list[Sequence[Told]]:
        """Those of each batch, in order of time."""
        return [self.told.get(batch.id, ()) for batch in self.batches]

    def every(self) -> list[Told]:
        """All of them, in order of time."""
        return [told for day in self.days() for told in day]

    def keeps(self, alert: PastAlert) -> bool:
        """Whether an alert would have been raised as loud as it was, accusing the same column first."""
        found = next(
            (t for t in self.told.get(alert.batch_id, ()) if t.past is not None and t.past.id == alert.id), None
        )
        return found is not None and not found.lost and TIERS.index(found.tier) <= TIERS.index(alert.tier)


def replay(
    history: History, specs: Sequence[CheckSpec], *, like: Replayed | None = None, check: str | None = None
) -> Replayed:
    """Walk the history under ``specs``: what they narrow or switch off is gone; hard findings and the rest stay.

    Args:
        like, check: a walk under checks that differ in ``check`` alone: where that never failed it is the same.
    """
    narrowing = _Narrowing(history, specs)
    told: dict[int, Sequence[Told]] = dict(like.told) if like is not None else {}
    touched = history.failed_in.get(check or "", frozenset()) if like is not None else None
    for batch in history.batches:
        if touched is not None and batch.id not in touched:
            continue
        alerts = history.alerts.get(batch.id, ())
        findings = history.findings.get(batch.id, ())
        if alerts or any(f.quiet for f in findings):
            told[batch.id] = _batch(batch, findings, alerts, narrowing)
    return Replayed(history.batches, told)


class _Narrowing:
    """Which findings a set of checks leaves untold."""

    def __init__(self, history: History, specs: Sequence[CheckSpec]) -> None:
        self.streaks = history.streaks
        self.specs = specs
        self.checks = {spec.check for spec in specs}
        self.known: dict[tuple[str, str | None], CheckSpec | None] = {}

    def leaves_out(self, finding: PastFinding, batch: JudgedBatch) -> bool:
        if finding.check not in self.checks:
            return False
        key = (finding.check, finding.column)
        if key not in self.known:
            self.known[key] = spec_of(self.specs, *key)
        spec = self.known[key]
        if spec is None or not spec.enabled or finding.hard:
            return spec is not None and not spec.enabled
        facts = Facts(
            ratio=own_ratio(finding.score, finding.times),
            slice=finding.slice,
            touched=finding.touched,
            rows=batch.rows,
            hour=batch.hour,
            streak=self.streaks.get(finding.id),
        )
        return excluded(spec, facts) is not None


def _batch(
    batch: JudgedBatch, findings: Sequence[PastFinding], alerts: Sequence[PastAlert], narrowing: _Narrowing
) -> list[Told]:
    by_id = {f.id: f for f in findings}
    gone = {f.id for f in findings if (f.tier != "evidence" or f.quiet) and narrowing.leaves_out(f, batch)}
    back = [f for f in findings if f.quiet and f.explained_by is None and f.id not in gone and _before(f) != "evidence"]
    back += [
        f
        for f in findings
        if f.explained_by is not None and _orphan(f, findings, gone) and not narrowing.leaves_out(f, batch)
    ]
    found = []
    for alert in alerts:
        if not alert.findings:  # of a metric or of silence: no check told it, so none can take it away
            found.append(Told(batch.id, alert.tier, alert.group_key, alert))
            continue
        mine = [by_id[i] for i in alert.findings if i in by_id]
        kept = [f for f in mine if f.id not in gone]
        joined = [f for f in back if set(f.accused) & set(alert.columns)]
        back = [f for f in back if f not in joined]
        if kept or joined:
            found.append(_alert(alert, mine, kept, joined))
    for finding in back:
        key = f"{finding.check}:{finding.column or ''}"
        found.append(Told(batch.id, _before(finding), key, None))
    return found


def _alert(
    alert: PastAlert, mine: Sequence[PastFinding], kept: Sequence[PastFinding], joined: Sequence[PastFinding]
) -> Told:
    tier = loudest([*(f.tier for f in kept), *(_before(f) for f in joined)])
    if not joined:  # what was weighed down when it was raised stays so
        tier = max(tier, alert.tier, key=TIERS.index) if tier != loudest(f.tier for f in mine) else alert.tier
    accused = {column for f in (*kept, *joined) for column in f.accused}
    lost = bool(alert.columns) and alert.columns[0] not in accused and any(f.accused for f in mine)
    return Told(alert.batch_id, tier, alert.group_key, alert, lost)


def _orphan(finding: PastFinding, findings: Sequence[PastFinding], gone: set[int]) -> bool:
    """Whether every finding that could have explained this one would not have been told."""
    owners = [f for f in findings if f.check == finding.explained_by and (set(f.accused) & set(finding.accused))]
    return bool(owners) and all(f.id in gone for f in owners)


def _before(finding: PastFinding) -> Tier:
    """The tier a check gave; its usual one where an older store does not tell."""
    if finding.tier_before is not None:
        return finding.tier_before
    return finding.tier if finding.tier != "evidence" else _TIER_OF.get(finding.check, "digest")


def loudest(tiers: Iterable[Tier]) -> Tier:
    """The loudest of some tiers, ``evidence`` of none.

    >>> loudest(["digest", "page"])
    'page'
    """
    return min(tiers, key=TIERS.index, default="evidence")
