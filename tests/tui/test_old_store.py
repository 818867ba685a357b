"""A store of an older schema: whoever may write and reads brings it up to date, whoever may not is told who can."""

import sqlite3
from pathlib import Path

import pytest

from storage import db as store
from storage.migrations import SCHEMA_VERSION, STEPS
from tui.cli import main


def old(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store one step behind."""
    with monkeypatch.context() as before:
        before.setattr(store, "STEPS", STEPS[:-1])
        before.setattr(store, "SCHEMA_VERSION", SCHEMA_VERSION - 1)
        store.prepare(path)
    return path


def version(path: Path) -> int:
    """The schema that the file says it has."""
    db = sqlite3.connect(path)
    try:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()


@pytest.mark.parametrize("words", [("models",), ("alerts", "list"), ("doctor",)])
def test_a_command_that_reads_brings_it_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    path = old(tmp_path / "s.db", monkeypatch)
    assert version(path) == SCHEMA_VERSION - 1
    main.run([*words, "--store", str(path)])
    assert version(path) == SCHEMA_VERSION
    assert "of an older schema and is brought up to date" in capsys.readouterr().err


def test_who_may_not_write_is_told_who_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = old(tmp_path / "s.db", monkeypatch)
    monkeypatch.setattr("tui.cli.options.why_unwritable", lambda path: "it belongs to ana")
    assert main.run(["alerts", "list", "--store", str(path)]) == 3
    told = capsys.readouterr().err
    assert "it belongs to ana" in told
    assert f"midwatch doctor --store {path}" in told
    assert version(path) == SCHEMA_VERSION - 1
