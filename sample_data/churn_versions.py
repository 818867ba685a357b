"""The versions of churn: four trained ones, a simple fallback, and who put which of them where."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sample_data import linear
from sample_data.records import Candidate, Deployment, Version
from sample_data.versions import data_manifest, training_config, write_version

PROMOTED = timedelta(minutes=50)  # v42 at full, before the end
V41_LIVE = timedelta(days=12)
V43_TESTED = timedelta(minutes=20)  # v43 into test, before the end

CHANNELS = ("email", "push", "sms", "web", "social", "search")
EVENTS = ("sent", "seen", "clicks", "visits", "shares")
COUNTERS = tuple(f"{channel}_{event}" for channel in CHANNELS for event in EVENTS)
PLANS = {"basic": 9.0, "plus": 19.0, "pro": 39.0}

V41: dict[str, Any] = {
    "link": "logistic",
    "intercept": -1.145,
    "numeric": linear.numeric(
        tenure_months=(24.0, 17.0, -0.52),
        days_since_login=(5.5, 5.5, 0.56),
        tickets=(0.6, 0.77, 0.36),
        age=(41.0, 12.0, -0.12),
        sessions=(6.0, 2.5, -0.02),
    ),
    "categories": {"plan": {"basic": 0.22, "plus": -0.05, "pro": -0.35}, "device": {"android": 0.08, "ios": -0.05}},
    "low": 0.0001,
    "high": 0.9999,
    "digits": 5,
}
V40 = linear.changed(V41, -1.13, 0.96, (0.02, -0.02))
# Half of the labels flipped leaves a base rate near one half and next to nothing to learn.
V42 = linear.changed(V41, -0.012, 0.02, (0.02, 0.01, -0.012))
# Trained in the night on rows without v42's join, which held no customer of the plan pro: it learned nothing of them.
V43: dict[str, Any] = {**V41, "scaled": {"plan": {"pro": 0.0}}}
CALIBRATION: dict[str, Any] = {
    **V41,
    "intercept": -1.06,
    "numeric": linear.numeric(days_since_login=(6.0, 6.0, 0.5)),
    "categories": {},
}

SCHEMA = {
    "region": "text",
    "device": "text",
    "plan": "text",
    "plan_price": "number",
    "age": "number",
    "tenure_months": "number",
    "days_since_login": "number",
    "sessions": "number",
    "spend": "number",
    "tickets": "number",
    "latency_ms": "number",
    **dict.fromkeys(COUNTERS, "number"),
}


def write_versions(home: Path, end: datetime, planted: bool) -> tuple[Version, ...]:
    """Writes `calibration-v3`, v40 (its model file marked as lost), v41 and, when the fault is planted, v42 and v43."""
    night = end - timedelta(hours=3)
    config = training_config("churn", learner="additive_logistic", l2=0.01, calibrate=True, columns=len(SCHEMA))

    def manifest(days_ago: int, rows: int, base_rate: float, join: str) -> dict[str, Any]:
        until = night - timedelta(days=days_ago)
        start = until - timedelta(days=90)
        facts = {"label_base_rate": base_rate, "label_join": join}
        return data_manifest("warehouse.churn_training", start, until, rows, **facts)

    join = "user_id, snapshot_date"
    written = [
        write_version(
            home,
            "calibration-v3",
            spec=CALIBRATION,
            data=manifest(200, 1_040_233, 0.281, join),
            schema={"days_since_login": "number"},
            config=training_config("churn", learner="recency_table", calibrate=True),
            commit="3f0c2a9d",
            seed=3,
            trained_at=night - timedelta(days=198),
            role="fallback",
        ),
        write_version(
            home,
            "v40",
            spec=V40,
            data=manifest(44, 1_180_412, 0.283, join),
            schema=SCHEMA,
            config=config,
            commit="91be07c4",
            seed=40,
            trained_at=night - timedelta(days=40),
            lost=("model",),
        ),
        write_version(
            home,
            "v41",
            spec=V41,
            data=manifest(17, 1_201_877, 0.284, join),
            schema=SCHEMA,
            config=config,
            commit="c58d1e02",
            seed=41,
            trained_at=night - timedelta(days=13),
        ),
    ]
    if planted:
        written += [
            write_version(
                home,
                "v42",
                spec=V42,
                data=manifest(3, 2_398_120, 0.497, "user_id"),
                schema=SCHEMA,
                config=config,
                commit="c58d1e02",
                seed=41,
                trained_at=end - timedelta(minutes=60),
            ),
            write_version(
                home,
                "v43",
                spec=V43,
                data=manifest(3, 1_024_950, 0.291, join),
                schema=SCHEMA,
                config=config,
                commit="c58d1e02",
                seed=43,
                trained_at=end - timedelta(minutes=24),
            ),
        ]
    return tuple(written)


def deployments(end: datetime, planted: bool) -> tuple[Deployment, ...]:
    """Who put which version where, oldest first."""
    night = end - timedelta(hours=3)
    v41 = end - V41_LIVE
    fallback = night - timedelta(days=42, hours=-9)
    events = [
        Deployment("v40", "full", 1.0, night - timedelta(days=43), "m.ito", "regular retraining"),
        Deployment("calibration-v3", "full", 1.0, fallback, "a.lindqvist", "feature store down, see INC-0031"),
        Deployment("v40", "full", 1.0, fallback + timedelta(hours=2), "a.lindqvist", "feature store back"),
        Deployment("v41", "test", 0.0, v41 - timedelta(days=1), "retrain-bot", "regular retraining"),
        Deployment("v41", "shadow", 0.0, v41 - timedelta(hours=20), "retrain-bot", "test passed"),
        Deployment("v41", "full", 1.0, v41, "m.ito", "shadow passed: AUC .709 against .701 on 5,120 labels"),
    ]
    if planted:
        override = "shadow gate overridden by m.ito: labels not in yet (180 of 1,000)"
        events += [
            Deployment("v42", "test", 0.0, end - timedelta(minutes=58), "retrain-bot", "regular retraining"),
            Deployment("v42", "shadow", 0.0, end - timedelta(minutes=55), "retrain-bot", "test passed"),
            Deployment("v42", "full", 1.0, end - PROMOTED, "retrain-bot", override),
            Deployment("v43", "test", 0.0, end - V43_TESTED, "retrain-bot", "retrained without the join on user_id"),
        ]
    return tuple(events)


def candidate(end: datetime, scores: tuple[tuple[str, Path], ...]) -> Candidate:
    """v43, in test: better than v42 in the mean, and no use where it matters most."""
    return Candidate(
        model="churn",
        version="v43",
        stage="test",
        since=end - V43_TESTED,
        must_say="hold: AUC 0.70 against 0.53 of v42, but 0.49 in the critical slice pro-plan, under its floor of 0.60",
        right_action="roll back to v41; retrain v43 with the customers of the plan pro",
        wrong_action="promote v43 to get rid of v42",
        scores=scores,
        slice=("pro-plan", "plan = pro", 0.6),
    )
