"""A rollout under another gate, as text: the other gate's word beside that of the rollout's own."""

from __future__ import annotations

from datetime import datetime

from core.rollouts.replay import Replayed, ReplayedStage
from tui.cli import output


def table(found: Replayed) -> None:
    """One line a gate and stage; events only where a guardrail counts them."""
    own = {one.stage: one for one in found.happened}
    counted = any(one.all_events is not None for one in (*found.stages, *found.happened))
    rows = []
    for one in found.stages:
        rows.append(_cells("other", one, counted))
        if one.stage in own:
            rows.append(_cells("own", own[one.stage], counted))
    events = ("EXTRA EVENTS",) if counted else ()
    header = ("STAGE", "GATE", "SAYS", "SINCE", "FIRST WORD", "AT", "LOOKS UNTIL THEN", *events)
    output.table(header, rows, empty="no stage of the other gate has two arms")
    if counted:
        output.text(
            f"extra events: {_events(found.extra_events)} until the other gate speaks, "
            f"{_events(found.own_events)} until the own one, {_events(found.happened_events)} in all looks"
        )
    output.text("conditions (evaluation, items, approvals) are taken as met")
    if found.apart:
        output.text(f"not replayed, the other file has no such stage: {', '.join(found.apart)}")


def _cells(gate: str, one: ReplayedStage, counted: bool) -> tuple[str | None, ...]:
    return (
        one.stage if one.reached else f"{one.stage} (not reached)", gate, one.outcome, _moment(one.at), one.spoke,
        _moment(one.spoke_at), f"{one.looks} of {one.of}", *((_events(one.extra_events),) if counted else ()),
    )  # fmt: skip


def _moment(at: datetime | None) -> str | None:
    return f"{at:%m-%d %H:%MZ}" if at is not None else None


def _events(count: float | None) -> str:
    return "-" if count is None else f"{count:+.0f}"
