"""The change feed: everything that was altered, told in one list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Layer = Literal["run", "pipeline", "component", "infrastructure", "data", "external"]
ChangeSort = Literal["at", "layer", "kind", "subject", "model", "size"]

LAYERS: tuple[Layer, ...] = ("run", "pipeline", "component", "infrastructure", "data", "external")


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change on its way into the store.

    Attributes:
        size: how much was altered, in whatever its source counts (lines, rows); None when not told.
        source, source_ref: together they name it once, so that the same event fed twice is one change.
    """

    layer: Layer
    kind: str
    subject: str
    at: datetime
    source: str
    source_ref: str
    model_id: int | None = None
    by: str | None = None
    size: int | None = None
    reviewed_by: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the change feed: a stored change, a deployment or a rollback.

    Attributes:
        table, id: the row it is; ``reference`` is both as ``table:id``.
        model: None for a change that concerns every model.
        reviewed_by: None when nobody is named; deployments and rollbacks carry none either.
    """

    table: str
    id: int
    layer: Layer
    kind: str
    subject: str
    model_id: int | None
    model: str | None
    before: str | None
    after: str | None
    size: int | None
    reviewed_by: str | None
    at: datetime
    by: str | None
    source: str

    @property
    def reference(self) -> str:
        """The row as ``table:id``."""
        return f"{self.table}:{self.id}"

    @property
    def unreviewed(self) -> bool:
        """A change from the feed that nobody is named to have reviewed (deployments and rollbacks are not asked)."""
        return self.table == "changes" and not self.reviewed_by


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes a list shows; None leaves a criterion out.

    Attributes:
        model_id: changes of that model and those that concern every model.
        text: looked for in kind, subject, author and both values.
    """

    model_id: int | None = None
    layer: Layer | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
