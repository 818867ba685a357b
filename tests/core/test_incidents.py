import multiprocessing
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.incidents import ledger, lifecycle, past, writing
from core.incidents.hypotheses import hypotheses
from core.incidents.priority import priority
from core.incidents.states import WAYS, parse_severity
from core.incidents.view import detail
from storage import db as store
from storage.errors import RefusedError, UsageError
from storage.records.incidents import STATES, Incident, IncidentFilter
from storage.records.models import Model
from storage.tables import audit, incident_facts, incidents
from tests.conftest import ADA, NOW
from tests.core import night

WHO = {"actor": ADA, "now": NOW}


@pytest.fixture
def model(register: Callable[..., Model]) -> Model:
    return register()


def opened(db: sqlite3.Connection, model: Model | None, **more: object) -> Incident:
    return lifecycle.open_incident(db, model=model, title="scores moved", **{**WHO, **more})  # type: ignore[arg-type]


def open_in_process(path: Path, times: int) -> None:
    db = store.connect(path)
    for _ in range(times):
        lifecycle.open_incident(db, model=None, title="race", actor=ADA, now=NOW)
    db.close()


def test_keys_are_unique_between_processes(store_file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=open_in_process, args=(store_file, 5)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    db = store.connect(store_file, read_only=True)
    keys = [i.key for i in incidents.list_page(db, now=NOW, sort="key", descending=False)]
    db.close()
    assert keys == [f"INC-{n:04d}" for n in range(1, 16)]


def test_opening_links_alerts_and_measures_the_reach(db: sqlite3.Connection, model: Model) -> None:
    night.batch(db, model.id, -120)
    bad, good = night.batch(db, model.id, -50, rows=600), night.batch(db, model.id, -40, rows=200)
    first = night.alert(db, model.id, bad, -9, start=-50)
    second = night.alert(db, model.id, bad, -5, start=-40)
    incident = opened(db, model, alerts=(second, first), severity="SEV2")
    assert (incident.key, incident.state, incident.alerts) == ("INC-0001", "open", 2)
    assert incident.detected_at == night.at(-9)
    assert incident.reach == pytest.approx(0.75)
    found = detail(db, incident.key, now=NOW)
    assert (found.blast_radius.rows, found.blast_radius.all_rows) == (600, 800)
    assert (found.blast_radius.concerned, found.blast_radius.batches) == ((bad,), (bad, good))
    assert found.times.onset == night.at(-50)
    assert any("users" in words for words in found.blast_radius.unknown)
    with pytest.raises(RefusedError, match="INC-0001"):
        opened(db, model, alerts=(first,))
    with pytest.raises(UsageError, match="no alert 99"):
        opened(db, model, alerts=(99,))
    assert incidents.count(db) == 1


def test_what_can_not_be_summed_is_not_known(db: sqlite3.Connection, model: Model) -> None:
    incident = opened(db, model)
    radius = detail(db, incident.key, now=NOW).blast_radius
    assert (radius.rows, radius.share) == (None, None)
    assert radius.words.startswith("not known: no batch of churn")
    assert "no single model" in detail(db, opened(db, None).key, now=NOW).blast_radius.words


def test_every_illegal_step_is_refused_and_recorded_nowhere(db: sqlite3.Connection, model: Model) -> None:
    for state in STATES:
        incident = opened(db, model)
        incidents.append(db, incident.id, "state", value=state, by="ada", now=NOW)
        before = len(incidents.events(db, incident.id))
        for to in (s for s in STATES if s not in WAYS[state]):
            with pytest.raises(RefusedError):
                lifecycle.set_state(db, incident.key, to, **WHO)
        assert len(incidents.events(db, incident.id)) == before


def test_it_can_not_be_closed_in_silence(db: sqlite3.Connection, model: Model) -> None:
    key = opened(db, model).key
    with pytest.raises(RefusedError, match="a cause"):
        lifecycle.close(db, key, **WHO)
    with pytest.raises(UsageError, match="did you mean 'unit'"):
        lifecycle.close(db, key, cause="component/units", **WHO)
    assert lifecycle.close(db, key, cause="component/unit", text="cents, not euros", **WHO).state == "resolved"
    with pytest.raises(RefusedError, match="a check or set entry, or a reason"):
        lifecycle.set_state(db, key, "reviewed", **WHO)
    with pytest.raises(UsageError, match="next time"):
        writing.prevent(db, key, check="range", reason="both", **WHO)
    writing.prevent(db, key, check="range on spend", **WHO)
    assert lifecycle.set_state(db, key, "reviewed", **WHO).state == "reviewed"
    assert lifecycle.set_state(db, key, "open", reason="it came back", **WHO).state == "open"
    with pytest.raises(RefusedError, match="a reason"):
        lifecycle.set_state(db, key, "false alarm", **WHO)
    assert audit.verify(db).broken_at is None
    assert {e.action for e in audit.recent(db, object_kind="incident")} >= {"incident.open", "incident.prevention"}


def test_duplicates_lead_on(db: sqlite3.Connection, model: Model) -> None:
    first, second = opened(db, model), opened(db, model)
    for original in (second.key, "INC-0099"):
        with pytest.raises((RefusedError, UsageError)):
            lifecycle.mark_duplicate(db, second.key, original, **WHO)
    assert lifecycle.mark_duplicate(db, "2", "inc-1", **WHO).state == "duplicate"
    assert "INC-0002 is a duplicate" in detail(db, first.key, now=NOW).timeline[-1].text


def test_a_verified_rollback_mitigates_and_its_undo_reopens(db: sqlite3.Connection, model: Model) -> None:
    incident = opened(db, model)
    done = night.rollback(db, model.id, incident.id, "verified")
    assert lifecycle.on_rollback_verified(db, done, **WHO) == incident.key
    assert lifecycle.on_rollback_verified(db, done, **WHO) is None
    found = incidents.get(db, incident.key)
    assert found.state == "mitigated"
    assert incidents.events(db, incident.id)[-1].by == ledger.PROGRAM
    assert lifecycle.on_rollback_undone(db, done, **WHO) == incident.key
    assert lifecycle.on_rollback_undone(db, done, **WHO) is None
    assert incidents.get(db, incident.key).state == "open"
    lone = night.rollback(db, model.id, None, "verified", key="k2")
    assert lifecycle.on_rollback_verified(db, lone, **WHO) is None


def test_a_person_who_mitigated_is_not_overruled_by_an_undo(db: sqlite3.Connection, model: Model) -> None:
    incident = opened(db, model)
    done = night.rollback(db, model.id, incident.id, "undone")
    lifecycle.set_state(db, incident.key, "mitigated", **WHO)
    assert lifecycle.on_rollback_undone(db, done, **WHO) is None
    assert incidents.get(db, incident.key).state == "mitigated"


def test_evidence_decides_a_hypothesis(db: sqlite3.Connection, model: Model) -> None:
    key = opened(db, model).key
    change = night.put(
        db, "changes", layer="run", kind="deploy", subject="v42", at=NOW, source="s", source_ref="1", recorded_at=NOW
    )
    guess = writing.hypothesis(db, key, "bad snapshot", cause="run/training", **WHO)

    def standing() -> str:
        return hypotheses(incidents.events(db, incidents.get(db, key).id))[0].standing

    assert standing() == "open"
    test = detail(db, key, now=NOW).next_test
    assert test is not None
    assert test.command == "midwatch diff churn A B"
    writing.evidence(db, key, guess, reference=f"change:{change}", **WHO)
    assert standing() == "supported"
    against = writing.evidence(db, key, guess, supports=False, reference=None, text="config is the same", **WHO)
    assert standing() == "open"
    writing.correct(db, key, against, retract=True, **WHO)
    assert standing() == "supported"
    for bad, words in ((f"change:{change + 1}", "no change"), ("chnge:1", "did you mean"), ("alert", "WORD:ID")):
        with pytest.raises(UsageError, match=words):
            writing.evidence(db, key, guess, reference=bad, **WHO)
    with pytest.raises(UsageError, match="has no hypothesis"):
        writing.evidence(db, opened(db, model).key, guess, reference=f"change:{change}", **WHO)


def test_corrections_keep_the_original(db: sqlite3.Connection, model: Model) -> None:
    incident = opened(db, model)
    noted = writing.note(db, incident.key, "rolled back at 3", **WHO)
    writing.correct(db, incident.key, noted, text="rolled back at 4", **WHO)
    writing.set_time(db, incident.key, "detected", night.at(-30), reason="the pager was late", **WHO)
    written = incidents.event(db, noted)
    assert written is not None
    assert written.body == "rolled back at 3"
    found = detail(db, incident.key, now=NOW)
    line = next(e for e in found.timeline if e.reference == f"incident_events:{noted}")
    assert (line.text, line.corrected) == ("rolled back at 4", True)
    assert (found.times.detected, found.times.edited) == (night.at(-30), ("detected",))
    assert next(audit.recent(db, 1)).before == "2026-11-23T03:01:00.000000Z"
    with pytest.raises(UsageError, match="future"):
        writing.set_time(db, incident.key, "resolved", night.at(5), reason="x", **WHO)
    with pytest.raises(RefusedError, match="set another state"):
        writing.correct(db, incident.key, incidents.events(db, incident.id)[0].id, retract=True, **WHO)


def test_the_timeline_merges_what_was_seen_and_done(db: sqlite3.Connection, model: Model) -> None:
    deployed = night.deployment(db, model.id, -51)
    bad = night.batch(db, model.id, -50)
    fired = night.alert(db, model.id, bad, -9, start=-50)
    night.put(
        db,
        "changes",
        layer="component",
        kind="config",
        subject="min_score",
        at=night.at(-80),
        before=".5",
        after=".05",
        source="git",
        source_ref="1",
        recorded_at=NOW,
    )
    incident = opened(db, model, alerts=(fired,))
    acked = night.acknowledge(db, fired, 1)
    night.put(db, "alert_feedback", alert_id=fired, verdict="acted", by="ada", at=night.at(4))
    rolled = night.rollback(db, model.id, incident.id, "verified")
    lines = detail(db, incident.key, now=night.at(10)).timeline
    assert [e.at for e in lines] == sorted(e.at for e in lines)
    told = {e.reference: e for e in lines}
    assert told[f"deployments:{deployed}"].text == "v42 entered full with traffic 1.0: gate overridden"
    assert told[f"alert_events:{acked}"].who == "ada"
    assert told["changes:1"].text.endswith("(not reviewed)")
    assert {f"alerts:{fired}", f"rollbacks:{rolled}", "rollback_events:1", "alert_feedback:1"} <= set(told)
    assert [c.reference for c in detail(db, incident.key, now=NOW).changes] == [f"deployments:{deployed}", "changes:1"]


def test_recurrence_and_what_helped(db: sqlite3.Connection, model: Model) -> None:
    for n in range(3):
        fired = night.alert(db, model.id, None, -9 + n, columns=("spend",), cause="unit")
        incident = opened(db, model, alerts=(fired,))
        if n == 0:
            writing.action(db, incident.key, "asked the caller for euros", **WHO)
            night.rollback(db, model.id, incident.id, "verified")
        if n < 2:
            lifecycle.close(db, incident.key, cause="component/unit", **WHO)
        else:
            writing.set_cause(db, incident.key, "component/unit", None, **WHO)
    found = detail(db, "INC-0003", now=NOW)
    assert found.recurrence is not None
    assert found.recurrence.words == "third time"
    assert [s.key for s in found.similar] == ["INC-0002", "INC-0001"]
    assert [text for text, _ in found.similar[1].helped] == [
        "rollback v42 -> v41 (verified)",
        "asked the caller for euros",
    ]
    assert past.causes(db) == [("component/unit", 3)]


def test_follow_ups_and_moved_links(db: sqlite3.Connection, model: Model) -> None:
    fired = night.alert(db, model.id, None, -9)
    first, second = opened(db, model, alerts=(fired,)), opened(db, model)
    left = writing.follow_up(db, first.key, "ask the caller", owner="lin", **WHO)
    assert detail(db, first.key, now=NOW).next_action == "ask the caller"
    writing.follow_up_done(db, first.key, left, **WHO)
    with pytest.raises(RefusedError, match="done by ada"):
        writing.follow_up_done(db, first.key, left, **WHO)
    lifecycle.link_alerts(db, second.key, (fired,), **WHO)
    assert (incidents.get(db, first.key).alerts, incidents.get(db, second.key).alerts) == (0, 1)
    assert incident_facts.linked_alerts(db, first.id) == []
    writing.note(db, second.key, "see this one", about=f"alert:{fired}", **WHO)
    assert incidents.notes_about(db, "alerts", fired)[0].body == "see this one"


def test_the_list_sorts_by_the_formula_that_it_shows(db: sqlite3.Connection, model: Model) -> None:
    for n, severity in enumerate(("4", "1", "2", "3", "2")):
        fired = night.alert(db, model.id, None, -3000 * n, group=f"g{n}")
        opened(db, model if n else None, alerts=(fired,), severity=parse_severity(severity))
    writing.set_priority(db, "INC-0004", 99.5, reason="a customer called", **WHO)
    rows = incidents.list_page(db, now=NOW)
    values = [priority(i, NOW).value for i in rows]
    assert values == sorted(values, reverse=True)
    assert rows[0].key == "INC-0004"
    assert priority(rows[0], NOW).formula == "set by hand"
    pages = [incidents.list_page(db, now=NOW, offset=o, limit=2) for o in (0, 2, 4)]
    assert [i for page in pages for i in page] == rows
    only = IncidentFilter(severity="SEV2", model_id=model.id, text="SCORES", states=("open",))
    assert [i.severity for i in incidents.list_page(db, now=NOW, where=only)] == ["SEV2", "SEV2"]
    assert incidents.count(db, only) == 2
    halved = replace(rows[1], reach=0.5)
    assert priority(halved, NOW).value == pytest.approx(values[1] / 2)
