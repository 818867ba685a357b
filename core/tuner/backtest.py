"""A change of a check held against the stored history: what it would have told, and what it would have lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.alert_raising import CLEAN_BATCHES
from core.tuner.history import History
from core.tuner.replay import Replayed, Told, replay
from storage.records.models import CheckSpec
from storage.records.results import Tier


@dataclass(frozen=True, slots=True)
class BackTest:
    """Two sets of checks on one history. Alerts are those of all tiers of the model that wake or are read.

    Attributes:
        weeks, batches: how long the history is.
        alerts_before, alerts_after: alerts under the checks in force and under the changed ones.
        pages_before, ...: those of tier page and of tier ticket that opened: repeats within an open group wake nobody.
        noise_before, noise_after: those that people called noise or duplicate.
        unjudged: alerts that would be gone and that nobody ever judged.
        known: labelled faults (acted, useful, late, or part of an incident); ``kept`` of them are told as loud.
        lost: ids of the known ones that are not.
        new: alerts that only the change would have raised.
        removed: ids of the alerts that would be gone, judged or not.
    """

    weeks: float
    batches: int
    alerts_before: int
    alerts_after: int
    pages_before: int
    pages_after: int
    tickets_before: int
    tickets_after: int
    noise_before: int
    noise_after: int
    unjudged: int
    known: int
    lost: tuple[int, ...]
    new: int = 0
    removed: tuple[int, ...] = ()

    @property
    def kept(self) -> int:
        """Known faults that are told as loud as they were."""
        return self.known - len(self.lost)

    @property
    def noise_removed(self) -> int:
        """Alerts called noise that would not have been raised."""
        return self.noise_before - self.noise_after

    def per_week(self, count: int) -> float | None:
        """A count by the week; None under a week of history, where a rate would be made up."""
        return count / self.weeks if self.weeks >= 1 else None

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            **asdict(self),
            "lost": list(self.lost),
            "removed": list(self.removed),
            "kept": self.kept,
            "noise_removed": self.noise_removed,
            **{
                f"{what}_per_week_{when}": self.per_week(getattr(self, f"{what}_{when}"))
                for what in ("alerts", "pages", "tickets")
                for when in ("before", "after")
            },
        }


def back_test(history: History, before: Sequence[CheckSpec], after: Sequence[CheckSpec]) -> BackTest:
    """Walk the history under both sets of checks."""
    return compared(history, replay(history, before), replay(history, after))


def compared(history: History, old: Replayed, new: Replayed) -> BackTest:
    """Two walks of one history side by side; every known fault counts, whichever check told it."""
    alerts = history.every_alert()
    known = [alert for alert in alerts if alert.known]
    lost = tuple(alert.id for alert in known if not new.keeps(alert))
    told_before, told_after = old.every(), new.every()
    days_before, days_after = old.days(), new.days()
    was = {t.past.id for t in told_before if t.past is not None}
    still = {t.past.id for t in told_after if t.past is not None}
    noise = {alert.id for alert in alerts if alert.noise}
    judged = {alert.id for alert in alerts if alert.verdict is not None or alert.known}
    return BackTest(
        weeks=history.weeks,
        batches=len(history.batches),
        alerts_before=len(told_before),
        alerts_after=len(told_after),
        pages_before=opened(days_before, "page"),
        pages_after=opened(days_after, "page"),
        tickets_before=opened(days_before, "ticket"),
        tickets_after=opened(days_after, "ticket"),
        noise_before=len(noise & was),
        noise_after=len(noise & still),
        unjudged=len(was - still - judged),
        known=len(known),
        lost=lost,
        removed=tuple(sorted(was - still)),
        new=max(
            0, len(still - was) + sum(t.past is None for t in told_after) - sum(t.past is None for t in told_before)
        ),
    )


def opened(days: Sequence[Sequence[Told]], tier: Tier) -> int:
    """How many times a group began to tell at a tier: as an open alert ends after so many batches without it."""
    seen: dict[str, int] = {}
    count = 0
    for number, day in enumerate(days):
        for told in day:
            if told.tier != tier:
                continue
            if number - seen.get(told.group_key, -CLEAN_BATCHES - 2) > CLEAN_BATCHES:
                count += 1
            seen[told.group_key] = number
    return count
