"""What every check says beside its failures: how much it judged, and what it could not."""

from __future__ import annotations

from collections.abc import Iterable

from core.checks.base import Check, CheckContext, not_checked, passed
from core.checks.departed import Departure
from storage.records.results import Finding

NO_PAST = "too few past batches: at least five are needed"


def answer(check: Check, found: list[Finding], judged: int, skipped: Iterable[str] = ()) -> list[Finding]:
    """The failures, one line on what passed, and one per thing that could not be judged."""
    result = list(found)
    fine = judged - len({f.column for f in found})
    if fine > 0:
        result.append(passed(check, f"{fine} of {judged} in order", fine))
    result.extend(not_checked(check, reason) for reason in skipped)
    return result


def ratio(context: CheckContext, check: Check, column: str | None, departure: Departure | None) -> float:
    """How far the departure lies beyond the threshold, the model file's where it names one (in the value's unit)."""
    if departure is None:
        return 0.0
    spec = context.spec(check.name, column)
    if spec is not None and spec.threshold is not None and spec.threshold > 0:
        return abs(departure.rise) / spec.threshold
    return departure.ratio
