"""What a slice search and slicing by hand answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.records.logs import LogRow
from storage.records.slices import Predicate

Q = 0.05
"""A slice with a larger q-value does not stand out."""


@dataclass(frozen=True, slots=True)
class SliceLine:
    """One slice of the current rows beside the same slice of the reference.

    Attributes:
        predicates: what its rows have in common, beyond the request's own ``where``.
        words, sql, pandas: the rows, the request's ``where`` among the conditions.
        rows: with a signal; ``share`` is their part of the rows searched, ``support`` the same number.
        users: different users among them; None: not known, the model file names no user column.
        money: what the business metric lost here against the reference; None: not known.
        error: mean of the signal here; ``reference_error`` in the same slice of the reference, None without one.
        effect: beyond what happened elsewhere: to the rest of the rows (change), or to all rows (absolute).
        interval: of the effect, 95 %.
        q_value: chance that so much is found where nothing is, over everything that was searched.
        explained: part of the whole excess that lies in this slice; None where the whole has none to take parts of.
    """

    predicates: tuple[Predicate, ...]
    words: str
    sql: str
    pandas: str
    rows: int
    share: float
    users: int | None
    money: float | None
    error: float
    reference_rows: int
    reference_error: float | None
    effect: float
    interval: tuple[float, float]
    q_value: float
    explained: float | None

    @property
    def support(self) -> float:
        """Share of the rows searched."""
        return self.share

    @property
    def expected(self) -> float:
        """Mean that the slice would have had it changed like the rest (or were it like all rows)."""
        return self.error - self.effect

    def document(self) -> dict[str, Any]:
        """As scripts read it."""
        return {
            "predicates": [predicate.document() for predicate in self.predicates],
            "rows": self.rows,
            "support": self.share,
            "error": self.error,
            "reference_error": self.reference_error,
            "effect": self.effect,
            "interval": list(self.interval),
            "q_value": self.q_value,
            "reference_rows": self.reference_rows,
            "expected": self.expected,
            "explained": self.explained,
            "users": self.users,
            "money": self.money,
            "words": self.words,
            "sql": self.sql,
            "pandas": self.pandas,
        }


@dataclass(frozen=True, slots=True)
class SlicePage:
    """The answer to one request.

    Attributes:
        signal: what was measured, ``unit`` what it counts in ("share of wrong answers"); ``why_this_signal`` in words.
        current, reference: what was read, in words; ``reference`` is None without one.
        rows, reference_rows: rows with a signal; ``left_out_rows`` of the current rows have none.
        slices: best first, told once: overlapping ones are pruned.
        overall, reference_overall: mean of the signal over all rows.
        stands_out: some slice changed beyond chance (change) or exceeds the whole beyond chance (absolute).
        exact: False in a first answer from a sample of the rows.
        candidates: conjunctions of enough support; ``columns`` that were searched.
        left_out: columns that were not searched, and why.
        notes: what else a reader should know.
        not_answered: why there is no answer at all; None when there is one.
        depth: predicates of a slice at most, as far as was searched.
        least_rows: of a slice that was looked at, now and in the reference; None: not searched by change.
        least_effect: a change beyond the rest that is smaller counts as none.
        slope: all slices were drawn together (below 1) or apart by that factor, below 0 mirrored; None: neither.
    """

    signal: str
    unit: str
    why_this_signal: str
    current: str
    reference: str | None
    rows: int
    reference_rows: int
    left_out_rows: int
    slices: tuple[SliceLine, ...]
    overall: float | None
    reference_overall: float | None
    stands_out: bool
    ranking: str
    exact: bool
    candidates: int
    columns: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    not_answered: str | None = None
    depth: int = 0
    least_rows: tuple[int, int] | None = None
    least_effect: float = 0.0
    slope: float | None = None

    @property
    def limits(self) -> str | None:
        """What was not looked at and what does not count, in a sentence; None where nothing was searched by change."""
        if self.least_rows is None or self.not_answered is not None:
            return None
        now, then = self.least_rows
        told = f"searched: slices of at least {now:,} rows now and {then:,} in the reference"
        told += f", up to {self.depth} predicate{'s' if self.depth != 1 else ''}" if self.depth else ""
        return f"{told}; less than {self.least_effect:.3g} beyond the rest does not count"

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        if self.not_answered is not None:
            return self.not_answered
        if self.stands_out:
            found = max(1, sum(line.q_value <= Q for line in self.slices))
            return f"{found} slice{'s stand' if found > 1 else ' stands'} out"
        if self.overall is None or self.reference_overall is None:
            return "no slice stands out"
        change = self.overall - self.reference_overall
        everywhere = f"; everywhere alike: {self.reference_overall:.4g} -> {self.overall:.4g} ({change:+.4g})"
        if self.slope is not None and abs(self.slope - 1) >= 0.1:
            share = f"{abs(self.slope):.0%} of what they were"
            everywhere += f", differences between slices {'mirrored, ' if self.slope < 0 else ''}{share}"
        return f"no slice stands out{everywhere}"


@dataclass(frozen=True, slots=True)
class SplitLine:
    """One value (or bin) of the column a slice was split by, now and in the reference; None: no rows there."""

    predicate: Predicate
    words: str
    rows: int
    share: float
    error: float | None
    interval: tuple[float, float] | None
    reference_rows: int
    reference_share: float | None
    reference_error: float | None


@dataclass(frozen=True, slots=True)
class SideLine:
    """One side of a comparison: a window, version, stage or host."""

    name: str
    rows: int
    error: float | None
    interval: tuple[float, float] | None
    difference: float | None


@dataclass(frozen=True, slots=True)
class SliceRows:
    """Rows of a slice: how many there are, and some of them, redacted; ``signals`` beside them, None where none."""

    total: int
    rows: tuple[LogRow, ...]
    signals: tuple[float | None, ...]
    columns: tuple[str, ...]
