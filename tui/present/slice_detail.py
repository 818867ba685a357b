"""One slice in full, or a search as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from core.slices.page import SliceLine, SlicePage, SliceRows
from tui.present.charts import bars
from tui.present.page import Page
from tui.present.rows import cell, title
from tui.present.slices import chance, effect, explained, signal_text, value
from tui.present.text import visible

if TYPE_CHECKING:
    from tui.screens.slice_reads import Seen


def summary(line: SliceLine, page: SlicePage) -> Page:
    """What the search itself told of a slice: how many, how bad, how sure, how much of it all."""
    text, unit = Page(), page.unit
    users = "users not known" if line.users is None else f"{line.users:,} users"
    money = "money not known" if line.money is None else f"{line.money:,.2f} lost"
    text.line(f"{line.rows:,} rows, {line.share:.1%} of {page.rows:,}; {users}; {money}")
    then = "no such rows in the reference"
    if line.reference_error is not None:
        then = f"{value(line.reference_error, unit)} in {line.reference_rows:,} of the reference"
    text.line(f"{unit} {value(line.error, unit)} here, {then}", "bold")
    beyond = "beyond what changed elsewhere" if page.ranking == "change" else "beyond all rows"
    sure = "" if chance(line.q_value) == "-" else f", q {chance(line.q_value)}"
    whole = "change" if page.ranking == "change" else "excess"
    explains = "" if explained(line) == "-" else f"; explains {explained(line)} of the whole {whole}"
    text.line(f"effect {effect(line, unit)} {beyond}{sure}{explains}")
    if page.ranking == "change" and line.expected == line.expected:
        text.line(f"{value(line.expected, unit)} would be expected had it changed like the rest")
    return text


def detail(
    line: SliceLine | None,
    page: SlicePage | None,
    seen: Seen | None,
    width: int,
    *,
    named: bool = False,
    own: SlicePage | None = None,
    state: str = "",
) -> Text:
    """A slice in full, or the whole answer where there is no one slice.

    Args:
        line: None for all rows, and for a slice that a finding names; ``own`` is the answer inside that one.
        seen: what was read of its rows, None while it is read.
        state: what is going on while there is no answer.
    """
    if page is None:
        return Text(visible(state or "searching ..."))
    text = Page()
    if line is not None:
        text = summary(line, page)
    elif named:
        _named(text, page, own)
    if seen is not None:
        worst(text, seen.rows, [p.column for p in line.predicates] if line is not None else [], page.unit)
        for shares in seen.cut:
            charts(text, f"{shares.column} over all rows", shares.rows, width)
        if seen.prediction is not None:
            charts(text, f"{seen.prediction.column}, the prediction, in these rows", seen.prediction.rows, width)
    elif page.not_answered is None:
        text.line("reading its rows ...")
    if line is not None:
        predicate_page(text, line)
    elif not named:
        text.text.append("\n" if text.text else "")
        text.text.append_text(answer(page))
    return text.text


def _named(text: Page, page: SlicePage, own: SlicePage | None) -> None:
    """A slice that the search did not find, with its own numbers."""
    if own is None or own.overall is None:
        text.line(
            own.not_answered
            if own is not None and own.not_answered
            else "an alert or a candidate names it; measuring ..."
        )
        return
    text.line(f"{own.rows:,} rows, {own.rows / page.rows:.1%} of {page.rows:,}" if page.rows else f"{own.rows:,} rows")
    then = "" if own.reference_overall is None else f", {value(own.reference_overall, own.unit)} in the reference"
    text.line(f"{own.unit} {value(own.overall, own.unit)} here{then}", "bold")
    text.line(f"inside it: {own.verdict}; > searches it")


def answer(page: SlicePage) -> Text:
    """The search as a whole: for a list without a row, and below a list when there is room."""
    text = Page()
    text.line(page.verdict, "bold")
    if page.not_answered is not None:
        text.line(f"measured would be: {page.signal}" if page.signal else "")
    if page.why_this_signal:
        text.line(f"{page.signal} is measured: {page.why_this_signal}")
    text.line(f"{page.current}: {page.rows:,} rows with a signal, {page.left_out_rows:,} without")
    text.line(f"reference: {page.reference or 'none'}, {page.reference_rows:,} rows with a signal")
    text.line(f"{page.candidates:,} slices of enough support in {len(page.columns)} columns were compared")
    if page.limits is not None:
        text.line(page.limits)
    for note in page.notes:
        text.line(note)
    text.lines("columns that were not searched", [f"{column}: {why}" for column, why in page.left_out])
    return text.text


def predicate_page(text: Page, line: SliceLine) -> None:
    """The slice as words, SQL and pandas."""
    text.head("the same rows elsewhere: y copies")
    for language, said in (("words", line.words), ("SQL", line.sql), ("pandas", line.pandas)):
        text.line(f"  {language:7} {said}")


def charts(text: Page, head: str, rows: Sequence[tuple[str, float, float]], width: int) -> None:
    """A distribution beside the reference's."""
    text.head(head)
    text.text.append(bars(rows, width=max(30, min(width - 4, 76))) + "\n")


def worst(text: Page, found: SliceRows, lead: Sequence[str], unit: str) -> None:
    """The first rows, one line each."""
    text.head("worst rows: enter shows all of them")
    for row, signal in zip(found.rows, found.signals, strict=True):
        told = ", ".join(f"{name}={cell(row.values.get(name))}" for name in lead if name in row.values)
        text.line(f"  {signal_text(signal, unit):>6}  {title(row)}  {told}")
