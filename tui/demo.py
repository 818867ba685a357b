"""Seeds a store with the sample data: three models, a month, planted faults; every row through the real use cases.

What the engineer needs first (``churn``) is seeded before the screen opens; the other models follow in a child process
and appear as they come, as they would with a real feed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from core import changes, labels, versions
from core.incidents import lifecycle, writing
from core.ingest import ingest
from sample_data.records import LogFile, ModelScenario, PastIncident, Scenario
from sample_data.scenario import generate, lose_artifacts, whole_ten_minutes
from storage import model_file
from storage.clock import from_text, to_text
from storage.db import connect, prepare
from storage.host import Actor
from storage.tables import models

FIRST = "churn"
HOST = "prod-ml-3"
MARKER = ".midwatch-demo"
KEPT = timedelta(days=1)

Say = Callable[[str], None]


def seed(store: Path, directory: Path, now: datetime, say: Say, *, wait: bool) -> Scenario:
    """Generate the sample data and fill a store with it.

    Args:
        store: must not exist yet.
        directory: for the logs, model files and pointer files of the demo.
        wait: finish all models before returning; else all but the first follow in a child process.
    """
    say("writing a month of logs of three models")
    scenario = scene(directory, now)
    prepare(store)
    db = connect(store)
    try:
        for model in scenario.models:
            register(db, model, scenario)
        lose_artifacts(scenario)
        with scenario.changes_file.open(encoding="utf-8") as lines:
            changes.add_lines(db, lines, source="demo", actor=Actor("ci", HOST), now=scenario.end)
        for past in scenario.incidents:
            remember(db, past)
        say(f"taking in {FIRST}")
        take_in(db, scenario, FIRST)
    finally:
        db.close()
    command = [sys.executable, "-m", "tui.demo", str(store), str(directory), to_text(now)]
    if wait:
        say("taking in the others")
        subprocess.run(command, check=True)
    else:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return scenario


def scene(directory: Path, now: datetime) -> Scenario:
    """The sample data of the demo, ending at the last whole ten minutes."""
    return generate(directory, end=whole_ten_minutes(now))


def register(db: sqlite3.Connection, model: ModelScenario, scenario: Scenario) -> None:
    """The model, its versions with their five hashes, and what was deployed when."""
    parsed, text, sha256 = model_file.read(model.model_file)
    path = str(model.model_file)
    author = Actor("p.okafor", HOST)
    models.register(db, parsed.name, path=path, text=text, sha256=sha256, actor=author, now=scenario.start)
    registered = models.get(db, model.name)
    for version in model.versions:
        sources = versions.Sources(
            artifact=version.artifact("model").path,
            data=version.artifact("data").path,
            config=version.artifact("config").path,
            code=version.code_ref,
            environment=version.artifact("environment").path,
            seed=str(version.seed),
            schema=version.schema_file,
        )
        versions.add(
            db,
            registered,
            version.name,
            sources,
            role="fallback" if version.role == "fallback" else "normal",
            trained_at=version.trained_at,
            actor=author,
            now=version.trained_at,
        )
    for deployed in model.deployments:
        versions.deploy(
            db,
            registered,
            deployed.version,
            deployed.stage,
            traffic=deployed.traffic,
            at=deployed.at,
            reason=deployed.reason,
            actor=Actor(deployed.by, HOST),
            now=deployed.at,
        )


def take_in(db: sqlite3.Connection, scenario: Scenario, name: str) -> None:
    """Every file of one model, in order of arrival, at the moment it arrived."""
    model = models.get(db, name)
    feed = Actor("log-shipper", HOST)
    for owner, file in scenario.arrivals():
        if owner != name:
            continue
        if file.role == "labels":
            labels.ingest_labels(db, model, file.path, actor=feed, now=file.arrived)
        else:
            _take_in_file(db, name, file, feed)


def _take_in_file(db: sqlite3.Connection, name: str, file: LogFile, feed: Actor) -> None:
    role = "reference" if file.role == "reference" else "serving"
    for _ in ingest(db, models.get(db, name), [str(file.path)], role=role, actor=feed, now=file.arrived):  # type: ignore[arg-type]
        pass


def remember(db: sqlite3.Connection, past: PastIncident) -> None:
    """A closed incident: what was seen, what it was, what helped."""
    who = Actor(past.opened_by, HOST)
    opened = lifecycle.open_incident(
        db,
        model=models.get(db, past.model),
        title=past.title,
        key=past.key,
        severity=f"SEV{past.severity}",  # type: ignore[arg-type]
        owner=past.opened_by,
        actor=who,
        now=past.opened_at,
    )
    writing.note(db, opened.key, past.symptom, actor=who, now=past.acknowledged_at)
    writing.action(db, opened.key, past.helped, actor=who, now=past.mitigated_at)
    lifecycle.set_state(db, opened.key, "mitigated", reason=past.helped, actor=who, now=past.mitigated_at)
    writing.prevent(db, opened.key, check=past.check_added, actor=who, now=past.resolved_at)
    cause = f"{past.layer}/{past.category}"
    lifecycle.close(db, opened.key, cause=cause, text=past.cause, actor=who, now=past.resolved_at)


def fresh_directory(root: Path, now: datetime) -> Path:
    """A directory of its own for this demo; those of earlier days that carry the marker are removed."""
    root.mkdir(parents=True, exist_ok=True)
    for old in root.iterdir():
        marker = old / MARKER
        if marker.exists() and now.timestamp() - marker.stat().st_mtime > KEPT.total_seconds():
            shutil.rmtree(old, ignore_errors=True)
    directory = root / f"{now:%Y%m%d-%H%M%S}-{os.getpid()}"
    directory.mkdir()
    (directory / MARKER).touch()
    return directory


def main() -> None:
    """The child process: the models that did not come first, from files that are there already."""
    store, directory, moment = sys.argv[1:4]
    scenario = scene(Path(directory), from_text(moment))
    db = connect(Path(store))
    try:
        for model in scenario.models:
            if model.name != FIRST:
                take_in(db, scenario, model.name)
    finally:
        db.close()


if __name__ == "__main__":
    main()
