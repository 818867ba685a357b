"""Signals of the inputs: which columns moved, in what way, on how many rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from core.checks.base import CheckContext
from core.why.episode import Episode, Hit
from core.why.signals import Signal

KINDS: tuple[str, ...] = (
    "null_burst",
    "unit_change",
    "default_value",
    "out_of_range",
    "slice_shift",
    "new_values",
    "renamed_values",
    "schema",
    "swapped",
    "encoding",
    "frozen",
    "clipped",
    "time_shift",
    "mix_shift",
)
"""Ways in which inputs break."""

TABLE: tuple[str, ...] = (
    "volume_low",
    "volume_high",
    "duplicates",
    "quarantined",
    "late_data",
    "latency",
    "known_answers_wrong",
    "leakage",
    "thin_training",
    "labels_in_slice",
    "scores_by_slice",
)
"""What findings say of the table, the rows and the answers."""

FAINT = 0.8
"""Strength of what only a digest tells: under the mark, until it persists."""

PERSISTENT = 3
"""Batches in a row after which a faint finding counts: chance does not come back on the same column."""

MANY = 0.2
"""Share of the input columns from which they moved together."""

ALONG = 0.5
"""Share of a slice's movement from which the rest of the traffic made it too."""

_UPSTREAM = re.compile(r"(^|_)(pred|prediction|predicted|score|proba|estimate|forecast|embedding)(_|$)", re.IGNORECASE)
_DECIDED = re.compile(
    r"(^|_)(decision|decided|action|blocked|accepted|approved|rule|flagged|verdict|outcome)(_|$)", re.I
)


def input_columns(context: CheckContext, episode: Episode, needed: Iterable[str]) -> tuple[str, ...]:
    """Columns that the model is fed with: what its versions say they need, else every feature that is no output."""
    known = set(needed)
    out = set(decided(context, episode, needed))
    roles = episode.model.file.columns
    return tuple(
        name
        for name in context.shared
        if context.traits[name].kind in ("feature", "clock")
        and name not in (roles.latency, roles.predicted_class)
        and name not in out
        and (not known or name in known or not known & set(context.shared))
    )


def decided(context: CheckContext, episode: Episode, needed: Iterable[str]) -> tuple[str, ...]:
    """Columns that a decision on the prediction stands in: the predicted class, and outputs by their name."""
    roles, known = episode.model.file.columns, set(needed)
    named = [c for c in context.current.columns if _DECIDED.search(c) and c not in known]
    return tuple(dict.fromkeys([*([roles.predicted_class] if roles.predicted_class else []), *named]))


def input_signals(
    episode: Episode, context: CheckContext, inputs: Sequence[str], outputs: Sequence[str] = ()
) -> list[Signal]:
    """Every signal of the inputs and of the table; ``outputs`` are columns written after the prediction."""
    written = set(outputs) | {episode.model.file.columns.latency}
    ours = [h for h in episode.now if h.signal in (*KINDS, "drift") and not (h.columns and set(h.columns) <= written)]
    drifted = {c for h in ours if h.signal == "drift" for c in h.columns}
    carried_along = [
        h
        for h in ours
        if h.signal == "slice_shift"
        and h.columns
        and set(h.columns) <= drifted
        and swept(context, h.columns[0], h.finding.slice)
    ]
    ours = [h for h in ours if h not in carried_along]
    found = [_kind(episode, name, [h for h in ours if h.signal == name]) for name in KINDS]
    found.append(_drift(episode, [h for h in ours if h.signal == "drift"], len(inputs)))
    found += [_kind(episode, name, [h for h in episode.now if h.signal == name]) for name in TABLE]
    broken = [s for s in found if s.present and s.name in (*KINDS, "drift")]
    columns = tuple(dict.fromkeys(c for s in broken for c in s.columns))
    strength = max(
        (s.strength for s in broken), default=max((s.strength for s in found[: len(KINDS) + 1]), default=0.0)
    )
    begun = _earliest(episode, broken)
    told = (
        f"{len(columns)} of {len(inputs)} input columns moved: {_named(columns)}"
        if columns
        else "no input column moved"
    )
    found.append(Signal("inputs_moved", told, float(len(columns)), 0.0, strength, columns, begun=begun))
    share = len(columns) / len(inputs) if inputs else 0.0
    many = len(columns) >= 3 and share >= MANY
    words = f"{share:.0%} of the input columns moved at once"
    found.append(Signal("many_columns", words, share, 0.0, strength if many else min(strength, 0.5), columns))
    carried = tuple(c for c in columns if _UPSTREAM.search(c))
    found.append(
        Signal(
            "upstream_column",
            f"{_named(carried)} carries another model's output, by its name" if carried else "no such column moved",
            float(len(carried)),
            0.0,
            strength if carried and len(columns) <= 2 else 0.0,
            carried,
            begun=begun,
        )
    )
    return found


def swept(context: CheckContext, name: str, part: str | None) -> bool:
    """Whether a slice moved with everything else: the rest of the traffic went at least half as far the same way.

    How far is told in steps and in factors: what grows by a third everywhere makes larger steps where it is large.
    """
    by, _, value = (part or "").partition("=")
    both = [(p.columns.get(name), p.slices.get(by, {}).get(value)) for p in (context.current, context.reference)]
    means: list[tuple[float, float]] = []
    for column, rows in both:
        inside = rows.moments.get(name) if rows is not None else None
        if column is None or column.number is None or inside is None or not inside.n:
            return False
        whole = column.number.moments
        if whole.n <= inside.n:
            return False
        means.append((inside.mean, (whole.n * whole.mean - inside.n * inside.mean) / (whole.n - inside.n)))
    (inside_now, rest_now), (inside_then, rest_then) = means
    step, rest = inside_now - inside_then, rest_now - rest_then
    if step * rest > 0 and abs(rest) >= ALONG * abs(step):
        return True
    if min(inside_now, rest_now, inside_then, rest_then) <= 0:
        return False
    factor, others = math.log(inside_now / inside_then), math.log(rest_now / rest_then)
    return factor * others > 0 and abs(others) >= ALONG * abs(factor)


def _earliest(episode: Episode, found: Sequence[Signal]) -> int | None:
    """The first batch that shows one of the signals, None when none is traced."""
    order = [b.id for b in episode.batches]
    return min((s.begun for s in found if s.begun in order), key=lambda i: order.index(i or 0), default=None)


def touched(signals: Iterable[Signal]) -> float:
    """The largest share of rows that the broken inputs can have touched; drift touches all of them."""
    share = 0.0
    for signal in signals:
        if signal.present and signal.name in (*KINDS, "drift"):
            share = max(share, 1.0 if signal.share is None or signal.name == "drift" else signal.share)
    return share


def _kind(episode: Episode, name: str, hits: Sequence[Hit]) -> Signal:
    if not hits:
        return Signal(name, f"{name.replace('_', ' ')}: not seen", 0.0, 0.0)
    root = max(hits, key=lambda h: (h.loud, h.strength))
    columns = tuple(dict.fromkeys(c for h in sorted(hits, key=lambda h: (-h.loud, -h.strength)) for c in h.columns))
    names = KINDS if name in KINDS else (name,)
    run = episode.run(names, root.columns, root.finding.slice)
    lasting = len(run) >= PERSISTENT
    strength = root.strength if root.loud else max(1.0, root.strength) if lasting else min(root.strength, FAINT)
    words = root.finding.message + (f" (and {len(hits) - 1} more findings)" if len(hits) > 1 else "")
    words += f"; {len(run)} batches in a row" if len(run) > 1 else ""
    return Signal(
        name,
        words,
        root.finding.value,
        root.finding.threshold,
        strength,
        columns,
        root.finding.slice,
        root.share,
        tuple(h.row for h in hits[:5]),
        begun=run[0].id if run else episode.batch.id,
    )


def _drift(episode: Episode, hits: Sequence[Hit], fed: int) -> Signal:
    if not hits:
        return Signal("drift", "no column drifted", 0.0, 0.0)
    columns = tuple(dict.fromkeys(c for h in sorted(hits, key=lambda h: -h.strength) for c in h.columns))
    run = episode.run(("drift",), columns)
    strongest = max(h.strength for h in hits)
    # A digest of drift comes by chance now and then: it counts when it is far, on half of the columns, or comes back.
    strong = strongest >= 1.5 or len(columns) >= max(3, 0.5 * fed) or (len(run) >= 2 and len(columns) >= 2)
    strong = strong or len(run) >= PERSISTENT
    strength = max(1.0, strongest) if strong else min(strongest, FAINT)
    words = f"{len(columns)} columns drifted: {_named(columns)}; {len(run)} batches in a row"
    return Signal(
        "drift",
        words,
        float(len(columns)),
        0.0,
        strength,
        columns,
        share=1.0,
        rows=tuple(h.row for h in hits[:5]),
        begun=run[0].id if run else episode.batch.id,
    )


def _named(columns: Sequence[str]) -> str:
    return ", ".join(columns[:4]) + (f" and {len(columns) - 4} more" if len(columns) > 4 else "")
