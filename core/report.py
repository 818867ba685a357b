"""The report of an incident in Markdown: every number names the row it comes from, redacted columns stay untold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.incidents.taxonomy import nth_time
from core.incidents.timeline import LEAD
from core.incidents.view import IncidentDetail, detail
from core.markdown import escape, row
from core.redaction import Redactor, redactor_for
from core.report_words import NOT_KNOWN, cite, moment, reference, span_words
from storage.records.incidents import FindingRow, MetricReading
from storage.tables import incident_facts, models

FINDINGS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its file name, its Markdown, and six lines that fit into a chat."""

    name: str
    markdown: str
    summary: str


def incident_report(db: sqlite3.Connection, key: str, *, now: datetime) -> Report:
    """The report of the incident of that key as of ``now``; reads only.

    Raises:
        UsageError: there is none.
    """
    d = detail(db, key, now=now)
    model = models.get_by_id(db, d.incident.model_id) if d.incident.model_id is not None else None
    redactor = redactor_for(db, model, [a.id for a in d.alerts])
    metrics: list[MetricReading] = []
    if model is not None:
        before = incident_facts.batch_before(db, model.id, d.times.onset or d.times.detected)
        metrics = incident_facts.metrics_of(db, [*([before] if before else []), *d.blast_radius.batches])
    findings = incident_facts.findings_of(db, [a.id for a in d.alerts])
    sections = (
        _summary(d),
        _impact(d, metrics),
        _findings(findings, redactor),
        _timeline(d),
        _hypotheses(d),
        _done(d),
        _cause(d),
        _certainty(d),
        _follow_ups(d),
        _similar(d),
        _commands(d),
    )
    lines = [line for section in sections for line in (*section, "")]
    name = f"{d.incident.key}.md"
    return Report(name, "\n".join(lines), summary(d))


def _summary(d: IncidentDetail) -> Iterator[str]:
    i, rows = d.incident, dict(d.times.rows)
    yield f"# {i.key}: {escape(i.title)}"
    yield ""
    yield f"State as of {moment(d.now)}, from the store's own rows; `[table id]` names the row a statement comes from."
    yield ""
    yield row("what", "value")
    yield row("---", "---")
    yield row("model", escape(i.model) if i.model else "no single model")
    yield row("state", i.state)
    yield row("severity", i.severity or "not set")
    yield row("owner", escape(i.owner) if i.owner else "nobody")
    yield row("priority", f"{d.priority.value:.2f} = {d.priority.formula}")
    yield row("opened", f"{moment(i.opened_at)} by {escape(i.opened_by)} [incidents {i.id}]")
    for name in ("onset", "detected", "acknowledged", "mitigated", "resolved"):
        edited = " (set by hand)" if name in d.times.edited else ""
        at = getattr(d.times, name)
        told = (NOT_KNOWN if name == "onset" else "not yet") if at is None else f"{moment(at)}{edited}"
        yield row(name, f"{told} {reference(rows[name])}" if name in rows else told)
    if d.times.onset and d.times.mitigated:
        yield row("onset to mitigated", span_words(d.times.mitigated - d.times.onset))


def _impact(d: IncidentDetail, metrics: Sequence[MetricReading]) -> Iterator[str]:
    b = d.blast_radius
    yield "## Impact"
    yield ""
    yield f"- predictions: {b.words} {cite('batches', b.concerned)} of {cite('batches', b.batches)}"
    yield f"- window: {moment(b.start)} to {moment(b.end)}"
    yield f"- page and ticket findings in those batches: {b.findings} {cite('batches', b.concerned)}"
    yield f"- versions: {escape(', '.join(b.versions)) or NOT_KNOWN}"
    yield f"- users: {NOT_KNOWN if b.users is None else b.users}"
    yield f"- what the model file says of impact: {escape(b.impact) if b.impact else 'nothing'}"
    if not metrics:
        return
    yield ""
    yield row("metric", "batch", "version", "value", "95 % interval", "n", "row")
    yield row("---", "---", "---", "---", "---", "---", "---")
    for m in metrics:
        interval = NOT_KNOWN if m.low is None or m.high is None else f"{m.low:.4g} to {m.high:.4g}"
        value = escape(m.note or NOT_KNOWN) if m.value is None else f"{m.value:.4g}"
        yield row(
            escape(m.metric),
            f"{m.batch_id} ({moment(m.window_start)})",
            escape(m.version or "-"),
            value,
            interval,
            m.n,
            f"[metric_values {m.id}]",
        )


def _findings(findings: Sequence[FindingRow], redactor: Redactor) -> Iterator[str]:
    yield "## Findings behind the alerts"
    yield ""
    if not findings:
        yield "None is linked."
        return
    for f in findings[:FINDINGS_SHOWN]:
        hidden = redactor.about((f.column,))
        place = f" in {escape(redactor.text(f.slice))}" if f.slice else ""
        words = "words withheld: the column is redacted" if hidden else escape(redactor.text(f.message))
        measured = "" if f.value is None or hidden else f"; measured {f.value:.4g}"
        bound = "" if f.threshold is None or hidden else f", bound {f.threshold:.4g}"
        column = escape(f.column or "whole table")
        yield f"- {escape(f.check)} on {column}{place}: {words}{measured}{bound} [check_results {f.id}]"
    if len(findings) > FINDINGS_SHOWN:
        rest = cite("check_results", [f.id for f in findings[FINDINGS_SHOWN:]])
        yield f"- and {len(findings) - FINDINGS_SHOWN} more {rest}"


def _timeline(d: IncidentDetail) -> Iterator[str]:
    yield "## Timeline (UTC)"
    yield ""
    yield row("when", "what", "who", "words", "row")
    yield row("---", "---", "---", "---", "---")
    for e in d.timeline:
        mark = " (corrected)" if e.corrected else ""
        about = f" {reference(e.about)}" if e.about else ""
        words = escape(e.text) + mark + about
        yield row(f"{e.at:%Y-%m-%d %H:%M:%S}", e.kind, escape(e.who), words, reference(e.reference))


def _hypotheses(d: IncidentDetail) -> Iterator[str]:
    yield "## Hypotheses and evidence"
    yield ""
    if not d.hypotheses:
        yield "None was written down."
    for h in d.hypotheses:
        cause = f" ({h.cause})" if h.cause else ""
        yield f"- **{h.words}**{cause} {escape(h.text)} [incident_events {h.id}]"
        for e in h.evidence:
            fact = f" {reference(e.reference)}" if e.reference else ""
            side = "for" if e.supports else "against"
            yield f"  - {side}: {escape(e.text)}{fact} [incident_events {e.id}]"
    if d.next_test:
        test = d.next_test
        what = f"{test.what} (`{test.command}`)"
        yield f"- cheapest next test: {what} for [incident_events {test.hypothesis_id}]"


def _done(d: IncidentDetail) -> Iterator[str]:
    yield "## What was done"
    yield ""
    told = [e for e in d.timeline if e.kind in ("action", "rollback", "followup_done", "silence")]
    if not told:
        yield "Nothing is recorded."
    for e in told:
        yield f"- {moment(e.at)} {escape(e.who)}: {escape(e.text)} {reference(e.reference)}"


def _cause(d: IncidentDetail) -> Iterator[str]:
    yield "## Cause"
    yield ""
    if d.incident.cause is None:
        yield "Not named yet."
        return
    yield f"{escape(d.incident.cause)}: {escape(d.cause_text or 'not told in words')}"
    if d.recurrence:
        yield ""
        yield (
            f"This cause was met for the {d.recurrence.words}: {', '.join(d.recurrence.keys)}."
            if len(d.recurrence.keys) <= 8
            else f"This cause was met {nth_time(len(d.recurrence.keys))}, last in {d.recurrence.keys[-2]}."
        )
    if d.prevention:
        kind, words = d.prevention
        told = {"check": "a check", "set": "an evaluation set"}.get(kind, "nothing, because")
        yield ""
        yield f"What will catch it next time: {told} {escape(words)}"
    if d.cases:
        held, passed = sum(c.in_set is not None for c in d.cases), sum(c.passed is not None for c in d.cases)
        yield ""
        yield f"Failure cases: {len(d.cases)}; {held} are in an evaluation set, {passed} are passed by a later version."


def _certainty(d: IncidentDetail) -> Iterator[str]:
    yield "## Known, conjecture, not known"
    yield ""
    known = [h for h in d.hypotheses if h.standing == "supported"]
    refuted = [h for h in d.hypotheses if h.standing == "refuted"]
    conjecture = [h for h in d.hypotheses if h.standing == "open"]
    yield f"- known: {len(d.alerts)} alerts {cite('alerts', [a.id for a in d.alerts])}; the numbers under Impact"
    for h in known:
        yield f"- supported by linked facts, none against: {escape(h.text)} [incident_events {h.id}]"
    for h in refuted:
        yield f"- refuted by linked facts: {escape(h.text)} [incident_events {h.id}]"
    for h in conjecture:
        yield f"- conjecture: {escape(h.text)} ({h.words}) [incident_events {h.id}]"
    for change in d.changes:
        review = ", not reviewed" if change.unreviewed else ""
        words = f"{change.layer} {change.kind} {change.subject}"
        yield (
            f"- conjecture, by time only: {escape(words)} at {moment(change.at)}{review} {reference(change.reference)}"
        )
    for words in d.blast_radius.unknown:
        yield f"- not known: {escape(words)}"
    for name in ("onset", "acknowledged", "mitigated", "resolved"):
        if getattr(d.times, name) is None:
            yield "- not known: the onset" if name == "onset" else f"- not yet: {name}"
    if d.incident.cause is None:
        yield "- not known: the cause"


def _follow_ups(d: IncidentDetail) -> Iterator[str]:
    yield "## Follow-ups"
    yield ""
    if not d.follow_ups:
        yield "None."
    for f in d.follow_ups:
        owner = f" ({escape(f.owner)})" if f.owner else ""
        state = f"done by {escape(f.done_by)} {moment(f.done_at)}" if f.done_by else "open"
        yield f"- {state}: {escape(f.text)}{owner} [incident_events {f.id}]"


def _similar(d: IncidentDetail) -> Iterator[str]:
    yield "## Similar incidents"
    yield ""
    if not d.similar:
        yield "None in this store."
    for s in d.similar:
        helped = "; ".join(f"{escape(text)} {reference(ref)}" for text, ref in s.helped) or "nothing recorded"
        yield f"- {s.key} {escape(s.title)} ({s.state}): {escape(', '.join(s.why))}. What helped: {helped}"


def _commands(d: IncidentDetail) -> Iterator[str]:
    yield "## To see it again"
    yield ""
    yield "```"
    yield f"midwatch incidents show {d.incident.key}"
    for alert in d.alerts[:10]:
        yield f"midwatch alerts show {alert.id}"
    if d.incident.model:
        onset = d.times.onset or d.times.detected
        yield f"midwatch live {d.incident.model} --at {onset:%Y-%m-%dT%H:%M:%SZ}"
        since = f"{onset - LEAD:%Y-%m-%dT%H:%M:%SZ}"
        yield f"midwatch changes list --model {d.incident.model} --since {since}"
        yield f"midwatch changes list --model {d.incident.model}"
    yield "midwatch audit verify"
    yield "```"


def summary(d: IncidentDetail) -> str:
    """Six lines of plain text for a chat."""
    i = d.incident
    lines = (
        f"{i.key} {i.severity or 'no severity'} {i.state}: {i.title}",
        f"model {i.model or 'none'}, onset {moment(d.times.onset)}, detected {moment(d.times.detected)}",
        f"reach: {d.blast_radius.words}",
        f"mitigated {moment(d.times.mitigated)}, resolved {moment(d.times.resolved)}",
        f"cause: {f'{i.cause}: {d.cause_text or NOT_KNOWN}' if i.cause else NOT_KNOWN}",
        f"next: {d.next_action}",
    )
    return "\n".join(" ".join(line.split()) for line in lines)
