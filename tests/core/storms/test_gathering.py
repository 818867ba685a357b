import itertools
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from core.changes import feed
from core.standing_causes import NO_DATA
from core.storms import answers, incident
from storage.records.models import Model
from storage.tables import alerts, audit, incidents, storms
from tests.conftest import ADA, NOW
from tests.core.storms.weather import arrive, lines, model, nulls, open_alerts, unit
from tests.core.test_alerts import found

LATER = NOW + timedelta(hours=3)


def whys(db: sqlite3.Connection) -> dict[str, list[str]]:
    """Per model, why its groups belong to the one storm."""
    (storm,) = storms.open_storms(db)
    told: dict[str, list[str]] = {}
    for member in storm.members:
        told.setdefault(member.head.model, []).append(member.why)
    return told


def flood(db: sqlite3.Connection, folder: Path) -> list[Model]:
    """37 alerts of two causes: a weather feed that four models read, and a deploy that broke one other model."""
    readers = [model(db, folder, name, upstream=("Weather feed",)) for name in ("eta", "demand", "surge", "fraud")]
    broken = model(db, folder, "churn")
    for n, one in enumerate(readers):
        arrive(db, one, [unit("temp", "page"), nulls("wind"), *(nulls(f"w{n}{k}") for k in range(6))], hour=n / 4)
    arrive(db, broken, [nulls(f"c{n}") for n in range(5)], hour=0.5)
    return [*readers, broken]


def test_thirty_seven_alerts_are_two_lines(db: sqlite3.Connection, tmp_path: Path) -> None:
    flood(db, tmp_path)
    assert open_alerts(db) == 37
    assert alerts.count(db) == 37
    assert lines(db) == 2
    assert [a.model for a in alerts.page(db, fold=True)] == ["fraud", "churn"]
    assert alerts.firing(db, NOW) == {"page": 1, "ticket": 1}
    weather, deploy = sorted(storms.open_storms(db), key=lambda s: s.id)
    assert (len(weather.members), weather.models) == (32, ("demand", "eta", "fraud", "surge"))
    assert deploy.models == ("churn",)
    assert all(member.why for storm in (weather, deploy) for member in storm.members)


def test_each_bond_says_why(db: sqlite3.Connection, tmp_path: Path) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    arrive(db, eta, [unit("Temp")])
    arrive(db, demand, [unit("temp")], hour=1)
    told = whys(db)
    assert told["demand"] == ["the same fault (unit change) of temp as in eta"]
    assert told["eta"] == ["the same fault (unit change) of Temp as in demand"]


def test_an_upstream_binds_what_is_loud_and_not_what_is_read_once_a_day(db: sqlite3.Connection, tmp_path: Path) -> None:
    eta, demand = (model(db, tmp_path, name, upstream=("weather",)) for name in ("eta", "demand"))
    arrive(db, eta, [unit("temp"), found("bounds", "wind", cause="bounds", tier="digest")])
    arrive(db, demand, [nulls("rain"), found("clipped", "fog", cause="clipped", tier="digest")])
    assert whys(db) == {"eta": ["feeds on weather, as demand does"], "demand": ["feeds on weather, as eta does"]}
    assert lines(db) == 3


def test_a_change_shortly_before_binds_and_what_the_program_saw_itself_does_not(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    eta, demand, churn = (model(db, tmp_path, name) for name in ("eta", "demand", "churn"))
    at = (NOW - timedelta(hours=1)).isoformat()
    told = {"layer": "infrastructure", "kind": "resize", "subject": "db-3", "at": at}
    for source in ("midwatch", "ci"):
        feed.add(db, {**told, "source_ref": source}, source=source, actor=ADA, now=NOW)
        if source == "midwatch":
            arrive(db, churn, [nulls("a")], hour=-9)
            arrive(db, churn, [], hour=-8)
            arrive(db, churn, [], hour=-7)
            arrive(db, churn, [nulls("b")])
            assert storms.open_storms(db) == []
    arrive(db, eta, [unit("temp")])
    arrive(db, demand, [nulls("rain")])
    assert set(whys(db)) == {"eta", "demand", "churn"}
    assert whys(db)["demand"][0].startswith("after the same change as ")
    assert whys(db)["demand"][0].endswith(": infrastructure resize db-3 at 11-23 02:01Z")


def test_the_same_directory_binds_the_same_fault(db: sqlite3.Connection, tmp_path: Path) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    arrive(db, eta, [nulls("a"), unit("x")], folder="/logs/shared")
    arrive(db, demand, [nulls("b"), found("frozen", "y", cause="frozen")], folder="/logs/shared")
    assert whys(db)["demand"] == ["the same fault (null burst) in files of /logs/shared, as in eta"]
    assert lines(db) == 3


@pytest.mark.parametrize(
    "second",
    [
        [nulls("temp")],  # another fault
        [unit("rain")],  # another column
        [unit("score")],  # every model has a prediction
    ],
)
def test_what_shares_nothing_stays_apart(db: sqlite3.Connection, tmp_path: Path, second: list[object]) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    arrive(db, eta, [unit("temp"), unit("score")])
    arrive(db, demand, second)  # type: ignore[arg-type]
    assert storms.open_storms(db) == []
    assert lines(db) == alerts.count(db) == 3


@pytest.mark.parametrize(("hours", "together"), [(0.0, True), (2.9, True), (3.1, False), (9.0, False)])
def test_only_one_window_makes_a_storm(db: sqlite3.Connection, tmp_path: Path, hours: float, together: bool) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    arrive(db, eta, [unit("temp")])
    arrive(db, demand, [unit("temp")], hour=hours)
    assert bool(storms.open_storms(db)) is together


def test_what_has_stood_for_days_is_no_part_of_what_comes_today(db: sqlite3.Connection, tmp_path: Path) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    for hour in range(0, 24, 2):
        arrive(db, eta, [unit("temp")], hour=hour)
    arrive(db, demand, [unit("temp")], hour=22)
    assert storms.open_storms(db) == []


def test_models_gone_silent_together_are_a_storm(db: sqlite3.Connection, tmp_path: Path) -> None:
    from core.alert_raising import raise_standing
    from core.watchdogs import _draft

    for name in ("eta", "demand", "surge"):
        one = model(db, tmp_path, name, upstream=("kafka",))
        draft = _draft(one, NO_DATA, "", tier="ticket", error_class="ops", title=f"no batch of {name}", score=1.0)
        raise_standing(db, one, draft, NOW)
    assert lines(db) == 1
    assert set(whys(db)) == {"eta", "demand", "surge"}


@pytest.mark.parametrize(("cause", "bound"), [("labels", False), ("no data", True)])
def test_an_upstream_binds_no_data_to_no_data_alone(
    db: sqlite3.Connection, tmp_path: Path, cause: str, bound: bool
) -> None:
    from core.alert_raising import raise_standing
    from core.watchdogs import _draft

    for name, kind in (("eta", NO_DATA), ("demand", cause)):
        one = model(db, tmp_path, name, upstream=("kafka",))
        draft = _draft(one, kind, "", tier="ticket", error_class="ops", title=f"{kind} of {name}", score=1.0)
        raise_standing(db, one, draft, NOW)
    assert bool(storms.open_storms(db)) is bound


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
def test_the_order_of_arrival_decides_nothing(db: sqlite3.Connection, tmp_path: Path, order: tuple[int, ...]) -> None:
    """A and B share an upstream, C and D another, B and C the same fault of one column: one chain, one storm."""
    ways = [("a", ["x"], "p"), ("b", ["x"], "q"), ("c", ["y"], "q"), ("d", ["y"], "r")]
    made = [(model(db, tmp_path, name, upstream=up), column) for name, up, column in ways]
    for place in order:
        one, column = made[place]
        arrive(db, one, [unit(column)], hour=place / 10)
    (storm,) = storms.open_storms(db)
    assert storm.models == ("a", "b", "c", "d")
    assert lines(db) == 1


def test_one_answer_covers_all_and_is_undone_as_one(db: sqlite3.Connection, tmp_path: Path) -> None:
    flood(db, tmp_path)
    storm = min(storms.open_storms(db), key=lambda s: s.id)
    before = {m.head.id: m.head.state for m in storm.members}
    first = storm.members[5].head
    from core.alert_answers import acknowledge

    acknowledge(db, first.id, actor=ADA, now=NOW, note="mine")
    entries = len(list(audit.recent(db, 100)))
    assert len(answers.acknowledge(db, storm.id, actor=ADA, now=NOW)) == 31
    assert len(list(audit.recent(db, 100))) == entries + 1
    assert storms.get(db, storm.id).state_at(NOW) == "acknowledged"
    assert alerts.firing(db, NOW) == {"ticket": 1}
    assert len(answers.undo(db, storm.id, actor=ADA, now=LATER)) == 31
    after = {m.head.id: m.head.state for m in storms.get(db, storm.id).members}
    assert after == {**before, first.id: "acknowledged"}
    with pytest.raises(Exception, match="nobody has answered"):
        answers.undo(db, storm.id, actor=ADA, now=LATER)
    assert next(iter(audit.recent(db, 1))).action == "storm.undo"


def test_who_joins_an_acknowledged_storm_later_inherits_unless_louder(db: sqlite3.Connection, tmp_path: Path) -> None:
    made = [model(db, tmp_path, name, upstream=("weather",)) for name in ("a", "b", "c", "d")]
    for one in made[:2]:
        arrive(db, one, [unit("temp")])
    (storm,) = storms.open_storms(db)
    answers.acknowledge(db, storm.id, actor=ADA, now=NOW)
    (quiet,) = arrive(db, made[2], [nulls("x")], hour=1)
    assert (quiet.state, alerts.events(db, quiet.id)[0].note) == (
        "acknowledged",
        f"joins storm {storm.id}, answered by ada",
    )
    (loud,) = arrive(db, made[3], [nulls("x", "page")], hour=1)
    assert loud.state == "firing"
    assert storms.get(db, storm.id).state_at(LATER) == "firing"
    assert [a.id for a in alerts.page(db, fold=True)] == [loud.id]
    assert alerts.firing(db, LATER) == {"page": 1}


def test_a_snooze_of_a_storm_ends_for_all_of_it(db: sqlite3.Connection, tmp_path: Path) -> None:
    flood(db, tmp_path)
    storm = min(storms.open_storms(db), key=lambda s: s.id)
    answers.snooze(db, storm.id, LATER, actor=ADA, now=NOW)
    assert storms.get(db, storm.id).state_at(NOW) == "snoozed"
    assert storms.get(db, storm.id).firing(LATER) == 32
    assert alerts.firing(db, LATER).get("page") == 4  # run out: each group is told again


def test_one_incident_for_a_storm(db: sqlite3.Connection, tmp_path: Path) -> None:
    flood(db, tmp_path)
    weather, deploy = sorted(storms.open_storms(db), key=lambda s: s.id)
    opened = incident.open_incident(db, weather.id, "the weather feed", actor=ADA, now=LATER)
    assert (opened.model, opened.severity, opened.alerts) == (None, "SEV2", 32)
    assert incident.open_incident(db, deploy.id, "churn", actor=ADA, now=LATER).model == "churn"
    assert len({m.head.incident_id for m in storms.get(db, weather.id).members}) == 1
    assert incidents.get(db, opened.key).owner == "ada"


def test_a_storm_ends_with_its_groups_and_does_not_come_back_by_itself(db: sqlite3.Connection, tmp_path: Path) -> None:
    eta, demand = model(db, tmp_path, "eta"), model(db, tmp_path, "demand")
    arrive(db, eta, [unit("temp")])
    arrive(db, demand, [unit("temp")])
    for hour in (1, 2):
        arrive(db, eta, [], hour=hour)
    (storm,) = storms.open_storms(db)
    assert storm.models == ("demand",)
    for hour in (1, 2):
        arrive(db, demand, [], hour=hour)
    assert storms.open_storms(db) == []
    arrive(db, eta, [unit("temp")], hour=40)
    assert storms.open_storms(db) == []
    assert lines(db) == 1


def test_the_derived_lines_follow_from_the_facts(db: sqlite3.Connection, tmp_path: Path) -> None:
    made = flood(db, tmp_path)
    for hour in (2, 3, 4):
        arrive(db, made[0], [unit("temp", "page")], hour=hour)
    rows = db.execute("SELECT * FROM alert_groups WHERE open = 1").fetchall()
    for storm_id in {row["storm_id"] for row in rows}:
        inside = [row for row in rows if row["storm_id"] == storm_id]
        order = sorted(inside, key=lambda r: (r["quiet"], r["tier_rank"], -r["score"], -r["head_id"]))
        assert [row["leads"] for row in order] == [1] + [0] * (len(inside) - 1)
        for one in {row["model_id"] for row in inside}:
            of_model = [row["leads_model"] for row in order if row["model_id"] == one]
            assert of_model == [1] + [0] * (len(of_model) - 1)
    assert {row["storm_id"] for row in rows} == {storm.id for storm in storms.open_storms(db)}
    joined = db.execute("SELECT count(*) FROM storm_members").fetchone()[0]
    assert joined == 37


def test_a_line_is_found_where_the_page_shows_it(db: sqlite3.Connection, tmp_path: Path) -> None:
    made = flood(db, tmp_path)
    arrive(db, made[0], [found("bounds", "lone", cause="bounds", tier="digest")], hour=30)
    for where in ({}, {"model_id": made[0].id}):
        shown = alerts.page(db, fold=True, **where)  # type: ignore[arg-type]
        assert len(shown) == alerts.count(db, fold=True, **where)  # type: ignore[arg-type]
        for place, alert in enumerate(shown):
            key = (alert.model_id, alert.group_key)
            assert alerts.place(db, key, fold=True, **where) == place  # type: ignore[arg-type]
    assert alerts.count(db, fold=True, like="c3") == 1
