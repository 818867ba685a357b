"""Performance without labels: how far estimated AUC and accuracy are from what labels said later.

    python tests/benchmarks/estimates.py [--quick] [--json] [--data FOLDER] [--peers ENVIRONMENT]

``employment_MA``: 2015 is the reference, 2016-2018 come in chunks of 5,000 rows in the order of the file. The others
have a boosted model trained on their earliest rows and a reference after those; flights and bank calls then come in
the order of time, adult rows are drawn so that their mix of education and age drifts. NannyML's CBPE sees the same
chunks where its environment exists (make bench-peers); "unchanged" says of each chunk what the reference's labels said.
Without a folder, and with --quick, one made set of rows whose mix drifts. Prints one JSON object a line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from figures import Figure, show  # noqa: E402

from core.stats.estimation.backtest import cut, interval, judge  # noqa: E402
from core.stats.estimation.learned import estimate, learn, measured  # noqa: E402
from core.stats.estimation.rows import Rows  # noqa: E402
from core.stats.slices.coding import fit_categories, fit_numbers  # noqa: E402

METRICS = ("auc", "accuracy")
CHUNK = 5_000
DRAWS = 8


@dataclass(frozen=True, slots=True)
class Task:
    """Labelled rows before and after, as codes of columns and a score."""

    name: str
    reference: Rows
    later: Rows
    sizes: tuple[int, ...]
    chunk: int


def coded(name: str, frame: Any, score: Any, decided: Any, truth: Any, reference: Any, later: Any, chunk: int) -> Task:
    """Columns coded on the reference rows; ``reference`` and ``later`` are places of rows."""
    import pandas as pd

    lines, sizes = [], []
    for column in frame.columns:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values):
            numbers = values.to_numpy(dtype=np.float64)
            coding = fit_numbers(column, numbers[reference], bins=12)
            lines.append(coding.encode_numbers(numbers))
        else:
            texts = values.astype(object).where(values.notna(), None)
            counts = texts.iloc[reference].value_counts(dropna=False)
            named = [(None if key is None or key != key else str(key), int(n)) for key, n in counts.items()]
            coding = fit_categories(column, named, support=0.01)
            distinct, places = np.unique([("" if v is None else str(v)) for v in texts], return_inverse=True)
            lines.append(coding.encode_values([str(v) or None for v in distinct])[places])
        sizes.append(coding.size + 1)
    own = fit_numbers("score", score[reference], bins=24)
    rows = Rows(score, decided, np.array([*lines, own.encode_numbers(score)]), truth.astype(np.float64))
    return Task(name, rows.take(reference), rows.take(later), (*sizes, own.size + 1), chunk)


def employment(folder: Path) -> Task:
    """Scores that a real model gave in production."""
    import pandas as pd

    frame = pd.read_csv(folder / "employment_MA.csv.gz")
    score, truth = frame["predicted_probability"].to_numpy(np.float64), frame["employed"].to_numpy()
    decided, year = frame["prediction"].to_numpy() == 1, frame["year"].to_numpy()
    features = frame.drop(columns=["id", "employed", "year", "prediction", "predicted_probability", "partition"])
    before, after = np.flatnonzero(year == 2015), np.flatnonzero(year > 2015)
    return coded("employment_MA", features, score, decided, truth, before, after, CHUNK)


def trained(name: str, frame: Any, truth: Any, train: Any, reference: Any, later: Any, chunk: int) -> Task:
    """Scores of a boosted model that learned from the rows at ``train``."""
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier

    numbers = frame.copy()
    for column in numbers.columns:
        if not pd.api.types.is_numeric_dtype(numbers[column]):
            numbers[column] = pd.factorize(numbers[column], sort=True)[0]
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(numbers.iloc[train], truth[train])
    score = np.asarray(model.predict_proba(numbers)[:, 1], np.float64)
    return coded(name, frame, score, score >= 0.5, truth, reference, later, chunk)


def flights(folder: Path) -> Task:
    """New York's flights of 2013: January and February teach, March and April are the reference, then till December."""
    import pandas as pd

    frame = pd.read_csv(folder / "nycflights13.csv.gz")
    frame = frame[frame["arr_delay"].notna()].sort_values("time_hour", kind="stable").reset_index(drop=True)
    month, truth = frame["month"].to_numpy(), (frame["arr_delay"] > 15).to_numpy().astype(np.int64)
    frame["weekday"] = pd.to_datetime(frame["time_hour"]).dt.dayofweek
    features = frame[["carrier", "origin", "dest", "hour", "distance", "weekday", "dep_delay", "air_time"]]
    parts = [np.flatnonzero(found) for found in (month <= 2, (month > 2) & (month <= 4), month > 4)]
    return trained("nycflights13", features, truth, parts[0], parts[1], parts[2], CHUNK)


def bank(folder: Path) -> Task:
    """Calls of a bank's campaign, in the order of the file, which is that of time."""
    import pandas as pd

    frame = pd.read_csv(folder / "bank_marketing.csv.gz")
    truth, n = (frame.pop("y") == "yes").to_numpy().astype(np.int64), len(frame)
    cuts = [np.arange(n * a // 10, n * b // 10) for a, b in ((0, 3), (3, 6), (6, 10))]
    return trained("bank_marketing", frame, truth, cuts[0], cuts[1], cuts[2], 1_000)


def adult(folder: Path, seed: int = 0) -> Task:
    """Census rows whose later part is drawn with a mix of education and age that drifts."""
    import pandas as pd

    frame = pd.read_csv(folder / "adult.csv.gz").drop(columns=["split", "fnlwgt"])
    truth = frame.pop("income").astype(str).str.contains(">50K").to_numpy().astype(np.int64)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(frame))
    train, reference, rest = np.split(order, [len(order) // 4, len(order) // 2])
    pull = (frame["education-num"].to_numpy() - 10) / 2.5 + (frame["age"].to_numpy() - 38) / 14
    later = []
    for strength in np.linspace(-1.0, 1.0, 24):
        chance = np.exp(strength * pull[rest])
        later.append(rng.choice(rest, 1_000, replace=False, p=chance / chance.sum()))
    return trained("adult, drifting mix", frame, truth, train, reference, np.concatenate(later), 1_000)


def made(rows: int = 12_000) -> Task:
    """Rows with two columns of which the score knows one, and the mix of the other drifts."""
    import pandas as pd

    rng = np.random.default_rng(5)
    known, hidden = rng.normal(size=2 * rows), np.empty(2 * rows)
    hidden[:rows] = rng.random(rows) < 0.3
    hidden[rows:] = rng.random(rows) < np.linspace(0.1, 0.9, rows)
    score = 1 / (1 + np.exp(-1.5 * known))
    truth = (rng.random(2 * rows) < 1 / (1 + np.exp(-known * np.where(hidden == 1, 0.3, 2.0)))).astype(np.int64)
    frame = pd.DataFrame({"known": known, "hidden": np.where(hidden == 1, "yes", "no")})
    places = np.arange(2 * rows)
    return coded("made", frame, score, score >= 0.5, truth, places[:rows], places[rows:], 1_000)


def tasks(folder: Path | None) -> Iterator[list[Task]]:
    """Every data set, of which some are drawn several times; without a folder the made one alone."""
    if folder is None:
        yield [made()]
        return
    for load in (employment, flights, bank):
        yield [load(folder)]
    yield [adult(folder, seed) for seed in range(DRAWS)]


def chunks(task: Task) -> Iterator[Rows]:
    """What comes later, in windows; the last may be smaller."""
    places = np.arange(len(task.later), dtype=np.intp)
    for first in range(0, len(places), task.chunk):
        yield task.later.take(places[first : first + task.chunk])


@dataclass(frozen=True, slots=True)
class Ours:
    """Absolute errors per metric and chunk, of our estimates and of saying that nothing changed.

    ``places`` are the chunks whose labels tell the metric; ``off`` counts estimates that would not be shown.
    """

    own: dict[str, list[float]]
    same: dict[str, list[float]]
    truth: dict[str, list[float]]
    places: dict[str, list[int]]
    inside: list[bool]
    off: int
    seconds: float

    def beside(self, other: dict[str, list[float]], metric: str) -> list[float]:
        """A peer's absolute errors on the same chunks."""
        said = np.array(other[metric])[self.places[metric]]
        return [float(error) for error in np.abs(said - np.array(self.truth[metric]))]


def ours(task: Task) -> Ours:
    """Learn from the reference, then estimate every chunk; no label of a chunk is used before or after it."""
    begun = time.process_time()
    learned = learn(task.reference, task.sizes)
    windows = cut(learned, chunk=task.chunk)
    told = Ours(
        {m: [] for m in METRICS},
        {m: [] for m in METRICS},
        {m: [] for m in METRICS},
        {m: [] for m in METRICS},
        [],
        0,
        0.0,
    )
    off = 0
    for place, rows in enumerate(chunks(task)):
        said, truth = estimate(learned, rows), measured(rows)
        for name in (known for known in METRICS if known in truth):
            verdict = judge(
                windows[name],
                list(said.found[name]),
                calibration_error=learned.calibration_error,
                uncovered=said.uncovered,
            )
            shown = said.found[name][verdict.method]
            low, high = interval(shown, verdict)
            told.own[name].append(abs(shown.value - truth[name].value))
            told.same[name].append(abs(said.found[name]["same"].value - truth[name].value))
            told.truth[name].append(truth[name].value)
            told.places[name].append(place)
            told.inside.append(low <= truth[name].value <= high)
            off += not verdict.usable
    return replace(told, off=off, seconds=time.process_time() - begun)


def peer(task: Task, python: Path) -> dict[str, list[float]] | None:
    """CBPE on the same rows; None where it isn't installed."""
    if not python.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        held: dict[str, Any] = {}
        for side, rows in (("ref", task.reference), ("new", task.later)):
            held |= {
                f"{side}_score": rows.scores,
                f"{side}_decided": rows.decided.astype(int),
                f"{side}_truth": rows.truth,
            }
        np.savez(path, **held)
        command = [str(python), str(HERE / "estimates_peer.py"), str(path), str(task.chunk)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(f"nannyml: {done.stderr.strip().splitlines()[-1:]} (make bench-peers)\n")
        return None
    found: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="made rows only")
    parser.add_argument("--json", action="store_true", help="changes nothing: the output is always JSON lines")
    parser.add_argument("--data", default=os.environ.get("MIDWATCH_DATA"), help="folder of the public data sets")
    parser.add_argument("--peers", default=str(ROOT / ".venv-peers"), help="environment that holds NannyML")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = Path(given.data) if given.data and not given.quick else None
    for draws in tasks(folder):
        name, python = draws[0].name, Path(given.peers) / "bin" / "python"
        told = [ours(task) for task in draws]
        others = [peer(task, python) for task in draws]
        inside = [one for part in told for one in part.inside]
        off = sum(part.off for part in told) / len(inside)
        for metric in METRICS:
            errors = np.array([error for part in told for error in part.own[metric]])
            own, same = float(errors.mean()), float(np.mean([e for part in told for e in part.same[metric]]))
            label = f"{name}: {len(errors)} chunks of {draws[0].chunk:,}, mean absolute error of est. {metric}"
            theirs = [e for part, other in zip(told, others, strict=True) if other for e in part.beside(other, metric)]
            if not theirs:
                show(Figure(label, own, "", f"unchanged {same:.5f}", own / same, "<= unchanged", own <= same))
                continue
            limit = float(np.mean(theirs))
            against = f"NannyML CBPE {limit:.5f}, unchanged {same:.5f}"
            show(Figure(label, own, "", against, own / limit, "<= CBPE, or not shown", own <= limit or off == 1))
        share = float(np.mean(inside))
        label = f"{name}: truth within the 95 % interval"
        show(Figure(label, share, "", "0.95", share / 0.95, ">= 0.9, or not shown", share >= 0.9 or off == 1))
        show(Figure(f"{name}: share of estimates switched off", off, "", "none", None, "told", None))
        seconds = float(np.mean([part.seconds for part in told]))
        show(Figure(f"{name}: CPU, learning and estimating", seconds, "s", "none", None, "told", None))


if __name__ == "__main__":
    main()
