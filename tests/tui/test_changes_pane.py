import csv
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.incidents import hypotheses, lifecycle, writing
from storage.records.changes import Change, ChangeFilter, Details, Difference
from storage.records.models import Model
from storage.tables import changes, incidents
from tests.conftest import ADA, NOW
from tests.core import night
from tests.tui.kit import HOSTILE, screen_text
from tests.tui.night_screen import SIZES, keys, night_of, screen, words
from tui.present.changes import detail, size
from tui.screens.changes import ChangesPane


@pytest.fixture
def churn(db: sqlite3.Connection, register: Callable[..., Model]) -> Model:
    model = register()
    night_of(db, model.id)
    return model


@pytest.mark.parametrize("size", SIZES)
async def test_the_feed_is_shown_newest_first_with_before_and_after(
    db: sqlite3.Connection, store_file: Path, churn: Model, size: tuple[int, int]
) -> None:
    app = screen(store_file)
    async with app.run_test(size=size) as pilot:
        await keys(pilot, "8")
        pane = app.pane
        assert isinstance(pane, ChangesPane)
        assert pane.table.key == "deployments:1"
        await keys(pilot, "j")
        assert pane.table.key == "changes:1"
        shown = pane.detail.plain
        for part in ("- SELECT 1", "- [/red]", "+ SELECT 2", "not reviewed by anybody", "[@click=app.exit]x[/]"):
            assert part in shown
        assert "\x1b" not in shown
        assert max(map(len, screen_text(app).splitlines())) <= size[0]
        await keys(pilot, "slash")
        await words(pilot, "select 2")
        assert pane.table.count == 1
        await keys(pilot, *["s"] * 14)
        assert app.is_running


async def test_an_entry_by_hand(db: sqlite3.Connection, store_file: Path, churn: Model) -> None:
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "8", "n", "i")
        await words(pilot, "switch [b]replaced[/b]")
        await keys(pilot, "colon")
        await words(pilot, "churn")
        await keys(pilot, "n", "c")
        await words(pilot, "client rolled out")
        await keys(pilot, "n", "e")
        await words(pilot, " ")
        assert "subject is missing" in screen_text(app)
    mine = {c.subject: c for c in changes.feed(db) if c.kind == "by hand"}
    assert mine["switch [b]replaced[/b]"].layer == "infrastructure"
    assert mine["switch [b]replaced[/b]"].model is None
    assert (mine["client rolled out"].model, mine["client rolled out"].by) == ("churn", "ada")
    assert len(mine) == 2


async def test_a_change_becomes_evidence(db: sqlite3.Connection, store_file: Path, churn: Model) -> None:
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "8", "i")
        assert "no incident lives" in screen_text(app)
        key = lifecycle.open_incident(db, model=churn, title="x", actor=ADA, now=NOW).key
        await keys(pilot, "i", "enter")
        assert f"1 change linked to {key}" in screen_text(app)
        first = writing.hypothesis(db, key, "bad snapshot", actor=ADA, now=NOW)
        writing.hypothesis(db, key, "unit", actor=ADA, now=NOW)
        await keys(pilot, "space", "space", "i", "enter", "1")
        await keys(pilot, "i", "enter", "b")
    written = incidents.events(db, incidents.get(db, key).id)
    assert [e.ref_id for e in written if e.kind == "evidence"] == ["1"]
    found = hypotheses.hypotheses(written)
    assert [(h.id == first, h.standing, len(h.evidence)) for h in found] == [
        (True, "supported", 2),
        (False, "refuted", 2),
    ]


async def test_exports_hold_what_is_shown_and_mask_redacted_columns(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    night.put(
        db,
        "changes",
        layer="data",
        kind="fix",
        subject="row where email=eve@example.org dropped",
        at=night.at(-5),
        source="ci",
        source_ref="2",
        recorded_at=night.at(-5),
    )
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "8", "x", "c")
        assert "3 changes written" in screen_text(app)
        await keys(pilot, "slash")
        await words(pilot, "query")
        await keys(pilot, "x", "j")
        assert "1 change written" in screen_text(app)
    (as_csv,) = (store_file.parent / "dump").glob("*.csv")
    with as_csv.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["row"] for line in lines] == ["changes:2", "deployments:1", "changes:1"]
    assert lines[0]["subject"] == "row where email=[redacted] dropped"
    assert lines[2]["subject"] == HOSTILE
    assert as_csv.stat().st_mode & 0o777 == 0o600
    (as_json,) = (store_file.parent / "dump").glob("*.jsonl")
    assert json.loads(as_json.read_text())["before"] == "SELECT 1\n[/red]"


def test_the_place_of_a_line_is_where_the_feed_has_it(db: sqlite3.Connection, churn: Model) -> None:
    for number in range(12):
        night.put(
            db,
            "changes",
            layer=("run", "data")[number % 2],
            kind="k",
            subject=f"s{number % 5}",
            model_id=churn.id if number % 3 else None,
            at=night.at(-60 + number // 4),
            source="t",
            source_ref=str(number),
            recorded_at=NOW,
        )
    for where in (ChangeFilter(), ChangeFilter(text="s1"), ChangeFilter(model_id=churn.id, since=night.at(-60))):
        for sort in ("at", "layer", "subject", "size"):
            for descending in (True, False):
                order = {"sort": sort, "descending": descending, "where": where}
                lines = changes.feed(db, **order)  # type: ignore[arg-type]
                places = [changes.place(db, c.table, c.id, **order) for c in lines]  # type: ignore[arg-type]
                assert places == list(range(len(lines)))
    assert changes.place(db, "changes", 1, where=ChangeFilter(text="nothing")) is None
    assert changes.place(db, "changes", 1, where=ChangeFilter(text="nothing"), sort="kind") is None


async def test_a_layer_and_what_nobody_reviewed_are_a_key_away(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "8", "F", "u")
        assert app.pane.table.count == 1
        assert "/unreviewed" in screen_text(app)
        await keys(pilot, "F", "d")
        assert "no row contains 'layer:data'" in screen_text(app)
        await keys(pilot, "F", "r")
        assert app.pane.table.key == "deployments:1"
        await keys(pilot, "slash")
        await words(pilot, "layer:run since:5h v42")
        assert app.pane.table.count == 1
        await keys(pilot, "F", "enter")
        assert app.pane.table.count == 2


async def test_two_marked_changes_are_compared(db: sqlite3.Connection, store_file: Path, churn: Model) -> None:
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "8", "d")
        assert "mark exactly two" in screen_text(app)
        await keys(pilot, "space", "j", "space", "d", "enter")
        shown = app.pane.detail.plain
        assert "layer: pipeline -> run" in shown or "layer: run -> pipeline" in shown
        assert "\x1b" not in shown
        await keys(pilot, "escape")
        assert "row changes:1" in app.pane.detail.plain


def test_a_change_shows_its_keys_weights_and_what_else_differs() -> None:
    details = Details(
        (Difference("config", "rate", "1", "2"), Difference("package", "x\x1b", None, "2", 4.0)), 2, "v1", ("data",),
        ("code",), ("prod-3",),
    )  # fmt: skip
    change = Change(
        "deployments", 1, "run", "deploy", "v2 full", 1, "churn", "v1", "v2", 21, None, NOW, "lin", "command", True,
        ("data",),
    )  # fmt: skip
    shown = detail(change, lambda moment: f"{moment:%H:%M}", details, ("changes:9",)).plain
    for part in (
        "rows deployments:1, changes:9", "size 21 keys LARGE", "compared with v1", "rate: 1 -> 2", "   4  + x␛: 2",
        "ALSO DIFFERENT, as a whole: data", "a side lacks it: code", "seen on prod-3", "  v1 -> v2",
    ):  # fmt: skip
        assert part in shown
    assert size(change) == "!21+"
