"""What a kind of fault is: how it is put into the rows, what the change feed tells, and the truth about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sample_data.drills.draw import Draw, Shape
from sample_data.drills.records import Truth
from sample_data.records import Change

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Plant = Callable[["Draw", float], "NDArray[np.bool_]"]
"""Puts a fault of a size into the rows and answers which rows carry it."""


@dataclass(frozen=True, slots=True)
class Note:
    """An entry of the change feed, so many minutes before (negative: after) the fault begins."""

    minutes: float
    layer: str
    kind: str
    subject: str
    by: str
    before: str | None = None
    after: str | None = None
    size: int | None = None
    reviewed_by: str | None = None
    of_model: bool = True

    def change(self, model: str, onset: datetime, ref: str) -> Change:
        """The entry as the feed tells it."""
        return Change(
            layer=self.layer,
            kind=self.kind,
            subject=self.subject,
            at=onset - timedelta(minutes=self.minutes),
            by=self.by,
            model=model if self.of_model else None,
            size=self.size,
            reviewed_by=self.reviewed_by,
            before=self.before,
            after=self.after,
            source_ref=ref,
        )


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version entered `full`, so many minutes before (negative: after) the fault begins."""

    minutes: float
    version: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    Attributes:
        sizes: what `plant` gets for small, medium and full.
        change: the entry of the feed that is the cause, if one is.
        promotion: the deployment that is the cause, if one is.
        decoys: entries and deployments that tempt and have nothing to do with it.
        labelled: somebody asks only once the labels of the faulty windows have come.
    """

    id: str
    planted: bool
    shape: Shape
    sizes: tuple[float, float, float]
    plant: Plant
    truth: Truth
    change: Note | None = None
    promotion: Promotion | None = None
    decoys: tuple[Note, ...] = ()
    decoy_promotion: Promotion | None = None
    labelled: bool = False

    @property
    def told(self) -> Truth:
        """The truth with the references filled in."""
        ref = f"drill:{self.id}" if self.change is not None else None
        return replace(self.truth, source_ref=ref, version=self.promotion.version if self.promotion else None)


BYSTANDERS: tuple[Note, ...] = (
    Note(60 * 31, "infrastructure", "image", "serving image rebuilt, base python 3.11.9", "build-bot", size=3),
    Note(60 * 70, "pipeline", "schedule", "retraining moved from Monday to Tuesday", "p.okafor", size=1),
    Note(60 * 9, "infrastructure", "retention", "log retention 30 to 45 days", "infra", of_model=False, size=1),
    Note(60 * 4, "run", "config", "log level of the scorer", "j.haddad", before="info", after="warning", size=1),
    Note(60 * 27, "pipeline", "query", "comments in the feature queries", "m.ito", size=14, reviewed_by="p.okafor"),
    Note(60 * 15, "component", "client", "help page of the app redesigned", "app-team", of_model=False, size=220),
    Note(60 * 52, "external", "holiday", "public holiday calendar of next year loaded", "hr-bot", of_model=False),
    Note(60 * 3, "infrastructure", "dashboard", "dashboard folder moved", "infra", of_model=False, size=2),
    Note(60 * 21, "data", "backfill", "old exports of the year before last moved to cold storage", "data-eng", size=40),
    Note(-35, "infrastructure", "alerting", "disk alarm threshold 80 to 85 per cent", "infra", of_model=False, size=1),
)
"""Changes that nothing ever came of; a drill and a clean run draw some of them."""

HERRINGS: tuple[Note, ...] = (
    Note(0, "infrastructure", "dashboard", "board of response times put live", "infra", of_model=False, size=12),
    Note(0, "infrastructure", "logging", "log rotation of the proxies every hour", "infra", of_model=False, size=1),
    Note(0, "infrastructure", "host", "host batch-7 restarted after a kernel update", "infra", of_model=False),
    Note(0, "infrastructure", "certificate", "certificate of the gateway renewed", "build-bot", of_model=False),
    Note(0, "run", "model", "model pricing retrained, v31 live", "retrain-bot", "v30", "v31", of_model=False),
    Note(0, "run", "config", "serving/search.yaml: page_size", "t.weiss", "20", "25", 1, "k.mori", of_model=False),
    Note(0, "run", "rule", "rule free_returns of the banners switched on", "t.weiss", size=1, of_model=False),
    Note(0, "pipeline", "job", "export of invoices moved to half past one", "data-eng", size=3, of_model=False),
    Note(0, "pipeline", "code", "more unit tests for the transforms", "m.ito", size=210, reviewed_by="p.okafor"),
    Note(0, "component", "client", "help centre app 2.4: new icons", "app-team", size=640, of_model=False),
    Note(0, "component", "service", "basket service 3.3.1: colour of a button", "shop-team", "3.3.0", "3.3.1", 55,
         "k.mori", of_model=False),
    Note(0, "data", "backfill", "warehouse.shipments: addresses of 2019 filled in", "data-eng", size=90,
         of_model=False),
    Note(0, "data", "schema", "warehouse.absences: comment on a column", "hr-bot", size=1, of_model=False),
    Note(0, "external", "event", "webinar for developers", "marketing", of_model=False),
)  # fmt: skip
"""Changes that come in the last minutes before a fault and have nothing to do with it; a drill draws three of them."""

HERRING_MINUTES = (2.0, 20.0)
"""How long before the fault a red herring comes; never as long as the cause does."""

REFRESH = Promotion(0, "v8", "m.ito", "regular retraining; shadow passed on 5,120 labels, primary metric as before")
"""The harmless retraining."""
