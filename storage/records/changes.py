"""The change feed: everything that was altered, told in one list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Layer = Literal["run", "pipeline", "component", "infrastructure", "data", "external"]
ChangeSort = Literal["at", "layer", "kind", "subject", "model", "size"]

OBSERVER = "midwatch"
"""The source of what the program saw itself: nobody could have been named as its reviewer."""

LAYERS: tuple[Layer, ...] = ("run", "pipeline", "component", "infrastructure", "data", "external")


LARGE_LINES = 400
"""More lines (or rows, or whatever a feed counts) than this are marked as a large change.

Source: J. Cohen, "Best Kept Secrets of Peer Code Review", SmartBear 2006: beyond 200 to 400 lines at a time reviewers
find ever fewer mistakes.
"""

LARGE_KEYS = 20
"""More configuration keys, packages or columns than this are marked: a screen of them at 80x24, our own choice."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a change altered.

    Attributes:
        part: what it is a part of: ``config``, ``environment``, ``model``, ``data``, ``code``, ``seed``, ``schema``,
            ``model file``, ``package``, ``locale``, ...
        key: its name there; empty for the part as a whole.
        before, after: None where it was added, or removed.
        weight: how much it counts among the others, where they are ranked.
    """

    part: str
    key: str
    before: str | None
    after: str | None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What a change altered, in full.

    Attributes:
        differences: every one, the heaviest first where they are ranked.
        size: how many keys differ; None when that can't be counted.
        against: the version that a deployment was compared with.
        also: parts that differ as a whole, without keys to count (``data``, ``code``, ``model``).
        unknown: parts that could not be compared, because one side lacks them.
        hosts: the machines that it was seen on; empty when that is not known.
    """

    differences: tuple[Difference, ...]
    size: int | None = None
    against: str | None = None
    also: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


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
    details: Details | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the change feed: a stored change, a deployment, a rollback or the registration of a version.

    Attributes:
        table, id: the row it is; ``reference`` is both as ``table:id``.
        model: None for a change that concerns every model.
        size: keys, lines or rows, whatever its source counts; None when not told.
        reviewed_by: None when nobody is named; deployments and rollbacks carry none either.
        in_keys: the size counts keys, packages or columns, and ``details`` has each of them.
        also: parts beside the counted keys that differ as a whole, as ``data`` or ``code``.
        hosts: the machines it was seen on; empty when that is not known.
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
    in_keys: bool = False
    also: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """The row as ``table:id``."""
        return f"{self.table}:{self.id}"

    @property
    def unreviewed(self) -> bool:
        """A change that was told, and nobody is named to have reviewed it.

        Deployments, rollbacks, registrations and what the program saw itself are not asked.
        """
        return self.table == "changes" and not self.reviewed_by and self.source != OBSERVER

    @property
    def large(self) -> bool:
        """Whether it alters more than :data:`LARGE_KEYS` keys, or :data:`LARGE_LINES` of anything else."""
        return self.size is not None and self.size > (LARGE_KEYS if self.in_keys else LARGE_LINES)


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes a list shows; None leaves a criterion out.

    Attributes:
        model_id: changes of that model and those that concern every model.
        text: looked for in kind, subject, author and both values.
        unreviewed: only those that nobody is named to have reviewed.
        registrations: registered versions too; they alter nothing that runs until they are deployed.
    """

    model_id: int | None = None
    layer: Layer | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    unreviewed: bool = False
    registrations: bool = True
