"""An alert as a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import PurePath

from rich.text import Text

from core.guidance import Guidance
from core.snoozing import UNTIL_RESOLVED
from storage.records.alerts import Alert, AlertEvent
from storage.records.results import StoredResult
from tui.present import guidance
from tui.present.text import put_line, visible
from tui.present.worth import act
from tui.present.worth import lines as worth_lines

TIER_MARKS = {"page": "!! PAGE", "ticket": "! TKT", "digest": "digest", "evidence": "evid."}
STATE_WORDS = {"firing": "firing", "acknowledged": "ack", "snoozed": "snooz", "resolved": "resol"}

EXAMPLES = 3
"""Rows of a finding that are shown."""

Stamp = Callable[[datetime], str]


def cells(alert: Alert, now: datetime, clock: Stamp) -> tuple[str | Text, ...]:
    """Tier, state, model, window, how often seen, how likely acted on, title: marks and words before colours."""
    state = alert.state_at(now)
    style = "bold" if alert.tier == "page" and state == "firing" else "dim" if state != "firing" else ""
    start = clock(alert.window_start) if alert.window_start else "-"
    words = (TIER_MARKS[alert.tier], STATE_WORDS[state], alert.model, start, f"x{alert.seen}", act(alert), alert.title)
    return tuple(Text(visible(word), style=style) for word in words)


def detail(
    alert: Alert,
    findings: Sequence[StoredResult],
    events: Sequence[AlertEvent],
    found: Guidance,
    now: datetime,
    stamp: Stamp,
    incident: str | None = None,
    chart: str = "",
    beside: Sequence[str] = (),
) -> Text:
    """What it says, what it rests on, what to do, who did what, and what people did the last times.

    Args:
        found: what it means and what people did.
        incident: the key of the incident it is linked to.
        chart: what it is about over the past batches, drawn.
        beside: how often its checks were right, and how its fault would touch the model.
    """
    text = Text()
    put_line(text, alert.title, "bold")
    linked = f"  {incident}" if incident else ""
    snoozed = next((event for event in reversed(events) if event.kind == "snooze"), None)
    note = snoozed.note if snoozed else None
    until = f" {quiet_until(alert.until, note, stamp)}" if alert.until and alert.state_at(now) == "snoozed" else ""
    put_line(text, f"{alert.state_at(now)}{until}  class {alert.error_class}  cause {alert.cause}{linked}")
    window = (
        f"{stamp(alert.window_start)} to {stamp(alert.window_end)}" if alert.window_start and alert.window_end else "-"
    )
    put_line(text, f"window {window}  batch {alert.batch_id or '-'}")
    for sentence in (*worth_lines(alert), *beside):
        put_line(text, sentence)
    for result in findings:
        finding = result.finding
        where = " in ".join(filter(None, (finding.column, finding.slice)))
        put_line(text, f"\n{finding.check} {where}", "bold")
        put_line(text, f"  {finding.message}")
        for key, label in (("command", "rows"), ("owner", "owner"), ("tuned", "check")):
            if finding.evidence.get(key):
                put_line(text, f"  {label}: {finding.evidence[key]}")
    for line, style in guidance.about(found):
        put_line(text, line, style)
    for result in findings:
        rows = list(result.finding.evidence.get("sample") or ())[:EXAMPLES]
        if rows:
            put_line(text, f"\nrows that {result.finding.check} found", "bold")
        for row in rows:
            put_line(text, f"  e.g. {_example(row)}")
    if chart:
        text.append("\n")
        for line in chart.split("\n"):
            put_line(text, line)
    if events or found.calls:
        put_line(text, "\nwhat happened", "bold")
        for event in events:
            put_line(text, f"  {stamp(event.at)} {event.by} {event.kind} {event.note or ''}")
    for line, style in guidance.history(found, stamp):
        put_line(text, line, style)
    return text


def quiet_until(until: datetime, note: str | None, stamp: Stamp) -> str:
    """Until when something is quiet: "until it is resolved" is told by its word, its last moment in brackets.

    >>> quiet_until(datetime(2026, 12, 24), "until it is resolved; known", lambda at: f"{at:%Y-%m-%d}")
    'until resolved (2026-12-24 at the latest)'
    >>> quiet_until(datetime(2026, 12, 24), None, lambda at: f"{at:%Y-%m-%d}")
    'until 2026-12-24'
    """
    if note is not None and note.startswith(UNTIL_RESOLVED):
        return f"until resolved ({stamp(until)} at the latest)"
    return f"until {stamp(until)}"


def _example(row: object) -> str:
    """A failing row: where it stands, and its cells."""
    if not isinstance(row, dict):
        return str(row)
    values = row.get("values") or {}
    told = ", ".join(f"{name}={value}" for name, value in values.items())
    return f"line {row.get('line')} of {PurePath(str(row.get('path', ''))).name}: {told}"
