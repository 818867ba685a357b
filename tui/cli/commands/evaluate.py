"""``midwatch evaluate MODEL VERSION``: a candidate against its baseline, offline, by the suite of the model."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

import click

from core.suites.evaluate import evaluate
from core.suites.importing import import_metrics
from core.suites.rotation import effective_primary, reread
from core.suites.rows import RowsAsked
from core.suites.shown import shown
from storage.errors import MidwatchError, UsageError
from storage.records.batches import Batch
from storage.records.models import Model
from storage.records.suites import Evaluation, ImportedMetric
from storage.tables import batches, evaluation_sets, models, suites
from tui.cli import diagnostics, evaluation_text, output
from tui.cli.conditions import batch_of
from tui.cli.options import Session, shared, writing
from tui.typed_moments import ago


@click.command("evaluate")
@click.argument("model")
@click.argument("version")
@click.argument("files", nargs=-1)
@click.option("--scores", metavar="FILE", help="What VERSION answers: an id and a prediction a row.")
@click.option("--baseline", metavar="V", help="The version to compare with; by default what is live in the last stage.")
@click.option("--baseline-scores", metavar="FILE", help="What the baseline answers, where no row tells.")
@click.option("--data", metavar="FILE", multiple=True, help="Rows with labels: files, directories, patterns.")
@click.option("--data-sha", metavar="SHA256", multiple=True, help="Refuse files that do not hash to this.")
@click.option("--last", metavar="T", help="Stored batches of that time, as 7d.")
@click.option("--batches", "numbers", metavar="IDS", help="Stored batches by number, as 4,5,7.")
@click.option("--set", "set_name", metavar="NAME", help="A frozen evaluation set, its newest version.")
@click.option("--split", type=click.Choice(["time", "random", "all"]), help="Instead of the suite's: another suite.")
@click.option("--import", "imported", metavar="NAME=VALUE", multiple=True, help="A metric from elsewhere: unverified.")
@click.option("--source", metavar="TEXT", help="Where imported metrics come from.")
@shared
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    version: str,
    files: tuple[str, ...],
    scores: str | None,
    baseline: str | None,
    baseline_scores: str | None,
    data: tuple[str, ...],
    data_sha: tuple[str, ...],
    last: str | None,
    numbers: str | None,
    set_name: str | None,
    split: str | None,
    imported: tuple[str, ...],
    source: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Evaluate VERSION of MODEL against a baseline on the very same rows; exit 1 when it does not pass.

    Predictions come from a file of scores, from rows of the version in the data, or from the model file's [scoring];
    a model is never loaded. FILES are more of --data, as a shell gives them for --data logs/*.csv. It passes when it is
    surely not worse than the baseline by more than the suite's margin, breaks no floor of a critical or scenario slice,
    and gains what the suite asks for over a simple baseline.
    """
    if files and not data:
        raise click.UsageError(
            f"{files[0]!r} stands alone: rows with labels come behind --data, answers behind --scores"
        )
    data += files  # what a shell made of a pattern
    given = _pairs(imported)
    if source is not None and not given:
        raise click.UsageError("--source belongs to --import")
    rows = bool(data or last or numbers or set_name)
    with writing(store) as session:
        found = models.get(session.db, model)
        if given:
            where = source or "the command line"
            import_metrics(session.db, found, version, given, source=where, actor=session.actor, now=session.now)
        done = None
        if rows or not given:
            try:
                asked = _asked(session, found, data, data_sha, last, numbers, set_name)
                done = evaluate(
                    session.db, found, version, data=asked, scores=scores, baseline=baseline,
                    baseline_scores=baseline_scores, split=split, actor=session.actor, now=session.now,
                )  # fmt: skip
            except MidwatchError as error:
                if as_json:
                    output.document({"passes": False, "reason": error.message, "hint": error.hint})
                raise
        others = suites.imported(session.db, found.id, version)
        done = shown(done, found.file) if done else None
        in_force = _in_force(session.db, found, done, session.now) if done else None
    if as_json:
        output.document(document(done, others, in_force))
    else:
        _show(done, others, in_force, model, version)
    ctx.exit(0 if done is not None and done.passes else 1)


def document(
    done: Evaluation | None, others: list[ImportedMetric], in_force: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An evaluation as scripts read it; ``imported`` metrics are unverified."""
    listed = [{"metric": o.metric, "value": o.value, "source": o.source, "verified": False} for o in others]
    if done is None:
        return {"passes": False, "reason": "imported metrics are unverified: no gate takes them", "imported": listed}
    told: dict[str, Any] = output.plain(done)
    whole = done.whole
    return {
        **{key: value for key, value in told.items() if key not in ("model_id", "suite")},
        "suite": done.suite.sha256,
        "coverage": done.counts.coverage,
        "primary": output.plain(whole.primary) if whole else None,
        "primary_in_force": in_force,
        "imported": listed,
    }


def _show(
    done: Evaluation | None, others: list[ImportedMetric], in_force: dict[str, Any] | None, model: str, version: str
) -> None:
    if done is not None:
        evaluation_text.show(done, in_force)
    if others:
        output.text("")
        output.table(
            ("IMPORTED", "VALUE", "STATE", "FROM", "ON"),
            [(o.metric, f"{o.value:.6g}", "unverified", o.source, f"{o.at:%Y-%m-%d}") for o in others],
        )
    if done is None:
        diagnostics.note(f"{model} {version}: imported metrics are unverified; no gate takes them")


def _in_force(db: sqlite3.Connection, model: Model, done: Evaluation, now: datetime) -> dict[str, Any] | None:
    """The primary metric that was rotated in, with its values; None while the registered one is in force."""
    held = effective_primary(db, model, now)
    if not held.rotated:
        return None
    told = reread(db, model, done, now).effective
    return {
        "metric": held.metric.name,
        "owner": held.owner,
        "reason": held.reason,
        "since": held.since,
        "compared": output.plain(told),
    }


def _asked(
    session: Session,
    model: Model,
    data: tuple[str, ...],
    data_sha: tuple[str, ...],
    last: str | None,
    numbers: str | None,
    set_name: str | None,
) -> RowsAsked:
    if data_sha and not data:
        raise click.UsageError("--data-sha belongs to --data")
    if sum(map(bool, (data, last, numbers, set_name))) != 1:
        told = [o for o, v in (("--data", data), ("--last", last), ("--batches", numbers), ("--set", set_name)) if v]
        mixed = f", not by {' and '.join(told)} together" if told else ""
        raise click.UsageError(f"name the rows by one of --data, --last, --batches and --set{mixed}")
    if set_name is not None:
        return RowsAsked(set=evaluation_sets.get(session.db, model.id, set_name))
    if data:
        return RowsAsked(files=data, sha256=data_sha)
    return RowsAsked(batches=tuple(_batches(session, model, last, numbers)))


def _batches(session: Session, model: Model, last: str | None, numbers: str | None) -> list[Batch]:
    if last is not None:
        found = batches.between(session.db, model.id, ago(last, session.now), session.now)
        if not found:
            raise UsageError(f"no batch of {model.name!r} touches the last {last}", "widen it, or name --batches")
        return found
    try:
        wanted = [int(part) for part in (numbers or "").split(",")]
    except ValueError:
        raise UsageError(f"{numbers!r} are no numbers of batches", "as in --batches 4,5,7") from None
    return [batch_of(session.db, model, number) for number in dict.fromkeys(wanted)]


def _pairs(imported: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for pair in imported:
        name, equals, value = pair.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise UsageError(f"{pair!r} is no metric with a value", "as in --import auc=0.81")
    return found
