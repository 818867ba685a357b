"""Failure cases and evaluation sets as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from core.evaluation.case_lives import CaseLife
from storage.records.evaluation_sets import EvaluationSet, SetScore
from storage.records.failure_cases import FailureCase
from storage.tables.failure_cases import CaseEvent
from tui.present.moments import age
from tui.present.page import Page, Stamp, span
from tui.present.text import visible

if TYPE_CHECKING:
    from core.evaluation.age import SetAge

COLUMNS_SHOWN = 12


def case_cells(case: FailureCase, now: datetime) -> tuple[str | Text, ...]:
    """Row, model, verdict, expected, got, category, incident, age; what has a verdict is dimmed."""
    style = "" if case.verdict is None else "dim"
    words = (
        case.row_key,
        case.model,
        case.verdict or "waits",
        case.expected or "?",
        case.got or "-",
        case.category or "-",
        case.incident or "-",
        age(now - case.reported_at),
    )
    return tuple(Text(visible(word), style=style) for word in words)


def case_detail(life: CaseLife, events: Sequence[CaseEvent], stamp: Stamp) -> Text:
    """What was expected and given, how far the case has come, the whole row, what was said of it."""
    case, page = life.case, Page()
    expected = case.expected or "not known yet (f says it, or labels do)"
    page.line(f"expected {expected}; got {case.got or 'nothing'} from {case.version or 'an unknown version'}", "bold")
    page.line(f"reported {stamp(case.reported_at)} by {case.by}, found by {case.source} {case.source_ref or ''}")
    held = life.in_set
    page.line(f"in a set {f'{held[0]} {held[1]} after {span(life.to_set)}' if held else 'not yet: E freezes one'}")
    passed = f"{life.passed.version} ({life.passed.where}) after {span(life.to_pass)}" if life.passed else "none yet"
    page.line(f"first version that passes it: {passed}")
    if case.incident:
        page.line(f"incident {case.incident}")
    where = f"batch {case.batch_id}, line {case.line}" if case.batch_id else f"{case.path}, line {case.line}"
    page.head(f"row {case.row_key} ({where})")
    width = max((len(name) for name in case.payload), default=0)
    for name, value in case.payload.items():
        page.line(f"  {name:<{width}}  {'(missing)' if value is None else value}")
    page.lines(
        "answers of other versions",
        [f"{stamp(a.at)} {a.version}: {a.answer} {_right(a.passed)} ({a.where})" for a in life.answers],
        empty="none yet: a later log with this row, or midwatch sets score",
    )
    page.lines("said of it", [f"{stamp(e.at)} {e.by}: {e.kind} {e.value or ''} {e.note or ''}" for e in events])
    return page.text


def set_cells(found: EvaluationSet, score: SetScore | None, now: datetime) -> tuple[str | Text, ...]:
    """Name, version, model, purpose, items, age, last score, hash."""
    told = f"{score.version} {score.passed}/{found.items}" if score else "-"
    words = (
        found.name, str(found.version), found.model, found.purpose, f"{found.items:,}", age(now - found.at), told,
        found.sha256[:12],
    )  # fmt: skip
    return tuple(Text(visible(word)) for word in words)


def set_detail(
    told: SetAge, versions: Sequence[EvaluationSet], scores: Sequence[SetScore], wrong: Sequence[str], stamp: Stamp
) -> Text:
    """Whether it still is what was frozen, its age, how far it lies from live data, what versions scored."""
    found, page = told.set, Page()
    page.line(f"sha256 {found.sha256}")
    verdict = "; ".join(wrong) if wrong else "recomputed now: as frozen"
    page.line(verdict, "bold" if wrong else "")
    page.line(f"frozen {stamp(found.at)} by {found.by}{f': {found.note}' if found.note else ''}")
    fresh = None if told.recent is None else f"{told.recent:.0%} of {told.dated} rows of the last 30 days"
    oldest = f", {stamp(told.oldest)} to {stamp(told.newest)}" if told.oldest and told.newest else ""
    page.line(f"{fresh or 'no row has a time'}{oldest}")
    page.lines(
        f"distance to the newest {told.live} serving batches (PSI; over 0.25 is shifted)",
        [
            f"{c.column}: " + (f"too few values ({c.values})" if c.psi is None or c.noise is None else
                              f"{c.psi:.2f}{' FAR' if c.far else ''}, {c.noise:.2f} by sampling alone")
            for c in told.columns[:COLUMNS_SHOWN]
        ],
        empty="no column in common with live data",
    )  # fmt: skip
    page.lines(
        "scores",
        [
            f"{s.version}: {s.passed} of {found.items} passed, {s.failed} failed, {s.unknown} not known ({stamp(s.at)})"
            for s in reversed(scores)
        ],
        empty="none yet: midwatch sets score MODEL SET --scores FILE --version V",
    )
    page.lines(
        "versions", [f"{v.version}: {v.items:,} items, {v.sha256[:12]}, {stamp(v.at)} by {v.by}" for v in versions]
    )
    return page.text


def _right(passed: bool | None) -> str:
    return "can't be judged" if passed is None else "right" if passed else "wrong"
