"""How often a candidate in shadow answers otherwise: what its gate goes by, and nothing that needs labels or time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from core.shadow.comparison import Share
from core.shadow.representing import lost_words
from core.shadow.windows import choose
from storage.records.models import Model


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a candidate's answers stand to the baseline's, over the requests that both answered.

    Attributes:
        share: of requests that were answered otherwise; None with ``why``.
        nothing: why no request could be compared.
        lost: batches that are gone, in words; empty when none is.
    """

    both: int
    coverage: float | None
    share: Share | None
    why: str | None
    nothing: str | None
    lost: str = ""


def agreement(
    db: sqlite3.Connection,
    model: Model,
    candidate: str,
    baseline: str,
    stage: str | None,
    *,
    now: datetime,
    without: Collection[int] = (),
) -> Agreement:
    """Read the newest batches of both versions.

    Args:
        without: batches that an earlier rollout used.

    Raises:
        SourceError: no file is there, or one has changed.
        UsageError: nothing tells versions or stages of a row.
    """
    from core.shadow.differences import disagreement
    from core.shadow.pairs import open_pairs

    read = choose(db, model, candidate, stage=stage, without=without).batches
    if not read:
        return Agreement(0, None, None, None, f"no batch holds rows of {candidate!r} yet")
    with open_pairs(db, model, candidate, baseline, read, now=now, stage=stage, sliced=False) as pairs:
        share, why = disagreement(pairs) if pairs.nothing is None else (None, None)
        requests = pairs.answers[1].requests
        coverage = pairs.both / requests if requests else None
        lost = lost_words(pairs.notes, len(pairs.side.batches))
        return Agreement(pairs.both, coverage, share, why, pairs.nothing, lost)
