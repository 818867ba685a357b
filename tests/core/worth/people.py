"""Alerts on call, in small: people act on each with a known probability, by cause, column, strength and deploys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from core.worth import features
from core.worth.counting import count
from core.worth.fitted import sigmoid
from storage.records.alerts import AlertDraft
from storage.records.results import ErrorClass, Finding, Tier
from storage.records.worth import Answered, Example
from tests.conftest import NOW

CAUSES = {
    "unit change": 3.0, "null burst": 2.0, "swapped": 2.5, "default value": 0.3, "frozen": -0.5, "range": -2.0,
    "drift": -3.0, "new values": -3.0,
}  # fmt: skip
COLUMNS = {"spend": 1.0, "tenure": 0.5, "age": 0.0, "plan": 0.0, "region": -0.5, "seats": -1.5}
"""How each moves the log odds of being acted on."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An alert, the probability with which people act on it, whether they did, and what was known of it."""

    draft: AlertDraft
    truth: float
    worth: bool
    example: Example


def draft_of(
    cause: str,
    column: str,
    score: float,
    tier: Tier = "ticket",
    error_class: ErrorClass = "soft",
) -> tuple[AlertDraft, Finding]:
    """One alert of one finding."""
    finding = Finding(cause, error_class, tier, "fail", "m", column, score=score, evidence={"cause": cause, "rows": 40})
    key = f"{cause}/{column}"
    return AlertDraft(key, key, tier, error_class, cause, key, (column,), score, (0,)), finding


def play(number: int, seed: int, wrong: float = 0.0) -> Iterator[Happened]:
    """So many alerts in order of time; a share ``wrong`` of the answers says the opposite of what was true."""
    chance = random.Random(seed)
    answers: list[Answered] = []
    for at in range(number):
        cause, column = chance.choice(list(CAUSES)), chance.choice(list(COLUMNS))
        score = chance.lognormvariate(1.0, 0.6)
        deployed = chance.random() < 0.2
        truth = sigmoid(CAUSES[cause] + COLUMNS[column] + 0.3 * (score - 3.0) + 1.5 * (deployed - 0.2))
        draft, finding = draft_of(cause, column, score)
        counted = count(1, draft, cause, answers)
        known = features.known(
            draft,
            [finding],
            counted,
            features.Surroundings(deployed="v2" if deployed else None),
            rows=100,
            seen=features.Seen(at // 48, at % 3),
            importance=1.0,
            now=NOW,
        )
        worth = chance.random() < truth
        said = worth != (chance.random() < wrong)
        verdict = "acted" if said else "noise"
        key = draft.group_key
        answers.append(Answered(at, 1, key, key, cause, draft.columns, "ticket", "ticket", cause, verdict))
        yield Happened(draft, truth, worth, Example(at, known.values, counted.probability, False, said, 1.0))
