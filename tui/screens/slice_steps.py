"""What is done with a slice by one key: into it, wider, by a column, sides, another signal, copied, kept, exported."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast, get_args

from core.slices.request import Signal, SliceRequest
from storage.errors import UsageError
from storage.logs.predicates import pandas_text, predicate_sql, words
from storage.records.slices import Predicate
from storage.tables import batches, models
from tui.screens.dialogs import Choice

if TYPE_CHECKING:
    from core.slices.compare import Kind
    from tui.screens.slices import SlicesPane

_SIGNAL_WORDS = {
    "error": "error: wrong answers, or the absolute error",
    "loss": "loss: log loss, or the squared error",
    "disagreement": "disagreement of two versions on the same requests",
    "shift": "shift: the prediction itself against the reference",
    "missing": "missing: share of empty features",
    "latency": "latency in milliseconds",
    "value": "value: the business metric",
}


def languages(conditions: Sequence[Predicate]) -> tuple[tuple[str, str, str], ...]:
    """The rows in words, SQL and pandas."""
    return (
        ("w", words(conditions), "words"),
        ("s", f"SELECT * FROM log WHERE {predicate_sql(conditions)}", "SQL"),
        ("p", pandas_text(conditions), "pandas"),
    )


def narrow(pane: SlicesPane, conditions: Sequence[Predicate]) -> None:
    """Search inside."""
    question = pane.question
    if question is None or tuple(dict.fromkeys(conditions)) == question.where:
        raise UsageError("these are all rows of the question already", "move to a slice, or b splits by a column")
    while pane.lift():
        pass
    pane.ask(replace(question, where=tuple(dict.fromkeys(conditions))), keep=True)


def widen(pane: SlicesPane) -> None:
    """Drop one condition and search what is left; asks which when there are several."""
    conditions, question = pane.conditions(), pane.question
    assert question is not None  # noqa: S101 - conditions() refuses that
    if len(conditions) == 1 and not question.where:
        raise UsageError("the slice has one condition: without it these are all rows", "the last line stands for them")
    if not conditions:
        raise UsageError("all rows have no condition to drop", "move to a slice")

    def drop(place: str) -> None:
        left = tuple(p for number, p in enumerate(conditions) if number != int(place))
        pane.ask(replace(question, where=left), keep=True)

    if len(conditions) == 1:
        drop("0")
        return
    options = [(str(n + 1), str(n), f"without {words([p])}") for n, p in enumerate(conditions[:9])]
    pane.shell.open_sheet(Choice("Drop which condition?", options), drop)


def split(pane: SlicesPane, inside: SliceRequest) -> None:
    """The list of columns to split by."""
    from tui.screens.slice_lists import ColumnsLevel

    page = pane.page
    names = list(page.columns) if page is not None else []
    taken = {p.column for p in inside.where if p.op == "="}
    if page is None:
        raise UsageError("there is nothing to split yet", "wait for the search")
    free = [name for name in names if name not in taken]
    pane.lay(ColumnsLevel(pane, inside, free))


def compare(pane: SlicesPane, inside: SliceRequest) -> None:
    """Ask between which sides."""
    from tui.screens.slice_lists import SidesLevel

    options = [
        ("w", "windows", "windows: this one and the reference"),
        ("v", "versions", "versions"),
        ("s", "stages", "stages"),
        ("h", "hosts", "hosts"),
    ]

    def chosen(kind: str) -> None:
        SidesLevel(pane, inside, cast("Kind", kind)).begin()

    pane.shell.open_sheet(Choice(f"Compare {words(inside.where)} between", options), chosen)


def ranking(pane: SlicesPane) -> None:
    """Change against the reference, or the worst now."""
    question = pane.question
    if question is None:
        raise UsageError("nothing was searched yet", "name a model: : and its name")
    pane.ask(replace(question, ranking="absolute" if question.ranking == "change" else "change"), keep=True)


def signal(pane: SlicesPane) -> None:
    """Ask what is measured per row."""
    question = pane.question
    if question is None:
        raise UsageError("nothing was searched yet", "name a model: : and its name")
    options = [("enter", "", "the first that there is, as at the start")]
    options += [(key, name, _SIGNAL_WORDS[name]) for key, name in zip("eldsmtv", get_args(Signal), strict=True)]

    def chosen(name: str) -> None:
        pane.ask(replace(question, signal=cast("Signal | None", name or None)), keep=True)

    pane.shell.open_sheet(Choice("Measure what on each row?", options), chosen)


def keep(pane: SlicesPane, conditions: Sequence[Predicate]) -> None:
    """Keep a slice with a name and a kind."""
    from tui.screens.failure_cases import keep_slice

    if not conditions or pane.question is None:
        raise UsageError("all rows are no slice to keep", "move to a slice")
    keep_slice(pane, pane.question.model or "", conditions)


def cases(pane: SlicesPane, inside: SliceRequest) -> None:
    """The rows of a slice become failure cases; the batch they are of is looked up first."""
    if inside.bucket is not None:
        from tui.screens.slice_buckets import cases as cases_of_bucket

        cases_of_bucket(pane, inside)
        return
    from tui.screens.failure_cases import add_cases

    now, model = pane.shell.now(), inside.model or ""

    def find(db: sqlite3.Connection) -> tuple[int, int]:
        from core.slices.rows import rows

        found = rows(db, inside, now=now, limit=1)
        batch = batches.at_path(db, models.get(db, model).id, found.rows[0].path) if found.rows else None
        if batch is None:
            raise UsageError("these rows are of no batch in the store", "take them in first: midwatch ingest")
        return batch.id, found.total

    def ask(found: tuple[int, int]) -> None:
        batch_id, total = found
        add_cases(pane, model, batch_id, predicate_sql(inside.where), words(inside.where), total=total)

    pane.read("rows of cases", find, ask)


def freeze(pane: SlicesPane) -> None:
    """Freeze an evaluation set of the model that is searched."""
    from tui.screens.failure_cases import freeze as freeze_set

    if pane.question is None:
        raise UsageError("nothing was searched yet", "name a model: : and its name")
    freeze_set(pane, pane.question.model or "")


def export(pane: SlicesPane, the_list: Callable[[], None]) -> None:
    """Ask: the list of slices, or the rows of the one under the cursor."""
    inside = pane.within()

    def chosen(what: str) -> None:
        if what == "list":
            the_list()
            return
        from tui.screens.slice_lists import row_level

        row_level(pane, inside, pane.page).do_export()

    options = [("l", "list", "the list of slices"), ("r", "rows", f"the rows of: {words(inside.where)}")]
    pane.shell.open_sheet(Choice("Export what, as CSV? Values of redacted columns are masked", options), chosen)
