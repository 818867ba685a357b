"""The probability that an alert is acted on, by counting the answers to alerts like it.

"Like it" is told in steps from the general to the particular: any alert of the store, one of the same model, with the
same check, the same cause, the same cause on the same column, the same fingerprint. Each answer counts once, at the
most particular step that it shares; each step's share of worthy alerts is drawn towards the step before it by a Beta
prior worth so many answers (:data:`PRIORS`; Gelman et al., Bayesian Data Analysis, 2.4). One answer moves its own kind
most, and all others the less the farther they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.records.alerts import AlertDraft
from storage.records.worth import Answered

EVEN = 0.5
"""What is believed of alerts before anybody answered one."""

STEPS: tuple[str, ...] = ("store", "model", "check", "cause", "group", "fingerprint")
"""From the general to the particular; a group is one cause on one column."""

PRIORS: dict[str, float] = {"store": 8.0, "model": 8.0, "check": 6.0, "cause": 4.0, "group": 2.0, "fingerprint": 2.0}
"""How many answers the step before counts for: alerts that share little say little of each other."""


@dataclass(frozen=True, slots=True)
class Share:
    """Of answered alerts, how many were worth telling; ``acted`` of those somebody did something about."""

    worth: int = 0
    judged: int = 0
    acted: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """What counting says of one alert.

    Attributes:
        probability: in (0, 1).
        shares: per step of :data:`STEPS`, and of ``column``: all alerts that accuse the same column first.
        step: the most particular step that anybody answered, None where nobody answered anything.
    """

    probability: float
    shares: dict[str, Share]
    step: str | None

    @property
    def like(self) -> Share:
        """The answers to the alerts most like it; empty where nobody answered one."""
        return self.shares[self.step] if self.step not in (None, "store", "model") else Share()


def count(model_id: int, draft: AlertDraft, check: str | None, everybody: Sequence[Answered]) -> Counted:
    """Count what people answered to alerts like this one.

    Args:
        check: of its strongest finding.
        everybody: answered alerts of all models, whatever their age.
    """
    answers = [a for a in everybody if a.model_id == model_id]
    column = draft.columns[0] if draft.columns else ""
    shares = {
        "store": _share(everybody),
        "model": _share(answers),
        "check": _share(a for a in answers if check is not None and a.check == check),
        "cause": _share(a for a in answers if a.cause == draft.cause),
        "group": _share(a for a in answers if a.group_key == draft.group_key),
        "fingerprint": _share(a for a in answers if a.fingerprint == draft.fingerprint),
        "column": _share(a for a in answers if column and a.column == column),
    }
    rings: dict[str, list[Answered]] = {name: [] for name in STEPS}
    for answer in everybody:
        rings[_nearest(model_id, draft, check, answer)].append(answer)
    probability, step = EVEN, None
    for name in STEPS:
        own = _share(rings[name])
        probability = (own.worth + PRIORS[name] * probability) / (own.judged + PRIORS[name])
        step = name if shares[name].judged else step
    return Counted(probability, shares, step)


def sentence(counted: Counted, draft: AlertDraft) -> str:
    """What the probability rests on, for a person."""
    whole = counted.shares["model"]
    if not whole.judged:
        return "nobody has answered an alert of this model yet"
    like = counted.like
    if not like.judged:
        return f"nobody has answered one like it; {whole.worth} of {whole.judged} of this model were worth it"
    accused = f"{draft.cause} on {draft.columns[0]}" if draft.columns else draft.cause
    kind = {
        "check": "of the same check",
        "cause": f"with cause {draft.cause}",
        "group": f"({accused})",
        "fingerprint": f"({accused}, the same columns)",
    }
    return f"{like.worth} of {like.judged} like it were worth it {kind[str(counted.step)]}"


def _nearest(model_id: int, draft: AlertDraft, check: str | None, answer: Answered) -> str:
    """The most particular step that an answered alert shares with a draft."""
    if answer.model_id != model_id:
        return "store"
    if answer.fingerprint == draft.fingerprint:
        return "fingerprint"
    if answer.group_key == draft.group_key:
        return "group"
    if answer.cause == draft.cause:
        return "cause"
    return "check" if check is not None and answer.check == check else "model"


def _share(answers: Iterable[Answered]) -> Share:
    worth = judged = acted = 0
    for answer in answers:
        judged += 1
        worth += answer.worth
        acted += answer.acted
    return Share(worth, judged, acted)
