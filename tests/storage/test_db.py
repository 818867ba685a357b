import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from storage import db as store
from storage.errors import RefusedError, StoreError
from storage.migrations import SCHEMA_VERSION

FACTS = [
    "audit_log", "models", "model_files", "versions", "deployments", "batches", "quarantine", "profiles", "readings",
    "baseline_events", "label_files", "label_joins", "label_coverage", "check_results", "metric_values", "alerts",
    "alert_findings", "alert_events", "alert_feedback", "silences", "silence_ends", "incidents", "incident_events",
    "changes", "handovers", "handover_acceptances", "rollbacks", "rollback_events", "change_details", "environments",
    "kept_slices", "kept_slice_retirements", "kept_slice_rows", "kept_slice_metrics", "failure_cases",
    "failure_case_events", "failure_case_answers", "evaluation_items", "evaluation_sets", "evaluation_set_items",
    "evaluation_scores", "evaluation_answers", "rollouts", "rollout_events", "gate_decisions", "gate_looks",
    "batch_arms", "gate_answers", "gate_approvals", "gate_overrides", "gate_override_reviews", "gate_armings",
    "gate_decision_bases", "promotions", "promotion_events", "evaluations", "imported_metrics", "primary_metrics",
    "gate_waits", "experiments", "experiment_results", "experiment_events", "experiment_limits", "defect_tags",
    "condition_readings", "floor_readings", "missed", "tunings", "tuning_events", "worth_fits", "alert_worth",
    "storms", "storm_members", "storm_answers", "escalations", "estimate_lessons", "estimates",
]  # fmt: skip


def test_every_table_of_facts_refuses_update_and_delete(db: sqlite3.Connection) -> None:
    triggers = {row["name"] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
    tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {t for t in tables if not t.startswith(("_", "sqlite_"))} == {*FACTS, "alert_groups"}
    assert {f"{t}_no_update" for t in FACTS} | {f"{t}_no_delete" for t in FACTS} <= triggers


def test_insert_or_replace_does_not_walk_past_the_triggers(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO models(id, name, registered_at) VALUES (1, 'churn', 'x')")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("INSERT OR REPLACE INTO models(id, name, registered_at) VALUES (1, 'eta', 'y')")
    assert db.execute("SELECT name FROM models").fetchone()["name"] == "churn"


def test_prepare_twice_changes_nothing(store_file: Path) -> None:
    before = store_file.read_bytes()
    store.prepare(store_file)
    assert store_file.read_bytes() == before


def test_first_runs_at_once_all_end_with_the_current_schema(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    code = f"from pathlib import Path; from storage.db import prepare; prepare(Path({str(path)!r}))"
    racers = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    errors = [racer.communicate()[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0], errors
    db = store.connect(path)
    assert db.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()[0] == SCHEMA_VERSION
    db.close()


def test_an_older_store_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    with monkeypatch.context() as earlier:
        earlier.setattr(store, "STEPS", store.STEPS[:2])
        earlier.setattr(store, "SCHEMA_VERSION", 2)
        store.prepare(path)
        db = store.connect(path)
        db.execute("INSERT INTO models(name, registered_at) VALUES ('churn', 'x')")
        db.close()
    with pytest.raises(StoreError, match="schema 2"):
        store.connect(path)
    store.prepare(path)
    db = store.connect(path)
    assert db.execute("SELECT name FROM models").fetchone()["name"] == "churn"
    db.close()


def test_a_store_of_the_last_release_keeps_its_rows_and_takes_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.db"
    with monkeypatch.context() as earlier:
        earlier.setattr(store, "STEPS", store.STEPS[:7])
        earlier.setattr(store, "SCHEMA_VERSION", 7)
        store.prepare(path)
        db = store.connect(path)
        db.execute("INSERT INTO models(name, registered_at) VALUES ('churn', 'x')")
        columns = "model_id, path, sha256, rows, quarantined, arrived_at"
        db.execute(f"INSERT INTO label_files({columns}) VALUES (1, 'p', 'h', 1, 0, 'x')")
        before = list(db.iterdump())
        db.close()
    store.prepare(path)
    db = store.connect(path)
    after = set(db.iterdump())
    rows = [line for line in before if line.startswith("INSERT INTO") and "_sqlite_" not in line]
    assert len(rows) == 2
    assert set(rows) <= after
    columns = "model_id, row_key, payload_json, source, reported_at, by, at"
    case = f"INSERT INTO failure_cases({columns}) VALUES (1, 'r', '{{}}', 'by hand', 'x', 'x', 'x')"
    db.execute(case)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        db.execute(case)
    assert not db.execute("PRAGMA foreign_key_check").fetchall()
    db.close()


def test_a_newer_store_is_left_alone(store_file: Path) -> None:
    raw = sqlite3.connect(store_file)
    raw.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    raw.close()
    for attempt in (store.prepare, store.connect):
        with pytest.raises(StoreError, match="newer midwatch"):
            attempt(store_file)


def test_strangers_are_not_taken_for_stores(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    raw = sqlite3.connect(foreign)
    raw.execute("CREATE TABLE t(x)")
    raw.close()
    text = tmp_path / "text.db"
    text.write_text("not a database, " * 100)
    for path, words in ((foreign, "another program"), (text, "not a midwatch store"), (tmp_path, "directory")):
        with pytest.raises(StoreError, match=words):
            store.prepare(path)


def test_no_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="midwatch init"):
        store.connect(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_read_only_refuses_in_sqlite_itself(store_file: Path) -> None:
    db = store.connect(store_file, read_only=True)
    with pytest.raises(RefusedError, match="read-only"), store.transaction(db):
        db.execute("INSERT INTO models(name, registered_at) VALUES ('churn', 'x')")
    with pytest.raises(sqlite3.OperationalError):
        db.execute("INSERT INTO models(name, registered_at) VALUES ('churn', 'x')")
    db.close()


def test_a_failing_transaction_leaves_nothing(db: sqlite3.Connection) -> None:
    with pytest.raises(RuntimeError), store.transaction(db):  # noqa: PT012
        db.execute("INSERT INTO models(name, registered_at) VALUES ('churn', 'x')")
        with store.transaction(db):
            raise RuntimeError
    assert db.execute("SELECT count(*) FROM models").fetchone()[0] == 0


def test_a_path_with_question_marks_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=ro#x%20.db"
    store.prepare(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
