"""Whether ``why`` finds the cause of a fault it was not told of, and names nobody where nothing is wrong.

Seventeen drills (``sample_data/drills``, written by somebody who did not know the library of symptoms) in three
severities, each a store of its own: reference, twelve clean batches, four with the fault, labels, versions, and a
change feed with bystanders. Beside it stands the change nearest before the onset: what one looks at first by hand.

usage: why.py [--quick] [--json] [--seeds N] [--clean N] [--only ID] [--severity S] [--show]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core import labels, versions  # noqa: E402
from core.baseline import Baselines  # noqa: E402
from core.changes import feed as changes  # noqa: E402
from core.evaluation import sets as evaluation_sets  # noqa: E402
from core.ingest import ingest  # noqa: E402
from core.why.answer import explain  # noqa: E402
from core.why.explanation import Why  # noqa: E402
from sample_data import drills  # noqa: E402
from sample_data.drills import Drill  # noqa: E402
from sample_data.records import LogFile  # noqa: E402
from storage import db as store  # noqa: E402
from storage import model_file  # noqa: E402
from storage.clock import from_text, to_text  # noqa: E402
from storage.host import Actor  # noqa: E402
from storage.records.evaluation_sets import Item  # noqa: E402
from storage.records.models import Model  # noqa: E402
from storage.tables import models  # noqa: E402
from tests.benchmarks.figures import Figure, show  # noqa: E402

ADA = Actor("ada", "bench")
ACTIONS = {
    "roll back": "roll back",
    "revert the change": "revert",
    "fix upstream": "mend",
    "fix the pipeline": "mend",
    "re-apply": "mend",
    "fix the labels": "relabel",
    "do not roll back": "relabel",
    "not enough labels": "wait",
    "hold": "wait",
    "do nothing": "nothing",
    "watch": "nothing",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What was said of one drill.

    Attributes:
        change_rank: place of the true change among the suspects, from 1; 0 when it is not named, None without one.
        cause_rank: place of the true ``layer/category`` among the causes, from 1; 0 when it is not among the first ten.
        evidence: pieces of evidence for the true change.
        nearest_rank: place of the true change among the changes nearest before the onset in time (what a person tries).
    """

    id: str
    severity: str
    seed: int
    symptoms: tuple[str, ...]
    answer: str | None
    right: str
    change_rank: int | None
    cause_rank: int
    suspects: int
    evidence: int
    nearest_rank: int | None
    seconds: float

    @property
    def found(self) -> bool:
        """The true cause is first or second: the change where one is the cause, else the layer and category."""
        rank = self.cause_rank if self.change_rank is None else self.change_rank
        return 1 <= rank <= 2

    @property
    def first(self) -> bool:
        """The true cause is first."""
        return (self.cause_rank if self.change_rank is None else self.change_rank) == 1

    @property
    def third(self) -> bool:
        """The true cause is among the first three."""
        return 1 <= (self.cause_rank if self.change_rank is None else self.change_rank) <= 3


def filled(drill: Drill, path: Path, *, keep_labels: bool = True) -> tuple[sqlite3.Connection, Model]:
    """A store with everything that there is when somebody asks."""
    store.prepare(path)
    db = store.connect(path)
    db.execute("PRAGMA synchronous=OFF")
    parsed, text, sha256 = model_file.read(drill.model.model_file)
    start = min(file.arrived for file in drill.arrivals())
    models.register(db, parsed.name, path=str(drill.model.model_file), text=text, sha256=sha256, actor=ADA, now=start)
    model = models.get(db, drill.model.name)
    for version in drill.model.versions:
        parts = {a.kind: a.path for a in version.artifacts}
        sources = versions.Sources(
            artifact=parts.get("model"),
            data=parts.get("data"),
            config=parts.get("config"),
            code=version.code_ref,
            environment=parts.get("environment"),
            seed=str(version.seed),
            schema=version.schema_file,
        )
        versions.add(db, model, version.name, sources, trained_at=version.trained_at, actor=ADA, now=version.trained_at)
    for d in drill.model.deployments:
        versions.deploy(
            db,
            model,
            d.version,
            d.stage,
            traffic=d.traffic,
            at=d.at,
            reason=d.reason,
            actor=Actor(d.by, "bench"),
            now=d.at,
        )
    with drill.changes_file.open(encoding="utf-8") as lines:
        taken = changes.add_lines(db, lines, source="drill", actor=ADA, now=drill.now)
    if taken.bad:
        raise SystemExit(f"{drill.id}: {taken.bad}")
    baselines = Baselines(db, model)
    arrivals = drill.arrivals()
    reference = [str(f.path) for f in arrivals if f.role == "reference"]
    list(ingest(db, model, reference, role="reference", actor=ADA, now=start, baselines=baselines))
    if drill.golden is not None:
        known = [json.loads(line) for line in drill.golden.read_text(encoding="utf-8").splitlines()]
        rows = [Item(row["id"], row["features"], None, row["prediction"]) for row in known]
        evaluation_sets.freeze(db, model, "core", purpose="golden", cases="none", rows=rows, actor=ADA, now=start)
    for file in arrivals:
        if file.role == "serving":
            list(ingest(db, model, [str(file.path)], actor=ADA, now=file.arrived, baselines=baselines))
    found = [f for f in arrivals if f.role == "labels"] if keep_labels else []
    for labelled, came in together(found, path.parent):
        labels.ingest_labels(db, model, labelled, actor=ADA, now=came)
    return db, model


def together(files: Sequence[LogFile], folder: Path) -> list[tuple[Path, datetime]]:
    """Label files with their arrival, the older ones as one file: each is looked for in every batch, which takes long.

    The latest :data:`APART` stay apart, since when labels came is evidence.
    """
    older, latest = files[:-APART], files[-APART:]
    texts = [f.path.read_text(encoding="utf-8").splitlines() for f in older if f.path.suffix == ".csv"]
    if len(texts) < 2 or len(texts) != len(older) or len({t[0] for t in texts}) != 1:
        return [(f.path, f.arrived) for f in files]
    whole = folder / "labels.csv"
    whole.write_text("\n".join([texts[0][0], *(line for t in texts for line in t[1:])]) + "\n", encoding="utf-8")
    return [(whole, older[-1].arrived), *((f.path, f.arrived) for f in latest)]


APART = 6


def true_change(db: sqlite3.Connection, drill: Drill) -> set[str]:
    """Rows of the feed that are the cause."""
    truth = drill.truth
    if truth is None:
        return set()
    found = set()
    if truth.source_ref is not None:
        rows = db.execute("SELECT id FROM changes WHERE source_ref = ?", (truth.source_ref,)).fetchall()
        if not rows:
            raise SystemExit(f"{drill.id}: the feed has no {truth.source_ref}")
        found |= {f"changes:{row['id']}" for row in rows}
    if truth.version is not None:
        found |= {
            f"deployments:{row['id']}"
            for row in db.execute("SELECT id FROM deployments WHERE version = ?", (truth.version,))
        }
    return found


def judged(drill: Drill, db: sqlite3.Connection, why: Why, seconds: float) -> Trial:
    """What was said against the truth."""
    truth, wanted = drill.truth, true_change(db, drill)
    named = list(dict.fromkeys(s.change.reference for _, s in why.suspects))
    rank = next((i for i, ref in enumerate(named, 1) if ref in wanted), 0) if wanted else None
    evidence = next((len(s.for_it) for _, s in why.suspects if s.change.reference in wanted), 0)
    scores: dict[str, float] = {}
    for one in why.explanations:
        for cause, score in one.causes:
            scores[cause] = max(scores.get(cause, 0.0), score * one.match.fit)
    causes = sorted(scores, key=lambda c: -scores[c])[:10]
    cause_rank = next((i for i, c in enumerate(causes, 1) if truth is not None and c in truth.causes), 0)
    before = db.execute(
        "SELECT * FROM (SELECT 'changes:' || id AS ref, at FROM changes UNION ALL "
        "SELECT 'deployments:' || id, at FROM deployments WHERE action = 'enter') WHERE at <= ? ORDER BY at DESC",
        (to_text(drill.since),),
    ).fetchall()
    nearest = next((i for i, row in enumerate(before, 1) if row["ref"] in wanted), 0) if wanted else None
    return Trial(
        id=drill.id,
        severity=drill.severity,
        seed=drill.seed,
        symptoms=tuple(e.symptom.id for e in why.explanations),
        answer=why.explanations[0].verdict if why.explanations else None,
        right=truth.action if truth is not None else "nothing",
        change_rank=rank,
        cause_rank=cause_rank,
        suspects=len(named),
        evidence=evidence,
        nearest_rank=nearest,
        seconds=seconds,
    )


def trial(drill: Drill, folder: Path) -> Trial:
    """Fill a store, ask once, judge."""
    db, model = filled(drill, folder / "s.db")
    try:
        begun = time.perf_counter()
        why = explain(db, model, now=drill.now)
        return judged(drill, db, why, time.perf_counter() - begun)
    finally:
        db.close()


def clean_trials(shape: str, batches_each: int, seed: int, folder: Path) -> Iterator[Trial]:
    """Every serving batch of a clean run, asked about when it came."""
    drill = drills.clean(folder / "d", seed=seed, shape=shape, batches=batches_each)
    db, model = filled(drill, folder / "s.db", keep_labels=False)
    try:
        rows = db.execute("SELECT id, arrived_at FROM batches WHERE role = 'serving' ORDER BY id").fetchall()
        for row in rows:
            begun = time.perf_counter()
            why = explain(db, model, now=from_text(row["arrived_at"]), batch=row["id"])
            yield judged(drill, db, why, time.perf_counter() - begun)
    finally:
        db.close()


def drawn(wanted: Sequence[tuple[str, str, int]]) -> Iterator[Trial]:
    """A trial for each (id, severity, seed)."""
    for name, severity, seed in wanted:
        folder = Path(tempfile.mkdtemp(prefix="why-"))
        try:
            yield trial(drills.drill(folder / "d", name, severity=severity, seed=seed), folder)  # type: ignore[arg-type]
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def undisturbed(batches: int, seed: int) -> Iterator[Trial]:
    """Clean batches, a run of each shape of model."""
    shapes = tuple(drills.SHAPES)
    for place, shape in enumerate(shapes):
        folder = Path(tempfile.mkdtemp(prefix="why-"))
        each = batches // len(shapes) + (place < batches % len(shapes))
        try:
            yield from clean_trials(shape, each, seed, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def told(trials: Sequence[Trial]) -> None:
    """One line a trial on standard error."""
    for t in trials:
        mark = "ok " if t.found else "-- "
        act = "act" if ACTIONS.get(t.answer or "") == t.right else "   "
        line = f"{mark}{act} {t.id:24} {t.severity:7} {t.seed:3} change {t.change_rank} cause {t.cause_rank} "
        sys.stderr.write(f"{line} {t.answer} (right: {t.right}) {','.join(t.symptoms)}\n")


def figures(trials: Sequence[Trial], clean: Sequence[Trial]) -> list[Figure]:
    """What is printed."""
    found: list[Figure] = []
    for severity in drills.SEVERITIES:
        part = [t for t in trials if t.severity == severity]
        if part:
            found += _of_severity(severity, part)
    if clean:
        named, said = sum(t.suspects > 0 for t in clean), sum(bool(t.symptoms) for t in clean)
        whole = f"of {len(clean)} clean batches"
        found.append(Figure("why_clean_named", named, f"{whole} name a suspect", "-", None, "0", named == 0))
        found.append(Figure("why_clean_symptoms", said, f"{whole} tell a symptom", "-", None, "-", None))
    every = sorted(t.seconds for t in (*trials, *clean))
    if every:
        middle = every[len(every) // 2]
        found.append(Figure("why_seconds", middle, "s median", "limit 1 s", middle, "under 1 s", middle < 1))
    return found


def _of_severity(severity: str, part: Sequence[Trial]) -> list[Figure]:
    found = []
    kinds = sorted({t.id for t in part})
    near = [t for t in part if t.change_rank is not None]
    peer = f"nearest change in time: first {_share(near, 1)}, first or second {_share(near, 2)}"
    shares = {
        "first": sum(t.first for t in part),
        "first_or_second": sum(t.found for t in part),
        "first_three": sum(t.third for t in part),
        "action": sum(ACTIONS.get(t.answer or "") == t.right for t in part),
    }
    for name, number in shares.items():
        share = number / len(part)
        aim = severity == "full" and name == "first_or_second"
        goal = "at least 15 of 17" if aim else "-"
        ok = share >= 15 / 17 if aim else None
        found.append(Figure(f"why_{severity}_{name}", share, f"share of {len(part)} trials", peer, None, goal, ok))
    good = sum(2 * sum(t.found for t in part if t.id == k) >= sum(t.id == k for t in part) for k in kinds)
    unit = f"of {len(kinds)} drills: found in at least half of their trials"
    aim = severity == "full" and len(kinds) == 17
    found.append(
        Figure(f"why_{severity}_drills", good, unit, "-", None, "15" if aim else "-", good >= 15 if aim else None)
    )
    harmful = sum(t.answer == "roll back" and t.right != "roll back" for t in part)
    unit = f"of {len(part)} trials: a rollback that helps nothing"
    found.append(Figure(f"why_{severity}_harmful", harmful, unit, "-", None, "0", harmful == 0))
    return found


def _share(trials: Sequence[Trial], most: int) -> float:
    return round(sum(1 <= (t.nearest_rank or 0) <= most for t in trials) / max(len(trials), 1), 3)


def main() -> None:
    """Print one figure a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, full severity, twelve clean batches")
    parser.add_argument("--json", action="store_true", help="always so: one object a line")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--clean", type=int, default=200)
    parser.add_argument("--only", action="append", help="only this drill")
    parser.add_argument("--severity", action="append", choices=drills.SEVERITIES)
    parser.add_argument("--show", action="store_true", help="a line a trial on standard error")
    parser.add_argument("--out", type=Path, help="append every trial as a JSON line")
    given: Any = parser.parse_args()
    seeds, clean_runs = (1, 12) if given.quick else (given.seeds, given.clean)
    severities = given.severity or (["full"] if given.quick else list(drills.SEVERITIES))
    ids = given.only or [*drills.PLANTED_IDS, *drills.FURTHER_IDS]
    wanted = [(name, severity, given.first + n) for severity in severities for name in ids for n in range(seeds)]
    trials: list[Trial] = []
    for one in chain(drawn(wanted), undisturbed(0 if given.only else clean_runs, given.first)):
        trials.append(one)
        if given.show:
            told([one])
        if given.out:
            with given.out.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(one)) + "\n")
    faults = [t for t in trials if t.id != "clean"]
    for figure in figures(faults, [t for t in trials if t.id == "clean"]):
        show(figure)
    if given.show:
        sys.stderr.write(f"{Counter(t.answer for t in faults)}\n")


if __name__ == "__main__":
    main()
