"""An evaluation as it may be shown: without values of columns that the model file redacts by now."""

from __future__ import annotations

from dataclasses import replace

from core.kept.slices import MASK
from storage.records.models import ModelFile
from storage.records.slices import Predicate
from storage.records.suites import Evaluation


def shown(evaluation: Evaluation, file: ModelFile) -> Evaluation:
    """The same with masked conditions of slices."""
    hidden = set(file.columns.redact)
    if not hidden:
        return evaluation
    parts = tuple(
        replace(
            part,
            predicates=tuple(
                Predicate(p.column, p.op, MASK) if p.column in hidden and p.value is not None else p
                for p in part.predicates
            ),
        )
        for part in evaluation.parts
    )
    return replace(evaluation, parts=parts)
