import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from core import alert_answers
from core.checks.meanings import STANDING
from core.checks.registry import CHECKS
from core.escalation import escalate
from core.guidance import guidance
from core.incidents import lifecycle
from core.watchdogs import NO_DATA, _draft
from storage.records.alerts import Alert
from storage.tables import alerts, incidents, models, results
from tests.conftest import ADA, NOW
from tests.core.storms.weather import arrive, model, nulls, unit
from tests.core.test_alerts import found
from tui.present import guidance as present

RUNBOOK = 'runbook = """1. ask who feeds it\n2. roll back"""\n[[checks]]\ncheck = "unit_change"\nrunbook = "https://wiki/units"\n'


def lines(db: sqlite3.Connection, alert: Alert) -> str:
    findings = [result.finding for result in results.of_alert(db, alert.id)]
    told = guidance(db, alert, findings)
    return "\n".join(line for line, _ in (*present.about(told), *present.history(told, lambda at: f"{at:%H:%M}")))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_bundled_check_says_what_it_means_and_what_to_do(
    db: sqlite3.Connection, tmp_path: Path, check: object
) -> None:
    name: str = check.name  # type: ignore[attr-defined]
    (alert,) = arrive(db, model(db, tmp_path, "eta", more=RUNBOOK), [found(name, "a", cause="x", tier="ticket")])
    told = guidance(db, alert, [result.finding for result in results.of_alert(db, alert.id)])
    (one,) = told.advice
    assert one.subject == name
    assert all(len(words) > 5 for words in (one.meaning, one.rationale, one.response))
    assert told.runbook == "1. ask who feeds it\n2. roll back"
    assert one.runbook == ("https://wiki/units" if name == "unit_change" else None)
    shown = lines(db, alert)
    assert all(word in shown for word in ("means: ", "why: ", "do: ", "runbook: 1. ask who feeds it\n    2. roll"))
    assert "nobody has answered this kind of alert before" in shown


@pytest.mark.parametrize("cause", STANDING)
def test_what_the_program_raises_itself_is_explained_too(db: sqlite3.Connection, tmp_path: Path, cause: str) -> None:
    one = model(db, tmp_path, "eta")
    draft = _draft(one, cause, "auc", tier="ticket", error_class="ops", title="t", score=1.0)
    alert_id = alerts.insert(db, draft, model_id=one.id, batch_id=None, result_ids=(), window=(None, None), now=NOW)
    shown = lines(db, alerts.get(db, alert_id))
    assert f"means: {STANDING[cause].meaning}" in shown
    assert "no runbook: [alerts] runbook in the model file" in shown
    assert NO_DATA in STANDING


def test_the_last_five_answers_and_then_those_of_the_same_cause_anywhere(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    for hour in range(3):
        (other,) = arrive(db, demand, [unit("wind")], hour=30 * hour)
        alert_answers.give_feedback(db, other.id, "acted", actor=ADA, now=NOW + timedelta(hours=hour), note="rescaled")
    for hour in range(3):
        arrive(db, eta, [unit("temp")], hour=hour)
    (alert,) = arrive(db, eta, [unit("temp")], hour=3)
    # Four alerts of one group acknowledged at once are one thing that a person did.
    alert_answers.acknowledge(db, alert.id, actor=ADA, now=NOW + timedelta(hours=9), note="seen")
    arrive(db, eta, [nulls("temp")], hour=200)
    told = guidance(db, alert, ())
    assert [(a.what, a.times, a.model, a.same) for a in told.answers] == [
        ("acknowledge", 4, "eta", True),
        *[("feedback acted", 1, "demand", False)] * 3,
    ]
    assert "ada acknowledge x4 seen" in lines(db, alert)
    assert "ada feedback acted rescaled (same cause, demand)" in lines(db, alert)
    for minute in range(6):
        alert_answers.give_feedback(db, alert.id, "useful", actor=ADA, now=NOW + timedelta(hours=10, minutes=minute))
    assert [a.what for a in guidance(db, alert, ()).answers] == ["feedback useful"] * 5


def test_incidents_that_ended_such_alerts_are_named_with_their_cause(db: sqlite3.Connection, tmp_path: Path) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    for one, cause in ((demand, "pipeline/unit"), (eta, "data/upstream")):
        (alert,) = arrive(db, one, [unit("temp" if one is eta else "rain")], hour=0 if one is eta else -90)
        opened = lifecycle.open_incident(
            db, model=models.get(db, one.name), title=f"units of {one.name}", alerts=[alert.id], actor=ADA, now=NOW
        )
        incidents.append(db, opened.id, "cause", value=cause, by="ada", now=NOW)
    for hour in (20, 30):
        arrive(db, eta, [], hour=hour)
    (again,) = arrive(db, eta, [unit("temp")], hour=60)
    told = guidance(db, again, ())
    assert [(ended.key, ended.cause, ended.same) for ended in told.ended] == [
        ("INC-0002", "data/upstream", True),
        ("INC-0001", "pipeline/unit", False),
    ]
    assert "INC-0002 (open) ended such alerts: data/upstream: units of eta" in lines(db, again)


def test_a_page_that_was_passed_on_says_so(db: sqlite3.Connection, tmp_path: Path) -> None:
    (page,) = arrive(db, model(db, tmp_path, "eta"), [unit("temp", "page")])
    escalate(db, NOW + timedelta(hours=2))
    assert "05:01 passed on, nobody had answered: to eta team" in lines(db, page)
