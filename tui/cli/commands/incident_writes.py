"""The subcommands of ``midwatch incidents`` that write: each one event, appended and audited."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import click

from core.incidents import ledger, lifecycle, writing
from core.incidents.states import parse_severity, parse_state
from storage.tables import incidents, models
from tui.cli import output
from tui.cli.options import ROW_ID, Session, shared
from tui.cli.options import writing as write_session
from tui.typed_moments import ago


@click.command("open")
@click.argument("title")
@click.option("--model", help="The model it concerns; the first alert's by default.")
@click.option("--alert", "alerts", multiple=True, type=ROW_ID, help="An alert to link; may be given more than once.")
@click.option("--severity", help="SEV1 (worst) to SEV4.")
@click.option("--owner", help="You by default.")
@click.option("--triage", is_flag=True, help="Nobody has taken it up yet.")
@shared
def open_(
    title: str,
    model: str | None,
    alerts: tuple[int, ...],
    severity: str | None,
    owner: str | None,
    triage: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Open an incident, with its alerts linked."""
    with write_session(store) as session:
        opened = lifecycle.open_incident(
            session.db,
            model=models.get(session.db, model) if model else lifecycle.model_of(session.db, alerts),
            title=title,
            alerts=alerts,
            severity=parse_severity(severity) if severity else None,
            owner=owner or (None if triage else session.actor.name),
            state="triage" if triage else "open",
            actor=session.actor,
            now=session.now,
        )
    output.document(opened) if as_json else output.text(f"{opened.key} {opened.state}: {opened.title}")


@click.command("state")
@click.argument("key")
@click.argument("state")
@click.option("--reason", help="Required for a false alarm.")
@click.option("--of", "original", metavar="KEY", help="With duplicate: the incident that goes on.")
@shared
def state(key: str, state: str, reason: str | None, original: str | None, store: str | None, as_json: bool) -> None:
    """Take one step: open, mitigated, resolved, reviewed, duplicate (--of KEY), false-alarm."""
    wanted = parse_state(state)

    def step(s: Session) -> object:
        if wanted == "duplicate" and original:
            return lifecycle.mark_duplicate(s.db, key, original, actor=s.actor, now=s.now)
        return lifecycle.set_state(s.db, key, wanted, reason=reason, actor=s.actor, now=s.now)

    _write(store, as_json, key, step)


@click.command("close")
@click.argument("key")
@click.option("--cause", help="layer/category, as in component/unit.")
@click.option("--text", help="The cause in words.")
@shared
def close(key: str, cause: str | None, text: str | None, store: str | None, as_json: bool) -> None:
    """Resolve; refused without a cause."""
    _write(store, as_json, key, lambda s: lifecycle.close(s.db, key, cause=cause, text=text, actor=s.actor, now=s.now))


@click.command("note")
@click.argument("key")
@click.argument("text")
@click.option("--about", metavar="REF", help="A row, as alert:7: the note shows there too.")
@click.option("--action", is_flag=True, help="It tells what was done.")
@shared
def note(key: str, text: str, about: str | None, action: bool, store: str | None, as_json: bool) -> None:
    """Write a note into the timeline."""
    use = writing.action if action else writing.note
    _write(store, as_json, key, lambda s: use(s.db, key, text, about=about, actor=s.actor, now=s.now))


@click.command("cause")
@click.argument("key")
@click.argument("cause")
@click.option("--text", help="The cause in words.")
@shared
def cause(key: str, cause: str, text: str | None, store: str | None, as_json: bool) -> None:
    """Name the cause, as layer/category."""
    _write(store, as_json, key, lambda s: writing.set_cause(s.db, key, cause, text, actor=s.actor, now=s.now))


@click.command("severity")
@click.argument("key")
@click.argument("severity")
@shared
def severity(key: str, severity: str, store: str | None, as_json: bool) -> None:
    """Set the severity, SEV1 (worst) to SEV4."""
    level = parse_severity(severity)
    _write(store, as_json, key, lambda s: writing.assign(s.db, key, severity=level, actor=s.actor, now=s.now))


@click.command("owner")
@click.argument("key")
@click.argument("owner")
@shared
def owner(key: str, owner: str, store: str | None, as_json: bool) -> None:
    """Name the owner."""
    _write(store, as_json, key, lambda s: writing.assign(s.db, key, owner=owner, actor=s.actor, now=s.now))


@click.command("hypothesis")
@click.argument("key")
@click.argument("text")
@click.option("--cause", help="The cause it stands for, as layer/category: the next cheapest test is told from it.")
@shared
def hypothesis(key: str, text: str, cause: str | None, store: str | None, as_json: bool) -> None:
    """Write down a guess."""
    _write(store, as_json, key, lambda s: writing.hypothesis(s.db, key, text, cause=cause, actor=s.actor, now=s.now))


@click.command("evidence")
@click.argument("key")
@click.argument("hypothesis_id", required=False, type=ROW_ID)
@click.option("--ref", "reference", help="The fact: alert:7, finding:3, metric:812, change:2, rollback:1, note:5, ...")
@click.option("--against", is_flag=True, help="It speaks against the hypothesis.")
@click.option("--text", help="What it shows.")
@shared
def evidence(
    key: str,
    hypothesis_id: int | None,
    reference: str | None,
    against: bool,
    text: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Link a fact to a hypothesis."""

    def link_fact(s: Session) -> object:
        return writing.evidence(
            s.db, key, hypothesis_id, supports=not against, reference=reference, text=text, actor=s.actor, now=s.now
        )

    _write(store, as_json, key, link_fact)


@click.command("followup")
@click.argument("key")
@click.argument("text", required=False)
@click.option("--owner", help="Who will do it.")
@click.option("--done", type=ROW_ID, metavar="ID", help="Mark follow-up ID as done; TEXT may say how.")
@shared
def followup(key: str, text: str | None, owner: str | None, done: int | None, store: str | None, as_json: bool) -> None:
    """Leave something to do, or mark it as done."""

    def leave(s: Session) -> object:
        if done is not None:
            return writing.follow_up_done(s.db, key, done, text=text, actor=s.actor, now=s.now)
        return writing.follow_up(s.db, key, text or "", owner=owner, actor=s.actor, now=s.now)

    _write(store, as_json, key, leave)


@click.command("prevent")
@click.argument("key")
@click.option("--check", help="The check that will catch it.")
@click.option("--set", "set_name", help="The evaluation set that has an entry for it.")
@click.option("--reason", help="Why neither.")
@shared
def prevent(
    key: str, check: str | None, set_name: str | None, reason: str | None, store: str | None, as_json: bool
) -> None:
    """Say what will catch it next time; a review asks for it."""
    _write(
        store,
        as_json,
        key,
        lambda s: writing.prevent(s.db, key, check=check, set_name=set_name, reason=reason, actor=s.actor, now=s.now),
    )


@click.command("link")
@click.argument("key")
@click.option("--alert", "alerts", multiple=True, required=True, type=ROW_ID, help="May be given more than once.")
@shared
def link(key: str, alerts: tuple[int, ...], store: str | None, as_json: bool) -> None:
    """Link alerts; one that was part of another incident is moved."""
    _write(store, as_json, key, lambda s: lifecycle.link_alerts(s.db, key, alerts, actor=s.actor, now=s.now))


@click.command("correct")
@click.argument("key")
@click.argument("event_id", type=ROW_ID)
@click.option("--text", help="The right words.")
@click.option("--at", help="The right moment.")
@click.option("--retract", is_flag=True, help="Take it back.")
@click.option("--reason", help="Why.")
@shared
def correct(
    key: str,
    event_id: int,
    text: str | None,
    at: str | None,
    retract: bool,
    reason: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Correct one event; the original is kept."""

    def mend(s: Session) -> object:
        right = ago(at, s.now) if at else None
        return writing.correct(
            s.db, key, event_id, text=text, at=right, retract=retract, reason=reason, actor=s.actor, now=s.now
        )

    _write(store, as_json, key, mend)


@click.command("time")
@click.argument("key")
@click.argument("name", type=click.Choice(ledger.MOMENTS))
@click.argument("at")
@click.option("--reason", required=True, help="Why; goes into the record.")
@shared
def time(key: str, name: str, at: str, reason: str, store: str | None, as_json: bool) -> None:
    """Set a moment by hand; the one found by the program is kept, and audited."""

    def set_moment(s: Session) -> object:
        which = cast("ledger.Moment", name)
        return writing.set_time(s.db, key, which, ago(at, s.now), reason=reason, actor=s.actor, now=s.now)

    _write(store, as_json, key, set_moment)


@click.command("priority")
@click.argument("key")
@click.argument("value", type=float)
@click.option("--reason", required=True, help="Why; goes into the record.")
@shared
def set_priority(key: str, value: float, reason: str, store: str | None, as_json: bool) -> None:
    """Set a priority in place of the formula."""
    _write(
        store, as_json, key, lambda s: writing.set_priority(s.db, key, value, reason=reason, actor=s.actor, now=s.now)
    )


COMMANDS: tuple[click.Command, ...] = (
    open_,
    state,
    close,
    note,
    cause,
    severity,
    owner,
    hypothesis,
    evidence,
    followup,
    prevent,
    link,
    correct,
    time,
    set_priority,
)
"""Every subcommand of this file."""


def _write(store: str | None, as_json: bool, key: str, step: Callable[[Session], object]) -> None:
    """Do one step and say what the incident is now; ``event`` in the JSON is the new event's id, if there is one."""
    with write_session(store) as session:
        answer = step(session)
        now_is = incidents.get(session.db, key)
    event = answer if isinstance(answer, int) else None
    if as_json:
        output.document({"key": now_is.key, "state": now_is.state, "event": event})
    else:
        output.text(f"{now_is.key} {now_is.state}" + (f" (event {event})" if event is not None else ""))
