"""The profile of a batch: mergeable summaries of its columns, its slices and its rows.

Every class here is a monoid under ``merge``: counts are exact, and the result does not depend on how rows were cut or
ordered (means and squares up to float rounding, see :class:`core.stats.sketch_numbers.Moments`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.stats.bonds import Bonds
from core.stats.row_order import OrderProfile
from core.stats.sketch_numbers import Histogram, Moments
from core.stats.sketch_values import PATTERN_LIMIT, HourCounts, ValueCounts, pattern_of

Kind = Literal["number", "text", "boolean", "time"]
SLICE_VALUES = 32
SLICE_COLUMNS = 8
AGREEMENT = "\x00label * prediction"
"""Among a slice's moments the products of label and prediction, where a row has both: no column has this name."""


@dataclass(frozen=True, slots=True)
class NumberProfile:
    """Numbers of one column; booleans are 0 and 1.

    Attributes:
        rows: all rows, missing ones included.
        missing: rows without a value (null or NaN).
        infinite: rows at plus or minus infinity: in no other figure below.
        moments: count, mean and squares of the finite numbers.
        minimum: smallest finite number, +inf when there is none.
        maximum: largest finite number, -inf when there is none.
        at_minimum: rows exactly at the minimum.
        at_maximum: rows exactly at the maximum.
        zeros: rows equal to 0.
        negatives: rows below 0.
        integers: rows with an integer value.
        histogram: the finite numbers over universal bins; exact value counts while they are few.
    """

    rows: int = 0
    missing: int = 0
    infinite: int = 0
    moments: Moments = field(default_factory=Moments)
    minimum: float = float("inf")
    maximum: float = float("-inf")
    at_minimum: int = 0
    at_maximum: int = 0
    zeros: int = 0
    negatives: int = 0
    integers: int = 0
    histogram: Histogram = field(default_factory=Histogram.empty)

    @property
    def finite(self) -> int:
        """Rows with a finite number."""
        return self.rows - self.missing - self.infinite

    @property
    def values(self) -> dict[float, int] | None:
        """Rows per distinct number, when all are known (at most 1024 distinct), else None."""
        if not self.histogram.exact:
            return None
        return dict(zip(self.histogram.edges()[0].tolist(), self.histogram.counts.tolist(), strict=True))

    def merge(self, other: NumberProfile) -> NumberProfile:
        """Both sets of rows together."""
        low, high = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        return NumberProfile(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            moments=self.moments.merge(other.moments),
            minimum=low,
            maximum=high,
            at_minimum=sum(part.at_minimum for part in (self, other) if part.minimum == low),
            at_maximum=sum(part.at_maximum for part in (self, other) if part.maximum == high),
            zeros=self.zeros + other.zeros,
            negatives=self.negatives + other.negatives,
            integers=self.integers + other.integers,
            histogram=self.histogram.merge(other.histogram),
        )


@dataclass(frozen=True, slots=True)
class TextProfile:
    """Texts of one column.

    Attributes:
        rows: all rows, missing ones included.
        missing: rows without a value (null).
        empty: rows with a text of no characters.
        padded: rows with white space at either end.
        numeric: rows whose text parses as a number.
        characters: length of all texts together.
        values: rows per distinct text, bounded.
    """

    rows: int = 0
    missing: int = 0
    empty: int = 0
    padded: int = 0
    numeric: int = 0
    characters: int = 0
    values: ValueCounts = field(default_factory=ValueCounts)

    @property
    def patterns(self) -> ValueCounts:
        """Rows per pattern of characters, of the rows whose text is kept in ``values``: see :func:`pattern_of`."""
        counts: dict[str, int] = {}
        for value, rows in self.values.counts.items():
            pattern = pattern_of(value)
            counts[pattern] = counts.get(pattern, 0) + rows
        return ValueCounts.of(counts.items(), PATTERN_LIMIT, self.values.complete)

    def merge(self, other: TextProfile) -> TextProfile:
        """Both sets of rows together."""
        return TextProfile(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            empty=self.empty + other.empty,
            padded=self.padded + other.padded,
            numeric=self.numeric + other.numeric,
            characters=self.characters + other.characters,
            values=self.values.merge(other.values),
        )


@dataclass(frozen=True, slots=True)
class TimeProfile:
    """Points in time of one column, in seconds since 1970-01-01 00:00 UTC.

    ``minimum`` is +inf and ``maximum`` -inf when no row has a time; ``hours`` counts rows per stretch of time.
    """

    rows: int = 0
    missing: int = 0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    hours: HourCounts = field(default_factory=HourCounts)

    def merge(self, other: TimeProfile) -> TimeProfile:
        """Both sets of rows together."""
        return TimeProfile(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            hours=self.hours.merge(other.hours),
        )


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: a part per kind of value that it was read as, usually one.

    Batches in which a column changed its kind merge into a column with two parts; ``kind`` is that of the part with
    most values. ``boolean`` says that the numbers were read as true and false.
    """

    name: str
    number: NumberProfile | None = None
    text: TextProfile | None = None
    time: TimeProfile | None = None
    boolean: bool = False

    @property
    def rows(self) -> int:
        """All rows of all parts."""
        return sum(part.rows for part in (self.number, self.text, self.time) if part)

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return sum(part.missing for part in (self.number, self.text, self.time) if part)

    @property
    def kind(self) -> Kind:
        """``number``, ``text``, ``boolean`` or ``time``, of the part with most values."""
        parts: list[tuple[Kind, NumberProfile | TextProfile | TimeProfile | None]] = [
            ("boolean" if self.boolean else "number", self.number),
            ("time", self.time),
            ("text", self.text),
        ]
        return max(((part.rows - part.missing, kind) for kind, part in parts if part), key=lambda p: p[0])[1]

    @property
    def distinct(self) -> float:
        """Distinct values of the main part: exact while few, else an estimate; inf beyond 1024 distinct numbers."""
        if self.text is not None and self.kind == "text":
            return self.text.values.distinct
        if self.number is not None and self.kind in ("number", "boolean"):
            return float(self.number.histogram.keys.size) if self.number.histogram.exact else float("inf")
        return float(len(self.time.hours.counts)) if self.time is not None else 0.0

    def merge(self, other: ColumnProfile) -> ColumnProfile:
        """Both sets of rows together."""
        return ColumnProfile(
            name=self.name,
            number=self.number.merge(other.number) if self.number and other.number else self.number or other.number,
            text=self.text.merge(other.text) if self.text and other.text else self.text or other.text,
            time=self.time.merge(other.time) if self.time and other.time else self.time or other.time,
            boolean=(self.boolean or not self.number) and (other.boolean or not other.number),
        )


@dataclass(frozen=True, slots=True)
class SliceProfile:
    """The rows that share one value of one column.

    Attributes:
        rows: how many rows they are.
        missing: rows without a value, per other column in which there are any.
        moments: moments of the finite numbers, per number column.
    """

    rows: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    moments: Mapping[str, Moments] = field(default_factory=dict)

    def merge(self, other: SliceProfile) -> SliceProfile:
        """Both sets of rows together."""
        missing, moments = dict(self.missing), dict(self.moments)
        for name, rows in other.missing.items():
            missing[name] = missing.get(name, 0) + rows
        for name, found in other.moments.items():
            moments[name] = moments[name].merge(found) if name in moments else found
        return SliceProfile(self.rows + other.rows, missing, moments)


@dataclass(frozen=True, slots=True)
class BatchProfile:
    """Everything that checks need to know of one batch, or of a window of them.

    Attributes:
        rows: rows read.
        rejected: lines that were quarantined.
        duplicates: rows beyond the first of each id (of each whole row where no id is known), counted within batches.
        columns: profile per column, in the order of the file.
        slices: per slice column and value (as text, the empty key is missing) the profile of those rows. A column in
            which a merge meets more than ``SLICE_VALUES`` values is left with none, for good.
        orders: per number column, and per text column of few values, how its values follow each other.
        bonds: how number columns go together.
    """

    rows: int = 0
    rejected: int = 0
    duplicates: int = 0
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, SliceProfile]] = field(default_factory=dict)
    orders: Mapping[str, OrderProfile] = field(default_factory=dict)
    bonds: Bonds = field(default_factory=Bonds.empty)

    def merge(self, other: BatchProfile) -> BatchProfile:
        """Both batches together; a column that only one of them has keeps its own number of rows."""
        columns, slices = dict(self.columns), dict(self.slices)
        for name, column in other.columns.items():
            columns[name] = columns[name].merge(column) if name in columns else column
        for name, values in other.slices.items():
            slices[name] = _merge_slices(slices[name], values) if name in slices else values
        orders = dict(self.orders)
        for name, order in other.orders.items():
            orders[name] = orders[name].merge(order) if name in orders else order
        return BatchProfile(
            rows=self.rows + other.rows,
            rejected=self.rejected + other.rejected,
            duplicates=self.duplicates + other.duplicates,
            columns=columns,
            slices=slices,
            orders=orders,
            bonds=self.bonds.merge(other.bonds),
        )


def _merge_slices(left: Mapping[str, SliceProfile], right: Mapping[str, SliceProfile]) -> Mapping[str, SliceProfile]:
    """Slices of both; none when a side has overflowed or both together do."""
    if not left or not right:
        return {}
    both = dict(left)
    for value, part in right.items():
        both[value] = both[value].merge(part) if value in both else part
    return both if len(both) <= SLICE_VALUES else {}
