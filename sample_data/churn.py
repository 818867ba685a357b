"""churn: who will leave within a month. Parquet, a file a day, then one every ten minutes in the last night.

Planted: v42, trained on labels half flipped by a join, takes all traffic 50 minutes before the end; earlier in the same
night a campaign moves `spend`, `sessions` and thirty marketing counters, which the model hardly uses.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sample_data import churn_versions as specs
from sample_data import linear, versions
from sample_data.drawing import even_labels, identifiers, pick
from sample_data.records import Answer, Fault, LogFile, ModelScenario
from sample_data.windows import Window, consecutive_windows, daily_windows, draw_times, night_windows, weekend
from sample_data.writing import Part, cells, write_csv, write_parquet

if TYPE_CHECKING:
    import numpy as np

ROWS = 800
LABEL_LAG = timedelta(days=3)
STORM_KNOWN = timedelta(minutes=105)  # before the end: the campaign was seen to be behind it
STORM = (timedelta(minutes=160), timedelta(minutes=60))  # from and until, before the end

UNSEEN = 0.5  # spread of what makes people leave and no column shows


def generate_churn(
    directory: Path, *, seed: int, end: datetime, days: int, rows: int, planted: bool
) -> tuple[ModelScenario, tuple[Fault, ...]]:
    """Writes everything of `churn` under `directory`; `rows` is per file. Without `planted`, v41 stays live."""
    import numpy as np

    rng = np.random.default_rng([seed, 1])
    windows = [*daily_windows(end, days), *night_windows(end, 10)]
    after = consecutive_windows(end, timedelta(minutes=10), 2)
    columns = _draw(rng, [*windows, *after], rows, end, planted)
    paths = [directory / "logs" / "churn" / f"{window.name}.parquet" for window in windows]
    paths += [directory / "later" / "churn" / f"{window.name}.parquet" for window in after]
    files = [
        LogFile(
            path,
            window.role,
            window.start,
            window.end,
            window.end,
            rows,
            tuple(sorted(set(columns["model_version"][index * rows : (index + 1) * rows].tolist()))),
        )
        for index, (window, path) in enumerate(zip([*windows, *after], paths, strict=True))
    ]
    split = sum(window.role == "reference" for window in windows)
    features = [name for name in columns if name not in ("churned", "labelled_at")]
    parts = [
        Part(file.path, index * rows, (index + 1) * rows, [*features, "churned"] if index < split else features)
        for index, file in enumerate(files)
    ]
    ripe = sum(window.end + LABEL_LAG <= end for window in windows)
    labels = []
    for first, last in [*((first, min(first + 3, ripe)) for first in range(split, ripe, 3)), (ripe, len(windows))]:
        folder = directory / ("later" if first == ripe else "labels") / "churn"
        path = folder / f"labels-{windows[first].name}.parquet"
        parts.append(Part(path, first * rows, last * rows, ["request_id", "churned", "labelled_at"]))
        begin, stop = windows[first].start, windows[last - 1].end
        labels.append(LogFile(path, "labels", begin, stop, stop + LABEL_LAG, (last - first) * rows))
    write_parquet(columns, parts)
    scores = _write_scores(directory, columns, split * rows, ripe * rows) if planted else ()
    home = directory / "srv" / "churn"
    model = ModelScenario(
        name="churn",
        model_file=directory / "models" / "churn.toml",
        pointer=versions.write_home(home, "v42" if planted else "v41"),
        reference=tuple(files[:split]),
        serving=tuple(files[split : len(windows)]),
        labels=tuple(labels[:-1]),
        later=(*files[len(windows) :], labels[-1]),
        versions=specs.write_versions(home, end, planted),
        deployments=specs.deployments(end, planted),
        candidate=specs.candidate(end, scores) if planted else None,
    )
    return model, _faults(model, end) if planted else ()


def _draw(rng: np.random.Generator, windows: list[Window], rows: int, end: datetime, planted: bool) -> dict[str, Any]:
    """Columns and true labels of all windows, one after the other; the draw is the same with and without faults."""
    import numpy as np

    total = rows * len(windows)
    times = draw_times(rng, windows, rows)
    starts = np.repeat(np.asarray([np.datetime64(w.start.replace(tzinfo=None), "ms") for w in windows]), rows)
    now = np.datetime64(end.replace(tzinfo=None), "ms")
    storm = (starts >= now - np.timedelta64(STORM[0])) & (starts < now - np.timedelta64(STORM[1])) & planted
    bad = (times >= now - np.timedelta64(specs.PROMOTED)) & (times < now) & planted
    busy = weekend(times)

    plan_code = rng.choice(3, total, p=(0.55, 0.3, 0.15))
    price = np.asarray(list(specs.PLANS.values()))[plan_code]
    activity = rng.standard_normal(total)
    user = rng.permutation(np.arange(100_000, 100_000 + total))
    trace = rng.integers(0, 2**63, total)
    age = np.clip(np.round(rng.normal(41, 12, total)), 18, 90)
    age[rng.random(total) < 0.02] = np.nan
    tickets = rng.poisson(0.6, total)
    spend = price * np.exp(0.35 * activity + 0.5 * rng.standard_normal(total)) * np.where(storm, 1.45, 1.0)
    sessions = np.maximum(np.round(6 + 1.2 * activity + 2.2 * rng.standard_normal(total) + 0.4 * busy + 2.4 * storm), 0)
    columns: dict[str, Any] = {
        "request_id": identifiers("ch-", np.arange(1, total + 1), 8),
        "scored_at": times,
        "email": np.asarray([f"user{number}@example.com" for number in user.tolist()], dtype=object),
        "trace_id": np.asarray([f"{number:016x}" for number in trace.tolist()], dtype=object),
        "region": pick(rng, total, {"emea": 0.42, "na": 0.33, "apac": 0.17, "latam": 0.08}),
        "device": pick(rng, total, {"android": 0.46, "ios": 0.34, "web": 0.2}),
        "plan": np.asarray(list(specs.PLANS), dtype=object)[plan_code],
        "plan_price": price,
        "age": age,
        "tenure_months": np.clip(rng.gamma(2.0, 12.0, total), 0, 120).astype(np.int32),
        "days_since_login": np.clip(rng.exponential(6.0, total) * np.exp(-0.15 * activity), 0, 60).astype(np.int32),
        "sessions": sessions.astype(np.int32),
        "spend": np.round(spend, 2),
        "tickets": tickets.astype(np.int32),
        "latency_ms": np.round(np.exp(rng.normal(3.4, 0.35, total))).astype(np.int32),
    }
    reach = 0.6 * (rng.standard_normal(total) + 0.9 * storm)
    for index, name in enumerate(specs.COUNTERS):
        noise = 0.4 * rng.standard_normal(total)
        columns[name] = np.exp(2.4 + 0.05 * index + reach + noise).astype(np.int32)
    before = times < now - np.timedelta64(specs.V41_LIVE)
    columns["score"] = np.where(
        bad,
        linear.predict(specs.V42, columns),
        np.where(before, linear.predict(specs.V40, columns), linear.predict(specs.V41, columns)),
    )
    columns["model_version"] = np.where(bad, "v42", np.where(before, "v40", "v41")).astype(object)
    columns["stage"] = np.full(total, "full", dtype=object)
    known = linear.raw_total(specs.V41, columns)
    truth = 1.0 / (1.0 + np.exp(-known - UNSEEN * rng.standard_normal(total)))
    columns["churned"] = even_labels(rng, truth, np.arange(total) // rows, known)
    columns["labelled_at"] = times + np.timedelta64(LABEL_LAG)
    return columns


def _write_scores(directory: Path, columns: dict[str, Any], first: int, last: int) -> tuple[tuple[str, Path], ...]:
    """What v42 and v43 answer to the labelled serving rows `first` to `last`: ids and scores, one file a version."""
    same = {name: values[first:last] for name, values in columns.items()}
    files = []
    for name, spec in (("v42", specs.V42), ("v43", specs.V43)):
        path = directory / "scores" / "churn" / f"{name}.csv"
        write_csv(path, {"request_id": same["request_id"].tolist(), "score": cells(linear.predict(spec, same), 5)})
        files.append((name, path))
    return tuple(files)


def _faults(model: ModelScenario, end: datetime) -> tuple[Fault, ...]:
    promoted = end - specs.PROMOTED
    bad = [file for file in model.serving if file.window_start >= promoted]
    storm = [file for file in model.serving if end - STORM[0] <= file.window_start < end - STORM[1]]
    return (
        Fault(
            id="churn-bad-snapshot",
            model="churn",
            title="v42 was trained on half flipped labels",
            since=promoted,
            files=tuple(file.path for file in bad),
            rows=sum(file.rows for file in bad),
            columns=("score",),
            tier="page",
            must_say="predictions moved and inputs did not: score mean up by 0.21, PSI far above 1, mean confidence "
            "from 0.75 to 0.51, from the first batch of v42 on; first suspect: v42 entering full at 02:10, not the "
            "min_score change of 01:40 nor the image of six days ago; v41 to v42: data hash differs, code and "
            "config do not",
            right_action="roll back to v41 (v40 is not possible: its model file is gone); stop retraining",
            wrong_action="acknowledge the drift storm and sleep; wait three days for labels; revert min_score",
        ),
        Fault(
            id="churn-drift-storm",
            model="churn",
            title="a campaign moves spend, sessions and thirty marketing counters",
            since=end - STORM[0],
            files=tuple(file.path for file in storm),
            rows=sum(file.rows for file in storm),
            columns=("spend", "sessions", *specs.COUNTERS),
            tier="digest",
            must_say="columns that move together are one alert, in digest; predictions did not move; over before v42",
            right_action="none: mark as noise",
            wrong_action="page; roll back or retrain for it; blame it for what happens at 02:10",
            harmless=True,
            answer=Answer("noise", "a.lindqvist", end - STORM_KNOWN, "the autumn campaign began, no input is broken"),
        ),
    )
