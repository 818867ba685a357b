"""Until when something may be quiet: always a moment ahead, on the wall clock of whoever is asked to be left alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal, get_args

from core.watch import who_is_on_watch
from storage.errors import UsageError
from storage.records.alert_rules import AlertRules
from storage.records.watches import Rotation

Until = Literal["morning", "shift-end", "resolved"]
UNTIL: tuple[Until, ...] = get_args(Until)

LONGEST = timedelta(days=30)
"""No snooze and no silence lasts longer; "until resolved" ends then at the latest."""

UNTIL_RESOLVED = "until it is resolved"
"""The note of such a snooze."""


def check_end(until: datetime, now: datetime) -> None:
    """A snooze ends ahead, and within thirty days.

    Raises:
        UsageError: it does not.
    """
    if until <= now:
        raise UsageError(f"a snooze until {until:%Y-%m-%d %H:%M} would end before it starts", "name a later moment")
    if until - now > LONGEST:
        raise UsageError(f"a snooze may last {LONGEST.days} days at most", "tune the check instead")


def end_of(
    until: Until,
    rules: Iterable[AlertRules],
    now: datetime,
    *,
    zone: tzinfo | None = None,
    rotation: Rotation | None = None,
) -> datetime:
    """The moment, in UTC, that a word stands for; of several models the soonest.

    Args:
        rules: of the models whose alerts are to be quiet; without any the standard ones.
        zone: whose wall clock counts; None for the clock of this machine.
        rotation: a shift also ends where a watch ends.

    >>> end_of("morning", [], datetime(2026, 11, 23, 3, tzinfo=UTC), zone=UTC).isoformat()
    '2026-11-23T08:00:00+00:00'
    """
    given = tuple(rules) or (AlertRules(),)
    if until == "resolved":
        return now + LONGEST
    if until == "morning":
        return min(next_wall_time(rule.morning, now, zone) for rule in given)
    ends = [next_wall_time(rule.shift_end, now, zone) for rule in given]
    if rotation is not None and (turn := who_is_on_watch(rotation, now)).who is not None:
        ends.append(turn.end.astimezone(UTC))
    return min(end for end in ends if end > now)


def next_wall_time(wall: time, now: datetime, zone: tzinfo | None = None) -> datetime:
    """The next moment, in UTC, at which the clocks of ``zone`` show that time.

    A time that the clocks skip is taken as if they had not been put forward yet, of one shown twice the first.
    """
    today = now.astimezone(zone).date()
    for day in range(3):
        # Combined anew for each day: the offset of tomorrow may be another one than today's.
        local = datetime.combine(today + timedelta(days=day), wall, zone)
        moment = local.astimezone(UTC)
        if moment > now:
            return moment
    raise ValueError(f"no clock shows {wall} within two days of {now}")  # not reached: days are shorter than that
