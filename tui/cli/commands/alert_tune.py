"""``midwatch alerts tune``: proposals for a check with their back-tests; accept, reject and revert them."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import click

from core.tuner import answers
from core.tuner.history import read
from core.tuner.nearer import nearer
from core.tuner.proposals import Proposals, propose
from core.tuner.standing import standing
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.records.tunings import Tuning
from storage.tables import models, tunings
from tui.cli import diagnostics, output
from tui.cli.options import ROW_ID, reading, shared, writing
from tui.present import tuning as present


@click.command("tune")
@click.argument("check", required=False)
@click.option("--model", help="The model whose history counts; with --list, only its tunings.")
@click.option("--column", help="Only this column's findings.")
@click.option("--tighter", is_flag=True, help="A nearer limit too; batches are judged anew, which takes a while.")
@click.option("--accept", "accepted", type=ROW_ID, metavar="ID", help="Let a proposal decide from the next batch on.")
@click.option("--reject", "rejected", type=ROW_ID, metavar="ID", help="Say that a proposal is not wanted.")
@click.option("--revert", "reverted", type=ROW_ID, metavar="ID", help="Take an accepted tuning back.")
@click.option("--list", "listed", is_flag=True, help="Every tuning with its state.")
@click.option("--reason", help="Why; goes into the record.")
@shared
def command(
    check: str | None,
    model: str | None,
    column: str | None,
    tighter: bool,
    accepted: int | None,
    rejected: int | None,
    reverted: int | None,
    listed: bool,
    reason: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Propose changes of CHECK that remove noise and keep every known fault; answer a proposal; list what stands."""
    asked = [(answers.accept, accepted), (answers.reject, rejected), (answers.revert, reverted)]
    named = [(act, number) for act, number in asked if number is not None]
    if len(named) + listed + (check is not None) != 1:
        raise UsageError("name one thing to do", "a CHECK, or one of --accept ID, --reject ID, --revert ID, --list")
    if listed:
        _list(store, model, as_json)
    elif check is not None:
        if model is None:
            raise UsageError("--model is missing", "name the model whose history counts: --model NAME")
        _propose(store, model, check, column, tighter, as_json)
    else:
        act, number = named[0]
        with writing(store) as session:
            done = act(session.db, number, reason=reason or "", actor=session.actor, now=session.now)
            document = _tuning(session.db, done)
        if as_json:
            output.document(document)
        else:
            output.text(f"tuning {done.id} is {done.state}: {present.what(done)}")


def _propose(store: str | None, name: str, check: str, column: str | None, tighter: bool, as_json: bool) -> None:
    """Proposals are kept, so that they can be answered by number; where nothing may be written they are shown."""
    ids: list[int | None] = []
    try:
        with writing(store) as session:
            model = models.get(session.db, name)
            found = _found(session.db, model, check, column, tighter)
            ids += [
                answers.record(session.db, model, c, actor=session.actor, now=session.now) for c in found.candidates
            ]
    except RefusedError as error:
        with reading(store) as session:
            found = _found(session.db, models.get(session.db, name), check, column, tighter)
        ids += [None] * len(found.candidates)
        diagnostics.note(f"{error}; the proposals are shown and can't be accepted")
    if as_json:
        output.document(_document(found, ids))
        return
    output.text(present.heading(found))
    if not found.candidates:
        return
    output.text("")
    rows = [(number, *present.of_candidate(c)) for number, c in zip(ids, found.candidates, strict=True)]
    output.table(("ID", *present.HEADINGS), rows)
    output.text("")
    for number, candidate in zip(ids, found.candidates, strict=True):
        output.text(f"{number or '-'}  {candidate.words}: {present.sentence(candidate)}")
        if candidate.test.removed:
            output.text(f"   gone would be alert {', '.join(map(str, candidate.test.removed))}")
    noise = found.candidates[0].test.noise_before
    rest = f"{found.noise} noise rest on this check"
    output.text(f"\n{rest}; {noise} is the noise of all checks, as each change counts it")
    output.text("\nmidwatch alerts tune --accept ID --reason TEXT lets one decide from the next batch on")


def _found(db: sqlite3.Connection, model: Model, check: str, column: str | None, tighter: bool) -> Proposals:
    history = read(db, model)
    found = propose(db, model, check, column, history)
    if not tighter:
        if found.late:
            diagnostics.note(f"{found.late} of its alerts came late, as people said: --tighter proposes a nearer limit")
        return found
    sooner = nearer(db, model, check, column, history)
    if sooner is None:
        diagnostics.note("a nearer limit would tell nothing new, or lose a known fault")
        return found
    return replace(found, candidates=(*found.candidates, sooner))


def _document(found: Proposals, ids: list[int | None]) -> dict[str, Any]:
    return {
        "model": found.model,
        "check": found.check,
        "column": found.column,
        "reason": found.reason,
        "fired": found.fired,
        "noise": found.noise,
        "known": found.known,
        "late": found.late,
        "proposals": [
            {
                "id": number,
                "check": c.check,
                "column": c.column,
                "change": c.change,
                "words": c.words,
                "backtest": c.test.document(),
            }
            for number, c in zip(ids, found.candidates, strict=True)
        ],
    }


def _list(store: str | None, name: str | None, as_json: bool) -> None:
    with reading(store) as session:
        model_id = models.get(session.db, name).id if name else None
        found = tunings.listing(session.db, model_id)
        documents = [_tuning(session.db, tuning) for tuning in found]
    if as_json:
        output.document(documents)
        return
    output.table(
        ("ID", "MODEL", "STATE", "CHANGE", "NOISE", "FAULTS KEPT", "WHO", "WHY"),
        [
            (
                t.id,
                d["model"],
                d["state"],
                present.what(t),
                f"-{t.backtest['noise_removed']}",
                f"{t.backtest['kept']}/{t.backtest['known']}",
                t.answered_by or t.by,
                t.reason,
            )
            for t, d in zip(found, documents, strict=True)
        ],
        empty="nothing was ever proposed: midwatch alerts tune CHECK --model MODEL",
    )


def _tuning(db: sqlite3.Connection, tuning: Tuning) -> dict[str, Any]:
    model = models.get_by_id(db, tuning.model_id)
    stand = {s.tuning.id: s for s in standing(db, model)}
    return {
        "id": tuning.id,
        "model": model.name,
        "check": tuning.check,
        "column": tuning.column,
        "change": tuning.change,
        "state": present.state(tuning, stand),
        "by": tuning.by,
        "at": tuning.at,
        "reason": tuning.reason,
        "answered_by": tuning.answered_by,
        "answered_at": tuning.answered_at,
        "backtest": tuning.backtest,
    }
