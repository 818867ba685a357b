"""Draws a drill or a clean run, plants the fault, writes all files and tells the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sample_data import history, versions
from sample_data.drills import files
from sample_data.drills.churn import CHURN
from sample_data.drills.desk import DESK
from sample_data.drills.draw import Draw, Shape
from sample_data.drills.eta import ETA
from sample_data.drills.further import FURTHER
from sample_data.drills.kinds import BYSTANDERS, HERRING_MINUTES, HERRINGS, REFRESH, Kind, Note, Promotion
from sample_data.drills.planted import PLANTED
from sample_data.drills.records import SEVERITIES, Drill, Severity
from sample_data.records import Change, Deployment, LogFile, ModelScenario
from sample_data.windows import consecutive_windows
from sample_data.writing import write_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

START = datetime(2026, 11, 2, tzinfo=UTC)
REFERENCE, CLEAN, FAULTY = 4, 12, 4
ROWS = 400
TRAINING_ROWS = 800
SOON = timedelta(minutes=5)

KINDS: Mapping[str, Kind] = {kind.id: kind for kind in (*PLANTED, *FURTHER)}
PLANTED_IDS: tuple[str, ...] = tuple(kind.id for kind in PLANTED)
FURTHER_IDS: tuple[str, ...] = tuple(kind.id for kind in FURTHER)
DRILLS: tuple[str, ...] = (*PLANTED_IDS, *FURTHER_IDS)
SHAPES: Mapping[str, Shape] = {shape.name: shape for shape in (CHURN, ETA, DESK)}


def drill(directory: Path, drill_id: str, *, seed: int = 1, severity: Severity = "full", rows: int = ROWS) -> Drill:
    """Writes one drill under `directory`; the same arguments give the same values.

    `rows` is per file, at least 100. KeyError for an unknown drill, ValueError for an unknown severity.
    """
    kind = KINDS[drill_id]
    if severity not in SEVERITIES:
        raise ValueError(f"severity must be one of {', '.join(SEVERITIES)}, not {severity!r}")
    return _run(directory.absolute(), kind.shape, kind, seed, severity, rows, REFERENCE + CLEAN, FAULTY)


def clean(directory: Path, *, seed: int = 1, batches: int = 200, shape: str = "churn", rows: int = ROWS) -> Drill:
    """Writes a run of `batches` serving files with nothing planted.

    What there is: noise, busier weekends, bystanders in the change feed and one harmless retraining that goes live half
    way. `truth` is None and `since` is `now`.
    """
    return _run(directory.absolute(), SHAPES[shape], None, seed, "full", rows, REFERENCE + batches, 0)


def _run(
    directory: Path, shape: Shape, kind: Kind | None, seed: int, severity: Severity, rows: int, good: int, bad: int
) -> Drill:
    import numpy as np

    name = kind.id if kind else f"clean-{shape.name}"
    draws = [np.random.default_rng([seed, number, *name.encode()]) for number in range(3)]
    windows = consecutive_windows(START, shape.step, good + bad)
    onset = windows[good].start if bad else windows[-1].end
    columns = shape.draw(draws[0], windows, rows)
    label = shape.truth(draws[0], columns, rows)
    place = np.arange(rows * len(windows))
    draw = Draw(
        shape=shape,
        rng=draws[1],
        windows=windows,
        rows=rows,
        onset=good,
        columns=columns,
        truth=label,
        label=label,
        labelled=place % rows >= shape.golden,
        live=place >= good * rows,
        versions=dict(shape.versions),
    )
    decoy = kind.decoy_promotion if kind else replace(REFRESH, minutes=(good // 2) * shape.step / timedelta(minutes=1))
    if decoy is not None:
        moment = np.datetime64((onset - timedelta(minutes=decoy.minutes)).replace(tzinfo=None), "ms")
        draw.deploy(decoy.version, np.asarray(columns[shape.time] >= moment))
    hit = draw.live & False
    if kind is not None:
        hit = kind.plant(draw, kind.sizes[SEVERITIES.index(severity)])
    draw.answer()
    for step in draw.after:
        step()
    return _told(directory, draw, kind, (decoy, kind.promotion if kind else None), hit, draws[2], seed, severity)


def _told(
    directory: Path,
    draw: Draw,
    kind: Kind | None,
    promotions: tuple[Promotion | None, ...],
    hit: NDArray[np.bool_],
    rng: np.random.Generator,
    seed: int,
    severity: Severity,
) -> Drill:
    shape = draw.shape
    onset = draw.windows[draw.onset].start if kind else draw.windows[-1].end
    end = draw.windows[-1].end
    logs = files.write_logs(directory, draw, REFERENCE)
    late = files.write_labels(directory, draw, logs, REFERENCE)
    now = end + SOON + (shape.lag if kind is not None and kind.labelled else timedelta())
    deployed = sorted((p for p in promotions if p is not None), key=lambda p: -p.minutes)
    names = ["v6", "v7", *dict.fromkeys(p.version for p in deployed)]
    training = shape.draw(rng, consecutive_windows(START - timedelta(days=30), timedelta(days=1), 1), TRAINING_ROWS)
    training = {column: training[column] for column in (shape.id, shape.time, *shape.schema)}
    training[shape.id] = training[shape.id].astype(object) + "-trained"
    training[shape.label] = shape.truth(rng, training, TRAINING_ROWS)
    home = directory / "srv" / shape.name
    pointer = versions.write_home(home, names[-1])
    model = ModelScenario(
        name=shape.name,
        model_file=directory / "models" / f"{shape.name}.toml",
        pointer=pointer,
        reference=tuple(logs[:REFERENCE]),
        serving=tuple(logs[REFERENCE:]),
        labels=tuple(file for file in late if file.arrived <= now),
        later=tuple(file for file in late if file.arrived > now),
        versions=tuple(files.write_versions(home, draw, START, names, training)),
        deployments=_deployments(shape, onset, deployed),
    )
    _write_model_file(model, shape)
    feed = _feed(kind, shape, onset, now, end - START, rng)
    changes_file = directory / "changes.jsonl"
    history.write_changes(changes_file, feed)
    golden = directory / "golden.jsonl" if shape.golden else None
    if golden is not None:
        files.write_golden(golden, draw)
    return Drill(
        id=kind.id if kind else "clean",
        planted=kind is not None and kind.planted,
        severity=severity,
        seed=seed,
        directory=directory,
        model=model,
        since=onset if kind else now,
        now=now,
        changes_file=changes_file,
        changes=feed,
        faulty=_faulty(kind, draw, logs, late, hit),
        rows=int(hit.sum()),
        golden=golden,
        truth=kind.told if kind else None,
    )


def _faulty(
    kind: Kind | None, draw: Draw, logs: list[LogFile], late: list[LogFile], hit: NDArray[np.bool_]
) -> tuple[Path, ...]:
    """The files that hold such a row: label files where the fault is in the labels."""
    if kind is None:
        return ()
    if kind.truth.columns == (draw.shape.label,):
        return tuple(file.path for file in late if file.window_start >= draw.windows[draw.onset].start)
    some = hit.reshape(-1, draw.rows).sum(axis=1).tolist()
    return tuple(log.path for log, rows in zip(logs, some, strict=True) if rows)


def _deployments(shape: Shape, onset: datetime, deployed: list[Promotion]) -> tuple[Deployment, ...]:
    events = [
        Deployment("v6", "full", 1.0, START - timedelta(days=60), "p.okafor", "first release"),
        Deployment("v7", "full", 1.0, START - timedelta(days=8), "m.ito", "regular retraining"),
    ]
    for told in deployed:
        at = onset - timedelta(minutes=told.minutes)
        early = "shadow" if shape is CHURN else "canary"
        events.append(
            Deployment(told.version, early, 0.0 if shape is CHURN else 0.1, at - timedelta(hours=3), told.by, "trial")
        )
        events.append(Deployment(told.version, "full", 1.0, at, told.by, told.reason))
    return tuple(sorted(events, key=lambda event: event.at))


def _feed(
    kind: Kind | None, shape: Shape, onset: datetime, now: datetime, length: timedelta, rng: np.random.Generator
) -> tuple[Change, ...]:
    """The cause, the decoys of its kind, four bystanders and three red herrings nearer than the cause.

    In a clean run a bystander every twelve hours or so.
    """
    name = shape.name
    if kind is None:
        count = int(length / shape.step) // 8
        spots = sorted(rng.random(count).tolist())
        chosen = [BYSTANDERS[int(index)] for index in rng.integers(0, len(BYSTANDERS) - 1, count)]
        moved = [
            replace(note, minutes=(onset - START - spot * length) / timedelta(minutes=1))
            for note, spot in zip(chosen, spots, strict=True)
        ]
    else:
        order = rng.permutation(len(BYSTANDERS))[:4].tolist()
        moved = [*kind.decoys, *(BYSTANDERS[index] for index in order), *_herrings(kind, rng)]
    feed = [note.change(name, onset, f"bystander:{number}") for number, note in enumerate(moved)]
    if kind is not None and kind.change is not None:
        feed.append(kind.change.change(name, onset, f"drill:{kind.id}"))
    return tuple(sorted((c for c in feed if c.at <= now), key=lambda change: (change.at, change.subject)))


def _herrings(kind: Kind, rng: np.random.Generator) -> list[Note]:
    """Three changes nearer to the onset than the cause, as a busy feed always has some."""
    low, high = HERRING_MINUTES
    cause = kind.change or kind.promotion
    high = min(high, cause.minutes - 0.5) if cause is not None else high
    order = rng.permutation(len(HERRINGS))[:3].tolist()
    return [replace(HERRINGS[index], minutes=round(float(rng.uniform(low, high)), 2)) for index in order]


def _write_model_file(model: ModelScenario, shape: Shape) -> None:
    lines = [shape.toml]
    if shape.specs:
        score = json.dumps(str(model.pointer.parent / "score"))
        lines.append(f'[scoring]\ncommand = [{score}, "--version", "{{version}}"]\n')
    lines.append(f'[rollback]\nactuator = "pointer_file"\npath = {json.dumps(str(model.pointer))}')
    write_lines(model.model_file, lines)
