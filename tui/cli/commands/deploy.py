"""``midwatch deploy MODEL V --stage S``: record that a version entered a stage."""

from __future__ import annotations

import click

from core import versions
from storage.tables import models
from storage.tables import versions as registered
from tui.cli import diagnostics, output
from tui.cli.commands.versions import moment
from tui.cli.options import shared, writing


@click.command("deploy")
@click.argument("model")
@click.argument("version")
@click.option("--stage", required=True, help="One of the model file's stages.")
@click.option("--traffic", type=click.FloatRange(0.0, 1.0), help="Its share; the model file's by default.")
@click.option("--at", metavar="T", help="When it happened, ISO 8601; now by default.")
@click.option("--reason", help="Why.")
@shared
def command(
    model: str,
    version: str,
    stage: str,
    traffic: float | None,
    at: str | None,
    reason: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Record that VERSION entered a stage; this deploys nothing."""
    when = moment(at)
    with writing(store) as session:
        found = models.get(session.db, model)
        done = versions.deploy(
            session.db, found, version, stage,
            traffic=traffic, at=when, reason=reason, actor=session.actor, now=session.now,
        )  # fmt: skip
        unknown = registered.find(session.db, found.id, version) is None
    if as_json:
        output.document(done)
    diagnostics.note(f"{model} {version} is live in {stage} since {done.at:%Y-%m-%d %H:%M:%SZ}")
    if unknown:
        diagnostics.note(f"  {version} is not registered: midwatch versions add {model} {version} --artifact PATH ...")
