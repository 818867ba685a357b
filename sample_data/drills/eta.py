"""The regression shape: minutes until a courier is at the door. CSV, a day a file, labels an hour late.

Eight rows with known answers are sent through the whole pipeline in every window; their ids begin with `golden-`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sample_data import linear
from sample_data.drawing import identifiers, pick
from sample_data.drills.draw import Answers, Shape
from sample_data.windows import Window, draw_times, weekend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GOLDEN = 8
NOISE = 4.0
DAYPARTS = ("night", "morning", "midday", "evening")

V7: dict[str, Any] = {
    "link": "identity",
    "intercept": 23.0,
    "numeric": linear.numeric(
        distance_km=(5.0, 3.2, 6.0),
        stops=(1.4, 1.2, 2.4),
        traffic_index=(1.0, 0.25, 2.4),
        demand_pred=(40.0, 9.0, 2.0),
    ),
    "categories": {"vehicle": {"bike": 1.5, "scooter": -0.8, "car": 0.4}, "daypart": {"evening": 2.6, "night": -2.6}},
    "low": 3.0,
    "high": 60.0,
    "digits": 1,
}
V8 = linear.changed(V7, 23.05, 1.0, (0.05, -0.04))

SCHEMA = {
    "caller": "text",
    "region": "text",
    "vehicle": "text",
    "daypart": "text",
    "distance_km": "number",
    "stops": "number",
    "traffic_index": "number",
    "demand_pred": "number",
}

TOML = """\
name = "eta"
task = "regression"
owner = "logistics-ml"

[columns]
time = "requested_at"
id = "trip_id"
prediction = "eta_min"
label = "actual_min"
version = "model_version"
stage = "stage"

[labels]
lag = "1h"
minimum = 100

[[metrics]]
name = "mae"
primary = true
slo = "<= 4.5"

[[metrics]]
name = "bias"

[[stages]]
name = "canary"
kind = "canary"
traffic = 0.1

[[stages]]
name = "full"
kind = "full"
traffic = 1.0
"""


def answers(spec: dict[str, Any]) -> Answers:
    """The minutes that a spec predicts."""
    return lambda columns: {"eta_min": linear.predict(spec, columns)}


def daypart(hours: NDArray[np.int64]) -> NDArray[np.object_]:
    """Night until 6, morning until 12, midday until 17, then evening."""
    import numpy as np

    return np.asarray(DAYPARTS, dtype=object)[np.digitize(hours % 24, (6, 12, 17))]


def hours_of(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """The hour of the day, 0 to 23."""
    import numpy as np

    return np.asarray(times.astype("datetime64[h]").astype(np.int64) % 24)


def draw(rng: np.random.Generator, windows: list[Window], rows: int) -> dict[str, Any]:
    """Features of every row; on weekends trips are a little longer. The first rows of each window are golden."""
    import numpy as np

    total = rows * len(windows)
    times = draw_times(rng, windows, rows)
    distance = rng.gamma(2.4, 2.1, total) * (1 + 0.04 * weekend(times))
    columns: dict[str, Any] = {
        "trip_id": identifiers("t", np.arange(1, total + 1), 7),
        "requested_at": times,
        "caller": pick(rng, total, {"app": 0.5, "web": 0.15, "partner_a": 0.17, "partner_b": 0.18}),
        "region": pick(rng, total, {"centre": 0.32, "north": 0.22, "south": 0.26, "west": 0.2}),
        "vehicle": pick(rng, total, {"bike": 0.4, "scooter": 0.35, "car": 0.25}),
        "daypart": daypart(hours_of(times)),
        "distance_km": np.round(np.clip(distance, 0.3, 30), 2),
        "stops": np.clip(rng.poisson(1.4, total), 0, 8).astype(float),
        "traffic_index": np.round(np.exp(rng.normal(-0.03, 0.24, total)), 3),
        "demand_pred": np.round(np.clip(rng.normal(40, 9, total), 5, 90), 1),
        "host": pick(rng, total, {"eta-1": 0.5, "eta-2": 0.5}),
        "model_version": np.full(total, "v7", dtype=object),
        "stage": np.full(total, "full", dtype=object),
    }
    place = np.arange(total) % rows
    for name in ("trip_id", *SCHEMA):  # the same eight requests in every window
        golden = identifiers("golden-", np.arange(1, rows + 1), 2) if name == "trip_id" else columns[name][:rows]
        columns[name] = np.where(place < GOLDEN, golden[place], columns[name])
    return columns


def truth(rng: np.random.Generator, columns: dict[str, Any], _rows: int) -> NDArray[Any]:
    """Minutes that it really took."""
    import numpy as np

    minutes = linear.raw_total(V7, columns) + NOISE * rng.standard_normal(len(columns["trip_id"]))
    return np.asarray(np.round(np.maximum(minutes, 2.0), 1))


ETA = Shape(
    name="eta",
    suffix=".csv",
    step=timedelta(days=1),
    lag=timedelta(hours=1),
    toml=TOML,
    id="trip_id",
    time="requested_at",
    version="model_version",
    label="actual_min",
    prediction="eta_min",
    draw=draw,
    truth=truth,
    versions={"v7": answers(V7), "v8": answers(V8)},
    specs={"v7": V7, "v8": V8},
    schema=SCHEMA,
    golden=GOLDEN,
)
