"""Changes of checks that were proposed with a back-test, and what people answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    # change_json: the keys of a check that it sets. backtest_json: what it would have done to the history of that day.
    """
    CREATE TABLE tunings(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        check_name TEXT NOT NULL,
        column_name TEXT,
        change_json TEXT NOT NULL CHECK(json_valid(change_json)),
        backtest_json TEXT NOT NULL CHECK(json_valid(backtest_json)),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX tunings_by_model ON tunings(model_id, id)",
    # base_json: what the model file said of the check when the change was accepted; where it says something else by
    # now, it wins.
    """
    CREATE TABLE tuning_events(
        id INTEGER PRIMARY KEY,
        tuning_id INTEGER NOT NULL REFERENCES tunings,
        kind TEXT NOT NULL CHECK(kind IN ('accept', 'reject', 'revert')),
        reason TEXT NOT NULL CHECK(length(trim(reason)) > 0),
        base_json TEXT CHECK(base_json IS NULL OR json_valid(base_json)),
        backtest_json TEXT CHECK(backtest_json IS NULL OR json_valid(backtest_json)),
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        CHECK((kind = 'accept') = (base_json IS NOT NULL)),
        CHECK((kind = 'accept') = (backtest_json IS NOT NULL))
    )
    """,
    "CREATE INDEX tuning_events_by_tuning ON tuning_events(tuning_id, id)",
    *append_only("tunings"),
    *append_only("tuning_events"),
)


def apply(db: Database) -> None:
    """Create tunings and what became of them."""
    for statement in STATEMENTS:
        db.execute(statement)
