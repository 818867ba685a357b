import random
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from core import alert_answers
from core.incidents import lifecycle
from core.quality.budget import budget
from core.quality.figures import Quality, precision_of, quality
from core.quality.misses import mark, withdraw
from core.stats.intervals import wilson
from storage.errors import UsageError
from storage.records.models import Model
from storage.records.results import TIERS, Finding
from storage.tables import alerts, audit, missed
from tests.conftest import ADA, NOW
from tests.core.test_alert_life import arrive
from tests.core.test_alerts import found

Register = Callable[..., Model]
LATER = NOW + timedelta(days=40)


def told(db: sqlite3.Connection, model: Model | None, now: datetime = LATER) -> Quality:
    return quality(db, model, since=NOW - timedelta(days=1), now=now)


def judge(db: sqlite3.Connection, alert_id: int, verdict: str) -> None:
    alert_answers.give_feedback(db, alert_id, verdict, actor=ADA, now=NOW)


def one(column: str, check: str = "completeness", tier: str = "ticket") -> list[Finding]:
    return [found(check, column, cause=f"cause of {column}", tier=tier)]


def test_nothing_is_said_of_nothing(db: sqlite3.Connection, register: Register) -> None:
    none = told(db, register())
    assert (none.overall.alerts, none.overall.precision.value, none.overall.precision.words) == (0, None, "none judged")
    assert none.overall.recall.words == "unknown, no incident and no miss is known"
    assert none.checks == ()


def test_precision_is_what_people_said_and_needs_ten_of_them(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    said = ["acted", "useful", "late", "noise", "duplicate", "acted", "acted", "noise", "acted", None]
    for number, verdict in enumerate(said):
        (alert,) = arrive(db, model, number, one(f"c{number}"))
        if verdict:
            judge(db, alert.id, verdict)
    few = told(db, model).overall
    assert (few.precision.hits, few.precision.n, few.precision.value) == (6, 9, None)
    assert few.precision.words == "9 judged, 10 needed"
    (tenth,) = arrive(db, model, 11, one("c11"))
    judge(db, tenth.id, "noise")
    judge(db, tenth.id, "useful")  # the last word holds
    overall = told(db, model).overall
    assert (overall.precision.hits, overall.precision.n) == (7, 10)
    assert (overall.precision.low, overall.precision.high) == pytest.approx(wilson(7, 10))
    assert overall.verdicts == {"acted": 4, "useful": 2, "late": 1, "noise": 2, "duplicate": 1}
    assert overall.months == (("2026-11", 7, 3),)
    assert precision_of(db, model.id, "completeness", now=LATER) == overall.precision


def test_a_repeat_is_an_alert_and_no_call_and_silence_is_counted_apart(
    db: sqlite3.Connection, register: Register
) -> None:
    model = register()
    first = [arrive(db, model, number, one("a"))[0] for number in range(3)]
    (loud,) = arrive(db, model, 3, one("a", tier="page"))
    for number in (4, 5):
        arrive(db, model, number, [])
    assert alerts.get(db, loud.id).state == "resolved"
    (again,) = arrive(db, model, 6, one("a"))
    overall = told(db, model, now=NOW + timedelta(days=7)).overall
    assert (overall.alerts, overall.calls) == (5, 3)  # the first, the one that became louder, the one that came back
    assert overall.tiers["page"] == pytest.approx(overall.tiers["ticket"] / 2)
    assert (overall.unanswered.hits, overall.unanswered.n) == (3, 3)
    alert_answers.acknowledge(db, again.id, actor=ADA, now=NOW)
    assert told(db, model).overall.unanswered.hits == 2
    judge(db, first[1].id, "noise")  # an answer to a run is one, whichever of its alerts it was given to
    assert told(db, model).overall.unanswered.hits == 0
    young = told(db, model, now=NOW + timedelta(hours=8)).overall
    assert young.unanswered.n == 0  # nobody is late within a day


@pytest.mark.parametrize(
    ("series", "calls"), [("1010101010", 1), ("1101011101", 1), ("1001", 2), ("0110010", 2), ("1000000001", 2)]
)
def test_a_series_that_alternates_calls_once(
    db: sqlite3.Connection, register: Register, series: str, calls: int
) -> None:
    model = register()
    for number, fires in enumerate(series):
        arrive(db, model, number, one("a", tier="page") if fires == "1" else [])
    overall = told(db, model).overall
    assert (overall.calls, overall.alerts) == (calls, series.count("1"))
    assert budget(db, model, now=NOW + timedelta(days=1)).last_week == calls


def test_an_incident_speaks_for_its_alerts_once(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    same = [arrive(db, model, number, one("a"))[0].id for number in range(3)]
    (other,) = arrive(db, model, 3, one("b", check="bounds"))
    real = lifecycle.open_incident(db, model=model, title="real", alerts=same, actor=ADA, now=NOW)
    false = lifecycle.open_incident(db, model=model, title="false", alerts=[other.id], actor=ADA, now=NOW)
    lifecycle.set_state(db, false.key, "false alarm", reason="a test", actor=ADA, now=NOW)
    found_ = told(db, model)
    assert (found_.overall.precision.hits, found_.overall.precision.n) == (1, 2)
    judge(db, same[1], "noise")  # a word of a person outweighs the link
    assert told(db, model).overall.precision.hits == 0
    assert told(db, model).overall.precision.n == 2
    assert (found_.incidents, found_.overall.recall.hits) == ((1, 1, 0, 0), 1)
    assert {c.name: c.recall.hits for c in found_.checks} == {"completeness": 1, "bounds": 0}
    assert found_.delays == 1
    assert real.key == "INC-0001"


def test_an_incident_without_an_alert_is_missed_unless_one_was_near(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    for number in (0, 100, 200):
        arrive(db, model, number, one("a") if number == 100 else [])

    def open_at(hours: float, title: str) -> str:
        at = NOW + timedelta(hours=hours)
        return lifecycle.open_incident(db, model=model, title=title, actor=ADA, now=at).key

    open_at(-30, "before anything was watched")
    near, far = open_at(110, "an alert ten hours before"), open_at(180, "none in days")
    found_ = told(db, model)
    assert found_.incidents == (2, 0, 1, 1)
    assert [(m.incident, m.source) for m in found_.missed] == [(far, "incident")]
    marked = mark(db, model, incident=near, note="that alert was about something else", actor=ADA, now=LATER)
    assert told(db, model).incidents == (2, 0, 0, 2)
    assert {m.incident for m in missed.known(db, model.id)} == {near, far}
    withdraw(db, marked.id or 0, actor=ADA, now=LATER)
    assert told(db, model).incidents == (2, 0, 1, 1)


def test_a_marked_miss_counts_in_recall_and_stays_on_record(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    arrive(db, model, 0, one("a"))
    marked = mark(db, model, at=NOW, column="a", note=" prices were in cents ", actor=ADA, now=LATER)
    assert (marked.column, marked.note, marked.by, marked.source) == ("a", "prices were in cents", "ada", "person")
    assert (told(db, model).overall.recall.hits, told(db, model).overall.recall.n) == (0, 1)
    assert [e.action for e in audit.recent(db, 1)] == ["alerts.missed"]
    for sql in ("DELETE FROM missed", "UPDATE missed SET note = ''"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(sql)
    withdraw(db, marked.id or 0, note="it was right", actor=ADA, now=LATER)
    assert told(db, model).overall.recall.n == 0
    assert db.execute("SELECT count(*) FROM missed").fetchone()[0] == 2
    with pytest.raises(UsageError, match="no mark 1 in force"):
        withdraw(db, 1, actor=ADA, now=LATER)
    assert audit.verify(db).broken_at is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "needs a moment"),
        ({"at": LATER + timedelta(days=1)}, "has not come yet"),
        ({"at": NOW, "column": "nope"}, "no column 'nope'"),
        ({"incident": "INC-9"}, "no incident"),
    ],
)
def test_a_miss_without_sense_is_refused(
    db: sqlite3.Connection, register: Register, wrong: dict[str, str], said: str
) -> None:
    model = register()
    arrive(db, model, 0, [])
    with pytest.raises(UsageError, match=said):
        mark(db, model, actor=ADA, now=LATER, **wrong)  # type: ignore[arg-type]


def test_an_incident_is_marked_once_and_by_its_own_model(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    key = lifecycle.open_incident(db, model=model, title="x", actor=ADA, now=NOW).key
    mark(db, model, incident=key, actor=ADA, now=LATER)
    with pytest.raises(UsageError, match="already"):
        mark(db, model, incident=key, actor=ADA, now=LATER)


def test_pages_that_continue_do_not_spend_the_budget(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    for number in range(4):
        arrive(db, model, number, one("a", tier="page"))
    for number in range(4, 7):
        arrive(db, model, number, one(f"b{number}", tier="page"))
    spent = budget(db, model, now=NOW + timedelta(days=1))
    assert (spent.agreed, spent.last_week, spent.usual, spent.exceeded) == (2.0, 4, None, True)
    later = budget(db, model, now=NOW + timedelta(days=10))
    assert (later.last_week, later.exceeded) == (0, False)
    assert later.usual == pytest.approx(4 / (10 - 1 / 24) * 7)


def test_every_figure_is_what_a_count_by_hand_gives(db: sqlite3.Connection, register: Register) -> None:
    """A history of chance: the SQL against plain loops over what the store says of each alert."""
    model, rng = register(), random.Random(7)
    for number in range(120):
        names = [c for c in "abcd" if rng.random() < 0.35]
        batch = [f for c in names for f in one(c, check=rng.choice(["bounds", "drift"]), tier=rng.choice(TIERS[:3]))]
        for alert in arrive(db, model, number, batch):
            if rng.random() < 0.5:
                judge(db, alert.id, rng.choice(["acted", "useful", "late", "noise", "duplicate"]))
    found_ = told(db, model)
    calls, alerts_, right, wrong, last = 0, 0, dict[str, int](), dict[str, int](), dict[str, object]()
    for row in db.execute("SELECT id FROM alerts ORDER BY id").fetchall():
        alert = alerts.get(db, row["id"])
        alerts_ += 1
        before = last.get(alert.group_key)
        resolved = before is None or any(e.kind == "resolve" for e in alerts.events(db, before.id))  # type: ignore[attr-defined]
        if resolved or TIERS.index(alert.tier) < TIERS.index(before.tier):  # type: ignore[attr-defined]
            calls += 1
        last[alert.group_key] = alert
        checks = {
            r[0]
            for r in db.execute(
                "SELECT r.check_name FROM alert_findings f JOIN check_results r ON r.id = f.result_id "
                "WHERE f.alert_id = ?",
                (alert.id,),
            )
        }
        for check in checks:
            if alert.verdict in ("acted", "useful", "late"):
                right[check] = right.get(check, 0) + 1
            elif alert.verdict is not None:
                wrong[check] = wrong.get(check, 0) + 1
    assert (found_.overall.alerts, found_.overall.calls) == (alerts_, calls)
    for figures in found_.checks:
        judged = right[figures.name] + wrong[figures.name]
        assert (figures.precision.hits, figures.precision.n) == (right[figures.name], judged)
        assert precision_of(db, model.id, figures.name, now=LATER) == figures.precision
    assert sum(c.alerts for c in found_.causes) == alerts_
    assert told(db, None).overall == found_.overall
