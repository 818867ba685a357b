"""What is done with a slice by one key: into it, wider, by a column, sides, another signal, copied, kept, exported."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast, get_args

from core.slices.request import Signal, SliceRequest
from storage.errors import UsageError
from storage.logs.predicates import pandas_text, predicate_sql, words
from storage.records.slices import Predicate
from storage.tables import batches, models
from tui.present import slice_tables as tables
from tui.screens.dialogs import Choice

if TYPE_CHECKING:
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


def ranking(pane: SlicesPane) -> None:
    """Change against the reference, or the worst now; the same again where a search was stopped or failed."""
    question = pane.question
    if question is None:
        raise UsageError("nothing was searched yet", "name a model: : and its name")
    if pane.is_unanswered:
        pane.ask(question)
        return
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
        from tui.screens.bucket_cases import cases as cases_of_bucket

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


def differences(pane: SlicesPane) -> None:
    """Show the two marked slices side by side."""
    chosen = [pane.line(key) for key in pane.table.chosen()]
    if len(chosen) != 2 or chosen[0] is None or chosen[1] is None or pane.page is None:
        raise UsageError("two found slices are compared", "mark exactly two with space, then d")
    pane.beside = pane.table.key or "", tables.difference(chosen[0], chosen[1], pane.page)
    pane.detail.show("differences", pane.beside[1])


def why(pane: SlicesPane) -> None:
    """Ask why the model's batch is as it is."""
    from tui.screens.why import open_why

    if pane.question is None or pane.question.model is None:
        raise UsageError("there is no model to ask about", "choose one in Home, then 6")
    open_why(pane, pane.question.model, batch=pane.question.batch)
