"""The three model files, complete, in the format that the README of the program describes."""

from __future__ import annotations

import json
from pathlib import Path

_CHURN = """\
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
ignore = ["trace_id"]
redact = ["email"]

[labels]
lag = "3d"
minimum = 500

[[metrics]]
name = "auc"
primary = true
slo = ">= 0.68"

[[metrics]]
name = "log_loss"

[[metrics]]
name = "revenue_per_user"
kind = "business"
sql = "avg(plan_price * (1 - churned))"
direction = "up"

[[stages]]
name = "test"
kind = "test"
traffic = 0.0

[[stages]]
name = "shadow"
kind = "shadow"
traffic = 0.0
minimum_rows = 5000
minimum_labels = 1000
margin = 1.2
approvals = 2
items = ["privacy"]

[[stages]]
name = "full"
kind = "full"
traffic = 1.0

[[guardrails]]
name = "wrong answers"
signal = "error"

[[guardrails]]
name = "latency"
signal = "latency"
margin = 0.1
cap = 0.99

[gates]
harm = 0.01
promote = 0.05
disagreement = 0.1

[suite]
metrics = ["auc", "log_loss"]
margin = 0.01
simple = "prior"
gain = 0.05
split = "all"

[scoring]
command = [{score}, "--version", "{{version}}"]

[rollback]
fallback = "calibration-v3"
actuator = "pointer_file"
path = {pointer}
"""

_ETA = """\
name = "eta"
task = "regression"
owner = "logistics-ml"
production = false

[columns]
time = "requested_at"
id = "trip_id"
prediction = "eta_min"
label = "actual_min"
version = "model_version"
stage = "stage"

[labels]
lag = "1h"
minimum = 200

[[metrics]]
name = "mae"
primary = true
slo = "<= 5"

[[metrics]]
name = "bias"

[[metrics]]
name = "late_vouchers_per_trip"
kind = "business"
sql = "avg(CASE WHEN actual_min - eta_min > 10 THEN 2.5 ELSE 0 END)"
direction = "down"

[[stages]]
name = "test"
kind = "test"
traffic = 0.0

[[stages]]
name = "canary"
kind = "canary"
traffic = 0.1
minimum_rows = 2000
minimum_hours = 72

[[stages]]
name = "full"
kind = "full"
traffic = 1.0

[[guardrails]]
name = "minutes off"
signal = "abs_error"
margin = 0.15
cap = 0.99

[[guardrails]]
name = "late deliveries"
signal = "sql"
sql = "CASE WHEN actual_min - eta_min > 10 THEN 1 WHEN actual_min IS NOT NULL THEN 0 END"
method = "odds"
margin = 1.5

[scoring]
command = [{score}, "--version", "{{version}}"]

[rollback]
fallback = "median-v1"
actuator = "pointer_file"
path = {pointer}
"""

_ASSISTANT = """\
name = "assistant"
task = "binary"
owner = "support-ml"
production = false

[columns]
time = "ts"
id = "id"
prediction = "score"
label = "helpful"
version = "model"
stage = "stage"
latency = "latency_ms"
ignore = ["reply"]
redact = ["reply"]

[labels]
lag = "7d"
minimum = 400

[[metrics]]
name = "auc"
primary = true
slo = ">= 0.65"

[[metrics]]
name = "answered_by_model"
kind = "business"
sql = "avg(CASE WHEN rule IS NULL THEN 1 ELSE 0 END)"
direction = "up"

[[stages]]
name = "test"
kind = "test"
traffic = 0.0

[[stages]]
name = "shadow"
kind = "shadow"
traffic = 0.0
minimum_rows = 1000
minimum_labels = 100

[[stages]]
name = "full"
kind = "full"
traffic = 1.0

[[guardrails]]
name = "wrong answers"
signal = "error"

[[guardrails]]
name = "latency"
signal = "latency"
margin = 0.15
cap = 0.99

[gates]
disagreement = 0.03

[scoring]
command = [{score}, "--version", "{{version}}"]

[rollback]
fallback = "rules-v2"
actuator = "pointer_file"
path = {pointer}
"""

TEMPLATES = {"churn": _CHURN, "eta": _ETA, "assistant": _ASSISTANT}


def write_model_file(path: Path, name: str, pointer: Path) -> None:
    """Writes NAME.toml; the scoring program is expected beside the pointer file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    score = json.dumps(str(pointer.parent / "score"), ensure_ascii=False)  # a JSON string is a TOML basic string
    text = TEMPLATES[name].format(score=score, pointer=json.dumps(str(pointer), ensure_ascii=False))
    path.write_text(text, encoding="utf-8")
