"""What can't be read in a shadow: nobody sees the candidate's answers, so nothing that follows from them is its own."""

from __future__ import annotations

import re

from storage.records.models import ModelFile
from storage.records.rollouts import GuardrailRule

NOT_VALID = "not valid in shadow"


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


def exposed(guardrail: GuardrailRule, file: ModelFile) -> bool:
    """Whether a guardrail measures what happens after an answer: by its label, or by a column of the outcome."""
    label = file.columns.label
    reads = label is not None and re.search(rf"\b{re.escape(label)}\b", guardrail.sql or "", re.IGNORECASE) is not None
    return guardrail.needs_labels or guardrail.signal in ("error", "loss", "abs_error") or reads or _business(guardrail)


def _business(guardrail: GuardrailRule) -> bool:
    """A number of a row in the person's own SQL is taken for an outcome."""
    return guardrail.signal == "sql"
