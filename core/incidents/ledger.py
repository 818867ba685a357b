"""The events of an incident read as a whole: what holds after corrections, and when it went through its moments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.clock import from_text
from storage.records.incidents import Incident, IncidentEvent, LinkedAlert

Moment = Literal["onset", "detected", "acknowledged", "mitigated", "resolved"]
MOMENTS: tuple[Moment, ...] = ("onset", "detected", "acknowledged", "mitigated", "resolved")
PROGRAM = "midwatch"
"""Who wrote what no person wrote."""


@dataclass(frozen=True, slots=True)
class Times:
    """When an incident went through its moments; None where it has not, or where nobody knows.

    Attributes:
        edited: the moments that a person set by hand.
        rows: for each moment that is known, the row it comes from, as ``table:id``.
    """

    onset: datetime | None
    detected: datetime
    acknowledged: datetime | None
    mitigated: datetime | None
    resolved: datetime | None
    edited: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something left to do; ``done_by`` is None while it is open."""

    id: int
    text: str
    owner: str | None
    by: str
    at: datetime
    done_by: str | None = None
    done_at: datetime | None = None


def in_force(events: Iterable[IncidentEvent]) -> list[IncidentEvent]:
    """Events as they hold after corrections, in order of writing: retracted ones are left out, corrected ones changed.

    Corrections themselves are not among them; the originals stay in the store.
    """
    written = list(events)
    retracted: set[int] = set()
    changed: dict[int, IncidentEvent] = {e.id: e for e in written}
    for correction in written:
        target = correction.corrects_id
        if correction.kind != "correction" or target is None or target not in changed:
            continue
        if correction.ref_kind == "retracted":
            retracted.add(target)
        elif correction.ref_kind == "at" and correction.value:
            changed[target] = dataclasses.replace(changed[target], at=from_text(correction.value))
        elif correction.ref_kind == "body":
            changed[target] = dataclasses.replace(changed[target], body=correction.value)
    return [changed[e.id] for e in written if e.kind != "correction" and e.id not in retracted]


def latest(events: Sequence[IncidentEvent], kind: str) -> IncidentEvent | None:
    """The last event of that kind."""
    return next((e for e in reversed(events) if e.kind == kind), None)


def times(
    incident: Incident,
    events: Sequence[IncidentEvent],
    alerts: Sequence[LinkedAlert],
    acknowledged: Iterable[tuple[datetime, str]] = (),
) -> Times:
    """The moments of an incident.

    Onset is the start of the first linked alert's window; acknowledged the first acknowledgement of a linked alert or
    the first step to ``open`` by a person. After reopening, the former mitigated and resolved no longer count.
    """
    found: dict[str, tuple[datetime, str]] = {"detected": (incident.detected_at, f"incidents:{incident.id}")}
    windows = [(a.window_start, f"alerts:{a.id}") for a in alerts if a.window_start]
    if windows:
        found["onset"] = min(windows)
    seen = list(acknowledged)
    for event in (e for e in in_force(events) if e.kind == "state"):
        told = (event.at, f"incident_events:{event.id}")
        if event.value == "open" and event.by != PROGRAM:
            seen.append(told)
        if event.value in ("open", "triage"):
            found.pop("mitigated", None)
            found.pop("resolved", None)
        elif event.value == "mitigated":
            found["mitigated"] = told
        elif event.value == "resolved":
            found["resolved"] = told
            found.setdefault("mitigated", told)
    if seen:
        found["acknowledged"] = min(seen)
    edits = {e.ref_id: e for e in events if e.kind == "correction" and e.ref_kind == "time" and e.ref_id and e.value}
    for name, edit in edits.items():
        found[name] = (from_text(edit.value or ""), f"incident_events:{edit.id}")
    moments = {name: at for name, (at, _) in found.items()}
    return Times(
        onset=moments.get("onset"),
        detected=moments["detected"],
        acknowledged=moments.get("acknowledged"),
        mitigated=moments.get("mitigated"),
        resolved=moments.get("resolved"),
        edited=tuple(name for name in MOMENTS if name in edits),
        rows=tuple((name, found[name][1]) for name in MOMENTS if name in found),
    )


def follow_ups(events: Iterable[IncidentEvent]) -> list[FollowUp]:
    """What is left to do and what was done, in order of writing."""
    held = in_force(events)
    done = {e.ref_id: e for e in held if e.kind == "followup_done"}
    return [
        FollowUp(
            e.id,
            e.body or "",
            e.value,
            e.by,
            e.at,
            done[str(e.id)].by if str(e.id) in done else None,
            done[str(e.id)].at if str(e.id) in done else None,
        )
        for e in held
        if e.kind == "followup"
    ]
