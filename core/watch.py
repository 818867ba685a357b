"""Who is on watch: turns on the wall clock, overrides, absences, and gaps in which nobody is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from storage.records.watches import Rotation, Span, Watch

LONGEST_LOOK = timedelta(days=3660)
"""How far a caller may look at once: ten years."""


def who_is_on_watch(rotation: Rotation, now: datetime) -> Watch:
    """The watch that holds at ``now``; ``who`` is None when nobody is on it."""
    reach = rotation.period + timedelta(days=1)
    return next(w for w in watches(rotation, now - reach, now + reach) if w.start <= now < w.end)


def watches(rotation: Rotation, start: datetime, end: datetime) -> list[Watch]:
    """Who is on watch from ``start`` to ``end``, in order, without holes: a gap is a watch of nobody.

    An override beats a turn, the later one in the file beats the earlier; an absent person leaves a gap unless an
    override fills it. Stretches at the borders are cut there.

    Raises:
        ValueError: ``end`` is not after ``start``, or further than ten years.
    """
    if not timedelta(0) < end - start <= LONGEST_LOOK:
        raise ValueError("end must be after start, and within ten years of it")
    turns = list(_turns(rotation, start, end))
    spans = (*rotation.overrides, *rotation.absences)
    borders = {start, end} | {t.start for t in turns} | {t.end for t in turns}
    borders |= {moment for span in spans for moment in (span.start, span.end)}
    cuts = sorted(moment.astimezone(UTC) for moment in borders if start <= moment <= end)
    found: list[Watch] = []
    for a, b in pairwise(cuts):
        who, override = _at(rotation, turns, a)
        # Two turns of one person stay two watches, a handover lies between them; other cuts are mended.
        turn = any(t.start == a for t in turns)
        if found and found[-1].who == who and found[-1].override == override and not (turn and who and not override):
            found[-1] = Watch(who, found[-1].start, b, override)
        else:
            found.append(Watch(who, a, b, override))
    return found


def gaps(rotation: Rotation, start: datetime, end: datetime) -> list[Watch]:
    """Stretches from ``start`` to ``end`` in which nobody is on watch."""
    return [w for w in watches(rotation, start, end) if w.who is None]


def _at(rotation: Rotation, turns: list[Watch], moment: datetime) -> tuple[str | None, bool]:
    for span in reversed(rotation.overrides):
        if _in(span, moment):
            return span.who, True
    who = next((t.who for t in turns if t.start <= moment < t.end), None)
    absent = any(s.who == who and _in(s, moment) for s in rotation.absences)
    return (None if absent else who), False


def _in(span: Span, moment: datetime) -> bool:
    return span.start <= moment < span.end


def _turns(rotation: Rotation, start: datetime, end: datetime) -> Iterator[Watch]:
    """Turns that meet the window. Days are counted on the wall clock: a turn over a clock change is an hour off."""
    days = rotation.period.days
    first_local = start.astimezone(rotation.zone).date()
    number = max(0, (first_local - rotation.first).days // days - 1)
    closing = None if rotation.last is None else _handover(rotation, rotation.last)
    while True:
        begin = _handover(rotation, rotation.first + timedelta(days=number * days))
        finish = _handover(rotation, rotation.first + timedelta(days=(number + 1) * days))
        if begin >= end or (closing is not None and begin >= closing):
            return
        finish = finish if closing is None else min(finish, closing)
        if finish > start:
            yield Watch(rotation.people[number % len(rotation.people)], begin, finish)
        number += 1


def _handover(rotation: Rotation, day: date) -> datetime:
    """The moment of handover on that day; a time the clock skips is taken as if it had not been put forward yet."""
    return datetime.combine(day, rotation.handover, rotation.zone).astimezone(UTC)
