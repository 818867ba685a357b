import json
import sqlite3
from collections.abc import Callable

import pytest

from core.changes import feed
from storage.errors import UsageError
from storage.records.changes import ChangeFilter
from storage.records.models import Model
from storage.tables import changes
from tests.conftest import ADA, NOW
from tests.core import night

GOOD = {"layer": "data", "kind": "schema", "subject": "spend", "at": "2026-11-23T02:00:00Z"}
WHO = {"source": "stdin", "actor": ADA, "now": NOW}


def line(**fields: object) -> str:
    return json.dumps({**GOOD, **fields})


def test_good_lines_are_kept_and_bad_ones_told_by_number(
    db: sqlite3.Connection, register: Callable[..., Model]
) -> None:
    register()
    lines = [
        line(model="churn", size=3),
        "",
        "{",
        line(layer="dta"),
        line(model="chrun"),
        line(at="soon"),
        line(size=-1),
        line(lyer="x"),
        "[1]",
        line(kind=None),
        line(by="\ud800"),
        line(at=None),
        line(source="midwatch", source_ref="rollback:1"),
        line(subject="plan", by="lin", reviewed_by="ada"),
    ]
    taken = feed.add_lines(db, lines, **WHO)  # type: ignore[arg-type]
    assert (taken.read, taken.added) == (13, 2)
    assert [number for number, _ in taken.bad] == list(range(3, 14))
    told = dict(taken.bad)
    assert "no model 'chrun'" in told[5]
    assert "did you mean 'layer'" in told[8]
    again = feed.add_lines(db, lines, **WHO)  # type: ignore[arg-type]
    assert (again.added, again.known) == (0, 2)


def test_the_same_source_and_name_is_one_change(db: sqlite3.Connection) -> None:
    for subject, new in (("a", True), ("b", False)):
        fields = {**GOOD, "subject": subject, "source": "git", "source_ref": "abc"}
        assert feed.add(db, fields, **WHO) is new  # type: ignore[arg-type]
    assert [c.subject for c in changes.feed(db)] == ["a"]
    with pytest.raises(UsageError, match="subject is missing"):
        feed.add(db, {"layer": "run", "kind": "x"}, **WHO)  # type: ignore[arg-type]


def test_deployments_and_rollbacks_show_once(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    model = register()
    night.deployment(db, model.id, -70)
    rolled = night.rollback(db, model.id, None, "verified")
    night.deployment(db, model.id, 3, rollback_id=rolled)
    feed.add_lines(db, [line(), line(model="churn", subject="plan")], **WHO)  # type: ignore[arg-type]
    rows = changes.feed(db)
    assert [c.reference for c in rows] == ["rollbacks:1", "changes:2", "changes:1", "deployments:1"]
    assert rows[0].subject == "full verified"
    assert changes.count(db) == 4
    for where, expected in (
        (ChangeFilter(layer="run"), 2),
        (ChangeFilter(layer="data", model_id=model.id), 2),
        (ChangeFilter(since=NOW), 1),
        (ChangeFilter(text="V42"), 2),
        (ChangeFilter(until=night.at(-80)), 0),
    ):
        assert len(changes.feed(db, where=where)) == changes.count(db, where) == expected
    pages = [changes.feed(db, offset=n, limit=1, sort="subject", descending=False)[0] for n in range(4)]
    assert [c.subject for c in pages] == sorted(c.subject for c in rows)


def test_what_changed_before_comes_nearest_first_and_unreviewed_before_reviewed(
    db: sqlite3.Connection, register: Callable[..., Model]
) -> None:
    model = register()
    feed.add_lines(
        db,
        [
            line(subject="far", at="2026-11-23T01:10:00Z"),
            line(subject="reviewed", reviewed_by="ada", size=900),
            line(subject="small", size=1),
            line(subject="large", size=90),
            line(subject="after", at="2026-11-23T03:00:00Z"),
        ],
        **WHO,  # type: ignore[arg-type]
    )
    found = feed.between(db, model.id, night.at(-120), night.at(-10))
    assert [c.subject for c in found] == ["large", "small", "reviewed", "far"]
