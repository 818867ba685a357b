"""What is known of an alert when it is raised, as named numbers; and the words that each of them stands for.

Nothing here looks ahead: a feature stored with an alert is what the program knew in that minute, so that learning from
it later can't learn from the future.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.worth.counting import Counted, Share
from storage.records.alerts import AlertDraft
from storage.records.results import Finding

CAUSE = "cause:"
"""Prefix of the features that stand for one cause each."""

HISTORY: tuple[str, ...] = ("model", "check", "cause", "group", "column")
"""Answered alerts that share this with an alert; a feature each: by how much more than half of them were worth it."""

NIGHT = (22, 6)
"""Hours (UTC) from which and until which a moment is at night."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is going on when an alert is raised.

    Attributes:
        incidents: open ones of the model.
        deployed: the version that came into a stage shortly before, None for none.
        moved: a metric of the model has dropped or burns its budget.
    """

    incidents: int = 0
    deployed: str | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """How many earlier alerts have a fingerprint, and how many its group raised in the last seven days."""

    fingerprint: int = 0
    lately: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """An alert as it is known when it is raised.

    Attributes:
        values: the named numbers.
        words: what the telling ones stand for, in words.
    """

    values: dict[str, float]
    words: dict[str, str]


def strongest(draft: AlertDraft, findings: Sequence[Finding]) -> Finding | None:
    """The finding of a draft that lies furthest beyond its bound; the first of equals."""
    found = [findings[i] for i in draft.findings]
    return max(found, key=lambda f: f.score) if found else None


def known(
    draft: AlertDraft,
    findings: Sequence[Finding],
    counted: Counted,
    around: Surroundings,
    *,
    rows: int,
    seen: Seen,
    importance: float,
    now: datetime,
) -> Known:
    """What is known of an alert that is about to be raised.

    Args:
        findings: of its batch; the draft names its own by position.
        rows: of its batch, 0 where it has none.
        importance: of the column accused first, 1 for a column like any other.
    """
    touched = max((_rows(findings[i]) for i in draft.findings), default=0.0)
    share = min(touched / rows, 1.0) if rows else 0.0
    night = now.hour >= NIGHT[0] or now.hour < NIGHT[1]
    values = {
        "tier:page": float(draft.tier == "page"),
        "tier:digest": float(draft.tier == "digest"),
        **{f"class:{name}": float(draft.error_class == name) for name in ("hard", "drift", "ops")},
        "strength": math.log1p(max(draft.score, 0.0)),
        "columns": math.log1p(len(draft.columns)),
        "findings": math.log1p(len(draft.findings)),
        "importance": math.log(max(importance, 0.05)),
        "rows": math.sqrt(share),
        "night": float(night),
        "weekend": float(now.weekday() >= 5),
        "new": float(seen.fingerprint == 0),
        "lately": math.log1p(seen.lately),
        "counting": math.log(counted.probability / (1 - counted.probability)),
        **{f"history:{name}": _lean(counted.shares[name]) for name in HISTORY},
        "incident": float(around.incidents > 0),
        "deployed": float(around.deployed is not None),
        "moved": float(around.moved),
        f"{CAUSE}{draft.cause}": 1.0,
    }
    return Known(values, _words(draft, counted, around, share, seen, importance, night, now))


def vector(values: Mapping[str, float], names: Sequence[str]) -> list[float]:
    """The numbers in the order of ``names``; 0 for what an alert has none of.

    >>> vector({"strength": 1.5, "night": 1.0}, ["night", "cause:unit change", "strength"])
    [1.0, 0.0, 1.5]
    """
    return [values.get(name, 0.0) for name in names]


def _lean(share: Share) -> float:
    """In (-0.5, 0.5); 0 where nobody answered any. It does not grow without end as answers come.

    >>> _lean(Share(0, 0)), round(_lean(Share(3, 4)), 2)
    (0.0, 0.17)
    """
    return (share.worth + 1) / (share.judged + 2) - 0.5


def _rows(finding: Finding) -> float:
    told = finding.evidence.get("rows")
    return float(told) if isinstance(told, (int, float)) and not isinstance(told, bool) else 0.0


def _words(
    draft: AlertDraft,
    counted: Counted,
    around: Surroundings,
    share: float,
    seen: Seen,
    importance: float,
    night: bool,
    now: datetime,
) -> dict[str, str]:
    column = draft.columns[0] if draft.columns else ""
    subject = {
        "model": "its model",
        "check": "its check",
        "cause": f"cause {draft.cause}",
        "group": f"{draft.cause} on {column}",
    }
    subject["column"] = f"column {column}"
    return {
        f"tier:{draft.tier}": f"a {draft.tier}",
        f"class:{draft.error_class}": f"class {draft.error_class}",
        "strength": f"{draft.score:.3g} times its bound",
        "columns": f"columns accused: {len(draft.columns)}",
        "findings": f"findings: {len(draft.findings)}",
        "importance": f"importance of {column} {importance:g}",
        "rows": f"{share:.1%} of the rows",
        "night": "at night" if night else "by day",
        "weekend": "at the weekend" if now.weekday() >= 5 else "on a working day",
        "new": f"seen {seen.fingerprint} times before" if seen.fingerprint else "never seen before",
        "lately": f"its group was raised {seen.lately} times in seven days",
        "counting": f"{counted.like.worth} of {counted.like.judged} like it were worth it",
        **{f"history:{name}": _judged(subject[name], counted.shares[name]) for name in HISTORY},
        "incident": "an incident is open" if around.incidents else "no incident is open",
        "deployed": f"{around.deployed} was deployed shortly before" if around.deployed else "no recent deploy",
        "moved": "a metric moved" if around.moved else "no metric moved",
        f"{CAUSE}{draft.cause}": f"cause {draft.cause}",
    }


def _judged(subject: str, share: Share) -> str:
    if not share.judged:
        return f"{subject} never judged"
    if share.worth * 2 >= share.judged:
        return f"{subject} judged worth it {share.worth} of {share.judged}"
    return f"{subject} judged noise {share.judged - share.worth} of {share.judged}"
