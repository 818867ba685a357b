"""The subcommands of ``midwatch experiments`` that write: each one row, appended and audited."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import click

from core.experiments import registering, results, running
from storage.errors import UsageError
from storage.records.experiments import EXPERIMENT_KINDS, Experiment, ExperimentKind, ExperimentResult, Registration
from storage.tables import experiments, models
from tui.cli import output
from tui.cli.options import ROW_ID, Session, reading, shared, writing
from tui.typed_moments import ago


@click.command("add")
@click.argument("model")
@click.argument("title")
@click.option("--hypothesis", required=True, help="What is changed, and what that will do.")
@click.option("--predict", required=True, metavar="LOW..HIGH", help="Where the gain is expected.")
@click.option("--worthwhile", type=float, required=True, help="The least gain that is worth a launch.")
@click.option("--metric", help="The primary one in force by default.")
@click.option("--kind", type=click.Choice(EXPERIMENT_KINDS), default="data", show_default=True, help="What it changes.")
@click.option("--idea-from", help="Who or what had the idea.")
@click.option("--link", help="Where the idea stands: a thread, a ticket, an incident.")
@click.option("--parent", type=ROW_ID, help="The experiment that it builds on.")
@shared
def add(
    model: str,
    title: str,
    hypothesis: str,
    predict: str,
    worthwhile: float,
    metric: str | None,
    kind: str,
    idea_from: str | None,
    link: str | None,
    parent: int | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Register what is expected, before there is any result; gains are positive where they are better."""
    with writing(store) as session:
        given = Registration(
            title,
            hypothesis,
            metric or "",
            *bounds(predict),
            worthwhile,
            cast("ExperimentKind", kind),
            idea_from,
            link,
            parent,
        )
        found = registering.register(
            session.db, models.get(session.db, model), given, actor=session.actor, now=session.now
        )
    _tell(found, as_json, f"is registered, sha256 {found.sha256[:12]}")


@click.command("start")
@click.argument("experiment", type=ROW_ID)
@click.option("--version", help="The candidate that carries it.")
@click.option("--stop", type=ROW_ID, metavar="ID", help="Hold this one, to make room.")
@shared
def start(experiment: int, version: str | None, stop: int | None, store: str | None, as_json: bool) -> None:
    """Start an experiment; refused when as many run as may, unless one is stopped."""
    _do(
        store, as_json, "runs",
        lambda s: running.start(s.db, experiment, version=version, stop=stop, actor=s.actor, now=s.now),
    )  # fmt: skip


@click.command("result")
@click.argument("experiment", type=ROW_ID)
@click.option("--gain", type=float, help="Positive is better, whatever the direction of the metric.")
@click.option("--interval", metavar="LOW..HIGH", help="Its 95 % interval.")
@click.option("-n", "n", type=ROW_ID, help="Rows or units that it rests on.")
@click.option("--stage", help="A stage of the model file; the test stage by default.")
@click.option("--metric", help="The registered one by default.")
@click.option("--version", help="The candidate that carries it.")
@click.option("--at", help="When it was measured, as 8h (ago) or a moment; now by default.")
@click.option("--note", help="How it was measured.")
@shared
def result(
    experiment: int,
    gain: float | None,
    interval: str | None,
    n: int | None,
    stage: str | None,
    metric: str | None,
    version: str | None,
    at: str | None,
    note: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Record what came out in a stage; without --gain all that evaluations and rollouts of the version have.

    A result that is older than the registration is refused.
    """
    if all(given is None for given in (gain, interval, n, stage, metric, at, note)):
        _read(experiment, version, store, as_json)
        return
    if gain is None or interval is None:
        raise UsageError("a gain needs its interval", "--gain G --interval LOW..HIGH")
    low, high = bounds(interval)
    with writing(store) as session:
        found = experiments.get(session.db, experiment)
        file = models.get_by_id(session.db, found.model_id).file
        told = results.record(
            session.db,
            experiment,
            results.Measured(
                stage=stage or results.offline_stage(file), gain=gain, low=low, high=high,
                metric=metric or found.registration.metric, at=ago(at, session.now) if at else session.now, n=n,
                version=version or found.version, note=note,
            ),
            actor=session.actor,
            now=session.now,
        )  # fmt: skip
    output.document(told) if as_json else output.text(_told(told))


@click.command("kill")
@click.argument("experiment", type=ROW_ID)
@click.option("--reason", help="Why it is not worth going on: required.")
@shared
def kill(experiment: int, reason: str | None, store: str | None, as_json: bool) -> None:
    """End an experiment."""
    _do(store, as_json, "is killed", lambda s: running.kill(s.db, experiment, reason or "", actor=s.actor, now=s.now))


@click.command("hold")
@click.argument("experiment", type=ROW_ID)
@click.option("--reason", help="Why it waits.")
@shared
def hold(experiment: int, reason: str | None, store: str | None, as_json: bool) -> None:
    """Stop an experiment for now."""
    _do(store, as_json, "is held", lambda s: running.hold(s.db, experiment, reason, actor=s.actor, now=s.now))


@click.command("launch")
@click.argument("experiment", type=ROW_ID)
@click.option("--note", help="To whom.")
@shared
def launch(experiment: int, note: str | None, store: str | None, as_json: bool) -> None:
    """Record the first launch: users get it; a kill or a drop may still follow."""
    _do(store, as_json, "is launched", lambda s: running.launch(s.db, experiment, note, actor=s.actor, now=s.now))


@click.command("drop")
@click.argument("experiment", type=ROW_ID)
@click.option("--reason", help="Legal, privacy, priorities: required.")
@shared
def drop(experiment: int, reason: str | None, store: str | None, as_json: bool) -> None:
    """End an experiment for a reason that is no metric."""
    _do(store, as_json, "is dropped", lambda s: running.drop(s.db, experiment, reason or "", actor=s.actor, now=s.now))


@click.command("explain")
@click.argument("experiment", type=ROW_ID)
@click.argument("text")
@click.option("--hypothesis", help="The hypothesis as it is seen now.")
@shared
def explain(experiment: int, text: str, hypothesis: str | None, store: str | None, as_json: bool) -> None:
    """Add an explanation; marked retrofitted after the first result, or with another hypothesis."""
    with writing(store) as session:
        told = running.explain(
            session.db, experiment, text, hypothesis=hypothesis, actor=session.actor, now=session.now
        )
    output.document(told) if as_json else output.text(
        f"experiment {experiment}: written down{', marked retrofitted' if told.retrofitted else ''}"
    )


@click.command("hours")
@click.argument("experiment", type=ROW_ID)
@click.argument("spent", type=float)
@shared
def hours(experiment: int, spent: float, store: str | None, as_json: bool) -> None:
    """Book hours of work on an experiment; negative ones, after --, take some back."""
    with writing(store) as session:
        total = running.book(session.db, experiment, spent, actor=session.actor, now=session.now)
    output.document({"id": experiment, "hours": total}) if as_json else output.text(
        f"experiment {experiment}: {total:g} hours in all"
    )


@click.command("limit")
@click.argument("most", type=click.IntRange(0, 10_000), required=False)
@click.option("--model", help="Of this model.")
@click.option("--team", help="Of all models with this owner.")
@click.option("--reason", help="Why this many.")
@shared
def limit(
    most: int | None, model: str | None, team: str | None, reason: str | None, store: str | None, as_json: bool
) -> None:
    """Say how many experiments may run at once; without a number the limits that were set."""
    with reading(store) if most is None else writing(store) as session:
        if most is not None:
            if (model is None) == (team is None):
                raise UsageError("a limit is of one model or of one team", "--model NAME or --team OWNER")
            running.set_limit(
                session.db, "model" if model else "team", model or team or "", most, reason=reason,
                actor=session.actor, now=session.now,
            )  # fmt: skip
        known = experiments.limits(session.db)
    if as_json:
        output.document({"default": running.DEFAULT_LIMIT, "limits": known})
        return
    output.table(
        ("SCOPE", "NAME", "MOST", "REASON", "BY", "AT"),
        [(x.scope, x.name, x.most, x.reason, x.by, f"{x.at:%Y-%m-%d %H:%MZ}") for x in known],
        empty=f"no limit was set: {running.DEFAULT_LIMIT} experiments of a model may run at once",
    )


COMMANDS = (add, start, result, kill, hold, launch, drop, explain, hours, limit)


def _read(experiment: int, version: str | None, store: str | None, as_json: bool) -> None:
    from core.experiments.readings import read_new

    with writing(store) as session:
        told = read_new(session.db, experiment, version=version, actor=session.actor, now=session.now)
    if as_json:
        output.document({"id": experiment, "read": told})
        return
    for one in told:
        output.text(_told(one))
    if not told:
        output.text(f"experiment {experiment}: no evaluation and no look of a rollout that was not read yet")


def _told(one: ExperimentResult) -> str:
    where = f" ({one.source_ref})" if one.source_ref else ""
    interval = f"{one.low:.4g} to {one.high:.4g}"
    return f"experiment {one.experiment_id}: {one.gain:+.4g} of {one.metric} in {one.stage}, {interval}{where}"


def bounds(text: str) -> tuple[float, float]:
    """Two numbers as people type them.

    Raises:
        UsageError: they are none.

    >>> bounds("-0.002..0.01")
    (-0.002, 0.01)
    """
    low, dots, high = text.partition("..")
    try:
        if dots:
            return float(low), float(high)
    except ValueError:
        pass
    raise UsageError(f"{text!r} is no interval", "say LOW..HIGH, as in 0.002..0.01")


def _do(store: str | None, as_json: bool, words: str, step: Callable[[Session], Experiment]) -> None:
    with writing(store) as session:
        found = step(session)
    _tell(found, as_json, words)


def _tell(found: Experiment, as_json: bool, words: str) -> None:
    output.document(found) if as_json else output.text(f"experiment {found.id} {words}: {found.registration.title}")
