import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core import alert_answers
from core.escalation import escalate, escalated, sentence, told_of_all, unanswered
from core.storms import answers
from storage import db as store
from storage.records.models import Model
from storage.tables import alerts, storms
from tests.conftest import ADA, NOW
from tests.core.storms.weather import arrive, model, nulls, unit
from tui.header import header_of
from tui.present.lines import header_line

FIRED = NOW + timedelta(hours=1)
"""When the first batch, whose window is an hour, has arrived."""
RULES = 'escalate_after = "30m"\nescalate_to = ["second line", "head"]\nescalate_times = 3\n'


def at(minutes: float) -> datetime:
    return FIRED + timedelta(minutes=minutes)


def called(db: sqlite3.Connection, minutes: float) -> list[str | None]:
    return [call.called for call in escalate(db, at(minutes))]


@pytest.fixture
def eta(db: sqlite3.Connection, tmp_path: Path) -> Model:
    return model(db, tmp_path, "eta", more=RULES)


def test_owner_then_the_others_and_no_more_often_than_said(db: sqlite3.Connection, eta: Model) -> None:
    arrive(db, eta, [unit("temp", "page"), nulls("wind")])
    assert called(db, 29) == []
    assert escalated(db, at(29)) == []
    assert called(db, 30) == ["eta team"]
    assert called(db, 59) == []
    assert called(db, 60) == ["second line"]
    assert called(db, 95) == ["head"]
    assert called(db, 500) == []
    (one,) = escalated(db, at(500))
    assert one.next_at is None
    assert sentence(one, at(500)) == (
        "ESCALATED to eta team, then second line, then head: page 1 of eta unanswered for 8 h"
    )


def test_a_program_that_slept_does_not_call_everybody_at_once(db: sqlite3.Connection, eta: Model) -> None:
    arrive(db, eta, [unit("temp", "page")])
    assert called(db, 300) == ["eta team"]
    assert called(db, 301) == []
    assert called(db, 330) == ["second line"]


def test_an_answer_stops_it_and_waking_begins_anew(db: sqlite3.Connection, eta: Model) -> None:
    (page,) = arrive(db, eta, [unit("temp", "page")])
    assert called(db, 30) == ["eta team"]
    alert_answers.acknowledge(db, page.id, actor=ADA, now=at(40))
    assert escalated(db, at(41)) == []
    assert called(db, 90) == []
    alert_answers.wake(db, page.id, actor=ADA, now=at(100))
    assert called(db, 110) == []
    assert called(db, 130) == ["eta team"]


def test_a_snooze_that_ran_out_counts_from_its_end(db: sqlite3.Connection, eta: Model) -> None:
    (page,) = arrive(db, eta, [unit("temp", "page")])
    alert_answers.snooze(db, page.id, at(120), actor=ADA, now=at(5))
    assert called(db, 119) == []
    assert called(db, 149) == []
    assert called(db, 150) == ["eta team"]


def test_repeats_do_not_set_the_clock_back(db: sqlite3.Connection, eta: Model) -> None:
    for hour in range(3):
        arrive(db, eta, [unit("temp", "page")], hour=hour)
    (one,) = unanswered(db, at(120))
    assert one.since == FIRED
    assert called(db, 120) == ["eta team"]


def test_a_ticket_that_becomes_a_page_counts_from_then(db: sqlite3.Connection, eta: Model) -> None:
    (ticket,) = arrive(db, eta, [unit("temp")])
    alert_answers.acknowledge(db, ticket.id, actor=ADA, now=at(1))
    arrive(db, eta, [unit("temp", "page")], hour=1)
    assert called(db, 60 + 29) == []
    assert called(db, 60 + 30) == ["eta team"]


def test_it_survives_the_end_of_the_program_and_two_of_them(
    db: sqlite3.Connection, store_file: Path, eta: Model
) -> None:
    arrive(db, eta, [unit("temp", "page")])
    other = store.connect(store_file)
    seen = unanswered(other, at(30))
    assert called(db, 30) == ["eta team"]
    assert escalate(other, at(30)) == []
    assert seen[0].next_at == at(30)
    other.close()
    again = store.connect(store_file)
    assert [one.calls[0].called for one in escalated(again, at(31))] == ["eta team"]
    assert escalate(again, at(31)) == []
    again.close()


def test_a_storm_is_one_page_and_one_answer_stops_it(db: sqlite3.Connection, tmp_path: Path) -> None:
    for name in ("eta", "demand", "surge"):
        one = model(db, tmp_path, name, upstream=("weather",), more=RULES)
        arrive(db, one, [unit("temp", "page"), unit("wind", "page")])
    assert len(alerts.page(db)) == 6
    assert called(db, 30) == ["eta team"]
    (storm,) = storms.open_storms(db)
    answers.acknowledge(db, storm.id, actor=ADA, now=at(31))
    assert called(db, 90) == []


def test_nobody_named_is_said(db: sqlite3.Connection, tmp_path: Path) -> None:
    from tests.conftest import registered

    nameless = registered(db, tmp_path, 'name = "x"\ntask = "binary"\n[columns]\ntime = "t"\nprediction = "p"\n')
    arrive(db, nameless, [unit("temp", "page")])
    assert called(db, 30) == [None]
    assert "nobody (the model file names no owner)" in sentence(escalated(db, at(31))[0], at(31))


def test_never_means_never(db: sqlite3.Connection, tmp_path: Path) -> None:
    arrive(db, model(db, tmp_path, "eta", more="escalate_times = 0\n"), [unit("temp", "page")])
    assert called(db, 6000) == []


def test_a_verdict_is_an_answer_until_it_begins_anew(db: sqlite3.Connection, eta: Model) -> None:
    (page,) = arrive(db, eta, [unit("temp", "page")])
    assert called(db, 30) == ["eta team"]
    alert_answers.give_feedback(db, page.id, "noise", actor=ADA, now=at(40))
    assert escalated(db, at(41)) == []
    arrive(db, eta, [unit("temp", "page")], hour=1)
    assert called(db, 200) == []
    alert_answers.wake(db, alerts.page(db)[0].id, actor=ADA, now=at(210))
    assert called(db, 240) == ["eta team"]


def test_the_sentence_names_the_page_that_was_called_for(db: sqlite3.Connection, tmp_path: Path) -> None:
    made = [model(db, tmp_path, name, upstream=("weather",), more=RULES) for name in ("eta", "demand", "surge")]
    first = [arrive(db, one, [unit("temp", "page")])[0] for one in made]
    assert called(db, 30) == ["eta team"]
    (repeat,) = arrive(db, made[0], [unit("temp", "page")], hour=1)
    (one,) = escalated(db, at(40))
    assert sentence(one, at(40)) == f"ESCALATED to eta team: page {repeat.id} of eta unanswered for 40 min"
    alert_answers.acknowledge(db, repeat.id, actor=ADA, now=at(61))
    (one,) = escalated(db, at(62))
    assert sentence(one, at(62)) == (
        f"ESCALATED to eta team for page {first[0].id} of eta, answered since; "
        f"of the same storm page {first[1].id} of demand unanswered for 62 min"
    )


def test_what_was_not_looked_at_is_said(db: sqlite3.Connection, eta: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(db, eta, [unit("temp", "page"), unit("wind", "page")])
    escalate(db, at(30))
    assert told_of_all(db)
    monkeypatch.setattr("storage.tables.escalations.LOOKED_AT", 1)
    assert not told_of_all(db)
    assert len(escalated(db, at(31))) == 1
    state = header_of(db, host="h", store="s", now=at(31))
    assert "1+ ESCALATED 2 PAGE" in header_line(state, 80).plain
