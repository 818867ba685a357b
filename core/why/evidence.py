"""What speaks for and against a suspect, each with the row it rests on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.why.episode import Episode, Onset
from core.why.signals import Signals
from core.why.version_facts import facts_of
from storage.records.changes import Change
from storage.tables import alerts, batches, deployments, models

UPSTREAM = ("component", "data", "external", "pipeline")
"""Layers that act through the inputs."""

_BROKEN_INPUTS = ("inputs_moved", "mix_shift", "volume_low", "volume_high", "duplicates")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact for (``supports``) or against a suspect; ``reference`` is its row as ``table:id``, None for words."""

    supports: bool
    text: str
    reference: str | None = None


def evidence(
    db: sqlite3.Connection,
    episode: Episode,
    signals: Signals,
    onset: Onset,
    change: Change,
    *,
    clean: int,
    named: Sequence[str],
    fits: bool,
) -> tuple[Evidence, ...]:
    """Everything known for and against a change as the cause of a symptom."""
    found = [_closeness(change, onset, clean)]
    if named:
        found.append(Evidence(True, f"it names what is accused: {', '.join(named[:3])}", change.reference))
    found += _by_layer(signals, change)
    found += _by_review(db, change)
    if change.table == "deployments":
        found += _by_version(db, episode, signals, change, fits=fits)
    if change.model_id is None:
        well, ill = others(db, episode, onset)
        if ill:
            found.append(Evidence(True, f"it concerns every model, and {', '.join(ill)} alerts since then too"))
        elif well:
            found.append(Evidence(False, f"it concerns every model, but {', '.join(well)} saw nothing"))
    host = signals.get("host_apart")
    if host is not None and host.present and change.layer in ("run", "component", "data", "external"):
        found.append(Evidence(False, f"only one host is concerned ({host.slice}); this would reach all of them"))
    return tuple(found)


def stage_of(change: Change) -> str | None:
    """The stage a deployment is about, None for other changes."""
    return change.subject.rpartition(" ")[2] or None if change.table == "deployments" else None


def others(db: sqlite3.Connection, episode: Episode, onset: Onset) -> tuple[list[str], list[str]]:
    """Other models with batches since the onset: those without a page or ticket since then, and those with one."""
    well: list[str] = []
    ill: list[str] = []
    for model in models.list_all(db):
        if model.id == episode.model.id:
            continue
        since = onset.first - timedelta(minutes=1)
        seen = batches.between(db, model.id, since, episode.batch.window_end or episode.batch.arrived_at)
        seen = [b for b in seen if (b.window_start or b.arrived_at) >= since - timedelta(days=1)]
        if not seen:
            continue
        begun = {
            a.group_key
            for b in seen
            for a in alerts.of_batch(db, b.id)
            if a.tier in ("page", "ticket") and _first(db, a.model_id, a.group_key) >= onset.first - timedelta(days=1)
        }
        (ill if begun else well).append(model.name)
    return well, ill


def _first(db: sqlite3.Connection, model_id: int, group_key: str) -> datetime:
    group = alerts.of_group(db, model_id, group_key)
    return min(a.window_start or a.fired_at for a in group)


def _closeness(change: Change, onset: Onset, clean: int) -> Evidence:
    minutes = (onset.first - change.at).total_seconds() / 60
    if clean:
        told = f"{span(minutes)} before the onset; {clean} batches without the symptom lie between"
        return Evidence(clean < 2, told, change.reference)
    if minutes < 0:
        return Evidence(True, "within the first batch that shows it", change.reference)
    return Evidence(
        True, f"{span(minutes)} before the first batch that shows it, with no good batch between", change.reference
    )


def span(minutes: float) -> str:
    """A length of time in words.

    >>> span(10), span(180), span(60 * 24 * 6), span(0.4)
    ('10 min', '3.0 h', '6.0 d', 'under a minute')
    """
    if minutes < 1:
        return "under a minute"
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:.1f} d"


def _by_layer(signals: Signals, change: Change) -> Iterator[Evidence]:
    inputs = signals.get("inputs_moved")
    broken = any((s := signals.get(n)) is not None and s.present for n in _BROKEN_INPUTS)
    if change.layer in UPSTREAM and inputs is not None and inputs.known and not broken:
        yield Evidence(False, "the inputs did not move: speaks against a cause upstream")
    if change.layer in UPSTREAM and broken and change.layer != "pipeline":
        yield Evidence(True, "the inputs moved: what feeds the model was altered")
    wide = signals.get("many_columns")
    if change.layer == "external" and wide is not None and wide.present:
        yield Evidence(True, wide.words)
    unexplained = signals.get("scores_unexplained")
    if change.layer == "run" and unexplained is not None and unexplained.present:
        yield Evidence(True, unexplained.words, next(iter(unexplained.rows), None))
    if change.layer == "run" and broken and unexplained is not None and not unexplained.present:
        yield Evidence(False, "the inputs moved by themselves: no version or setting of the model alters them")
    text = f"{change.kind} {change.subject}".lower()
    moved = signals.get("scores_moved")
    if moved is not None and moved.present and ("threshold" in text or "min_" in text or "max_" in text):
        yield Evidence(False, "the scores themselves moved: a threshold is applied after them")
    decisions = signals.get("decisions_moved")
    if (
        decisions is not None
        and decisions.present
        and moved is not None
        and not moved.present
        and change.layer == "run"
    ):
        yield Evidence(True, f"decisions moved and scores did not: {decisions.words}")


def _by_review(db: sqlite3.Connection, change: Change) -> Iterator[Evidence]:
    if change.unreviewed:
        yield Evidence(True, "nobody is named to have reviewed it", change.reference)
    elif change.reviewed_by:
        yield Evidence(False, f"reviewed by {change.reviewed_by}", change.reference)
    if change.table == "deployments":
        row = next((d for d in deployments.history(db, change.model_id or 0) if d.id == change.id), None)
        if row is not None and row.reason and "overrid" in row.reason.lower():
            yield Evidence(True, row.reason, change.reference)


def _by_version(
    db: sqlite3.Connection, episode: Episode, signals: Signals, change: Change, *, fits: bool
) -> Iterator[Evidence]:
    version = change.subject.rpartition(" ")[0]
    new = signals.get("version_new")
    if new is not None and new.present and episode.batch.version == version:
        yield Evidence(True, new.words)
    facts = facts_of(db, episode.model, version, before=change.at)
    if facts is None:
        yield Evidence(fits, f"{version} is not registered with its parts: nothing to compare", change.reference)
        return
    if facts.words:
        yield Evidence(facts.differs, facts.words, facts.reference)
    yield from (Evidence(True, words, reference) for words, reference in facts.telling)
    offline = signals.get("offline_above_live")
    if offline is not None and offline.present:
        yield Evidence(True, offline.words)
