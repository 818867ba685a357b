"""The binary shape: will this customer leave. Parquet, six hours a file, labels half a day late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sample_data import linear
from sample_data.drawing import even_labels, identifiers, pick
from sample_data.drills.draw import Answers, Shape
from sample_data.windows import Window, draw_times, weekend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNSEEN = 0.5
THRESHOLD = 0.5

V7: dict[str, Any] = {
    "link": "logistic",
    "intercept": -1.1,
    "numeric": linear.numeric(
        tenure_months=(24.0, 17.0, -0.5),
        days_since_login=(5.5, 5.5, 0.55),
        tickets=(0.6, 0.77, 0.35),
        age=(41.0, 12.0, -0.12),
        sessions=(6.0, 2.5, -0.03),
        spend=(21.0, 19.0, 0.08),
    ),
    "categories": {"plan": {"basic": 0.22, "plus": -0.05, "pro": -0.35}, "device": {"android": 0.08, "ios": -0.05}},
    "low": 0.0001,
    "high": 0.9999,
    "digits": 5,
}
V8 = linear.changed(V7, -1.09, 1.0, (0.01, -0.01))

SCHEMA = {
    "region": "text",
    "device": "text",
    "plan": "text",
    "age": "number",
    "tenure_months": "number",
    "days_since_login": "number",
    "sessions": "number",
    "spend": "number",
    "tickets": "number",
    "retention_calls": "number",
}

TOML = """\
name = "churn"
task = "binary"
owner = "growth-ml"
production = true

[columns]
time = "scored_at"
id = "request_id"
prediction = "score"
label = "churned"
version = "model_version"
stage = "stage"
latency = "latency_ms"
predicted_class = "offer"
redact = ["email"]

[labels]
lag = "12h"
minimum = 200

[[metrics]]
name = "auc"
primary = true
slo = ">= 0.65"

[[metrics]]
name = "prediction_rate"

[[stages]]
name = "shadow"
kind = "shadow"
traffic = 0.0

[[stages]]
name = "full"
kind = "full"
traffic = 1.0
"""


def answers(spec: dict[str, Any], threshold: float = THRESHOLD) -> Answers:
    """The score of a spec, and the offer made from that threshold on."""

    def answer(columns: dict[str, Any]) -> dict[str, Any]:
        score = linear.predict(spec, columns)
        return {"score": score, "offer": (score >= threshold).astype(int)}

    return answer


def draw(rng: np.random.Generator, windows: list[Window], rows: int) -> dict[str, Any]:
    """Features of every row; weekends are a little busier."""
    import numpy as np

    total = rows * len(windows)
    times = draw_times(rng, windows, rows)
    activity, busy = rng.standard_normal(total), weekend(times)
    plan = pick(rng, total, {"basic": 0.55, "plus": 0.3, "pro": 0.15})
    price = np.select([plan == "basic", plan == "plus"], [9.0, 19.0], 39.0)
    age = np.clip(np.round(rng.normal(41, 12, total)), 18, 90)
    age[rng.random(total) < 0.02] = np.nan
    sessions = np.maximum(np.round(6 + 1.2 * activity + 2.2 * rng.standard_normal(total) + 0.3 * busy), 0)
    return {
        "request_id": identifiers("ch-", np.arange(1, total + 1), 8),
        "scored_at": times,
        "email": np.asarray([f"user{number}@example.com" for number in range(total)], dtype=object),
        "region": pick(rng, total, {"emea": 0.42, "na": 0.33, "apac": 0.17, "latam": 0.08}),
        "device": pick(rng, total, {"android": 0.46, "ios": 0.34, "web": 0.2}),
        "plan": plan,
        "age": age,
        "tenure_months": np.clip(np.round(rng.gamma(2.0, 12.0, total)), 0, 120),
        "days_since_login": np.clip(np.round(rng.exponential(6.0, total)), 0, 60),
        "sessions": sessions,
        "spend": np.round(price * np.exp(0.3 * activity + 0.45 * rng.standard_normal(total)), 2),
        "tickets": rng.poisson(0.6, total).astype(float),
        "retention_calls": rng.poisson(0.33, total).astype(float),
        "host": pick(rng, total, {"prod-a": 0.5, "prod-b": 0.5}),
        "latency_ms": np.round(np.exp(rng.normal(3.4, 0.35, total))),
        "model_version": np.full(total, "v7", dtype=object),
        "stage": np.full(total, "full", dtype=object),
    }


def truth(rng: np.random.Generator, columns: dict[str, Any], rows: int) -> NDArray[Any]:
    """Who leaves: 1 or 0."""
    import numpy as np

    known = linear.raw_total(V7, columns)
    chance = 1.0 / (1.0 + np.exp(-known - UNSEEN * rng.standard_normal(len(known))))
    return even_labels(rng, chance, np.arange(len(known)) // rows, known)


CHURN = Shape(
    name="churn",
    suffix=".parquet",
    step=timedelta(hours=6),
    lag=timedelta(hours=12),
    toml=TOML,
    id="request_id",
    time="scored_at",
    version="model_version",
    label="churned",
    prediction="score",
    draw=draw,
    truth=truth,
    versions={"v7": answers(V7), "v8": answers(V8)},
    specs={"v7": V7, "v8": V8},
    schema=SCHEMA,
)
