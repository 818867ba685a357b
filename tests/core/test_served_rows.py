"""Rows of a shadow beside those that users saw: checks, metrics and what is recorded are about the served ones."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.ingest import Ingested, ingest
from core.profiles import profile_log
from core.rows_behind import of_finding
from core.stats.packing import unpack
from core.validate import roles_of
from storage.logs.source import open_log
from storage.records.models import Model
from storage.records.results import MetricValue
from storage.tables import batches, looks, metrics, results
from tests.conftest import ADA, NOW
from tests.rows import MODEL, write_log

STAGES = """stage = "stage"
[labels]
minimum = 10
[[metrics]]
name = "accuracy"
slo = ">= 0.5"
[[stages]]
name = "shadow"
[[stages]]
name = "full"
"""


def staged(path: Path, *shadows: str, again: int = 0, only: bool = False) -> Path:
    """The rows of a file as of the stage ``full``, those of shadows behind them, and so many served ones twice."""
    head, *rows = path.read_text().splitlines()
    served = [f"{row},full" for row in rows]
    beside = [f"{row.replace(',v41', f',{version}')},shadow" for version in shadows for row in rows]
    wrong = [_other_label(row) for row in beside]
    path.write_text("\n".join([f"{head},stage", *([] if only else served), *wrong, *served[:again]]) + "\n")
    return path


def _other_label(row: str) -> str:
    cells = row.split(",")
    cells[7] = str(int(float(cells[6]) < 0.5))  # a shadow that is always wrong
    return ",".join(cells)


def take(db: sqlite3.Connection, model: Model, *paths: Path, role: str = "serving") -> list[Ingested]:
    return list(ingest(db, model, [str(path) for path in paths], role=role, actor=ADA, now=NOW))  # type: ignore[arg-type]


@pytest.fixture
def seasoned(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Model:
    model = register(MODEL + STAGES)
    take(db, model, *(staged(write_log(tmp_path, number)) for number in range(6)), role="reference")
    return model


def measured(db: sqlite3.Connection, batch_id: int) -> dict[str, MetricValue]:
    return {value.metric: replace(value, state=None) for value in metrics.current(db, batch_id)}


def test_a_batch_with_a_shadow_beside_it_says_what_it_says_without(
    db: sqlite3.Connection, seasoned: Model, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    (bare,) = take(db, seasoned, staged(write_log(tmp_path / "bare", 20)))
    # The same rows again would be a file sent twice: the second is to be judged by the same past as the first.
    batches.set_baseline(db, bare.batch.id, admit=False, reason="taken in twice", by="ada", now=NOW)
    (both,) = take(db, seasoned, staged(write_log(tmp_path, 20), "v42", "v43"))
    assert (both.batch.rows, both.batch.version, both.batch.stage, both.batch.admitted) == (600, "v41", "full", True)
    assert both.findings == bare.findings
    assert unpack(batches.profile(db, both.batch.id)) == unpack(batches.profile(db, bare.batch.id))
    assert measured(db, both.batch.id) == measured(db, bare.batch.id)
    coverage = batches.coverage(db, both.batch.id)
    assert coverage is not None
    assert (coverage.rows, coverage.labelled) == (200, 200)


def test_repeats_are_counted_and_shown_among_the_served_rows(
    db: sqlite3.Connection, seasoned: Model, tmp_path: Path
) -> None:
    (done,) = take(db, seasoned, staged(write_log(tmp_path, 20), "v42", again=30))
    [told] = [one for one in done.findings if one.check == "duplicates"]
    assert (told.value, told.evidence["rows"]) == (30 / 230, 60)
    [stored] = [r for r in results.of_batch(db, done.batch.id, status="fail") if r.finding.check == "duplicates"]
    behind = of_finding(db, stored)
    assert (behind.total, {row.values["stage"] for row in behind.rows}) == (60, {"full"})
    assert "not in (" in told.evidence["command"]


def test_an_id_that_two_versions_answered_is_no_repeat(tmp_path: Path, register: Callable[..., Model]) -> None:
    model = register(MODEL)
    path = write_log(tmp_path, 1)
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *rows, *(row.replace(",v41", ",v42") for row in rows), rows[0]]) + "\n")
    with open_log([path]) as source:
        assert profile_log(source, roles_of(model.file)).duplicates == 1


def test_rows_that_nobody_saw_are_measured_for_the_gate_and_judged_by_nothing_else(
    db: sqlite3.Connection, seasoned: Model, tmp_path: Path
) -> None:
    (alone,) = take(db, seasoned, staged(write_log(tmp_path, 20), "v42", only=True))
    assert (alone.batch.stage, alone.batch.admitted, alone.findings, alone.alerts) == ("shadow", False, (), ())
    assert [one.message for one in alone.not_checked] == ["no user saw these rows: the gate of their stage judges them"]
    assert measured(db, alone.batch.id)["accuracy"].value == 0.0
    assert looks.arms(db, seasoned.id) == {}
