"""A night off: the same decisions, in the same order, to the last bit; and an auditor who works them out again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.rollouts import promotion, rederiving, turns
from storage import db as store
from storage.records.rollouts import Decision
from storage.tables import rollouts
from tests.conftest import ADA
from tests.core.rollouts.road import TWO, Road, road

Build = Callable[..., Road]
HARMED = 20
"""The night is clear of the margin at first; from this hour on there is harm."""


def canary(made: Road) -> Road:
    made.promote()
    made.arm()
    return made


def documents(made: Road) -> list[tuple[str, str, str | None]]:
    decided = rollouts.decisions(made.db, made.rollout().id, kind="looked")
    return [(one.outcome, one.document, str(one.at)) for one in decided]


def lived(tmp_path: Path, name: str, steps: Sequence[Sequence[int]]) -> list[tuple[str, str, str | None]]:
    """The decisions of a program that was opened once a step, and saw the looks of these hours then."""
    folder = tmp_path / name
    folder.mkdir()
    store.prepare(folder / "s.db")
    db = store.connect(folder / "s.db")
    made = canary(road(db, folder, TWO.format(canary="")))
    for hours in steps:
        made.look([hour for hour in hours if hour < HARMED], 20, 180)
        made.look([hour for hour in hours if hour >= HARMED], 70, 180)
        turns.write(db, made.model, now=made.now)
    found = documents(made)
    assert not any(one.wrong for one in rederiving.verify(db, made.rollout()))
    db.close()
    return found


def test_a_night_off_decides_as_a_night_on(tmp_path: Path) -> None:
    on = lived(tmp_path, "on", [range(14), [14], [15], [16], range(17, 20), [20], [21], range(22, 28)])
    off = lived(tmp_path, "off", [range(3), range(3, 28)])
    assert [one[0] for one in on] == ["promote", "roll back"]
    assert on == off


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str | None]]:
    """What is decided when all of the night is seen in the morning."""
    return lived(tmp_path_factory.mktemp("night"), "whole", [range(28)])


@given(cuts=st.lists(st.integers(1, 27), max_size=5, unique=True), backwards=st.booleans())
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_the_night_is_cut(
    tmp_path_factory: pytest.TempPathFactory,
    whole: list[tuple[str, str, str | None]],
    cuts: list[int],
    backwards: bool,
) -> None:
    steps = [list(range(a, b)) for a, b in pairwise([0, *sorted(cuts), 28])]
    folder = tmp_path_factory.mktemp("night")
    assert lived(folder, "cut", [step[::-1] for step in steps] if backwards else steps) == whole


def test_writing_again_adds_nothing(build: Build) -> None:
    made = canary(build())
    made.look(range(24), 20, 180)
    assert made.record() == ["promote"]
    made.look(range(24, 26), 20, 180)
    assert made.record() == ["promote"]


def test_looks_that_come_late_correct_what_was_said_and_both_can_be_worked_out(build: Build) -> None:
    made = canary(build())
    made.look(range(10, 34), 20, 180)
    assert made.record() == ["promote"]
    made.look(range(10), 60, 180)
    assert made.record() == ["promote", "roll back"]
    assert [one.wrong for one in rederiving.verify(made.db, made.rollout())] == ["", "", ""]


def test_what_people_did_is_worked_out_too(build: Build) -> None:
    made = canary(build(TWO.format(canary='items = ["legal"]\n')))
    made.look(range(24), 20, 180)
    made.promote(override=True, reason="legal sleeps")
    made.promote("v3")
    promotion.stop(made.db, made.model, "v3", reason="no need", actor=ADA, now=made.now)
    for version, acts in (("v2", ["", "canary"]), ("v3", ["", "canary"])):
        found = rederiving.verify(made.db, made.rollout(version))
        assert [one.decision.from_stage for one in found if one.decision.kind != "looked"] == acts
        assert not any(one.wrong for one in found)


def tampered(db: sqlite3.Connection, table: str, sql: str, *values: object) -> None:
    """Somebody with an editor and no respect for triggers."""
    db.execute(f"DROP TRIGGER {table}_no_update")
    db.execute(sql, values)


@pytest.mark.parametrize("what", ["look", "lost look", "document", "outcome"])
def test_an_auditor_finds_what_was_changed(build: Build, what: str) -> None:
    made = canary(build())
    made.look(range(24), 20, 180)
    made.record()
    made.promote()
    rollout = made.rollout()
    decided = rollouts.decisions(made.db, rollout.id)
    if what == "look":
        sums = '{"canary":1000,"canary_events":19,"control":9000,"control_events":180}'
        tampered(made.db, "gate_looks", "UPDATE gate_looks SET sums_json = ? WHERE id = 1", sums)
    elif what == "lost look":
        made.db.execute("DROP TRIGGER gate_looks_no_delete")
        made.db.execute("DELETE FROM gate_looks WHERE id = 1")
    elif what == "document":
        text = decided[1].document.replace('"outcome":"promote"', '"outcome":"hold"')
        tampered(made.db, "gate_decisions", "UPDATE gate_decisions SET document = ? WHERE id = ?", text, decided[1].id)
    else:
        tampered(made.db, "gate_decisions", "UPDATE gate_decisions SET outcome = 'hold' WHERE id = ?", decided[1].id)
    wrong = {one.decision.id: one.wrong for one in rederiving.verify(made.db, made.rollout()) if one.wrong}
    told = {
        "look": "not the ones that were counted",
        "lost look": "looks, ",
        "document": "not the one that was hashed",
        "outcome": "comes out as promote",
    }
    assert decided[1].id in wrong
    assert told[what] in wrong[decided[1].id]


def test_decisions_of_two_stores_are_the_same_bytes_whatever_their_numbers(tmp_path: Path) -> None:
    def decision(name: str, others: int) -> Decision:
        folder = tmp_path / name
        folder.mkdir()
        store.prepare(folder / "s.db")
        db = store.connect(folder / "s.db")
        made = road(db, folder, TWO.format(canary=""))
        for _ in range(others):
            made.promote("v3")
            promotion.stop(db, made.model, "v3", reason="other", actor=ADA, now=made.now)
        canary(made).look(range(24), 20, 180)
        made.record()
        found = rollouts.decisions(db, made.rollout().id, kind="looked")[0]
        db.close()
        return found

    one, other = decision("one", 0), decision("other", 3)
    assert one.id != other.id
    assert (one.document, one.sha256) == (other.document, other.sha256)
    body = json.loads(one.document)
    assert body["verdict"]["outcome"] == "promote"
    assert {"by", "recorded_at", "id"}.isdisjoint(body)
