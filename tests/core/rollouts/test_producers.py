"""Conditions that are read from the files of batches: once, for everybody, and again when something new came."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.rollouts import deciding, overview, producers
from storage.errors import SourceError
from storage.records.rollouts import Condition
from tests.conftest import CHURN
from tests.core.rollouts.road import TWO, Road

Build = Callable[..., Road]


@pytest.fixture
def asked(build: Build, monkeypatch: pytest.MonkeyPatch) -> tuple[Road, list[str]]:
    """A canary that looks would let through, and a sample that is good or not; every reading of it is written down."""
    made, said = build(), ["a good sample"]

    def sample(*_: object, **__: object) -> tuple[Condition, ...]:
        said.append("read")
        return (Condition("sample", said[0] == "a good sample", said[0]),)

    made.promote()
    made.arm()
    made.look(range(24), 20, 180)
    monkeypatch.setattr(producers, "OF_FILES", (sample,))
    forget(monkeypatch)
    return made, said


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process."""
    monkeypatch.setattr(producers, "_seen", type(producers._seen)())


def test_by_looks_first_and_what_is_being_read_holds(asked: tuple[Road, list[str]]) -> None:
    made, said = asked
    (line,) = overview.candidates(made.db, made.now, wait=False)
    assert (line.being_read, line.outcome, line.looks, said[1:]) == (True, "hold", 48, [])
    assert line.waits_for == producers.BEING_READ.text
    (line,) = overview.candidates(made.db, made.now)
    assert (line.being_read, line.outcome, said[1:]) == (False, "promote", ["read"])


def test_harm_is_said_before_anything_is_read(asked: tuple[Road, list[str]]) -> None:
    made, said = asked
    made.look(range(24, 40), 200, 180)
    (line,) = overview.candidates(made.db, made.now, wait=False)
    assert (line.outcome, said[1:]) == ("roll back", [])


def test_what_one_process_read_is_there_for_the_next(
    asked: tuple[Road, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, said = asked
    producers.work_out(made.db, made.model, now=made.now)
    rows = made.db.execute("SELECT count(*) FROM condition_readings").fetchone()[0]
    forget(monkeypatch)
    del said[1:]
    (line,) = overview.candidates(made.db, made.now, wait=False)
    assert (line.outcome, line.being_read, said[1:]) == ("promote", False, [])
    # A gate that is asked for in so many words reads the files again, and writes down only what is new.
    deciding.gate(made.db, made.model, made.rollout(), now=made.now)
    assert said[1:] == ["read"]
    assert made.db.execute("SELECT count(*) FROM condition_readings").fetchone()[0] == rows
    forget(monkeypatch)
    said[0] = "android is missing"
    assert deciding.gate(made.db, made.model, made.rollout(), now=made.now).verdict.outcome == "hold"
    forget(monkeypatch)
    (line,) = overview.candidates(made.db, made.now, wait=False)
    assert (line.outcome, line.waits_for) == ("hold", "android is missing")


def test_a_changed_model_file_is_read_for_anew(asked: tuple[Road, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = asked
    producers.work_out(made.db, made.model, now=made.now)
    forget(monkeypatch)
    made.file(CHURN + TWO.format(canary="") + "# another word\n")
    (line,) = overview.candidates(made.db, made.now, wait=False)
    assert line.being_read


def test_a_file_that_is_gone_fails_who_asks_the_gate_and_nobody_who_takes_in_another(
    asked: tuple[Road, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = asked

    def gone(*_: object, **__: object) -> tuple[Condition, ...]:
        raise SourceError("day3.csv is gone", "bring it back")

    monkeypatch.setattr(producers, "OF_FILES", (gone,))
    producers.work_out(made.db, made.model, now=made.now)
    with pytest.raises(SourceError, match="gone"):
        deciding.gate(made.db, made.model, made.rollout(), now=made.now)
    (line,) = overview.candidates(made.db, made.now, wait=False)
    assert (line.being_read, line.outcome) == (True, "hold")
