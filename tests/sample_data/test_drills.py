"""Every drill is what it says: its rows carry the fault, and its truth can be found again in the feed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.incidents.taxonomy import parse_cause
from sample_data.drills import DRILLS, FURTHER_IDS, PLANTED_IDS, SEVERITIES, SHAPES, Drill, clean, drill

READERS = {"churn": "read_parquet", "eta": "read_csv", "desk": "read_json"}


class Drawn(dict[str, Drill]):
    """Every drill by its name, drawn when somebody first asks for it."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self.folders = folders

    def __missing__(self, name: str) -> Drill:
        self[name] = drill(self.folders.mktemp(name), name, rows=100)
        return self[name]


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Drill]:
    return Drawn(tmp_path_factory)


def ask(told: Drill, select: str, files: Any = None) -> Any:
    paths = [str(path) for path in (files or told.faulty)]
    with duckdb.connect() as db:
        return db.execute(f"SELECT {select} FROM {READERS[told.model.name]}(?)", [paths]).fetchone()


def test_nine_and_eight() -> None:
    assert (len(PLANTED_IDS), len(FURTHER_IDS), len(set(DRILLS))) == (9, 8, 17)


@pytest.mark.parametrize("name", DRILLS)
def test_the_truth_can_be_found_and_named(drills: dict[str, Drill], name: str) -> None:
    told = drills[name]
    truth = told.truth
    assert truth is not None
    assert [parse_cause(cause) for cause in truth.causes] == list(truth.causes)
    refs = [change.source_ref for change in told.changes]
    assert len(set(refs)) == len(refs) >= 4, "the cause stands among others"
    assert truth.source_ref is None or truth.source_ref in refs
    assert not (truth.source_ref and truth.version)
    live = [event.version for event in told.model.deployments if event.stage == "full"]
    assert truth.version is None or truth.version == live[-1]
    assert set(live) == {version.name for version in told.model.versions}
    assert truth.tempting
    assert truth.must_say
    assert told.rows > 0
    assert told.faulty
    assert all(path.is_file() for path in told.faulty)
    assert all(file.arrived <= told.now for file in told.arrivals())
    assert all(change.at <= told.now for change in told.changes)
    lines = [json.loads(line) for line in told.changes_file.read_text(encoding="utf-8").splitlines()]
    assert [line["source_ref"] for line in lines] == refs


@pytest.mark.parametrize("name", DRILLS)
def test_three_changes_lie_nearer_to_the_onset_than_the_cause(drills: dict[str, Drill], name: str) -> None:
    told = drills[name]
    assert told.truth is not None
    ref, version = told.truth.source_ref, told.truth.version
    at = [c.at for c in told.changes if ref and c.source_ref == ref]
    at += [d.at for d in told.model.deployments if version and (d.version, d.stage) == (version, "full")]
    begun = at[0] if at else told.since - timedelta(minutes=20)
    nearer = [c for c in told.changes if begun < c.at <= told.since - timedelta(minutes=2)]
    assert len(nearer) >= 3
    assert all(c.source_ref != ref for c in nearer)


def test_what_the_faulty_rows_carry(drills: dict[str, Drill]) -> None:
    def both(name: str, select: str) -> tuple[float, float]:
        told = drills[name]
        good = [file.path for file in told.model.serving[:12]]
        return float(ask(told, select)[0]), float(ask(told, select, good)[0])

    now, before = both("cents", "median(spend)")
    assert 80 < now / before < 120
    assert both("region-nulls", "avg((sessions IS NULL)::INT) FILTER (region = 'na')")[0] > 0.8
    assert both("region-nulls", "avg((sessions IS NULL)::INT) FILTER (region <> 'na')")[0] == 0
    assert both("imputed", "min(traffic_index)")[0] == -1
    now, before = both("bad-snapshot", "stddev(score)")
    assert now < before / 3
    now, before = both("leak", "avg((score < 0.02 OR score > 0.98)::INT)")
    assert now > 0.5 > 0.2 > before
    now, before = both("upstream-retrained", "avg(demand_pred)")
    assert now - before > 10
    now, before = both("threshold", "avg(offer)")
    assert now > 3 * before
    assert ask(drills["mixed-versions"], "count(DISTINCT host), count(DISTINCT model)")[:2] == (2, 2)
    assert ask(drills["frozen-feature"], "count(DISTINCT traffic_index)")[0] <= 1 + 8  # the golden rows repeat theirs
    now, before = both("broad-rule", "avg((final = 'person')::INT) FILTER (product = 'shoes')")
    assert now > 0.3 > 0.1 > before
    assert "Refund/Return" in drills["renamed-category"].faulty[0].read_text(encoding="utf-8")
    assert '"3,' in drills["decimal-comma"].faulty[0].read_text(encoding="utf-8")


def test_golden_rows_fail_only_where_rows_were_mixed(drills: dict[str, Drill]) -> None:
    for name, wrong in (("wrong-rows", True), ("imputed", False)):
        told = drills[name]
        assert told.golden is not None
        expected = {line["id"]: line for line in map(json.loads, told.golden.read_text(encoding="utf-8").splitlines())}
        with duckdb.connect() as db:
            sql = "SELECT trip_id, stops, eta_min FROM read_csv(?) WHERE trip_id LIKE 'golden-%'"
            rows = db.execute(sql, [str(told.model.serving[0].path)]).fetchall()
            bad = db.execute(sql, [str(told.faulty[-1])]).fetchall()
        assert len(rows) == len(bad) == len(expected) == 8
        assert all(expected[row]["features"]["stops"] == stops for row, stops, _ in rows)
        assert all(expected[row]["prediction"] == minutes for row, _, minutes in rows)
        assert any(expected[row]["features"]["stops"] != stops for row, stops, _ in bad) is wrong


def test_the_sample_of_a_leaky_version_knows_its_labels(drills: dict[str, Drill]) -> None:
    v7, v9 = drills["leak"].model.versions[-2:]
    offline = [json.loads(v.artifact("data").path.read_text(encoding="utf-8"))["offline"]["auc"] for v in (v7, v9)]
    assert offline[0] < 0.8 < 0.98 < offline[1]
    with duckdb.connect() as db:
        sql = "SELECT avg(((retention_calls > 0)::INT = churned)::INT) FROM read_parquet(?)"
        assert db.execute(sql, [str(v9.folder / "training.parquet")]).fetchone() == (1.0,)


def test_a_smaller_drill_hits_fewer_rows_or_moves_them_less(tmp_path: Path) -> None:
    rows = [drill(tmp_path / severity, "cents", severity=severity, rows=100).rows for severity in SEVERITIES]
    assert rows[0] < rows[1] < rows[2] == 400
    with pytest.raises(ValueError, match="severity"):
        drill(tmp_path, "cents", severity="huge", rows=100)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [drill(tmp_path / str(i), "imputed", seed=seed, rows=100) for i, seed in enumerate((5, 5, 6))]
    logs = [[file.path.read_bytes() for file in run.model.serving] for run in runs]
    assert logs[0] == logs[1] != logs[2]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_clean_run_has_changes_and_no_truth(tmp_path: Path, shape: str) -> None:
    told = clean(tmp_path, batches=40, shape=shape, rows=100)
    assert told.truth is None
    assert (told.rows, told.faulty) == (0, ())
    assert len(told.model.serving) == 40
    assert len(told.changes) >= 3
    assert {version for file in told.model.serving for version in file.versions} == {"v7", "v8"}
