"""What alerts, storms and their charts say, without a screen."""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from core import alert_answers
from core.checks.statistics import STATS, Key
from core.guidance import guidance
from core.past_values import WORDS, PastValue, PastValues, _read
from core.quality.figures import quality
from core.storms import answers
from storage.tables import alerts, results, storms
from tests.conftest import ADA, NOW
from tests.core.storms.weather import arrive, model, nulls, unit
from tui.present import alerts as present_alerts
from tui.present import storms as present
from tui.present.columns import layout
from tui.present.past_values import chart
from tui.present.quality import short_heading
from tui.screens.home import HomePane

LATER = NOW + timedelta(hours=2)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%MZ}"


def test_a_storm_says_what_its_answer_still_holds_of(db: sqlite3.Connection, tmp_path: Path) -> None:
    made = [model(db, tmp_path, name, upstream=("weather",)) for name in ("eta", "demand", "surge", "fare")]
    for one in made[:3]:
        arrive(db, one, [unit("temp")])
    (storm,) = storms.open_storms(db)

    def told(now: datetime) -> str:
        said = storms.answer_in_force(db, storm.id)
        return present.detail(storms.get(db, storm.id), said, now, stamp).plain

    assert "a answers all of it" in told(NOW)
    answers.acknowledge(db, storm.id, actor=ADA, now=LATER)
    assert f"{stamp(LATER)} ada acknowledged all of it\na again takes it back, enter opens it" in told(LATER)
    arrive(db, made[3], [unit("temp", "page")], hour=2)
    now = LATER + timedelta(hours=2)
    assert "ada acknowledged the 3 there were; 1 louder one joined since" in told(now)
    head = next(m.head for m in storms.get(db, storm.id).members if m.head.model == "eta")
    alert_answers.wake(db, head.id, actor=ADA, now=now)
    assert "1 fires again" in told(now)
    answers.snooze(db, storm.id, now + timedelta(days=30), actor=ADA, now=now, note="until it is resolved; known")
    end = stamp(now + timedelta(days=30))
    assert f"ada snoozed all of it until resolved ({end} at the latest) known" in told(now)


def test_advice_stands_above_examples_and_chart(db: sqlite3.Connection, tmp_path: Path) -> None:
    (alert,) = arrive(db, model(db, tmp_path, "eta"), [nulls("wind")])
    found = results.of_alert(db, alert.id)
    sample = [{"line": 7, "path": "a.csv", "values": {"wind": ""}}]
    shown = [replace(one, finding=replace(one.finding, evidence={"sample": sample})) for one in found]
    helped = guidance(db, alert, [one.finding for one in found])
    body = present_alerts.detail(alert, shown, [], helped, NOW, stamp, chart="THE CHART").plain
    assert 0 < body.index("  do: ") < body.index("e.g. line 7 of a.csv") < body.index("THE CHART")


def test_a_slice_that_lacked_nothing_is_a_zero_of_the_past() -> None:
    key, share = Key("wind", "slice_missing", "region=north"), Key("region", "slice_share", "region=north")
    days: list[tuple[Mapping[Key, float], float | None]] = [
        ({key: 0.4, share: 0.5}, 0.4),
        ({share: 0.5}, 0.0),
        ({share: 0.01}, None),
        ({}, None),
    ]
    assert [_read(key, day, 100) for day, _ in days] == [value for _, value in days]


def test_a_chart_of_a_share_begins_at_zero_and_has_what_is_usual() -> None:
    values = [
        PastValue(NOW + timedelta(hours=n), v, n == 4) for n, v in enumerate([0.4957, 0.5, 0.4981, 0.499, 0.4712])
    ]
    drawn = chart(PastValues("share missing", tuple(values), values[-1].at, (), 0.4985, True), stamp, 78)
    assert "the line: the median of the other batches, 0.498" in drawn
    levels = [found[1] for line in drawn.splitlines() if (found := re.match(r" *([0-9.]+)[┤├]", line))]
    assert levels == ["0.55", "0.367", "0.183", "0"]
    level = chart(PastValues("mean", tuple(values), values[-1].at, (), None, False), stamp, 78)
    assert "0.4957" not in level
    assert "the line" not in level


def test_every_statistic_has_words() -> None:
    assert set(STATS) <= set(WORDS)


def test_a_short_record_is_told_in_days_and_none_is_told_as_none(db: sqlite3.Connection, tmp_path: Path) -> None:
    eta = model(db, tmp_path, "eta")
    since, now = NOW - timedelta(weeks=12), NOW + timedelta(days=5, hours=1)
    assert short_heading(quality(db, eta, since=since, now=now))[-1] == "no record yet: no batch has come"
    arrive(db, eta, [unit("temp", "page"), nulls("wind")])
    assert short_heading(quality(db, eta, since=since, now=now))[-1] == "5 days, 2 calls: 1 page, 1 ticket"
    assert len(alerts.page(db)) == 2


def test_home_gives_its_numbers_room_before_the_trend() -> None:
    kept = {column.id: width for column, width in layout(HomePane.columns, 80)}
    assert "trend" not in kept
    assert kept["objective"] >= len("accuracy FAIL 0.71 x12")
    assert kept["open"] >= len("1 page 2 tkt 3 dig")
    assert "trend" in {column.id for column, _ in layout(HomePane.columns, 120)}
