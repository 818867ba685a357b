"""Days of a run judged one after another in process, as ingest judges them, without a store.

Each file is read and profiled once by the code that ingest uses; packed profiles are kept on disk under a key made of
the file's bytes, the slice columns asked for and the sources of the profile code, so that a change of the decision
costs no reading. What the store would say (which batches are admitted, which 60 are compared with, what their readings
were when they came) is kept in lists here.

Three ways to answer alarms:

- ``on``: every page and ticket of a faulty day is called ``acted``, of a clean day ``noise``. A confirmed day stays out
  of the baseline, a false alarm joins it, and a missed fault stays in it unremarked.
- ``off``: nobody ever answers. The program then keeps every day with a page or a ticket out of its baseline for good,
  the false alarms as well as the faults; missed faults stay in. Nothing here undoes that: it is what the program does.
- ``wrong10``: each answer is turned round with a chance of one in ten (seeded by run and day), so that a few faults
  join the baseline as noise and a few clean days leave it as faults.
"""

from __future__ import annotations

import ast
import hashlib
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core import alerts
from core.alerts import cause_of, columns_of
from core.baseline import BASELINE_BATCHES, SAME_HOUR_DAYS
from core.batch_facts import window_of
from core.checks.base import CheckContext
from core.checks.departures import PAST, by_the_hour, measured_members
from core.checks.false_alarms import Answered, expected_false_alarms
from core.checks.given import PastBatch, SameHour
from core.merged_window import MergedWindow
from core.profiles import profile_log
from core.stats.packing import pack, unpack
from core.stats.profile import BatchProfile
from core.validate import roles_of, validate
from storage.logs.source import open_log
from storage.model_file import parse
from storage.records.alerts import AlertDraft
from storage.records.logs import Roles
from storage.records.models import ModelFile
from storage.records.results import TIERS, Finding

ROOT = Path(__file__).resolve().parents[2]
LOUD = ("page", "ticket")
WRONG = 0.1
Feedback = Literal["on", "off", "wrong10"]

MODEL = """name = "bench"
task = "binary"
[columns]
time = "ts"
id = "request_id"
prediction = "prediction"
label = "label"
[labels]
lag = "0d"
minimum = 50
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One scored day.

    Attributes:
        fault: its kind, None for a clean day; ``columns`` are those it touched, ``severity`` in words.
        alarm: whether a page or ticket was raised; ``accused`` are the columns of those, the most likely first.
        expected: false alarms that the program expected of it, by its past and by how often it was wrong so far.
        said: loud findings in words; ``furthest`` are the statistics that departed most, with their ratios.
    """

    day: int
    date: str
    fault: str | None
    columns: tuple[str, ...]
    severity: str
    alarm: bool
    score: float
    accused: tuple[str, ...]
    expected: float = 0.0
    said: tuple[str, ...] = ()
    furthest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """All scored days of a run; ``seconds`` of CPU without reading and profiling."""

    folder: str
    seconds: float
    records: tuple[Record, ...]


@dataclass(slots=True)
class Past:
    """What the store would hold of one model's batches."""

    order: list[tuple[float, int]] = field(default_factory=list)
    batches: dict[int, PastBatch] = field(default_factory=dict)
    reference: set[int] = field(default_factory=set)
    merged: MergedWindow = field(init=False)

    def __post_init__(self) -> None:
        self.merged = MergedWindow(lambda day: self.batches[day].profile)

    def admit(self, day: int, batch: PastBatch, *, reference: bool = False) -> None:
        """Let a batch join the baseline; one that is there already stays as it is."""
        if day in self.batches:
            return
        start = batch.window_start.timestamp() if batch.window_start else float("-inf")
        self.batches[day] = batch
        self.order = sorted([*self.order, (start, day)])
        if reference:
            self.reference.add(day)

    def leave(self, day: int) -> None:
        """Keep a batch out of the baseline."""
        self.batches.pop(day, None)
        self.order = [entry for entry in self.order if entry[1] != day]

    def forget(self, day: int) -> None:
        """Let go of a batch that no window reaches any more."""
        if day in self.batches and all(day != d for _, d in self.order[-2 * BASELINE_BATCHES :]):
            self.leave(day)
            self.reference.discard(day)

    def same_hour(self, moment: datetime | None) -> tuple[SameHour, ...]:
        """Of each earlier day the batch that began nearest to that time of day, as the store tells them."""
        starts = [datetime.fromtimestamp(start, UTC) for start, _ in self.order[-BASELINE_BATCHES:]]
        if moment is None or not by_the_hour(starts):
            return ()
        nearest: dict[int, tuple[float, float, int]] = {}
        for start, day in self.order:
            ago = (moment.timestamp() - start) / 86_400
            if 1 <= round(ago) <= SAME_HOUR_DAYS and abs(ago - round(ago)) <= 0.5 / 24:
                found = (abs(ago - round(ago)), start, day)
                nearest[round(ago)] = min(found, nearest.get(round(ago), found))
        days = [self.batches[day] for _, _, day in sorted(nearest.values(), key=lambda n: n[1])]
        return tuple(SameHour(b.window_start, b.window_end, b.readings) for b in days if b.readings is not None)

    def before(self, moment: float | None) -> tuple[tuple[PastBatch, ...], BatchProfile]:
        """The latest admitted batches that began by ``moment`` (all where None), oldest first, and all merged."""
        fit = [d for start, d in self.order if moment is None or d in self.reference or start <= moment]
        days = fit[-BASELINE_BATCHES:]
        return tuple(self.batches[d] for d in days), self.merged.of(days)


def replay(folder: Path, kept: Path, *, feedback: Feedback = "on", details: bool = True) -> Run:
    """Judge every scored day of ``folder`` in order; ``kept`` holds packed profiles."""
    meta = json.loads((folder / "truth.json").read_text())
    model = parse(MODEL, "bench.toml")
    roles, past, wrong = roles_of(model), Past(), random.Random(f"{folder.name} {feedback}")
    records, spent, answered = [], 0.0, Answered()
    for day in range(meta["hist"] + meta["days"]):
        started = time.process_time()
        sliced = tuple(name for name, values in past.before(None)[1].slices.items() if values)
        spent += time.process_time() - started
        profile = profile_of(folder / f"day_{day:03d}.parquet", sliced, kept)
        started = time.process_time()
        start, end = window_of(profile, model.columns.time)
        if day < meta["hist"]:
            past.admit(day, PastBatch(start, end, profile), reference=True)
            if day == meta["hist"] - 1:
                settle(past, roles)
            continue
        judged = judge(profile, past, model)
        truth = meta["truth"][day]
        if not judged.loud or answered_noise(len(judged.loud), truth["fault"], feedback, wrong):
            past.admit(day, judged.batch)
        spent += time.process_time() - started
        expected = expected_false_alarms(judged.context, answered)
        if not truth["fault"]:
            answered = answered.after(expected_false_alarms(judged.context), noise=bool(judged.loud))
        record = replace(_record(day, truth, judged), expected=expected)
        if details:
            record = replace(record, said=_said(judged.verdicts), furthest=_furthest(judged.context))
        records.append(record)
    return Run(str(folder), spent, tuple(records))


@dataclass(frozen=True, slots=True)
class Judged:
    """What was decided of one batch; ``loud`` are its pages and tickets, the furthest first, as ingest prints them."""

    batch: PastBatch
    context: CheckContext
    verdicts: tuple[Finding, ...]
    loud: tuple[AlertDraft, ...]
    score: float


def judge(profile: BatchProfile, past: Past, model: ModelFile) -> Judged:
    """Decide over one batch as ingest does: every check, then one alert a cause."""
    roles = roles_of(model)
    start, end = window_of(profile, model.columns.time)
    earlier, merged = past.before(None if start is None else start.timestamp())
    context = CheckContext(
        current=profile, reference=merged, past=earlier, same_hour=past.same_hour(start), roles=roles,
        specs=model.checks, window_start=start, window_end=end,
    )  # fmt: skip
    verdicts = validate(context).results
    drafts = alerts.group(verdicts, model=model.name, prediction=roles.prediction)
    loud = sorted((d for d in drafts if d.tier in LOUD), key=lambda d: -d.score)
    batch = PastBatch(start, end, profile, context.readings)
    return Judged(batch, context, verdicts, tuple(loud), alerts.batch_score(verdicts, drafts))


def settle(past: Past, roles: Roles) -> None:
    """Measure the reference batches against each other, once they are all in."""
    earlier, merged = past.before(None)
    told = measured_members(context := CheckContext(merged, merged, earlier, roles), context.traits)
    days = [day for _, day in past.order][-PAST:]
    for day, readings in zip(days, told, strict=True):
        past.batches[day] = replace(past.batches[day], readings=readings)


def answered_noise(alarms: int, fault: str | None, feedback: Feedback, wrong: random.Random) -> bool:
    """Whether the answers to a day's alarms let it join the baseline, as :func:`core.alert_answers.give_feedback`."""
    if feedback == "off":
        return False
    answers = [(not fault) != (feedback == "wrong10" and wrong.random() < WRONG) for _ in range(alarms)]
    return all(answers)


def _record(day: int, truth: dict[str, Any], judged: Judged) -> Record:
    accused = dict.fromkeys(c for draft in judged.loud for c in draft.columns if c)
    return Record(
        day=day,
        date=str(truth.get("date", "")),
        fault=truth["fault"],
        columns=tuple(truth["cols"]),
        severity=str(truth.get("sev") or ""),
        alarm=bool(judged.loud),
        score=judged.score,
        accused=tuple(accused),
    )


def _said(verdicts: Sequence[Finding]) -> tuple[str, ...]:
    failing = [f for f in verdicts if f.status == "fail"]
    return tuple(
        f"{f.tier} {f.score:.2f} {cause_of(f)} ({f.check}) {', '.join(columns_of(f)[:3])}"
        f"{f' in {f.slice}' if f.slice else ''}"
        for f in sorted(failing, key=lambda f: (TIERS.index(f.tier), -f.score))[:8]
    )


def _furthest(context: CheckContext) -> tuple[str, ...]:
    far = sorted(context.departures.found.items(), key=lambda kd: -kd[1].ratio)[:8]
    return tuple(
        f"{d.ratio:.2f} {k.column or '(table)'} {k.stat}{f' {k.slice}' if k.slice else ''}"
        f" {d.value:.4g} for {d.expected:.4g}"
        for k, d in far
    )


def profile_of(path: Path, sliced: tuple[str, ...], kept: Path) -> BatchProfile:
    """The profile of a file, from disk where these bytes were profiled before by this code."""
    key = hashlib.sha256(repr((_digest(path), sliced, profile_code())).encode()).hexdigest()
    place = kept / key[:2] / f"{key}.profile"
    if place.exists():
        return unpack(place.read_bytes())
    with open_log([str(path)]) as source:
        packed = pack(profile_log(source, roles_of(parse(MODEL, "bench.toml")), sliced or None))
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_suffix(f".{random.getrandbits(32):x}")
    unfinished.write_bytes(packed)
    unfinished.replace(place)
    return unpack(packed)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def profile_code() -> str:
    """A hash of every module of ours that profiling a file imports."""
    seen: dict[str, bytes] = {}
    waiting = ["core.profiles", "core.stats.packing", "storage.logs.source"]
    while waiting:
        module = waiting.pop()
        path = ROOT / f"{module.replace('.', '/')}.py"
        if module in seen or not path.exists():
            continue
        seen[module] = path.read_bytes()
        waiting += _imports(seen[module])
    return hashlib.sha256(b"\0".join(seen[module] for module in sorted(seen))).hexdigest()


def _imports(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("core", "storage")):
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
