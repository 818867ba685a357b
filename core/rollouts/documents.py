"""Decisions as bytes: canonical JSON, so that equal looks under equal rules give equal hashes everywhere."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from storage.clock import to_text
from storage.records.looks import Look
from storage.records.rollouts import Condition, Rollout, StageRule, Verdict

FORM = 1
"""Of the documents; a later form is another number, and old documents are worked out again by their own."""

_NOT_OF_A_LOOK = ("id", "rollout_id", "batches")
"""What a store says of a look, rather than the data: another store may number rows and batches otherwise."""

_WHERE_COUNTED = ("unreadable", "control_rows", "control_unreadable")
"""Left out of the hash where it is 0: looks of before it was counted keep theirs."""


def canonical(value: Any) -> str:
    """A value as JSON with one spelling only: sorted keys, no spaces, the shortest floats that read back the same.

    >>> canonical({"b": 0.1, "a": float("nan"), "c": timedelta(hours=1)})
    '{"a":"nan","b":0.1,"c":3600.0}'
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(document: str) -> str:
    """The hash of a document."""
    return hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()


def looks_sha(looks: Sequence[Look]) -> str:
    """The hash of looks, in the order in which they are given, without the numbers that a store gave them."""
    body = [
        {
            f.name: getattr(look, f.name)
            for f in dataclasses.fields(look)
            if f.name not in _NOT_OF_A_LOOK and (f.name not in _WHERE_COUNTED or getattr(look, f.name))
        }
        | {"kind": type(look.sums).__name__}
        for look in looks
    ]
    return sha256(canonical(body))


def decision_document(
    rollout: Rollout,
    stage: str | None,
    verdict: Verdict | None,
    looks: Sequence[Look],
    *,
    conditions: Sequence[Condition] = (),
    act: Mapping[str, Any] | None = None,
) -> str:
    """What a gate said, with what it rests on.

    Args:
        verdict: by the looks alone; None before the first stage.
        looks: all that the verdict rests on, in canonical order.
        conditions: as they stood when a person acted; empty for what looks alone decide.
        act: what the person did; None for what looks alone decide.
    """
    body: dict[str, Any] = {
        "form": FORM,
        "model": rollout.model,
        "version": rollout.version,
        "baseline": rollout.baseline,
        "rule": rollout.rule.sha256,
        "stage": stage,
        "looks": {"count": len(looks), "sha256": looks_sha(looks)},
        "verdict": None if verdict is None else _verdict(verdict),
    }
    if act is not None:
        body |= {"conditions": list(conditions), "act": dict(act)}
    return canonical(body)


def gate_sha(rule: StageRule) -> str:
    """Which gate it is: its minimums, items, approvals, budgets and guardrails as people chose them.

    What is measured anew for every rollout (spreads, caps, the margins of means) and the guardrails that come from kept
    slices are left out: else no gate would stay armed from one rollout to the next.
    """
    guardrails = [
        dataclasses.replace(
            each, sd=None, cap=None, predicates=(), margin=each.margin if each.method not in _IN_UNITS else 0.0
        )
        for each in rule.guardrails
        if not each.floored
    ]
    return sha256(canonical(dataclasses.replace(rule, guardrails=tuple(guardrails))))


_IN_UNITS = ("mean", "paired mean")


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {f.name: getattr(verdict, f.name) for f in dataclasses.fields(verdict) if f.name != "conditions"}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return _plain(value.item()) if hasattr(value, "item") else str(value)
