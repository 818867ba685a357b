import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from core import alert_answers
from core.alert_raising import raise_alerts
from core.alerts import group
from storage.errors import UsageError
from storage.records.alerts import Alert
from storage.records.batches import Batch
from storage.records.models import Model
from storage.records.results import Finding
from storage.tables import alerts, audit, batches, past_answers, results
from tests.conftest import ADA, NOW
from tests.core.test_alerts import found

Register = Callable[..., Model]


def arrive(db: sqlite3.Connection, model: Model, number: int, findings: list[Finding]) -> list[Alert]:
    start = NOW + timedelta(hours=number)
    batch_id = batches.insert(db, blank(model, number, start), (), b"profile")
    ids = results.insert(db, batch_id, findings, start)
    batch = batches.get(db, batch_id)
    return raise_alerts(db, model, batch, group(findings, model=model.name), findings, ids, start)


def blank(model: Model, number: int, start: datetime) -> Batch:
    return Batch(
        id=0, model_id=model.id, role="serving", path=f"/logs/{number}.csv", sha256=f"{number:064d}", format="csv",
        bytes=1, version=None, stage=None, window_start=start, window_end=start + timedelta(hours=1), rows=10,
        quarantined=0, columns=(("a", "number"),), arrived_at=start, admitted=False,
    )  # fmt: skip


NULLS = [found("completeness", "a", cause="null burst")]


def test_repeats_share_a_group_and_one_acknowledgement_covers_them(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    (first,) = arrive(db, model, 0, NULLS)
    (second,) = arrive(db, model, 1, NULLS)
    assert (second.group_key, second.seen) == (first.group_key, 2)
    assert alerts.count(db) == 1
    assert alert_answers.acknowledge(db, second.id, actor=ADA, now=NOW) == [second.id, first.id]
    assert alert_answers.acknowledge(db, second.id, actor=ADA, now=NOW) == []
    (third,) = arrive(db, model, 2, NULLS)
    assert third.state == "acknowledged"
    assert alerts.firing(db, NOW) == {}


def test_a_louder_repeat_fires_again(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    (first,) = arrive(db, model, 0, NULLS)
    alert_answers.acknowledge(db, first.id, actor=ADA, now=NOW)
    (second,) = arrive(db, model, 1, [found("completeness", "a", cause="null burst", tier="page")])
    assert second.state == "firing"


def test_an_alternating_series_is_one_open_alert_until_it_stays_away(
    db: sqlite3.Connection, register: Register
) -> None:
    model = register()
    for number in range(6):
        arrive(db, model, number, NULLS if number % 2 == 0 else [])
        assert alerts.count(db) == 1
    arrive(db, model, 6, [])
    assert alerts.count(db) == 0
    assert alerts.count(db, only_open=False) == 1


def test_a_snooze_has_an_end_and_fires_after_it(db: sqlite3.Connection, register: Register) -> None:
    (alert,) = arrive(db, register(), 0, NULLS)
    alert_answers.snooze(db, alert.id, NOW + timedelta(hours=8), actor=ADA, now=NOW)
    snoozed = alerts.get(db, alert.id)
    assert snoozed.state_at(NOW) == "snoozed"
    assert snoozed.state_at(NOW + timedelta(hours=8)) == "firing"
    assert alerts.firing(db, NOW) == {}
    assert alerts.firing(db, NOW + timedelta(hours=9)) == {"ticket": 1}
    for wrong in (NOW, NOW + timedelta(days=31)):
        with pytest.raises(UsageError):
            alert_answers.snooze(db, alert.id, wrong, actor=ADA, now=NOW)


def test_noise_admits_the_batch_and_acted_keeps_it_out(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    one, two = arrive(db, model, 0, [*NULLS, found("unit", "b", cause="unit change")])
    assert one.batch_id is not None
    assert alert_answers.give_feedback(db, one.id, "noise", actor=ADA, now=NOW) is None
    assert alert_answers.give_feedback(db, two.id, "noise", actor=ADA, now=NOW) is True
    assert batches.get(db, one.batch_id).admitted
    assert alert_answers.give_feedback(db, two.id, "acted", actor=ADA, now=NOW) is False
    assert not batches.get(db, one.batch_id).admitted
    with pytest.raises(UsageError, match="one of acted"):
        alert_answers.give_feedback(db, one.id, "nose", actor=ADA, now=NOW)


def test_a_silence_shows_what_it_hides_and_hides_nothing_else(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    arrive(db, model, 0, NULLS)
    preview = alert_answers.preview_silence(db, model_id=model.id, check=None, column="a", now=NOW)
    assert (len(preview.matched), preview.loud) == (1, 1)
    with pytest.raises(UsageError, match="hide everything"):
        alert_answers.silence(db, model_id=None, check=None, column=None, ends_at=NOW, reason="x", actor=ADA, now=NOW)
    silence_id = alert_answers.silence(
        db,
        model_id=model.id,
        check=None,
        column="a",
        ends_at=NOW + timedelta(days=1),
        reason="known",
        actor=ADA,
        now=NOW,
    )
    hidden, shown = arrive(db, model, 1, [*NULLS, found("unit", "b", cause="unit change", score=1.0)])
    assert (hidden.state, shown.state) == ("snoozed", "firing")
    alert_answers.end_silence(db, silence_id, actor=ADA, now=NOW)
    (again,) = arrive(db, model, 2, [found("bounds", "a", cause="range")])
    assert again.state == "firing"


def test_every_answer_of_a_person_is_audited(db: sqlite3.Connection, register: Register) -> None:
    (alert,) = arrive(db, register(), 0, NULLS)
    alert_answers.acknowledge(db, alert.id, actor=ADA, now=NOW)
    alert_answers.snooze(db, alert.id, NOW + timedelta(hours=1), actor=ADA, now=NOW)
    alert_answers.wake(db, alert.id, actor=ADA, now=NOW)
    alert_answers.give_feedback(db, alert.id, "useful", actor=ADA, now=NOW + timedelta(hours=2))
    said = [e.action for e in audit.recent(db, 4)]
    assert said == ["alert.feedback", "alert.wake", "alert.snooze", "alert.acknowledge"]
    assert past_answers.of_fingerprint(db, alert.fingerprint, 5)[0].what == "feedback useful"
    assert audit.verify(db).broken_at is None


def test_the_derived_groups_never_part_from_the_facts(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    for number in range(12):
        batch = [NULLS, [], [*NULLS, found("unit", "b", cause="unit change")], []][number % 4]
        raised = arrive(db, model, number, batch)
        if raised and number % 3 == 0:
            alert_answers.acknowledge(db, raised[0].id, actor=ADA, now=NOW)
    derived = {(r["group_key"], r["head_id"], r["open"], r["quiet"]) for r in db.execute("SELECT * FROM alert_groups")}
    heads = db.execute("SELECT max(id) AS id, group_key FROM alerts GROUP BY model_id, group_key").fetchall()
    states = {row["id"]: alerts.get(db, row["id"]).state for row in heads}
    quiet = ("acknowledged", "snoozed")
    told = {(r["group_key"], r["id"], int(states[r["id"]] != "resolved"), int(states[r["id"]] in quiet)) for r in heads}
    assert derived == told


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["tier", "score", "model", "time"])
def test_the_place_of_a_group_is_where_the_page_shows_it(
    db: sqlite3.Connection, register: Register, order: str, descending: bool
) -> None:
    model = register()
    graded = (("a", "page", 1.0), ("b", "ticket", 3.0), ("c", "digest", 3.0), ("d", "page", 0.5))
    kinds = [found("c", name, cause=f"cause {name}", tier=tier, score=score) for name, tier, score in graded]
    arrive(db, model, 0, kinds)
    shown = alerts.page(db, order=order, descending=descending)
    for i, alert in enumerate(shown):
        where = (alert.model_id, alert.group_key)
        assert alerts.place(db, where, order=order, descending=descending) == i
    second = alerts.page(db, order=order, descending=descending, offset=1, limit=2)
    assert [a.id for a in second] == [a.id for a in shown[1:3]]
    assert alerts.place(db, (model.id, "none")) is None
