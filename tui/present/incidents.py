"""An incident as a person reads it."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from core.incidents.priority import priority
from core.incidents.view import IncidentDetail
from storage.records.incidents import LIVE_STATES, Incident
from tui.present.moments import age
from tui.present.page import Page, Stamp, span
from tui.present.text import visible

STATE_WORDS = {"mitigated": "mitigat.", "duplicate": "duplic.", "false alarm": "false al"}
ALERTS_SHOWN = 8


def cells(incident: Incident, now: datetime) -> tuple[str | Text, ...]:
    """Key, severity, state, model, age, title, owner, priority, reach: closed ones are dimmed, the worst are bold."""
    live = incident.state in LIVE_STATES
    style = "dim" if not live else "bold" if incident.severity in ("SEV1", "SEV2") else ""
    words = (
        incident.key,
        incident.severity or "-",
        STATE_WORDS.get(incident.state, incident.state),
        incident.model or "-",
        age(now - incident.detected_at),
        incident.title,
        incident.owner or "nobody",
        f"{priority(incident, now).value:.1f}" if live else "-",
        "?" if incident.reach is None else f"{incident.reach:.0%}",
    )
    return tuple(Text(visible(word), style=style) for word in words)


def detail(d: IncidentDetail, stamp: Stamp, chart: str = "") -> Text:
    """What to do next, what it lacks, what it is, what may have caused it, what people did; the timeline last.

    Args:
        chart: what its first alert is about over the past batches, drawn.
    """
    page = Page()
    _now(page, d)
    _suspects(page, d, stamp)
    if chart:
        title, *lines = chart.split("\n")
        page.head(title)
        for line in lines:
            page.line(line)
    _cases(page, d)
    _people(page, d, stamp)
    page.head(f"timeline ({len(d.timeline)}, newest last)")
    for e in d.timeline:
        about = f" ({e.about})" if e.about else ""
        corrected = " (corrected)" if e.corrected else ""
        page.line(f"  {stamp(e.at)} {e.who} {e.kind} {e.text}{about}{corrected}")
    return page.text


def _now(page: Page, d: IncidentDetail) -> None:
    i, b = d.incident, d.blast_radius
    page.line(i.title, "bold")
    page.line(f"next: {d.next_action}", "bold")
    steps = ", ".join(d.next_states) or "nothing"
    lacks = f"; lacks {' and '.join(d.missing)}" if d.missing else ""
    page.line(f"from {i.state} to: {steps}{lacks}")
    urgent = f"  priority {d.priority.value:.2f} = {d.priority.formula}" if i.state in LIVE_STATES else ""
    page.line(f"owner {i.owner or 'nobody'}{urgent}")
    cause = "not known" if i.cause is None else f"{i.cause}: {d.cause_text or 'not told in words'}"
    page.line(f"cause {cause}")
    if d.recurrence and len(d.recurrence.keys) > 1:
        page.line(f"  for the {d.recurrence.words}: {', '.join(d.recurrence.keys)}")
    if d.prevention:
        page.line(f"next time it is caught by: {' '.join(d.prevention)}")
    page.line(f"reach {b.words}; versions {', '.join(b.versions) or 'not known'}")
    if b.impact:
        page.line(f"impact, by the model file: {b.impact}")
    for words in b.unknown:
        page.line(f"not known: {words}", "dim")


def _suspects(page: Page, d: IncidentDetail, stamp: Stamp) -> None:
    t = d.times
    onset = t.onset or t.detected
    changed = []
    for c in d.changes:
        values = "" if c.before is None and c.after is None else f": {c.before or '-'} -> {c.after or '-'}"
        review = ", not reviewed" if c.unreviewed else ""
        words = f"{c.layer} {c.kind} {c.subject}{values} by {c.by or 'nobody named'}{review}"
        changed.append(f"{span(onset - c.at)} before: {words} ({stamp(c.at)})")
    page.lines("what changed before, nearest first", changed, empty="nothing in the week before is recorded")
    guesses = []
    for h in d.hypotheses:
        guesses.append(f"{h.words}: {h.text}{f' [{h.cause}]' if h.cause else ''}")
        guesses += [f"  {'for' if e.supports else 'against'}: {e.text} {e.reference or ''}" for e in h.evidence]
    page.lines("hypotheses", guesses, empty="none yet: i then h")
    if d.next_test:
        page.line(f"  cheapest test: {d.next_test.what}: {d.next_test.command}")
    alerts = [f"{a.id} {a.tier} {a.state} {a.title}" for a in d.alerts]
    rest = [f"and {len(alerts) - ALERTS_SHOWN} more: x writes all of them"] if len(alerts) > ALERTS_SHOWN else []
    page.head(f"alerts ({len(alerts)})")
    for words in [*alerts[:ALERTS_SHOWN], *rest] or ["none is linked"]:
        page.line(f"  {words}")


def _cases(page: Page, d: IncidentDetail) -> None:
    lines = []
    for one in d.cases[:ALERTS_SHOWN]:
        c, held = one.case, f"in {one.in_set[0]} {one.in_set[1]}" if one.in_set else "in no set yet"
        passed = f"passed by {one.passed.version}" if one.passed else "passed by no version yet"
        lines.append(f"{c.id} {c.row_key}: expected {c.expected or '?'}, got {c.got or '-'}; {held}, {passed}")
    if len(d.cases) > ALERTS_SHOWN:
        lines.append(f"and {len(d.cases) - ALERTS_SHOWN} more: :cases, then / {d.incident.key}")
    page.lines("failure cases", lines)


def _people(page: Page, d: IncidentDetail, stamp: Stamp) -> None:
    similar = [
        f"{s.key} {s.title} ({', '.join(s.why)}). Helped: {'; '.join(t for t, _ in s.helped) or 'nothing recorded'}"
        for s in d.similar
    ]
    page.lines("similar incidents", similar, empty="none in this store")
    page.lines(
        "follow-ups",
        [
            f"{f'done by {f.done_by}' if f.done_by else 'open'}: {f.text}{f' ({f.owner})' if f.owner else ''}"
            for f in d.follow_ups
        ],
    )
    moments = [
        f"{name} {stamp(at) if at else 'not known' if name == 'onset' else 'not yet'}"
        f"{', set by hand' if name in d.times.edited else ''}"
        for name, at in (
            ("onset", d.times.onset),
            ("detected", d.times.detected),
            ("acknowledged", d.times.acknowledged),
            ("mitigated", d.times.mitigated),
            ("resolved", d.times.resolved),
        )
    ]
    page.lines("moments", moments)
