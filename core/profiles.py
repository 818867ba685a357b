"""The profile of a batch: one pass over an open log, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.small_profiles import (
    SMALL_CELLS,
    SMALL_ROWS,
    bonds_in,
    orders_of,
    slices_of,
    spread_rows,
    text_profile_of,
    time_profile_of,
)
from core.stats.bonds import Bonds
from core.stats.profile import (
    AGREEMENT,
    SLICE_COLUMNS,
    SLICE_VALUES,
    BatchProfile,
    ColumnProfile,
    NumberProfile,
    SliceProfile,
)
from core.stats.profile_numbers import SliceCodes, join_codes, merge_moments, number_profile
from core.stats.row_order import OrderProfile, order_profile
from core.stats.sketch_numbers import Floats, Moments
from core.text_profiles import distinct_estimates, text_profile, time_profile
from storage.logs.quoting import sql_name as name
from storage.records.logs import LogColumn, Roles

if TYPE_CHECKING:
    from storage.logs.source import LogSource

_Found = dict[str, dict[str, dict[str, tuple[int, Moments]]]]  # slice column -> number column -> value -> figures
_Profiled = tuple[dict[str, ColumnProfile], dict[str, dict[str, SliceProfile]], dict[str, OrderProfile], Bonds]


def profile_log(
    source: LogSource, roles: Roles | None = None, slice_columns: Sequence[str] | None = None
) -> BatchProfile:
    """Profile every column that is not ignored.

    Args:
        source: the open log.
        roles: what columns are for; without an id, duplicates are whole rows; redacted texts are kept as hashes only.
        slice_columns: columns to keep a profile per value of; by default the text and boolean columns with at most
            ``SLICE_VALUES`` values, at most ``SLICE_COLUMNS`` of them. Give those of the reference to compare with it.

    Raises:
        SourceError: the log can't be read to its end.
    """
    parts = roles or Roles()
    kept = [column for column in source.columns if column.name not in parts.ignore]
    small = source.rows <= SMALL_ROWS and source.rows * len(kept) <= SMALL_CELLS
    columns, slices, orders, bonds = (_small if small else _large)(source, parts, kept, slice_columns)
    return BatchProfile(
        rows=source.rows,
        rejected=source.rejected,
        duplicates=_duplicates(source, parts, [column.name for column in kept]),
        columns={column.name: columns[column.name] for column in kept},
        slices=slices,
        orders=orders,
        bonds=bonds,
    )


def _large(source: LogSource, parts: Roles, kept: Sequence[LogColumn], asked: Sequence[str] | None) -> _Profiled:
    """Texts and times counted by the database, numbers read piece by piece."""
    texts = [column.name for column in kept if column.kind == "text"]
    estimates = distinct_estimates(source, texts)
    columns: dict[str, ColumnProfile] = {}
    for column in texts:
        profile = text_profile(
            source, column, estimates[column], hidden=column in parts.redact, unique=column == parts.id
        )
        columns[column] = ColumnProfile(column, text=profile)
    for column in (c.name for c in kept if c.kind == "time"):
        columns[column] = ColumnProfile(column, time=time_profile(source, column))
    booleans = [column.name for column in kept if column.kind == "boolean"]
    coded = _coded(source, _slice_columns(parts, columns, booleans, asked))
    codes = join_codes(coded)
    numeric = [column.name for column in kept if column.kind in ("number", "boolean")]
    numbers, sliced, orders, bonds = _numbers(source, numeric, codes, parts)
    orders |= {
        column: order_profile(np.where(found > 0, found, np.nan), numbers=False)
        for column, _, found in coded
        if column in texts
    }
    for column in numeric:
        columns[column] = ColumnProfile(column, number=numbers[column], boolean=column in booleans)
    lost = [c.name for c in kept if c.kind in ("text", "time")]
    return columns, _slices(source, codes, sliced, lost), orders, bonds


def _small(source: LogSource, parts: Roles, kept: Sequence[LogColumn], asked: Sequence[str] | None) -> _Profiled:
    """All cells at once."""
    cells = source.cells([column.name for column in kept])
    columns: dict[str, ColumnProfile] = {}
    for column, values in cells.texts.items():
        profile = text_profile_of(
            values, cells.numeric[column], hidden=column in parts.redact, unique=column == parts.id
        )
        columns[column] = ColumnProfile(column, text=profile)
    booleans = [column.name for column in kept if column.kind == "boolean"]
    chosen = _slice_columns(parts, columns, booleans, asked)
    times = [column.name for column in kept if column.kind == "time"]
    for column in times:
        columns[column] = ColumnProfile(column, time=time_profile_of(cells.numbers[column]))
    numeric = [column.name for column in kept if column.kind in ("number", "boolean")]
    for column in numeric:
        found = number_profile(cells.numbers[column])
        columns[column] = ColumnProfile(column, number=found, boolean=column in booleans)
    label, prediction = cells.numbers.get(parts.label or ""), cells.numbers.get(parts.prediction or "")
    products = label * prediction if label is not None and prediction is not None else None
    slices = slices_of(cells, chosen, numeric, [*cells.texts, *times], products)
    bonds = bonds_in({column: cells.numbers[column] for column in numeric}, parts)
    return columns, slices, orders_of(cells, numeric, chosen, parts.time), bonds


def _numbers(
    source: LogSource, numeric: Sequence[str], codes: Sequence[SliceCodes], roles: Roles
) -> tuple[dict[str, NumberProfile], _Found, dict[str, OrderProfile], Bonds]:
    """Profiles of the number columns, their moments per slice, their order and their bonds."""
    profiles = {column: NumberProfile() for column in numeric}
    orders = {column: OrderProfile() for column in numeric}
    sample: dict[str, list[Floats]] = {column: [] for column in numeric}
    sliced: _Found = {column: {} for code in codes for column in code.columns}
    both = [column for column in (roles.label, roles.prediction) if column in profiles and column is not None]
    told = [*both, *(column for column in numeric if column not in both)]  # label and prediction come in one piece
    for found in source.numbers(told):
        for column, values in found.items():
            offset = profiles[column].rows
            profiles[column] = profiles[column].merge(number_profile(values))
            orders[column] = orders[column].then(order_profile(values))
            sample[column].append(spread_rows(values))
            _add_slices(sliced, codes, column, values, offset)
        if len(both) == 2 and both[0] in found:
            products = found[both[0]] * found[both[1]]
            _add_slices(sliced, codes, AGREEMENT, products, profiles[both[0]].rows - products.size)
    return profiles, sliced, orders, bonds_in({c: np.concatenate(p) for c, p in sample.items() if p}, roles)


def _add_slices(sliced: _Found, codes: Sequence[SliceCodes], column: str, values: Floats, offset: int) -> None:
    for code in codes:
        for by, figures in code.moments(values, offset).items():
            sliced[by][column] = merge_moments(sliced[by].get(column, {}), figures)


def _slice_columns(
    roles: Roles, columns: Mapping[str, ColumnProfile], booleans: Sequence[str], asked: Sequence[str] | None
) -> list[tuple[str, tuple[str, ...]]]:
    """The slice columns with their values; those with most rows outside their main value come first."""
    possible: list[tuple[int, str, tuple[str, ...]]] = []
    for column, profile in columns.items():
        text = profile.text
        if text is None or column in roles.redact or (asked is not None and column not in asked):
            continue
        if text.values.complete and (asked is not None or len(text.values.counts) >= 2) and text.values.counts:
            values = tuple(sorted(text.values.counts))
            if len(values) <= SLICE_VALUES and not any(len(v) > 100 for v in values):
                possible.append((text.values.top(1)[0][1] + text.missing, column, values))
    wanted = [c for c in booleans if c not in roles.redact and (asked is None or c in asked)]
    possible += [(0, column, ("false", "true")) for column in wanted]
    possible = [p for p in possible if p[1] not in (roles.label, roles.prediction, roles.id)]
    return [(column, values) for _, column, values in sorted(possible)[:SLICE_COLUMNS]]


def _coded(
    source: LogSource, chosen: Sequence[tuple[str, tuple[str, ...]]]
) -> list[tuple[str, tuple[str, ...], npt.NDArray[np.uint8]]]:
    """One code per row for each chosen column; a missing value is the empty text, the first of its column."""
    coded = []
    for column, values in chosen:
        known = ("", *(value for value in values if value))
        coded.append((column, known, source.codes(column, known[1:])))
    return coded


def _slices(
    source: LogSource, codes: Sequence[SliceCodes], sliced: _Found, others: Sequence[str]
) -> dict[str, dict[str, SliceProfile]]:
    """Profile per slice column and value, from what was counted of numbers and what the database counts of the rest."""
    slices: dict[str, dict[str, SliceProfile]] = {}
    for column in (column for code in codes for column in code.columns):
        listed = "".join(f", count(*) - count({name(other)})" for other in others)
        key = f"coalesce({name(column)}::varchar, '')"
        slices[column] = {}
        for value, rows, *lost in source.query(f"select {key}, count(*){listed} from log group by 1 order by 1"):
            missing = {o: int(str(n)) for o, n in zip(others, lost, strict=True) if int(str(n)) and o != column}
            moments = {}
            for number, by_value in sliced[column].items():
                nothing, figures = by_value.get(str(value), (0, Moments()))
                if nothing and number not in (column, AGREEMENT):
                    missing[number] = nothing
                if figures.n and number != column:
                    moments[number] = figures
            slices[column][str(value)] = SliceProfile(int(str(rows)), missing, moments)
    return slices


def _duplicates(source: LogSource, roles: Roles, kept: Sequence[str]) -> int:
    """Rows beyond the first of each id, or of each whole row (told apart by a 64-bit hash) where no id is known.

    Two versions that answered the same request are no repeat: an id counts within its version and stage.
    """
    there = {column.name for column in source.columns}
    if roles.id is not None and roles.id in there:
        key = name(roles.id)
    elif kept:
        key = f"hash({', '.join(name(column) for column in kept)})"
    else:
        return 0
    [(found,)] = source.query(f"select count({key}) - count(distinct {key}) from log")
    parts = [name(part) for part in (roles.version, roles.stage) if part in there and part is not None]
    if int(str(found)) and parts and key == name(roles.id or ""):
        listed = ", ".join((key, *parts))
        [(found,)] = source.query(
            f"select count({key}) - (select count(*) from (select distinct {listed} from log where {key} is not null)) "
            "from log"
        )
    return int(str(found))
