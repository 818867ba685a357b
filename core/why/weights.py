"""What a suspect is weighed by: every weight with its reason, so that each can be shown and argued with."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.why.symptoms import Cause
from storage.records.changes import Change
from storage.tables import incident_facts

PRIOR: Mapping[str, float] = {
    "run": 0.30,
    "pipeline": 0.20,
    "component": 0.17,
    "data": 0.15,
    "infrastructure": 0.10,
    "external": 0.08,
}
"""How often causes lie in a layer while nothing of one's own is known: fast at the top, rare at the bottom."""

SMOOTHING = 12.0
"""Incidents that the prior counts as: so many of one's own weigh as much as it does."""

CATEGORIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"threshold|config|flag|setting|param|yaml|min_|max_|toggle", ("config",)),
    (r"rule|guardrail|regex|filter|block", ("rule", "config")),
    (r"deploy|enter|rollback|promot|version|traffic|pointer", ("deploy", "training", "feature", "code")),
    (r"retrain|train|snapshot|model", ("training", "feature", "deploy")),
    (r"label|feedback|outcome|target", ("label",)),
    (
        r"query|sql|join|etl|dag|job|transform|feature|backfill|imput|default|schedule|pipeline",
        ("data", "feature", "code"),
    ),
    (r"schema|rename|column|field|contract|proto", ("schema", "upstream")),
    (
        r"client|app|release|sdk|api|caller|partner|mobile|frontend|service",
        ("unit", "upstream", "schema", "code", "data"),
    ),
    (r"unit|currency|cent|metre|meter|mile", ("unit",)),
    (r"provider|vendor|feed|source|upstream|table|export|import|collector|sensor", ("upstream", "data")),
    (
        r"image|host|node|cluster|network|scale|capacity|kernel|disk|memory|autoscal|replica|clock|zone|dns|cache",
        ("capacity", "deploy", "config"),
    ),
    (r"campaign|holiday|season|market|weather|event|mailing|launch|promo", ("none", "data")),
    (r"prompt|commit|merge|code|fix|refactor|librar|dependenc|upgrade|package", ("code",)),
)
"""What kind of mistake a change may be, by the words of its kind and subject."""

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Weight:
    """One factor of a suspect's score, between 0 and about 1, and why."""

    name: str
    value: float
    why: str


def layer_priors(db: sqlite3.Connection) -> dict[str, float]:
    """Share of causes per layer: the prior, and the causes of one's own incidents as they came."""
    counts: dict[str, float] = dict.fromkeys(PRIOR, 0.0)
    for cause, number in incident_facts.cause_counts(db):
        layer = cause.split("/")[0]
        if layer in counts and not cause.endswith("/none"):
            counts[layer] += number
    whole = sum(counts.values())
    return {layer: (counts[layer] + SMOOTHING * PRIOR[layer]) / (whole + SMOOTHING) for layer in PRIOR}


def prior_weight(layer: str, priors: Mapping[str, float]) -> Weight:
    """A layer's share of past causes against the most frequent layer's; damped, since it knows nothing of today."""
    share, most = priors.get(layer, 0.05), max(priors.values())
    return Weight("layer", round(0.6 + 0.4 * share / most, 3), f"{share:.0%} of causes were in the layer {layer}")


def time_weight(clean_between: int, minutes: float, sharp: bool | None) -> Weight:
    """Closeness to the onset: batches without the symptom that lie between, then minutes.

    A batch in between that is well speaks against the change, the more the sharper the onset.
    """
    steep = 0.35 if sharp is False else 1.0
    value = 1 / (1 + steep * clean_between) / (1 + minutes / (60 * 24 * 3))
    if clean_between:
        why = f"{clean_between} batches without the symptom lie between it and the onset"
    else:
        why = "no batch without the symptom lies between it and the onset"
    return Weight("time", round(max(value, 0.01), 3), why)


def categories_of(change: Change) -> tuple[str, ...]:
    """Kinds of mistakes that a change may be, by its own words; those of its kind first.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 11, 23, tzinfo=UTC)
    >>> categories_of(Change("changes", 1, "run", "config", "min_score", 1, "m", None, None, 1, None, at, None, "x"))
    ('config',)
    """
    found: list[str] = []
    for text in (change.kind.lower(), change.subject.lower()):
        for pattern, names in CATEGORIES:
            if re.search(pattern, text):
                found += names
    if change.model_id is None and change.layer == "run":
        found.append("upstream")  # another model's run is what this one may be fed with
    if change.table == "deployments":
        found += ["deploy", "training", "feature", "code"]
    return tuple(dict.fromkeys(found))


def fit_weight(change: Change, causes: Iterable[Cause]) -> tuple[Weight, Cause | None]:
    """How well a change fits what brings the symptom about, and as which cause."""
    known = tuple(causes)
    most = max((c.weight for c in known), default=1.0)
    kinds = categories_of(change)
    best, chosen = 0.04, None
    for cause in known:
        layer = 1.0 if cause.layer == change.layer else 0.3 if _near(cause.layer, change.layer) else 0.1
        category = 1.0 if cause.category in kinds else 0.55 if not kinds else 0.4
        value = (cause.weight / most) ** 0.5 * layer * category
        if value > best:
            best, chosen = value, cause
    why = f"fits as {chosen.cause}" if chosen is not None else "no cause of this symptom lies there"
    return Weight("fit", round(min(best, 1.0), 3), why), chosen


def _near(a: str, b: str) -> bool:
    """Layers that are taken for each other: who writes a feature is a component to some and a pipeline to others."""
    near = (
        {"component", "data"},
        {"data", "pipeline"},
        {"component", "pipeline"},
        {"data", "external"},
        {"run", "pipeline"},
    )
    return any({a, b} == pair for pair in near)


def size_weight(change: Change) -> Weight:
    """More altered, more suspect; by the log, since what is counted differs from source to source."""
    if change.size is None:
        return Weight("size", 0.85, "its size is not known")
    return Weight(
        "size", round(0.7 + 0.3 * min(1.0, math.log1p(change.size) / math.log(200)), 3), f"size {change.size}"
    )


def review_weight(change: Change) -> Weight:
    """Nobody reviewed it, somebody did, or nobody is asked (deployments)."""
    if change.unreviewed:
        return Weight("review", 1.0, "nobody is named to have reviewed it")
    if change.reviewed_by:
        return Weight("review", 0.85, f"reviewed by {change.reviewed_by}")
    skipped = re.search(r"overrid|forced|skipp|without review|bypass", f"{change.after or ''} {change.subject}", re.I)
    return (
        Weight("review", 1.0, "its gate was overridden")
        if skipped
        else Weight("review", 0.95, "not reviewed line by line")
    )


def names_weight(change: Change, columns: Iterable[str], slices: Iterable[str]) -> tuple[Weight, tuple[str, ...]]:
    """Whether its own words name an accused column or slice; which of them."""
    words = set(
        _WORD.findall(" ".join(filter(None, (change.subject, change.kind, change.before, change.after))).lower())
    )
    hit = []
    for name in dict.fromkeys([*columns, *(p for s in slices for p in s.split("=", 1))]):
        low = name.lower()
        parts = [w for w in _WORD.findall(low) if len(w) >= 4 and w not in _COMMON]
        if (len(low) >= 3 and mentions(change, (low,))) or (parts and any(p in words for p in parts)):
            hit.append(name)
    if hit:
        return Weight("names", 1.0, f"it names {', '.join(hit[:3])}"), tuple(hit)
    return Weight("names", 0.6, "it names none of the accused columns"), ()


def mentions(change: Change, names: Iterable[str]) -> bool:
    """Whether the words of a change hold one of the names as a whole: ``pro`` is not in ``proxies``."""
    told = " ".join(filter(None, (change.subject, change.before, change.after, change.by))).lower()
    return any(re.search(rf"(?<![a-z0-9]){re.escape(name.lower())}(?![a-z0-9])", told) for name in names)


_COMMON = frozenset(
    {"model", "score", "rate", "index", "time", "date", "count", "value", "name", "type", "region", "days", "month"}
)
