import sqlite3
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from storage import db as store
from storage.tables import audit
from tests.conftest import ADA, NOW


def fill(db: sqlite3.Connection, count: int = 5) -> None:
    for i in range(count):
        audit.record(db, "alert.ack", actor=ADA, now=NOW + timedelta(seconds=i), object_kind="alert", object_id=i)


def test_an_untouched_chain_verifies(db: sqlite3.Connection) -> None:
    fill(db)
    verdict = audit.verify(db)
    assert (verdict.entries, verdict.broken_at) == (5, None)
    assert verdict.head == next(audit.recent(db, 1)).hash


def test_an_empty_chain_verifies(db: sqlite3.Connection) -> None:
    assert audit.verify(db) == audit.AuditVerdict(0, audit.GENESIS)


def test_the_log_itself_refuses_changes_and_forks(db: sqlite3.Connection) -> None:
    fill(db)
    for statement in ("UPDATE audit_log SET actor = 'eve' WHERE id = 3", "DELETE FROM audit_log WHERE id = 5"):
        try:
            db.execute(statement)
        except sqlite3.IntegrityError as error:
            assert "append-only" in str(error)  # noqa: PT017
        else:
            raise AssertionError(statement)


@settings(max_examples=30, deadline=None)
@given(entry=st.integers(1, 5), column=st.sampled_from(["at", "actor", "host", "tty", "action", "object_id"]))
def test_any_changed_field_is_found(entry: int, column: str) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    from storage.migrations.m0001_people import STATEMENTS

    db.execute(STATEMENTS[0])
    fill(db)
    db.execute(f"UPDATE audit_log SET {column} = {column} || 'x' WHERE id = ?", (entry,))
    assert audit.verify(db).broken_at == entry
    db.close()


def test_a_removed_entry_is_found(store_file) -> None:  # type: ignore[no-untyped-def]
    db = store.connect(store_file)
    fill(db)
    db.execute("DROP TRIGGER audit_log_no_delete")
    db.execute("DELETE FROM audit_log WHERE id = 2")
    assert audit.verify(db).broken_at == 3
    db.close()
