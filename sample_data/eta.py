"""eta: minutes until a courier is at the door. CSV, every third file compressed, one file a day and one for the night.

Planted: the caller `partner_b` begins to send `distance_km` in metres (a tenth of its rows for one day, a day later all
of them), and `traffic_index` is lost for half of the region `north`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sample_data import linear, versions
from sample_data.drawing import half_of, identifiers, pick
from sample_data.records import Candidate, Deployment, Fault, LogFile, ModelScenario, Version
from sample_data.windows import NIGHT, Window, daily_windows, draw_times, night_windows
from sample_data.writing import cells, stamps, write_csv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABEL_LAG = timedelta(hours=1)
NULLS = timedelta(days=3)  # before the last night
TRIAL = (timedelta(days=2), timedelta(days=1))  # a tenth of the caller's rows, before the last night
METRES = timedelta(hours=6)  # all of the caller's rows, before the last night
CANARY = timedelta(days=4)  # v10 at a tenth of the traffic, before the last night

V9: dict[str, Any] = {
    "link": "identity",
    "intercept": 23.0,
    "numeric": linear.numeric(
        distance_km=(5.0, 3.2, 7.0),
        stops=(1.4, 1.2, 2.4),
        traffic_index=(1.0, 0.25, 2.1),
        rain_mm=(0.5, 1.0, 0.6),
    ),
    "categories": {"vehicle": {"bike": 1.5, "scooter": -0.8, "car": 0.4}, "region": {"centre": 0.9, "south": -0.6}},
    "low": 3.0,
    "high": 60.0,
    "digits": 1,
}
V8 = linear.changed(V9, 23.4, 0.95, (0.1, -0.1))
V10 = linear.changed(V9, 23.0, 1.0, (0.03, -0.02))
MEDIAN: dict[str, Any] = {**V9, "numeric": {}, "categories": {}}
NOISE = 5.0  # minutes no column explains: a mean absolute error of 4

SCHEMA = {
    "caller": "text",
    "region": "text",
    "vehicle": "text",
    "distance_km": "number",
    "stops": "number",
    "traffic_index": "number",
    "rain_mm": "number",
}


def generate_eta(
    directory: Path, *, seed: int, end: datetime, days: int, rows: int, planted: bool
) -> tuple[ModelScenario, tuple[Fault, ...]]:
    """Writes everything of `eta` under `directory`; `rows` is per file."""
    import numpy as np

    rng = np.random.default_rng([seed, 2])
    windows = [*daily_windows(end, days), *night_windows(end, int(NIGHT.total_seconds() // 60))]
    drawn, marks = _draw(rng, windows, rows, end, planted)
    text = {
        name: stamps(values) if values.dtype.kind == "M" else cells(values, 3 if values.dtype.kind == "f" else None)
        for name, values in drawn.items()
    }
    split = sum(window.role == "reference" for window in windows)
    files = []
    for index, window in enumerate(windows):
        first, last = index * rows, (index + 1) * rows
        path = directory / "logs" / "eta" / f"{window.name}.csv{'.gz' if index % 3 == 0 else ''}"
        keep = [name for name in text if name != "actual_min" or index < split]
        write_csv(path, {name: text[name][first:last] for name in keep})
        live = tuple(sorted(set(text["model_version"][first:last])))
        files.append(LogFile(path, window.role, window.start, window.end, window.end, rows, live))
    home = directory / "srv" / "eta"
    known = int((drawn["requested_at"] < np.datetime64((end - LABEL_LAG).replace(tzinfo=None), "ms")).sum())
    labels = [
        _write_labels(directory / "labels" / "eta", text, files[first : first + 3], first * rows, known, end)
        for first in range(split, len(windows), 3)
    ]
    late = _write_labels(
        directory / "later" / "eta",
        text,
        files[-1:],
        known,
        len(windows) * rows,
        end + LABEL_LAG,
        after=end - LABEL_LAG,
    )
    model = ModelScenario(
        name="eta",
        model_file=directory / "models" / "eta.toml",
        pointer=versions.write_home(home, "v9"),
        reference=tuple(files[:split]),
        serving=tuple(files[split:]),
        labels=tuple(labels),
        later=(late,),
        versions=_write_versions(home, end),
        deployments=_deployments(end),
        candidate=_candidate(end),
    )
    return model, _faults(model, marks, rows, split, end) if planted else ()


def _draw(
    rng: np.random.Generator, windows: list[Window], rows: int, end: datetime, planted: bool
) -> tuple[dict[str, Any], dict[str, NDArray[np.bool_]]]:
    """Columns with the faults in them, and the masks of the rows that carry each; the draw does not depend on them."""
    import numpy as np

    total = rows * len(windows)
    times = draw_times(rng, windows, rows)
    night = np.datetime64((end - NIGHT).replace(tzinfo=None), "ms")
    columns: dict[str, Any] = {
        "trip_id": identifiers("t", np.arange(1, total + 1), 7),
        "requested_at": times,
        "caller": pick(rng, total, {"app": 0.5, "web": 0.16, "partner_a": 0.14, "partner_b": 0.2}),
        "region": pick(rng, total, {"centre": 0.32, "north": 0.22, "south": 0.26, "west": 0.2}),
        "vehicle": pick(rng, total, {"bike": 0.4, "scooter": 0.35, "car": 0.25}),
        "distance_km": np.round(np.clip(rng.gamma(2.4, 2.1, total), 0.3, 30), 2),
        "stops": np.clip(rng.poisson(1.4, total), 0, 8),
        "traffic_index": np.round(np.exp(rng.normal(-0.03, 0.24, total)), 3),
        "rain_mm": np.round(np.where(rng.random(total) < 0.3, rng.exponential(1.7, total), 0.0), 1),
    }
    actual = linear.raw_total(V9, columns) + NOISE * rng.standard_normal(total)
    chance, share = rng.random(total), rng.random(total)
    caller = columns["caller"] == "partner_b"
    trial = (times >= night - np.timedelta64(TRIAL[0])) & (times < night - np.timedelta64(TRIAL[1])) & (chance < 0.1)
    metres = caller & (trial | (times >= night - np.timedelta64(METRES))) & planted
    starts = np.arange(total) // rows
    lossy = (columns["region"] == "north") & (times >= night - np.timedelta64(NULLS))
    nulls = half_of(rng, lossy, starts) & planted
    columns["distance_km"] = np.where(metres, np.round(columns["distance_km"] * 1000), columns["distance_km"])
    columns["traffic_index"] = np.where(nulls, np.nan, columns["traffic_index"])
    canary = (times >= night - np.timedelta64(CANARY)) & (share < 0.1)
    columns["eta_min"] = np.where(canary, linear.predict(V10, columns), linear.predict(V9, columns))
    columns["model_version"] = np.where(canary, "v10", "v9").astype(object)
    columns["stage"] = np.where(canary, "canary", "full").astype(object)
    columns["actual_min"] = np.round(np.maximum(actual, 2.0), 1)
    return columns, {"metres": metres, "nulls": nulls}


def _write_labels(
    folder: Path,
    text: dict[str, list[str]],
    files: list[LogFile],
    begin: int,
    limit: int,
    now: datetime,
    after: datetime | None = None,
) -> LogFile:
    """The labels known at `now` of consecutive log files: rows from `begin` to before `limit`.

    `after` is the start of the window where it is not that of the first file.
    """
    stop = min(limit, begin + sum(file.rows for file in files))
    start, last = after or files[0].window_start, min(files[-1].window_end, now - LABEL_LAG)
    path = folder / f"labels-{start:%Y-%m-%dT%H%M}.csv"
    write_csv(path, {name: text[name][begin:stop] for name in ("trip_id", "actual_min")})
    return LogFile(path, "labels", start, last, last + LABEL_LAG, stop - begin)


def _write_versions(home: Path, end: datetime) -> tuple[Version, ...]:
    night = end - NIGHT
    told = (
        ("median-v1", MEDIAN, 120, 1, "0a77e1b3", "fallback", {"learner": "median"}),
        ("v8", V8, 70, 8, "5be2207f", "normal", {"learner": "additive", "l2": 0.1}),
        ("v9", V9, 34, 9, "d20c9a61", "normal", {"learner": "additive", "l2": 0.02}),
        ("v10", V10, 6, 10, "d20c9a61", "normal", {"learner": "additive", "l2": 0.02, "huber": 12.0}),
    )
    return tuple(
        versions.write_version(
            home,
            name,
            spec=spec,
            data=versions.data_manifest(
                "warehouse.trips",
                night - timedelta(days=age + 60),
                night - timedelta(days=age),
                400_000 + 1_311 * number,
                label_mean_min=23.1,
            ),
            schema=SCHEMA if role == "normal" else {},
            config=versions.training_config("eta", **config),
            commit=code,
            seed=number,
            trained_at=night - timedelta(days=age - 1),
            role=role,
        )
        for name, spec, age, number, code, role, config in told
    )


def _deployments(end: datetime) -> tuple[Deployment, ...]:
    night = end - NIGHT
    return (
        Deployment("median-v1", "full", 1.0, night - timedelta(days=110), "p.okafor", "first release"),
        Deployment("v8", "full", 1.0, night - timedelta(days=68), "p.okafor", "canary passed"),
        Deployment("v9", "full", 1.0, night - timedelta(days=32), "p.okafor", "canary passed"),
        Deployment("v10", "test", 0.0, night - timedelta(days=5), "retrain-bot", "robust loss"),
        Deployment("v10", "canary", 0.1, night - CANARY, "p.okafor", "test passed"),
    )


def _candidate(end: datetime) -> Candidate:
    return Candidate(
        model="eta",
        version="v10",
        stage="canary",
        since=end - NIGHT - CANARY,
        must_say="hold: a tenth of the 2,000 rows; no guardrail says harm, none is cleared",
        right_action="leave it where it is; mend partner_b's metres first",
        wrong_action="promote it for its mean, or stop it for the error of partner_b, which both versions have",
    )


def _faults(
    model: ModelScenario, marks: dict[str, NDArray[np.bool_]], rows: int, split: int, end: datetime
) -> tuple[Fault, ...]:
    def hit(mask: NDArray[np.bool_]) -> tuple[Path, ...]:
        per_file = mask.reshape(-1, rows).sum(axis=1)[split:]
        return tuple(file.path for file, some in zip(model.serving, per_file.tolist(), strict=True) if some > 0)

    night = end - NIGHT
    return (
        Fault(
            id="eta-metres",
            model="eta",
            title="partner_b sends distance_km in metres",
            since=night - TRIAL[0],
            files=hit(marks["metres"]),
            rows=int(marks["metres"].sum()),
            columns=("distance_km", "eta_min"),
            tier="ticket",
            must_say="distance_km is out of bounds and about 1,000 times its reference (km to m), only where caller is "
            "partner_b: a tenth of its rows two days ago, all of them since 18:00; the mean absolute error of that "
            "slice leaves its SLO, the others keep theirs; v9 did not change",
            right_action="quarantine the rows, convert at the border, ticket to the caller",
            wrong_action="roll back v9 or stop the canary v10 (nothing changes); retrain on it",
        ),
        Fault(
            id="eta-north-nulls",
            model="eta",
            title="traffic_index is null in half of region north",
            since=night - NULLS,
            files=hit(marks["nulls"]),
            rows=int(marks["nulls"].sum()),
            columns=("traffic_index",),
            tier="ticket",
            must_say="traffic_index: half of region north is null (about 11 % overall), no other region; before: none",
            right_action="ticket to the provider of traffic data; keep serving; keep the rows out of training",
            wrong_action="page everyone; retrain; roll back",
        ),
    )
