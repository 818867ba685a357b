"""A slice cut further: its values by another column, its sides, and two slices beside each other."""

from __future__ import annotations

import math

from rich.text import Text

from core.slices.buckets import Bucket, Buckets
from core.slices.page import SideLine, SliceLine, SlicePage, SplitLine
from core.slices.samples import Sample
from core.slices.split import Split
from storage.logs.predicates import words
from tui.present.columns import Column
from tui.present.page import Page
from tui.present.slice_detail import charts
from tui.present.slices import chance, count, effect, explained, is_share, signed, value

SPLIT_COLUMNS = (
    Column("value", "VALUE", 18, grow=1),
    Column("rows", "ROWS", 7, right=True, descending=True),
    Column("share", "SHARE", 5, rank=3, right=True, descending=True),
    Column("reference_share", "WAS", 5, rank=4, right=True, descending=True),
    Column("error", "NOW", 7, right=True, descending=True),
    Column("interval", "95%", 14, rank=2, right=True, sortable=False),
    Column("reference", "REF", 7, rank=1, right=True, descending=True),
)


def split_cells(line: SplitLine, unit: str) -> tuple[str, ...]:
    """Value, rows, share now and then, mean with interval, mean then."""
    was = "-" if line.reference_share is None else f"{line.reference_share:.0%}"
    return (
        line.words,
        count(line.rows),
        f"{line.share:.0%}",
        was,
        value(line.error, unit),
        interval(line.interval, unit),
        value(line.reference_error, unit),
    )


BUCKET_COLUMNS = (
    Column("kind", "KIND OF ERROR", 20, grow=1),
    Column("rows", "ROWS", 6, right=True, descending=True),
    Column("share", "PART", 5, right=True, descending=True),
    Column("reference_share", "WAS", 5, rank=1, right=True, descending=True),
    Column("rate", "OF ROWS", 7, right=True, descending=True),
    Column("reference_rate", "REF", 6, rank=2, right=True, descending=True),
    Column("reference_rows", "THEN", 6, rank=3, right=True, descending=True),
)


def bucket_cells(line: Bucket) -> tuple[str, ...]:
    """Kind, rows, share of the errors now and then, share of the judged rows now and then, rows then."""
    part, was, rate, reference = (
        "-" if share is None else f"{share:.1%}"
        for share in (line.share, line.reference_share, line.rate, line.reference_rate)
    )
    then = "-" if line.reference_rows is None else count(line.reference_rows)
    return line.words, count(line.rows), part, was, rate, reference, then


def bucket_detail(found: Buckets, width: int) -> Text:
    """The part of every kind in the errors, beside the reference's."""
    text = Page()
    rows = [(line.words, line.share, line.reference_share or 0.0) for line in found.lines]
    charts(text, "share of the errors by kind", rows, width)
    return text.text


def sample_detail(sample: Sample) -> Text:
    """Whether a side is a good sample of the others, and by which columns."""
    text = Page()
    text.line(sample.verdict)
    text.line("")
    for one in sample.columns[:10]:
        far = "too few rows" if math.isnan(one.psi) else f"PSI {one.psi:.3f}, {one.noise:.3f} by chance"
        text.line(f"{one.column:20} {far}{'  off' if one.off else ''}", "bold" if one.off else "")
    return text.text


def interval(bounds: tuple[float, float] | None, unit: str) -> str:
    """A 95 % interval, a dash where none is known.

    >>> interval((0.1, 0.25), "share of wrong answers"), interval(None, "")
    ('[10.0 25.0]', '-')
    """
    if bounds is None or any(map(math.isnan, bounds)):
        return "-"
    scale = 100 if is_share(unit) else 1
    low, high = (f"{scale * bound:.1f}" if is_share(unit) else f"{bound:.3g}" for bound in bounds)
    return f"[{low} {high}]"


SIDE_COLUMNS = (
    Column("side", "SIDE", 20, grow=1),
    Column("rows", "ROWS", 8, right=True, descending=True),
    Column("error", "MEAN", 8, right=True, descending=True),
    Column("interval", "95%", 16, rank=1, right=True, sortable=False),
    Column("difference", "DIFFERENCE", 10, right=True, descending=True),
)


def side_cells(line: SideLine, unit: str) -> tuple[str, ...]:
    """Name, rows, mean with interval, difference from the first side."""
    scale = 100 if is_share(unit) else 1
    differs = "-" if line.difference is None else signed(scale * line.difference)
    return line.name, count(line.rows), value(line.error, unit), interval(line.interval, unit), differs


def split_detail(found: Split, width: int) -> Text:
    """The shares of every value beside the reference's."""
    text = Page()
    rows = [(line.words, line.share, line.reference_share or 0.0) for line in found.lines]
    charts(text, f"share of the rows by {found.column}", rows, width)
    return text.text


def difference(one: SliceLine, other: SliceLine, page: SlicePage) -> Text:
    """Two slices side by side, then what only one of them asks for."""
    text, unit = Page(), page.unit
    text.line("one    " + one.words, "bold")
    text.line("other  " + other.words, "bold")
    text.line("")
    rows: list[tuple[str, str, str]] = [("", "one", "other")]
    rows.append(("rows", f"{one.rows:,}", f"{other.rows:,}"))
    rows.append(("share", f"{one.share:.1%}", f"{other.share:.1%}"))
    rows.append(("now", value(one.error, unit), value(other.error, unit)))
    rows.append(("reference", value(one.reference_error, unit), value(other.reference_error, unit)))
    rows.append(("effect", effect(one, unit), effect(other, unit)))
    rows.append(("q", chance(one.q_value), chance(other.q_value)))
    rows.append(("explains", explained(one), explained(other)))
    for label, left, right in rows:
        text.line(f"{label:10} {left:>20} {right:>20}", "bold" if not label else "")
    mine = [p for p in one.predicates if p not in other.predicates]
    theirs = [p for p in other.predicates if p not in one.predicates]
    shared = [p for p in one.predicates if p in other.predicates]
    text.line("")
    text.line(f"both ask for     {words(shared) if shared else 'nothing in common'}")
    text.line(f"only the one     {words(mine) if mine else 'nothing more'}")
    text.line(f"only the other   {words(theirs) if theirs else 'nothing more'}")
    return text.text
