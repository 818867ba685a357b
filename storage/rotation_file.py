"""Reads the rotation: who is on watch when. Read-only for us; people edit it, and review it, as a file."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage.errors import UsageError
from storage.records.watches import Rotation, Span

_KEYS = ("people", "every", "handover", "time_zone", "first", "last", "overrides", "absences")
_SPAN_KEYS = ("who", "start", "end")
_PERIODS = {"day": 1, "week": 7}
_EXAMPLE = (
    'people = ["ada", "grace"], every = "week", handover = "09:00", time_zone = "Europe/Berlin", first = 2026-11-02'
)


def rotation_path(option: str | None, environment: Mapping[str, str] | None = None) -> Path:
    """Where the rotation is: ``--rotation``, else ``$MIDWATCH_ROTATION``, else the user's configuration directory.

    >>> rotation_path(None, {"HOME": "/home/ada"}).as_posix()
    '/home/ada/.config/midwatch/rotation.toml'
    """
    env = os.environ if environment is None else environment
    if option or env.get("MIDWATCH_ROTATION"):
        return Path(option or env["MIDWATCH_ROTATION"]).expanduser()
    config = env.get("XDG_CONFIG_HOME") or f"{env.get('HOME', '~')}/.config"
    return Path(config).expanduser() / "midwatch" / "rotation.toml"


def read(path: Path) -> Rotation:
    """The rotation in that file.

    Raises:
        UsageError: it can't be read or breaks a rule; the message names the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"the rotation {path} can't be read: {reason}", "name it with --rotation PATH") from error
    return parse(text, str(path))


def read_if_there(path: Path) -> Rotation | None:
    """:func:`read`, with None where there is no such file: a rotation is not required."""
    return read(path) if path.exists() else None


def changed_at(path: Path) -> tuple[int, int] | None:
    """Moment of the last change (ns) and size, so that a reader knows whether to read again; None without a file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        hint = "name it with $MIDWATCH_ROTATION"
        raise UsageError(f"the rotation {path} can't be read: {error.strerror}", hint) from error
    return found.st_mtime_ns, found.st_size


def parse(text: str, source: str) -> Rotation:
    r"""The rotation as a record; ``source`` names it in errors.

    >>> rotation = parse('people = ["ada"]\nhandover = "09:00"\ntime_zone = "UTC"\nfirst = 2026-11-02', "r.toml")
    >>> rotation.period.days, rotation.handover.isoformat()
    (7, '09:00:00')
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source} is not valid TOML: {error}", "mend that line") from error
    _known(document, _KEYS, source)
    people = document.get("people")
    if not isinstance(people, list) or not people or not all(isinstance(p, str) and p.strip() for p in people):
        raise UsageError(f"{source}, key people: must be a list of names", f"as in {_EXAMPLE}")
    every = document.get("every", "week")
    if every not in _PERIODS:
        raise UsageError(f"{source}, key every: {every!r} is not known", "'week' or 'day'")
    zone = _zone(document.get("time_zone", "UTC"), source)
    last = document.get("last")
    return Rotation(
        path=source,
        people=tuple(people),
        period=timedelta(days=_PERIODS[every]),
        handover=_wall_time(document.get("handover", "09:00"), source),
        zone=zone,
        first=_day(document.get("first"), "first", source),
        last=None if last is None else _day(last, "last", source),
        overrides=_spans(document.get("overrides", []), "overrides", zone, source),
        absences=_spans(document.get("absences", []), "absences", zone, source),
    )


def _known(table: Mapping[str, Any], keys: tuple[str, ...], source: str) -> None:
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(keys)}"
            raise UsageError(f"{source}, key {key}: there is no such key", hint)


def _zone(name: object, source: str) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"{source}, key time_zone: {name!r} is not known", "as in 'Europe/Berlin'") from error


def _wall_time(value: object, source: str) -> time:
    try:
        parsed = value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError as error:
        raise UsageError(f"{source}, key handover: {value!r} is not a time", 'as in "09:00"') from error
    if parsed.tzinfo is not None:
        raise UsageError(f"{source}, key handover: is a time on the wall, without an offset", 'as in "09:00"')
    return parsed


def _day(value: object, key: str, source: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise UsageError(f"{source}, key {key}: must be a day", f"as in {key} = 2026-11-02")


def _spans(tables: object, key: str, zone: ZoneInfo, source: str) -> tuple[Span, ...]:
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise UsageError(f"{source}, key {key}: must be a list of tables", f"as in [[{key}]]")
    spans = []
    for number, table in enumerate(tables, 1):
        where = f"{source}, [[{key}]] number {number}"
        _known(table, _SPAN_KEYS, where)
        who, start, end = table.get("who"), table.get("start"), table.get("end")
        if not isinstance(who, str) or not isinstance(start, datetime) or not isinstance(end, datetime):
            raise UsageError(f"{where}: needs who, start and end", "start = 2026-12-24T09:00:00")
        # A moment without an offset is read on the rotation's own wall clock.
        span = Span(who, *((t if t.tzinfo else t.replace(tzinfo=zone)).astimezone(UTC) for t in (start, end)))
        if span.end <= span.start:
            raise UsageError(f"{where}: ends before it starts", "swap start and end")
        spans.append(span)
    return tuple(spans)
