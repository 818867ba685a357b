"""Rows that are named by a condition on the command line: what is refused, and which rows are taken."""

from pathlib import Path

import pytest

from tests.core import case_store
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
