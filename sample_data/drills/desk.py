"""The multi-class shape: which queue of the help desk answers a message. JSON lines, an hour a file.

Labels come two hours late. `queue` is what the model says, `rule` the rule that took a message away from it, `final`
where the message went.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sample_data.drawing import identifiers, pick
from sample_data.drills.draw import Answers, Shape
from sample_data.windows import Window, draw_times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUEUES = ("billing", "delivery", "returns", "other")

# A weight per queue, in the order of QUEUES.
Weights = dict[str, dict[str, tuple[float, ...]]]
V7: Weights = {
    "topic": {
        "refund": (1.2, -0.6, 1.4, -0.4),
        "parcel": (-0.8, 1.9, 0.2, -0.5),
        "account": (1.3, -0.7, -0.6, 0.7),
        "hours": (-0.9, 0.2, -0.7, 1.8),
        "praise": (-0.5, -0.2, -0.3, 1.2),
    },
    "product": {"shoes": (-0.2, 0.1, 0.7, 0.0), "phone": (0.5, 0.0, 0.2, 0.0), "book": (0.0, 0.3, -0.3, 0.1)},
}
NUMBERS = {"sentiment": (0.0, 0.5, (0.35, 0.1, 0.3, -0.4)), "words": (38.0, 22.0, (0.1, -0.1, 0.15, -0.15))}


def shifted(amounts: tuple[float, ...], scale: float = 1.0) -> Weights:
    """The weights of a retraining: scaled, and each queue's topics moved by its amount."""
    topics = {
        topic: tuple(weight * scale + amount for weight, amount in zip(weights, amounts, strict=True))
        for topic, weights in V7["topic"].items()
    }
    return {**V7, "topic": topics}


V8 = shifted((0.03, 0.0, -0.03, 0.02))

TOML = """\
name = "desk"
task = "multiclass"
owner = "support-ml"

[columns]
time = "ts"
id = "id"
prediction = "queue"
label = "right_queue"
version = "model"
stage = "stage"
latency = "latency_ms"

[labels]
lag = "2h"
minimum = 150

[[metrics]]
name = "accuracy"
primary = true
slo = ">= 0.5"

[[metrics]]
name = "answered_by_model"
kind = "business"
sql = "avg(CASE WHEN rule IS NULL THEN 1 ELSE 0 END)"
direction = "up"

[[stages]]
name = "canary"
kind = "canary"
traffic = 0.1

[[stages]]
name = "full"
kind = "full"
traffic = 1.0
"""

SCHEMA = {
    "language": "text",
    "tier": "text",
    "topic": "text",
    "product": "text",
    "words": "number",
    "sentiment": "number",
}


def chances(weights: Weights, columns: dict[str, Any]) -> NDArray[np.float64]:
    """The chance of each queue, shape (rows, queues); a category without weights counts as nothing known."""
    import numpy as np

    total = np.zeros((len(columns["id"]), len(QUEUES)))
    for column, offsets in weights.items():
        for value, amounts in offsets.items():
            total += (columns[column] == value)[:, None] * np.asarray(amounts)
    for column, (mean, spread, amounts) in NUMBERS.items():
        total += ((columns[column].astype(float) - mean) / spread)[:, None] * np.asarray(amounts)
    strength = np.exp(total)
    return np.asarray(strength / strength.sum(axis=1, keepdims=True))


def answers(weights: Weights) -> Answers:
    """The likeliest queue, how sure the model is, and where the message goes when no rule takes it away."""

    def answer(columns: dict[str, Any]) -> dict[str, Any]:
        import numpy as np

        told = chances(weights, columns)
        queue = np.asarray(QUEUES, dtype=object)[told.argmax(axis=1)]
        final = np.where(columns["rule"] == "", queue, "person").astype(object)
        return {"queue": queue, "confidence": np.round(told.max(axis=1), 4), "final": final}

    return answer


def draw(rng: np.random.Generator, windows: list[Window], rows: int) -> dict[str, Any]:
    """Features of every row."""
    import numpy as np

    total = rows * len(windows)
    return {
        "id": identifiers("m-", np.arange(1, total + 1), 8),
        "ts": draw_times(rng, windows, rows),
        "language": pick(rng, total, {"en": 0.55, "de": 0.25, "fr": 0.2}),
        "tier": pick(rng, total, {"free": 0.7, "paid": 0.3}),
        "topic": pick(rng, total, {"parcel": 0.36, "refund": 0.22, "account": 0.18, "hours": 0.12, "praise": 0.12}),
        "product": pick(rng, total, {"shoes": 0.45, "phone": 0.3, "book": 0.25}),
        "words": np.clip(np.round(rng.gamma(3.0, 12.7, total)), 1, 400),
        "sentiment": np.round(np.clip(rng.normal(0.0, 0.5, total), -1, 1), 3),
        "rule": pick(rng, total, {"": 0.98, "mask_personal_data": 0.012, "no_opening_hours": 0.008}),
        "host": pick(rng, total, {"desk-1": 0.6, "desk-2": 0.4}),
        "latency_ms": np.round(np.exp(rng.normal(5.5, 0.4, total))),
        "model": np.full(total, "v7", dtype=object),
        "stage": np.full(total, "full", dtype=object),
    }


def truth(rng: np.random.Generator, columns: dict[str, Any], _rows: int) -> NDArray[Any]:
    """The queue that could answer."""
    import numpy as np

    told = chances(V7, columns).cumsum(axis=1)
    return np.asarray(np.asarray(QUEUES, dtype=object)[(rng.random(len(told))[:, None] > told[:, :-1]).sum(axis=1)])


DESK = Shape(
    name="desk",
    suffix=".jsonl",
    step=timedelta(hours=1),
    lag=timedelta(hours=2),
    toml=TOML,
    id="id",
    time="ts",
    version="model",
    label="right_queue",
    prediction="queue",
    draw=draw,
    truth=truth,
    versions={"v7": answers(V7), "v8": answers(V8)},
    specs={},
    schema=SCHEMA,
)
