"""A change as a person reads it."""

from __future__ import annotations

from rich.text import Text

from storage.records.changes import Change
from tui.present.page import Page, Stamp, short
from tui.present.text import visible

LINES_SHOWN = 200


def cells(change: Change, stamp: Stamp) -> tuple[str | Text, ...]:
    """Moment, layer, kind, subject, model, size, reviewed by, by whom; one that nobody reviewed is marked and bold."""
    words = (
        short(stamp(change.at)),
        change.layer,
        change.kind,
        change.subject,
        change.model or "(all)",
        "-" if change.size is None else str(change.size),
        "NO" if change.unreviewed else change.reviewed_by or "-",
        change.by or "-",
    )
    return tuple(Text(visible(word), style="bold" if change.unreviewed else "") for word in words)


def detail(change: Change, stamp: Stamp) -> Text:
    """All of it; what was before and after, line by line."""
    page = Page()
    page.line(change.subject, "bold")
    page.line(f"{change.layer} {change.kind} of {change.model or 'every model'}  {stamp(change.at)}")
    size = "" if change.size is None else f"  size {change.size}"
    review = "not reviewed by anybody" if change.unreviewed else f"reviewed by {change.reviewed_by or 'nobody named'}"
    page.line(f"by {change.by or 'nobody named'}  {review}{size}")
    page.line(f"source {change.source}  row {change.reference}", "dim")
    for head, sign, value in (("before", "-", change.before), ("after", "+", change.after)):
        page.head(head)
        if value is None:
            page.line("  not told", "dim")
            continue
        told = value.splitlines()
        for words in told[:LINES_SHOWN]:
            page.line(f"{sign} {words}")
        if len(told) > LINES_SHOWN:
            page.line(f"  and {len(told) - LINES_SHOWN} more lines: x exports all of them", "dim")
    return page.text
