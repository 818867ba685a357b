"""``midwatch check`` and ``midwatch infer`` on files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CHURN
from tui.cli.main import run


def write(path: Path, seed: int, change: str = "") -> str:
    rng = np.random.default_rng(seed)
    lines = ["request_id,scored_at,plan,tenure,email,score"]
    for i in range(400):
        plan = ("basic", "plus", "pro")[int(rng.integers(3))]
        tenure = f"{rng.gamma(4, 9):.2f}"
        if change == "unit":
            tenure = f"{float(tenure) * 60:.2f}"
        if change == "null" and plan == "pro" and i % 2:
            tenure = ""
        when = f"2026-11-{20 + seed % 3} {i % 24:02d}:00:00"
        lines.append(f"r{seed}-{i},{when},{plan},{tenure},u{i % 50}@example.com,{rng.random():.4f}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_clean_file_is_0_and_a_fault_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    like = write(tmp_path / "a.csv", 1)
    assert run(["check", write(tmp_path / "b.csv", 2), "--like", like]) == 0
    assert "verdict: " in capsys.readouterr().out
    assert run(["check", write(tmp_path / "c.csv", 3, "unit"), "--like", like]) == 1
    told = capsys.readouterr()
    assert "'tenure' came in another unit" in told.out
    assert "prediction score" in told.err


def test_the_document_names_rows_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    like, bad = write(tmp_path / "a.csv", 1), write(tmp_path / "b.csv", 2, "null")
    model = tmp_path / "churn.toml"
    model.write_text(CHURN.replace('version = "model_version"\nstage = "stage"\n', ""))
    assert run(["check", bad, "--like", like, "--model", str(model), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert set(document) >= {"verdict", "rows", "quarantined", "findings", "not_checked"}
    first = document["findings"][0]
    assert (first["column"], first["class"], first["tier"]) == ("tenure", "soft", "ticket")
    lines = Path(bad).read_text().splitlines()
    empty = [n for n, line in enumerate(lines, 1) if ",pro,," in line]
    assert first["evidence"]["rows"] == len(empty)
    assert [row["line"] for row in first["evidence"]["sample"]] == empty[:5]
    assert first["evidence"]["command"].startswith("duckdb -c ")
    assert "example.com" not in json.dumps(document)


def test_sources_and_calls_that_fail_have_their_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    like = write(tmp_path / "a.csv", 1)
    assert run(["check", str(tmp_path / "none.csv"), "--like", like]) == 4
    assert run(["check", like]) == 2
    model = tmp_path / "churn.toml"
    model.write_text(CHURN + '\n[[checks]]\ncheck = "boundz"\n')
    assert run(["check", like, "--like", like, "--model", str(model)]) == 2
    assert "did you mean 'bounds'" in capsys.readouterr().err


def test_proposals_are_ready_to_paste(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    like = write(tmp_path / "a.csv", 1)
    model = tmp_path / "churn.toml"
    model.write_text(CHURN)
    assert run(["infer", str(model), like]) == 0
    proposed = capsys.readouterr().out
    assert 'allowed = ["basic", "plus", "pro"]' in proposed
    model.write_text(CHURN + "\n" + proposed)
    assert run(["check", like, "--like", like, "--model", str(model)]) == 0
    capsys.readouterr()
    assert run(["infer", str(model), like, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
