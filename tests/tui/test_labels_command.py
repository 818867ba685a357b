import json
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from storage import db as store
from storage.logs.source import open_log
from storage.records.models import Model
from storage.tables import audit, gates, models
from tests.conftest import CHURN
from tests.core.log_batches import DAY, START, add_batch, predictions
from tui.cli.commands import ingest, labels
from tui.cli.main import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with two unlabelled batches, and a label file for both."""
    from core.measure import measure_batch

    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    (tmp_path / "churn.toml").write_text(CHURN)
    assert run(["init", str(tmp_path / "churn.toml")]) == 0
    db = store.connect(tmp_path / "s.db")
    model = models.get(db, "churn")
    for day in range(2):
        path = tmp_path / f"day{day}.csv"
        predictions(day, 200).drop(columns="churned").to_csv(path, index=False)
        batch = add_batch(db, model, path, day, 200, now=START + 2 * DAY)
        with open_log(path) as source:
            measure_batch(db, model, batch, source, START + 2 * DAY)
    db.close()
    with (tmp_path / "labels.csv").open("w") as labels:
        for day in range(2):
            frame = predictions(day, 200)[["request_id", "churned"]]
            labels.write(frame.to_csv(index=False, header=day == 0))
        labels.write("nobody,1\n")
    return tmp_path


def test_labels_answers_with_one_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["labels", "churn", str(folder / "labels.csv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["label_file"], told["rows"]) == (str(folder / "labels.csv"), 401)
    assert (told["matched"], told["unmatched"]) == (400, 1)
    assert [(b["batch"], b["labelled"], b["coverage"]) for b in told["batches"]] == [(1, 200, 1.0), (2, 200, 1.0)]
    changed = told["batches"][0]["metrics"][0]
    assert (changed["metric"], changed["before"]) == ("auc", None)
    assert 0.8 < changed["after"] < 1.0
    assert run(["audit", "verify"]) == 0


def test_labels_tells_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["labels", "churn", str(folder / "labels.csv")]) == 0
    said = capsys.readouterr().out
    assert "401 ids in 401 rows, 400 matched, 1 not" in said
    assert "auc none -> 0.9" in said
    assert run(["labels", "churn", str(folder / "labels.csv")]) == 0
    assert "no batch changed" in capsys.readouterr().out
    db = store.connect(folder / "s.db", read_only=True)
    assert [e.action for e in audit.recent(db, 5)].count("labels.ingest") == 1
    db.close()


def test_a_batch_that_is_gone_ends_with_four(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "day0.csv").unlink()
    assert run(["labels", "churn", str(folder / "labels.csv"), "--json"]) == 4
    said = capsys.readouterr()
    assert "day0.csv, is gone" in said.err
    told = json.loads(said.out[said.out.index("{") :])
    assert [b["batch"] for b in told["batches"]] == [2]
    assert told["failures"][0]["batch"] == 1


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("absent.csv", None, 4, "absent.csv"),
        ("empty.csv", "", 4, "empty"),
        ("other.csv", "a,b\n1,2\n", 4, "no column 'request_id'"),
    ],
)
def test_bad_label_files_end_with_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | None, code: int, words: str
) -> None:
    if content is not None:
        (folder / name).write_text(content)
    capsys.readouterr()
    assert run(["labels", "churn", str(folder / name)]) == code
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


def test_an_unknown_model_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["labels", "chrun", str(folder / "labels.csv")]) == 2
    assert "known: churn" in capsys.readouterr().err


def test_conditions_are_worked_out_once_a_command_behind_its_last_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, int, int]] = []

    def note(db: sqlite3.Connection, model: Model, *, now: datetime) -> None:
        counts = (db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("batches", "label_files"))
        done.append((model.name, *counts))

    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    (tmp_path / "churn.toml").write_text(CHURN)
    assert run(["init", str(tmp_path / "churn.toml")]) == 0
    for module in (ingest, labels):
        monkeypatch.setattr(module, "work_out", note)
    for day in (2, 3):
        predictions(day, 200).drop(columns="churned").to_csv(tmp_path / f"day{day}.csv", index=False)
        predictions(day, 200)[["request_id", "churned"]].to_csv(tmp_path / f"labels{day}.csv", index=False)
    run(["ingest", "churn", str(tmp_path / "day2.csv"), str(tmp_path / "day3.csv")])
    run(["ingest", "churn", str(tmp_path / "labels2.csv"), str(tmp_path / "labels3.csv"), "--role", "labels"])
    assert done == [("churn", 2, 0), ("churn", 2, 2)]
    with store.connect(tmp_path / "s.db") as db:
        text = (tmp_path / "churn.toml").read_text().replace('"churn"', '"other"', 1)
        (tmp_path / "other.toml").write_text(text)
        assert run(["init", str(tmp_path / "other.toml")]) == 0
        one, other = (gates.newest_data(db, models.get(db, name).id) for name in ("churn", "other"))
    db.close()
    assert (one[1:3], other[1:3]) == ((2, 2), (None, None))
