"""Signals of the labels and of what is measured with them; never a number under the label floor."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from core.label_trust import label_verdict
from core.measure import mature, serving
from core.metrics.registry import direction
from core.stats.intervals import Z95
from core.why.episode import Episode
from core.why.signals import Signal, not_known
from storage.records.models import MetricSpec
from storage.records.results import MetricPoint
from storage.tables import batches, deployments, metrics, versions

PAST = 60
CLEAR = 2.5
LEAST_PAST = 3
LATE = 0.5
"""Share of the usual coverage under which the labels of a mature window are late."""

OFFLINE_FAR = 0.08
"""By how much offline must lie above live at the least, for a metric between 0 and 1."""

METRIC_SIGNALS = ("metric_worse", "metric_better")


def label_signals(
    db: sqlite3.Connection, episode: Episode, now: datetime, means: tuple[float, float] | None
) -> list[Signal]:
    """Signals of the labels of the batch; ``means`` are the mean prediction now and in the reference, where numbers."""
    file = episode.model.file
    if file.columns.label is None:
        reason = "the model file names no label column"
        names = ("labels_flipped", "base_rate_moved", "above_labels", "offline_above_live", *METRIC_SIGNALS)
        return [not_known(n, reason) for n in ("labels_few", "labels_late", *names)]
    found = _coverage(db, episode, now)
    found += _metric(db, episode, now)
    found += _verdict(db, episode, now, means)
    return found


def primary(episode: Episode) -> MetricSpec | None:
    """The model's primary metric, as measured: AUC or mean absolute error where the model file names none."""
    from core.metrics.registry import specs

    known = specs(episode.model.file)
    return episode.model.file.primary_metric or (known[0] if known else None)


def _coverage(db: sqlite3.Connection, episode: Episode, now: datetime) -> list[Signal]:
    model, batch = episode.model, episode.batch
    here = batches.coverage(db, batch.id)
    labelled = here.labelled if here is not None else 0
    least = model.file.labels.minimum
    ripe = (batch.window_end or batch.arrived_at) + model.file.labels.lag <= now
    earlier = [
        c.share
        for b in episode.batches[:-1]
        if (b.window_end or b.arrived_at) + model.file.labels.lag <= now
        and (c := batches.coverage(db, b.id)) is not None
    ]
    usual = float(np.median(earlier)) if len(earlier) >= LEAST_PAST else None
    few = f"{labelled} labels of the {least} that are needed"
    partial = 0 < labelled < least
    found = [Signal("labels_few", few if labelled < least else f"{labelled} labels", float(labelled), float(least),
                    1.5 if partial else 0.5 if labelled < least else 0.0)]  # fmt: skip
    share = labelled / batch.rows if batch.rows else 0.0
    if not ripe:
        found.append(
            Signal("labels_late", f"labels of this window are due {model.file.labels.lag} after it", share, usual)
        )
    elif usual is None:
        found.append(not_known("labels_late", f"fewer than {LEAST_PAST} mature windows before it"))
    else:
        late = usual >= 0.05 and share < LATE * usual
        words = f"{share:.0%} of rows have a label, {usual:.0%} by that age before"
        found.append(
            Signal("labels_late", words, share, usual, min(4.0, usual / max(share, 0.01) / 2) if late else 0.0)
        )
    return found


def past_values(db: sqlite3.Connection, episode: Episode, spec: MetricSpec, now: datetime) -> list[MetricPoint]:
    """The mature readings before the batch that rest on enough labels, oldest first."""
    model = episode.model
    points = serving(model.file, metrics.history(db, model.id, spec.name, end=now))
    here = next((i for i, p in enumerate(points) if p.batch_id == episode.batch.id), len(points))
    return [p for p in points[:here] if mature(p, spec, model.file, now) and p.reading.value is not None][-PAST:]


def _metric(db: sqlite3.Connection, episode: Episode, now: datetime) -> list[Signal]:
    spec = primary(episode)
    names = (*METRIC_SIGNALS, "metric_slid", "offline_above_live")
    if spec is None:
        return [not_known(n, "the model has no metric") for n in names]
    good = direction(spec, episode.model.file)
    if good == "none":
        return [not_known(n, f"neither way is better for {spec.name}") for n in names]
    sign = 1.0 if good == "up" else -1.0
    reading = next((r for r in metrics.current(db, episode.batch.id) if r.metric == spec.name), None)
    earlier = past_values(db, episode, spec, now)
    slid = _slid(db, episode, spec, now)
    offline = _offline(db, episode, spec, sign, earlier, now)
    if reading is None or reading.value is None:
        why = reading.note if reading is not None and reading.note else f"{spec.name} was not measured on this batch"
        return [*(not_known(n, why) for n in METRIC_SIGNALS), slid, offline]
    if len(earlier) < LEAST_PAST:
        why = f"fewer than {LEAST_PAST} earlier windows with enough labels"
        return [*(not_known(n, why) for n in METRIC_SIGNALS), slid, offline]
    values = np.array([p.reading.value for p in earlier], float)
    centre = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - centre)))
    error = (reading.high - reading.low) / (2 * Z95) if reading.low is not None and reading.high is not None else spread
    worse = -sign * (reading.value - centre)
    scale = CLEAR * max(spread, error, 0.01 * abs(centre))
    words = f"{spec.name} {reading.value:.4g}, {centre:.4g} before (n={reading.n})"
    row = (f"batches:{episode.batch.id}",)
    fine = worse < 0.5 * scale
    return [
        Signal("metric_worse", words, reading.value, centre, max(0.0, worse / scale), rows=row),
        Signal("metric_better", words, reading.value, centre, 1.0 if fine else 0.0, rows=row),
        slid,
        offline,
    ]


def _slid(db: sqlite3.Connection, episode: Episode, spec: MetricSpec, now: datetime) -> Signal:
    from core.objectives import persistent_drop

    verdict, since = persistent_drop(db, episode.model, spec.name, now)
    if verdict.status not in ("fail", "pass"):
        return not_known("metric_slid", verdict.message)
    told = verdict.message + (f" since {since:%Y-%m-%d %H:%M}Z" if since else "")
    return Signal("metric_slid", told, strength=2.0 if verdict.status == "fail" else 0.0)


def _offline(
    db: sqlite3.Connection,
    episode: Episode,
    spec: MetricSpec,
    sign: float,
    earlier: Sequence[MetricPoint],
    now: datetime,
) -> Signal:
    """What was recorded of the live version before it went live, against what it reads live."""
    name = "offline_above_live"
    version = episode.batch.version
    if version is None:
        return not_known(name, "the batch names no version")
    told = recorded_offline(db, episode, spec, version)
    if told is None:
        return not_known(
            name, f"no offline {spec.name} of {version} is recorded (in its note, reasons, test or shadow)"
        )
    offline, where = told
    points = serving(episode.model.file, metrics.history(db, episode.model.id, spec.name, end=now, version=version))
    own = [p.reading.value for p in points if p.reading.value is not None]
    before = [p.reading.value for p in earlier if p.reading.value is not None]
    if not own and len(before) < LEAST_PAST:
        return not_known(name, f"no live {spec.name} rests on enough labels yet")
    live = float(np.median(own)) if own else float(np.median(before))
    spread = float(np.std(before)) if len(before) > 1 else 0.0
    gap = sign * (offline - live)
    bound = max(OFFLINE_FAR if abs(live) <= 1 else 0.25 * abs(live), 4 * spread)
    whose = f"{version} live" if own else "live versions before it (its own labels are not in)"
    return Signal(
        name, f"{spec.name} {offline:.4g} offline ({where}), {live:.4g} of {whose}", gap, 0.0, max(0.0, gap / bound)
    )


def recorded_offline(
    db: sqlite3.Connection, episode: Episode, spec: MetricSpec, version: str
) -> tuple[float, str] | None:
    """The offline value recorded for a version and where it stands; None when there is none."""
    unseen = {s.name for s in episode.model.file.stages if s.kind in ("test", "shadow")}
    points = [
        p
        for p in metrics.history(db, episode.model.id, spec.name, version=version)
        if p.stage in unseen and p.reading.value is not None
    ]
    if points and points[-1].reading.value is not None:
        return points[-1].reading.value, f"stage {points[-1].stage}"
    found = versions.find(db, episode.model.id, version)
    texts = [(found.note, "its note")] if found is not None and found.note else []
    history = deployments.history(db, episode.model.id)
    texts += [(d.reason, "a deployment's reason") for d in history if d.version == version and d.reason]
    for text, where in texts:
        if text is not None and (number := re.search(rf"\b{re.escape(spec.name)}\b\D{{0,12}}?(\d*\.\d+)", text, re.I)):
            return float(number[1]), where
    return None


def _verdict(
    db: sqlite3.Connection, episode: Episode, now: datetime, means: tuple[float, float] | None
) -> list[Signal]:
    """Whether labels can be believed, from the sums of the AUC and from the checks where labels are in the log."""
    flipped = next((h for h in episode.now if h.signal == "labels_flipped"), None)
    moved = next((h for h in episode.now if h.signal == "base_rate_moved"), None)
    verdict = label_verdict(db, episode.model, episode.batch.id, now)
    rate, usual = verdict.rate, verdict.expected
    told = "; ".join(verdict.reasons)
    found = []
    if flipped is not None:
        one = flipped.finding
        found.append(
            Signal(
                "labels_flipped",
                one.message,
                one.value,
                one.threshold,
                3.0,
                rows=(flipped.row,),
                begun=episode.batch.id,
            )
        )
    elif verdict.verdict == "flipped":
        found.append(Signal("labels_flipped", told, rate, usual, 3.0))
    elif verdict.verdict == "no_data":
        found.append(not_known("labels_flipped", told))
    else:
        found.append(Signal("labels_flipped", "labels point the way they did", rate, usual))
    if verdict.verdict == "moved":
        found.append(Signal("base_rate_moved", told, rate, usual, 1.5))
    elif moved is not None:
        found.append(Signal("base_rate_moved", moved.finding.message, moved.finding.value, moved.finding.threshold,
                            max(1.0, moved.strength), rows=(moved.row,)))  # fmt: skip
    elif verdict.verdict == "no_data":
        found.append(not_known("base_rate_moved", told))
    else:
        words = "" if rate is None or usual is None else f"{rate:.1%} of labels are positive, {usual:.1%} before"
        found.append(Signal("base_rate_moved", words or "as it was", rate, usual))
    found.append(_gap(db, episode, rate, usual, means))
    return found


def _gap(
    db: sqlite3.Connection, episode: Episode, rate: float | None, usual: float | None, means: tuple[float, float] | None
) -> Signal:
    if rate is None or usual is None or means is None:
        return not_known("above_labels", "no share of positive labels to hold the mean prediction against")
    coverage = batches.coverage(db, episode.batch.id)
    n = coverage.labelled if coverage is not None else 0
    gap, before = means[0] - rate, means[1] - usual
    noise = math.sqrt(max(rate * (1 - rate), 0.01) / max(n, 1))
    words = f"mean prediction {means[0]:.3f} against {rate:.3f} positive labels, {before:+.3f} apart before"
    return Signal("above_labels", words, gap, before, max(0.0, (gap - before) / (4 * noise + 0.02)))
