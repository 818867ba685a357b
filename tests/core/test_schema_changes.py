import sqlite3
from collections.abc import Callable
from pathlib import Path

from core.ingest import ingest
from storage.records.changes import Change, ChangeFilter
from storage.records.models import Model
from storage.tables import change_details, changes
from tests.conftest import ADA, NOW
from tests.rows import MODEL, write_log


def take(db: sqlite3.Connection, model: Model, *paths: Path, role: str = "serving") -> None:
    for _ in ingest(db, model, [str(p) for p in paths], role=role, actor=ADA, now=NOW):  # type: ignore[arg-type]
        pass


def log(folder: Path, number: int, edit: Callable[[list[str]], list[str]]) -> Path:
    """A batch whose cells, the header's too, went through ``edit``."""
    path = write_log(folder, number)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join(edit(row)) for row in rows) + "\n")
    return path


def renamed(row: list[str]) -> list[str]:
    return [{"spend": "spend_eur"}.get(cell, cell) for cell in row]


def without_plan(row: list[str]) -> list[str]:
    return row[:3] + row[4:]


def test_a_change_of_the_schema_is_told_once_and_so_is_the_way_back(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    take(db, model, *(write_log(tmp_path, number) for number in range(3)), role="reference")

    def told() -> list[Change]:
        return changes.feed(db, where=ChangeFilter(layer="data"))

    take(db, model, write_log(tmp_path, 9))
    take(db, model, log(tmp_path, 10, lambda row: [*row[:7], row[8]]))  # its labels are not in yet
    assert told() == []
    gone = [log(tmp_path, number, without_plan) for number in (11, 12, 13)]
    take(db, model, *gone)
    take(db, model, *gone)
    (one,) = told()
    assert (one.kind, one.subject, one.size, one.unreviewed) == ("schema", "plan removed", 1, False)
    assert one.at.hour == 11
    take(db, model, write_log(tmp_path, 14))
    assert [c.subject for c in told()] == ["plan added", "plan removed"]
    take(db, model, log(tmp_path, 15, without_plan), write_log(tmp_path, 16))  # two writers take turns
    assert len(told()) == 2
    take(db, model, log(tmp_path, 17, renamed))
    assert told()[0].subject == "spend -> spend_eur (renamed?)"
    words = log(tmp_path, 18, lambda row: renamed([*row[:5], "x" if row[5].isdigit() else row[5], *row[6:]]))
    take(db, model, words)
    assert told()[0].subject == "sessions number -> text"
    found = change_details.of(db, "changes", told()[0].id)
    assert found is not None
    assert [(d.key, d.before, d.after) for d in found.differences] == [("sessions", "number", "text")]


def test_a_column_without_values_is_of_no_kind(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    take(db, model, write_log(tmp_path, 0), role="reference")
    take(db, model, log(tmp_path, 1, lambda row: [*row[:5], row[5] if row[5] == "sessions" else "", *row[6:]]))
    take(db, model, write_log(tmp_path, 2))
    assert changes.feed(db, where=ChangeFilter(layer="data")) == []
