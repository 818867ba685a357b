"""The checks a batch is judged by: the model file's, overlaid with the tunings that people accepted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from storage.clock import to_text
from storage.records.models import CheckSpec, Model
from storage.records.tunings import Tuning
from storage.tables import tunings, verdict_history

LISTS = ("except_slices", "allowed")
"""Keys whose values are lists; JSON gives them back as lists, a spec holds tuples."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A tuning that nobody reverted.

    Attributes:
        overruled: the model file says something else of the check than when the tuning was accepted, so the file wins.
    """

    tuning: Tuning
    overruled: bool


def standing(db: sqlite3.Connection, model: Model) -> list[Standing]:
    """Accepted tunings in the order of acceptance, those too that a changed model file overrules."""
    found = tunings.standing(db, model.id)
    return [Standing(t, file_says(model.file.checks, t.check, t.column) != dict(t.base or {})) for t in found]


def tuned_specs(db: sqlite3.Connection, model: Model) -> tuple[CheckSpec, ...]:
    """The model file's checks with every standing tuning laid over them."""
    return overlaid(model.file.checks, [s.tuning for s in standing(db, model) if not s.overruled])


def overlaid(specs: tuple[CheckSpec, ...], accepted: Iterable[Tuning]) -> tuple[CheckSpec, ...]:
    """The checks with tunings laid over them, the later over the earlier."""
    for tuning in accepted:
        by, at = tuning.accepted_by or tuning.by, tuning.accepted_at or tuning.at
        told = f"tuned by {by} on {at:%Y-%m-%d}: {words(tuning.change)}"
        specs = changed(specs, tuning.check, tuning.column, tuning.change, told)
    return specs


def changed(
    specs: tuple[CheckSpec, ...], check: str, column: str | None, change: Mapping[str, Any], told: str | None = None
) -> tuple[CheckSpec, ...]:
    """The checks after one change; ``told`` joins what earlier tunings of the same entry say."""
    before = spec_of(specs, check, column)
    base = CheckSpec(check) if before is None else before
    said = "; ".join(part for part in (base.tuned, told) if part)
    after = replace(base, **{**_values(change), "column": column, "tuned": said or None})
    if any(s.check == check and s.column == column for s in specs):
        return tuple(after if s.check == check and s.column == column else s for s in specs)
    return (*specs, after)


def spec_of(specs: Iterable[CheckSpec], check: str, column: str | None) -> CheckSpec | None:
    """What is said of a check in a column: the column's own entry, else the one for all."""
    known = [s for s in specs if s.check == check and s.column in (column, None)]
    return next((s for s in known if s.column == column), next(iter(known), None))


def file_says(specs: tuple[CheckSpec, ...], check: str, column: str | None) -> dict[str, Any]:
    """What a model file says of a check in a column, as JSON gives it back; nothing but what differs from silence."""
    spec = spec_of(specs, check, column)
    if spec is None:
        return {}
    silent = CheckSpec(spec.check)
    found = {f.name: getattr(spec, f.name) for f in fields(spec) if getattr(spec, f.name) != getattr(silent, f.name)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def words(change: Mapping[str, Any]) -> str:
    """A change in words.

    >>> words({"times": 1.4}), words({"except_slices": ["region=LATAM"], "minimum_rows": 200})
    ('x1.4', 'not where region=LATAM, from 200 rows in the batch on')
    """
    said = {
        "times": lambda v: f"x{v:g}",
        "except_slices": lambda v: f"not where {' or '.join(v)}",
        "minimum_rows": lambda v: f"from {v:,} rows in the batch on",
        "minimum_touched": lambda v: f"from {v:,} rows touched on",
        "hours": lambda v: f"only {v[:2]}:00 to {v[3:]}:00 UTC",
        "batches_in_a_row": lambda v: f"from {v} batches in a row on",
    }
    return ", ".join(said[key](value) for key, value in change.items())


def streaks(
    db: sqlite3.Connection, model: Model, specs: Sequence[CheckSpec], start: datetime | None
) -> dict[tuple[str, str | None, str | None], int]:
    """How long what wants several batches in a row has been failing before a batch that starts at ``start``."""
    wanted = [s for s in specs if s.batches_in_a_row is not None and s.batches_in_a_row > 1]
    if not wanted:
        return {}
    limit = max(s.batches_in_a_row or 1 for s in wanted) - 1
    before = None if start is None else to_text(start)
    return verdict_history.streaks(db, model.id, {s.check for s in wanted}, before=before, limit=limit)


def _values(change: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if key in LISTS else value for key, value in change.items()}
