import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHURN
from tui.cli.main import COMMANDS, run


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "s.db"
    monkeypatch.setenv("MIDWATCH_STORE", str(path))
    return path


def test_init_is_idempotent_and_models_lists(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "churn.toml").write_text(CHURN)
    for changed in (True, False):
        assert run(["init", str(tmp_path / "churn.toml"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["changed"] is changed
    assert run(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["primary_metric"] == "auc"
    assert run(["audit", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 1


def test_one_broken_model_file_records_none(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.toml").write_text(CHURN)
    (tmp_path / "bad.toml").write_text("name = 1")
    assert run(["init", str(tmp_path / "good.toml"), str(tmp_path / "bad.toml")]) == 2
    assert "key name" in capsys.readouterr().err
    assert not store.exists()


def test_the_store_may_be_named_before_the_command_or_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "other.db"))
    here = str(tmp_path / "s.db")
    (tmp_path / "churn.toml").write_text(CHURN)
    assert run(["--store", here, "init", str(tmp_path / "churn.toml")]) == 0
    for call in (
        ["--store", here, "models"],
        ["models", "--store", here],
        ["--store", "/nowhere", "models", "--store", here],
    ):
        assert run(call) == 0
        assert "churn" in capsys.readouterr().out
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("group", "default"), [("alerts", "list"), ("changes", "list"), ("incidents", "list"), ("handover", "show")]
)
def test_a_group_alone_is_its_default_with_its_options(
    group: str, default: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "churn.toml").write_text(CHURN)
    assert run(["init", str(tmp_path / "churn.toml")]) == 0
    capsys.readouterr()
    assert run([group, default]) == 0
    plain = capsys.readouterr().out
    assert run([group, "--store", str(store)]) == 0
    assert capsys.readouterr().out == plain
    assert run([group, "lst"]) == 2


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        (["modles"], 2, "did you mean 'models'?"),
        (["models", "--stor", "x"], 2, "--store"),
        (["models", "--store", "/nowhere/s.db"], 3, "there is no store"),
        (["init", "/nowhere.toml"], 2, "can't be read"),
    ],
)
def test_wrong_calls_end_with_one_sentence(
    call: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(call) == code
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert "Usage: midwatch" in capsys.readouterr().out


def test_version_imports_nothing_of_weight() -> None:
    code = (
        "import sys; sys.argv = ['midwatch', '--version']\n"
        "import tui.__main__ as m\n"
        "try: m.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'click', 'textual', 'numpy', 'duckdb', 'pandas', 'sqlite_utils', 'sqlite3'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("midwatch 0.")


def test_a_reader_that_leaves_is_no_finding(store: Path, tmp_path: Path) -> None:
    (tmp_path / "churn.toml").write_text(CHURN)
    assert run(["init", str(tmp_path / "churn.toml")]) == 0
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "tui", "models"], stdout=gone, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
    assert (done.returncode, done.stderr) == (0, b"")
