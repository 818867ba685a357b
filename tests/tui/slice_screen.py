"""A frozen search for the pane Slices: a test decides what is found, and when."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from core.slices.page import SliceLine, SlicePage
from core.slices.request import SliceRequest
from storage.logs.predicates import pandas_text, predicate_sql, words
from storage.records.slices import Predicate

EU = Predicate("region", "=", "EU")
PRO = Predicate("plan", "=", "pro")
LATE = Predicate("sessions", "between", (6.0, 9.0))


def line(*predicates: Predicate, rows: int = 40, effect: float = 0.2, where: Sequence[Predicate] = ()) -> SliceLine:
    whole = (*where, *predicates)
    return SliceLine(
        predicates, words(whole), predicate_sql(whole), pandas_text(whole), rows, rows / 200, None, None, 0.31, 400,
        0.12, effect, (effect - 0.05, effect + 0.05), 0.0004, 0.45,
    )  # fmt: skip


def page(request: SliceRequest, *slices: SliceLine, **other: object) -> SlicePage:
    found = SlicePage(
        "error", "share of wrong answers", "labels are there", f"batch {request.batch}, 200 rows", "8 batches",
        200, 1600, 0, slices, 0.154, 0.121, bool(slices), request.ranking, True, 1234,
        ("region", "plan", "spend", "sessions"), (("request_id", "the id of the row"),), (),
    )  # fmt: skip
    return replace(found, **other)  # type: ignore[arg-type]


class Frozen:
    """Stands where the search stands; remembers what was asked.

    Attributes:
        gate: the last answer waits for it, so that a test can look at the first one.
        answer: makes the last answer.
    """

    def __init__(self) -> None:
        self.asked: list[SliceRequest] = []
        self.gate = threading.Event()
        self.gate.set()
        self.first: tuple[SliceLine, ...] = ()
        self.answer: Callable[[SliceRequest], SlicePage] = lambda request: page(
            request,
            *(
                line(*found, where=request.where, effect=effect)
                for found, effect in (((EU, PRO), 0.2), ((LATE,), 0.1))
                if not set(found) & set(request.where)
            ),
        )

    def __call__(
        self, db: sqlite3.Connection, question: SliceRequest, now: datetime, tell: Callable[[SlicePage], None]
    ) -> SlicePage:
        self.asked.append(question)
        tell(page(question, *self.first, exact=False))
        assert self.gate.wait(10)
        tell(page(question, *self.first, exact=False))
        return self.answer(question)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Frozen:
    found = Frozen()
    monkeypatch.setattr("tui.screens.slice_reads.search_in_steps", found)
    return found
