"""``midwatch gate`` and ``midwatch promote`` on a store that was made by commands alone, from logs."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from storage.host import Actor
from tests.tui.calls import Call
from tui.cli import options
from tui.cli.main import run

MODEL = """
name = "churn"
task = "binary"
{top}
[columns]
time = "scored_at"
id = "request_id"
prediction = "score"
label = "churned"
version = "model_version"
stage = "stage"
[labels]
minimum = 50
[[stages]]
name = "canary"
kind = "canary"
traffic = 0.2
margin = 3.0
items = ["legal"]
approvals = 2
[[stages]]
name = "full"
"""


def log(path: Path, hour: int, *, bad: float = 0.1, arms: tuple[tuple[str, str, int], ...]) -> str:
    """An hour of rows; ``bad`` is how often the candidate is wrong, everybody else is at one in ten."""
    rng = np.random.default_rng(hour)
    parts = []
    for version, stage, rows in arms:
        truth = (rng.random(rows) < 0.4).astype(int)
        wrong = rng.random(rows) < (bad if version == "v2" else 0.1)
        parts.append(
            pd.DataFrame(
                {
                    "scored_at": [
                        (pd.Timestamp("2026-11-01", tz="UTC") + pd.Timedelta(hours=hour, seconds=3500 * i / rows))
                        .strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(rows)
                    ],
                    "request_id": [f"{version}-{hour}-{i}" for i in range(rows)],
                    "score": np.where(wrong, 1 - truth, truth) * 0.8 + 0.1,
                    "plan": rng.choice(["free", "pro"], rows),
                    "model_version": version,
                    "stage": stage,
                    "churned": truth,
                }
            )
        )  # fmt: skip
    pd.concat(parts).to_csv(path, index=False)
    return str(path)


BOTH = (("v1", "full", 4000), ("v2", "canary", 1000))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which v1 serves everybody and v2 is registered; a reference is there."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIDWATCH_STORE", str(folder / "s.db"))
        set_up(folder)
    return folder / "s.db"


@pytest.fixture
def call(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """A copy of that store; ada is at the terminal."""
    shutil.copy(begun, tmp_path / "s.db")
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    who(monkeypatch, "ada")
    capsys.readouterr()
    return Call(capsys)


def set_up(folder: Path, top: str = "") -> None:
    (folder / "churn.toml").write_text(MODEL.format(top=top))
    assert run(["init", str(folder / "churn.toml")]) == 0
    for version in ("v1", "v2"):
        assert run(["versions", "add", "churn", version, "--seed", version]) == 0
    assert run(["deploy", "churn", "v1", "--stage", "full", "--at", "2026-10-01"]) == 0
    reference = log(folder / "reference.csv", 0, arms=(("v1", "full", 5000),))
    assert run(["ingest", "churn", reference, "--role", "reference"]) == 0


def who(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(options, "current_actor", lambda: Actor(name, "prod-ml-3", "pts/1"))


def test_the_golden_path_by_commands(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("gate")["candidates"] == []
    call("gate", "churn", "v2", code=2)
    assert "midwatch promote churn v2" in call.err
    assert call("promote", "churn", "v2", "--dry-run")["to_stage"] == "canary"
    assert call("promote", "churn", "v2", "--yes")["state"] == "recorded"
    call("gate", "churn", "--arm", "canary", code=2)
    call("gate", "churn", "--arm", "canary", "--reason", "agreed")
    assert call("gate", "churn", "v2", code=1)["verdict"]["reasons"][0]["kind"] == "no data"
    for hour in range(1, 3):
        call("ingest", "churn", log(tmp_path / f"{hour}.csv", hour, arms=BOTH))
    held = call("gate", "churn", "v2", code=1)
    assert [one["kind"] for one in held["verdict"]["reasons"]][:2] == ["item", "approval"]
    assert held["planner"][0].startswith("error: at ")
    assert "a doubling takes ~" in call("gate", "churn", "v2", "--plan")["planner"][0]
    assert [d["kind"] for d in held["history"]] == ["promoted", "looked"]
    call("promote", "churn", "v2", "--yes", code=5)
    assert "legal: nobody has answered yet; 0 of 2 people approved" in call.err
    call("gate", "churn", "v2", "--item", "legal", "perhaps", code=2)
    call("gate", "churn", "v2", "--item", "legal", "yes", "--note", "LG-7")
    call("gate", "churn", "v2", "--approve")
    call("gate", "churn", "v2", "--approve", code=5)
    assert "another person has to approve" in call.err
    who(monkeypatch, "bob")
    call("gate", "churn", "v2", "--approve")
    assert call("gate", "churn", "v2")["outcome"] == "promote"
    text = call.text("gate", "churn", "v2")
    assert "ok  approval: 2 of 2 people approved: ada, bob" in text
    assert call("promote", "churn", "v2", "--yes")["to_stage"] == "full"
    assert call("gate", "churn", "v2")["line"]["state"] == "done"
    assert call("gate", "churn", "v2", "--verify") == {
        "decisions": call("gate", "churn", "v2", "--verify")["decisions"], "different": 0,
    }  # fmt: skip
    call("audit", "verify")


def test_harm_an_override_and_its_review(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("promote", "churn", "v2", "--yes")
    call("gate", "churn", "--arm", "canary", "--reason", "agreed")
    call("ingest", "churn", log(tmp_path / "1.csv", 1, arms=BOTH, bad=0.4))
    told = call("gate", "churn", "v2", code=1)
    assert (told["outcome"], told["line"]["toward_harm"]) == ("roll back", 1.0)
    call("promote", "churn", "v2", "--yes", code=5)
    call("promote", "churn", "v2", "--yes", "--override", code=2)
    done = call("promote", "churn", "v2", "--yes", "--override", "--reason", "known, mended tomorrow")
    number = str(done["override_id"])
    assert "NOT REVIEWED" in call.text("gate")
    assert "past a gate, NOT REVIEWED: churn v2 canary -> full by ada" in call.text("handover")
    call("gate", "--review", number, code=5)
    who(monkeypatch, "bob")
    assert call("gate", "--review", number, "--note", "agreed")["reviewed_by"] == "bob"
    assert call("gate")["overrides"] == []
    assert "NOT REVIEWED" not in call.text("handover")


def test_a_broken_floor_of_a_critical_slice_is_named(call: Call, tmp_path: Path) -> None:
    call("kept", "add", "churn", "pros", "plan = pro", "--kind", "critical", "--floor", "0.95")
    call("promote", "churn", "v2", "--yes")
    call("ingest", "churn", log(tmp_path / "1.csv", 1, arms=BOTH))
    told = call("gate", "churn", "v2", code=1)["verdict"]
    floor = next(one["text"] for one in told["reasons"] if one["kind"] == "floor")
    assert floor.startswith("the critical slice 'pros' breaks its floor 0.95: auc 0.9")
    assert [one["guardrail"] for one in told["evidence"]] == ["error", "error in pros"]


def test_a_candidate_is_taken_off(call: Call, tmp_path: Path) -> None:
    call("promote", "churn", "v2", "--yes")
    call("promote", "churn", "v2", "--stop", "--yes", code=2)
    assert call("promote", "churn", "v2", "--stop", "--yes", "--reason", "no need")["state"] == "stopped"
    assert [one["version"] for one in call("live", "churn")] == ["v1"]
    call("promote", "churn", "v2", "--stop", "--yes", "--reason", "again", code=5)


def test_what_another_gate_would_have_said(call: Call, tmp_path: Path) -> None:
    call("promote", "churn", "v2", "--yes")
    call("ingest", "churn", log(tmp_path / "1.csv", 1, arms=BOTH, bad=0.4))
    other = tmp_path / "other.toml"
    other.write_text(MODEL.format(top="").replace("margin = 3.0", "margin = 3.0\nminimum_rows = 9000"))
    found = call("gate", "churn", "v2", "--replay", str(other))
    assert (found["happened"][0]["outcome"], found["stages"][0]["outcome"]) == ("roll back", "roll back")
    assert found["stages"][0]["extra_events"] > 50
    other.write_text('[thresholds]\nevery = "1s"\nlimit = 1.5\nallowed = 0\nstay = "30d"\n')
    assert call("gate", "churn", "v2", "--replay", str(other))["stages"][0]["outcome"] == "roll back"
    other.write_text(other.read_text().replace("1.5", "1000"))
    assert call("gate", "churn", "v2", "--replay", str(other))["stages"][0]["outcome"] == "hold"
    for wrong in ('every = "1h"', 'every = "1h"\nlimit = 0', 'every = "0s"\nlimit = 2', 'every = "1h"\nlimits = 2'):
        other.write_text(f"[thresholds]\n{wrong}\n")
        call("gate", "churn", "v2", "--replay", str(other), code=2)
    other.write_text(MODEL.format(top="").replace('"churn"', '"eta"', 1))
    call("gate", "churn", "v2", "--replay", str(other), code=2)


def test_a_read_only_store_is_shown_and_not_written(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("promote", "churn", "v2", "--yes")
    refused = "you may not write to the store"
    monkeypatch.setattr(options, "why_unwritable", lambda path: refused)
    monkeypatch.setattr("tui.cli.commands.gate.why_unwritable", lambda path: refused)
    before = (tmp_path / "s.db").read_bytes()
    assert call("gate", "churn", "v2", code=1)["outcome"] == "hold"
    assert "looks that are missing are not taken" in call.err
    for words in (
        ["promote", "churn", "v2", "--yes"],
        ["promote", "churn", "v2", "--stop", "--reason", "x", "--yes"],
        ["gate", "churn", "v2", "--approve"],
        ["gate", "churn", "v2", "--item", "legal", "yes"],
        ["gate", "churn", "--arm", "canary", "--reason", "x"],
        ["gate", "--review", "1"],
    ):
        call(*words, code=5)
        assert refused in call.err
    assert (tmp_path / "s.db").read_bytes() == before


def test_calls_that_make_no_sense(call: Call) -> None:
    call("gate", "churn", "v2", "--verify", "--approve", code=2)
    call("gate", "churn", "--approve", code=2)
    call("gate", "--arm", "canary", "--reason", "x", code=2)
    call("gate", "churn", "--arm", "full", "--reason", "x", code=2)
    assert "gates stand behind: canary" in call.err
    call("promote", "churn", "v9", "--yes", code=2)
    call("promote", "churn", "v2", "--stop", "--dry-run", code=2)
    call("promote", "churn", "v2", code=5)
    assert "nobody is there to confirm it" in call.err
