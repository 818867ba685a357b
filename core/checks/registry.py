"""Every check, one line each: their order is the order of the report."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from core.checks import (
    bounds,
    broken_bond,
    buckets,
    categories,
    clipped,
    completeness,
    conservation,
    constant_prediction,
    default_value,
    drift,
    duplicates,
    encoding,
    extra_column,
    freshness,
    frozen,
    golden_rows,
    kept_slice,
    label_residual,
    label_sanity,
    leakage,
    missing_column,
    number_form,
    prediction_drift,
    quarantined,
    renamed_column,
    retyped_column,
    segments,
    slice_completeness,
    slice_levels,
    stale,
    swapped_columns,
    thin_training,
    time_zone,
    unit_change,
    volume,
)
from core.checks.base import Check
from storage.errors import ModelFileError
from storage.records.models import CheckSpec

CHECKS: tuple[Check, ...] = (
    volume.CHECK,
    quarantined.CHECK,
    conservation.CHECK,
    duplicates.CHECK,
    freshness.CHECK,
    missing_column.CHECK,
    renamed_column.CHECK,
    extra_column.CHECK,
    retyped_column.CHECK,
    constant_prediction.CHECK,
    swapped_columns.CHECK,
    unit_change.CHECK,
    time_zone.CHECK,
    stale.CHECK,
    frozen.CHECK,
    completeness.CHECK,
    slice_completeness.CHECK,
    bounds.CHECK,
    categories.CHECK,
    encoding.CHECK,
    number_form.CHECK,
    default_value.CHECK,
    clipped.CHECK,
    buckets.CHECK,
    segments.CHECK,
    slice_levels.CHECK,
    broken_bond.CHECK,
    kept_slice.CHECK,
    golden_rows.CHECK,
    leakage.CHECK,
    thin_training.CHECK,
    label_sanity.CHECK,
    label_residual.CHECK,
    prediction_drift.CHECK,
    drift.CHECK,
)


def by_name(name: str) -> Check:
    """The check of that name.

    Raises:
        ModelFileError: there is none; the nearest one is named.
    """
    found = next((check for check in CHECKS if check.name == name), None)
    if found is None:
        near = difflib.get_close_matches(name, [check.name for check in CHECKS], n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(check.name for check in CHECKS)}"
        raise ModelFileError(f"[[checks]]: there is no check {name!r}", hint)
    return found


def verify(specs: Iterable[CheckSpec]) -> None:
    """Raise when a model file names a check that does not exist."""
    for spec in specs:
        by_name(spec.check)
