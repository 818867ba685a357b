import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.ingest import Ingested, ingest
from storage.errors import SourceError, UsageError
from storage.records.models import Model
from storage.tables import alerts, audit, batches, results
from tests.conftest import ADA, NOW
from tests.rows import MODEL, write_log

Register = Callable[..., Model]


def take(db: sqlite3.Connection, model: Model, *paths: Path, role: str = "serving") -> list[Ingested]:
    return list(ingest(db, model, [str(p) for p in paths], role=role, actor=ADA, now=NOW))  # type: ignore[arg-type]


@pytest.fixture
def model(register: Register) -> Model:
    return register(MODEL)


@pytest.fixture
def seasoned(db: sqlite3.Connection, model: Model, tmp_path: Path) -> Model:
    take(db, model, *(write_log(tmp_path, number) for number in range(10)), role="reference")
    return model


def test_the_same_bytes_twice_are_one_batch(db: sqlite3.Connection, seasoned: Model, tmp_path: Path) -> None:
    path = write_log(tmp_path, 20)
    (first,) = take(db, seasoned, path)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    (second,) = take(db, seasoned, copy)
    assert (first.new, second.new, second.batch.id) == (True, False, first.batch.id)
    assert batches.count(db, model_id=seasoned.id) == 11
    assert second.score == pytest.approx(first.score)


def test_a_clean_batch_joins_the_baseline_and_a_faulty_one_does_not(
    db: sqlite3.Connection, seasoned: Model, tmp_path: Path
) -> None:
    (clean,) = take(db, seasoned, write_log(tmp_path, 20))
    assert clean.batch.admitted
    assert not [a for a in clean.alerts if a.tier in ("page", "ticket")]
    (faulty,) = take(db, seasoned, write_log(tmp_path, 21, spend=40_000.0))
    assert not faulty.batch.admitted
    loud = [a for a in faulty.alerts if a.tier in ("page", "ticket")]
    assert [a.columns[0] for a in loud] == ["spend"]
    assert faulty.score > clean.score


def test_the_first_file_has_nothing_to_be_compared_with_and_says_so(
    db: sqlite3.Connection, model: Model, tmp_path: Path
) -> None:
    (only,) = take(db, model, write_log(tmp_path, 0))
    assert only.alerts == ()
    assert only.not_checked


def test_rows_and_quarantined_lines_add_up(db: sqlite3.Connection, seasoned: Model, tmp_path: Path) -> None:
    path = write_log(tmp_path, 30)
    lines = path.read_text().splitlines()
    for number in (5, 50, 150):
        lines[number] = "broken"
    path.write_text("\n".join(lines) + "\n")
    (done,) = take(db, seasoned, path)
    assert (done.batch.rows, done.batch.quarantined) == (197, 3)
    assert [r.line for r in batches.rejects(db, done.batch.id)] == [6, 51, 151]


def test_everything_of_a_batch_is_stored_and_audited(db: sqlite3.Connection, seasoned: Model, tmp_path: Path) -> None:
    (done,) = take(db, seasoned, write_log(tmp_path, 21, spend=40_000.0))
    assert done.batch.version == "v41"
    assert sum(results.counts(db, done.batch.id).values()) > 10
    (alert, *_) = alerts.of_batch(db, done.batch.id)
    assert results.of_alert(db, alert.id)
    assert next(audit.recent(db, 1)).action == "batch.ingest"
    assert audit.verify(db).broken_at is None


def test_a_log_without_a_named_column_is_refused_with_the_nearest(
    db: sqlite3.Connection, seasoned: Model, tmp_path: Path
) -> None:
    path = write_log(tmp_path, 40)
    path.write_text(path.read_text().replace("score", "scores", 1))
    with pytest.raises(SourceError, match=r"'score', which the model file names; did you mean 'scores'"):
        take(db, seasoned, path)
    assert batches.count(db, model_id=seasoned.id) == 10


def test_one_bad_file_does_not_keep_the_others_out(db: sqlite3.Connection, seasoned: Model, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    good = write_log(tmp_path, 50)
    told: list[SourceError] = []
    done = list(ingest(db, seasoned, [str(empty), str(good)], actor=ADA, now=NOW, failed=told.append))
    assert [d.batch.path for d in done] == [str(good)]
    assert len(told) == 1
    assert "empty.csv" in str(told[0])


def test_lines_without_a_time_are_quarantined_and_a_log_without_any_is_refused(
    db: sqlite3.Connection, seasoned: Model, tmp_path: Path
) -> None:
    path = write_log(tmp_path, 51)
    lines = path.read_text().splitlines()
    half = [line.replace("2026-", "the year 2026-") if i % 2 else line for i, line in enumerate(lines)]
    path.write_text("\n".join(half) + "\n")
    (done,) = take(db, seasoned, path)
    assert (done.batch.rows, done.batch.quarantined) == (100, 100)
    path.write_text(path.read_text().replace("2026-", "the year 2026-"))
    with pytest.raises(SourceError, match="no line of the column 'ts' can be read as a time"):
        take(db, seasoned, path)


def test_a_stage_the_model_does_not_have_is_refused(db: sqlite3.Connection, seasoned: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no stage 'bogus'"):
        list(ingest(db, seasoned, [str(write_log(tmp_path, 52))], stage="bogus", actor=ADA, now=NOW))


def test_an_alert_that_only_the_reference_stands_behind_says_so(
    db: sqlite3.Connection, model: Model, tmp_path: Path
) -> None:
    take(db, model, write_log(tmp_path, 0), role="reference")
    (faulty,) = take(db, model, write_log(tmp_path, 21, spend=40_000.0))
    loud = [a for a in faulty.alerts if a.tier in ("page", "ticket")]
    assert loud
    assert all(a.title.endswith("(judged by the reference alone, 1 past batch)") for a in loud)
