import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from core import alert_answers
from core.alert_raising import raise_standing
from core.breaking_through import SLO_BURN
from core.watchdogs import NO_DATA, _draft
from storage.errors import UsageError
from storage.records.models import Model
from storage.tables import alerts
from tests.conftest import ADA, NOW
from tests.core.storms.weather import arrive, model, nulls, unit
from tests.core.test_alerts import found

LATER = NOW + timedelta(hours=1)


def silence(db: sqlite3.Connection, one: Model, *, column: str | None = "a", check: str | None = None) -> int:
    return alert_answers.silence(
        db,
        model_id=one.id,
        check=check,
        column=column,
        ends_at=LATER + timedelta(days=2),
        reason="known",
        actor=ADA,
        now=LATER,
    )


def last_note(db: sqlite3.Connection, alert_id: int) -> str:
    return alerts.events(db, alert_id)[-1].note or ""


@pytest.fixture
def churn(db: sqlite3.Connection, tmp_path: Path) -> Model:
    one = model(db, tmp_path, "churn")
    arrive(db, one, [nulls("a")])
    return one


def test_the_preview_holds_exactly_what_would_be_hidden(db: sqlite3.Connection, churn: Model) -> None:
    arrive(db, churn, [found("completeness", "a", cause="x", columns=("a", "b")), found("unit", "b", cause="unit")])
    arrive(db, churn, [found("missing_column", "a", cause="schema", tier="page", error_class="hard")])
    seen = alert_answers.preview_silence(db, model_id=churn.id, check=None, column="a", now=LATER)
    assert [(tier, title) for _, tier, title in seen.matched] == [
        ("page", "missing_column a"),
        ("ticket", "completeness a"),
    ]
    assert (len(seen.through), seen.hidden, seen.loud) == (1, 1, 1)
    assert "would have hidden 1 alert in" in seen.words
    assert "1 of class hard would have broken through" in seen.words
    every = alert_answers.preview_silence(db, model_id=churn.id, check=None, column=None, now=LATER)
    assert len(every.matched) == 3


def test_what_is_louder_or_hard_breaks_through_and_says_so(db: sqlite3.Connection, churn: Model) -> None:
    number = silence(db, churn)
    (hidden,) = arrive(db, churn, [nulls("a")], hour=2)
    assert (hidden.state, last_note(db, hidden.id)) == ("snoozed", f"silence {number} by ada: known")
    (loud,) = arrive(db, churn, [nulls("a", "page")], hour=3)
    assert loud.state == "firing"
    assert last_note(db, loud.id) == (
        f"breaks through silence {number} by ada: it is a page, louder than the ticket that was silenced"
    )
    (hard,) = arrive(db, churn, [found("retyped_column", "a", cause="schema", error_class="hard")], hour=4)
    assert (hard.state, "it is of class hard" in last_note(db, hard.id)) == ("firing", True)


def test_what_fires_when_a_silence_is_made_becomes_quiet_too(db: sqlite3.Connection, churn: Model) -> None:
    mine, hard = arrive(db, churn, [nulls("a"), found("schema", "b", cause="schema", error_class="hard")])
    number = silence(db, churn, column=None)
    assert (alerts.get(db, mine.id).state, alerts.get(db, hard.id).state) == ("snoozed", "firing")
    alert_answers.end_silence(db, number, actor=ADA, now=LATER)
    assert alerts.get(db, mine.id).state == "firing"


def test_a_silence_with_nothing_to_hide_lets_a_page_through(db: sqlite3.Connection, churn: Model) -> None:
    silence(db, churn, column="new")
    assert arrive(db, churn, [nulls("new")], hour=2)[0].state == "snoozed"
    assert arrive(db, churn, [unit("new", "page")], hour=3)[0].state == "firing"


def test_burning_objectives_break_every_silence_of_their_model(db: sqlite3.Connection, churn: Model) -> None:
    silence(db, churn)
    (hidden,) = arrive(db, churn, [nulls("a")], hour=2)
    draft = _draft(churn, SLO_BURN, "auc", tier="page", error_class="hard", title="auc burns its budget", score=5.0)
    raise_standing(db, churn, draft, LATER + timedelta(hours=2))
    assert alerts.get(db, hidden.id).state == "firing"
    assert last_note(db, hidden.id) == "breaks through its silence: auc burns its budget"
    (again,) = arrive(db, churn, [nulls("a")], hour=3)
    assert (again.state, "burns its error budget" in last_note(db, again.id)) == ("firing", True)


def test_ending_a_silence_wakes_what_it_hid_and_nothing_else(db: sqlite3.Connection, churn: Model) -> None:
    number = silence(db, churn)
    other = silence(db, churn, column="b")
    hidden, mine = arrive(db, churn, [nulls("a"), nulls("b")], hour=2)
    woken = alert_answers.end_silence(db, number, actor=ADA, now=LATER + timedelta(hours=4))
    assert woken == [hidden.id]
    assert (alerts.get(db, hidden.id).state, alerts.get(db, mine.id).state) == ("firing", "snoozed")
    assert arrive(db, churn, [nulls("a")], hour=5)[0].state == "firing"
    with pytest.raises(UsageError, match="is over already"):
        alert_answers.end_silence(db, number, actor=ADA, now=LATER + timedelta(hours=5))
    with pytest.raises(UsageError, match="is over already"):
        alert_answers.end_silence(db, other, actor=ADA, now=LATER + timedelta(days=9))


def test_no_data_is_kept_quiet_by_a_silence_of_its_whole_model_only(db: sqlite3.Connection, churn: Model) -> None:
    silence(db, churn)
    draft = _draft(churn, NO_DATA, "", tier="ticket", error_class="ops", title="no batch of churn", score=1.0)
    first = raise_standing(db, churn, draft, LATER)
    assert first is not None
    assert first.state == "firing"
    alerts.event(db, first.id, "resolve", by="midwatch", now=LATER)
    silence(db, churn, column=None)
    second = raise_standing(db, churn, draft, LATER)
    assert second is not None
    assert alerts.get(db, second.id).state == "snoozed"
