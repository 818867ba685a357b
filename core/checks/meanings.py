"""What each check says when it fails, in a few words, and what a cause means that no check but the program raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MEANINGS: Mapping[str, str] = {
    "volume": "more or fewer rows than this hour and weekday had before",
    "quarantined": "lines that could not be read, with file, line and reason",
    "conservation": "rows lost or added between two systems: against an expected number, or gaps in ids that run on",
    "duplicates": "the same row, or the same id within one version and stage, twice",
    "freshness": "a batch that ends earlier than those before it did",
    "missing_column": "a column of the reference is not there",
    "renamed_column": "one is missing and a new one has its values: the guess names both",
    "extra_column": "a column that the reference does not have",
    "retyped_column": "numbers came as text, or the reverse",
    "constant_prediction": "one answer for everything",
    "swapped_columns": "each of two columns has the other's past",
    "unit_change": "values are a known factor off: minutes and hours, km and m, cents",
    "time_zone": "the hours of the day fit the reference better when the clock is turned",
    "frozen": (
        "a column that moved before repeats one value, in all rows or in a long run of them, with the hour since when"
    ),
    "completeness": "more values are missing than before",
    "slice_completeness": "more values are missing inside one slice than in that slice's own past",
    "bounds": "values outside the range that a person wrote, or far outside the range seen",
    "categories": "values never seen, values gone, one renamed into another",
    "encoding": "the same names in another case, code page or padding",
    "default_value": "one value, as -1 or the last number, stands in for the missing",
    "stale": "a column, or the whole batch, has the very values of an earlier batch",
    "number_form": "numbers with more decimals than the column has, or no longer whole",
    "broken_bond": "a column no longer goes with the columns, categories or neighbouring rows it went with",
    "clipped": "large or small values pile up at one limit",
    "buckets": "buckets that have gone empty, or hold nearly everything",
    "segments": "a segment that went silent, or that the reference never had",
    "slice_levels": "a number moved inside one slice, against that slice's own past",
    "kept_slice": "a slice that somebody keeps left its own past: share, missing values, predictions, metric",
    "golden_rows": "rows with known answers came back with other features (ticket) or another score (digest)",
    "leakage": (
        "a column that knew the label, a time after the prediction, training ids in live data, offline metric far "
        "above live"
    ),
    "thin_training": (
        "a part of the traffic that has five times less of the training rows (ten: ticket), with the ratio"
    ),
    "label_sanity": "labels turned round: the base rate mirrored, AUC under one half",
    "label_residual": (
        "labels disagree with predictions inside one slice, against the other rows; flipped ones are told by how far "
        "they went to the opposite"
    ),
    "prediction_drift": "the answers moved: mean, shape, share of sure ones",
    "drift": "a feature's distribution moved, missing values as a bin of their own",
}
"""By the name of the check; the same words stand on the page of checks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an alert says that the program itself raised, over more than one batch.

    Attributes:
        rationale: why it is told.
        response: what to do.
    """

    meaning: str
    rationale: str
    response: str


STANDING: Mapping[str, Standing] = {
    "no data": Standing(
        "the next batch is overdue: nothing can be said of the model, neither good nor bad",
        "what never came can't be wrong, and nobody would notice",
        "look at whatever delivers the log, and at the serving system itself, before the model",
    ),
    "slo burn": Standing(
        "an objective is missed so often that its error budget will be spent",
        "a budget that burns is the one promise that users feel",
        "ask why (w); if a version or change began it, roll back (R)",
    ),
    "metric drop": Standing(
        "the primary metric has worsened a little and stayed so, too little for any single window",
        "slow decay passes every check of one batch",
        "follow the trend by slice (6) and by what changed (8); consider retraining",
    ),
    "labels": Standing(
        "the labels look turned round, and not the model wrong",
        "a flipped sign in the label job turns every metric round",
        "mend the label join before anything else: a rollback would be the wrong remedy",
    ),
}
"""By cause."""
