"""A slice on several sides: windows, versions, stages or hosts."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from core.slices.page import SideLine

if TYPE_CHECKING:
    from core.slices.opened import Opened, Sums
    from core.slices.request import SliceRequest

Kind = Literal["windows", "versions", "stages", "hosts"]
KINDS: tuple[Kind, ...] = ("windows", "versions", "stages", "hosts")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The sides, those with most rows first (windows: the current one first); ``signal`` is empty without one."""

    kind: Kind
    signal: str
    unit: str
    where: str
    lines: tuple[SideLine, ...]
    notes: tuple[str, ...]


def compare(db: sqlite3.Connection | None, request: SliceRequest, *, sides: Kind, now: datetime) -> Comparison:
    """Rows and mean signal of the request's slice on every side; ``difference`` is to all other sides together.

    Raises:
        UsageError: no column and no batch tells the version, stage or host.
    """
    from core.slices.opened import open_question
    from core.slices.parts import part_sql
    from storage.logs.predicates import words

    with open_question(db, request, now=now) as opened:
        if sides == "windows":
            found = _windows(opened, request)
        else:
            part = part_sql(opened.sides.now, opened.sides.model, sides[:-1])
            grouped = opened.grouped(opened.sides.now, part, request)
            named = {"(not told)" if key is None else str(key): sums for key, sums in grouped.items()}
            found = dict(sorted(named.items(), key=lambda item: (-item[1].rows, item[0])))
        notes = (*opened.sides.notes, *([opened.why_not] if opened.why_not else []))
        return Comparison(
            kind=sides,
            signal=opened.measure.signal if opened.measure else "",
            unit=opened.measure.unit if opened.measure else "",
            where=words(request.where),
            lines=tuple(_line(name, sums, found, binary=opened.binary) for name, sums in found.items()),
            notes=notes,
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
