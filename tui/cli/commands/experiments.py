"""``midwatch experiments``: what was expected, what came of it, and what a team's history says of the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.experiments import registering
from core.experiments.gains import tree
from core.experiments.lives import Life, life_of, lives
from core.experiments.readings import Reread, reread
from storage.records.experiments import EXPERIMENT_STATES, ExperimentResult
from storage.tables import models
from tui.cli import output
from tui.cli.commands import experiment_reads, experiment_writes
from tui.cli.options import ROW_ID, DefaultGroup, reading, shared
from tui.present.experiments import lead
from tui.present.page import span

if TYPE_CHECKING:
    from core.experiments.predicting import Outlook


@click.group("experiments", cls=DefaultGroup)
def command() -> None:
    """Experiments (also without list): registered and hashed before any result."""


for other in (*experiment_writes.COMMANDS, *experiment_reads.COMMANDS):
    command.add_command(other)


@command.command("list")
@click.option("--model", help="Only those of a model.")
@click.option("--state", type=click.Choice(EXPERIMENT_STATES), multiple=True, help="Only in this state.")
@click.option("--tree", "as_tree", is_flag=True, help="Each behind the one that it builds on.")
@shared
def list_experiments(
    model: str | None, state: tuple[str, ...], as_tree: bool, store: str | None, as_json: bool
) -> None:
    """List experiments: state, stage, age, what was predicted, what came, what history expects."""
    from core.experiments.predicting import outlooks

    with reading(store) as session:
        model_id = models.get(session.db, model).id if model else None
        every = lives(session.db, model_id, now=session.now)
        depth = {node.life.experiment.id: node.depth for node in tree(every)}
        ordered = [node.life for node in tree(every)] if as_tree else every
        found = [one for one in ordered if not state or one.experiment.state in state]
        told = outlooks(session.db, None if model_id is None else [model_id], now=session.now)
    if as_json:
        output.document(
            {
                "experiments": [
                    {**document(one, told.get(one.experiment.id)), "depth": depth[one.experiment.id]} for one in found
                ]
            }
        )
        return
    output.table(
        ("ID", "MODEL", "TITLE", "KIND", "STATE", "STAGE", "METRIC", "PREDICTED", "GOT", "WORTH", "AT THE END", "AGE"),
        [
            (
                one.experiment.id,
                one.experiment.model,
                ("  " * depth[one.experiment.id] if as_tree else "") + one.experiment.registration.title,
                one.experiment.registration.kind,
                one.experiment.state,
                one.place,
                one.experiment.registration.metric,
                f"{one.experiment.registration.predicted_low:g} to {one.experiment.registration.predicted_high:g}",
                _gain(one.latest) if one.latest else None,
                f"{one.experiment.registration.minimum_gain:g}",
                _at_the_end(told.get(one.experiment.id)),
                span(session.now - one.experiment.at),
            )
            for one in found
        ],
        empty="no experiments: midwatch experiments add MODEL TITLE --hypothesis TEXT --predict LOW..HIGH",
    )


@command.command("show")
@click.argument("experiment", type=ROW_ID)
@click.option("--report", is_flag=True, help="As Markdown: what is known, what is conjecture, what is not known.")
@shared
def show(experiment: int, report: bool, store: str | None, as_json: bool) -> None:
    """Show one experiment: the registered record with its hash, results, and what was said later."""
    from core.experiments.predicting import OPEN, history_of, outlook
    from core.experiments.report import experiment_report

    with reading(store) as session:
        found = life_of(session.db, experiment, now=session.now)
        told = None
        if found.experiment.state in OPEN:
            model = models.get_by_id(session.db, found.experiment.model_id)
            told = outlook(found, history_of(session.db, model, now=session.now))
        again = reread(session.db, found, now=session.now)
    wrong = registering.wrong(found.experiment)
    if as_json:
        whole = {**document(found, told), "wrong": wrong, "document": found.experiment.document, "reread": again}
        output.document({**whole, "report": experiment_report(found, told, again)} if report else whole)
        return
    if report:
        output.text(experiment_report(found, told, again).rstrip("\n"))
        return
    one, given = found.experiment, found.experiment.registration
    output.text(f"experiment {one.id} of {one.model}: {given.title} ({given.kind}, {one.state})")
    output.text(f"registered {one.at:%Y-%m-%d %H:%MZ} by {one.by}: {'; '.join(wrong) or 'unchanged since'}")
    output.text(f"sha256 {one.sha256}\nhypothesis: {given.hypothesis}")
    predicted = f"{given.predicted_low:g} to {given.predicted_high:g} of {given.metric}"
    output.text(f"predicted: {predicted}; worthwhile from {given.minimum_gain:g} on")
    output.table(
        ("STAGE", "METRIC", "GAIN", "LOW", "HIGH", "N", "VERSION", "SOURCE", "AT"),
        [
            (r.stage, r.metric, f"{r.gain:+.4g}", f"{r.low:.4g}", f"{r.high:.4g}", r.n, r.version,
             r.source_ref or r.source, f"{r.at:%Y-%m-%d %H:%MZ}")
            for r in found.results
        ],
        empty="no result yet",
    )  # fmt: skip
    output.text(lead(found))
    if told is not None:
        output.text(f"expected at the end: {_at_the_end(told)}")
    if again is not None:
        _tell_again(again)
    for event in found.events:
        mark = " (retrofitted)" if event.retrofitted else ""
        body = event.body or (f"{event.hours:g} hours" if event.hours else event.version or "")
        anew = f"; the hypothesis anew: {event.hypothesis}" if event.hypothesis else ""
        output.text(f"{event.at:%Y-%m-%d %H:%MZ} {event.by}: {event.kind}{mark} {body}{anew}".rstrip())


def document(one: Life, told: Outlook | None = None) -> dict[str, Any]:
    """An experiment as scripts read it."""
    found, given = one.experiment, one.experiment.registration
    return {
        "id": found.id, "model": found.model, "title": given.title, "kind": given.kind, "state": found.state,
        "stage": one.place, "version": found.version, "hypothesis": given.hypothesis, "metric": given.metric,
        "predicted": [given.predicted_low, given.predicted_high], "minimum_gain": given.minimum_gain,
        "idea_from": given.idea_from, "link": given.link, "parent": given.parent_id, "by": found.by,
        "registered_at": found.at, "sha256": found.sha256, "hours": one.hours, "worked": one.worked,
        "spent": one.spent, "first_result_at": one.first_result_at, "stage_at": one.stage_at,
        "launched_at": one.launched_at, "ended_at": one.ended_at, "results": one.results, "events": one.events,
        "outlook": told, "kill_suggested": told.kill if told is not None else False,
    }  # fmt: skip


def _gain(result: ExperimentResult) -> str:
    return f"{result.gain:+.4g} [{result.low:.4g} {result.high:.4g}]"


def _at_the_end(told: Outlook | None) -> str | None:
    if told is None:
        return None
    if told.end is None:
        return told.why_not
    end = told.end.expected
    return f"{end.value:+.4g} [{end.low:.4g} {end.high:.4g}]{' KILL?' if told.kill else ''}"


def _tell_again(again: Reread) -> None:
    for metric, result in ((again.registered, again.under_registered), (again.now, again.under_now)):
        said = (
            f"{result.gain:+.4g} [{result.low:.4g} {result.high:.4g}] in {result.stage}" if result else "not measured"
        )
        which = "as registered" if metric == again.registered else "the primary metric now"
        output.text(f"under {metric} ({which}): {said}")
