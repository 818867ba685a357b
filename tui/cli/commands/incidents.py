"""``midwatch incidents ...``: read, report and time incidents; what writes stands in ``incident_writes``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast, get_args

import click

from core import response_times
from core.incidents import past
from core.incidents.priority import priority
from core.incidents.states import parse_severity, parse_state
from core.incidents.view import IncidentDetail, detail
from core.report import incident_report
from storage.records.incidents import LIVE_STATES, IncidentFilter, Sort
from storage.reports import report_path, write_report
from storage.tables import incidents, models
from tui.cli import diagnostics, output
from tui.cli.commands import incident_writes
from tui.cli.options import DefaultGroup, reading, shared


@click.group("incidents", cls=DefaultGroup)
def command() -> None:
    """Incidents: the record of each investigation. Alone: list those that are live."""


@command.command("list")
@click.option("--model")
@click.option("--state", "states", multiple=True, help="Only these states; may be given more than once.")
@click.option("--severity")
@click.option("--owner")
@click.option("--text", help="Only those whose key, title or owner holds this text.")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--sort", default="priority", show_default=True, type=click.Choice(get_args(Sort)))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--offset", default=0, type=click.IntRange(0))
@shared
def list_incidents(
    store: str | None = None,
    as_json: bool = False,
    model: str | None = None,
    states: tuple[str, ...] = (),
    severity: str | None = None,
    owner: str | None = None,
    text: str | None = None,
    everything: bool = False,
    sort: str = "priority",
    limit: int = 50,
    offset: int = 0,
) -> None:
    """List incidents, the most urgent first: impact x reach x age."""
    wanted = tuple(parse_state(s) for s in states) or (() if everything else LIVE_STATES)
    with reading(store) as session:
        where = IncidentFilter(
            model_id=models.get(session.db, model).id if model else None,
            states=wanted,
            severity=parse_severity(severity) if severity else None,
            owner=owner,
            text=text,
        )
        rows = incidents.list_page(
            session.db,
            now=session.now,
            offset=offset,
            limit=limit,
            sort=cast("Sort", sort),
            descending=sort in ("priority", "detected", "key"),
            where=where,
        )
        total = incidents.count(session.db, where)
    ranked = [(i, priority(i, session.now)) for i in rows]
    if as_json:
        found = [{**output.plain(i), "priority": p.value, "priority_formula": p.formula} for i, p in ranked]
        output.document({"total": total, "incidents": found})
        return
    output.table(
        ("KEY", "SEV", "STATE", "PRIORITY", "MODEL", "OWNER", "DETECTED", "ALERTS", "CAUSE", "TITLE"),
        [
            (
                i.key,
                i.severity,
                i.state,
                f"{p.value:.2f}",
                i.model,
                i.owner,
                f"{i.detected_at:%m-%d %H:%MZ}",
                i.alerts,
                i.cause,
                i.title,
            )
            for i, p in ranked
        ],
        empty="no incidents" if everything or states else "no live incidents (--all shows closed ones)",
    )
    if offset + len(rows) < total:
        diagnostics.note(f"{len(rows)} of {total}; the next: --offset {offset + len(rows)}")


@command.command("show")
@click.argument("key")
@shared
def show(key: str, store: str | None, as_json: bool) -> None:
    """Everything about one incident."""
    with reading(store) as session:
        found = detail(session.db, key, now=session.now)
    if as_json:
        output.document(_document(found))
        return
    i = found.incident
    output.text(f"{i.key} {i.severity or 'no severity'} {i.state}: {i.title}")
    output.text(f"model {i.model or '-'}, owner {i.owner or 'nobody'}, cause {i.cause or 'not known'}")
    output.text(f"priority {found.priority.value:.2f} = {found.priority.formula}")
    output.text(f"reach: {found.blast_radius.words}")
    output.text(f"next: {found.next_action}")
    if found.recurrence and len(found.recurrence.keys) > 1:
        output.text(f"this cause for the {found.recurrence.words}: {', '.join(found.recurrence.keys)}")
    for h in found.hypotheses:
        output.text(f"hypothesis {h.id} {h.words}: {h.text}")
        for e in h.evidence:
            output.text(f"  {'for' if e.supports else 'against'} {e.reference or ''} {e.text}")
    for f in found.follow_ups:
        output.text(f"follow-up {f.id} {'done' if f.done_by else 'open'}: {f.text}")
    for s in found.similar:
        output.text(f"similar {s.key} ({', '.join(s.why)}): helped: {'; '.join(t for t, _ in s.helped) or 'nothing'}")
    for c in found.changes:
        output.text(f"changed before {c.at:%m-%d %H:%MZ} {c.layer} {c.kind} {c.subject} {c.reference}")
    output.text("")
    output.table(
        ("WHEN", "WHAT", "WHO", "WORDS", "ROW"),
        [
            (f"{e.at:%m-%d %H:%M:%SZ}", e.kind, e.who, e.text + (" (corrected)" if e.corrected else ""), e.reference)
            for e in found.timeline
        ],
    )


@command.command("report")
@click.argument("key")
@click.option("--output", "target", metavar="PATH", help="Where to; else reports/KEY.md beside the store. - is stdout.")
@shared
def report(key: str, target: str | None, store: str | None, as_json: bool) -> None:
    """Write the report in Markdown; redacted columns stay untold."""
    with reading(store) as session:
        made = incident_report(session.db, key, now=session.now)
        if target == "-" and not as_json:
            output.text(made.markdown)
            return
        path = None
        if target != "-":
            path = write_report(report_path(session.path, made.name, target), made.markdown)
    if as_json:
        output.document({"path": path, "summary": made.summary, "markdown": made.markdown})
    else:
        output.text(str(path))


@command.command("times")
@click.option("--model")
@shared
def times(model: str | None, store: str | None, as_json: bool) -> None:
    """Response times: medians and p90; false alarms and duplicates left out, open ones told as censored."""
    with reading(store) as session:
        model_id = models.get(session.db, model).id if model else None
        measured = response_times.measured(session.db, now=session.now, model_id=model_id)
    if as_json:
        output.document(measured)
        return
    output.table(
        ("TIME", "MEDIAN", "P90", "N", "STILL OPEN", "LONGEST OPEN", "NOT KNOWN"),
        [(t.name, _span(t.median), _span(t.p90), t.n, t.censored, _span(t.longest_open), t.unknown) for t in measured],
    )


@command.command("causes")
@shared
def causes(store: str | None, as_json: bool) -> None:
    """How often each cause was met."""
    with reading(store) as session:
        counted = past.causes(session.db)
    if as_json:
        output.document([{"cause": cause, "incidents": count} for cause, count in counted])
    else:
        output.table(("CAUSE", "INCIDENTS"), counted, empty="no causes yet")


for _command in incident_writes.COMMANDS:
    command.add_command(_command)


def _document(found: IncidentDetail) -> dict[str, Any]:
    plain: dict[str, Any] = output.plain(found)
    for written, h in zip(plain["hypotheses"], found.hypotheses, strict=True):
        written["status"] = h.standing
    return {**plain, "blast_radius": {**plain["blast_radius"], "words": found.blast_radius.words}}


def _span(span: timedelta | None) -> str:
    if span is None:
        return "-"
    minutes = span.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
