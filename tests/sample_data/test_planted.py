"""Each planted fault, counted straight from the files, without any code that is to find it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pytest

from sample_data.records import Scenario
from sample_data.scenario import generate, lose_artifacts


def read_csv(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return list(csv.DictReader(text.splitlines()))


def split_scores(rows: list[tuple[str, float, int]], version: str) -> tuple[list[int], list[float]]:
    chosen = [(label, score) for name, score, label in rows if name == version]
    return [label for label, _ in chosen], [score for _, score in chosen]


def test_churn_ranks_well_until_v42(churn_rows: list[tuple[str, float, int]]) -> None:
    from sklearn.metrics import roc_auc_score

    for version, low, high in (("v40", 0.70, 0.74), ("v41", 0.70, 0.74), ("v42", 0.45, 0.60)):
        labels, scores = split_scores(churn_rows, version)
        assert low < roc_auc_score(labels, scores) < high, version
        assert np.mean(labels) == pytest.approx(0.285, abs=0.015)


def test_v42_moves_the_mean_and_loses_confidence(churn_rows: list[tuple[str, float, int]]) -> None:
    v41, v42 = (np.asarray(split_scores(churn_rows, version)[1]) for version in ("v41", "v42"))
    assert v42.mean() - v41.mean() == pytest.approx(0.21, abs=0.02)
    assert np.maximum(v41, 1 - v41).mean() == pytest.approx(0.75, abs=0.015)
    assert np.maximum(v42, 1 - v42).mean() == pytest.approx(0.51, abs=0.01)


def test_inputs_are_still_when_v42_comes_and_move_in_the_storm(scenario: Scenario) -> None:
    storm = scenario.fault("churn-drift-storm")
    reference = [str(file.path) for file in scenario.model("churn").reference]
    assert len(storm.columns) == 32

    columns = [*storm.columns, "score"]
    sql = f"SELECT {', '.join(f'avg({c}), stddev({c})' for c in columns)} FROM read_parquet(?)"

    def moments(paths: list[str]) -> list[tuple[float, float]]:
        with duckdb.connect() as connection:
            (found,) = connection.execute(sql, [paths]).fetchall()
        return list(zip(found[::2], found[1::2], strict=True))

    then = moments(reference)

    def shifts(paths: tuple[Path, ...]) -> dict[str, float]:
        now = moments([str(path) for path in paths])
        return {c: (new - old) / spread for c, (new, _), (old, spread) in zip(columns, now, then, strict=True)}

    moved, still = shifts(storm.files), shifts(scenario.fault("churn-bad-snapshot").files)
    for column in storm.columns:
        assert moved[column] > 0.4, column
        assert abs(still[column]) < 0.15, column
    assert abs(moved["score"]) < 0.1


def test_partner_b_sends_metres(scenario: Scenario) -> None:
    fault = scenario.fault("eta-metres")
    rows = [(file, row) for file in scenario.model("eta").serving for row in read_csv(file.path)]
    far = [(file, row) for file, row in rows if float(row["distance_km"]) >= 300]
    assert len(far) == fault.rows
    assert {file.path for file, _ in far} == set(fault.files)
    assert {row["caller"] for _, row in far} == {"partner_b"}
    last = [row for row in read_csv(fault.files[-1]) if row["caller"] == "partner_b"]
    assert last
    assert all(float(row["distance_km"]) >= 300 for row in last)


def test_half_of_north_is_null(scenario: Scenario) -> None:
    fault = scenario.fault("eta-north-nulls")
    nulls = 0
    for file in (*scenario.model("eta").reference, *scenario.model("eta").serving):
        count = Counter((row["region"], row["traffic_index"] == "") for row in read_csv(file.path))
        lost = {region for region, null in count if null}
        assert lost == ({"north"} if file.path in fault.files else set())
        if lost:
            assert count["north", True] == (count["north", True] + count["north", False]) // 2
        nulls += count["north", True]
    assert nulls == fault.rows


def test_mean_absolute_error_of_the_clean_callers_stays_inside_the_slo(scenario: Scenario) -> None:
    eta = scenario.model("eta")
    actual = {row["trip_id"]: float(row["actual_min"]) for file in eta.labels for row in read_csv(file.path)}
    errors: dict[bool, list[float]] = {True: [], False: []}
    for row in read_csv(eta.serving[-1].path):
        if row["trip_id"] in actual:
            errors[row["caller"] == "partner_b"].append(abs(float(row["eta_min"]) - actual[row["trip_id"]]))
    assert np.mean(errors[False]) < 5.0
    assert np.mean(errors[True]) > 20.0


def test_seven_broken_lines(scenario: Scenario) -> None:
    fault = scenario.fault("assistant-broken-lines")
    for file in (*scenario.model("assistant").reference, *scenario.model("assistant").serving):
        lines = file.path.read_text(encoding="utf-8").splitlines()
        broken = []
        for number, line in enumerate(lines, start=1):
            try:
                json.loads(line)
            except json.JSONDecodeError:
                broken.append(number)
        assert tuple(broken) == file.bad_lines
        assert len(lines) == file.rows + len(broken)
        assert bool(broken) == (file.path in fault.files)
    assert fault.rows == 7


def test_half_of_the_app_versions_are_missing(scenario: Scenario) -> None:
    fault = scenario.fault("assistant-client-version")
    missing = 0
    for file in scenario.model("assistant").serving:
        if file.bad_lines:
            continue
        records = [json.loads(line) for line in file.path.read_text(encoding="utf-8").splitlines()]
        without = sum("version" not in record["client"] for record in records)
        assert without == (len(records) // 2 if file.path in fault.files else 0)
        missing += without
    assert missing == fault.rows


def test_too_few_labels_for_assistant(scenario: Scenario) -> None:
    assistant = scenario.model("assistant")
    labelled = sum(file.rows for file in assistant.labels)
    served = sum(file.rows for file in (*assistant.reference, *assistant.serving))
    assert 0.01 < labelled / served < 0.04


def test_rules_leave_their_names(scenario: Scenario) -> None:
    path = scenario.model("assistant").reference[0].path
    hits = Counter(json.loads(line)["rule"] for line in path.read_text(encoding="utf-8").splitlines())
    assert hits["no_opening_hours"] > 0
    assert hits[None] > 0.8 * hits.total()


def test_versions_keep_the_hashes_they_were_built_with(scenario: Scenario) -> None:
    for model in scenario.models:
        for version in model.versions:
            assert [artifact.kind for artifact in version.artifacts] == [
                "model",
                "data",
                "config",
                "code",
                "environment",
            ]
            needed = json.loads(version.schema_file.read_text(encoding="utf-8"))
            spec = json.loads(version.artifact("model").path.read_text(encoding="utf-8"))
            assert set(spec["numeric"]) <= {column for column, kind in needed.items() if kind == "number"}
            for artifact in version.artifacts:
                assert hashlib.sha256(artifact.path.read_bytes()).hexdigest() == artifact.sha256
        live = [event.version for event in model.deployments if event.stage == "full"][-1]
        assert model.pointer.read_text(encoding="utf-8") == f"{live}\n"


def test_the_model_file_of_v40_is_lost_and_no_other(tmp_path: Path) -> None:
    drawn = generate(tmp_path, small=True, days=20)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    lost = lose_artifacts(drawn)
    assert before - {path for path in tmp_path.rglob("*") if path.is_file()} == set(lost)
    assert lost == (tmp_path / "srv" / "churn" / "versions" / "v40" / "model.json",)
    assert lose_artifacts(drawn) == lost


def test_v42_differs_from_v41_in_data_only(scenario: Scenario) -> None:
    v41, v42 = (v for v in scenario.model("churn").versions if v.name in ("v41", "v42"))
    differing = {a.kind for a, b in zip(v41.artifacts, v42.artifacts, strict=True) if a.sha256 != b.sha256}
    assert differing == {"model", "data"}
    rates = [json.loads(v.artifact("data").path.read_text())["label_base_rate"] for v in (v41, v42)]
    assert rates == [0.284, 0.497]


@pytest.mark.parametrize(("name", "version"), [("churn", "v41"), ("eta", "v9"), ("assistant", "v5")])
def test_the_scoring_program_gives_the_logged_predictions(scenario: Scenario, name: str, version: str) -> None:
    model = scenario.model(name)
    readers = {"churn": "read_parquet(?)", "eta": "read_csv(?)", "assistant": "read_json(?)"}
    file = model.serving[0]
    prediction, version_column = {"churn": ("score", "model_version"), "eta": ("eta_min", "model_version")}.get(
        name, ("score", "model")
    )
    sql = f"SELECT to_json(r) FROM (SELECT * FROM {readers[name]} WHERE {version_column} = ? LIMIT 50) AS r"
    with duckdb.connect() as connection:
        rows = [row[0] for row in connection.execute(sql, [str(file.path), version]).fetchall()]
    program = [sys.executable, str(model.pointer.parent / "score"), "--version", version]
    done = subprocess.run(program, input="\n".join(rows), capture_output=True, text=True, check=True)
    answers = [json.loads(line)["prediction"] for line in done.stdout.splitlines()]
    assert answers == pytest.approx([json.loads(row)[prediction] for row in rows], abs=0.051 if name == "eta" else 1e-4)
    assert len(answers) == 50


def test_v6_answers_the_same_requests_and_differs_in_refunds_alone(scenario: Scenario) -> None:
    assistant = scenario.model("assistant")
    assert assistant.candidate is not None
    served = {
        record["id"]: record
        for file in assistant.serving
        if not file.bad_lines
        for record in map(json.loads, file.path.read_text(encoding="utf-8").splitlines())
    }
    shadowed = [
        json.loads(line) for file in assistant.shadow for line in file.path.read_text(encoding="utf-8").splitlines()
    ]
    pairs = [(served[record["id"]], record) for record in shadowed if record["id"] in served]
    assert len(assistant.shadow) == 4
    # The file with broken lines is left out above; the requests of its readable rows were answered along too.
    assert len(shadowed) - len(pairs) == sum(file.rows for file in assistant.serving if file.bad_lines)
    assert {(new["model"], new["stage"]) for _, new in pairs} == {("v6", "shadow")}
    same = ("ts", "user", "client", "intent", "turns", "tokens", "retrieval", "rule")
    assert all(old[key] == new[key] for old, new in pairs for key in same)
    assert all((old["score"] == new["score"]) == (old["intent"] != "refund") for old, new in pairs)
    other = [old["intent"] for old, new in pairs if (old["score"] >= 0.5) != (new["score"] >= 0.5)]
    assert set(other) == {"refund"}
    assert 0.03 < len(other) / len(pairs) < 0.09
    late = {file.window_start for file in assistant.labels}
    assert not [file for file in assistant.shadow if file.window_start in late]


def test_v43_is_better_in_the_mean_and_useless_where_it_matters(scenario: Scenario) -> None:
    from sklearn.metrics import roc_auc_score

    churn = scenario.model("churn")
    assert churn.candidate is not None
    assert churn.candidate.slice is not None
    name, where, floor = churn.candidate.slice
    assert (name, where) == ("pro-plan", "plan = pro")
    logs = [str(file.path) for file in churn.serving]
    labels = [str(file.path) for file in churn.labels]
    auc: dict[tuple[str, str], float] = {}
    for version, path in churn.candidate.scores:
        sql = """
            SELECT labels.churned, scores.score, logs.plan = 'pro' FROM read_csv(?) AS scores
            JOIN read_parquet(?) AS logs USING (request_id) JOIN read_parquet(?) AS labels USING (request_id)
        """
        with duckdb.connect() as connection:
            rows = connection.execute(sql, [str(path), logs, labels]).fetchall()
        assert len(rows) == sum(file.rows for file in churn.labels)
        for part, chosen in (("all", rows), ("pro", [row for row in rows if row[2]])):
            auc[version, part] = roc_auc_score([row[0] for row in chosen], [row[1] for row in chosen])
    assert auc["v43", "all"] > 0.68 > auc["v42", "all"] + 0.05
    assert auc["v43", "pro"] < floor


def test_v10_is_no_worse_than_v9_beyond_chance(scenario: Scenario) -> None:
    eta = scenario.model("eta")
    assert eta.candidate is not None
    assert (eta.candidate.version, eta.candidate.stage) == ("v10", "canary")
    rows = [row for file in eta.serving if file.window_start >= eta.candidate.since for row in read_csv(file.path)]
    share = sum(row["model_version"] == "v10" for row in rows) / len(rows)
    assert 0.07 < share < 0.13
    assert {row["stage"] for row in rows if row["model_version"] == "v10"} == {"canary"}
