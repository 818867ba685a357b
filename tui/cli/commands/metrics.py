"""``midwatch metrics MODEL``: its metrics, who answers for the primary one, and whether they go together."""

from __future__ import annotations

from typing import Any

import click

from core.estimates import words
from core.suites.overview import MetricLine, MetricsOverview, overview
from core.suites.rotation import rotate
from storage.records.suites import Rotation
from storage.tables import models
from tui.cli import diagnostics, output
from tui.cli.options import ListByDefault, reading, shared, writing


@click.group("metrics", cls=ListByDefault)
def command() -> None:
    """The metrics of a model (metrics MODEL lists them), and the one that everybody is held to."""


@command.command("list")
@click.argument("model")
@shared
def list_metrics(model: str, store: str | None, as_json: bool) -> None:
    """List the metrics of MODEL: primary, owner, objective, newest values, ML beside business."""
    with reading(store) as session:
        told = overview(session.db, models.get(session.db, model), now=session.now)
    if as_json:
        output.document(document(told))
        return
    output.table(
        ("METRIC", "KIND", "ROLE", "GOOD", "OWNER", "OBJECTIVE", "NEWEST", "INTERVAL", "OF BATCH"),
        [_row(line) for line in told.lines],
    )
    if told.primary.rotated:
        since = told.primary.since
        output.text(
            f"{told.primary.metric.name} is in force since {since:%Y-%m-%d %H:%MZ} ({told.primary.owner}: "
            f"{told.primary.reason}); gates keep {told.primary.registered.name}, as registered"
        )
    for one in told.divergences:
        output.text(f"{'! ' if one.flipped else ''}{one.sentence}")
    for estimate in told.waiting:
        output.text(words.sentence(estimate))
    for rotation in told.rotations:
        output.text(
            f"{rotation.at:%Y-%m-%d %H:%MZ} {rotation.before} -> {rotation.metric}, owner {rotation.owner}, "
            f"by {rotation.by}: {rotation.reason}"
        )
    if told.note:
        diagnostics.note(f"{model}: {told.note}")


@command.command("rotate")
@click.argument("model")
@click.argument("metric")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why it is the one from now on.")
@shared
def rotate_metric(model: str, metric: str, owner: str, reason: str, store: str | None, as_json: bool) -> None:
    """Hold everybody to METRIC of MODEL from now on; gates keep the registered one until the model file says so."""
    with writing(store) as session:
        found = models.get(session.db, model)
        done = rotate(session.db, found, metric, owner=owner, reason=reason, actor=session.actor, now=session.now)
    if as_json:
        output.document(rotation_document(done))
    else:
        output.text(f"{done.metric} is the primary metric of {model} from now on, it was {done.before}")


def document(told: MetricsOverview) -> dict[str, Any]:
    """The overview as scripts read it."""
    held = told.primary
    return {
        "primary": {
            "metric": held.metric.name,
            "registered": held.registered.name,
            "owner": held.owner,
            "reason": held.reason,
            "since": held.since,
        },
        "metrics": [
            {
                "metric": line.spec.name,
                "kind": line.kind,
                "role": line.role or None,
                "direction": line.direction,
                "owner": line.owner,
                "reason": line.reason,
                "slo": str(line.spec.slo) if line.spec.slo else None,
                "sql": line.spec.sql,
                "value": line.newest.value if line.newest else None,
                "interval": [line.newest.low, line.newest.high] if line.newest else None,
                "batch": line.newest.batch_id if line.newest else None,
            }
            for line in told.lines
        ],
        "rotations": [rotation_document(one) for one in told.rotations],
        "divergences": told.divergences,
        "estimates": [words.document(one) for one in told.waiting],
        "note": told.note or None,
    }


def rotation_document(rotation: Rotation) -> dict[str, Any]:
    """A rotation as scripts read it."""
    return {key: value for key, value in output.plain(rotation).items() if key not in ("id", "model_id")}


def _row(line: MetricLine) -> tuple[object, ...]:
    newest, interval = line.newest, None
    if newest is not None and newest.low is not None and newest.high is not None:
        interval = f"{newest.low:.4g} to {newest.high:.4g}"
    return (
        line.spec.name,
        line.kind,
        line.role or None,
        line.direction,
        line.owner,
        line.spec.slo,
        f"{newest.value:.5g}" if newest and newest.value is not None else None,
        interval,
        newest.batch_id if newest else None,
    )
