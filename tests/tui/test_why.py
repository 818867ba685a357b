"""``w`` on the screen and ``midwatch why`` on the command line: the same answer."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from core.incidents import lifecycle
from core.incidents.view import detail
from storage import db as store
from storage.records.models import Model
from storage.tables import alerts, batches, models
from tests.conftest import ADA, NOW, filled, registered
from tests.core.why.night import MODEL, fill
from tests.core.why.test_answer import cents, change, feed
from tests.tui.kit import HOSTILE, screen_text
from tests.tui.night_screen import keys, screen
from tui.app import MidwatchApp
from tui.cli.main import run
from tui.screens.why import WhyScreen
from tui.widgets.bars import Status


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A store with a model whose caller sends cents, and a hostile change before it; made once."""
    folder = tmp_path_factory.mktemp("broken")
    path = Path(shutil.copy(empty_store, folder / "midwatch.db"))
    with closing(store.connect(path)) as db:
        model = registered(db, folder, MODEL)
        feed(db)
        change(db, 1, "component", "client", HOSTILE)
        fill(db, model, folder, cents)
    return path


@pytest.fixture
def broken(db: sqlite3.Connection, template: Path) -> Model:
    return models.get(filled(db, template), "churn")


def told(pilot: Pilot[None]) -> str:
    found = pilot.app.screen
    assert isinstance(found, WhyScreen)
    return "\n".join(str(part.content) for part in found.query(Static) if part.display)


async def test_w_tells_symptom_suspect_and_what_not_to_do(
    db: sqlite3.Connection, broken: Model, store_file: Path
) -> None:
    incident = lifecycle.open_incident(db, model=broken, title="spend is odd", actor=ADA, now=NOW)
    async with screen(store_file).run_test(size=(80, 24)) as pilot:
        await keys(pilot, "w")
        page = told(pilot)
        assert "one column came in another unit" in page
        assert "checkout app 7.1" in page
        seen = screen_text(cast("MidwatchApp", pilot.app))  # without a key: what to do, and that there is more below
        assert "do       " in seen
        assert "do not   roll back" in seen
        assert "test     " in seen
        assert "↓" in seen.splitlines()[-1]
        await keys(pilot, "enter", "G")
        assert "the product of these weights" in screen_text(cast("MidwatchApp", pilot.app))
        assert "do not   roll back" in screen_text(cast("MidwatchApp", pilot.app))
        await keys(pilot, "g", "escape")
        assert max(len(line) for line in page.splitlines()) <= 80
        await keys(pilot, "k")
        page = told(pilot)
        assert "do not   roll back" in page
        assert "[/boom]" in page  # told as it is, never as markup
        await keys(pilot, "j", "i", "enter")
        status = pilot.app.screen_stack[0].query_one(Status)
        assert incident.key in status.text
    guess = detail(db, incident.key, now=NOW).hypotheses[0]
    assert guess.cause == "component/unit"
    assert guess.standing in ("supported", "open")


async def test_from_an_alert_and_back(db: sqlite3.Connection, broken: Model, store_file: Path) -> None:
    async with screen(store_file).run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "w")
        assert "WHY churn" in told(pilot)
        await keys(pilot, "enter", "escape", "escape")
        assert not isinstance(pilot.app.screen, WhyScreen)
        await keys(pilot, "w", "8")
        assert not isinstance(pilot.app.screen, WhyScreen)


def test_the_command_says_the_same(
    db: sqlite3.Connection, broken: Model, store_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alert = next(a for b in batches.page(db) for a in alerts.of_batch(db, b.id) if a.cause == "unit change")
    for what in ("churn", str(alert.id)):
        assert run(["why", what, "--json", "--store", str(store_file)]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["symptoms"][0]["id"] == "unit-change"
        assert found["suspects"][0]["change"]["kind"] == "client"
        assert found["causes"][0]["cause"] == "component/unit"
        assert {w["name"] for w in found["suspects"][0]["weights"]} >= {"time", "layer", "fit"}
        assert found["symptoms"][0]["do_not"]
    assert run(["why", "churn", "--store", str(store_file)]) == 0
    assert "suspect 1" in capsys.readouterr().out
    assert run(["why", "churn", "--batch", "7", "--store", str(store_file)]) == 0
    assert "nothing to explain" in capsys.readouterr().out
    assert run(["why", "churn", "--batch", "7", "--at", "2h", "--store", str(store_file)]) == 2
    assert run(["why", "nobody", "--store", str(store_file)]) == 2


def test_a_wrong_symptom_file_is_named(
    db: sqlite3.Connection, broken: Model, store_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = store_file.parent / "symptoms"
    folder.mkdir()
    (folder / "ours.toml").write_text('[[symptom]]\nid = "x"\n')
    assert run(["why", "churn", "--store", str(store_file)]) == 2
    assert "ours.toml, symptom x: title must be a text" in capsys.readouterr().err
