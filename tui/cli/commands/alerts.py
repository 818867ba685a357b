"""``midwatch alerts``: list, show, acknowledge, snooze, silence, feedback, tune."""

from __future__ import annotations

import click

from core import alert_answers
from core.guidance import guidance
from core.touch.beside import precision_words
from core.touch.reading import touch
from storage.records.alerts import VERDICTS
from storage.tables import alerts, models, past_answers, results, storms
from tui.cli import diagnostics, output, shapes
from tui.cli.commands import alert_escalated, alert_quiet, alert_storms, alert_tune, alert_worth
from tui.cli.commands.alert_quality import missed_command, quality_command
from tui.cli.options import ROW_ID, DefaultGroup, reading, shared, writing
from tui.cli.silence_names import known_check, unknown_column
from tui.present import guidance as present
from tui.present import worth
from tui.typed_moments import ahead

MOMENT = "8h, 2d, or 2026-11-23T07:00Z."


@click.group("alerts", cls=DefaultGroup)
def command() -> None:
    """List, show and answer alerts. Without a subcommand: the open ones."""


command.add_command(quality_command)
command.add_command(missed_command)


@command.command("list")
@click.option("--model", help="Only this model's.")
@click.option("--tier", type=click.Choice(("page", "ticket", "digest", "evidence")), help="Only this tier.")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@click.option("--limit", default=100, show_default=True, help="Rows at most.", type=click.IntRange(1, 100_000))
@shared
def list_alerts(
    model: str | None = None,
    tier: str | None = None,
    everything: bool = False,
    limit: int = 100,
    store: str | None = None,
    as_json: bool = False,
) -> None:
    """One line per group of alerts, the loudest first."""
    with reading(store) as session:
        model_id = models.get(session.db, model).id if model else None
        fold = not as_json and not everything  # a program reads every group, with the storm it belongs to
        rows = alerts.page(session.db, model_id=model_id, tier=tier, only_open=not everything, fold=fold, limit=limit)
        total = alerts.count(session.db, model_id=model_id, tier=tier, only_open=not everything, fold=fold)
        found = [[r.finding for r in results.of_alert(session.db, a.id)] for a in rows] if as_json else []
        last = {} if as_json else {a.id: past_answers.of_fingerprint(session.db, a.fingerprint, 1) for a in rows}
        weather = storms.lines(session.db, [a.id for a in rows])
        now = session.now
    if as_json:
        document = [shapes.alert(a, f) for a, f in zip(rows, found, strict=True)]
        output.document(
            [{**d, "storm": weather[a.id].id if a.id in weather else None} for a, d in zip(rows, document, strict=True)]
        )
        return
    weather = {head: line for head, line in weather.items() if fold and tier is None and line.groups > 1}
    output.table(
        ("ID", "TIER", "STATE", "MODEL", "WINDOW", "SEEN", "ACT", "LAST", "WHAT"),
        [
            (
                a.id,
                a.tier,
                "firing" if a.id in weather and weather[a.id].fires else a.state_at(now),
                f"{weather[a.id].models} models" if a.id in weather and weather[a.id].models > 1 else a.model,
                f"{a.window_start:%m-%d %H:%MZ}" if a.window_start else None,
                f"x{weather[a.id].alerts if a.id in weather else a.seen}",
                None if a.id in weather else worth.act(a),
                None if a.id in weather else worth.last(last[a.id]),
                alert_storms.words(weather[a.id], a) if a.id in weather else a.title,
            )
            for a in rows
        ],
        empty="no open alerts",
    )
    if total > len(rows):
        diagnostics.note(f"{len(rows)} of {total}; --limit shows more")


@command.command("show")
@click.argument("alert_id", type=ROW_ID)
@shared
def show(alert_id: int, store: str | None, as_json: bool) -> None:
    """One alert: findings, what it means, what to do, what happened to it, what people did the last five times."""
    with reading(store) as session:
        alert = alerts.get(session.db, alert_id)
        findings = [r.finding for r in results.of_alert(session.db, alert_id)]
        events = alerts.events(session.db, alert_id)
        helped = guidance(session.db, alert, findings)
        state = alert.state_at(session.now)
        right = precision_words(session.db, alert, findings, session.now)
        touched = touch(session.db, alert)
    if as_json:
        told = {"events": events, "past": helped.answers, "guidance": helped, "precision": right, "touch": touched}
        output.document({**shapes.alert(alert, findings), **told})
        return
    output.text(f"alert {alert.id}  {alert.tier}  {state}  {alert.model}  cause: {alert.cause}\n{alert.title}\n")
    for sentence in (*worth.lines(alert), *right, *(touched.words if touched else ())):
        output.text(sentence)
    output.text("")
    output.table(
        ("CHECK", "COLUMN", "SLICE", "VALUE", "THRESHOLD", "MESSAGE"),
        [(f.check, f.column, f.slice, _number(f.value), _number(f.threshold), f.message) for f in findings],
        empty="no finding: the program itself raised it",
    )
    output.text("")
    rows = [(f"{e.at:%Y-%m-%d %H:%MZ}", e.by, e.kind, e.note) for e in events]
    output.table(("AT", "WHO", "WHAT", "NOTE"), rows, empty="nobody has answered it")
    for line, _ in (*present.about(helped), *present.history(helped, lambda at: f"{at:%Y-%m-%d %H:%MZ}")):
        output.text(line)


@command.command("ack")
@click.argument("alert_id", type=ROW_ID)
@click.option("--note", help="Words of your own; they stand in the alert's history.")
@shared
def ack(alert_id: int, note: str | None, store: str | None, as_json: bool) -> None:
    """Acknowledge an alert and the firing rest of its group."""
    with writing(store) as session:
        changed = alert_answers.acknowledge(session.db, alert_id, actor=session.actor, now=session.now, note=note)
        state = alerts.get(session.db, alert_id).state_at(session.now)
    told = f"acknowledged {len(changed)}" if changed else f"nothing to acknowledge: alert {alert_id} is {state}"
    _answer(as_json, {"acknowledged": changed}, told)


@command.command("feedback")
@click.argument("alert_id", type=ROW_ID)
@click.argument("verdict", type=click.Choice(VERDICTS))
@click.option("--note", help="Words of your own; they stand in the alert's history.")
@shared
def feedback(alert_id: int, verdict: str, note: str | None, store: str | None, as_json: bool) -> None:
    """Say what an alert was worth; noise admits its batch to the baseline, acted keeps it out."""
    with writing(store) as session:
        admitted = alert_answers.give_feedback(
            session.db, alert_id, verdict, actor=session.actor, now=session.now, note=note
        )
        firing = alerts.get(session.db, alert_id).state_at(session.now) == "firing"
    told = {True: "; its batch joined the baseline", False: "; its batch stays out of the baseline", None: ""}
    still = f"; still firing: midwatch alerts ack {alert_id}" if firing else ""
    _answer(as_json, {"alert": alert_id, "verdict": verdict, "admitted": admitted}, f"{verdict}{told[admitted]}{still}")


@command.command("silence")
@click.option("--model", help="Only this model's; without it, every model's.")
@click.option("--check", help="Only alerts with a finding of this check.")
@click.option("--column", help="Only alerts that accuse this column.")
@click.option("--until", required=True, metavar="MOMENT", help=MOMENT)
@click.option("--reason", required=True, help="Why; goes into the record.")
@click.option("--preview", is_flag=True, help="Only show what it would have hidden in the last seven days.")
@shared
def silence(
    model: str | None,
    check: str | None,
    column: str | None,
    until: str,
    reason: str,
    preview: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Keep matching alerts quiet until a moment; what is louder, class hard or SLO burn breaks through."""
    with reading(store) if preview else writing(store) as session:
        model_id = models.get(session.db, model).id if model else None
        known_check(session.db, check)
        for warning in unknown_column(session.db, model_id, column):
            diagnostics.note(warning)
        would = alert_answers.preview_silence(
            session.db, model_id=model_id, check=check, column=column, now=session.now
        )
        silence_id = None
        if not preview:
            silence_id = alert_answers.silence(
                session.db,
                model_id=model_id,
                check=check,
                column=column,
                ends_at=ahead(until, session.now),
                reason=reason,
                actor=session.actor,
                now=session.now,
            )
    told = would.words if silence_id is None else f"silence {silence_id} is in force; it {would.words}"
    _answer(as_json, {"silence": silence_id, "preview": would.matched}, told)


command.add_command(alert_tune.command)


for _one in (*alert_storms.COMMANDS, *alert_quiet.COMMANDS, alert_escalated.command, alert_worth.command):
    command.add_command(_one)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"


def _answer(as_json: bool, document: object, told: str) -> None:
    if as_json:
        output.document(document)
    else:
        output.text(told)
