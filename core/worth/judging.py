"""How likely each alert of a batch is acted on, just before it is raised; by it tiers may move and rows are sorted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.breaking_through import SLO_BURN
from core.watchdogs import METRIC_DROP
from core.worth import features, tiers
from core.worth.counting import Counted, Share, count, sentence
from core.worth.features import Known, Seen, Surroundings
from core.worth.fitted import Fitted, read
from core.worth.learning import MINIMUM
from storage.db import transaction
from storage.records.alerts import Alert, AlertDraft
from storage.records.batches import Batch
from storage.records.incidents import LIVE_STATES
from storage.records.models import Model
from storage.records.results import Finding, Tier
from storage.records.worth import Answered, Example, Method, Worth
from storage.tables import alerts, incidents, worth

NEWEST = 2_000
"""How many answers, the newest ones, are counted and learned from."""

EVERY = 10
"""New answers after which it is learned anew."""

SILENCE = timedelta(days=3)
SHOWN_DAYS = 1.0
SILENT_WEIGHT = 0.25
"""What nobody touched for :data:`SILENCE`, open for a day at least, counts as so much of an answer "noise"."""

LATELY = timedelta(days=7)
RECENT_DEPLOY = timedelta(days=1)
REASONS = 4
SLIGHT = 0.05
"""Contributions (log odds) under which a feature is no reason worth a line."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A draft with what is said of its worth.

    Attributes:
        draft: with the tier it is raised at.
        tier_before: the tier that the checks gave.
        reasons: in words; a move of the tier first.
    """

    draft: AlertDraft
    probability: float
    method: Method
    reasons: tuple[str, ...]
    tier_before: Tier
    worth: Worth
    known: Known
    counted: float
    exempt: bool


def weigh(
    db: sqlite3.Connection,
    model: Model,
    drafts: Sequence[AlertDraft],
    findings: Sequence[Finding],
    *,
    batch: Batch,
    now: datetime,
) -> list[Weighed]:
    """What is said of each draft, in the order given.

    Learns anew, and stores what it learned, when enough answers have come since the last time.

    Args:
        findings: every verdict on the batch; drafts name theirs by position.
        batch: stored or about to be.
    """
    if not drafts:
        return []
    answers = worth.answered(db, NEWEST)
    fitted, fit_id = current(db, now=now)
    end = batch.window_end or batch.arrived_at
    around = _around(db, model, (batch.window_start or end) - RECENT_DEPLOY, end)
    scene = _Scene(db, model, answers, fitted, fit_id, around, batch.rows, now)
    return [scene.weigh(draft, findings) for draft in drafts]


def store(db: sqlite3.Connection, raised: Sequence[Alert], weighed: Sequence[Weighed], now: datetime) -> None:
    """Append what was said, once the alerts of these drafts have ids; inside the caller's transaction."""
    left = list(raised)
    for one in weighed:
        found = next(a for a in left if (a.fingerprint, a.title) == (one.draft.fingerprint, one.draft.title))
        left.remove(found)
        _insert(db, found.id, one, now)


def weigh_standing(db: sqlite3.Connection, model: Model, now: datetime) -> None:
    """Weigh what no batch's checks raised (objectives, metrics, kept slices); their tiers are never moved."""
    ids = worth.unweighed(db, model.id)
    if not ids:
        return
    fitted, fit_id = current(db, now=now)
    around = _around(db, model, now - RECENT_DEPLOY, now)
    scene = _Scene(db, model, worth.answered(db, NEWEST), fitted, fit_id, around, 0, now)
    with transaction(db):
        for alert_id in ids:
            _insert(db, alert_id, scene.weigh(_as_draft(alerts.get(db, alert_id)), (), movable=False), now)


def current(db: sqlite3.Connection, *, now: datetime) -> tuple[Fitted | None, int | None]:
    """What was learned last, with its id, learned anew if that is due; None while counting is in force."""
    total = worth.count_answered(db)
    last = worth.latest_fit(db)
    if total >= MINIMUM and (last is None or total >= last.answers + EVERY):
        from core.worth.learning import learn

        fitted = learn(examples(db, now))
        with transaction(db):
            fit_id = worth.insert_fit(db, answers=total, in_force=fitted.in_force, body=fitted.body(), now=now)
        return (fitted, fit_id) if fitted.in_force else (None, None)
    found = read(last.body) if last is not None and last.in_force else None
    return (found, last.id) if found is not None and last is not None else (None, None)


def examples(db: sqlite3.Connection, now: datetime) -> list[Example]:
    """All there is to learn from, in order of time: answers, and silences that say a little.

    An alert that went down by the program's own doing is no example by silence: nobody was shown it as a ticket.
    """
    told = worth.examples(db, NEWEST)
    silent = worth.silent(
        db, before=now - SILENCE, shown_days=SHOWN_DAYS, burn=SLO_BURN, weight=SILENT_WEIGHT, limit=NEWEST
    )
    return sorted([*told, *silent], key=lambda e: e.alert_id)


def _around(db: sqlite3.Connection, model: Model, since: datetime, at: datetime) -> Surroundings:
    return Surroundings(*worth.near(db, model.id, since=since, at=at, causes=(SLO_BURN, METRIC_DROP)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all drafts of one batch share."""

    db: sqlite3.Connection
    model: Model
    answers: Sequence[Answered]
    fitted: Fitted | None
    fit_id: int | None
    around: Surroundings
    rows: int
    now: datetime

    def weigh(self, draft: AlertDraft, findings: Sequence[Finding], *, movable: bool = True) -> Weighed:
        strongest = features.strongest(draft, findings)
        counted = count(self.model.id, draft, strongest.check if strongest else None, self.answers)
        importance = self._importance(draft)
        ever, lately = worth.seen(self.db, self.model.id, draft.fingerprint, draft.group_key, self.now - LATELY)
        itself = int(not movable)  # what stands is stored already
        known = features.known(
            draft,
            findings,
            counted,
            self.around,
            rows=self.rows,
            seen=Seen(max(ever - itself, 0), max(lately - itself, 0)),
            importance=importance,
            now=self.now,
        )
        basis = sentence(counted, draft)
        if self.fitted is None:
            probability, place, reasons = counted.probability, counted.probability, [basis]
            if draft.error_class == "drift" and importance != 1.0:
                # Odds times the weight: an order within the tier, and no claim that people act so much more often.
                place = probability * importance / (probability * importance + 1 - probability)
                reasons.append(f"sorted by importance too: {draft.columns[0]} weighs {importance:g}")
        else:
            probability = place = self.fitted.probability(known.values)
            reasons = [*_reasons(self.fitted, known), f"by counting {counted.probability:.0%}: {basis}"]
        keeps = tiers.exempt(draft, findings, self.model.file.checks, incident=self._in_incident(draft))
        move, tier = self._moved(draft, probability, counted) if movable and keeps is None else (None, draft.tier)
        told = Worth(
            probability=probability,
            place=place,
            method="counts" if self.fitted is None else "model",
            tier_before=draft.tier,
            worthy=counted.like.worth,
            judged=counted.like.judged,
            reasons=tuple([move, *reasons] if move else reasons),
            fit_id=self.fit_id,
        )
        return Weighed(
            draft=replace(draft, tier=tier),
            probability=probability,
            method=told.method,
            reasons=told.reasons,
            tier_before=draft.tier,
            worth=told,
            known=known,
            counted=counted.probability,
            exempt=not movable or keeps is not None or draft.tier != "ticket",
        )

    def _moved(self, draft: AlertDraft, probability: float, counted: Counted) -> tuple[str | None, Tier]:
        shares = counted.shares
        if why := tiers.lowered(draft, probability, self.fitted, shares["cause"], shares["group"]):
            return why, "digest"
        if why := tiers.raised(draft, self._digests(draft)):
            return why, "ticket"
        return None, draft.tier

    def _digests(self, draft: AlertDraft) -> Share:
        """Answers to alerts that the checks called a digest: of this group, accusing the same column."""
        column = draft.columns[0] if draft.columns else ""
        same = [
            a
            for a in self.answers
            if (a.group_key, a.column, a.tier_before) == (draft.group_key, column, "digest")
            and a.model_id == self.model.id
        ]
        return Share(sum(a.worth for a in same), len(same), sum(a.acted for a in same))

    def _importance(self, draft: AlertDraft) -> float:
        given = self.model.file.alerts.importance
        return given.get(draft.columns[0], 1.0) if draft.columns else 1.0

    def _in_incident(self, draft: AlertDraft) -> bool:
        head = alerts.head(self.db, self.model.id, draft.group_key)
        if head is None or head.incident_id is None or head.state == "resolved":
            return False
        return incidents.get_by_id(self.db, head.incident_id).state in LIVE_STATES


def _reasons(fitted: Fitted, known: Known) -> list[str]:
    """What speaks for and against, against an alert like the average one, the strongest first."""
    parts = [(name, part) for name, part in fitted.contributions(known.values) if name in known.words]
    ranked = sorted(parts, key=lambda p: (-abs(p[1]), p[0]))[:REASONS]
    return [f"{'+' if part > 0 else '-'} {known.words[name]}" for name, part in ranked if abs(part) >= SLIGHT]


def _insert(db: sqlite3.Connection, alert_id: int, one: Weighed, now: datetime) -> None:
    stored = {"values": one.known.values, "counted": one.counted, "exempt": one.exempt}
    worth.insert(db, alert_id, one.worth, stored, now)


def _as_draft(alert: Alert) -> AlertDraft:
    return AlertDraft(
        fingerprint=alert.fingerprint,
        group_key=alert.group_key,
        tier=alert.tier,
        error_class=alert.error_class,
        cause=alert.cause,
        title=alert.title,
        columns=alert.columns,
        score=alert.score,
        findings=(),
    )
