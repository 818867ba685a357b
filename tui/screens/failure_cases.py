"""What ``e``, ``E`` and keeping a slice do, wherever rows are shown: one call each, asked in a dialog, told in a line.

``pane`` is any pane; everything is recorded through it, so that a read-only screen refuses.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from storage.errors import UsageError
from storage.records.alerts import Alert
from storage.records.evaluation_sets import Item, Purpose
from storage.records.failure_cases import CaseSource
from storage.records.kept_slices import SliceKind
from storage.records.slices import Predicate
from storage.tables import evaluation_sets, models, results
from tui.present.text import visible
from tui.screens.dialogs import Choice

if TYPE_CHECKING:
    from core.evaluation.failure_cases import Added
    from core.evaluation.sets import Cases, SetDraft
    from tui.widgets.pane import Pane

FEW, SOME, MANY = 10, 50, 1_000
NAME = "failures"
PURPOSES = [
    ("f", "failures", "failures: what the model got wrong"),
    ("s", "scenario", "scenario: a situation that must go well"),
    ("l", "slice", "slice: a group of rows that matters"),
    ("h", "holdout", "holdout: rows nobody trains on"),
]
KINDS = [
    ("u", "user", "user: watched like any other"),
    ("c", "critical", "critical: alarms louder, and gates must respect it"),
    ("s", "scenario", "scenario: gates ask for it by name"),
]


class Preview(Choice):
    """A choice below some lines that say what it is about."""

    def __init__(self, title: str, lines: Sequence[str], options: Sequence[tuple[str, str, str]]) -> None:
        super().__init__(title, options)
        self.lines = tuple(lines)

    def compose(self) -> ComposeResult:
        """The title, the lines, the options."""
        yield Static(Text(visible(self.question)), classes="sheet-title", markup=False)
        shown = [f"  {key}  {visible(words)}" for key, _, words in self.options]
        body = [*(visible(line) for line in self.lines), "", *shown, "", "  esc  leave"]
        yield Static(Text("\n".join(body)), classes="sheet-body", markup=False)


def add_cases_of_alert(pane: Pane, alert: Alert) -> None:
    """The failing rows of an alert become failure cases; asks how many."""
    named = [r.finding for r in results.of_alert(pane.db, alert.id) if r.finding.evidence.get("rows_sql")]
    if not named:
        raise UsageError(
            f"alert {alert.id} names no rows: it is about the batch as a whole", "6 shows where it moved; e there"
        )
    rows = [f.evidence["rows"] for f in named if isinstance(f.evidence.get("rows"), int)]
    total = max(rows, default=0) or None
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def work(limit: int) -> Callable[[sqlite3.Connection], Added]:
        from core.evaluation.failure_cases import add_from_alert

        return lambda db: add_from_alert(db, alert.id, limit=limit, actor=actor, now=now)

    _how_many(pane, f"alert {alert.id}", total, work)


def add_cases(
    pane: Pane,
    model: str,
    batch_id: int,
    condition: str,
    words: str,
    *,
    total: int | None = None,
    source: CaseSource = "slice",
    category: str | None = None,
) -> None:
    """The rows of a batch that fulfil an SQL condition over ``log`` become failure cases; asks how many."""
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def work(limit: int) -> Callable[[sqlite3.Connection], Added]:
        from core.evaluation.failure_cases import add_rows
        from storage.tables import batches

        return lambda db: add_rows(
            db, models.get(db, model), batches.get(db, batch_id), condition, limit=limit, source=source,
            source_ref=words, category=category, failures_first=source == "slice", right_too=source != "slice",
            actor=actor, now=now,
        )  # fmt: skip

    _how_many(pane, words, total, work)


def add_cases_by_id(pane: Pane, model: str, batch_id: int, ids: Sequence[str], words: str = "") -> None:
    """These rows of a batch become failure cases, at once: a person has chosen each."""
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def work(db: sqlite3.Connection) -> Added:
        from core.evaluation.failure_cases import add_by_id
        from storage.tables import batches

        return add_by_id(
            db, models.get(db, model), batches.get(db, batch_id), ids, source="by hand", source_ref=words or None,
            actor=actor, now=now,
        )  # fmt: skip

    pane.record("cases", work, lambda added: _said(pane, added))


Rows = Callable[[sqlite3.Connection], Sequence[Item]]
"""Reads rows that are frozen instead of failure cases."""


def freeze(
    pane: Pane, model: str, name: str = "", *, rows: Rows | None = None, cases: Sequence[int] | None = None
) -> None:
    """Freeze a set of a model from its failure cases: asks for the name, shows what goes in and the hash.

    Args:
        rows: reads the rows that are frozen instead of the failure cases.
        cases: the failure cases that go in; by default every one that was not rejected.
    """
    which: Cases = "none" if rows is not None else "open" if cases is None else cases
    registered = models.get(pane.db, model)
    known = evaluation_sets.listing(pane.db, registered.id)
    usual = name or next((s.name for s in known if s.purpose == "failures"), NAME)

    def named(line: str) -> None:
        chosen = line.strip()
        if evaluation_sets.find(pane.db, registered.id, chosen) is not None or not chosen:
            _preview(pane, model, chosen, None, which, rows)
            return
        sheet = Choice(f"{chosen} is new. What is it for?", PURPOSES)
        pane.shell.open_sheet(sheet, lambda p: pane.shell.call_later(_preview, pane, model, chosen, p, which, rows))

    pane.shell.ask("evaluation set to freeze: ", named, value=usual)


def keep_slice(pane: Pane, model: str, predicates: Sequence[Predicate]) -> None:
    """Keep a slice with a name: asks for the name and the kind; it is watched on every batch from then on."""
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def named(line: str) -> None:
        name = line.strip()
        sheet = Choice(f"Keep {name or 'the slice'}: of what kind?", KINDS)
        pane.shell.open_sheet(sheet, lambda kind: keep(name, kind))

    def keep(name: str, kind: str) -> None:
        tell = pane.progress()

        def work(db: sqlite3.Connection) -> str:
            from core.kept.slices import keep as keep_it

            kept = keep_it(
                db, models.get(db, model), name, predicates, kind=cast("SliceKind", kind), tell=tell, actor=actor,
                now=now,
            )  # fmt: skip
            missed = f", {len(kept.failures)} could not be read" if kept.failures else ""
            return f"{name} is kept and watched on every batch; read in {kept.read} batches of the past{missed}"

        pane.record("keep", work, pane.shell.say)

    pane.shell.ask("keep this slice as: ", named)


def _how_many(
    pane: Pane, words: str, total: int | None, work: Callable[[int], Callable[[sqlite3.Connection], Added]]
) -> None:
    shown = [
        (key, str(n), f"the first {n:,} rows")
        for key, n in (("1", FEW), ("5", SOME), ("m", MANY))
        if total is None or n < total
    ]
    if total is not None and total <= MANY:
        shown.append(("a", str(total), f"all {total:,} rows"))
    many = f"{total:,} rows" if total is not None else "rows"
    title = f"{many} of {words}: how many become failure cases?"
    sheet = Choice(title, shown)
    pane.shell.open_sheet(sheet, lambda n: pane.record("cases", work(int(n)), lambda added: _said(pane, added)))


def _said(pane: Pane, added: Added) -> None:
    known = f", {added.known} were cases already" if added.known else ""
    right = f", {added.right} the model had right" if added.right else ""
    right += f", {added.left_out} left out: the model had them right" if added.left_out else ""
    pane.shell.say(f"{len(added.cases)} failure cases added{known}{right}; :cases shows them, E freezes a set")


def _preview(pane: Pane, model: str, name: str, purpose: str | None, which: Cases, rows: Rows | None) -> None:
    def work(db: sqlite3.Connection) -> SetDraft:
        from core.evaluation.sets import draft

        wanted, given = cast("Purpose | None", purpose), () if rows is None else rows(db)
        return draft(db, models.get(db, model), name, purpose=wanted, cases=which, rows=given)

    pane.read("freeze", work, lambda planned: _show(pane, model, planned, which, rows))


def _taken(which: Cases) -> str:
    """Which rows go in, in words."""
    known = {"none": "these rows", "open": "every case that is not rejected, judged or not; space marks some",
             "accepted": "the accepted cases"}  # fmt: skip
    return known[which] if isinstance(which, str) else f"the {len(which)} marked cases"


def _show(pane: Pane, model: str, planned: SetDraft, which: Cases, rows: Rows | None) -> None:
    if planned.unchanged:
        pane.shell.say(f"{planned.name} version {planned.version - 1} has this very content: nothing to freeze")
        return
    before = planned.before
    lines = [
        f"model    {model}",
        f"purpose  {planned.purpose}",
        f"takes    {_taken(which)}{'' if before is None else '; what the version before has stays'}",
        f"items    {len(planned.items):,}: {planned.new:,} new, {planned.dropped:,} of the version before are gone",
        f"sha256   {planned.sha256[:32]}",
        f"         {planned.sha256[32:]}",
        "before   nothing" if before is None else f"before   version {before.version}, {before.items:,} items",
    ]
    if planned.left_out:
        lines.append(f"left out {len(planned.left_out)} cases without a right answer yet")
    sheet = Preview(
        f"Freeze {planned.name} version {planned.version}",
        lines,
        [("y", planned.sha256, "freeze it: it never changes afterwards")],
    )
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def freeze_it(expected: str) -> None:
        def work(db: sqlite3.Connection) -> str:
            from core.evaluation.sets import freeze as freeze_set

            given = () if rows is None else rows(db)
            frozen = freeze_set(
                db, models.get(db, model), planned.name, purpose=planned.purpose, rows=given, expect=expected,
                cases=which, actor=actor, now=now,
            )  # fmt: skip
            return f"{frozen.set.name} version {frozen.set.version} is frozen: {frozen.set.items} items; :sets shows it"

        pane.record("freeze", work, pane.shell.say)

    pane.shell.open_sheet(sheet, freeze_it)
