import sqlite3
from pathlib import Path

import pytest

from storage import db as store
from storage.migrations import STEPS
from tests.core.night import alert, at, put


def test_groups_of_an_older_store_know_with_which_alert_they_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before = tmp_path / "old.db", STEPS.index("m0021_storms")
    with monkeypatch.context() as earlier:
        earlier.setattr(store, "STEPS", STEPS[:before])
        earlier.setattr(store, "SCHEMA_VERSION", before)
        store.prepare(path)
        db = store.connect(path)
        db.execute("INSERT INTO models(name, registered_at) VALUES ('churn', 'x')")
        first = [alert(db, 1, None, n, group="came back") for n in range(3)]
        put(db, "alert_events", alert_id=first[2], kind="resolve", by="midwatch", at=at(4))
        again = [alert(db, 1, None, 60 + n, group="came back") for n in range(2)]
        lone = alert(db, 1, None, 70, group="lone")
        over = alert(db, 1, None, 80, group="over")
        put(db, "alert_events", alert_id=over, kind="resolve", by="midwatch", at=at(90))
        db.close()
    store.prepare(path)
    db = store.connect(path)
    rows = {r["group_key"]: r for r in db.execute("SELECT * FROM alert_groups")}
    assert {key: row["onset_id"] for key, row in rows.items()} == {"came back": again[0], "lone": lone, "over": over}
    assert {(row["storm_id"], row["leads"], row["leads_model"]) for row in rows.values()} == {(None, 1, 1)}
    back = alert(db, 1, None, 100, group="over")
    assert db.execute("SELECT onset_id FROM alert_groups WHERE group_key = 'over'").fetchone()[0] == back
    db.close()


def test_a_page_is_passed_on_once_a_round(db: sqlite3.Connection) -> None:
    from storage.tables import escalations

    db.execute("INSERT INTO models(name, registered_at) VALUES ('churn', 'x')")
    one = alert(db, 1, None, 0)
    made = [
        escalations.insert(db, subject="group:1:g1", since=at(0), number=n, alert_id=one, called="ada", now=at(30))
        for n in (1, 1, 2)
    ]
    assert [call is not None for call in made] == [True, False, True]
