"""Text from outside in every place that a screen draws, every key on every pane: nothing crashes, nothing acts."""

import os
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.changes import feed as changes
from core.ingest import ingest
from storage import db as store
from storage import model_file
from storage.host import Actor
from storage.tables import models
from tests.conftest import ADA, NOW
from tests.rows import MODEL
from tests.tui.kit import screen_text, settle
from tui.actions import ACTIONS
from tui.app import MidwatchApp
from tui.cli.main import run
from tui.launch import services_for
from tui.panes import PANES, PaneSpec

HOSTILE = (
    "[/x]",
    "[@click=app.quit]x[/]",
    "[bold red]b",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31mred",
    "a\u202egpj.exe\u2066",
    "two\nlines\r\tand a tab",
    "日本語 e\u0301 \x9b31m",
    "x" * 10_000,
)
ACTS = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\r")
SCREENS = [((80, 24), ""), ((60, 20), "you may not write")]
ASIDE = ("back", "command", "filter", "up", "page_up", "page_down")
KEYS = [action.keys[0] for action in ACTIONS if action.id not in ASIDE]
EVERYWHERE = [action.keys[0] for action in ACTIONS if action.id not in ASIDE and not action.where]
REFUSED = ["enter", "y", *(action.keys[0] for action in ACTIONS if action.mutating)]
BURSTS = int(os.environ.get("MIDWATCH_BURSTS", "10"))


def quoted(value: object) -> str:
    return '"' + str(value).replace('"', '""') + '"'


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which every text that somebody else may choose is hostile; made once."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "s.db"
    everything = "".join(HOSTILE[:7])
    column = "".join(HOSTILE[:3]) + "\u202ecol"
    text = MODEL.replace('task = "binary"', 'task = "binary"\nowner = "[/x] [@click=app.quit]o[/] \\u202e"')
    (folder / "churn.toml").write_text(text)
    store.prepare(path)
    db = store.connect(path)
    parsed, body, sha256 = model_file.read(folder / "churn.toml")
    models.register(db, parsed.name, path=str(folder / "churn.toml"), text=body, sha256=sha256, actor=ADA, now=NOW)
    model = models.get(db, "churn")
    rng = random.Random(5)
    for number in range(4):
        log = folder / f"[b]{number}\x1b[2J.csv"
        with log.open("w", newline="") as out:
            out.write(f"ts,request_id,{quoted(column)},spend,score,label,version\n")
            for i in range(80):
                cell = HOSTILE[i % len(HOSTILE)] if number < 3 else f"[/{number}] {everything} {i}"
                spend = rng.gauss(40, 8) * (1 if number < 3 else 50)
                out.write(
                    f"2026-11-0{number + 1}T0{i // 60}:{i % 60:02}:00Z,r{number}-{i},{quoted(cell)},{spend:.2f},"
                    f"{rng.uniform(0.1, 0.5):.3f},{i % 3 == 0:d},[/x]v\u202e1\n"
                )
            out.write("[/broken] \x1b[2J,x\n")
        list(ingest(db, model, [str(log).replace("[", "[[]")], actor=ADA, now=NOW, role="serving"))
    for at, subject in enumerate((*HOSTILE[:8], "y" * 3000)):
        fields = {
            "layer": "data",
            "kind": f"[/k]{at}",
            "subject": subject,
            "before": subject,
            "at": NOW,
            "model": "churn",
        }
        changes.add(db, fields, source="manual", actor=Actor("[/ada]", "h"), now=NOW)
    db.close()
    assert run(["incidents", "open", everything, "--alert", "1", "--store", str(path)]) == 0
    assert run(["incidents", "note", "INC-1", everything, "--store", str(path)]) == 0
    return path


def app_on(path: Path, *, read_only: str = "") -> MidwatchApp:
    services = services_for(path, read_only=bool(read_only))
    services = replace(services, now=lambda: NOW + timedelta(hours=1), actor=lambda: ADA)
    return MidwatchApp(services, read_only=read_only, locked=False)


def harmless(app: MidwatchApp) -> None:
    text = screen_text(app)
    assert not [c for c in ACTS if c in text]
    assert app._exception is None
    assert app.is_running


def keys_of(pane: str) -> list[str]:
    """Keys that mean something in a pane; those of all other panes follow in one go."""
    own = [action.keys[0] for action in ACTIONS if pane in action.where]
    return [*own, *(EVERYWHERE if pane in ("home", "slices") else ("enter", "y", "x"))]


@pytest.mark.parametrize(("size", "read_only"), SCREENS)
@pytest.mark.parametrize("spec", PANES, ids=lambda spec: spec.id)
async def test_every_key_on_every_pane(
    hostile: Path,
    spec: PaneSpec,
    size: tuple[int, int],
    read_only: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    app = app_on(hostile, read_only=read_only)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for key in keys_of(spec.id) if not read_only else REFUSED:
            await app.action_pane(spec.id)
            await pilot.press(key)
            harmless(app)
            await pilot.press("escape")
        await settle(pilot)
        await pilot.press(*(key for key in KEYS if key not in keys_of(spec.id)))
        await settle(pilot)
        harmless(app)


async def test_every_key_on_panes_without_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    store.prepare(tmp_path / "s.db")
    app = app_on(tmp_path / "s.db")
    async with app.run_test(size=(80, 24)) as pilot:
        for spec in PANES:
            own = [action.keys[0] for action in ACTIONS if spec.id in action.where]
            for key in ["enter", "y", "d", *own]:
                await app.action_pane(spec.id)
                await pilot.press(key)
                harmless(app)
                await pilot.press("escape")
        await settle(pilot)
        harmless(app)


async def test_random_keys(hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    rng = random.Random(20261123)
    app = app_on(hostile)
    keys = [key for action in ACTIONS for key in action.keys] + [s.key for s in PANES] + list("abcxyz[]/@0 ")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for _ in range(BURSTS):
            # No q: from Home it would rightly end the program.
            await pilot.press(*[key for key in (rng.choice(keys) for _ in range(8)) if key != "q"])
            harmless(app)
        await settle(pilot)
        harmless(app)
