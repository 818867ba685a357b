"""Seeds a store with the sample data: three models, a month, planted faults; every row through the real use cases.

The screen opens as soon as models, versions and deployments are there; the logs come in behind it, in processes of
their own, and appear as they come, as they do with a real feed.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from core import labels, versions
from core.alert_answers import give_feedback
from core.baseline import Baselines
from core.changes import feed as changes
from core.incidents import lifecycle, writing
from core.ingest import Ingested, ingest
from sample_data.records import Fault, ModelScenario, PastIncident, Scenario
from sample_data.scenario import generate, lose_artifacts, whole_ten_minutes
from storage import model_file
from storage.db import connect, prepare
from storage.host import Actor
from storage.tables import alerts, batches, models

FIRST = "churn"
HOST = "prod-ml-3"
MARKER = ".midwatch-demo"
KEPT = timedelta(days=1)

Say = Callable[[str], None]


def seed(store: Path, directory: Path, now: datetime, say: Say, *, wait: bool) -> Scenario:
    """Generate the sample data, record what people did with the models, and start taking in the logs.

    Args:
        store: must not exist yet.
        directory: for the logs, model files and pointer files of the demo.
        wait: return when every file is in; else the logs go on coming in, in processes that end with this one.
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
    finally:
        db.close()
    others = tuple(model.name for model in scenario.models if model.name != FIRST)
    spawn = multiprocessing.get_context("spawn")
    feeds = [spawn.Process(target=feed, args=(store, scenario, names), daemon=True) for names in ((FIRST,), others)]
    say(f"taking in {len(scenario.arrivals())} files")
    for process in feeds:
        process.start()
    for process in feeds if wait else ():
        process.join()
    return scenario


def feed(store: Path, scenario: Scenario, names: tuple[str, ...]) -> None:
    """Take in the files of some models: the body of a process of its own."""
    db = connect(store)
    try:
        for name in names:
            take_in(db, scenario, name)
    finally:
        db.close()


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
    on_its_way = model.candidate.version if model.candidate else None
    for deployed in model.deployments:
        if deployed.version == on_its_way:
            continue  # its rollout is opened, and takes it there, once the reference is in
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
    """Every file of one model: the reference at once, each serving file as of when it arrived, then the labels.

    The candidate begins its way behind the reference, from which its gates take their margins; one with a critical
    slice behind everything else, so that what was planted is found as without it. Past experiments come first; those
    that go on read their results from what came in.
    """
    from tui import demo_experiments
    from tui.demo_candidates import begin, judge

    model, shipper = models.get(db, name), Actor("log-shipper", HOST)
    demo_experiments.recall(db, model, scenario.experiments, HOST)
    if name == FIRST:
        demo_experiments.tell_where_caught(db, HOST, scenario.end)
    baselines = Baselines(db, model)
    files = [file for owner, file in scenario.arrivals() if owner == name]
    reference = [str(file.path) for file in files if file.role == "reference"]
    arrived = max(file.arrived for file in files if file.role == "reference")
    _drain(ingest(db, model, reference, role="reference", actor=shipper, now=arrived, baselines=baselines))
    scene_of = scenario.model(name)
    if scene_of.candidate is not None and scene_of.candidate.slice is None:
        begin(db, model, scene_of, HOST)
    waiting = [fault for fault in scenario.faults if fault.model == name and fault.answer is not None]
    for file in (file for file in files if file.role == "serving"):
        waiting = [fault for fault in waiting if not answered(db, model.id, fault, file.arrived)]
        _drain(ingest(db, model, [str(file.path)], actor=shipper, now=file.arrived, baselines=baselines))
    for fault in waiting:
        answered(db, model.id, fault, scenario.end)
    for file in files:
        if file.role == "labels":
            labels.ingest_labels(db, model, file.path, actor=shipper, now=file.arrived)
    judge(db, model, scene_of, HOST)
    demo_experiments.read(db, model, scenario.experiments, HOST, scenario.end)


def answered(db: sqlite3.Connection, model_id: int, fault: Fault, now: datetime) -> bool:
    """Whether people have said by ``now`` what the alerts of a planted fault were worth; it is recorded once they have.

    Only what the fault had raised by then is answered.
    """
    said = fault.answer
    if said is None or said.at > now:
        return False
    files = [str(path) for path in fault.files]
    for alert in alerts.page(db, model_id=model_id, only_open=False, limit=1000):
        for one in alerts.of_group(db, model_id, alert.group_key):
            if one.batch_id is not None and batches.get(db, one.batch_id).path in files:
                give_feedback(db, one.id, said.verdict, actor=Actor(said.by, HOST), now=said.at, note=said.note)
    return True


def _drain(taken: Iterator[Ingested]) -> None:
    for _ in taken:
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
