"""``midwatch why MODEL|ALERT``: symptoms, suspects with evidence for and against, and what to do or not to do."""

from __future__ import annotations

from typing import Any

import click

from core.why.answer import directories, explain, explain_alert
from core.why.entries import library
from core.why.explanation import Explanation, Why
from core.why.signals import Signal
from core.why.suspects import POWERS, Suspect
from storage.errors import UsageError
from storage.tables import alerts, models
from tui.cli import output
from tui.cli.options import ROW_ID, reading, shared
from tui.present import moments
from tui.present import why as present
from tui.typed_moments import ago

WIDTH = 100


@click.command("why")
@click.argument("what", metavar="MODEL|ALERT")
@click.option("--batch", type=ROW_ID, help="The batch to explain; the newest by default.")
@click.option("--at", help="Explain the batch of then: a moment, or how long ago, as in 2h.")
@shared
def command(
    what: str, batch: int | None = None, at: str | None = None, store: str | None = None, as_json: bool = False
) -> None:
    """Say why a model, or the batch of an alert, is as it is.

    Names symptoms, the changes suspected of each with evidence for and against, the cheapest next test, what to do and
    what not to do. Where nothing is wrong it says so and names nobody.
    """
    if batch is not None and at is not None:
        raise UsageError("--batch and --at name two batches", "give one of them")
    with reading(store) as session:
        known = models.names(session.db).values()
        number = int(what) if what.isdigit() and what not in known else None
        if number is not None and (batch is not None or at is not None):
            raise UsageError("an alert has a batch of its own", "give the model's name with --batch or --at")
        alert = alerts.get(session.db, number) if number is not None else None
        model = models.get_by_id(session.db, alert.model_id) if alert is not None else models.get(session.db, what)
        symptoms = library(directories(model, session.path))
        if alert is not None:
            found = explain_alert(session.db, alert.id, now=session.now, symptoms=symptoms)
        else:
            moment = ago(at, session.now) if at is not None else None
            found = explain(session.db, model, now=session.now, batch=batch, at=moment, symptoms=symptoms)
    if as_json:
        output.document(document(found))
        return
    output.text(present.plain(found, lambda moment: moments.stamp(moment, utc=True), WIDTH))


def document(why: Why) -> dict[str, Any]:
    """The JSON of an answer: ``symptoms``, and over all of them ``suspects`` and ``causes``, best first."""
    causes: dict[str, float] = {}
    for one in why.explanations:
        for cause, score in one.causes:
            causes[cause] = max(causes.get(cause, 0.0), round(score * one.match.fit, 3))
    return {
        "model": why.model.name,
        "batch": why.batch.id if why.batch else None,
        "window_start": why.batch.window_start if why.batch else None,
        "words": why.words,
        "symptoms": [_symptom(one) for one in why.explanations],
        "suspects": [{**_suspect(s), "symptom": e.symptom.id} for e, s in why.suspects],
        "causes": [{"cause": c, "score": s} for c, s in sorted(causes.items(), key=lambda pair: -pair[1])],
        "signals": [_signal(s) for s in why.signals],
        "not_known": [{"signal": s.name, "reason": s.unknown} for s in why.not_known],
        "compared_with": why.compared_with,
    }


def _symptom(one: Explanation) -> dict[str, Any]:
    symptom, since = one.symptom, one.onset
    return {
        "id": symptom.id,
        "title": symptom.title,
        "fit": one.match.fit,
        "batch": one.batch.id,
        "columns": one.match.columns,
        "slices": one.match.slices,
        "answer": one.verdict,
        "action": one.answer,
        "means": symptom.means,
        "onset": {"after": since.after, "first": since.first, "batches": since.batches, "sharp": since.sharp},
        "holds": [_signal(s) for s in one.match.holds],
        "against": [_signal(s) for s in one.match.against],
        "not_known": [s.name for s in one.match.unknown],
        "suspects": [_suspect(s) for s in one.lineup.suspects],
        "cleared": [_suspect(s) for s in one.lineup.cleared],
        "after_the_onset": [c.reference for c in one.lineup.after],
        "unrecorded": one.unrecorded,
        "causes": [{"cause": cause, "score": score} for cause, score in one.causes],
        "next_test": {"what": one.next_test, "command": one.next_command},
        "first_moves": symptom.first_moves,
        "do_not": symptom.do_not,
        "effects": [{**output.plain(e), "words": e.words} for e in one.effects],
        "recurrence": one.recurrence,
        "past": one.past,
    }


def _suspect(found: Suspect) -> dict[str, Any]:
    change = found.change
    plain: dict[str, Any] = output.plain(change)
    return {
        "change": {**plain, "reference": change.reference, "unreviewed": change.unreviewed},
        "cause": found.cause,
        "score": found.score,
        "gap_seconds": found.gap,
        "weights": [{"name": w.name, "value": w.value, "power": POWERS[w.name], "why": w.why} for w in found.weights],
        "for": [{"text": e.text, "reference": e.reference} for e in found.for_it],
        "against": [{"text": e.text, "reference": e.reference} for e in found.against],
    }


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "signal": signal.name,
        "known": signal.known,
        "present": signal.present,
        "value": signal.value,
        "reference": signal.reference,
        "strength": signal.strength,
        "columns": signal.columns,
        "slice": signal.slice,
        "share": signal.share,
        "words": signal.words,
        "rows": signal.rows,
    }
