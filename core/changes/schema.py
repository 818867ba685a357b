"""Changes of the schema, seen in the data: columns that came, went, were renamed or hold another kind of values.

A batch is compared with the one before it, accepted or not, so that a change is told by the first batch that shows it
and by no later one; a change back is a change too. Where two writers take turns, the same step is told once in
:data:`LOOK_BACK` batches.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from core.checks.renamed_column import guess
from core.stats.packing import unpack
from core.stats.profile import BatchProfile, ColumnProfile
from storage.records.batches import Batch
from storage.records.changes import OBSERVER, Details, Difference, NewChange
from storage.records.models import Columns
from storage.tables import batches, changes

LOOK_BACK = 20
"""Batches within which the same step of the schema is not told again."""

NAMED = 4
"""Columns that the line of the feed names; the details have all of them."""

Schema = Mapping[str, str]


def tell(db: sqlite3.Connection, batch: Batch, profile: BatchProfile, columns: Columns, *, now: datetime) -> bool:
    """Put what the schema of a serving batch changed into the feed; False where nothing did, or it is known.

    The label is left out: it comes late, in some logs and not in others.
    """

    def schema(of: Batch) -> dict[str, str]:
        return {name: kind for name, kind in of.columns if name != columns.label}

    past = batches.preceding(db, batch, limit=LOOK_BACK)
    if not past or schema(past[0]) == schema(batch):
        return False
    before = unpack(batches.profile(db, past[0].id)).columns
    found = differences(schema(past[0]), schema(batch), before, profile.columns, ignore=columns.ignore)
    told = [(schema(earlier), schema(later)) for later, earlier in pairwise(past)]
    if not found or (schema(past[0]), schema(batch)) in told:
        return False
    return bool(changes.add(db, [_change(batch, past[0], found)], now=now))


def differences(
    before: Schema,
    after: Schema,
    profiles_before: Mapping[str, ColumnProfile],
    profiles_after: Mapping[str, ColumnProfile],
    *,
    ignore: Sequence[str] = (),
) -> tuple[Difference, ...]:
    """Columns renamed (key ``old -> new``), removed, added and retyped, with the kind of their values on each side.

    A rename is a guess from names and distributions. A column without a single value on one side has no kind there, and
    numbers of 0 and 1 for true and false are no other kind.
    """
    renamed = guess(profiles_before, profiles_after, ignore)
    renamed = {old: new for old, new in renamed.items() if old not in after and new not in before}
    gone = [name for name in before if name not in after and name not in renamed]
    came = [name for name in after if name not in before and name not in renamed.values()]
    retyped = [
        name
        for name, kind in before.items()
        if name in after
        and {kind, after[name]} not in ({kind}, {"number", "boolean"})
        and _holds(profiles_before.get(name))
        and _holds(profiles_after.get(name))
    ]
    return (
        *(Difference("schema", f"{old} -> {new}", before[old], after[new]) for old, new in sorted(renamed.items())),
        *(Difference("schema", name, before[name], None) for name in sorted(gone)),
        *(Difference("schema", name, None, after[name]) for name in sorted(came)),
        *(Difference("schema", name, before[name], after[name]) for name in sorted(retyped)),
    )


def words(difference: Difference) -> str:
    """One difference in words.

    >>> words(Difference("schema", "plan -> tariff", "text", "text"))
    'plan -> tariff (renamed?)'
    """
    if " -> " in difference.key and difference.before and difference.after:
        return f"{difference.key} (renamed?)"
    if difference.after is None:
        return f"{difference.key} removed"
    if difference.before is None:
        return f"{difference.key} added"
    return f"{difference.key} {difference.before} -> {difference.after}"


def _change(batch: Batch, base: Batch, found: Sequence[Difference]) -> NewChange:
    told = ", ".join(words(d) for d in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return NewChange(
        layer="data",
        kind="schema",
        subject=f"{told}{more}",
        at=batch.window_start or batch.arrived_at,
        source=OBSERVER,
        source_ref=f"schema:{batch.model_id}:{batch.sha256}",
        model_id=batch.model_id,
        size=len(found),
        before=f"batch {base.id}: {len(base.columns)} columns",
        after=f"batch {batch.id}: {len(batch.columns)} columns",
        details=Details(tuple(found), len(found)),
    )


def _holds(profile: ColumnProfile | None) -> bool:
    """Whether a column holds a value; one that is not profiled is believed to."""
    return profile is None or profile.rows > profile.missing
