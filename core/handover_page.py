"""The page of a watch: what it holds, and how it is written down."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.markdown import escape
from storage.clock import to_text
from storage.records.changes import Change
from storage.records.gates import Override
from storage.records.watches import NoisyGroup, Watch, WatchAlert, WatchRollback, WatchSilence

ENDING_SOON = timedelta(hours=24)
"""Snoozes and silences that end within it are told."""
LISTED = 50
"""How many lines of one kind are written out; the rest is counted."""


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that goes on, with what to do next."""

    key: str
    model: str | None
    title: str
    state: str
    severity: str | None
    owner: str | None
    detected_at: datetime
    next_action: str


@dataclass(frozen=True, slots=True)
class HandoverPage:
    """What a watch leaves; texts are redacted.

    Attributes:
        firing: alerts that nobody has acknowledged (a snooze that ran out is firing again).
        acknowledged: with who did and since when.
        snoozed: with their end; ``ending`` are those and the silences that end within a day.
        overridden: rollbacks of the watch that were forced by a typed confirmation.
        gates: promotions past a gate, of whatever watch, that nobody has reviewed yet.
        estimates: what metrics are expected to be of the newest batches, whose labels are not in.
        watches: who is on watch in the two weeks to come, gaps included; empty without a rotation.
    """

    start: datetime
    end: datetime
    firing: tuple[WatchAlert, ...]
    acknowledged: tuple[WatchAlert, ...]
    snoozed: tuple[WatchAlert, ...]
    resolved: tuple[WatchAlert, ...]
    silences: tuple[WatchSilence, ...]
    incidents: tuple[OpenIncident, ...]
    in_flight: tuple[WatchRollback, ...]
    overridden: tuple[WatchRollback, ...]
    noisy: tuple[NoisyGroup, ...]
    changes: tuple[Change, ...]
    watches: tuple[Watch, ...] = ()
    gates: tuple[Override, ...] = ()
    estimates: tuple[str, ...] = ()

    @property
    def open_items(self) -> int:
        """How many things somebody still has to look at; repeats of one cause count once."""
        alerts = (self.firing, self.acknowledged, self.snoozed)
        told = len(self.incidents) + len(self.in_flight) + len(self.gates)
        return sum(len(grouped(some)) for some in alerts) + told


def grouped(alerts: Iterable[WatchAlert]) -> list[tuple[WatchAlert, int]]:
    """Repeats of one cause as one line: the latest alert, since when the first one stands, and how many there are."""
    found: dict[object, list[WatchAlert]] = {}
    for alert in alerts:
        found.setdefault((alert.model_id, alert.group_key) if alert.group_key else alert.id, []).append(alert)
    return [
        (dataclasses.replace(max(some, key=lambda a: a.id), since=min(a.since for a in some)), len(some))
        for some in found.values()
    ]


def snapshot(page: HandoverPage) -> dict[str, Any]:
    """The page as plain JSON values."""
    return {field.name: _plain(getattr(page, field.name)) for field in dataclasses.fields(page)}


def markdown(page: HandoverPage, *, note: str | None = None) -> str:
    """The page in Markdown; every section is there, an empty one says so."""
    sections: tuple[tuple[str, Sequence[str]], ...] = (
        ("Firing, nobody has acknowledged", _alert_lines(page.firing, page.end)),
        ("Acknowledged", _alert_lines(page.acknowledged, page.end)),
        ("Snoozes and silences about to end", list(_ending(page))),
        ("Open incidents", [_incident_line(i, page.end) for i in page.incidents]),
        ("Rollbacks in flight", [_rollback_line(r) for r in page.in_flight]),
        ("Overrides", list(_overrides(page))),
        ("Resolved in this watch", _alert_lines(page.resolved, page.end)),
        ("Noisy alerts", [_noisy_line(n) for n in page.noisy]),
        ("What changed", [_change_line(c) for c in page.changes]),
        ("Estimated, labels not in", [escape(told) for told in page.estimates]),
    )
    lines = [
        f"# Watch {page.start:%Y-%m-%d %H:%MZ} to {page.end:%Y-%m-%d %H:%MZ}",
        "",
        f"Open items: {page.open_items}.",
    ]
    if note:
        lines += ["", escape(note)]
    for title, items in sections:
        lines += ["", f"## {title} ({len(items)})", ""]
        lines += [f"- {item}" for item in items[:LISTED]] or ["None."]
        lines += [f"- and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return "\n".join(lines) + "\n"


def _ending(page: HandoverPage) -> Iterator[str]:
    soon = page.end + ENDING_SOON
    for a, count in grouped(page.snoozed):
        if a.until is not None and a.until <= soon:
            yield f"snooze until {a.until:%m-%d %H:%MZ}: {_alert_line(a, count, page.end)}"
    for s in page.silences:
        if s.ends_at <= soon:
            where = " ".join(filter(None, (s.model or "all models", s.check, s.column)))
            yield f"silence until {s.ends_at:%m-%d %H:%MZ} by {escape(s.by)}: {escape(where)}: {escape(s.reason)}"


def _overrides(page: HandoverPage) -> Iterator[str]:
    for r in page.overridden:
        yield f"typed to confirm: {_rollback_line(r)}"
    for o in page.gates:
        where = f"{escape(o.model)} {escape(o.version)} {escape(o.from_stage)} -> {escape(o.to_stage)}"
        about = f"by {escape(o.by)}, {_age(page.end - o.at)} ago: {escape(o.reason)}"
        yield f"past a gate, NOT REVIEWED: {where} {about} [override {o.id}]"
    for w in page.watches:
        if w.override or w.who is None:
            who = escape(w.who) if w.who else "NOBODY"
            yield f"watch {w.start:%m-%d %H:%MZ} to {w.end:%m-%d %H:%MZ}: {who}"


def _alert_lines(alerts: Iterable[WatchAlert], end: datetime) -> list[str]:
    return [_alert_line(a, count, end) for a, count in grouped(alerts)]


def _alert_line(a: WatchAlert, count: int, end: datetime) -> str:
    by = f" by {escape(a.by)}" if a.by and a.state != "firing" else ""
    incident = f", {a.incident}" if a.incident else ""
    age = _age(end - a.since)
    times = f" x{count}" if count > 1 else ""
    return f"{a.tier} {escape(a.model)}: {escape(a.title)}{times} ({a.state}{by} for {age}{incident}) [alerts {a.id}]"


def _incident_line(i: OpenIncident, end: datetime) -> str:
    owner = escape(i.owner) if i.owner else "nobody"
    about = f"{i.key} {i.severity or 'no severity'} {i.state}, {owner}, {_age(end - i.detected_at)} old"
    return f"{about}: {escape(i.title)}. Next: {escape(i.next_action)}"


def _rollback_line(r: WatchRollback) -> str:
    what = f"{r.kind} {escape(r.model)} {escape(r.from_version or '?')} -> {escape(r.to_version)}"
    return f"{what}: {r.state} by {escape(r.by)}: {escape(r.reason)} [rollbacks {r.id}]"


def _noisy_line(n: NoisyGroup) -> str:
    said = f"acted on {n.acted}, called noise {n.noise}"
    return f"{escape(n.model)}: {escape(n.title)}: {n.alerts} alerts, {said}"


def _change_line(c: Change) -> str:
    review = ", not reviewed" if c.unreviewed else ""
    values = "" if c.before is None and c.after is None else f": {escape(c.before or '-')} -> {escape(c.after or '-')}"
    where = f" of {escape(c.model)}" if c.model else ""
    words = f"{c.at:%m-%d %H:%MZ} {c.layer} {escape(c.kind)} {escape(c.subject)}{where}{values}"
    return f"{words} by {escape(c.by or 'nobody named')}{review} [{c.table} {c.id}]"


def _age(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
