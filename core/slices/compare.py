"""A slice on several sides: windows, versions, stages or hosts."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from core.slices.page import SideLine

if TYPE_CHECKING:
    from core.slices.opened import Opened, Sums
    from core.slices.request import SliceRequest
    from core.slices.samples import Sample

Kind = Literal["windows", "versions", "stages", "hosts"]
KINDS: tuple[Kind, ...] = ("windows", "versions", "stages", "hosts")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The sides, those with most rows first (windows: the current one first); ``signal`` is empty without one.

    Attributes:
        samples: of versions, stages and hosts, how well each one beside the largest represents the rest.
        window: the span that was read instead of one batch, since the batch was all of one side.
    """

    kind: Kind
    signal: str
    unit: str
    where: str
    lines: tuple[SideLine, ...]
    notes: tuple[str, ...]
    samples: tuple[Sample, ...] = ()
    window: tuple[datetime, datetime] | None = None


def compare(db: sqlite3.Connection | None, request: SliceRequest, *, sides: Kind, now: datetime) -> Comparison:
    """Rows and mean signal of the request's slice on every side; ``difference`` is to all other sides together.

    Raises:
        UsageError: no column and no batch tells the version, stage or host.
    """
    found = _compared(db, request, sides, now)
    span = _span(db, request, now) if sides != "windows" and len(found.lines) < 2 else None
    if span is None:
        return found
    return replace(_compared(db, replace(request, batch=None, window=span), sides, now), window=span)


def _span(db: sqlite3.Connection | None, request: SliceRequest, now: datetime) -> tuple[datetime, datetime] | None:
    """The window of the current batches, where other batches lie in it: a stage may write files of its own."""
    if db is None or request.model is None or request.window is not None or request.side is not None:
        return None
    from core.slices.windows import current
    from storage.tables import batches, models

    model = models.get(db, request.model)
    chosen = current(db, model, request, now)
    starts = [batch.window_start for batch in chosen if batch.window_start is not None]
    ends = [batch.window_end for batch in chosen if batch.window_end is not None]
    if not starts or not ends or min(starts) >= max(ends):
        return None
    beside = {batch.id for batch in batches.between(db, model.id, min(starts), max(ends))}
    return (min(starts), max(ends)) if beside - {batch.id for batch in chosen} else None


def _compared(db: sqlite3.Connection | None, request: SliceRequest, sides: Kind, now: datetime) -> Comparison:
    from core.slices.opened import open_question
    from core.slices.parts import part_sql
    from core.slices.samples import samples

    with open_question(db, request, now=now) as opened:
        judged: tuple[Sample, ...] = ()
        if sides == "windows":
            found = _windows(opened, request)
        else:
            part = part_sql(opened.sides.now, opened.sides.model, sides[:-1])
            grouped = opened.grouped(opened.sides.now, part, request)
            named = {"(not told)" if key is None else str(key): sums for key, sums in grouped.items()}
            judged = samples(opened, request, part) if len(grouped) > 1 else ()
            found = dict(sorted(named.items(), key=lambda item: (-item[1].rows, item[0])))
        notes = (*opened.sides.notes, *([opened.why_not] if opened.why_not else []))
        return Comparison(
            kind=sides,
            signal=opened.measure.signal if opened.measure else "",
            unit=opened.measure.unit if opened.measure else "",
            where=request.told,
            lines=tuple(_line(name, sums, found, binary=opened.binary) for name, sums in found.items()),
            notes=notes,
            samples=judged,
        )


def _windows(opened: Opened, request: SliceRequest) -> dict[str, Sums]:
    """The current window, and the reference."""
    found = {}
    for label, side in (("now", opened.sides.now), ("reference", opened.sides.then)):
        if side is not None:
            for sums in opened.grouped(side, "0", request).values():
                found[f"{label}: {side.words}"] = sums
    return found


def _line(name: str, sums: Sums, found: dict[str, Sums], *, binary: bool) -> SideLine:
    others = [other for key, other in found.items() if key != name and other.measured]
    rows = sum(other.measured for other in others)
    mean = math.fsum(other.mean * other.measured for other in others) / rows if rows else None
    difference = sums.mean - mean if mean is not None and sums.measured else None
    return SideLine(name, sums.rows, sums.error(), sums.interval(binary=binary), difference)
