"""What failed in a batch, as a list that leads to the rows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from storage.records.results import StoredResult
from tui.present.page import Page
from tui.present.text import visible


def title(result: StoredResult) -> str:
    """Check, column and slice, as ``completeness spend in region=EU``."""
    found = result.finding
    return " ".join(filter(None, (found.check, " in ".join(filter(None, (found.column, found.slice))))))


def heading(words: str, found: Sequence[StoredResult]) -> Text:
    """What the findings belong to, and how many lead to rows."""
    named = sum(bool(result.finding.evidence.get("rows_sql")) for result in found)
    text = Text(visible(words) + "\n", "bold", no_wrap=True, overflow="ellipsis")
    text.append(f"{len(found)} findings, {named} of them name their rows: enter shows them")
    return text


def cells(result: StoredResult) -> tuple[str | Text, ...]:
    """Tier, check, column, slice, rows: a dash where the finding is about no single rows."""
    found = result.finding
    rows = found.evidence.get("rows")
    told = f"{rows:,}" if isinstance(rows, int) and found.evidence.get("rows_sql") else "-"
    return (found.tier, found.check, found.column or "-", found.slice or "-", told)


def detail(result: StoredResult) -> Text:
    """The sentence, why it is checked, what to do."""
    page = Page()
    found = result.finding
    page.line(found.message, "bold")
    for key, label in (
        ("rationale", "why"),
        ("response", "do"),
        ("owner", "owner"),
        ("tuned", "check"),
        ("quiet", "not told"),
    ):
        if found.evidence.get(key):
            page.line(f"{label}: {found.evidence[key]}")
    if not found.evidence.get("rows_sql"):
        page.line("it is about a distribution: no single row failed it; 6 shows in which slices it moved")
    return page.text
