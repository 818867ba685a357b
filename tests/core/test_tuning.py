import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import alert_answers
from core.tuning import propose
from storage.errors import UsageError
from storage.records.models import Model
from tests.conftest import ADA, NOW
from tests.core.test_alert_life import arrive
from tests.core.test_alerts import found


def play(db: sqlite3.Connection, model: Model, history: list[tuple[float, str]]) -> None:
    for number, (value, verdict) in enumerate(history):
        finding = replace(found("drift", "spend", score=value), value=value, threshold=1.0)
        (alert,) = arrive(db, model, number, [finding])
        alert_answers.give_feedback(db, alert.id, verdict, actor=ADA, now=NOW)


def test_noise_goes_and_faults_stay(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    model = register()
    play(db, model, [(1.2, "noise"), (1.5, "noise"), (4.0, "acted"), (1.4, "duplicate")])
    told = propose(db, model, "drift", "spend")
    assert told.threshold == pytest.approx(1.575)
    assert (told.fired_before, told.fired_after, told.noise_after, told.kept) == (4, 1, 0, 1)
    assert 'check = "drift"\ncolumn = "spend"\nthreshold = 1.575' in told.text()


def test_noise_as_strong_as_faults_is_not_tuned_away(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    model = register()
    play(db, model, [(5.0, "noise"), (4.0, "acted")])
    told = propose(db, model, "drift", "spend")
    assert told.threshold is None
    assert "can't tell them apart" in told.reason


def test_a_check_without_history_is_named(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    with pytest.raises(UsageError, match="'drft' has no results"):
        propose(db, register(), "drft", None)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.floats(1.0, 100.0), st.sampled_from(["noise", "acted", "useful", "duplicate"])),
        min_size=1,
        max_size=8,
    )
)
def test_no_proposal_ever_loses_a_known_fault(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[float, str]]
) -> None:
    from storage import db as store
    from storage import model_file
    from storage.tables import models
    from tests.conftest import CHURN

    folder = tmp_path_factory.mktemp("tuning")
    store.prepare(folder / "s.db")
    db = store.connect(folder / "s.db")
    (folder / "m.toml").write_text(CHURN)
    parsed, text, sha = model_file.read(folder / "m.toml")
    models.register(db, parsed.name, path="m.toml", text=text, sha256=sha, actor=ADA, now=NOW)
    play(db, models.get(db, "churn"), history)
    told = propose(db, models.get(db, "churn"), "drift", "spend")
    known = [value for value, verdict in history if verdict in ("acted", "useful")]
    if told.threshold is not None:
        assert all(value > told.threshold for value in known)
        assert told.noise_after < told.noise_before
    db.close()
