"""What can't be read in a shadow: nobody sees the candidate's answers, so nothing that follows from them is its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from storage.records.models import ModelFile
from storage.records.rollouts import GuardrailRule, RolloutRule, StageRule

NOT_VALID = "not valid in shadow"
OUTCOMES = ("error", "loss", "abs_error", "sql")
"""Signals of what came after an answer; a person's own SQL over a row is taken for an outcome."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A guardrail that says nothing in a shadow; ``asked`` when the model file names that stage for it."""

    guardrail: str
    asked: bool
    text: str


def why_not_exposed(file: ModelFile) -> str | None:
    """Why nothing that waits for what happens after an answer can be read in a shadow; None where it can.

    >>> from storage.records.models import Columns
    >>> why_not_exposed(ModelFile("eta", "regression", Columns("at", "eta")))
    """
    if not file.feedback_loop:
        return None
    return (
        f"{NOT_VALID}: the answers of {file.name} shape what happens next (feedback_loop), "
        "so labels tell of the version that users saw"
    )


def exposed(signal: str, sql: str | None, needs_labels: bool, file: ModelFile) -> bool:
    """Whether a guardrail measures what happens after an answer.

    >>> from storage.records.models import Columns
    >>> file = ModelFile("eta", "regression", Columns("at", "eta"), feedback_loop=True)
    >>> exposed("error", None, True, file), exposed("latency", None, False, file)
    (True, False)
    """
    label = file.columns.label
    reads = label is not None and re.search(rf"\b{re.escape(label)}\b", sql or "", re.IGNORECASE) is not None
    return needs_labels or signal in OUTCOMES or reads


def refusals(file: ModelFile, rule: RolloutRule, stage: StageRule) -> tuple[Refusal, ...]:
    """The guardrails that this shadow can't answer for a model whose answers feed back, each with the reason.

    Those that the rule still has in this stage, those that the model file names for it, and those that later stages
    judge: a reader shall not take their silence here for a pass.
    """
    if not rule.feedback_loop or stage.kind != "shadow":
        return ()
    asked = {g.name for g in file.guardrails if stage.stage in g.stages and exposed(g.signal, g.sql, False, file)}
    named: dict[str, GuardrailRule] = {}
    for other in rule.stages:
        for one in other.guardrails:
            if exposed(one.signal, one.sql, one.needs_labels, file):
                named.setdefault(one.name, one)
    told = []
    for name in (*named, *sorted(asked - set(named))):
        mend = f"; take {stage.stage!r} out of its stages in the model file" if name in asked else ""
        text = f"{NOT_VALID}: {name} depends on what users saw, and they saw another version's answers{mend}"
        told.append(Refusal(name, name in asked, text))
    return tuple(told)
