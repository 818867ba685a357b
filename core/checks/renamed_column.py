"""A column that came back under another name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed
from core.checks.similarity import distance
from core.checks.summary import answer
from core.stats.profile import ColumnProfile
from storage.records.results import Finding


def renames(context: CheckContext) -> dict[str, str]:
    """Old name to new, of the batch against the reference: see :func:`guess`."""
    return guess(context.reference.columns, context.current.columns, context.roles.ignore)


def guess(
    before: Mapping[str, ColumnProfile], now: Mapping[str, ColumnProfile], ignore: Sequence[str] = ()
) -> dict[str, str]:
    """Old name to new: the best pairs of a missing and a new column of like values, or like names and near values."""
    gone = [name for name in before if name not in now and name not in ignore]
    new = [name for name in now if name not in before]
    pairs = []
    for old in gone:
        for name in new:
            if now[name].rows < MINIMUM_ROWS:
                continue
            apart = distance(now[name], before[old])
            alike = difflib.SequenceMatcher(None, old.lower(), name.lower()).ratio()
            if apart <= 0.15 or (alike >= 0.6 and apart <= 0.4) or (alike >= 0.85 and apart <= 0.8):
                pairs.append((apart - alike, old, name))
    found: dict[str, str] = {}
    for _, old, name in sorted(pairs):
        if old not in found and name not in found.values():
            found[old] = name
    return found


def run(context: CheckContext) -> list[Finding]:
    """Guess renames by distribution and by name."""
    found = [
        failed(
            context,
            CHECK,
            f"{old!r} was renamed to {new!r}: same kind, same distribution",
            cause="rename",
            ratio=20.0,
            column=old,
            columns=(old, new),
            value=distance(context.current.columns[new], context.reference.columns[old]),
            threshold=0.15,
            rows=context.current.rows,
            renamed_to=new,
        )
        for old, new in renames(context).items()
    ]
    return answer(CHECK, found, len(context.reference.columns))


CHECK = Check(
    "renamed_column",
    "hard",
    "ticket",
    "a missing and a new column",
    "a renamed column is missing for the model and new for everyone else",
    run,
    "add an alias upstream or in the model file, then replay the batch",
)
