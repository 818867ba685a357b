import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from core.changes import feed as changes
from core.ingest import ingest
from core.past_values import past_values
from storage.records.models import Model
from storage.tables import alerts
from tests.conftest import ADA
from tests.rows import MODEL, START, write_log
from tui.present.past_values import chart


def test_an_alert_is_drawn_over_the_past_batches_with_what_was_altered(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    now = START + timedelta(hours=13)

    def take(*numbers: int, role: str, **how: float) -> None:
        paths = [str(write_log(tmp_path, number, **how)) for number in numbers]  # type: ignore[arg-type]
        for _ in ingest(db, model, paths, role=role, actor=ADA, now=now):  # type: ignore[arg-type]
            pass

    take(*range(8), role="reference")
    take(8, 9, role="serving")
    take(10, role="serving", spend=4_000.0)
    change = {"layer": "pipeline", "kind": "unit", "subject": "cents", "at": str(START + timedelta(hours=9.5))}
    changes.add(db, change, source="ci", actor=ADA, now=now)
    (alert,) = [a for a in alerts.page(db, limit=9) if a.columns[:1] == ("spend",)]
    found = past_values(db, alert, now)
    assert found is not None
    assert found.words.endswith(" of spend")
    assert [v.accused for v in found.values] == [False] * 10 + [True]
    assert found.values[-1].value > 5 * max(abs(v.value) for v in found.values[:-1])
    assert found.onset == START + timedelta(hours=10)
    assert found.altered[0].subject == "cents"
    drawn = chart(found, lambda moment: f"{moment:%Y-%m-%d %H:%MZ}", 78)
    assert "  a  11-01 09:30Z pipeline unit cents NOT REVIEWED" in drawn
    assert max(map(len, drawn.splitlines())) <= 78
