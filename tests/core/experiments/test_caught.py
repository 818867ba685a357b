"""The ledger of defects: each once, in the stage that caught it first."""

import sqlite3
from collections.abc import Callable

import pytest

from core.experiments.caught import add, ledger, tag
from core.incidents.lifecycle import open_incident, set_state
from storage.errors import UsageError
from storage.records.models import Model
from storage.tables import audit, rollouts
from tests.conftest import ADA, CHURN
from tests.core import night
from tests.core.experiments.kit import STAGES, day, evaluated, rolled_out


@pytest.fixture
def churn(register: Callable[..., Model]) -> Model:
    return register(CHURN + STAGES)


def rolled_back(db: sqlite3.Connection, rollout: int, stage: str, at: float, *, dry_run: bool = False) -> None:
    rollouts.add_decision(
        db, rollout, "looked", from_stage=stage, to_stage=None, outcome="roll back", dry_run=dry_run, at=day(at),
        document="{}", by="midwatch", now=day(at),
    )  # fmt: skip


def test_every_defect_counts_once(db: sqlite3.Connection, churn: Model) -> None:
    assert ledger(db).whole.rate is None
    batch = night.batch(db, churn.id, -50)
    alarm = night.alert(db, churn.id, batch, -40)
    opened = [
        open_incident(db, model=churn, title=f"night {n}", alerts=[alarm] if n == 0 else [], actor=ADA, now=day(n))
        for n in range(3)
    ]
    set_state(db, opened[2].key, "false alarm", reason="a test", actor=ADA, now=day(3))
    evaluated(db, churn, 4, version="v43", comparison="worse")
    evaluated(db, churn, 4, version="v44")
    evaluated(db, churn, 4, version="v46", comparison="worse", verified=False)
    rolled_back(db, rolled_out(db, churn, 4, version="v43"), "canary", 9)
    rolled_back(db, rolled_out(db, churn, 4, version="v44"), "canary", 9)
    rolled_back(db, rolled_out(db, churn, 4, version="v45"), "shadow", 9, dry_run=True)
    told = ledger(db)
    assert [(one.name, one.stage) for one in told.defects] == [
        (f"incident:{opened[0].key}", "live"), (f"incident:{opened[1].key}", "live"), ("version:churn/v43", "test"),
        ("version:churn/v44", "canary"),
    ]  # fmt: skip
    assert sum(told.stages.values()) == told.whole.defects == len(told.defects) == 4
    assert (told.whole.escaped, told.whole.rate) == (2, 0.5)
    assert [(month.name, month.defects, month.escaped) for month in told.months] == [
        ("2026-11", 3, 2),
        ("2026-12", 1, 0),
    ]
    # A person knows better, or knows of one that nothing else recorded.
    assert tag(db, f"incident:{opened[1].key}", "shadow", actor=ADA, now=day(10)).tagged_by == "ada"
    assert add(db, "wrong join", "build", model=churn, actor=ADA, now=day(11)).name == "hand:1"
    assert tag(db, "hand:1", "test", actor=ADA, now=day(12)).stage == "test"
    assert add(db, "typo", "build", actor=ADA, now=day(13)).name == "hand:2"
    told = ledger(db)
    assert {place: n for place, n in told.stages.items() if n} == {
        "build": 1, "test": 2, "shadow": 1, "canary": 1, "live": 1,
    }  # fmt: skip
    assert next(one.at for one in told.defects if one.name == "hand:1") == day(11)
    assert ledger(db, churn).whole.defects == 5
    assert ledger(db, since=day(8)).whole.defects == 3
    assert next(entry.action for entry in audit.recent(db)) == "defect.tag"
    with pytest.raises(UsageError, match="no defect"):
        tag(db, "incident:INC-0099", "test", actor=ADA, now=day(14))
    with pytest.raises(UsageError, match="needs a title"):
        add(db, " ", "test", actor=ADA, now=day(14))
