"""One batch with every signal that could be read of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from core.baseline import Baselines
from core.checks.base import CheckContext
from core.stats.packing import unpack
from core.tuner.standing import tuned_specs
from core.validate import roles_of
from core.why import episode as episodes
from core.why.episode import Episode, unbroken
from core.why.inputs import decided, input_columns, input_signals, touched
from core.why.scores import score_signals
from core.why.serving import serving_signals
from core.why.signals import SIGNALS, Signals, not_known
from core.why.symptoms import Match
from core.why.truth import label_signals
from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import batches, versions


@dataclass(frozen=True, slots=True)
class Scene:
    """A batch, those before it, and its signals by name, all of :data:`SIGNALS`."""

    episode: Episode
    signals: Signals
    compared_with: int


def scene(
    db: sqlite3.Connection, model: Model, batch: Batch, *, now: datetime, baselines: Baselines | None = None
) -> Scene:
    """Read every signal of a batch against the reference and the batch's own past."""
    episode = episodes.read(db, model, batch)
    known = baselines or Baselines(db, model)
    baseline = known.before(batch.window_start, without=batch.id)
    if not baseline.batches:
        reason = "nothing to compare with: ingest a reference with --role reference"
        return Scene(episode, {name: not_known(name, reason) for name in SIGNALS}, 0)
    context = CheckContext(
        current=unpack(batches.profile(db, batch.id)),
        reference=baseline.merged,
        past=baseline.past,
        same_hour=baseline.same_hour,
        roles=roles_of(model.file),
        specs=tuned_specs(db, model),
        calendar=model.file.columns.calendar,
        window_start=batch.window_start,
        window_end=batch.window_end,
    )
    needed = _needed(db, model, batch)
    outputs = decided(context, episode, needed)
    found = input_signals(episode, context, input_columns(context, episode, needed), outputs)
    found += score_signals(episode, context, touched(found), outputs)
    found += serving_signals(db, episode, context)
    found += label_signals(db, episode, now, _means(context, model.file.columns.prediction))
    signals = {name: not_known(name, "nothing measures it here") for name in SIGNALS}
    signals.update({signal.name: signal for signal in found})
    return Scene(episode, signals, len(baseline.batches))


def _needed(db: sqlite3.Connection, model: Model, batch: Batch) -> tuple[str, ...]:
    """The columns that the batch's version says it needs; empty when nobody said."""
    found = versions.find(db, model.id, batch.version) if batch.version else None
    return tuple(found.input_schema) if found is not None and found.input_schema else ()


def _means(context: CheckContext, name: str) -> tuple[float, float] | None:
    now, before = context.current.columns.get(name), context.reference.columns.get(name)
    if now is None or before is None or now.number is None or before.number is None:
        return None
    return now.number.moments.mean, before.number.moments.mean


Result = TypeVar("Result")

TRACED = 8
"""How many batches back an onset is traced by reading their signals again."""


class Reader:
    """Scenes of one model at one moment, each read once."""

    def __init__(self, db: sqlite3.Connection, model: Model, now: datetime) -> None:
        self.db = db
        self.now = now
        self.scenes: dict[int, Scene] = {}
        self._model = model
        self._known: dict[str, Any] = {}
        self._baselines = Baselines(db, model)

    def once(self, name: str, read: Callable[[], Result]) -> Result:
        """What is read of the model as a whole, read once."""
        if name not in self._known:
            self._known[name] = read()
        found: Result = self._known[name]
        return found

    def scene(self, batch: Batch) -> Scene:
        """The scene of a batch."""
        if batch.id not in self.scenes:
            self.scenes[batch.id] = scene(self.db, self._model, batch, now=self.now, baselines=self._baselines)
        return self.scenes[batch.id]

    def run(self, one: Scene, match: Match) -> tuple[Batch, ...]:
        """The batches that show a symptom, back to its onset: by findings, else by the signals of earlier batches."""
        episode = one.episode
        order = [b.id for b in episode.batches]
        begun = [order.index(s.begun) for s in match.core if s.begun in order]
        if begun:
            return episode.batches[min(begun) :]
        names = [s.name for s in match.core]

        def shows(batch: Batch) -> bool:
            signals = self.scene(batch).signals
            return all(signals[name].present for name in names)

        return unbroken(episode.batches[-TRACED:], shows)
