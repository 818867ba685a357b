"""``midwatch alerts storms`` and ``storm``: alerts of one cause, told and answered as one."""

from __future__ import annotations

from datetime import datetime

import click

from core.snoozing import UNTIL_RESOLVED
from core.storms import answers
from storage.errors import UsageError
from storage.records.alerts import Alert
from storage.records.storms import Storm, StormLine
from storage.tables import models, storms
from tui.cli import output
from tui.cli.options import ROW_ID, reading, shared, writing
from tui.cli.snooze_ends import UNTIL_WORDS, end_of
from tui.present import storms as present


def words(line: StormLine, head: Alert) -> str:
    """A storm in one sentence, its times in UTC."""
    return f"{present.words(line, head, _clock)} [storm {line.id}]"


@click.command("storms")
@shared
def list_storms(store: str | None, as_json: bool) -> None:
    """Storms that are open: alerts of one cause in several models, or many of one."""
    with reading(store) as session:
        found, now = storms.open_storms(session.db), session.now
    if as_json:
        output.document([_document(storm, now) for storm in found])
        return
    output.table(
        ("STORM", "TIER", "STATE", "ALERTS", "FIRING", "SINCE", "MODELS", "WHAT"),
        [
            (
                storm.id,
                storm.head.tier,
                storm.state_at(now),
                len(storm.members),
                storm.firing(now),
                _clock(storm.began_at),
                ", ".join(storm.models),
                present.about(storm.head),
            )
            for storm in found
        ],
        empty="no storm is open",
    )


@click.command("storm")
@click.argument("storm_id", type=ROW_ID)
@click.option("--ack", is_flag=True, help="Acknowledge every alert of it.")
@click.option("--snooze", metavar="MOMENT", help=f"Keep every alert of it quiet until then: {UNTIL_WORDS}")
@click.option("--undo", is_flag=True, help="Take the last answer to it back.")
@click.option("--note", help="Words of your own; they stand in the history of each alert.")
@shared
def storm(
    storm_id: int, ack: bool, snooze: str | None, undo: bool, note: str | None, store: str | None, as_json: bool
) -> None:
    """One storm: its alerts, each with why it belongs to it; or one answer to all of them."""
    if sum((ack, undo, snooze is not None)) > 1:
        raise UsageError("one answer at a time", "--ack, --snooze or --undo")
    if not (ack or undo or snooze is not None):
        with reading(store) as session:
            found, now = storms.get(session.db, storm_id), session.now
            said = storms.answer_in_force(session.db, storm_id)
        if as_json:
            output.document({**_document(found, now), "answer": said})
        else:
            output.text(present.detail(found, said, now, _stamp, with_keys=False).plain)
        return
    with writing(store) as session:
        actor, now = session.actor, session.now
        if snooze is not None:
            heads = [member.head for member in storms.get(session.db, storm_id).members]
            rules = [models.get_by_id(session.db, i).file.alerts for i in {head.model_id for head in heads}]
            end = end_of(snooze, rules, now)
            told = note if snooze != "resolved" else "; ".join(filter(None, (UNTIL_RESOLVED, note)))
            changed = answers.snooze(session.db, storm_id, end, actor=actor, now=now, note=told)
            said_so = f"snoozed {len(changed)} until {end:%Y-%m-%d %H:%M}Z"
        elif ack:
            changed = answers.acknowledge(session.db, storm_id, actor=actor, now=now, note=note)
            said_so = f"acknowledged {len(changed)}" if changed else "nothing to acknowledge: none of it fires"
        else:
            changed = answers.undo(session.db, storm_id, actor=actor, now=now, note=note)
            said_so = f"taken back: {len(changed)} are as they were"
    if as_json:
        output.document({"storm": storm_id, "changed": changed})
    else:
        output.text(said_so)


COMMANDS = (list_storms, storm)


def _document(found: Storm, now: datetime) -> dict[str, object]:
    return {
        "storm": found.id,
        "began_at": found.began_at,
        "models": found.models,
        "state": found.state_at(now),
        "alerts": [
            {
                "id": member.head.id,
                "model": member.head.model,
                "tier": member.head.tier,
                "title": member.head.title,
                "state": member.head.state_at(now),
                "seen": member.alerts,
                "why": member.why,
            }
            for member in found.members
        ],
    }


def _clock(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%MZ}"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%MZ}"
