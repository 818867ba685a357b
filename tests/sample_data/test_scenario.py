"""The scenario as a whole: the same twice, complete, in order, and refused for times that cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sample_data.records import Scenario
from sample_data.scenario import END, generate
from storage import model_file


def texts(directory: Path) -> dict[str, bytes]:
    """Every file but Parquet and those that name the directory."""
    skip = {".parquet", ".toml"}
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.suffix not in skip)
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def parquet(scenario: Scenario) -> list[tuple[object, ...]]:
    paths = sorted(str(path) for path in scenario.directory.rglob("*.parquet"))
    with duckdb.connect() as connection:
        return connection.execute(
            "SELECT * FROM read_parquet(?, union_by_name = true) ORDER BY request_id, labelled_at", [paths]
        ).fetchall()


def test_same_seed_same_files(scenario: Scenario, tmp_path: Path) -> None:
    again = generate(tmp_path, small=True)
    assert texts(again.directory) == texts(scenario.directory)
    assert repr(parquet(again)) == repr(parquet(scenario))


def test_another_seed_other_rows(scenario: Scenario, tmp_path: Path) -> None:
    other = generate(tmp_path, small=True, seed=8)
    assert other.model("eta").serving[0].path.read_bytes() != scenario.model("eta").serving[0].path.read_bytes()


def test_every_file_is_there_and_in_order(scenario: Scenario) -> None:
    arrivals = scenario.arrivals()
    assert 110 <= len(arrivals) <= 130
    assert len({file.path for _, file in arrivals}) == len(arrivals)
    for _, file in arrivals:
        assert file.path.is_file()
        assert file.window_start < file.window_end <= file.arrived <= scenario.end
    for model in scenario.models:
        for files in (model.reference, model.serving, model.labels):
            assert [file.arrived for file in files] == sorted(file.arrived for file in files)
        assert model.reference[-1].window_end <= model.serving[0].window_start
        assert all(file.path.is_file() and file.arrived > scenario.end for file in model.later)


def test_row_counts_are_those_of_the_files(scenario: Scenario) -> None:
    readers = {"churn": "read_parquet(?)", "eta": "read_csv(?)", "assistant": "read_json(?, ignore_errors = true)"}
    with duckdb.connect() as connection:
        for name, file in scenario.arrivals():
            if not file.bad_lines:
                counted = connection.execute(f"SELECT count(*) FROM {readers[name]}", [str(file.path)]).fetchone()
                assert counted == (file.rows,), file.path


def test_without_faults_nothing_but_the_faults_differs(scenario: Scenario, clean: Scenario) -> None:
    assert clean.faults == ()
    marked = {str(p.relative_to(scenario.directory)) for fault in scenario.faults for p in fault.files}
    before, after = texts(clean.directory), texts(scenario.directory)
    logs = {name for name in after if name.startswith("logs/")}
    assert {name for name in logs if before[name] != after[name]} == {n for n in marked if not n.endswith(".parquet")}


def test_model_files_are_complete(scenario: Scenario) -> None:
    for model in scenario.models:
        read, _, _ = model_file.read(model.model_file)
        assert read.name == model.name
        assert read.rollback is not None
        told = tomllib.loads(model.model_file.read_text(encoding="utf-8"))
        assert told["name"] == model.name
        assert {"time", "id", "prediction", "label", "version", "stage"} <= set(told["columns"])
        assert {"lag", "minimum"} == set(told["labels"])
        assert [metric["name"] for metric in told["metrics"] if metric.get("primary")]
        assert [metric["sql"] for metric in told["metrics"] if metric.get("kind") == "business"]
        assert told["rollback"]["path"] == str(model.pointer)
        assert told["rollback"]["fallback"] in {v.name for v in model.versions if v.role == "fallback"}
        assert Path(told["scoring"]["command"][0]).is_file()
        stages = [stage["name"] for stage in told["stages"]]
        assert {event.stage for event in model.deployments} <= set(stages)


def test_changes_and_rotation_read_back(scenario: Scenario) -> None:
    lines = [json.loads(line) for line in scenario.changes_file.read_text(encoding="utf-8").splitlines()]
    assert [line["subject"] for line in lines] == [change.subject for change in scenario.changes]
    assert all(datetime.fromisoformat(line["at"]) <= scenario.end for line in lines)
    layers = {"run", "pipeline", "component", "infrastructure", "data", "external"}
    assert {line["layer"] for line in lines} == layers
    rotation = tomllib.loads(scenario.rotation_file.read_text(encoding="utf-8"))
    on_watch = [turn.person for turn in scenario.watches if turn.starts <= scenario.end < turn.ends]
    assert scenario.watches[1].ends == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert on_watch == ["a.lindqvist"]
    assert scenario.watches[0].starts.date() == rotation["first"]
    assert rotation["people"] == [turn.person for turn in scenario.watches]


def test_incidents_are_closed_and_older_than_the_logs(scenario: Scenario) -> None:
    assert len(scenario.incidents) == 3
    for incident in scenario.incidents:
        times = (incident.opened_at, incident.acknowledged_at, incident.mitigated_at, incident.resolved_at)
        assert list(times) == sorted(times)
        assert times[-1] < scenario.start


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_moves_with_its_end(hour: int, tmp_path: Path) -> None:
    end = datetime(2027, 3, 3, hour, 20, tzinfo=UTC)
    moved = generate(tmp_path, small=True, end=end, days=20)
    assert moved.fault("churn-bad-snapshot").since == end - timedelta(minutes=50)
    assert len(moved.fault("churn-bad-snapshot").files) == 5
    assert [turn for turn in moved.watches if turn.starts <= end < turn.ends] == [moved.watches[1]]


@pytest.mark.parametrize(
    ("end", "days", "said"),
    [
        (END.replace(tzinfo=None), 30, "aware"),
        (END + timedelta(minutes=3), 30, "ten minutes"),
        (END, 19, "days"),
        (END, 366, "days"),
    ],
)
def test_refuses_what_cannot_be(end: datetime, days: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        generate(tmp_path, end=end, days=days)
    assert list(tmp_path.iterdir()) == []


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, sample_data.scenario; print({'numpy', 'duckdb', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
