"""Storms, snoozes and silences by key, on the real pane."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from storage.records.models import Model
from storage.tables import alerts, audit, silences, storms
from tests.conftest import NOW
from tests.core.storms.weather import arrive, model, nulls, unit
from tests.tui.kit import HOSTILE, answer, screen_text, settle
from tests.tui.night_screen import keys, screen, words
from tui.cli.main import run
from tui.screens.sheet import Sheet

PANES = ("home", "alerts", "silences")


@pytest.fixture
def weather(db: sqlite3.Connection, tmp_path: Path) -> list[Model]:
    """A page in three models that read one feed, its name hostile, and a lone ticket."""
    made = [model(db, tmp_path, name, upstream=(HOSTILE.split()[0],)) for name in ("eta", "demand", "surge")]
    for one in made[:2]:
        arrive(db, one, [unit("temp", "page"), nulls("wind")], hour=-3)
    arrive(db, made[2], [unit("depth", "page"), nulls("spray")], hour=-3)
    arrive(db, made[0], [nulls("lone")], hour=-40)
    return made


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_a_storm_is_one_line_and_opens_to_its_members(
    db: sqlite3.Connection, store_file: Path, weather: list[Model], size: tuple[int, int]
) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=size) as pilot:
        await keys(pilot, "2", "t")
        pane = app.pane
        assert pane.table.source.count(pane.table.view) == 2  # type: ignore[union-attr]
        assert "1 PAGE 1 TKT" in screen_text(app)
        if size[0] >= 80:
            assert "3 models" in screen_text(app)
        await keys(pilot, "g", "y")
        assert "because: feeds on [/boom], as" in pane.copy_text()  # type: ignore[union-attr]
        await keys(pilot, "enter")
        assert pane.table.source.count(pane.table.view) == 6  # type: ignore[union-attr]
        await keys(pilot, "a")
        assert "1 acknowledged" in screen_text(app)
        assert storms.open_storms(db)[0].firing(NOW) == 5
        await keys(pilot, "escape")
        assert pane.table.source.count(pane.table.view) == 2  # type: ignore[union-attr]


async def test_one_key_answers_all_and_again_takes_it_back(
    db: sqlite3.Connection, store_file: Path, weather: list[Model]
) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "a")
        assert "6 acknowledged in one answer" in screen_text(app)
        (storm,) = storms.open_storms(db)
        assert storm.firing(NOW) == 0
        await keys(pilot, "g")
        place = next(n for n, key in enumerate(("lone", "storm")) if key == "storm")
        for _ in range(place):
            await keys(pilot, "j")
        assert app.pane.table.key == f"storm:{storm.id}"  # type: ignore[union-attr]
        await keys(pilot, "a")
        assert "6 fire again" in screen_text(app)
    assert storms.open_storms(db)[0].firing(NOW) == 6
    assert [e.action for e in audit.recent(db, 2)] == ["storm.undo", "storm.acknowledge"]


async def test_a_verdict_says_that_the_alert_fires_still(
    db: sqlite3.Connection, store_file: Path, weather: list[Model]
) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "j")
        assert "11-2" in screen_text(app)  # the day of a window that is not of today
        await keys(pilot, "f", "n")
        assert "noise recorded; 1 batch joined the baseline; still firing: a acknowledges" in screen_text(app)
    assert alerts.page(db, like="lone")[0].verdict == "noise"


async def test_until_resolved_by_key(db: sqlite3.Connection, store_file: Path, weather: list[Model]) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "z")
        assert "until morning, 2026-11-23 " in screen_text(app)
        assert "until the end of the shift" in screen_text(app)
        await keys(pilot, "r")
        assert "6 snoozed until resolved (2026-12-23" in screen_text(app)
    (storm,) = storms.open_storms(db)
    assert storm.state_at(NOW) == "snoozed"
    assert alerts.events(db, storm.head.id)[-1].note == "until it is resolved"
    (louder,) = arrive(db, weather[1], [nulls("wind", "page")], hour=2)
    assert louder.state == "firing"


async def test_a_silence_by_key_shows_first_what_it_would_hide(
    db: sqlite3.Connection, store_file: Path, weather: list[Model]
) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "j", "z", "s")
        assert "completeness of lone in eta: would have hidden 1 alert " in screen_text(app)
        await keys(pilot, "1", "d")
        await words(pilot, "known [/red]")
        assert isinstance(app.screen, Sheet)
        assert "what is louder than this" in screen_text(app)
        assert silences.page(db, NOW) == []
        await answer(pilot)
        await keys(pilot, "enter")
        assert "silence 1 is in force" in screen_text(app)
        (made,) = silences.page(db, NOW)
        assert (made.check, made.column, made.reason) == ("completeness", "lone", "known [/red]")
        assert made.ends_at == NOW + timedelta(days=1)
        (hidden,) = arrive(db, weather[0], [nulls("lone")], hour=-1)
        assert hidden.state == "snoozed"
        await keys(pilot, "colon")
        await words(pilot, "silences")
        assert "eta completeness lone" in screen_text(app)
        assert "it hides 1 open group" in screen_text(app)
        await keys(pilot, "z")
        await settle(pilot)
        assert "silence 1 is over; 1 alert fires again" in screen_text(app)
    assert alerts.get(db, hidden.id).state == "firing"


def test_the_same_on_the_command_line(
    db: sqlite3.Connection,
    store_file: Path,
    weather: list[Model],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.cli.options.utc_now", lambda: NOW)

    def call(*arguments: str) -> tuple[int, str]:
        code = run(["alerts", *arguments, "--store", str(store_file)])
        return code, capsys.readouterr().out

    assert "storm: 6 alerts in 3 models, depth unit change, since" in call("list")[1]
    assert call("list")[1].count("\n") == 3
    assert call("list", "--json")[1].count('"storm": 1') == 6
    assert "3" in call("storms")[1]
    code, told = call("storm", "1")
    assert (code, told.count("because: ")) == (0, 6)
    assert call("escalated")[0] == 1
    code, told = call("escalated", "--json")
    assert (code, told.count('"who"')) == (1, 1)
    assert call("storm", "1", "--ack")[1] == "acknowledged 6\n"
    assert call("escalated") == (0, "no page was passed on that still waits for an answer\n")
    assert "ada" not in call("storm", "1", "--json")[1]
    assert call("storm", "1", "--undo")[1] == "taken back: 6 are as they were\n"
    assert call("storm", "1", "--snooze", "shift-end")[0] == 0
    assert call("storm", "1", "--ack", "--undo")[0] == 2
    assert call("storm", "9")[0] == 2
    lone = alerts.page(db, like="lone")[0].id
    assert "at the latest" in call("snooze", str(lone), "--until", "resolved")[1]
    assert call("wake", str(lone))[1] == f"alert {lone} fires again\n"
    call("silence", "--model", "eta", "--until", "2d", "--reason", "known")
    assert "eta" in call("silences")[1]
    assert "silence 1 is over" in call("unsilence", "1")[1]
    assert call("unsilence", "1")[0] == 2
    assert call("silences")[1] == "nothing is silenced\n"
