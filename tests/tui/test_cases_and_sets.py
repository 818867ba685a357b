"""e, E, :cases and :sets on the screen; cases, sets and kept on the command line."""

import csv
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from storage import db as store
from storage.records.failure_cases import CaseFilter
from storage.tables import evaluation_sets, failure_cases
from tests.core import case_store
from tests.tui.calls import Call
from tests.tui.kit import screen_text, settle
from tests.tui.night_screen import keys, screen, words
from tui.screens.cases import CasesPane
from tui.screens.failure_cases import Preview, add_cases, add_cases_by_id, keep_slice
from tui.screens.kept import KeptPane
from tui.screens.sets import SetsPane
from tui.widgets.bars import Status

PANES = ("home", "alerts", "cases", "sets", "kept")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = case_store.seed(tmp_path_factory.mktemp("seeded"))
    db = store.connect(folder / "midwatch.db")
    case_store.alert_on_rows(db)
    db.close()
    return folder


@pytest.fixture
def path(seeded: Path, tmp_path: Path) -> Path:
    shutil.copy(seeded / "midwatch.db", tmp_path / "midwatch.db")
    return tmp_path / "midwatch.db"


def reader(path: Path) -> sqlite3.Connection:
    return store.connect(path, read_only=True)


def said(app: object) -> str:
    return app.screen_stack[0].query_one(Status).text  # type: ignore[attr-defined,no-any-return]


async def test_from_an_alert_to_a_frozen_set(path: Path) -> None:
    app = screen(path, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "e")
        assert "25 rows of alert 1: how many become failure cases?" in screen_text(app)
        await keys(pilot, "1")
        assert said(app).startswith("10 failure cases added; :cases shows them")
        await keys(pilot, "colon")
        await words(pilot, "cases")
        pane = app.pane
        assert isinstance(pane, CasesPane)
        assert pane.table.count == 10
        assert "found by alert 1" in pane.detail.plain
        assert "[redacted]" in pane.detail.plain
        await keys(pilot, "space", "j", "space", "f", "e")
        await words(pilot, "1")
        assert said(app) == "2 cases with 1 as the right answer"
        await keys(pilot, "E")
        await words(pilot, "")
        await keys(pilot, "f")
        assert isinstance(app.screen, Preview)
        shown = screen_text(app)
        assert "takes    the 2 marked cases" in shown
        assert "items    2: 2 new, 0 of the version before are gone" in shown
        assert "left out" not in shown
        assert not evaluation_sets.listing(reader(path))
        await keys(pilot, "y")
        [frozen] = evaluation_sets.listing(reader(path))
        assert frozen.sha256[:32] in shown
        assert said(app) == "failures version 1 is frozen: 2 items; :sets shows it"
        await keys(pilot, "E")
        await words(pilot, "")
        assert said(app).startswith("failures version 1 has this very content")
        pane.table.marks.clear()
        await keys(pilot, "E")
        await words(pilot, "every")
        await keys(pilot, "f")
        shown = screen_text(app)
        assert "takes    every case that is not rejected" in shown
        assert "left out 8 cases without a right answer yet" in shown
        await keys(pilot, "escape")
        await keys(pilot, "colon")
        await words(pilot, "sets")
        pane = app.pane
        assert isinstance(pane, SetsPane)
        assert "recomputed now: as frozen" in pane.detail.plain
        await keys(pilot, "x")
        [exported] = (path.parent / "dump").glob("failures-1-*.csv")
        assert {row["plan"] for row in csv.DictReader(exported.read_text().splitlines())} == {"[redacted]"}
        assert max(map(len, screen_text(app).splitlines())) <= 80
        await keys(pilot, "question_mark")
        assert ":cases" in screen_text(app) or app.is_running
        await keys(pilot, "escape", "q")
        assert app.pane is not None
        assert app.pane.pane_id == "home"


async def test_a_read_only_screen_takes_nothing(path: Path) -> None:
    app = screen(path, panes=PANES, read_only="--read-only was given")
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2", "e")
        assert "read-only" in said(app)
        await keys(pilot, "E")
        assert "read-only" in said(app)
        assert app.pane is not None
        add_cases_by_id(app.pane, "churn", 1, ["r1-0"])
        await settle(pilot)
        assert "read-only" in said(app)
        assert failure_cases.count(reader(path), CaseFilter()) == 0


async def test_what_other_panes_call(path: Path) -> None:
    from storage.records.slices import Predicate

    app = screen(path, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "2")
        assert app.pane is not None
        add_cases_by_id(app.pane, "churn", 1, ["r1-0", "r1-1"])
        await settle(pilot)
        add_cases(app.pane, "churn", 1, "region = 'EU'", "region = EU", total=7)
        await settle(pilot)
        await keys(pilot, "a")
        found = failure_cases.page(reader(path), CaseFilter(), descending=False)
        assert [c.source for c in found[:3]] == ["by hand", "by hand", "slice"]
        assert found[-1].source_ref == "region = EU"
        keep_slice(app.pane, "churn", [Predicate("region", "=", "EU")])
        await settle(pilot)
        await words(pilot, "europe")
        await keys(pilot, "c")
        assert said(app).startswith("europe is kept and watched on every batch; read in ")
        await keys(pilot, "colon")
        await words(pilot, "kept")
        assert isinstance(app.pane, KeptPane)
        assert "region = EU" in app.pane.detail.plain
        assert "rows (" in app.pane.detail.plain
        assert max(map(len, screen_text(app).splitlines())) <= 80


def test_the_three_commands(path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_STORE", str(path))
    folder, call = path.parent, Call(capsys)
    assert call("kept", "add", "churn", "latam", "region = LATAM", "--kind", "critical")["read"] <= 1
    [kept] = call("kept", "churn")["kept"]
    assert (kept["kind"], kept["predicates"]) == ("critical", [{"column": "region", "op": "=", "value": "LATAM"}])
    assert "OF BATCH" in call.text("kept", "churn")
    call("kept", "add", "churn", "latam", "region = LATAM", code=5)
    call("kept", "add", "churn", "x", "continent = EU", code=2)
    assert call("kept", "retire", "churn", "latam") == {"retired": "latam"}
    assert call("kept", "churn", "--retired")["kept"][0]["retired_at"]
    assert "no slice is kept" in call.text("kept", "churn")

    added = call("cases", "add", "churn", "--where", "region = LATAM", "--limit", "4", "--reported", "2d")
    assert len(added["cases"]) == 4
    call("cases", "add", "churn", "--id", "r1-0", "--where", "region = EU", code=2)
    call("cases", "add", "churn", "--batch", "77", "--id", "r1-0", code=2)
    assert len(call("cases", "add", "churn", "--alert", "1", "--limit", "6")["cases"]) == 2
    listed = call("cases", "churn")
    assert listed["total"] == 6
    assert {c["source"] for c in listed["cases"]} == {"slice", "alert"}
    ids = [str(c["id"]) for c in listed["cases"]]
    call("cases", "judge", *ids[:3], "--expected", "1", "--verdict", "accepted")
    assert call("cases", "list", "churn", "--queue")["total"] == 3
    assert call("cases", "show", ids[0])["events"][0]["kind"] == "verdict"
    assert "accepted" in call.text("cases", "churn")
    call("cases", "judge", ids[0], code=2)

    planned = call("sets", "freeze", "churn", "failures", "--dry-run")
    frozen = call("sets", "freeze", "churn", "failures")
    assert frozen["sha256"] == planned["sha256"]
    assert (frozen["items"], frozen["new"], len(frozen["left_out"])) == (3, True, 3)
    assert call("sets", "freeze", "churn", "failures")["new"] is False
    assert call("sets", "freeze", "churn", "gold", "--purpose", "golden", "--batch", "1", "--limit", "5")["items"] == 5
    scores = folder / "scores.jsonl"
    items = call("sets", "show", "churn", "failures", "--items")["items"]
    scores.write_text("".join(json.dumps({"id": i["id"], "prediction": 0.9}) + "\n" for i in items))
    told = call("sets", "score", "churn", "failures", "--scores", str(scores), "--version", "v42")
    assert (told["passed"], told["failed"], told["missing"]) == (3, 0, 0)
    scores.write_text(json.dumps({"id": items[0]["id"], "prediction": 0.1}) + "\n")
    told = call("sets", "score", "churn", "failures", "--scores", str(scores), "--version", "v43", code=1)
    assert (told["failed"], told["missing"], told["wrong"][0]["expected"]) == (1, 2, "1")
    assert call("cases", "show", ids[0])["passed_by"]["version"] == "v42"
    assert [s["name"] for s in call("sets", "churn")["sets"]] == ["failures", "gold"]
    assert [s["wrong"] for s in call("sets", "verify", "churn")["sets"]] == [[], []]
    assert (
        call("sets", "export", "churn", "failures", "--output", str(folder / "f.csv"), "--format", "csv")["items"] == 3
    )
    assert len((folder / "f.csv").read_text().splitlines()) == 4
    assert len(call.text("sets", "export", "churn", "failures").splitlines()) == 3
    for words_of in (("sets", "churn"), ("sets", "show", "churn", "failures"), ("sets", "verify", "churn")):
        assert frozen["sha256"][:12] in call.text(*words_of)
    call("sets", "show", "churn", "nothing", code=2)
    call("sets", "freeze", "churn", "more", "--case", "1", "--batch", "1", code=2)

    opened = call("incidents", "open", "spend lost", "--model", "churn")["key"]
    call("cases", "judge", *ids[:2], "--incident", opened)
    assert call("cases", "list", "churn", "--incident", opened)["total"] == 2
    call("incidents", "prevent", opened, "--set", "nothing", code=2)
    call("incidents", "prevent", opened, "--set", "failures")
