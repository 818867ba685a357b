"""Pages by the week before other checks are in force, against what then happens."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.ingest import ingest
from core.tuner.backtest import opened
from core.tuner.expected import of_changed_file, pages_per_week
from core.tuner.history import read
from core.tuner.replay import Told, replay
from storage.records.models import CheckSpec, Model
from tests.conftest import ADA, NOW, registered
from tests.core.tuner.play import Day, add, drift, fresh, play
from tests.rows import MODEL, write_log
from tui.cli.main import cli

Register = Callable[..., Model]


def test_a_page_counts_when_it_opens() -> None:
    page, other = Told(1, "page", "a", None), Told(1, "page", "b", None)
    assert opened([[page], [page], [], [page], [], [], [page, other]], "page") == 3
    assert opened([[Told(1, "ticket", "a", None)], [page]], "page") == 1


def test_verdicts_answer_for_conditions_over_the_whole_history(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    for day in range(28):
        loud = day % 7 == 3
        findings = [drift(Day(1.3 if day < 14 else 5.0), tier="page")] if loud else []
        add(db, model, 24 * day, findings)
    found = pages_per_week(db, model, (CheckSpec("drift", times=2.0),))
    assert (found.before, found.after, found.weeks, found.rejudged) == (1.0, 0.5, 4.0, False)
    assert [found.low, found.high] == pytest.approx([0.0606, 1.806], abs=1e-3)
    assert found.text(2).startswith("expected pages per week 1.0 -> 0.5 (budget 2; 95 %: 0.1 to 1.8)")
    assert pages_per_week(db, model, ()).after == 1.0


def test_under_a_week_no_rate_is_made_up(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    play(db, model, [Day(2.0), Day(None)])
    found = pages_per_week(db, model, (CheckSpec("drift", enabled=False),))
    assert found.after is None
    assert "not known" in found.text(2)


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """Eight days of reference and twelve that are served, some of them moved a little."""
    folder = tmp_path_factory.mktemp("daily")
    moved = (40.0, 41.5, 40.0, 40.0, 42.0, 40.0, 40.0, 43.0, 40.0, 40.0, 40.0, 41.5)
    before = [str(write_log(folder, 24 * number)) for number in range(8)]
    return before, [str(write_log(folder, 24 * (8 + n), spend=spend)) for n, spend in enumerate(moved)]


def store_of(folder: Path, logs: tuple[list[str], list[str]], text: str) -> tuple[sqlite3.Connection, Model]:
    db, model = fresh(folder, text)
    list(ingest(db, model, logs[0], role="reference", actor=ADA, now=NOW))
    list(ingest(db, model, logs[1], actor=ADA, now=NOW))
    return db, model


@pytest.mark.simulation
def test_the_estimate_of_nearer_limits_holds_in_a_simulation(
    tmp_path: Path, daily: tuple[list[str], list[str]]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    db, model = store_of(tmp_path / "a", daily, MODEL)
    keys = '[[checks]]\ncheck = "drift"\ntimes = 0.4\ntier = "page"\n'
    found = pages_per_week(db, model, (CheckSpec("drift", times=0.4, tier="page"),))
    other, changed = store_of(tmp_path / "b", daily, MODEL + keys)
    happened = opened(replay(read(other, changed), changed.file.checks).days(), "page") / found.weeks
    assert found.rejudged
    assert found.before == 0.0
    assert found.after is not None
    assert found.low is not None
    assert found.high is not None
    assert happened > 0
    assert found.low <= happened <= found.high
    db.close()
    other.close()


@pytest.mark.simulation
def test_init_tells_it_before_the_change_and_says_nothing_of_other_changes(
    tmp_path: Path, daily: tuple[list[str], list[str]]
) -> None:
    db, model = store_of(tmp_path, daily, MODEL)
    same = registered(db, tmp_path, MODEL + '[[checks]]\ncheck = "drift"\nowner = "maps"\n')
    assert of_changed_file(db, model, same.file) is None
    db.close()
    file = tmp_path / "churn.toml"
    file.write_text(MODEL + '[[checks]]\ncheck = "drift"\ntimes = 1.5\n')
    done = CliRunner().invoke(cli, ["init", str(file), "--store", str(tmp_path / "s.db"), "--json"])
    assert done.exit_code == 0
    assert '"after": 0.0' in done.stdout
    assert "churn: expected pages per week 0.0 -> 0.0 (budget 2" in done.stderr
    again = CliRunner().invoke(cli, ["init", str(file), "--store", str(tmp_path / "s.db")])
    assert "expected" not in again.stderr
