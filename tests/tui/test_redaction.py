"""A value of a redacted column is told nowhere: not by a command, not in the store's file, not on the screen."""

import random
from pathlib import Path

import pytest

from storage import db as store
from storage.host import Actor
from tests.conftest import NOW
from tests.rows import MODEL
from tests.tui.kit import screen_text, settle
from tui.app import MidwatchApp
from tui.cli.main import run
from tui.launch import services_for

WORD, NUMBER = "SECRETmail", "777123"
KEYS = ("1", "2", "enter", "escape", "4", "enter", "escape", "j", "enter", "escape")


def log(folder: Path, day: int, *, broken: bool = False) -> str:
    rng = random.Random(day)
    path = folder / f"day{day}.csv"
    with path.open("w") as out:
        out.write("ts,request_id,email,salary,spend,score,label,version\n")
        for i in range(300):
            mail = "" if broken and i % 2 else f"{WORD}{rng.randint(0, 9 if broken else 3)}@x.org"
            salary = 1_777_123_000 if broken else 777_123_000 + rng.randint(0, 9)
            out.write(f"2026-11-{day:02}T0{i // 60}:{i % 60:02}:00Z,r{day}-{i},{mail},{salary},")
            out.write(f"{rng.gauss(40, 8):.2f},{min(0.99, max(0.01, rng.gauss(0.3, 0.1))):.3f},{i % 3 == 0:d},v1\n")
        if broken:
            out.write(f"2026-11-03T05:00:00Z,rx,{WORD}broken@x.org,1\n")
            out.write(f"2026-11-03T05:00:00Z,rx,3,{WORD}cast@x.org,40,.3,0,v1\n")
            out.write(f"2026-11-03T05:00:00Z,rx,1,2,{WORD}shift@x.org,.3,0,v1\n")
    return str(path)


async def test_a_secret_is_told_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    monkeypatch.setenv("MIDWATCH_STORE", str(path))
    model = tmp_path / "churn.toml"
    model.write_text(MODEL.replace('version = "version"', 'version = "version"\nredact = ["email", "salary"]'))
    first, second, third = log(tmp_path, 1), log(tmp_path, 2), log(tmp_path, 3, broken=True)
    calls = [
        ["init", str(model)],
        ["ingest", "churn", first, "--role", "reference"],
        ["ingest", "churn", second, "--json"],
        ["ingest", "churn", third, "--dry-run"],
        ["ingest", "churn", third, "--json"],
        ["ingest", "churn", third],
        ["check", third, "--like", first, "--model", str(model), "--all"],
        ["check", third, "--like", first, "--model", str(model), "--all", "--json"],
        ["infer", "churn", first],
        ["alerts", "list", "--json"],
        ["incidents", "open", "the mails are gone", "--alert", "1"],
        ["incidents", "show", "INC-1", "--json"],
        ["incidents", "report", "INC-1"],
        ["handover", "show"],
        ["changes", "list", "--json"],
        ["--json"],
    ]
    for call in calls:
        assert run(call) in (0, 1), call
        said = capsys.readouterr()
        for secret in (WORD, NUMBER):
            assert secret not in said.out + said.err, call
    db = store.connect(path, read_only=True)
    alerts = db.execute("SELECT count(*), min(id), max(id) FROM alerts").fetchone()
    quarantined = db.execute("SELECT line, reason FROM quarantine ORDER BY line").fetchall()
    columns = {r[0] for r in db.execute("SELECT column_name FROM check_results WHERE status = 'fail'")}
    db.close()
    assert {"email", "salary"} <= columns  # they are judged, only not quoted
    assert [tuple(row) for row in quarantined] == [
        (302, "too few cells"), (303, "salary: a cell is not BIGINT"), (304, "spend: a cell is not DOUBLE"),
    ]  # fmt: skip
    for alert in range(alerts[1], alerts[2] + 1):
        assert run(["alerts", "show", str(alert), "--json"]) == 0
        out = capsys.readouterr().out
        assert WORD not in out
        assert NUMBER not in out
    stored = path.read_bytes()
    assert WORD.encode() not in stored
    assert NUMBER.encode() not in stored

    from dataclasses import replace

    services = replace(services_for(path, read_only=False), now=lambda: NOW, actor=lambda: Actor("ada", "prod-3"))
    app = MidwatchApp(services, locked=False)
    async with app.run_test(size=(160, 50)) as pilot:
        for key in KEYS:
            await pilot.press(key)
            await settle(pilot)
            assert WORD not in screen_text(app)
            assert NUMBER not in screen_text(app)
