import sqlite3
from collections.abc import Callable
from datetime import timedelta

from core.incidents import lifecycle
from core.incidents.ledger import Times
from core.response_times import measured, response_times
from storage.records.models import Model
from tests.conftest import ADA, NOW
from tests.core import night


def times(*minutes: float | None) -> Times:
    onset, detected, acknowledged, mitigated, resolved = (None if m is None else night.at(m) for m in minutes)
    return Times(onset, detected or NOW, acknowledged, mitigated, resolved)


def test_response_times_are_medians_with_open_ones_censored() -> None:
    found = response_times(
        [times(-10, 0, 2, 20, 60), times(-30, 0, 4, 40, None), times(None, 0, 6, None, None), times(5, 0, None, 8, 9)],
        night.at(100),
    )
    told = {t.name: (t.n, t.median, t.censored, t.unknown) for t in found}
    minutes = {name: timedelta(minutes=m) for name, m in (("MTTD", 20), ("MTTA", 4), ("MTTM", 20), ("MTTR", 34.5))}
    assert told == {
        "MTTD": (2, minutes["MTTD"], 0, 2),
        "MTTA": (3, minutes["MTTA"], 1, 0),
        "MTTM": (3, minutes["MTTM"], 1, 0),
        "MTTR": (2, minutes["MTTR"], 2, 0),
    }
    assert found[1].p90 == timedelta(minutes=5.6)
    assert found[3].longest_open == timedelta(minutes=100)
    assert all(t.median is None and t.n == 0 for t in response_times([], NOW))


def test_response_times_of_the_store_leave_false_alarms_out(
    db: sqlite3.Connection, register: Callable[..., Model]
) -> None:
    model = register()
    fired = night.alert(db, model.id, night.batch(db, model.id, -50), -9, start=-50)
    night.acknowledge(db, fired, -4)
    who = {"actor": ADA, "model": model, "title": "x", "now": NOW}
    lifecycle.open_incident(db, alerts=(fired,), **who)  # type: ignore[arg-type]
    wrong = lifecycle.open_incident(db, **who)  # type: ignore[arg-type]
    lifecycle.set_state(db, wrong.key, "false alarm", reason="a test", actor=ADA, now=NOW)
    lifecycle.set_state(db, "1", "mitigated", actor=ADA, now=night.at(21))
    told = {t.name: (t.n, t.median, t.censored) for t in measured(db, now=night.at(30))}
    assert told == {
        "MTTD": (1, timedelta(minutes=41), 0),
        "MTTA": (1, timedelta(minutes=5), 0),
        "MTTM": (1, timedelta(minutes=30), 0),
        "MTTR": (0, None, 1),
    }
