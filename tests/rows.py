"""Small prediction logs and a model file for them, in plain CSV."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

MODEL = """
name = "churn"
task = "binary"
[columns]
time = "ts"
id = "request_id"
prediction = "score"
label = "label"
version = "version"
"""
START = datetime(2026, 11, 1, tzinfo=UTC)


def write_model(folder: Path, extra: str = "") -> Path:
    """The model file."""
    path = folder / "churn.toml"
    path.write_text(MODEL + extra)
    return path


def write_log(folder: Path, number: int, rows: int = 200, *, spend: float = 40.0) -> Path:
    """One batch: an hour of it, number by number."""
    rng = random.Random(number)
    path = folder / f"batch_{number:04d}.csv"
    start = START + timedelta(hours=number)
    with path.open("w") as out:
        out.write("ts,request_id,region,plan,spend,sessions,score,label,version\n")
        for i in range(rows):
            at = start + timedelta(seconds=3600 * i / rows)
            region = rng.choice(["NA", "EU", "LATAM", "APAC"])
            plan = rng.choice(["free", "basic", "pro"])
            score = min(0.99, max(0.01, rng.gauss(0.3, 0.1)))
            label = int(rng.random() < score)
            out.write(
                f"{at:%Y-%m-%dT%H:%M:%SZ},r{number}-{i},{region},{plan},{rng.gauss(spend, 8):.2f},"
                f"{rng.randint(1, 12)},{score:.4f},{label},v41\n"
            )
    return path
