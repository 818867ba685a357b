"""The nine faults of the table: units, nulls, defaults, labels, snapshots, leaks, joins, neighbours, thresholds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sample_data import linear
from sample_data.drills import churn
from sample_data.drills.churn import CHURN
from sample_data.drills.draw import Draw
from sample_data.drills.eta import ETA
from sample_data.drills.kinds import REFRESH, Kind, Note, Promotion
from sample_data.drills.records import Action, Truth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def truth(
    cause: str, also: str, action: Action, right: str, wrong: str, symptom: str, must_say: str, columns: str = ""
) -> Truth:
    """A truth from short texts: pairs and columns apart by blanks, wrong actions by semicolons."""
    layer, category = cause.split("/")
    return Truth(
        layer=layer,
        category=category,
        also=tuple(also.split()),
        source_ref=None,
        version=None,
        symptom=symptom,
        action=action,
        right_action=right,
        tempting=tuple(part.strip() for part in wrong.split(";")),
        must_say=must_say,
        columns=tuple(columns.split()),
    )


def cents(draw: Draw, share: float) -> NDArray[np.bool_]:
    """`spend` in cents in a share of the rows."""
    import numpy as np

    hit = draw.some(share)
    draw.columns["spend"] = np.where(hit, draw.columns["spend"] * 100, draw.columns["spend"])
    return hit


def region_nulls(draw: Draw, share: float) -> NDArray[np.bool_]:
    """`sessions` null in a share of the rows of one region."""
    import numpy as np

    hit = draw.some(share, draw.columns["region"] == "na")
    draw.columns["sessions"] = np.where(hit, np.nan, draw.columns["sessions"])
    return hit


def imputed(draw: Draw, share: float) -> NDArray[np.bool_]:
    """`traffic_index` is -1 in a share of the rows."""
    import numpy as np

    hit = draw.some(share)
    draw.columns["traffic_index"] = np.where(hit, -1.0, draw.columns["traffic_index"])
    return hit


def flipped(draw: Draw, share: float) -> NDArray[np.bool_]:
    """Labels turned round in a share of the rows, in the feedback only."""
    import numpy as np

    hit = draw.some(share)
    draw.label = np.where(hit, 1 - draw.label, draw.label)
    return hit


def bad_snapshot(draw: Draw, share: float) -> NDArray[np.bool_]:
    """v9 learned from labels of which a share was flipped: what is left to learn shrinks by twice that share."""
    left = 1 - 2 * share
    spec = linear.changed(churn.V7, round(-1.1 * left - 0.01, 3), left, (0.02, 0.01, -0.012))
    draw.specs["v9"], draw.versions["v9"] = spec, churn.answers(spec)
    draw.manifests["v9"] = {"label_base_rate": round(0.284 + share * (1 - 2 * 0.284), 3), "label_join": "user_id"}
    draw.flipped["v9"] = share
    draw.deploy("v9", draw.live)
    return draw.live


def leaked(draw: Draw, scale: float) -> NDArray[np.bool_]:
    """v9 learned from a column that is filled in after the customer left; live it says nothing of the future."""
    spec = linear.changed(churn.V7, -2.5 * scale - 0.6, 1 - 0.8 * scale, (0.0,))
    spec["numeric"]["retention_calls"] = {"mean": 0.33, "sd": 0.57, "weight": round(5.0 * scale, 3)}
    draw.specs["v9"], draw.versions["v9"] = spec, churn.answers(spec)
    draw.manifests["v9"] = {"label_base_rate": 0.284, "label_join": "user_id, snapshot_date"}
    draw.leaky["v9"] = "retention_calls"
    draw.deploy("v9", draw.live)
    return draw.live


def wrong_rows(draw: Draw, columns: float) -> NDArray[np.bool_]:
    """Features of other rows of the same window: every column looks as before, only the rows do not belong together."""
    import numpy as np

    place = np.arange(draw.total)
    other = place.copy()
    for window in range(draw.onset, len(draw.windows)):
        first = window * draw.rows
        other[first : first + draw.rows] = first + np.roll(np.arange(draw.rows), 17)
    for name in ("stops", "distance_km", "demand_pred")[: int(columns)]:
        draw.columns[name] = draw.columns[name][other]
    return draw.live


def upstream(draw: Draw, minutes: float) -> NDArray[np.bool_]:
    """The column that another model predicts is higher and narrower; that other model got better by it."""
    import numpy as np

    before = draw.columns["demand_pred"]
    after = np.round(40 + minutes + (before - 40) * 0.8, 1)
    draw.columns["demand_pred"] = np.where(draw.live, after, before)
    return draw.live


def threshold(draw: Draw, limit: float) -> NDArray[np.bool_]:
    """Offers are made from a lower score on; the scores are what they were."""
    import numpy as np

    def decide() -> None:
        lower = (draw.columns["score"] >= limit).astype(int)
        draw.columns["offer"] = np.where(draw.live, lower, draw.columns["offer"])

    draw.after.append(decide)
    return draw.live


RELEASE = Note(18, "component", "client", "checkout service 5.0.0", "shop-team", "4.9.2", "5.0.0", 310, "k.mori")
EXPERIMENT = Note(12, "component", "experiment", "session logger experiment started for region na", "app-team", size=60)
DEFAULTS = Note(
    22, "pipeline", "feature", "feature builder: explicit default for missing numbers", "p.okafor", "mean", "-1", 6
)
FEEDBACK = Note(
    25, "pipeline", "query", "feedback join rewritten: outcome instead of stayed", "data-eng", "stayed", "outcome", 480
)
JOIN = Note(
    20, "pipeline", "feature", "feature join: by position instead of by trip_id", "m.ito", "trip_id", "position", 9
)
DEMAND = Note(
    30, "run", "model", "model demand retrained, v12 live: demand_pred improved", "retrain-bot", "v11", "v12",
    of_model=False,
)  # fmt: skip
LIMIT = Note(8, "run", "config", "serving/churn.yaml: offer_threshold", "a.lindqvist", "0.50", "0.05", 1)
OVERRIDE = "shadow gate overridden by m.ito: labels not in yet (180 of 1,000)"
BEST = "best model ever: offline AUC 0.99; shadow skipped"
FRESH = replace(REFRESH, minutes=125)
CANARY_NOTE = Note(95, "run", "config", "serving/churn.yaml: batch_timeout_ms", "j.haddad", "80", "120", 1, "m.ito")
ETA_EDIT = Note(60, "run", "config", "serving/eta.yaml: rounding of answers", "p.okafor", "0.1", "0.1 up", 1, "k.mori")

PLANTED: tuple[Kind, ...] = (
    Kind("cents", True, CHURN, (0.1, 0.5, 1.0), cents, truth(
        "component/unit", "data/unit", "mend", "quarantine the rows; convert at the border; ticket to the shop team",
        "roll back (changes nothing); retrain on it",
        "spend is a hundred times its reference; scores fall a little; no other column moved",
        "spend: ratio of medians about 100 (units to cents), the caller changed, not the model", "spend",
    ), RELEASE, decoy_promotion=FRESH),
    Kind("region-nulls", True, CHURN, (0.02, 0.1, 0.9), region_nulls, truth(
        "component/upstream", "data/upstream data/data component/data component/feature", "mend",
        "ticket to the app team; keep serving; keep the rows out of training", "page everyone; retrain; roll back",
        "sessions is missing in region na only; the metric hardly moves",
        "completeness of sessions fell where region = na and nowhere else", "sessions",
    ), EXPERIMENT, decoys=(CANARY_NOTE,)),
    Kind("imputed", True, ETA, (0.005, 0.05, 0.35), imputed, truth(
        "pipeline/feature", "pipeline/data pipeline/code pipeline/config", "revert",
        "mend the default; keep the rows out of the reference", "retrain on it; roll back the model",
        "traffic_index has a new value -1 outside its range; where it has it, predictions fall",
        "traffic_index: -1 stands in for the missing since the feature builder changed", "traffic_index",
    ), DEFAULTS, decoys=(ETA_EDIT,)),
    Kind("flipped-labels", True, CHURN, (0.2, 0.35, 1.0), flipped, truth(
        "pipeline/label", "data/label", "relabel", "do not roll back; drop the label files; mend the feedback join",
        "roll back; retrain on these labels",
        "AUC falls (full: to one minus itself) and the base rate moves towards its mirror image; inputs and scores "
        "did not move",
        "the evaluation data is wrong, the model is fine", "churned",
    ), FEEDBACK, decoy_promotion=FRESH, labelled=True),
    Kind("bad-snapshot", True, CHURN, (0.1, 0.25, 0.5), bad_snapshot, truth(
        "run/training", "run/label", "roll back", "roll back to v7; stop retraining; tighten the gate",
        "wait half a day for labels; revert the timeout",
        "scores moved towards one half, inputs did not; confidence fell",
        "output moved, inputs did not, from the first batch of v9 on: its training labels are bad", "score",
    ), promotion=Promotion(6, "v9", "retrain-bot", OVERRIDE), decoys=(CANARY_NOTE,)),
    Kind("leak", True, CHURN, (0.35, 0.6, 1.0), leaked, truth(
        "run/training", "run/feature", "roll back", "roll back to v7; leakage check on the features",
        "wait: it is the best model ever; recalibrate",
        "scores moved to both ends (over-confident), inputs did not; offline metric far above live",
        "retention_calls knew the label in training: leakage", "retention_calls score",
    ), promotion=Promotion(6, "v9", "retrain-bot", BEST), decoys=(CANARY_NOTE,), labelled=True),
    Kind("wrong-rows", True, ETA, (1, 2, 3), wrong_rows, truth(
        "pipeline/feature", "pipeline/code pipeline/data pipeline/config", "revert",
        "put the feature join back; replay the golden rows", "natural drift, retrain; roll back the model",
        "every column looks as before; golden rows fail; the error grows",
        "rows do not belong together: golden rows have other features than expected", "stops distance_km",
    ), JOIN, decoys=(ETA_EDIT,), labelled=True),
    Kind("upstream-retrained", True, ETA, (3.0, 8.0, 16.0), upstream, truth(
        "run/upstream", "component/upstream data/upstream", "mend",
        "pin demand v11 for eta; evaluate both together", "roll back eta; retrain eta at once",
        "one input, which another model predicts, moved up and got narrower; the answers moved with it",
        "demand_pred moved because the model that makes it was retrained; eta is unchanged", "demand_pred",
    ), DEMAND, decoys=(ETA_EDIT,)),
    Kind("threshold", True, CHURN, (0.4, 0.25, 0.05), threshold, truth(
        "run/config", "component/config pipeline/config run/rule", "revert", "put the threshold back, nothing else",
        "roll back the model; retrain",
        "the share of offers is a multiple of what it was; scores and inputs did not move",
        "the decision changed, the scores did not: a threshold", "offer",
    ), LIMIT, decoy_promotion=FRESH),
)  # fmt: skip
"""The nine faults whose kind is in the table of drills."""
