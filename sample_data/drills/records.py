"""What a drill is made of: one model, a few days of its logs, at most one fault, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sample_data.records import Change, LogFile, ModelScenario

Severity = Literal["small", "medium", "full"]
SEVERITIES: tuple[Severity, ...] = ("small", "medium", "full")

Action = Literal["roll back", "revert", "mend", "relabel", "wait", "nothing"]
"""What is right: put an earlier version back, take one change back, mend data or pipeline and leave the model alone,
leave the model alone and mend the labels, wait for labels, or do nothing."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The cause of a drill, and what follows from it.

    Attributes:
        layer, category: the cause in the words of the program's taxonomy, as in ``component`` and ``unit``.
        also: other pairs ``layer/category`` that name the same cause no worse.
        source_ref: the entry of the change feed that is the cause; None when no entry is.
        version: the version whose deployment is the cause; None when none is.
        symptom: what can be seen, in words.
        tempting: wrong actions that suggest themselves.
        must_say: what has to be said by whoever explains it.
        columns: the columns that carry the fault; empty when none does.
    """

    layer: str
    category: str
    also: tuple[str, ...]
    source_ref: str | None
    version: str | None
    symptom: str
    action: Action
    right_action: str
    tempting: tuple[str, ...]
    must_say: str
    columns: tuple[str, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """Every pair ``layer/category`` that is right, the nearest first."""
        return (f"{self.layer}/{self.category}", *self.also)


@dataclass(frozen=True, slots=True)
class Drill:
    """One model with its files, versions, deployments and the change feed around it.

    Attributes:
        id: the fault's name, or ``clean``.
        planted: it is one of the nine of the table; False for the eight further ones.
        since: the start of the first window that carries the fault.
        now: when somebody asks; nothing that arrives later is in ``model.serving`` or ``model.labels``.
        changes: the feed, oldest first, red herrings included; deployments are not in it.
        faulty: the serving (or label) files that carry the fault.
        rows: how many of their rows do.
        golden: JSON lines ``{"id", "features", "prediction"}`` of rows with known answers, where the log replays any.
        truth: None when nothing is planted.
    """

    id: str
    planted: bool
    severity: Severity
    seed: int
    directory: Path
    model: ModelScenario
    since: datetime
    now: datetime
    changes_file: Path
    changes: tuple[Change, ...]
    faulty: tuple[Path, ...]
    rows: int
    golden: Path | None
    truth: Truth | None

    def arrivals(self) -> tuple[LogFile, ...]:
        """Every file there is at ``now``, reference files first, the others as they arrived."""
        files = (*self.model.reference, *self.model.serving, *self.model.labels)
        return tuple(sorted(files, key=lambda file: (file.role != "reference", file.arrived, str(file.path))))
