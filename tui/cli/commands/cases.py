"""``midwatch cases list|show|add|judge``: rows that a model got wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import click

from core.evaluation import failure_cases as use
from core.evaluation.case_lives import CaseLife, life
from core.evaluation.export import shown
from storage.errors import UsageError
from storage.logs.predicates import predicate_sql, words
from storage.records.failure_cases import CASE_VERDICTS, CaseFilter, CaseVerdict, FailureCase
from storage.tables import alerts, failure_cases, incidents, models
from tui.cli import diagnostics, output
from tui.cli.conditions import batch_of, condition
from tui.cli.error_buckets import bucket_condition
from tui.cli.options import ROW_ID, ListByDefault, reading, shared, writing
from tui.typed_moments import ago


@click.group("cases", cls=ListByDefault)
def command() -> None:
    """Failure cases (cases MODEL lists them): rows that became the measure of later versions."""


@command.command("list")
@click.argument("model")
@click.option("--queue", is_flag=True, help="Only those that wait for a verdict.")
@click.option("--verdict", type=click.Choice(CASE_VERDICTS), multiple=True, help="Only with this verdict.")
@click.option("--incident", metavar="KEY", help="Only those of an incident.")
@click.option("--limit", help="Rows at most.", default=50, show_default=True, type=click.IntRange(1, 100_000))
@shared
def list_cases(
    model: str,
    queue: bool,
    verdict: tuple[str, ...],
    incident: str | None,
    limit: int,
    store: str | None,
    as_json: bool,
) -> None:
    """List the failure cases of MODEL, the latest first: reported, in a set, first version that passes."""
    with reading(store) as session:
        found = models.get(session.db, model)
        where = CaseFilter(
            model_id=found.id,
            queue=queue,
            verdicts=cast("tuple[CaseVerdict, ...]", verdict),
            incident_id=incidents.get(session.db, incident).id if incident else None,
        )
        cases = [shown(case, found.file) for case in failure_cases.page(session.db, where, limit=limit)]
        lives = [life(session.db, case, found.file) for case in cases]
        total = failure_cases.count(session.db, where)
    if as_json:
        output.document({"total": total, "cases": [document(one) for one in lives]})
        return
    output.table(
        ("CASE", "ROW", "EXPECTED", "GOT", "VERSION", "CATEGORY", "VERDICT", "REPORTED", "IN SET", "PASSED BY"),
        [
            (
                one.case.id,
                one.case.row_key,
                one.case.expected,
                one.case.got,
                one.case.version,
                one.case.category,
                one.case.verdict or "waits",
                f"{one.case.reported_at:%Y-%m-%d %H:%MZ}",
                f"{one.in_set[0]} {one.in_set[1]} after {span(one.to_set)}" if one.in_set else None,
                f"{one.passed.version} after {span(one.to_pass)}" if one.passed else None,
            )
            for one in lives
        ],
        empty=f"no failure cases: midwatch cases add {model} --batch ID --where 'column = value'",
    )
    if len(lives) < total:
        diagnostics.note(f"{len(lives)} of {total}; more: --limit {total}")


@command.command("show")
@click.argument("case", type=ROW_ID)
@shared
def show(case: int, store: str | None, as_json: bool) -> None:
    """Show one case: the row, what was expected, what every version answered since."""
    with reading(store) as session:
        found = failure_cases.get(session.db, case)
        file = models.get_by_id(session.db, found.model_id).file
        one = life(session.db, shown(found, file), file)
        said = failure_cases.events(session.db, case)
    if as_json:
        output.document({**document(one), "events": said})
        return
    c = one.case
    output.text(f"case {c.id} of {c.model}: expected {c.expected or 'not known'}, got {c.got} from {c.version or '-'}")
    output.text(f"row {c.row_key}{f' (batch {c.batch_id}, line {c.line})' if c.batch_id else ''}, found by {c.source}")
    output.table(("COLUMN", "VALUE"), list(c.payload.items()), empty="no cells")
    output.table(
        ("VERSION", "ANSWER", "RIGHT", "WHERE", "AT"),
        [(a.version, a.answer, _right(a.passed), a.where, f"{a.at:%Y-%m-%d %H:%MZ}") for a in one.answers],
        empty="no other version has answered this row yet",
    )
    for event in said:
        output.text(f"{event.at:%Y-%m-%d %H:%MZ} {event.by}: {event.kind} {event.value}{_note(event.note)}")


@command.command("add")
@click.argument("model")
@click.option("--batch", type=ROW_ID, help="The batch; the newest serving one by default.")
@click.option("--where", help="Rows that fulfil this, as in: origin = JFK and hour > 17.")
@click.option("--bucket", metavar="KIND", help="Errors of this kind, as midwatch slices --buckets names it.")
@click.option("--id", "ids", multiple=True, help="A row by its id; may be given more than once.")
@click.option("--alert", type=ROW_ID, help="The rows behind an alert.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, use.MOST), help="Rows, worst first.")
@click.option("--right-too", is_flag=True, help="Of --where, also rows that the model had right by their label.")
@click.option("--category", help="What sort of failure.")
@click.option("--incident", metavar="KEY", help="The incident they belong to; an alert's own by default.")
@click.option("--reported", metavar="T", help="When it was first reported; now by default. A moment, or 3d.")
@shared
def add(
    model: str,
    batch: int | None,
    where: str | None,
    bucket: str | None,
    ids: tuple[str, ...],
    alert: int | None,
    limit: int,
    right_too: bool,
    category: str | None,
    incident: str | None,
    reported: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Make rows of MODEL failure cases: from a batch by --where or --id, or from an --alert."""
    if sum((where is not None or bucket is not None, bool(ids), alert is not None)) != 1:
        raise click.UsageError("name the rows by one of --where (or --bucket), --id and --alert")
    with writing(store) as session:
        found = models.get(session.db, model)
        common: dict[str, Any] = {"category": category, "actor": session.actor, "now": session.now}
        if alert is not None:
            if alerts.get(session.db, alert).model_id != found.id:
                raise UsageError(f"alert {alert} is not one of {model}", "name the model it belongs to")
            added = use.add_from_alert(session.db, alert, limit=limit, **common)
            if incident and added.cases:
                use.judge(session.db, added.cases, incident=incident, actor=session.actor, now=session.now)
        else:
            source = batch_of(session.db, found, batch)
            common.update(incident=incident, reported_at=ago(reported, session.now) if reported else None)
            if ids:
                added = use.add_by_id(session.db, found, source, ids, **common)
            else:
                predicates = condition(where, source, found) if where is not None else ()
                sql, told = predicate_sql(predicates), words(predicates)
                if bucket is not None:
                    sql, told = bucket_condition(session.db, source, model, bucket, predicates, now=session.now)
                    common["category"] = category or bucket
                common.update(source="slice", source_ref=told, limit=limit, failures_first=True, right_too=right_too)
                added = use.add_rows(session.db, found, source, sql, **common)
    if as_json:
        output.document(added)
        return
    new, rows = len(added.cases), added.total
    known = f"{added.known} {'was a case' if added.known == 1 else 'were cases'} already"
    output.text(f"{new} new case{'s' if new != 1 else ''} of {rows:,} row{'s' if rows != 1 else ''}; {known}")
    if added.left_out:
        diagnostics.note(
            f"{added.left_out:,} left out: the model had them right by their label; --right-too takes them"
        )
    if added.without_answer:
        have = "has" if added.without_answer == 1 else "have"
        told = f"{added.without_answer} {have} no right answer yet"
        diagnostics.note(f"{told}: labels, or cases judge ID --expected X")
    if added.right:
        diagnostics.note(f"{added.right} of them the model had right, by the label it has now")


@command.command("judge")
@click.argument("case", nargs=-1, required=True, type=ROW_ID)
@click.option("--verdict", type=click.Choice(CASE_VERDICTS), help="What it is worth; takes it out of the queue.")
@click.option("--expected", help="The right answer.")
@click.option("--category", help="What sort of failure.")
@click.option("--incident", metavar="KEY", help="The incident it belongs to.")
@click.option("--of", "duplicate_of", type=ROW_ID, help="With the verdict duplicate: the case that goes on.")
@click.option("--note", help="Words of your own.")
@shared
def judge(
    case: tuple[int, ...],
    verdict: str | None,
    expected: str | None,
    category: str | None,
    incident: str | None,
    duplicate_of: int | None,
    note: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Say what cases are worth, what the right answer is, of what sort they are, or to what incident they belong."""
    with writing(store) as session:
        judged = use.judge(
            session.db, case, cast("CaseVerdict | None", verdict), expected=expected, category=category,
            incident=incident, duplicate_of=duplicate_of, note=note, actor=session.actor, now=session.now,
        )  # fmt: skip
    if as_json:
        output.document({"cases": [_plain(one) for one in judged]})
    else:
        for one in judged:
            output.text(f"case {one.id}: {one.verdict or 'waits'}, expected {one.expected or 'not known'}")


def document(one: CaseLife) -> dict[str, Any]:
    """A case with its life as scripts read it; spans are in seconds."""
    return {
        **_plain(one.case),
        "in_set": None
        if one.in_set is None
        else {"set": one.in_set[0], "version": one.in_set[1], "since": one.in_set[2], "after": one.to_set},
        "passed_by": None
        if one.passed is None
        else {"version": one.passed.version, "at": one.passed.at, "where": one.passed.where, "after": one.to_pass},
        "answers": one.answers,
    }


def span(time: timedelta | None) -> str:
    """A span for a person: minutes, hours or days.

    >>> span(timedelta(minutes=20)), span(timedelta(hours=30)), span(timedelta(days=5))
    ('20 min', '30.0 h', '5.0 d')
    """
    seconds = time.total_seconds() if time else 0.0
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"


def _plain(case: FailureCase) -> dict[str, Any]:
    plain: dict[str, Any] = output.plain(case)
    return plain


def _right(passed: bool | None) -> str:
    return "not known" if passed is None else "yes" if passed else "no"


def _note(note: str | None) -> str:
    return f" ({note})" if note else ""
