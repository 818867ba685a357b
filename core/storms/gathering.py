"""Gathers groups of alerts into storms as they are raised: in the transaction that raises them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from core.changes import feed
from core.storms.bonds import BEFORE, LAYERS, SPAN, Sign, bond, gap, is_storm
from storage.db import transaction
from storage.records.alerts import Alert
from storage.records.changes import OBSERVER, Change
from storage.records.results import TIERS
from storage.records.storms import Onset
from storage.tables import alerts, models, storms

PROGRAM = "midwatch"
LOOKED_AT = 300
"""Groups around a new one that are compared with it: the latest."""


def gather(db: sqlite3.Connection, raised: Iterable[Alert], now: datetime) -> set[int]:
    """Put groups that have just been raised into the storms they belong to, with why; the storms that grew.

    A group that joins a storm which a person has answered inherits the answer, unless it is louder than what was
    answered.
    """
    grown: set[int] = set()
    with transaction(db):
        for alert in raised:
            if storms.storm_of(db, alert.model_id, alert.group_key) is None:
                found = _gather_one(db, alert, now)
                if found is not None:
                    grown.add(found)
    return grown


def _gather_one(db: sqlite3.Connection, alert: Alert, now: datetime) -> int | None:
    start = alert.window_start or alert.fired_at
    end = alert.window_end or start
    onsets = storms.around(db, start - SPAN, end + SPAN, LOOKED_AT)
    fresh = next((o for o in onsets if o.group == (alert.model_id, alert.group_key)), None)
    if fresh is None:  # it began long before: what is near it now did not bring it about
        return None
    signs = _signs(db, [o for o in onsets if gap(o, fresh) <= SPAN])
    seed = next(sign for sign in signs if sign.onset.group == fresh.group)
    whys = _connected(seed, signs)
    members = [sign.onset for sign in signs if sign.onset.group in whys]
    if not is_storm(len({m.model_id for m in members}), len(members)):
        return None
    known = sorted({m.storm_id for m in members if m.storm_id is not None})
    if known and abs(storms.began_at(db, known[0]) - start) > SPAN + (end - start):
        return None
    target = known[0] if known else storms.begin(db, min(m.start for m in members), now)
    for member in sorted(members, key=lambda m: m.alert_id):
        if member.storm_id is None:
            storms.join(db, target, member, whys[member.group], now)
            _inherit(db, target, member, now)
    for other in known[1:]:  # the new group shows that two storms are one
        told = {(one.head.model_id, one.head.group_key): one.why for one in storms.get(db, other).members}
        for member in members:
            if member.group in told:
                storms.join(db, target, member, f"storm {other} is part of it: {told[member.group]}", now)
    return target


def _connected(seed: Sign, signs: Sequence[Sign]) -> dict[tuple[int, str], str]:
    """Groups that bonds connect with the seed, each with the bond through which it was reached."""
    whys: dict[tuple[int, str], str] = {}
    reached, waiting = {seed.onset.group}, [seed]
    while waiting:
        here = waiting.pop(0)
        for other in signs:
            if other.onset.group in reached:
                continue
            why = bond(other, here)
            if why is None and here.onset.storm_id is not None and other.onset.storm_id == here.onset.storm_id:
                why = f"of storm {here.onset.storm_id}"
            if why is not None:
                reached.add(other.onset.group)
                waiting.append(other)
                whys[other.onset.group] = why
                if here is seed:
                    whys.setdefault(seed.onset.group, bond(seed, other) or why)
    return whys


def _inherit(db: sqlite3.Connection, storm_id: int, member: Onset, now: datetime) -> None:
    """A quieter group of a storm that was answered is answered with it."""
    said = storms.answer_in_force(db, storm_id)
    if said is None or TIERS.index(member.tier) < TIERS.index(said.tier):
        return
    head = alerts.head(db, member.model_id, member.group_key)
    if head is None or head.state_at(now) != "firing":
        return
    note = f"joins storm {storm_id}, answered by {said.by}"
    if said.kind == "acknowledge":
        alerts.event(db, head.id, "acknowledge", by=PROGRAM, now=now, note=note)
    elif said.until is not None and said.until > now:
        alerts.event(db, head.id, "snooze", by=PROGRAM, now=now, until=said.until, note=note)


def _signs(db: sqlite3.Connection, onsets: Sequence[Onset]) -> list[Sign]:
    files = {model_id: models.get_by_id(db, model_id).file for model_id in {o.model_id for o in onsets}}
    altered = _altered(db, onsets)
    found = []
    for onset in onsets:
        file = files[onset.model_id]
        roles = file.columns
        named = (roles.prediction, roles.label, roles.time, roles.id, roles.version, roles.stage, roles.predicted_class)
        before: dict[tuple[str, str, str], datetime] = {
            (change.layer, change.kind, change.subject): change.at
            for change in altered
            if change.model_id in (None, onset.model_id) and onset.start - BEFORE <= change.at <= onset.end
        }
        upstream = {name.casefold(): name for name in file.alerts.upstream}
        found.append(Sign(onset, upstream, frozenset(name.casefold() for name in named if name), before))
    return found


def _altered(db: sqlite3.Connection, onsets: Sequence[Onset]) -> list[Change]:
    """What may have broken several of them: what the program itself saw of a batch is a symptom and no cause."""
    start, end = min(o.start for o in onsets) - BEFORE, max(o.end for o in onsets) + timedelta(microseconds=1)
    between = feed.between(db, None, start, end)
    return [change for change in between if change.layer in LAYERS and change.source != OBSERVER]
