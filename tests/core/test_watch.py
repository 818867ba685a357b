import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import handover, handover_page
from core.incidents import lifecycle, writing
from core.watch import gaps, watches, who_is_on_watch
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.models import Model
from storage.rotation_file import parse
from storage.tables import handovers
from tests.conftest import ADA, NOW
from tests.core import night

LIN = Actor("lin", "laptop")
BASE = """
people = ["ada", "grace"]
every = "week"
handover = "09:00"
time_zone = "Europe/Berlin"
first = 2026-03-23
"""
BERLIN = ZoneInfo("Europe/Berlin")


def local(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def test_turns_change_at_the_same_hour_on_the_wall_over_a_clock_change() -> None:
    rotation = parse(BASE, "r.toml")
    turns = watches(rotation, local(3, 23), local(4, 6))
    assert [(w.who, w.start, w.end) for w in turns] == [
        ("ada", datetime(2026, 3, 23, 8, tzinfo=UTC), datetime(2026, 3, 30, 7, tzinfo=UTC)),
        ("grace", datetime(2026, 3, 30, 7, tzinfo=UTC), datetime(2026, 4, 6, 7, tzinfo=UTC)),
    ]
    assert (turns[0].end - turns[0].start, turns[1].end - turns[1].start) == (
        timedelta(days=7, hours=-1),
        timedelta(days=7),
    )
    assert who_is_on_watch(rotation, local(3, 30, 8, 59).astimezone(UTC)).who == "ada"
    assert who_is_on_watch(rotation, local(3, 30, 9, 0).astimezone(UTC)).who == "grace"
    assert who_is_on_watch(rotation, local(3, 23, 8, 59)).who is None


def test_a_handover_in_the_hour_that_is_skipped_or_repeated_happens_once() -> None:
    rotation = parse(BASE.replace("09:00", "02:30").replace('"week"', '"day"'), "r.toml")
    for start, end in ((local(3, 28, 12), local(3, 31, 12)), (local(10, 24, 12), local(10, 27, 12))):
        turns = watches(rotation, start, end)
        assert len(turns) == 4
        assert all(a.end == b.start for a, b in pairwise(turns))
        assert [w.who for w in turns[:2]] == [w.who for w in turns[2:]]


def test_overrides_absences_and_gaps() -> None:
    rotation = parse(
        BASE
        + """
last = 2026-04-20
[[absences]]
who = "ada"
start = 2026-03-25T09:00:00
end = 2026-03-27T09:00:00
[[overrides]]
who = "lin"
start = 2026-03-26T09:00:00
end = 2026-03-27T07:00:00+00:00
""",
        "r.toml",
    )
    assert who_is_on_watch(rotation, local(3, 26, 12)).who == "lin"
    assert who_is_on_watch(rotation, local(3, 26, 12)).override
    assert [(g.start, g.end) for g in gaps(rotation, local(3, 23), local(4, 21))] == [
        (local(3, 25), local(3, 26)),
        (local(3, 27, 8), local(3, 27, 9)),
        (local(4, 20), local(4, 21)),
    ]


@given(
    minutes=st.integers(0, 500_000),
    hours=st.integers(1, 2000),
    daily=st.booleans(),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_watches_cover_the_window_without_hole_or_overlap(minutes: int, hours: int, daily: bool, zone: str) -> None:
    text = BASE.replace('"week"', '"day"' if daily else '"week"').replace("Europe/Berlin", zone)
    start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    end = start + timedelta(hours=hours)
    rotation = parse(text, "r.toml")
    found = watches(rotation, start, end)
    assert found[0].start == start
    assert found[-1].end == end
    assert all(a.end == b.start and a.start < a.end for a, b in pairwise(found))
    assert all(who_is_on_watch(rotation, w.start).who == w.who for w in found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"week"', '"month"', "'week' or 'day'"),
        ("people", "peple", "did you mean 'people'"),
        ("Europe/Berlin", "Europe/Berlim", "time_zone"),
        ("2026-03-23", '"soon"', "must be a day"),
        ('"09:00"', '"9 o\'clock"', "not a time"),
        ("people", "people = [", "not valid TOML"),
        ('["ada", "grace"]', "[]", "list of names"),
    ],
)
def test_a_wrong_rotation_is_told_by_its_key(old: str, new: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(BASE.replace(old, new, 1), "r.toml")


def test_a_handover_lists_every_open_item(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    model = register()
    ids = {
        name: night.alert(db, model.id, None, minutes, title=f"{name} alert", group=name)
        for name, minutes in (("old firing", -5000), ("acked", -300), ("snoozed", -200), ("over", -190), ("gone", -100))
    }
    night.acknowledge(db, ids["acked"], -290)
    for name, until in (("snoozed", 60), ("over", -1)):
        night.put(
            db, "alert_events", alert_id=ids[name], kind="snooze", until_at=night.at(until), by="ada", at=night.at(-180)
        )
    night.put(db, "alert_events", alert_id=ids["gone"], kind="resolve", by="ada", at=night.at(-50))
    for n in range(3):
        loud = night.alert(db, model.id, None, -40 + n, title="drift", group="drift")
        night.put(db, "alert_feedback", alert_id=loud, verdict="noise", by="ada", at=NOW)
        night.put(db, "alert_events", alert_id=loud, kind="resolve", by="ada", at=NOW)
    night.put(
        db, "silences", model_id=model.id, starts_at=night.at(-10), ends_at=night.at(90), by="ada", reason="deploy",
        preview_count=1, at=night.at(-10),
    )  # fmt: skip
    incident = lifecycle.open_incident(db, model=model, title="scores moved", actor=ADA, now=NOW)
    writing.follow_up(db, incident.key, "ask the caller", actor=ADA, now=NOW)
    night.rollback(db, model.id, None, "actuated")
    page = handover.build(db, start=night.at(-400), end=night.at(10), rotation=parse(BASE, "r.toml"))
    assert [a.title for a in page.firing] == ["old firing alert", "over alert"]
    assert [(a.title, a.by) for a in page.acknowledged] == [("acked alert", "ada")]
    assert [a.title for a in page.snoozed] == ["snoozed alert"]
    assert "gone alert" in [a.title for a in page.resolved]
    assert [(i.key, i.next_action) for i in page.incidents] == [("INC-0001", "ask the caller")]
    assert [r.state for r in page.in_flight] == ["actuated"]
    assert [(n.alerts, n.noise) for n in page.noisy] == [(3, 3)]
    assert page.open_items == 6
    told = handover_page.markdown(page, note="mind the deploy")
    for words in ("silence until", "snooze until", "Next: ask the caller", "typed to confirm", "(firing for 3 d)"):
        assert words in told


def test_a_handover_is_accepted_once_by_the_next_person(db: sqlite3.Connection) -> None:
    start, end = handover.window(db, None, now=NOW)
    assert end - start == handover.DEFAULT_WATCH
    written = handover.write_handover(db, start=start, end=end, to_person="lin", actor=ADA, now=NOW)
    assert written.snapshot["firing"] == []
    assert "Open items: 0." in written.body
    with pytest.raises(RefusedError, match="your own"):
        handover.accept_handover(db, actor=ADA, now=NOW)
    taken = handover.accept_handover(db, actor=LIN, now=night.at(5), note="thanks")
    assert (taken.accepted_by, taken.accepted_at, taken.accepted_note) == ("lin", night.at(5), "thanks")
    with pytest.raises(RefusedError, match="accepted by lin"):
        handover.accept_handover(db, taken.id, actor=LIN, now=NOW)
    with pytest.raises(UsageError, match="no handover waits"):
        handover.accept_handover(db, actor=LIN, now=NOW)
    assert handover.window(db, None, now=night.at(60))[0] == NOW
    assert handovers.count(db) == 1
