"""What a candidate waits for in a few words, the telling ones first, for a column of a list.

The whole sentences stand in :mod:`core.rollouts.reasons` and in the conditions.
"""

from __future__ import annotations

import re

from storage.records.rollouts import Reason, StageRule, Verdict

_QUOTED = re.compile(r"""'([^']+)'|"([^"]+)\"""")
_COUNTED = re.compile(r"(\d+) of (\d+)\b")

_WORDS = {
    "no data": "no look yet",
    "not yet": "not clear yet",
    "harm": "harm",
    "minimum": "too little data",
    "labels": "labels missing",
    "traffic split": "traffic split is off",
    "sample": "no fair sample",
    "evaluation": "its evaluation",
    "floor": "a floor",
    "shadow": "its shadow",
    "item": "an answer",
    "approval": "approvals",
    "baseline": "another baseline",
    "queue": "another candidate",
    "stage": "its stage",
    "override": "a review",
}


def shortly(verdict: Verdict, rule: StageRule | None) -> str:
    """The first reason that is in the way, and how many others are; empty without any.

    >>> from storage.records.rollouts import Verdict
    >>> why = (Reason("minimum", "rows: 238 of 2,000, 1,762 missing"), Reason("item", "legal: nobody has answered yet"))
    >>> verdict = Verdict("canary", "hold", None, why, (), (), 3, 238, 0, 5.0)
    >>> shortly(verdict, StageRule("canary", "canary", 0.1, (), 2000))
    '1,762 rows missing, +1'
    """
    why = [one for one in verdict.reasons if one.kind != "clear"]
    if not why:
        return ""
    said = _said(why[0], verdict, rule)
    return f"{said}, +{len(why) - 1}" if len(why) > 1 else said


def _said(reason: Reason, verdict: Verdict, rule: StageRule | None) -> str:
    word, of = _WORDS.get(reason.kind, reason.kind), reason.guardrail
    if reason.kind == "floor":
        named = _QUOTED.search(reason.text)
        name = (named[1] or named[2]) if named else ""
        broken = "breaks its floor" in reason.text
        return f"{name} {'below floor' if broken else 'floor not judged'}" if name else word
    if reason.kind == "item":
        return f"answer: {reason.text.partition(':')[0]}"
    if reason.kind == "approval":
        counted = _COUNTED.search(reason.text)
        return f"{counted[1]} of {counted[2]} approvals" if counted else word
    if of is not None:
        return _late(of, rule) if reason.kind == "no data" else f"{word}: {of}"
    if reason.kind in ("minimum", "labels") and rule is not None:
        return _missing(reason, verdict, rule) or word
    return word


def _missing(reason: Reason, verdict: Verdict, rule: StageRule) -> str:
    """How much of the first minimum that is not met."""
    if reason.kind == "labels":
        return f"{rule.minimum_labels - verdict.labelled:,} labels missing"
    if verdict.rows < rule.minimum_rows:
        return f"{rule.minimum_rows - verdict.rows:,} rows missing"
    if verdict.hours < rule.minimum_hours:
        return f"{rule.minimum_hours - verdict.hours:,.3g} h of data missing"
    return ""


def _late(guardrail: str, rule: StageRule | None) -> str:
    """A guardrail without a look: where its labels need time, how much."""
    known = next((one for one in rule.guardrails if one.name == guardrail), None) if rule else None
    hours = known.lag.total_seconds() / 3600 if known is not None and known.needs_labels else 0.0
    if not hours:
        return f"no data: {guardrail}"
    return f"labels in {f'{hours / 24:.3g}d' if hours >= 48 else f'{hours:.3g}h'}"
