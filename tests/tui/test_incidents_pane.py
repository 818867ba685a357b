import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.handover import build
from core.incidents import from_alerts, lifecycle, writing
from core.incidents.view import detail
from storage.records.models import Model
from storage.tables import alerts, audit, incidents
from tests.conftest import ADA, NOW
from tests.core import night
from tests.tui.kit import HOSTILE, screen_text, settle
from tests.tui.night_screen import SIZES, keys, night_of, screen, words
from tui.screens.incidents import IncidentsPane
from tui.screens.rollback import RollbackSheet, UndoSheet


@pytest.fixture
def churn(db: sqlite3.Connection, register: Callable[..., Model]) -> Model:
    model = register()
    night_of(db, model.id)
    return model


def opened(db: sqlite3.Connection, model: Model | None, title: str = HOSTILE, **rest: object) -> str:
    return lifecycle.open_incident(db, model=model, title=title, actor=ADA, now=NOW, **rest).key  # type: ignore[arg-type]


async def test_from_page_to_incident_to_note_to_report(db: sqlite3.Connection, store_file: Path, churn: Model) -> None:
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "a")
        head = app.pane.table.row()  # type: ignore[union-attr]
        assert head is not None
        await keys(pilot, "i")
        assert "SEV2 incident: " in screen_text(app)
        await keys(pilot, "enter")
        assert "INC-0001 opened" in screen_text(app)
        assert "  INC-0001\n window" in re.sub(r" +\n", "\n", screen_text(app))
        (found,) = incidents.list_page(db, now=NOW)
        assert (found.key, found.severity, found.owner, found.state) == ("INC-0001", "SEV2", "ada", "open")
        group = alerts.of_group(db, churn.id, head.key.partition(":")[2])
        assert {a.incident_id for a in group} == {found.id}
        assert {a.state for a in group} == {"acknowledged"}
        await keys(pilot, "3", "n")
        await words(pilot, "looking [/red] at v42")
        await keys(pilot, "x")
        assert "report written" in screen_text(app)
        text = app.pane.copy_text().splitlines()  # type: ignore[union-attr]
        assert len(text) == 6
        assert text[0].startswith("INC-0001 SEV2 open: ")
    assert "looking [/red] at v42" in [e.body for e in incidents.events(db, found.id)]
    report = (store_file.parent / "reports" / "INC-0001.md").read_text()
    assert report.startswith("# INC-0001: ")
    assert "looking" in report
    assert audit.verify(db).broken_at is None


async def test_home_opens_one_incident_of_all_that_fires_and_links_the_next(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await keys(pilot, "i", "enter")
        (found,) = incidents.list_page(db, now=NOW)
        assert found.alerts == 3
        await keys(pilot, "i")
        assert "INC-0001 (open) holds this already" in screen_text(app)
        late = night.alert(db, churn.id, None, -1, group="late")
        await keys(pilot, "i")
        assert "1 live incident" in screen_text(app)
        await keys(pilot, "enter")
        assert alerts.get(db, late).incident_id == found.id
        assert "INC-0001 now holds these: 4 alerts" in screen_text(app)
        again = night.alert(db, churn.id, None, -1, group="again")
        await keys(pilot, "i", "n", "enter")
        assert [i.key for i in incidents.list_page(db, now=NOW, sort="key")] == ["INC-0002", "INC-0001"]
        assert incidents.get(db, "2").id == alerts.get(db, again).incident_id


def test_an_earlier_trouble_of_the_group_stays_out(db: sqlite3.Connection, churn: Model) -> None:
    old = night.alert(db, churn.id, None, -600, start=-610, group="third")
    seen = night.alert(db, churn.id, None, -590, start=-600, group="third")
    night.put(db, "alert_events", alert_id=seen, kind="resolve", by="midwatch", at=night.at(-580))
    first = night.alert(db, churn.id, None, -9, start=-20, group="third")
    head = night.alert(db, churn.id, None, -5, start=-10, group="third")
    assert from_alerts.members(db, [alerts.get(db, head)]) == [first, head]
    page = build(db, start=night.at(-60), end=NOW)
    assert {a.id for a in page.firing if a.group_key == "third"} == {first, head}
    assert old not in {a.id for a in page.firing}


async def test_home_says_so_when_nothing_fires(db: sqlite3.Connection, store_file: Path, register: object) -> None:
    register()  # type: ignore[operator]
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await keys(pilot, "i")
        assert "no page or ticket of churn is open" in screen_text(app)


@pytest.mark.parametrize("size", SIZES)
async def test_live_ones_come_first_and_hostile_words_are_data(
    db: sqlite3.Connection, store_file: Path, churn: Model, size: tuple[int, int]
) -> None:
    closed = opened(db, churn, "old", severity="SEV1")
    lifecycle.set_state(db, closed, "false alarm", reason="no", actor=ADA, now=NOW)
    small = opened(db, churn, "small", severity="SEV4")
    first = opened(db, churn, alerts=[1, 3], severity="SEV2")
    guess = writing.hypothesis(db, first, HOSTILE, cause="run/training", actor=ADA, now=NOW)
    writing.evidence(db, first, guess, reference="alert:1", text=HOSTILE, actor=ADA, now=NOW)
    writing.follow_up(db, first, HOSTILE, actor=ADA, now=NOW)
    app = screen(store_file)
    async with app.run_test(size=size) as pilot:
        await keys(pilot, "3")
        pane = app.pane
        assert isinstance(pane, IncidentsPane)
        rows = pane.table.source.window(pane.table.view, 0, 9)
        assert [row.key for row in rows] == [first, small, closed]
        assert [pane.table.source.place(pane.table.view, row.key) for row in rows] == [0, 1, 2]
        shown = pane.detail.plain
        for part in ("next: ", "lacks a cause", "deploy v42 full", "supported (1 for, 0 against)", "follow-ups (1)"):
            assert part in shown
        assert "\x1b" not in shown
        assert "[@click=app.exit]x[/]" in shown
        assert shown.index("timeline") > shown.index("what changed before")
        assert max(map(len, screen_text(app).splitlines())) <= size[0]
        await keys(pilot, "enter", "G")
        assert app.is_running
        await keys(pilot, "escape", "slash")
        await words(pilot, "small")
        assert pane.table.key == small
        await keys(pilot, *["s"] * 14)
        assert app.is_running


async def test_a_menu_leads_from_open_to_reviewed_and_refuses_in_sentences(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    key = opened(db, churn, "scores moved", alerts=[1])
    other = opened(db, churn, "the same")
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "3")
        app.pane.table.go(key)  # type: ignore[union-attr]
        await keys(pilot, "i", "s", "1")
        await keys(pilot, "i", "h")
        await words(pilot, "run/training half of the labels flipped")
        await keys(pilot, "i", "e", "1", "f")
        await words(pilot, "deployment:1 ten minutes before")
        await keys(pilot, "i", "t")
        await words(pilot, "gate on shadow")
        await keys(pilot, "i", "k", "1")
        await keys(pilot, "i", "a")
        await words(pilot, "asked m.ito")
        await keys(pilot, "i", "m")
        await words(pilot, "rolled back to v41")
        assert incidents.get(db, key).state == "mitigated"
        await keys(pilot, "i", "r")
        assert "in which layer" in screen_text(app)
        await keys(pilot, "r", "t")
        await words(pilot, "labels joined wrongly")
        assert incidents.get(db, key).cause == "run/training"
        await keys(pilot, "i", "v")
        assert f"{key} can't become reviewed: it lacks a check or set entry" in " ".join(screen_text(app).split())
        await keys(pilot, "escape", "i", "p", "c")
        await words(pilot, "label base rate")
        await keys(pilot, "i", "v")
        found = detail(db, key, now=NOW)
        assert found.incident.state == "reviewed"
        assert found.incident.severity == "SEV1"
        assert found.hypotheses[0].standing == "supported"
        assert found.prevention == ("check", "label base rate")
        assert found.follow_ups[0].done_by == "ada"
        app.pane.table.go(other)  # type: ignore[union-attr]
        await keys(pilot, "i", "r", "escape")
        await keys(pilot, "i", "w")
        await words(pilot, "")
        await keys(pilot, "i", "c", "d", "s")
        await words(pilot, "a column was renamed")
        assert incidents.get(db, other).cause == "data/schema"
        await keys(pilot, "i", "d")
        await words(pilot, "")
        assert "no live incident" not in screen_text(app)
        await keys(pilot, "i", "f")
        await words(pilot, "")
        assert "it lacks a reason" in " ".join(screen_text(app).split())
        await keys(pilot, "i", "f")
        await words(pilot, "a test")
        assert incidents.get(db, other).state == "false alarm"


async def test_a_read_only_screen_refuses_what_records_and_still_reports(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    key = opened(db, churn, "scores moved", alerts=[1])
    app = screen(store_file, read_only="midwatch was started with --read-only")
    async with app.run_test(size=(80, 24)) as pilot:
        for pane, pressed in (
            ("1", "i"),
            ("2", "i"),
            ("3", "i"),
            ("3", "n"),
            ("8", "n"),
            ("8", "i"),
            ("9", "n"),
            ("9", "a"),
        ):
            await keys(pilot, "escape", pane, pressed)
            assert "refused" in screen_text(app), (pane, pressed)
        await keys(pilot, "3", "x")
        assert "report written" in screen_text(app)
    assert [i.key for i in incidents.list_page(db, now=NOW)] == [key]
    assert not [e for e in incidents.events(db, 1) if e.kind == "note"]


async def test_rollback_and_undo_begin_from_the_incident(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    opened(db, None, "no single model", severity="SEV4")
    key = opened(db, churn, "scores moved", alerts=[1], severity="SEV1")
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "3", "R")
        assert isinstance(app.screen, RollbackSheet)
        assert (app.screen.model_name, app.screen.incident_key) == ("churn", key)
        await keys(pilot, "escape", "u")
        assert isinstance(app.screen, UndoSheet)
        await keys(pilot, "escape", "G", "R")
        assert "concerns no single model" in screen_text(app)
