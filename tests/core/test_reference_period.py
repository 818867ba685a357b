import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.ingest import ingest
from core.reference_period import decide
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.tables import batches, changes
from tests.conftest import ADA, NOW
from tests.rows import MODEL, START, write_log


def test_a_period_leaves_the_reference_and_returns(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    paths = [str(write_log(tmp_path, number, rows=60)) for number in range(4)]
    taken = [done.batch.id for done in ingest(db, model, paths, role="reference", actor=ADA, now=NOW)]
    first, last = START + timedelta(hours=1.5), START + timedelta(hours=2.5)

    def said(admit: bool, start=first, end=last, reason: str = "lockdown") -> tuple[list[int], int]:  # type: ignore[no-untyped-def]
        done = decide(db, model, start, end, admit=admit, reason=reason, actor=ADA, now=NOW)
        return sorted(b.id for b in done.batches), done.admitted

    assert said(False) == (taken[1:3], 2)
    assert said(False) == ([], 2)
    assert [b.id for b in batches.admitted(db, model.id)] == [taken[0], taken[3]]
    (change,) = changes.feed(db)
    assert (change.layer, change.subject, change.at, change.size) == ("external", "lockdown", first, 2)
    assert said(True) == (taken[1:3], 4)
    with pytest.raises(RefusedError, match="nothing would be left"):
        said(False, START, NOW)
    assert len(batches.admitted(db, model.id)) == 4
    for wrong in ({"reason": " "}, {"end": first}):
        with pytest.raises(UsageError):
            said(False, **wrong)
