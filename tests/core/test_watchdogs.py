import csv
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.home import line
from core.ingest import ingest
from core.watchdogs import watch_silence
from storage.records.models import Model
from storage.tables import alerts
from tests.conftest import ADA, NOW
from tests.rows import MODEL, START, write_log

METRICS = '[labels]\nminimum = 50\n[[metrics]]\nname = "auc"\nprimary = true\n'
LATE = START + timedelta(days=3)


def causes(db: sqlite3.Connection, model: Model) -> dict[str, str]:
    return {alert.cause: alert.tier for alert in alerts.open_groups(db, model.id)}


def test_a_model_gone_silent_is_a_ticket_until_data_comes_again(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    files = [str(write_log(tmp_path, number, rows=60)) for number in range(6)]
    list(ingest(db, model, files[:5], actor=ADA, now=START + timedelta(hours=5)))
    assert watch_silence(db, START + timedelta(hours=6)) == []
    assert watch_silence(db, START + timedelta(hours=9))[0].cause == "no data"
    assert watch_silence(db, START + timedelta(hours=10)) == []  # said once
    list(ingest(db, model, files[5:], actor=ADA, now=START + timedelta(hours=10)))
    watch_silence(db, START + timedelta(hours=7))
    assert "no data" not in causes(db, model)


def test_history_taken_in_late_is_no_silence_and_a_new_silence_has_its_own_date(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    files = [str(write_log(tmp_path, number, rows=60)) for number in range(6)]
    late = START + timedelta(days=4000)
    list(ingest(db, model, files[:5], actor=ADA, now=late))
    assert watch_silence(db, late) == []
    (first,) = watch_silence(db, late + timedelta(hours=5))
    assert f"since {late:%Y-%m-%d %H:%M}Z, its data end {START:%Y-%m-%d} 04:59Z" in first.title
    again = late + timedelta(hours=6)
    list(ingest(db, model, files[5:], actor=ADA, now=again))
    (second,) = watch_silence(db, again + timedelta(hours=5))  # nobody looked in between
    assert f"since {again:%Y-%m-%d %H:%M}Z, its data end {START:%Y-%m-%d} 05:59Z" in second.title
    assert [a.id for a in alerts.open_groups(db, model.id) if a.cause == "no data"] == [second.id]
    assert alerts.get(db, first.id).state == "resolved"


def test_labels_turned_round_accuse_the_labels(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL + METRICS)
    files = [write_log(tmp_path, number, rows=400) for number in range(9)]
    with files[8].open() as source:
        rows = list(csv.DictReader(source))
    with files[8].open("w") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": 1 - int(row["label"])} for row in rows)
    for number, file in enumerate(files):
        list(ingest(db, model, [str(file)], actor=ADA, now=LATE + timedelta(hours=number)))
        found = [a for a in alerts.open_groups(db, model.id) if a.title.startswith("the labels look turned round")]
        assert bool(found) is (number == 8)


def test_a_model_has_its_own_grace_before_no_data(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL + '[alerts]\nno_data_after = "90m"\n')
    list(ingest(db, model, [str(write_log(tmp_path, 0, rows=60))], actor=ADA, now=START + timedelta(hours=1)))
    end = START + timedelta(hours=1)
    assert watch_silence(db, end + timedelta(minutes=80)) == []
    assert line(db, model, end + timedelta(minutes=80)).status == "data"
    (alert,) = watch_silence(db, end + timedelta(minutes=100))
    assert alert.title.endswith("no data is neither zero nor good")
    assert line(db, model, end + timedelta(minutes=100)).status == "no_data"


@pytest.mark.parametrize(("more", "silent"), [("", False), ('[alerts]\nno_data_after = "2h"\n', True)])
def test_a_model_that_never_had_data_is_told_once_its_file_says_when(
    db: sqlite3.Connection, register: Callable[..., Model], more: str, silent: bool
) -> None:
    model = register(MODEL + more)
    assert watch_silence(db, NOW + timedelta(hours=1)) == []
    assert [a.cause for a in watch_silence(db, NOW + timedelta(hours=3))] == ["no data"] * silent
    assert line(db, model, NOW + timedelta(hours=3)).status == ("no_data" if silent else "none yet")


def test_a_batch_of_no_rows_is_a_page_and_not_no_data(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL)
    files = [write_log(tmp_path, number, rows=60) for number in range(6)]
    files[5].write_text(files[5].read_text().splitlines()[0] + "\n")
    done = list(ingest(db, model, [str(file) for file in files], actor=ADA, now=START + timedelta(hours=6)))
    assert [(a.cause, a.tier) for a in done[5].alerts] == [("volume", "page")]
    assert watch_silence(db, START + timedelta(hours=6)) == []


def test_what_was_measured_last_says_nothing_of_now(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    from core.home import health
    from tui.present.home import cells

    model = register(MODEL + METRICS + 'slo = ">= 0.5"\n')
    for number in range(6):
        list(ingest(db, model, [str(write_log(tmp_path, number, rows=400))], actor=ADA, now=LATE))
    for hours, told in ((6, "auc ok"), (48, "auc ? no data")):
        now = START + timedelta(hours=hours)
        assert str(cells(line(db, model, now), health(db, model, LATE), now)[3]).startswith(told)
