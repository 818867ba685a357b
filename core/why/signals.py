"""Signals: what of a batch moved against its reference, what stood still, and what can't be known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STANDS_OUT = 1.0
"""A strength from which a signal is present: the departure at which its own past ends."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that moved, stood still, or can't be known.

    Attributes:
        name: one of :data:`SIGNALS`.
        words: what was seen, in words, with the figures.
        value, reference: as measured now and in the reference; None where there is no number.
        strength: in terms of the batch's own past: 1.0 where ordinary departures end, 0.0 when nothing moved.
        columns: those concerned, most first; ``slice`` is the part of the rows, None for all.
        share: share of the batch's rows it is on, None where that is not known.
        rows: the facts it rests on, as ``table:id``.
        unknown: why it can't be told; None when it can.
        begun: id of the first batch of the unbroken run of batches that show it, None when not traced.
    """

    name: str
    words: str
    value: float | None = None
    reference: float | None = None
    strength: float = 0.0
    columns: tuple[str, ...] = ()
    slice: str | None = None
    share: float | None = None
    rows: tuple[str, ...] = ()
    unknown: str | None = None
    begun: int | None = None

    @property
    def known(self) -> bool:
        """Whether it could be told."""
        return self.unknown is None

    @property
    def present(self) -> bool:
        """Whether it stands out of its own past."""
        return self.unknown is None and self.strength >= STANDS_OUT


def not_known(name: str, reason: str) -> Signal:
    """A signal that can't be told, with the reason."""
    return Signal(name, f"not known: {reason}", unknown=reason)


Signals = Mapping[str, Signal]

SIGNALS: dict[str, str] = {
    "inputs_moved": "input columns that left their past, however; value: how many",
    "many_columns": "inputs moved in many columns at once; value: their share of all inputs",
    "null_burst": "values missing that were not; value: share of rows (of the slice, where it is one)",
    "unit_change": "a column in another unit; value: the factor",
    "default_value": "a column filled in with one value; value: share of rows",
    "out_of_range": "values outside what was ever seen; value: share of rows",
    "slice_shift": "a column moved inside one slice; value: standard deviations",
    "new_values": "values of a text column never seen; value: share of rows",
    "renamed_values": "values of a text column renamed; value: share of rows",
    "schema": "a column missing, renamed, retyped or added; value: how many",
    "swapped": "two columns changed places",
    "encoding": "texts in another encoding; value: share of rows",
    "frozen": "a column stopped changing",
    "clipped": "values cut off at a limit; value: share of rows",
    "time_shift": "times shifted by whole hours",
    "mix_shift": "another mix of rows: a segment gone, new, larger or smaller; value: its share now",
    "drift": "columns that drifted without a more specific cause; value: how many",
    "upstream_column": "a moved column carries another model's output",
    "scores_moved": "the predictions left their past; value: PSI",
    "scores_unexplained": "predictions moved on more rows than moved inputs can explain; value: share of rows",
    "scores_up": "the mean prediction rose; value: by how much",
    "scores_down": "the mean prediction fell; value: by how much",
    "constant_scores": "one prediction for nearly all rows; value: its share",
    "confidence_up": "surer predictions; value: mean of the larger of p and 1 - p",
    "confidence_down": "less sure predictions; value: mean of the larger of p and 1 - p",
    "scores_by_slice": "predictions moved inside one slice and not elsewhere; value: standard deviations",
    "decisions_moved": "what is decided on a prediction moved; value: its rate or level now",
    "metric_worse": "the primary metric is worse than its past; value: the metric",
    "metric_better": "the primary metric is no worse than its past; value: the metric",
    "metric_slid": "the primary metric worsened a little and stayed so; value: the metric",
    "labels_flipped": "yes and no changed places in the labels; value: share of positive labels",
    "base_rate_moved": "another share of positive labels; value: that share",
    "labels_few": "too few labels to tell a metric; value: how many",
    "labels_late": "labels that should be there by now are not; value: share of rows labelled",
    "labels_in_slice": "labels leave predictions inside one slice; value: by how much",
    "above_labels": "mean prediction above the share of positive labels, more than before; value: the gap",
    "offline_above_live": "offline far above live; value: the gap",
    "training_differs": "live version and the one before were trained on other data",
    "version_new": "another version serves since the onset",
    "versions_mixed": "two versions share a stage; value: share of rows by the lesser one",
    "host_apart": "one host differs from the others; value: standard deviations",
    "known_answers_wrong": "golden rows or replayed rows no longer give the known answer; value: how many",
    "leakage": "a feature knows the label; value: how well alone",
    "thin_training": "rows of which training had few; value: share of rows",
    "volume_low": "fewer rows than usual; value: rows",
    "volume_high": "more rows than usual; value: rows",
    "duplicates": "rows that came twice; value: their share",
    "quarantined": "lines that can't be read; value: their share",
    "late_data": "the data are older than they should be",
    "latency": "predictions take longer; value: milliseconds",
}
"""Every signal a symptom may name, and what it means."""
