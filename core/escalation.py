"""Pages that nobody answers are passed on: each time is a fact, said on the screen and on the command line.

A page that fires is unanswered since it began to fire: since the first of its repeats that nobody acknowledged, since
its snooze ran out, or since it was woken. ``escalate_after`` later the owner of its model is called, and after each
further such time the next of ``escalate_to``, the last one again, ``escalate_times`` times at most. The groups of a
storm are one page. Who is called is written down and said; midwatch sends nothing itself. A verdict is an answer, too:
whoever judged a page has seen it, so that it is not passed on, though it fires until it is acknowledged.

Programs that meet (two screens, a cron job) and one that was killed pass a page on once: the fact is unique. A program
that slept does not catch up in a burst: the next call is ``escalate_after`` behind the last one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.db import transaction
from storage.records.alert_rules import AlertRules
from storage.records.alerts import Alert
from storage.records.escalations import Escalation
from storage.records.models import Model
from storage.tables import alerts, escalations, models

SEEN = 100
"""Repeats of a group that are looked through for the one with which it began to fire."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A page, or a storm with a page in it, that nobody has answered.

    Attributes:
        alert: what stands for it: the page that somebody was called for last, as long as nobody answered that one.
        subject: what is passed on as one: the group or its storm.
        since: when it began to fire.
        calls: how it was passed on since, oldest first.
        next_at: when it will be passed on next; None when it was often enough.
        next_to: to whom; None when the model file names nobody.
        answered: the page of the same storm that somebody was called for last, where that one is answered; else None.
    """

    alert: Alert
    subject: str
    since: datetime
    calls: tuple[Escalation, ...]
    next_at: datetime | None
    next_to: str | None
    answered: Alert | None = None


def who(owner: str | None, rules: AlertRules, number: int) -> str | None:
    """Who is called the ``number``-th time, from 1: the owner, then ``escalate_to`` in order, the last one again.

    >>> rules = AlertRules(escalate_to=("second line", "head"))
    >>> [who("ada", rules, n) for n in (1, 2, 3, 4)], who(None, AlertRules(), 1)
    (['ada', 'second line', 'head', 'head'], None)
    """
    people = [*filter(None, [owner]), *rules.escalate_to]
    return people[min(number, len(people)) - 1] if people else None


def unanswered(db: sqlite3.Connection, now: datetime, *, called: bool = False) -> list[Unanswered]:
    """Every page that fires at ``now`` with how it was passed on so far, the longest unanswered first.

    With ``called`` only groups and storms that were passed on at any time are looked at.
    """
    waiting: dict[str, list[tuple[datetime, Alert]]] = {}
    for subject, head_id in escalations.pages(db, called=called):
        head = alerts.get(db, head_id)
        if head.state_at(now) != "firing":
            continue
        since = _since(db, head, now)
        judged = escalations.judged_at(db, head.model_id, head.group_key)
        if judged is None or judged < since:
            waiting.setdefault(subject, []).append((since, head))
    files: dict[int, Model] = {}
    found = []
    for subject, heads in waiting.items():
        # Of a storm the page that fired first decides since when; it stands for the rest until somebody is called.
        since, head = min(heads, key=lambda one: (one[0], one[1].id))
        calls = _calls(db, subject, since, head)
        last = alerts.get(db, calls[-1].alert_id) if calls else head
        called_for = next((one for _, one in heads if _group(one) == _group(last)), None)
        head = called_for or head
        model = files.setdefault(head.model_id, models.get_by_id(db, head.model_id))
        rules = model.file.alerts
        left = len(calls) < rules.escalate_times
        found.append(
            Unanswered(
                alert=head,
                subject=subject,
                since=since,
                calls=calls,
                next_at=(calls[-1].at if calls else since) + rules.escalate_after if left else None,
                next_to=who(model.file.owner, rules, len(calls) + 1),
                answered=None if called_for else last,
            )
        )
    return sorted(found, key=lambda one: (one.since, one.subject))


def escalated(db: sqlite3.Connection, now: datetime) -> list[Unanswered]:
    """Pages that were passed on and that nobody has answered still."""
    return [one for one in unanswered(db, now, called=True) if one.calls]


def told_of_all(db: sqlite3.Connection) -> bool:
    """Whether :func:`escalated` looked at every page that was passed on: only the latest are looked at."""
    return escalations.count(db, called=True) <= escalations.LOOKED_AT


def escalate(db: sqlite3.Connection, now: datetime) -> list[Escalation]:
    """Pass on every page whose time has come; what was passed on now."""
    due = [one for one in unanswered(db, now) if one.next_at is not None and one.next_at <= now]
    if not due:
        return []
    with transaction(db):
        return [call for one in due if (call := _call(db, one, now)) is not None]


def sentence(one: Unanswered, now: datetime) -> str:
    """What the screen says of a page that nobody has answered."""
    minutes = int((now - one.since).total_seconds() // 60)
    age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    told = f"page {one.alert.id} of {one.alert.model} unanswered for {age}"
    if not one.calls:
        return told
    if one.answered is not None:
        before = f"page {one.answered.id} of {one.answered.model}"
        return f"ESCALATED to {_names(one.calls)} for {before}, answered since; of the same storm {told}"
    return f"ESCALATED to {_names(one.calls)}: {told}"


def _group(alert: Alert) -> tuple[int, str]:
    return alert.model_id, alert.group_key


def _calls(db: sqlite3.Connection, subject: str, since: datetime, head: Alert) -> tuple[Escalation, ...]:
    """How it was passed on; what was passed on alone, before its storm was seen, was passed on."""
    alone = escalations.of_subject(db, f"group:{head.model_id}:{head.group_key}", since)
    whole = escalations.of_subject(db, subject, since) if subject.startswith("storm:") else []
    return tuple(sorted([*alone, *whole], key=lambda call: call.id))


def _names(calls: Sequence[Escalation]) -> str:
    return ", then ".join(call.called or "nobody (the model file names no owner)" for call in calls)


def _call(db: sqlite3.Connection, one: Unanswered, now: datetime) -> Escalation | None:
    return escalations.insert(
        db,
        subject=one.subject,
        since=one.since,
        number=len(one.calls) + 1,
        alert_id=one.alert.id,
        called=one.next_to,
        now=now,
    )


def _since(db: sqlite3.Connection, head: Alert, now: datetime) -> datetime:
    """When a firing page began to fire: back through the repeats that nobody answered."""
    since = head.fired_at
    for alert in alerts.of_group(db, head.model_id, head.group_key, SEEN):  # newest first
        if alert.tier != "page" or alert.state_at(now) != "firing":
            break
        since = alert.fired_at
        last = next((e for e in reversed(alerts.events(db, alert.id)) if e.kind != "link"), None)
        if last is not None:  # woken, reopened, or a snooze that ran out: it began anew
            return last.until if last.kind == "snooze" and last.until is not None else last.at
    return since
