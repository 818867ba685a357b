"""``midwatch experiments``: what was expected, what came of it, and what a team's history says of the next one."""

from __future__ import annotations

from typing import Any

import click

from core.experiments import registering
from core.experiments.lives import Life, life_of, lives
from storage.records.experiments import EXPERIMENT_STATES
from storage.tables import models
from tui.cli import output
from tui.cli.commands.experiment_writes import (
    add,
    drop,
    explain,
    hold,
    hours,
    kill,
    launch,
    limit,
    result,
    start,
)
from tui.cli.options import ROW_ID, DefaultGroup, reading, shared
from tui.present.page import span


@click.group("experiments", cls=DefaultGroup)
def command() -> None:
    """Experiments (also without list): registered and hashed before any result."""


for written in (add, start, result, kill, hold, launch, drop, explain, hours, limit):
    command.add_command(written)


@command.command("list")
@click.option("--model", help="Only those of a model.")
@click.option("--state", type=click.Choice(EXPERIMENT_STATES), multiple=True, help="Only in this state.")
@shared
def list_experiments(model: str | None, state: tuple[str, ...], store: str | None, as_json: bool) -> None:
    """List experiments: state, stage, age, what was predicted, what came."""
    with reading(store) as session:
        model_id = models.get(session.db, model).id if model else None
        found = [
            one for one in lives(session.db, model_id, now=session.now) if not state or one.experiment.state in state
        ]
    if as_json:
        output.document({"experiments": [document(one) for one in found]})
        return
    output.table(
        ("ID", "MODEL", "TITLE", "KIND", "STATE", "STAGE", "METRIC", "PREDICTED", "GOT", "WORTH", "AGE"),
        [
            (
                one.experiment.id,
                one.experiment.model,
                one.experiment.registration.title,
                one.experiment.registration.kind,
                one.experiment.state,
                one.place,
                one.experiment.registration.metric,
                f"{one.experiment.registration.predicted_low:g} to {one.experiment.registration.predicted_high:g}",
                f"{one.latest.gain:+.4g} [{one.latest.low:.4g} {one.latest.high:.4g}]" if one.latest else None,
                f"{one.experiment.registration.minimum_gain:g}",
                span(session.now - one.experiment.at),
            )
            for one in found
        ],
        empty="no experiments: midwatch experiments add MODEL TITLE --hypothesis TEXT --predict LOW..HIGH",
    )


@command.command("show")
@click.argument("experiment", type=ROW_ID)
@shared
def show(experiment: int, store: str | None, as_json: bool) -> None:
    """Show one experiment: the registered record with its hash, results, and what was said later."""
    with reading(store) as session:
        found = life_of(session.db, experiment, now=session.now)
    wrong = registering.wrong(found.experiment)
    if as_json:
        output.document({**document(found), "wrong": wrong, "document": found.experiment.document})
        return
    one, given = found.experiment, found.experiment.registration
    output.text(f"experiment {one.id} of {one.model}: {given.title} ({given.kind}, {one.state})")
    output.text(
        f"registered {one.at:%Y-%m-%d %H:%MZ} by {one.by}, sha256 {one.sha256}: {'; '.join(wrong) or 'as registered'}"
    )
    output.text(f"hypothesis: {given.hypothesis}")
    output.table(
        ("STAGE", "METRIC", "GAIN", "LOW", "HIGH", "N", "VERSION", "SOURCE", "AT"),
        [
            (r.stage, r.metric, f"{r.gain:+.4g}", f"{r.low:.4g}", f"{r.high:.4g}", r.n, r.version,
             r.source_ref or r.source, f"{r.at:%Y-%m-%d %H:%MZ}")
            for r in found.results
        ],
        empty="no result yet",
    )  # fmt: skip
    for event in found.events:
        mark = " (retrofitted)" if event.retrofitted else ""
        body = event.body or (f"{event.hours:g} hours" if event.hours else event.version or "")
        output.text(f"{event.at:%Y-%m-%d %H:%MZ} {event.by}: {event.kind}{mark} {body}".rstrip())


def document(one: Life) -> dict[str, Any]:
    """An experiment as scripts read it."""
    found, given = one.experiment, one.experiment.registration
    return {
        "id": found.id, "model": found.model, "title": given.title, "kind": given.kind, "state": found.state,
        "stage": one.place, "version": found.version, "hypothesis": given.hypothesis, "metric": given.metric,
        "predicted": [given.predicted_low, given.predicted_high], "minimum_gain": given.minimum_gain,
        "idea_from": given.idea_from, "link": given.link, "parent": given.parent_id, "by": found.by,
        "registered_at": found.at, "sha256": found.sha256, "hours": one.hours, "worked": one.worked,
        "spent": one.spent, "results": one.results, "events": one.events,
    }  # fmt: skip
