"""What people type on the command line: what is refused, and which rows a condition takes."""

from pathlib import Path

import pytest

from tests.core import case_store
from tests.rows import write_log, write_model
from tests.tui.calls import Call


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Commands on a store with one batch of a model that redacts ``plan``."""
    case_store.seed(tmp_path)
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "midwatch.db"))
    return Call(capsys)


@pytest.mark.parametrize("where", ["plan = pro", "plan is not missing", "region = EU and plan != pro"])
def test_no_command_asks_for_a_redacted_column(call: Call, where: str) -> None:
    for words in (
        ("cases", "add", "churn", "--where", where),
        ("sets", "freeze", "churn", "x", "--purpose", "slice", "--batch", "1", "--where", where),
        ("kept", "add", "churn", "x", where),
        ("slices", "churn", "--where", where),
    ):
        assert call(*words, code=2) is None
        assert "the column 'plan' is redacted" in call.err
    for role in ("--label", "--prediction"):
        call("slices", "churn", role, "plan", code=2)
        assert "'plan' is redacted" in call.err


def test_a_role_of_the_model_file_stays_no_feature_when_another_is_named(call: Call) -> None:
    page = call("slices", "churn", "--prediction", "spend", "--signal", "missing")
    assert {"column": "score", "why": "the prediction"} in page["left_out"]


def test_the_worst_rows_become_cases_and_right_ones_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    call = Call(capsys)
    call("init", str(write_model(tmp_path)))
    call("ingest", "churn", str(write_log(tmp_path, 1)))
    by_hand = call(
        "query", "churn", "select request_id as id from log where region = 'EU' and (score >= 0.5) <> (label = 1)"
    )
    wrong = {row["id"] for row in by_hand["rows"]}
    first = call("cases", "add", "churn", "--where", "region = EU", "--limit", "5")
    assert (len(first["cases"]), first["right"]) == (5, 0)
    assert {one["row_id"] for one in call("cases", "churn")["cases"]} < wrong
    rest = call("cases", "add", "churn", "--where", "region = EU")
    assert rest["known"] + len(rest["cases"]) == len(wrong)
    assert rest["left_out"] == rest["total"] - len(wrong)
    every = call("cases", "add", "churn", "--where", "region = EU", "--right-too", "--limit", "200")
    assert every["right"] == rest["left_out"]
    assert call.text("cases", "add", "churn", "--id", "r1-0").startswith(
        ("1 new case of 1 row; 0 were", "0 new cases of 1 row; 1 was")
    )


@pytest.mark.parametrize("floor", ["nan", "inf"])
def test_a_floor_is_a_finite_number(call: Call, floor: str) -> None:
    call("kept", "add", "churn", "eu", "region = EU", "--floor", floor, code=2)
    assert "a floor is a finite number" in call.err


def test_an_answer_that_is_no_label_is_refused(call: Call) -> None:
    call("cases", "add", "churn", "--id", "r1-0")
    call("cases", "judge", "1", "--expected", "maybe", code=2)
    assert "'maybe' is no label of 'churn'" in call.err
    assert call("cases", "judge", "1", "--expected", "1")["cases"][0]["expected"] == "1"


def test_a_query_that_names_no_column_is_a_wrong_call(call: Call) -> None:
    call("query", "churn", "select continent from log", code=2)
    assert "continent" in call.err
    assert "log has ts, request_id, region" in call.err


def test_a_change_of_the_future_is_noted(call: Call) -> None:
    said = ("changes", "add", "--layer", "data", "--kind", "fix", "--subject", "x", "--at")
    call(*said, "2999-01-01T00:00:00Z")
    assert "is in the future" in call.err
