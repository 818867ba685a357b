"""The rule of a rollout as canonical JSON: equal rules give equal bytes, and equal hashes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from storage.records.rollouts import GuardrailRule, RolloutRule, StageRule
from storage.records.slices import Predicate


def rule_document(rule: RolloutRule) -> str:
    """The rule as canonical JSON, its own hash not in it.

    Raises:
        ValueError: a number in it is not finite.
    """
    body = {"stages": [_stage(stage) for stage in rule.stages], "feedback_loop": rule.feedback_loop}
    return canonical(body)


def canonical(body: object) -> str:
    """JSON with sorted keys, no spaces, and floats as short as they can be read back exactly.

    >>> canonical({"b": 0.1 + 0.2, "a": [1]})
    '{"a":[1],"b":0.30000000000000004}'
    """
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hashed(stages: tuple[StageRule, ...], feedback_loop: bool) -> RolloutRule:
    """A rule with the sha256 of its document."""
    rule = RolloutRule(stages, feedback_loop, "")
    return dataclasses.replace(rule, sha256=sha256_of(rule_document(rule)))


def sha256_of(text: str) -> str:
    """The hash of a document."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_rule(text: str) -> RolloutRule:
    """The rule that :func:`rule_document` wrote, with the hash of that text."""
    body = json.loads(text)
    return RolloutRule(tuple(_read_stage(stage) for stage in body["stages"]), body["feedback_loop"], sha256_of(text))


def _stage(stage: StageRule) -> dict[str, Any]:
    body = {field.name: getattr(stage, field.name) for field in dataclasses.fields(stage)}
    return body | {"guardrails": [_guardrail(one) for one in stage.guardrails], "items": list(stage.items)}


def _guardrail(one: GuardrailRule) -> dict[str, Any]:
    body = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    del body["lag"]
    return body | {
        "lag_seconds": one.lag.total_seconds(),
        "predicates": [predicate.document() for predicate in one.predicates],
    }


def _read_stage(body: Mapping[str, Any]) -> StageRule:
    guardrails = tuple(_read_guardrail(one) for one in body["guardrails"])
    return StageRule(**{**body, "guardrails": guardrails, "items": tuple(body["items"])})


def _read_guardrail(body: Mapping[str, Any]) -> GuardrailRule:
    rest = {key: value for key, value in body.items() if key not in ("lag_seconds", "predicates")}
    predicates = tuple(Predicate.read(document) for document in body["predicates"])
    return GuardrailRule(**rest, lag=timedelta(seconds=body["lag_seconds"]), predicates=predicates)
