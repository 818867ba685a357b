"""The statistics of rows in their order, and of columns beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from core.checks.statistics import Key, Reading, share_reading
from core.checks.traits import Trait
from core.stats.effect import share_noise
from core.stats.profile import BatchProfile, ColumnProfile
from core.stats.row_order import OrderProfile
from core.stats.slice_table import SliceTable
from storage.records.logs import Roles

PARTNERS = 4
BOND = 0.25
"""Weaker correlations than this say nothing of a column: they come and go."""

TIE = 0.03
"""The same of the share of a number's variance that a category explains."""

_WATCHED = ("feature", "clock", "prediction", "label")


def order_readings(
    profile: BatchProfile, reference: BatchProfile, roles: Roles, traits: Mapping[str, Trait]
) -> Iterator[tuple[Key, Reading]]:
    """Longest run, repeats, visits and serial correlation of each column whose rows both sides know in order."""
    for name, now in profile.orders.items():
        before = reference.orders.get(name)
        if before is None or name in roles.ignore or name not in traits or traits[name].kind not in _WATCHED:
            continue
        if now.pairs < 20 or not before.pairs:
            continue
        yield Key(name, "run"), _run(now, before)
        yield Key(name, "repeats"), _repeats(profile.columns[name], now, before)
        share = before.visits / before.looked if before.looked else None
        yield Key(name, "visits"), share_reading(now.visits, now.looked, share)
        if now.lost:
            usual = before.lost * before.batches / before.rows if before.rows else None
            yield Key(name, "lost_run"), share_reading(now.lost, now.rows, usual)
        number = profile.columns[name].number
        if number is not None and now.steps > 0 and number.moments.variance > 0:
            serial = max(-1.0, 1 - now.steps / now.pairs / (2 * number.moments.variance))
            yield Key(name, "serial"), Reading(serial, 1 / math.sqrt(now.pairs))


def _run(now: OrderProfile, before: OrderProfile) -> Reading:
    """The longest run as a share of the rows.

    Its noise is that of the longest run of equal values when each next row is equal by the reference's chance ``q``:
    a Gumbel law of scale ``-1 / ln q`` (Schilling, The longest run of heads, 1990).
    """
    chance = min(before.repeats / before.pairs, 1 - 1 / (before.pairs + 1))
    scale = -1.0 / math.log(chance) if chance > 0 else 0.5
    return Reading(now.longest / now.rows, 1.28 * scale / now.rows)


def _repeats(column: ColumnProfile, now: OrderProfile, before: OrderProfile) -> Reading:
    """Rows that repeat the one before, beyond what rows in any order would: 0 when mixed up, 1 when standing still."""
    chance = collision(column)
    share, usual = (part.repeats / part.pairs for part in (now, before))
    noise = share_noise(usual, now.pairs)
    return Reading((share - chance) / max(1 - chance, 0.05), noise / max(1 - chance, 0.05))


def collision(column: ColumnProfile) -> float:
    """The chance that two rows have the same value."""
    if column.number is not None and column.number.histogram.exact and column.number.finite:
        shares = column.number.histogram.counts / column.number.finite
        return float((shares * shares).sum())
    if column.text is not None and column.text.values.complete and column.text.values.kept_rows:
        counts = np.array(list(column.text.values.counts.values()), dtype=np.float64)
        return float(((counts / counts.sum()) ** 2).sum())
    return 0.0


def weight_of(column: ColumnProfile) -> float:
    """The part of the rows that bears on a correlation, 0 to 1: nearly constant columns hang on a few rows."""
    if column.number is None or not column.number.finite or not column.number.histogram.counts.size:
        return 1.0
    rest = 1 - float(column.number.histogram.counts.max()) / column.number.finite
    return min(1.0, max(4 * rest, 1 / column.number.finite))


def bond_readings(
    profile: BatchProfile, reference: BatchProfile, roles: Roles, traits: Mapping[str, Trait]
) -> Iterator[tuple[Key, Reading]]:
    """How far each column still goes with those it went with: numbers with numbers, categories with numbers."""
    yield from _bonds(profile, reference, roles, traits)
    yield from _ties(profile, reference, roles, traits)


def _bonds(
    profile: BatchProfile, reference: BatchProfile, roles: Roles, traits: Mapping[str, Trait]
) -> Iterator[tuple[Key, Reading]]:
    """The correlations with the closest ``PARTNERS``, each in the direction it had, weighted by how close it was."""
    names = [
        name
        for name in profile.bonds.names
        if name in reference.bonds.names and name not in roles.ignore and traits[name].kind in _WATCHED
    ]
    if len(names) < 2:
        return
    now, before = (
        part.bonds.correlations[np.ix_(at, at)]
        for part in (profile, reference)
        for at in [[part.bonds.names.index(name) for name in names]]
    )
    rows = profile.bonds.rows.max(initial=0.0)
    if rows < 30:
        return
    strength = np.abs(before)
    np.fill_diagonal(strength, 0.0)
    for i, name in enumerate(names):
        best = np.argsort(-strength[i], kind="stable")[:PARTNERS]
        weight = np.where(strength[i, best] >= BOND, strength[i, best], 0.0)
        if not weight.any():
            continue
        value = float((weight * np.sign(before[i, best]) * now[i, best]).sum() / weight.sum())
        usual = float((weight * strength[i, best]).sum() / weight.sum())
        seen = rows * weight_of(profile.columns[name])
        yield Key(name, "bond"), Reading(value, (1 - usual * usual) / math.sqrt(seen))


def _ties(
    profile: BatchProfile, reference: BatchProfile, roles: Roles, traits: Mapping[str, Trait]
) -> Iterator[tuple[Key, Reading]]:
    """Share of variance explained: per number by the category that explains most, per category of its numbers."""
    closest: dict[str, tuple[float, float]] = {}
    for by in profile.slices:
        if by in roles.ignore or by not in traits or traits[by].kind == "calendar":
            continue
        usual, now = explained(reference, by), explained(profile, by)
        tied = [c for c, share in usual.items() if share >= TIE and c in now and traits[c].kind in _WATCHED]
        if not tied:
            continue
        for column in tied:
            if usual[column] > closest.get(column, (0.0, 0.0))[0]:
                closest[column] = (usual[column], now[column])
        weight = [usual[column] for column in tied]
        value = sum(w * now[column] for w, column in zip(weight, tied, strict=True)) / sum(weight)
        level = sum(w * w for w in weight) / sum(weight)
        yield Key(by, "tie"), Reading(value, _tie_noise(level, profile.rows))
    for column, (level, value) in closest.items():
        seen = profile.rows * weight_of(profile.columns[column])
        yield Key(column, "tie"), Reading(value, _tie_noise(level, seen))


def _tie_noise(level: float, rows: float) -> float:
    return 2 * math.sqrt(level) * (1 - level) / math.sqrt(max(rows, 1.0))


def explained(profile: BatchProfile, by: str) -> dict[str, float]:
    """Per number column the share of its variance that the values of ``by`` explain, 0 to 1, less what chance gives."""
    found = {}
    for column, (squares, n, groups) in SliceTable.of(profile.slices.get(by, {})).within().items():
        whole = profile.columns[column].number if column in profile.columns else None
        if whole is None or whole.moments.m2 <= 0 or n <= 2 * groups or whole.moments.n != n:
            continue
        # epsilon squared: the share explained, with each side's squares over its degrees of freedom
        share = 1 - (squares / (n - groups)) / (whole.moments.m2 / (n - 1))
        found[column] = max(0.0, share)
    return found
