"""A change as a person reads it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from storage.records.changes import OBSERVER, Change, Details, Difference
from tui.present.page import Page, Stamp, short
from tui.present.text import visible

SHORT_LAYER = {"infrastructure": "infra"}
"""A layer's word in the list, where its own is too long."""

LINES_SHOWN = 200

DIFFED = 400
"""Lines of a value that are compared: comparing costs their square."""


def cells(change: Change, stamp: Stamp) -> tuple[str | Text, ...]:
    """Moment, layer, kind, subject, model, size, reviewed by, by whom; one that nobody reviewed is marked and bold."""
    words = (
        short(stamp(change.at)),
        SHORT_LAYER.get(change.layer, change.layer),
        change.kind,
        change.subject,
        change.model or "(all)",
        size(change),
        "NO" if change.unreviewed else change.reviewed_by or "-",
        change.by or "-",
    )
    return tuple(Text(visible(word), style="bold" if change.unreviewed or change.large else "") for word in words)


def size(change: Change) -> str:
    """How much was altered: ``!`` marks a large change, ``+`` parts beside the counted keys that differ as a whole."""
    if change.size is None:
        return "+" if change.also else "-"
    return f"{'!' if change.large else ''}{change.size}{'+' if change.also else ''}"


def detail(change: Change, stamp: Stamp, details: Details | None = None, related: Sequence[str] = ()) -> Text:
    """All of it: what was before and after, line by line, and what it altered, key by key."""
    page = Page()
    page.line(change.subject, "bold")
    page.line(f"{change.layer} {change.kind} of {change.model or 'every model'}  {stamp(change.at)}")
    page.line(f"by {change.by or 'nobody named'}  {_review(change)}{_size(change)}")
    rows = ", ".join((change.reference, *related))
    page.line(f"source {change.source}  {'rows' if related else 'row'} {rows}", "dim")
    if details is not None:
        put_details(page, details)
    if _short(change.before) and _short(change.after):
        page.head("before -> after")
        page.line(f"  {change.before or 'not told'} -> {change.after or 'not told'}")
    elif change.before is not None and change.after is not None:
        _diff(page, change.before, change.after)
    else:
        _side(page, "before", "-", change.before)
        _side(page, "after", "+", change.after)
    return page.text


def put_details(page: Page, details: Details) -> None:
    """What differs, part by part: ``key: before -> after``, weights where they are ranked."""
    base = f", compared with {details.against}" if details.against else ""
    page.head(f"what it altered ({len(details.differences)}{base})")
    if not details.differences and not details.also:
        page.line("  no key differs")
    for part, group in groupby(details.differences, key=lambda d: d.part):
        listed = list(group)
        page.line(f" {part}")
        for d in listed[:LINES_SHOWN]:
            weight = "" if d.weight is None else f"{d.weight:>4g}  "
            page.line(f"  {weight}{_named(d)}")
        if len(listed) > LINES_SHOWN:
            page.line(f"  and {len(listed) - LINES_SHOWN} more: midwatch changes show --json", "dim")
    if details.also:
        page.line(f" ALSO DIFFERENT, as a whole: {', '.join(details.also)}", "bold")
    if details.unknown:
        page.line(f" not compared, a side lacks it: {', '.join(details.unknown)}")
    if details.hosts:
        page.line(f" seen on {', '.join(details.hosts)}")


def between(first: Change, second: Change, stamp: Stamp) -> Text:
    """Two changes beside each other, field by field, then the values of the older against those of the newer."""
    page = Page()
    page.line(f"A {first.reference} {stamp(first.at)} {first.subject}", "bold")
    page.line(f"B {second.reference} {stamp(second.at)} {second.subject}", "bold")
    for name in ("layer", "kind", "model", "by", "reviewed_by", "size", "source"):
        a, b = getattr(first, name), getattr(second, name)
        if a != b:
            page.line(f"  {name.replace('_', ' ')}: {'-' if a is None else a} -> {'-' if b is None else b}")
    for head, a, b in (("before", first.before, second.before), ("after", first.after, second.after)):
        if a == b:
            page.line(f"  {head}: the same" if a is not None else f"  {head}: not told")
        else:
            _diff(page, a or "", b or "", f"{head}: A -> B")
    return page.text


def _review(change: Change) -> str:
    if change.unreviewed:
        return "not reviewed by anybody"
    if change.reviewed_by:
        return f"reviewed by {change.reviewed_by}"
    return "seen by midwatch itself" if change.source == OBSERVER else "reviews are not recorded of it"


def _size(change: Change) -> str:
    if change.size is None:
        return ""
    return f"  size {change.size}{' keys' if change.in_keys else ''}{' LARGE' if change.large else ''}"


def _named(d: Difference) -> str:
    key = f"{d.key}: " if d.key else ""
    a, b = (_cut(d.part, value) for value in (d.before, d.after))
    if d.part == "file" and d.before and d.before.startswith("-"):
        return f"{d.key} {d.after} {d.before}"
    if d.before is None:
        return f"+ {key}{b}"
    return f"- {key}{a}" if d.after is None else f"  {key}{a} -> {b}"


def _cut(part: str, value: str | None) -> str:
    """A value for a line; of a hash its beginning."""
    told = value or ""
    return told[:12] if part in ("variable", "code") or (part == "file" and len(told) == 64) else told


def _short(value: str | None) -> bool:
    return value is None or ("\n" not in value and len(value) <= 60)


def _diff(page: Page, before: str, after: str, head: str = "before -> after, line by line") -> None:
    page.head(head)
    found = difflib.ndiff(before.splitlines()[:DIFFED], after.splitlines()[:DIFFED])
    lines = [line for line in found if not line.startswith("?")]
    for words in lines[:LINES_SHOWN]:
        page.line(words)
    if len(lines) > LINES_SHOWN:
        page.line(f"  and {len(lines) - LINES_SHOWN} more lines: x exports all of them", "dim")


def _side(page: Page, head: str, sign: str, value: str | None) -> None:
    page.head(head)
    if value is None:
        page.line("  not told", "dim")
        return
    told = value.splitlines()
    for words in told[:LINES_SHOWN]:
        page.line(f"{sign} {words}")
    if len(told) > LINES_SHOWN:
        page.line(f"  and {len(told) - LINES_SHOWN} more lines: x exports all of them", "dim")
