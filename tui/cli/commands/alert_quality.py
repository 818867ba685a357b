"""``midwatch alerts quality`` and ``midwatch alerts missed``: what alerts were worth, and what none told of."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

import click

from core.quality import misses
from core.quality.curve import curve
from core.quality.figures import WEEKS, Figures, quality
from core.quality.foreseen import expectation, expected_words
from storage.errors import UsageError
from storage.tables import alert_quality, missed, models
from tui.cli import diagnostics, output
from tui.cli.options import reading, shared, writing
from tui.present import quality as present
from tui.present.tuning import count
from tui.typed_moments import ago

ALL = "all"
LONGEST = 520


@click.command("quality")
@click.option("--model", help="Only this model's; without it, every model's.")
@click.option("--weeks", default=str(WEEKS), show_default=True, help="How far back: 1 to 520, or all of the record.")
@click.option("--check", help="The curve of this check: what another cut of its score would have given.")
@click.option("--curve", "with_curve", is_flag=True, help="The curve over the score of all alerts.")
@click.option("--causes", is_flag=True, help="A row per cause instead of per check.")
@shared
def quality_command(
    model: str | None,
    weeks: str,
    check: str | None,
    with_curve: bool,
    causes: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Volume, precision, recall and unanswered calls, altogether and per check; pages against the budget."""
    with reading(store) as session:
        found = models.get(session.db, model) if model else None
        model_id = None if found is None else found.id
        since = _since(session.db, model_id, weeks, session.now)
        told = quality(session.db, found, since=since, now=session.now)
        left_out = alert_quality.outside(
            session.db, model_id, since=since, until=session.now + timedelta(microseconds=1)
        )
        if check is not None and check not in (names := [one.name for one in told.checks]):
            raise UsageError(
                f"no alert of a check {check!r} was raised {'at all' if weeks == ALL else f'in {weeks} weeks'}",
                f"of these: {', '.join(names) or 'none'}",
            )
        drawn = (
            curve(session.db, found, check, since=since, now=session.now) if check or with_curve or as_json else None
        )
        expected = None if found is None else expectation(session.db, found)
    if as_json:
        output.document({"quality": told, "curve": drawn, "expected": expected, "outside": left_out})
        return
    for line in present.heading(told):
        output.text(line)
    if left_out:
        output.text(
            f"{count(left_out, 'alert')} outside this span, by the end of the window"
            + ("" if weeks == ALL else ": --weeks all counts the whole record")
        )
    if expected is not None:
        output.text(expected_words(expected))
    rows = [_row(one) for one in (told.overall, *(told.causes if causes else told.checks))]
    output.table(
        ("CAUSE" if causes else "CHECK", "CALLS", "A WEEK", "PRECISION", "TOLD OF", "UNANSWERED", "BY MONTH"),
        rows if told.overall.alerts else [],
        empty="no alert was raised in this time",
    )
    if drawn is not None:
        output.text("")
        for line in present.curve_lines(drawn):
            output.text(line)


@click.command("missed")
@click.argument("model")
@click.option("--at", "at", metavar="MOMENT", help="When it went wrong: 8h (ago), 2d, or 2026-11-23T07:00Z.")
@click.option("--column", help="The column at fault, if known.")
@click.option("--incident", metavar="KEY", help="The incident that no alert told of; its time is taken from it.")
@click.option("--note", help="What went wrong, in words of your own.")
@click.option(
    "--withdraw", metavar="ID", type=click.IntRange(1, 2**63 - 1), help="Take back a mark; both stay on record."
)
@shared
def missed_command(
    model: str,
    at: str | None,
    column: str | None,
    incident: str | None,
    note: str | None,
    withdraw: int | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Say that something went wrong and no alert said so; with only a model, list what was missed."""
    if at is None and incident is None and withdraw is None:
        with reading(store) as session:
            found = missed.known(session.db, models.get(session.db, model).id)
        if as_json:
            output.document(found)
            return
        output.table(
            ("ID", "AT", "COLUMN", "INCIDENT", "BY", "NOTE"),
            [(m.id, f"{m.at:%Y-%m-%d %H:%MZ}", m.column, m.incident, m.by, m.note) for m in found],
            empty="nothing is known to have been missed",
        )
        return
    with writing(store) as session:
        known = models.get(session.db, model)
        if withdraw is not None:
            one = misses.withdraw(session.db, withdraw, note=note, actor=session.actor, now=session.now)
            said = f"mark {one.id} is taken back"
        else:
            one = misses.mark(
                session.db,
                known,
                at=None if at is None else ago(at, session.now),
                column=column,
                incident=incident,
                note=note,
                actor=session.actor,
                now=session.now,
            )
            said = (
                f"marked as missed, {one.id}: {known.name} at {one.at:%Y-%m-%d %H:%M}Z; it counts in recall from now on"
            )
    if as_json:
        output.document(one)
    else:
        output.text(said)
        diagnostics.note("see: midwatch alerts quality")


def _since(db: sqlite3.Connection, model_id: int | None, weeks: str, now: datetime) -> datetime:
    """When the span begins; with ``all`` where the record does."""
    if weeks == ALL:
        return alert_quality.first_moment(db, model_id) or now - timedelta(weeks=WEEKS)
    if not weeks.isdecimal() or not 1 <= int(weeks) <= LONGEST:
        raise UsageError(f"--weeks {weeks!r} is no length", f"a number from 1 to {LONGEST}, or {ALL}")
    return now - timedelta(weeks=int(weeks))


def _row(one: Figures) -> tuple[object, ...]:
    return (
        one.name or "all",
        one.calls,
        f"{one.per_week:.1f}",
        one.precision.words,
        present.told_of(one),
        present.unanswered(one),
        present.trend(one),
    )
