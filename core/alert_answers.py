"""What a person answers to an alert: acknowledge, snooze, silence, feedback. Each is audited."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.alert_raising import PROGRAM
from core.breaking_through import SLO_BURN, quiet
from core.snoozing import LONGEST, check_end
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.alerts import VERDICTS, Alert, Silence
from storage.tables import alerts, audit, batches, escalations, silences


@dataclass(frozen=True, slots=True)
class SilencePreview:
    """What a silence would have kept quiet over the last seven days.

    Attributes:
        matched: ids, tiers and titles of those that it would have met.
        through: ids of those of class hard, which break through.
    """

    matched: tuple[tuple[int, str, str], ...]
    through: frozenset[int] = frozenset()

    @property
    def hidden(self) -> int:
        """How many of them it would have kept quiet."""
        return len(self.matched) - len(self.through)

    @property
    def loud(self) -> int:
        """How many of those were pages or tickets."""
        return sum(tier in ("page", "ticket") for alert, tier, _ in self.matched if alert not in self.through)

    @property
    def words(self) -> str:
        """The preview in one sentence."""
        many = "1 alert" if self.hidden == 1 else f"{self.hidden} alerts"
        loud = "1 of them a page or ticket" if self.loud == 1 else f"{self.loud} of them pages or tickets"
        told = f"would have hidden {many} in seven days, {loud}"
        return f"{told}; {len(self.through)} of class hard would have broken through" if self.through else told


def acknowledge(
    db: sqlite3.Connection, alert_id: int, *, actor: Actor, now: datetime, note: str | None = None
) -> list[int]:
    """Acknowledge an alert and every firing alert of its group; the ids that changed."""
    with transaction(db):
        alert = alerts.get(db, alert_id)
        changed = [a.id for a in alerts.of_group(db, alert.model_id, alert.group_key) if a.state_at(now) == "firing"]
        for member in changed:
            alerts.event(db, member, "acknowledge", by=actor.name, now=now, note=note)
        if changed:
            _audit(db, "alert.acknowledge", alert, actor, now, {"alerts": changed, "note": note})
        return changed


def snooze(
    db: sqlite3.Connection, alert_id: int, until: datetime, *, actor: Actor, now: datetime, note: str | None = None
) -> list[int]:
    """Snooze an alert's group until a moment; it always has an end.

    Raises:
        UsageError: the end is not ahead, or more than thirty days away.
    """
    check_end(until, now)
    with transaction(db):
        alert = alerts.get(db, alert_id)
        changed = [a.id for a in alerts.of_group(db, alert.model_id, alert.group_key) if a.state != "resolved"]
        for member in changed:
            alerts.event(db, member, "snooze", by=actor.name, now=now, until=until, note=note)
        _audit(db, "alert.snooze", alert, actor, now, {"alerts": changed, "until": until.isoformat(), "note": note})
        return changed


def give_feedback(
    db: sqlite3.Connection, alert_id: int, verdict: str, *, actor: Actor, now: datetime, note: str | None = None
) -> bool | None:
    """Record what a person says of an alert, and let its batch join or leave the baseline.

    ``noise`` admits the batch once every page and ticket of it was called noise or a duplicate; ``acted`` keeps it out.

    Returns:
        True when the batch joined the baseline, False when it was kept out, None when nothing changed.

    Raises:
        UsageError: there is no such verdict or alert.
    """
    if verdict not in VERDICTS:
        raise UsageError(f"there is no feedback {verdict!r}", f"one of {', '.join(VERDICTS)}")
    with transaction(db):
        alert = alerts.get(db, alert_id)
        alerts.feedback(db, alert_id, verdict, by=actor.name, now=now, note=note)
        _audit(db, "alert.feedback", alert, actor, now, {"verdict": verdict, "note": note})
        if alert.batch_id is None:
            return None
        if verdict == "acted":
            reason = f"alert {alert_id} was acted on"
            batches.set_baseline(db, alert.batch_id, admit=False, reason=reason, by=actor.name, now=now)
            return False
        if verdict in ("noise", "duplicate"):
            loud = [a for a in alerts.of_batch(db, alert.batch_id) if a.tier in ("page", "ticket")]
            if all(a.verdict in ("noise", "duplicate") for a in loud):
                reason = f"every alert of it was noise, alert {alert_id} last"
                batches.set_baseline(db, alert.batch_id, admit=True, reason=reason, by=actor.name, now=now)
                return True
        return None


def preview_silence(
    db: sqlite3.Connection, *, model_id: int | None, check: str | None, column: str | None, now: datetime
) -> SilencePreview:
    """What a silence would have hidden in the last seven days; shown before it is made."""
    found = silences.preview(db, model_id=model_id, check=check, column=column, now=now)
    met = tuple((alert_id, tier, title) for alert_id, tier, _, title in found)
    return SilencePreview(met, frozenset(alert_id for alert_id, _, error_class, _ in found if error_class == "hard"))


def silence(
    db: sqlite3.Connection,
    *,
    model_id: int | None,
    check: str | None,
    column: str | None,
    ends_at: datetime,
    reason: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Keep matching alerts quiet until ``ends_at``, those that fire now and those to come; its preview's count is kept.

    Raises:
        UsageError: nothing is named, no reason, or no end ahead.
    """
    if model_id is None and check is None and column is None:
        raise UsageError("a silence that names nothing would hide everything", "name a model, a check or a column")
    if not reason.strip():
        raise UsageError("a silence needs a reason", "say why, for the person who finds it next week")
    if not now < ends_at <= now + LONGEST:
        raise UsageError(f"a silence ends within {LONGEST.days} days", "name a moment ahead")
    with transaction(db):
        met = preview_silence(db, model_id=model_id, check=check, column=column, now=now)
        silence_id = silences.insert(
            db,
            model_id=model_id,
            check=check,
            column=column,
            ends_at=ends_at,
            reason=reason.strip(),
            preview_count=len(met.matched),
            by=actor.name,
            now=now,
        )
        _hush(db, silences.get(db, silence_id), met, now)
        after = {"model": model_id, "check": check, "column": column, "until": ends_at.isoformat(), "reason": reason}
        audit.record(
            db, "silence.start", actor=actor, now=now, object_kind="silence", object_id=silence_id, after=after
        )
        return silence_id


def _hush(db: sqlite3.Connection, made: Silence, met: SilencePreview, now: datetime) -> None:
    """What fires at this moment and is met becomes quiet, too, unless an objective of its model burns."""
    burning: dict[int, bool] = {}
    for alert_id in silences.heads(db, [one for one, _, _ in met.matched if one not in met.through]):
        alert = alerts.get(db, alert_id)
        if alert.model_id not in burning:
            burning[alert.model_id] = any(a.cause == SLO_BURN for a in alerts.open_groups(db, alert.model_id))
        if alert.state_at(now) == "firing" and not burning[alert.model_id]:
            alerts.event(db, alert_id, "snooze", by=PROGRAM, now=now, until=made.ends_at, note=quiet(made))


def end_silence(db: sqlite3.Connection, silence_id: int, *, actor: Actor, now: datetime) -> list[int]:
    """End a silence before its time: what it kept quiet fires again; the alerts that do.

    Raises:
        UsageError: there is no such silence, or it is over.
    """
    with transaction(db):
        found = silences.get(db, silence_id)
        if not found.active(now):
            raise UsageError(f"silence {silence_id} is over already", "midwatch alerts silences lists those in force")
        woken = silences.hushed(db, silence_id=silence_id)
        silences.end(db, silence_id, by=actor.name, now=now)
        for alert_id in woken:
            alerts.event(db, alert_id, "wake", by=actor.name, now=now, note=f"silence {silence_id} was ended")
        audit.record(
            db,
            "silence.end",
            actor=actor,
            now=now,
            object_kind="silence",
            object_id=silence_id,
            after={"fire again": woken},
        )
        return woken


def wake(db: sqlite3.Connection, alert_id: int, *, actor: Actor, now: datetime) -> bool:
    """End a snooze, an acknowledgement or a verdict that answered it: it fires anew; False where it does already."""
    with transaction(db):
        alert = alerts.get(db, alert_id)
        judged = escalations.judged_at(db, alert.model_id, alert.group_key)
        woken = max((e.at for e in alerts.events(db, alert_id) if e.kind == "wake"), default=None)
        answered = judged is not None and (woken is None or woken <= judged)
        if alert.state_at(now) == "firing" and not answered:
            return False
        alerts.event(db, alert_id, "wake", by=actor.name, now=now)
        _audit(db, "alert.wake", alert, actor, now, {})
        return True


def _audit(
    db: sqlite3.Connection, action: str, alert: Alert, actor: Actor, now: datetime, after: dict[str, object]
) -> None:
    if actor.name == PROGRAM:
        return
    before = {"state": alert.state, "until": None if alert.until is None else alert.until.isoformat()}
    audit.record(db, action, actor=actor, now=now, object_kind="alert", object_id=alert.id, before=before, after=after)
