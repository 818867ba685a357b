"""Signals of what served the rows: versions, hosts, and what differs between two versions."""

from __future__ import annotations

import re
import sqlite3

from core.checks.base import CheckContext
from core.checks.statistics import Key
from core.why.episode import Episode
from core.why.scores import by_slice
from core.why.signals import Signal, not_known
from storage.tables import deployments, versions

NEW = 12
"""A version that began to serve more batches ago than this is not new."""

LEAST_ROWS = 20
MIXED = 0.05

HOST = re.compile(r"(^|_)(host|hostname|pod|node|instance|server|replica|machine|worker)(_|$|\d)", re.IGNORECASE)


def serving_signals(db: sqlite3.Connection, episode: Episode, context: CheckContext) -> list[Signal]:
    """Signals of versions and hosts."""
    return [*_versions(db, episode, context), _hosts(episode, context)]


def previous_version(episode: Episode) -> str | None:
    """The version that served the stage before the batch's own, as far back as is looked."""
    others = [b.version for b in episode.batches if b.version and b.version != episode.batch.version]
    return others[-1] if others else None


def _versions(db: sqlite3.Connection, episode: Episode, context: CheckContext) -> list[Signal]:
    here = episode.batch.version
    if here is None:
        why = "the log names no version"
        return [not_known(n, why) for n in ("version_new", "versions_mixed", "training_differs")]
    run = []
    for batch in reversed(episode.batches):
        if batch.version != here:
            break
        run.append(batch)
    first, before = run[-1], previous_version(episode)
    new = before is not None and len(run) < len(episode.batches) and len(run) <= NEW
    words = (
        f"{here} serves since {first.window_start or first.arrived_at:%Y-%m-%d %H:%M}Z, {before} before"
        if new
        else f"{here} served before too"
    )
    found = [Signal("version_new", words, float(len(run)), None, 2.0 if new else 0.0, begun=first.id if new else None)]
    found.append(_mixed(db, episode, context))
    found.append(_training(db, episode, here, before))
    return found


def _mixed(db: sqlite3.Connection, episode: Episode, context: CheckContext) -> Signal:
    name = episode.model.file.columns.version
    column = context.current.columns.get(name) if name else None
    if name is None or column is None or column.text is None:
        return not_known("versions_mixed", "the log has no version column")
    counts = column.text.values.top(3)
    if len(counts) < 2:
        return Signal("versions_mixed", f"all rows by {counts[0][0] if counts else 'none'}", 0.0, 0.0)
    lesser, rows = counts[1]
    share = rows / max(column.rows, 1)
    past = [p.profile.columns[name] for p in context.past if name in p.profile.columns]
    usual = sorted(dict(c.text.values.counts).get(lesser, 0) / max(c.rows, 1) for c in past if c.text is not None)
    before = usual[len(usual) // 2] if usual else 0.0
    start, end = episode.batch.window_start, episode.batch.window_end
    switched = (
        start is not None
        and end is not None
        and any(
            start < d.at <= end and d.version in (lesser, counts[0][0])
            for d in deployments.history(db, episode.model.id)
        )
    )
    live = deployments.live_at(db, episode.model.id, end or episode.batch.arrived_at).values()
    meant = next((d.traffic for d in live if d.version == lesser and d.stage != episode.model.file.full_stage), None)
    expected = before if meant is None else meant
    away = abs(share - expected) if rows >= LEAST_ROWS else 0.0
    strength = away / MIXED
    words = f"{share:.0%} of rows by {lesser}, the rest by {counts[0][0]}; {expected:.0%} expected"
    # A switch in the middle of a batch leaves rows of both behind: that is how a deployment looks.
    return Signal("versions_mixed", words, share, before, min(strength, 0.9) if switched else min(strength, 5.0))


def _training(db: sqlite3.Connection, episode: Episode, here: str, before: str | None) -> Signal:
    a = versions.find(db, episode.model.id, before) if before else None
    b = versions.find(db, episode.model.id, here)
    if a is None or b is None or a.data_sha is None or b.data_sha is None:
        return not_known("training_differs", "no two registered versions with hashes of their data follow each other")
    differs = a.data_sha != b.data_sha
    words = f"{here} and {before} were trained on {'other' if differs else 'the same'} data"
    return Signal(
        "training_differs", words, strength=1.5 if differs else 0.0, rows=(f"versions:{a.id}", f"versions:{b.id}")
    )


def _hosts(episode: Episode, context: CheckContext) -> Signal:
    """One host whose predictions or inputs left its own past while the others stayed."""
    found = [by for by in context.current.slices if HOST.search(by)]
    if not found:
        return not_known("host_apart", "the log has no column that names hosts")
    best = Signal("host_apart", "hosts are alike", 0.0, 0.0)
    for by in found:
        values = by_slice(context.current, by, episode.model.file.columns.prediction)
        ratios: dict[str, tuple[float, float, str]] = {}
        for value in values:
            keys = [Key(c, "slice_mean", f"{by}={value}") for c in context.current.columns]
            told = [(d.ratio, d.rise, k.column) for k in keys if (d := context.departures.found.get(k)) is not None]
            if told:
                ratios[value] = max(told)
        out = [v for v, (ratio, _, _) in ratios.items() if ratio >= 1]
        if not out or len(values) < 2:
            continue
        worst = max(out, key=lambda v: ratios[v][0])
        ratio, rise, column = ratios[worst]
        words = f"{column!r} on {by}={worst} left its past by {rise:+.2f} standard deviations against the other hosts"
        if ratio > best.strength:
            best = Signal("host_apart", words, rise, 0.0, ratio, (column, by), f"{by}={worst}")
    return best
