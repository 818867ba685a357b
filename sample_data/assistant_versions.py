"""The versions of assistant: three trained ones, a simple fallback, and who put which of them where."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sample_data import linear, versions
from sample_data.records import Candidate, Deployment, Version
from sample_data.windows import NIGHT

SHADOW = (timedelta(days=7), timedelta(days=3))  # v6 answers along, from and until, before the last night

V5: dict[str, Any] = {
    "link": "logistic",
    "intercept": 0.62,
    "numeric": linear.numeric(
        turns=(2.5, 1.6, -0.45),
        retrieval=(0.62, 0.16, 0.8),
        tokens=(120.0, 55.0, 0.12),
    ),
    "categories": {"intent": {"refund": -0.35, "delivery": 0.25, "account": 0.1, "hours": -0.1}},
    "low": 0.001,
    "high": 0.999,
    "digits": 4,
}
V4 = linear.changed(V5, 0.55, 0.9, (0.03, -0.03))
V6: dict[str, Any] = {**V5, "categories": {"intent": {**V5["categories"]["intent"], "refund": 0.6}}}
RULES_ONLY: dict[str, Any] = {**V5, "intercept": 0.4, "numeric": {}, "categories": {}}

SCHEMA = {
    "user.locale": "text",
    "user.tier": "text",
    "client.os": "text",
    "client.version": "text",
    "intent": "text",
    "turns": "number",
    "tokens": "number",
    "retrieval": "number",
    "latency_ms": "number",
    "rule": "text",
}


def candidate(end: datetime) -> Candidate:
    """v6, in shadow."""
    return Candidate(
        model="assistant",
        version="v6",
        stage="shadow",
        since=end - NIGHT - SHADOW[0],
        must_say="hold: v6 answers more requests otherwise than v5 than the 3 % that are allowed, all of them refunds, "
        "whose score is up by 0.18; no label is in yet",
        right_action="look at the refunds both answered; wait for their labels",
        wrong_action="promote it because nothing alarms",
    )


def write_versions(home: Path, end: datetime) -> tuple[Version, ...]:
    """Writes `rules-v2`, v4, v5 and v6."""
    night = end - NIGHT
    told = (
        ("rules-v2", RULES_ONLY, 150, 2, "77c1d0aa", "fallback", {"learner": "none", "rules": True}),
        ("v4", V4, 80, 4, "e4a9f310", "normal", {"learner": "additive", "prompt": "2026-08"}),
        ("v5", V5, 40, 5, "1bd6c09f", "normal", {"learner": "additive", "prompt": "2026-10"}),
        ("v6", V6, 10, 6, "8d20e7b5", "normal", {"learner": "additive", "prompt": "2026-11"}),
    )
    return tuple(
        versions.write_version(
            home,
            name,
            spec=spec,
            data=versions.data_manifest(
                "warehouse.chat_feedback",
                night - timedelta(days=age + 90),
                night - timedelta(days=age),
                20_000 + 977 * number,
                label_base_rate=0.63,
            ),
            schema=SCHEMA if role == "normal" else {},
            config=versions.training_config("assistant", **config),
            commit=code,
            seed=number,
            trained_at=night - timedelta(days=age - 1),
            role=role,
        )
        for name, spec, age, number, code, role, config in told
    )


def deployments(end: datetime) -> tuple[Deployment, ...]:
    """Who put which version where, oldest first."""
    night = end - NIGHT
    return (
        Deployment("rules-v2", "full", 1.0, night - timedelta(days=140), "j.haddad", "first release"),
        Deployment("v4", "full", 1.0, night - timedelta(days=77), "j.haddad", "shadow passed"),
        Deployment("v5", "full", 1.0, night - timedelta(days=37), "j.haddad", "shadow passed"),
        Deployment("v6", "test", 0.0, night - timedelta(days=8), "j.haddad", "refunds reworded"),
        Deployment("v6", "shadow", 0.0, night - SHADOW[0], "j.haddad", "test passed"),
    )
