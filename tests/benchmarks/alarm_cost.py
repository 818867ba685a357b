"""What a decision costs: a batch of 50 columns against a store with a year of daily batches, beyond its own profile.

Three stretches of CPU: everything that stands between a profile and its alerts in a process that stays (the baseline
brought up to date by one batch, the statistics, the expectations, the checks, the grouping); the checks alone; and the
first decision of a new process, which reads the baseline from the store. Memory is what the process grows by, measured
in a process of its own that holds nothing else.
"""

from __future__ import annotations

import gc
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from core import alerts
from core.baseline import BASELINE_BATCHES, Baselines
from core.batch_facts import batch_of
from core.checks.base import CheckContext
from core.checks.stored_readings import FORM
from core.checks.stored_readings import pack as pack_readings
from core.profiles import profile_log
from core.stats.packing import pack, unpack
from core.validate import roles_of, validate
from storage import db as store
from storage import model_file
from storage.host import Actor
from storage.logs.source import open_log
from storage.records.batches import Batch
from storage.tables import batches, models
from tests.benchmarks.alarm_days import write
from tests.benchmarks.alarm_replay import MODEL
from tests.benchmarks.figures import Figure

ADA = Actor("ada", "bench")
YEAR = 365
DECISIONS = 9
COLUMNS = 50
FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def cost(*, quick: bool) -> list[Figure]:
    """CPU of a decision and memory of the process that makes it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        year = 90 if quick else YEAR
        _fill(folder, rows=300 if quick else 1000, year=year)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            cold, warm, checks, grown = pool.submit(decide, folder).result()
    history = f"{year} days of history, {COLUMNS} columns"
    return [
        Figure("decision for a batch, CPU", warm, "ms", history, None, "< 50 ms", warm < 50),
        Figure("checks and grouping of it, CPU", checks, "ms", history, None, "-", None),
        Figure("first decision of a process, CPU", cold, "ms", history, None, "-", None),
        Figure("memory of the process beyond its start", grown, "MB", history, None, "< 100 MB", grown < 100),
    ]


def decide(folder: Path) -> tuple[float, float, float, float]:
    """Decide over the waiting batches: milliseconds of the first, medians of the others, and megabytes of growth."""
    db = store.connect(folder / "s.db")
    model = models.get(db, "bench")
    waiting = sorted(folder.glob("*.profile"))
    begun = _resident()
    known, took, checked = Baselines(db, model), [], []
    for place, path in enumerate(waiting):
        profile = unpack(path.read_bytes())
        start = FIRST + timedelta(days=YEAR + place)
        started = time.process_time()
        baseline = known.before(start)
        middle = time.process_time()
        context = CheckContext(
            current=profile, reference=baseline.merged, past=baseline.past, roles=roles_of(model.file),
            window_start=start, window_end=start + timedelta(hours=23),
        )  # fmt: skip
        verdicts = validate(context).results
        drafts = alerts.group(verdicts, model=model.name, prediction=model.file.columns.prediction)
        alerts.batch_score(verdicts, drafts)
        took.append(time.process_time() - started)
        checked.append(time.process_time() - middle)
        end = start + timedelta(hours=23)
        same = replace(baseline.batches[-1], sha256=f"w{place}", window_start=start, window_end=end)
        _store(db, same, path.read_bytes(), pack_readings(context.readings))
    gc.collect()
    grown = (_resident() - begun) / 1e6
    return 1000 * took[0], 1000 * statistics.median(took[1:]), 1000 * statistics.median(checked[1:]), grown


def _fill(folder: Path, *, rows: int, year: int) -> None:
    """A store with a year of batches, each file of the last sixty profiled, and the profiles of those to come."""
    store.prepare(folder / "s.db")
    db = store.connect(folder / "s.db")
    path = folder / "bench.toml"
    path.write_text(MODEL)
    _, text, sha256 = model_file.read(path)
    models.register(db, "bench", path=str(path), text=text, sha256=sha256, actor=ADA, now=FIRST)
    model, draw = models.get(db, "bench"), np.random.default_rng(1)
    sliced: list[str] | None = None
    for place in range(BASELINE_BATCHES + DECISIONS):
        write(_day(draw, place, rows), folder, place)
        with open_log([str(folder / f"day_{place:03d}.parquet")]) as source:
            profile = profile_log(source, roles_of(model.file), sliced)
            sliced = [name for name, values in profile.slices.items() if values]
            known = batch_of(model, source, profile, "serving", None, None, FIRST)
        if place >= BASELINE_BATCHES:
            (folder / f"{place:03d}.profile").write_bytes(pack(profile))
            continue
        with store.transaction(db):
            for day in range(year - BASELINE_BATCHES + place, -1, -BASELINE_BATCHES):
                start = FIRST + timedelta(days=YEAR - year + day)
                end = start + timedelta(hours=23)
                copy = replace(known, sha256=f"{place} {day}", window_start=start, window_end=end)
                _store(db, copy, pack(profile), None)
    _measure(db)
    db.close()


def _measure(db: sqlite3.Connection) -> None:
    """Readings of the last batches, as they would have been told when they came."""
    known = Baselines(db, models.get(db, "bench"))
    baseline = known.before(None)
    for batch, past in zip(baseline.batches, baseline.past, strict=True):
        context = CheckContext(
            current=past.profile, reference=baseline.merged, past=(), roles=roles_of(models.get(db, "bench").file)
        )
        batches.add_readings(db, batch.id, form=FORM, body=pack_readings(context.readings), now=FIRST)


def _store(db: sqlite3.Connection, batch: Batch, packed: bytes, readings: bytes | None) -> None:
    batch_id = batches.insert(db, batch, (), packed)
    batches.set_baseline(db, batch_id, admit=True, reason="bench", by="bench", now=FIRST)
    if readings is not None:
        batches.add_readings(db, batch_id, form=FORM, body=readings, now=FIRST)


def _day(draw: np.random.Generator, place: int, rows: int) -> pd.DataFrame:
    """A day of 40 numbers of different shapes, six texts, and the four columns with a role."""
    seconds = np.sort(draw.integers(0, 86_400, rows))
    start = pd.Timestamp(FIRST.replace(tzinfo=None)) + pd.Timedelta(days=YEAR - BASELINE_BATCHES + place)
    day = {"ts": start + pd.to_timedelta(seconds, unit="s"), "request_id": place * rows + np.arange(rows)}
    for i in range(6):
        day[f"text_{i}"] = draw.choice([f"v{k}" for k in range(3 + 4 * i)], rows)
    level = 1 + 0.1 * np.sin(place / 7 * 2 * np.pi)
    for i in range(40):
        shape = [draw.normal(level, 1, rows), draw.lognormal(0, level, rows), draw.poisson(3 * level, rows)][i % 3]
        day[f"number_{i}"] = np.where(draw.random(rows) < 0.02 * (i % 4), np.nan, shape)
    score = 1 / (1 + np.exp(-day["number_0"]))
    label = (draw.random(rows) < np.nan_to_num(score, nan=0.5)).astype(int)
    return pd.DataFrame({**day, "prediction": np.nan_to_num(score, nan=0.5), "label": label})


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
