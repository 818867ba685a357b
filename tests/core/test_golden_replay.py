"""Drills through the real ingest: a row-level join error without labels, a leak, and scorers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from core.evaluation import sets
from core.evaluation.golden_replay import replay
from core.ingest import Ingested, ingest
from core.versions import Sources, add
from sample_data.drills import Drill, drill
from storage import db as store
from storage import model_file, scoring
from storage.errors import ActuatorError, SourceError
from storage.logs.source import open_log
from storage.records.evaluation_sets import Item
from storage.records.models import Model
from storage.tables import models
from storage.training_data import read
from tests.conftest import ADA, NOW

ROWS = 120


class Night:
    """A drill in a store of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.drill: Drill = drill(folder, name, rows=ROWS)
        store.prepare(folder / "midwatch.db")
        self.db = store.connect(folder / "midwatch.db")
        told = self.drill.model
        _, text, sha256 = model_file.read(told.model_file)
        models.register(
            self.db, told.name, path=str(told.model_file), text=text, sha256=sha256, actor=ADA, now=self.drill.now
        )
        self.model: Model = models.get(self.db, told.name)
        for version in told.versions:
            given = Sources(data=version.artifact("data").path, schema=version.schema_file)
            add(self.db, self.model, version.name, given, actor=ADA, now=NOW)

    def take_in(self, paths: list[Path], role: Any = "serving") -> list[Ingested]:
        return list(ingest(self.db, self.model, list(map(str, paths)), role=role, actor=ADA, now=self.drill.now))

    def freeze(self) -> None:
        assert self.drill.golden is not None
        lines = [json.loads(line) for line in self.drill.golden.read_text(encoding="utf-8").splitlines()]
        rows = [Item(line["id"], line["features"], None, line["prediction"]) for line in lines]
        sets.freeze(self.db, self.model, "core", purpose="golden", cases="none", rows=rows, actor=ADA, now=NOW)


def test_rows_joined_to_the_wrong_features_are_told_without_labels(tmp_path: Path) -> None:
    night = Night(tmp_path, "wrong-rows")
    night.freeze()
    night.take_in([file.path for file in night.drill.model.reference], "reference")
    good, bad = night.take_in([night.drill.model.serving[0].path, night.drill.faulty[0]])
    assert not [f for f in good.findings if f.check == "golden_rows"]
    told = [f for f in bad.findings if f.check == "golden_rows"]
    assert [f.tier for f in told] == ["ticket"]
    assert {"stops", "distance_km", "demand_pred"} == set(told[0].evidence["columns"])
    assert told[0].evidence["rows"] == 8
    night.db.close()


def test_the_scorer_answers_where_the_log_holds_no_golden_row(tmp_path: Path) -> None:
    night = Night(tmp_path, "imputed")
    night.freeze()
    labels = night.drill.model.labels[0].path
    with open_log(str(labels)) as source:
        told = replay(night.db, night.model, source, "v7")
        assert not isinstance(told, str)
        assert [(answer.present, answer.told) for answer in told] == [(False, answer.expected) for answer in told]
        with pytest.raises(ActuatorError, match="exit code"):
            replay(night.db, night.model, source, "v404")
    night.db.close()


def test_a_leak_is_told_of_the_version_that_learned_it_only(tmp_path: Path) -> None:
    night = Night(tmp_path, "leak")
    night.take_in([file.path for file in night.drill.model.reference], "reference")
    good, bad = night.take_in([night.drill.model.serving[0].path, night.drill.faulty[0]])
    told = [f for f in (*good.findings, *bad.findings) if f.check in ("leakage", "thin_training")]
    assert [(f.check, f.column, f.tier) for f in told] == [("leakage", "retention_calls", "ticket")]
    assert "v9" in told[0].message
    night.db.close()


def scorer(text: str) -> dict[str, object]:
    return {"command": [sys.executable, "-c", text, "{version}"], "timeout": "5s"}


def test_what_a_scorer_may_answer() -> None:
    rows = [{"x": 1}, {"x": 2}]
    echo = "import sys, json\nfor l in sys.stdin: print(json.dumps({'prediction': json.loads(l)['x'] / 2}))"
    assert scoring.score(scorer(echo), rows, version="v1") == (0.5, 1.0)
    plain = "print('0.25'); print('null')"
    assert scoring.score(scorer(plain), rows, version="v1") == (0.25, None)
    for text, told in (("print(1)", "1 answers to 2 rows"), ("print('a'); print('b')", "not JSON"), ("1/0", "code 1")):
        with pytest.raises(ActuatorError, match=told):
            scoring.score(scorer(text), rows, version="v1")
    slow = {**scorer("import time; time.sleep(60)"), "timeout": "1s"}
    with pytest.raises(ActuatorError, match="no answer in 1 s"):
        scoring.score(slow, rows, version="v1")
    with pytest.raises(ActuatorError, match="can't be run"):
        scoring.score({"command": ["/nowhere/score"]}, rows, version="v1")
    with pytest.raises(ActuatorError, match="can't be reached"):
        scoring.score({"url": "http://127.0.0.1:9/{version}"}, rows, version="v1")
    with pytest.raises(ActuatorError, match="neither"):
        scoring.score({}, rows, version="v1")


def test_what_the_data_of_a_version_may_tell(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    assert read(data).offline == {}
    data.write_text('{"rows": 3}')
    assert read(data).rows is None
    data.write_text('{"sample": "gone.csv", "offline": {"auc": 0.7, "note": "x", "ok": true}}')
    assert (read(data).rows, read(data).offline) == (None, {"auc": 0.7})
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    assert read(tmp_path / "train.csv").rows == tmp_path / "train.csv"
    for bad in ('{"sample": 3}', '{"offline": 3}', "{"):
        data.write_text(bad)
        with pytest.raises(SourceError):
            read(data)
