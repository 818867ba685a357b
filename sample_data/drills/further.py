"""Eight further faults: two where nothing is wrong, and six of hosts, clocks, texts, stores, rules and locales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_data.drills import desk
from sample_data.drills.churn import CHURN
from sample_data.drills.desk import DESK
from sample_data.drills.draw import Draw
from sample_data.drills.eta import ETA, daypart, hours_of
from sample_data.drills.kinds import Kind, Note, Promotion
from sample_data.drills.planted import ETA_EDIT, FRESH, truth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def drifted(draw: Draw, more: float) -> NDArray[np.bool_]:
    """More sessions and more spend, as on a busy day; the model hardly uses either."""
    import numpy as np

    for name in ("sessions", "spend"):
        values = draw.columns[name]
        grown = np.round(values * (1 + more), 0 if name == "sessions" else 2)
        draw.columns[name] = np.where(draw.live, grown, values)
    return draw.live


def few_labels(draw: Draw, share: float) -> NDArray[np.bool_]:
    """Only a few labels have come, and easy ones first: of customers the model is surest about."""
    import numpy as np

    def thin() -> None:
        surest = np.abs(draw.columns["score"] - 0.3)
        chance = share * 2 * surest.argsort().argsort() / draw.total
        draw.labelled &= ~draw.live | (draw.rng.random(draw.total) < chance)

    draw.after.append(thin)
    return draw.live


def mixed_versions(draw: Draw, share: float) -> NDArray[np.bool_]:
    """v9 is live, but one host still answers with v7; `share` is the share of traffic of that host."""
    import numpy as np

    draw.versions["v9"] = desk.answers(desk.shifted((1.1, -0.5, -0.4, 0.2)))
    draw.manifests["v9"] = {"note": "billing answers more questions by itself"}
    total = np.where(draw.rng.random(draw.total) < share, "desk-2", "desk-1").astype(object)
    draw.columns["host"] = total
    stale = np.asarray(draw.live & (total == "desk-2"))
    draw.deploy("v9", draw.live & ~stale)
    return stale


def local_time(draw: Draw, hours: float) -> NDArray[np.bool_]:
    """Callers send local time as if it were UTC: one partner, or, from two hours on, both."""
    import numpy as np

    caller = draw.columns["caller"]
    partners = ("partner_b",) if hours < 2 else ("partner_a", "partner_b")
    hit = draw.live & (np.isin(caller, partners) if hours < 6 else np.ones(draw.total, dtype=bool))
    times = draw.columns["requested_at"]
    shifted = np.where(hit, times + np.timedelta64(int(hours * 3600), "s"), times)
    draw.columns["requested_at"] = shifted
    fed = daypart(hours_of(shifted))
    draw.columns["daypart"] = np.where(hit, fed, draw.columns["daypart"])
    return hit


def renamed(draw: Draw, share: float) -> NDArray[np.bool_]:
    """The tagger calls `refund` by another name in a share of the rows; the model has never seen it."""
    import numpy as np

    hit = draw.some(share, draw.columns["topic"] == "refund")
    draw.columns["topic"] = np.where(hit, "Refund/Return", draw.columns["topic"]).astype(object)
    return hit


def frozen(draw: Draw, regions: float) -> NDArray[np.bool_]:
    """`traffic_index` repeats the last value it had, in one, two or all regions."""
    import numpy as np

    stuck = ("south", "centre", "north", "west")[: int(regions)]
    hit = draw.live & np.isin(draw.columns["region"], stuck)
    last = draw.columns["traffic_index"][draw.onset * draw.rows - 1]
    draw.columns["traffic_index"] = np.where(hit, last, draw.columns["traffic_index"])
    return hit


def blocked(draw: Draw, share: float) -> NDArray[np.bool_]:
    """A rule takes a share of the messages about one product to a person; the model says what it always said."""
    import numpy as np

    hit = draw.some(share, (draw.columns["product"] == "shoes") & (draw.columns["rule"] == ""))
    draw.columns["rule"] = np.where(hit, "no_opening_hours", draw.columns["rule"]).astype(object)
    return hit


def decimal_comma(draw: Draw, share: float) -> NDArray[np.bool_]:
    """`distance_km` is written with a decimal comma by one caller; the scorer reads such a text as missing."""
    import numpy as np

    hit = draw.some(share, draw.columns["caller"] == "partner_a")
    values = draw.columns["distance_km"]
    text = [f'"{value:.2f}"'.replace(".", ",") if bad else "" for value, bad in zip(values, hit, strict=True)]
    draw.cells["distance_km"] = np.asarray(text, dtype=object)
    draw.seen["distance_km"] = np.where(hit, np.nan, values)
    return hit


MAILING = Note(40, "external", "campaign", "autumn mailing to all customers", "marketing", of_model=False)
TAGGER = Note(16, "component", "service", "topic tagger 2.0: names of topics as on the web page", "nlp-team", size=900)
SDK = Note(28, "component", "client", "partner kit 3.1: timestamps of the device", "partners", "3.0", "3.1", 120)
WIDER = Note(14, "run", "rule", "rule no_opening_hours: pattern widened", "j.haddad", r"\b\d+ (am|pm)\b", r"\d+", 1)
LOCALE = Note(
    10, "component", "client", "partner_a app 8.2: numbers in the customer's locale", "partner_a", "8.1", "8.2", 75
)
MOVED = Note(
    70, "pipeline", "storage", "label tables copied to the new warehouse", "data-eng", size=8, reviewed_by="m.ito"
)
HELD = "canary passed; partner kit unaffected"

FURTHER: tuple[Kind, ...] = (
    Kind("natural-drift", False, CHURN, (0.1, 0.2, 0.35), drifted, truth(
        "external/none", "data/none", "nothing", "mark as noise; retrain at the usual time",
        "page; roll back; retrain at once",
        "sessions and spend moved together; scores and, once known, the metric did not",
        "natural drift without harm: do nothing", "sessions spend",
    ), MAILING, decoy_promotion=FRESH, labelled=True),
    Kind("late-labels", False, CHURN, (0.3, 0.1, 0.05), few_labels, truth(
        "data/none", "pipeline/none external/none pipeline/label data/label", "wait",
        "wait for labels; hold every promotion until then", "promote on the good figure; page",
        "a few labels, of easy rows first: the metric looks better than ever, on too few rows",
        "not enough labels: no number, no verdict", "churned",
    ), decoys=(MOVED,), decoy_promotion=FRESH, labelled=True),
    Kind("mixed-versions", False, DESK, (0.1, 0.3, 0.5), mixed_versions, truth(
        "infrastructure/deploy", "run/deploy", "mend", "apply the version again on host desk-2",
        "roll back everything; retrain",
        "two versions answer at once, apart by host; they disagree",
        "desk-2 still serves v7 while v9 is live: a partial deployment", "model host",
    ), promotion=Promotion(4, "v9", "p.okafor", "canary passed")),
    Kind("local-time", False, ETA, (1.0, 3.0, 6.0), local_time, truth(
        "component/code", "component/unit component/data component/schema component/upstream data/unit data/data",
        "mend", "turn the clock back at the border and replay; ticket to the partners", "roll back; retrain on it",
        "requests of partners lie hours ahead, and their part of the day with them",
        "times of the partners are local, not UTC", "requested_at daypart",
    ), SDK, decoy_promotion=Promotion(150, "v8", "p.okafor", HELD)),
    Kind("renamed-category", False, DESK, (0.1, 0.5, 1.0), renamed, truth(
        "component/schema", "component/upstream component/data data/schema", "mend",
        "map the new name back; agree on names with the tagger's team", "roll back; retrain at once",
        "a topic never seen before takes the rows that an old one lost; the model guesses there",
        "topic: 'refund' is now 'Refund/Return'", "topic",
    ), TAGGER, decoy_promotion=Promotion(110, "v8", "p.okafor", "canary passed")),
    Kind("frozen-feature", False, ETA, (1, 2, 4), frozen, truth(
        "infrastructure/feature",
        "data/feature pipeline/feature infrastructure/capacity infrastructure/data data/upstream data/data", "mend",
        "restart the writer of the feature store; serve the mean until then", "roll back; retrain",
        "traffic_index repeats one value", "traffic_index is frozen: its store is no longer written", "traffic_index",
    ), decoys=(ETA_EDIT,)),
    Kind("broad-rule", False, DESK, (0.08, 0.16, 0.5), blocked, truth(
        "run/rule", "run/config component/rule", "revert", "put the rule back into shadow, narrower",
        "roll back the model; retrain",
        "one rule fires on a multiple of messages about one product; the model's answers did not move",
        "rule no_opening_hours is too broad; the model is unchanged", "rule final",
    ), WIDER, decoy_promotion=Promotion(90, "v8", "p.okafor", "canary passed")),
    Kind("decimal-comma", False, ETA, (0.1, 0.5, 1.0), decimal_comma, truth(
        "component/schema", "component/unit component/data component/code component/upstream data/schema", "mend",
        "read the comma at the border; ticket to partner_a", "roll back; drop the rows",
        "distance_km is text with a comma where caller = partner_a; their predictions ignore the distance",
        "distance_km changed its form for one caller", "distance_km",
    ), LOCALE, decoys=(ETA_EDIT,)),
)  # fmt: skip
"""Eight faults of which only the first three have a row in the table of drills."""
