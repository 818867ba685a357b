"""``midwatch alerts snooze``, ``wake``, ``silences`` and ``unsilence``: what is kept quiet, and how it ends."""

from __future__ import annotations

import click

from core import alert_answers
from core.snoozing import UNTIL, UNTIL_RESOLVED
from storage.tables import alerts, models, silences
from tui.cli import output
from tui.cli.options import ROW_ID, reading, shared, writing
from tui.cli.snooze_ends import UNTIL_WORDS, end_of
from tui.typed_moments import ahead


@click.command("snooze")
@click.argument("alert_id", type=ROW_ID)
@click.option("--until", required=True, metavar="MOMENT", help=UNTIL_WORDS)
@click.option("--note", help="Words of your own; they stand in the alert's history.")
@shared
def snooze(alert_id: int, until: str, note: str | None, store: str | None, as_json: bool) -> None:
    """Keep an alert's group quiet until a moment, the morning, the end of the shift, or until it is resolved."""
    with writing(store) as session:
        if until not in UNTIL:
            ahead(until, session.now)  # a slip of the pen is told before anything else
        alert = alerts.get(session.db, alert_id)
        end = end_of(until, [models.get_by_id(session.db, alert.model_id).file.alerts], session.now)
        told = note if until != "resolved" else "; ".join(filter(None, (UNTIL_RESOLVED, note)))
        changed = alert_answers.snooze(session.db, alert_id, end, actor=session.actor, now=session.now, note=told)
    latest = " at the latest" if until == "resolved" else ""
    _answer(
        as_json,
        {"snoozed": changed, "until": end},
        f"snoozed {len(changed)} until {end:%Y-%m-%d %H:%M}Z{latest}; what is louder fires all the same",
    )


@click.command("wake")
@click.argument("alert_id", type=ROW_ID)
@shared
def wake(alert_id: int, store: str | None, as_json: bool) -> None:
    """Take a snooze or an acknowledgement back: the alert fires again."""
    with writing(store) as session:
        changed = alert_answers.wake(session.db, alert_id, actor=session.actor, now=session.now)
    told = "fires again" if changed else "fires already: nothing was changed"
    _answer(as_json, {"alert": alert_id, "state": "firing", "changed": changed}, f"alert {alert_id} {told}")


@click.command("silences")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@shared
def list_silences(everything: bool, store: str | None, as_json: bool) -> None:
    """Silences in force, with what each of them hides at this moment."""
    with reading(store) as session:
        found = silences.page(session.db, session.now, ended=everything)
        hidden = {s.id: silences.hushed(session.db, silence_id=s.id) for s in found if s.active(session.now)}
        names, now = models.names(session.db), session.now
    if as_json:
        output.document([{"silence": s, "hides": hidden.get(s.id, [])} for s in found])
        return
    output.table(
        ("ID", "MODEL", "CHECK", "COLUMN", "UNTIL", "BY", "HIDES", "WHY"),
        [
            (
                s.id,
                "every model" if s.model_id is None else names.get(s.model_id, "?"),
                s.check or "any",
                s.column or "any",
                f"{s.ends_at:%Y-%m-%d %H:%MZ}" if s.active(now) else "over",
                s.by,
                len(hidden.get(s.id, [])),
                s.reason,
            )
            for s in found
        ],
        empty="nothing is silenced",
    )


@click.command("unsilence")
@click.argument("silence_id", type=ROW_ID)
@shared
def unsilence(silence_id: int, store: str | None, as_json: bool) -> None:
    """End a silence before its time: what it kept quiet fires again."""
    with writing(store) as session:
        woken = alert_answers.end_silence(session.db, silence_id, actor=session.actor, now=session.now)
    _answer(
        as_json,
        {"silence": silence_id, "woken": woken},
        f"silence {silence_id} is over; {len(woken)} alerts fire again",
    )


COMMANDS = (snooze, wake, list_silences, unsilence)


def _answer(as_json: bool, document: object, told: str) -> None:
    if as_json:
        output.document(document)
    else:
        output.text(told)
