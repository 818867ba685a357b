"""What many experiments come to: funnel, gains, shrinkage, the kill that is suggested, the tree."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.experiments import running
from core.experiments.funnel import funnel
from core.experiments.gains import By, gains, tree
from core.experiments.lives import life_of, lives
from core.experiments.predicting import history_of, learn, outlook, outlooks
from core.experiments.report import experiment_report
from core.stats.shrinkage import Estimate, Shrinkage
from storage.records.experiments import ExperimentState
from storage.records.models import Model
from storage.tables import experiments
from tests.conftest import ADA, CHURN
from tests.core.experiments.kit import STAGES, day, put, register, running_one, simulated_history

BYS: tuple[By, ...] = ("kind", "driven", "source", "guided", "person")


@pytest.fixture
def churn(register: Callable[..., Model]) -> Model:
    return register(CHURN + STAGES)


def test_the_history_of_a_team_predicts_and_suggests_kills(db: sqlite3.Connection, churn: Model) -> None:
    simulated_history(db, churn, 9)
    few = running_one(db, churn, 40)
    put(db, few, "offline", 0.0001, 41)
    told = history_of(db, churn, now=day(42))
    assert (told.measured, told.shrinkage) == (10, None)
    out = outlooks(db, now=day(42))[few.id]
    assert out.why_not == f"too little history: {told.pairs} of 8 cases with an offline and a later gain"
    assert (out.end, out.kill) == (None, False)
    simulated_history(db, churn, 16, seed=6)
    told = history_of(db, churn, now=day(60))
    assert told.shrinkage is not None
    assert told.shrinkage.ratio.low <= 0.6 <= told.shrinkage.ratio.high
    by_state = [one.state for one in experiments.listing(db)]
    assert told.launched == by_state.count("launched") + by_state.count("dropped")
    assert told.decided == told.launched + by_state.count("killed") == 25
    assert (told.kept, told.followed) == (0, by_state.count("dropped"))
    assert {s.kind: s.pairs for s in told.stages} == {"shadow": 0, "canary": told.pairs, "ab": 0, "full": 0}
    good = running_one(db, churn, 50, title="large")
    put(db, good, "offline", 0.08, 51)
    blank = running_one(db, churn, 52)
    found = outlooks(db, [churn.id], now=day(60))
    assert set(found) == {few.id, good.id, blank.id}
    assert (found[few.id].kill, found[good.id].kill, found[blank.id].kill) == (True, False, False)
    assert found[blank.id].why_not == "no offline result yet"
    for one in (few, good):
        end = found[one.id].end
        assert end is not None
        assert found[one.id].kill == (end.expected.high < one.registration.minimum_gain)
        assert end.expected.value == pytest.approx(end.if_kept.value * end.survival)
    # What is decided is not asked about any more, and another owner has another history.
    running.kill(db, few.id, "history says so", actor=ADA, now=day(61))
    assert few.id not in outlooks(db, now=day(61))


def test_the_rule_of_the_kill_is_exactly_that_one(
    db: sqlite3.Connection, churn: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.stats import shrinkage

    one = running_one(db, churn)
    put(db, one, "offline", 0.01, 1)
    seen = life_of(db, one.id, now=day(2))
    known = learn([seen])
    known = replace(known, shrinkage=object.__new__(Shrinkage))
    for high, kill in ((0.999, True), (1.0, False), (1.001, False)):
        told = shrinkage.EndValue(Estimate(0.5, 0.1, high), Estimate(1.0, 0.5, 2.0), 0.5)
        monkeypatch.setattr(shrinkage, "predict", lambda *_, told=told, **__: told)
        assert outlook(seen, known).kill is kill


def test_the_funnel_counts_every_experiment_once(db: sqlite3.Connection, churn: Model) -> None:
    every = simulated_history(db, churn, 12)
    register(db, churn, 20)
    running_one(db, churn, 20, title="another")
    told = funnel(lives(db, now=day(22)), target=timedelta(days=0.8))
    here = {line.place: line.here for line in told.lines}
    states: list[ExperimentState] = [one.state for one in every]
    assert sum(here.values()) == told.experiments == 14
    assert here == {
        "registered": 1, "build": 1, "test": states.count("killed"), "shadow": 0,
        "canary": 12 - states.count("killed"), "ab": 0, "full": 0,
    }  # fmt: skip
    assert [line.reached for line in told.lines] == sorted((line.reached for line in told.lines), reverse=True)
    assert told.lines[0].reached == 14
    # Half a day to the first result, three tenths behind it, of each one that ended; the drops ran until the launch.
    build, test = told.lines[1], told.lines[2]
    assert build.wasted == (states.count("killed") + states.count("dropped")) * timedelta(days=0.5)
    assert test.wasted == states.count("killed") * timedelta(days=0.3) + states.count("dropped") * timedelta(days=0.2)
    assert told.pace.to_first == timedelta(days=0.5)
    assert told.pace.to_stage == timedelta(days=0.7)
    assert (told.pace.to_kill, told.pace.to_kill_of) == (timedelta(days=0.8), states.count("killed"))
    assert told.pace.in_time == states.count("killed")
    nothing = funnel([])
    assert (nothing.experiments, nothing.pace.to_kill, nothing.pace.in_time) == (0, None, None)


def test_the_counts_of_every_table_match(db: sqlite3.Connection, churn: Model) -> None:
    every = simulated_history(db, churn, 12)
    running.book(db, every[0].id, 4.0, actor=ADA, now=day(30))
    child = running_one(db, churn, 31, parent_id=every[0].id, idea_from="ops")
    put(db, child, "offline", 0.008, 32)
    seen = lives(db, now=day(33))
    found = {by: gains(seen, by) for by in BYS}
    for lines in found.values():
        assert sum(line.registered for line in lines) == 13
        assert sum(line.won for line in lines) == sum(one.state == "launched" for one in experiments.listing(db))
        assert sum(line.decided for line in lines) == 12
        assert sum(line.measured for line in lines) == 13
        assert sum(line.hours for line in lines) == 4.0
    [scratch, guided] = found["guided"]
    assert (guided.name, guided.registered, guided.mean_gain) == ("guided", 1, pytest.approx(2.0))
    assert (guided.rate, guided.gain_per_hour) == (None, None)
    assert every[0].id == 1
    one = seen[0]
    assert one.latest is not None
    assert scratch.gain_per_hour == pytest.approx(one.latest.gain / 0.004 / 4.0)
    assert scratch.low is not None
    assert scratch.low < (scratch.rate or 0) < (scratch.high or 0)
    own = [x.latest.gain for x in seen if x.latest is not None and x.experiment.state == "launched"]
    assert scratch.total == {"churn auc": pytest.approx(sum(own))}
    assert {line.name: line.registered for line in found["driven"]} == {"data": 7, "model": 6}
    assert {line.name: line.registered for line in found["source"]} == {"support": 12, "ops": 1}


def test_the_tree_has_each_once_behind_its_parent(db: sqlite3.Connection, churn: Model) -> None:
    first, second = register(db, churn), register(db, churn, title="another")
    child = register(db, churn, 1, parent_id=first.id)
    grandchild = register(db, churn, 2, parent_id=child.id)
    nodes = [(node.life.experiment.id, node.depth) for node in tree(lives(db, now=day(3)))]
    assert nodes == [(first.id, 0), (child.id, 1), (grandchild.id, 2), (second.id, 0)]


def test_a_report_keeps_known_conjecture_and_not_known_apart(db: sqlite3.Connection, churn: Model) -> None:
    one = running_one(db, churn, title="<b>*fresher*</b>")
    put(db, one, "offline", 0.02, 1, half=0.005)
    running.explain(db, one.id, "it was the join", hypothesis="the join", actor=ADA, now=day(2))
    seen = life_of(db, one.id, now=day(3))
    told = outlook(seen, history_of(db, churn, now=day(3)))
    text = experiment_report(seen, told, None)
    known, conjecture, unknown = (text.index(f"## {head}") for head in ("Known", "Conjecture", "Not known"))
    assert known < text.index(one.sha256) < text.index("more than predicted") < conjecture
    assert conjecture < text.index("newer rows cure the drift") < text.index("(retrofitted, ") < unknown
    assert conjecture < text.index("results that a person typed") < unknown
    assert unknown < text.index("no later stage has a result")
    assert unknown < text.index("too little history")
    assert "<b>" not in text
