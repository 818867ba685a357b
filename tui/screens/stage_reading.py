"""What pane 5 reads in a thread: every gate, or those of candidates that are somewhere else by now."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from storage.tables import models, rollouts

if TYPE_CHECKING:
    from core.rollouts.candidates import CandidateLine

Stages = dict[str, tuple[str, ...]]
"""Names of a model's stages in order, by model."""

Place = tuple[int, str | None]
"""The id of a rollout and the stage it is in."""

Lines = dict[str, "CandidateLine"]
"""Lines by key, in the order in which they are shown."""

Read = tuple[dict[str, Place], Stages, Lines]
"""Where every candidate was before its gate was read; the stages of the models; the lines."""


def key_of(model: str, version: str) -> str:
    """The key of a candidate's row."""
    return f"{model}\x1f{version}"


def stages_of(db: sqlite3.Connection) -> Stages:
    """Of every model; one short query."""
    return {model.name: tuple(stage.name for stage in model.file.stages) for model in models.list_all(db)}


def read_all(db: sqlite3.Connection, now: datetime, tell: Callable[[Read], None]) -> Read:
    """Every gate; where files have to be read for some of them, what the looks alone say is told first."""
    from core.rollouts.overview import candidates

    where = {key_of(one.model, one.version): (one.id, one.stage) for one in rollouts.open_rollouts(db)}
    stages = stages_of(db)
    by_looks = _by_key(candidates(db, now, wait=False))
    if not any(line.being_read for line in by_looks.values()):
        return where, stages, by_looks
    tell((where, stages, by_looks))
    return where, stages, _by_key(candidates(db, now))


def read_some(db: sqlite3.Connection, asked: Mapping[str, Place], now: datetime) -> Lines:
    """The lines of some candidates."""
    from core.rollouts import overview

    return {key: overview.line(db, rollout_id, now) for key, (rollout_id, _) in asked.items()}


def _by_key(lines: Iterable[CandidateLine]) -> Lines:
    return {key_of(line.model, line.version): line for line in lines}
