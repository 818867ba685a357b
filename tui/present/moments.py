"""Moments and ages as a person reads them: local time with its offset, or UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def clock(moment: datetime, *, utc: bool) -> str:
    """Hour and minute with the zone: ``03:01Z`` or ``04:01+01``.

    >>> clock(datetime(2026, 11, 23, 3, 1, tzinfo=UTC), utc=True)
    '03:01Z'
    """
    return moment.astimezone(UTC).strftime("%H:%MZ") if utc else _local(moment, "%H:%M")


def brief(moment: datetime, now: datetime, *, utc: bool) -> str:
    """The clock of a moment of today; of another day that day and its hour, in nine characters.

    >>> now = datetime(2026, 11, 24, 3, tzinfo=UTC)
    >>> brief(datetime(2026, 11, 24, 1, 30, tzinfo=UTC), now, utc=True)
    '01:30Z'
    >>> brief(datetime(2026, 11, 23, 18, 30, tzinfo=UTC), now, utc=True)
    '11-23 18Z'
    """
    zone = UTC if utc else None
    shown = moment.astimezone(zone)
    if shown.date() == now.astimezone(zone).date():
        return clock(moment, utc=utc)
    return shown.strftime("%m-%d %HZ" if utc else "%m-%d %Hh")


def second(moment: datetime, *, utc: bool) -> str:
    """Hour, minute and second with the zone.

    >>> second(datetime(2026, 11, 23, 3, 1, 7, tzinfo=UTC), utc=True)
    '03:01:07Z'
    """
    return moment.astimezone(UTC).strftime("%H:%M:%SZ") if utc else _local(moment, "%H:%M:%S")


def stamp(moment: datetime, *, utc: bool) -> str:
    """Day, hour and minute with the zone.

    >>> stamp(datetime(2026, 11, 23, 3, 1, tzinfo=UTC), utc=True)
    '2026-11-23 03:01Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ") if utc else _local(moment, "%Y-%m-%d %H:%M")


def age(span: timedelta) -> str:
    """How long ago, in one unit: ``12s``, ``7m``, ``3h``, ``2d``; a moment in the future has a minus.

    >>> age(timedelta(minutes=7, seconds=50)), age(timedelta(days=2, hours=5)), age(timedelta(seconds=-90))
    ('7m', '2d', '-1m')
    """
    seconds = int(abs(span.total_seconds()))
    sign = "-" if span < timedelta(0) and seconds else ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{sign}{seconds // size}{unit}"
    return f"{sign}{seconds}s"


def _local(moment: datetime, form: str) -> str:
    local = moment.astimezone()
    offset = local.strftime("%z")
    return f"{local.strftime(form)}{offset[:3]}{'' if offset[3:] == '00' else ':' + offset[3:]}"
