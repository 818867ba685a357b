"""From logs and a change feed to symptoms, suspects and answers."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from core import versions
from core.changes import feed as changes
from core.incidents import lifecycle, view, writing
from core.why.answer import explain, explain_alert, ranked
from core.why.effects import Effect, effects
from core.why.entries import library
from core.why.explanation import Why
from core.why.linking import link
from storage import db as store
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.tables import alerts, batches, models
from tests.conftest import ADA, NOW, filled, registered
from tests.core.why.night import MODEL, ONSET, Columns, begin, spoiled


def change(db: sqlite3.Connection, minutes: float, layer: str, kind: str, subject: str, **more: object) -> None:
    """A change of the model, so many minutes before the onset."""
    fields = {"layer": layer, "kind": kind, "subject": subject, "model": "churn", **more}
    at = ONSET - timedelta(minutes=minutes)
    changes.add(db, {**fields, "at": at, "by": "ada"}, source="test", actor=ADA, now=NOW)


def feed(db: sqlite3.Connection) -> None:
    """The cause of each test among bystanders."""
    change(db, 4, "component", "client", "checkout app 7.1: sends spend in cents")
    change(db, 90, "run", "config", "min_score of churn", before="0.3", after="0.35", reviewed_by="lin")
    change(db, 60 * 30, "infrastructure", "image", "serving image rebuilt", reviewed_by="lin")
    change(db, 6, "pipeline", "query", "feedback join: churned labels keyed on account")


def cents(found: Columns) -> None:
    found["spend"] = found["spend"] * 100


def snapshot(found: Columns) -> None:
    found["score"] = (0.5 + 0.02 * (found["score"] - 0.5)).round(5)
    found["model_version"] = np.full(len(found["score"]), "v42")


def flipped(found: Columns) -> None:
    found["churned"] = 1 - found["churned"]


def lost(found: Columns) -> None:
    found["tenure"] = np.where(found["region"] == "EU", np.nan, found["tenure"])


def both(found: Columns) -> None:
    cents(found)
    lost(found)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A store with the reference and the clean batches of the model, made once; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("history")
    path = Path(shutil.copy(empty_store, folder / "midwatch.db"))
    with closing(store.connect(path)) as db:
        begin(db, registered(db, folder, MODEL), folder)
    return path


@pytest.fixture
def churn(db: sqlite3.Connection, history: Path) -> Model:
    """The model in a store with a clean past."""
    return models.get(filled(db, history), "churn")


def why(db: sqlite3.Connection, model: Model, tmp_path: Path, spoil: Callable[[Columns], None] | None) -> Why:
    feed(db)
    spoiled(db, model, tmp_path, spoil)
    return explain(db, model, now=NOW)


def test_nothing_wrong_names_nobody(db: sqlite3.Connection, churn: Model, tmp_path: Path) -> None:
    found = why(db, churn, tmp_path, None)
    assert found.explanations == ()
    assert found.suspects == ()
    assert found.words.startswith("nothing to explain")
    assert {s.name for s in found.not_known} >= {"host_apart", "decisions_moved"}


def test_a_unit_accuses_the_caller_and_forbids_the_rollback(
    db: sqlite3.Connection, churn: Model, tmp_path: Path
) -> None:
    found = why(db, churn, tmp_path, cents)
    one = found.explanations[0]
    assert (one.symptom.id, one.verdict) == ("unit-change", "fix upstream")
    assert one.onset.batches == 2
    assert abs(one.onset.first - ONSET) < timedelta(minutes=1)
    first = one.lineup.suspects[0]
    assert (first.change.kind, first.cause) == ("client", "component/unit")
    assert any("spend" in e.text for e in first.for_it)
    assert any("roll back" in words for words in one.symptom.do_not)
    assert all(s.change.kind != "config" for s in one.lineup.suspects)


def test_a_bad_snapshot_accuses_its_deployment_with_what_differs(
    db: sqlite3.Connection, churn: Model, tmp_path: Path
) -> None:
    feed(db)
    for name, minutes in (("v41", 60 * 24), ("v42", 2)):
        rate = 0.3 if name == "v41" else 0.5
        for part, body in (("model", "m"), ("data", f'{{"label_base_rate": {rate}}}'), ("config", "c")):
            (tmp_path / f"{name}.{part}").write_text(body)
        sources = versions.Sources(
            artifact=tmp_path / f"{name}.model", data=tmp_path / f"{name}.data", config=tmp_path / f"{name}.config"
        )
        at = ONSET - timedelta(minutes=minutes)
        versions.add(db, churn, name, sources, actor=ADA, now=at)
        reason = "gate overridden by ada" if name == "v42" else "regular"
        versions.deploy(db, churn, name, "full", at=at, reason=reason, actor=ADA, now=at)
    spoiled(db, churn, tmp_path, snapshot)
    found = explain(db, churn, now=NOW)
    one = found.explanations[0]
    assert (one.symptom.id, one.verdict, one.answer) == ("bad-snapshot", "roll back", "roll back to v41")
    first = one.lineup.suspects[0]
    assert first.change.subject == "v42 full"
    told = " | ".join(e.text for e in first.for_it)
    assert "data hash differs; same model, config" in told
    assert "label base rate in its training data 0.500, 0.300 before" in told
    assert "gate overridden" in told
    assert all(0 < w.value <= 1 for w in first.weights)
    assert not first.against


def test_turned_labels_say_do_not_roll_back(db: sqlite3.Connection, churn: Model, tmp_path: Path) -> None:
    one = why(db, churn, tmp_path, flipped).explanations[0]
    assert (one.symptom.id, one.verdict) == ("labels-flipped", "do not roll back")
    assert one.lineup.suspects[0].change.kind == "query"


def test_two_faults_at_once_are_two_symptoms(db: sqlite3.Connection, churn: Model, tmp_path: Path) -> None:
    found = why(db, churn, tmp_path, both)
    told = {one.symptom.id: one.match for one in found.explanations}
    assert set(told) >= {"unit-change", "nulls-in-one-slice"}
    assert told["nulls-in-one-slice"].slices == ("region=EU",)
    assert told["unit-change"].columns == ("spend",)
    for one in (told["unit-change"], told["nulls-in-one-slice"]):  # what is asked about comes first
        assert explain(db, found.model, now=NOW, about=one.columns).explanations[0].match.columns == one.columns


def test_what_never_moved_the_metric_is_told_after_the_harmless_drift_of_its_columns(
    db: sqlite3.Connection, churn: Model, tmp_path: Path
) -> None:
    one = why(db, churn, tmp_path, cents).explanations[0]
    known = {s.id: s for s in library()}
    drift = replace(one, match=replace(one.match, symptom=known["natural-drift"]), verdict="do nothing")
    part = replace(one, match=replace(one.match, symptom=known["moved-in-one-slice"]))
    effect = Effect("slice_shift", "auc", 3, 0.8, 0.8, 0.0, False)
    assert ranked([drift, part]) == (part, drift)
    harmless = replace(part, effects=(effect,))
    assert ranked([harmless, drift]) == (drift, harmless)


def test_an_alert_is_explained_by_its_batch_and_a_moment_by_the_batch_there(
    db: sqlite3.Connection, churn: Model, tmp_path: Path
) -> None:
    found = why(db, churn, tmp_path, cents)
    assert found.batch is not None
    alert = alerts.of_batch(db, found.batch.id)[0]
    again = explain_alert(db, alert.id, now=NOW)
    assert [e.symptom.id for e in again.explanations] == [e.symptom.id for e in found.explanations]
    quiet = explain(db, found.model, now=NOW, at=ONSET - timedelta(minutes=30))
    assert quiet.explanations == ()
    with pytest.raises(UsageError):
        explain(db, found.model, now=NOW, batch=1)  # a reference batch
    with pytest.raises(UsageError):
        explain(db, found.model, now=NOW, batch=99_999)
    with pytest.raises(UsageError):
        explain(db, found.model, now=NOW, at=NOW - timedelta(days=400))


def test_a_suspect_becomes_a_hypothesis_and_a_past_incident_comes_back(
    db: sqlite3.Connection, churn: Model, tmp_path: Path
) -> None:
    found = why(db, churn, tmp_path, cents)
    one = found.explanations[0]
    incident = lifecycle.open_incident(db, model=found.model, title="spend is odd", actor=ADA, now=NOW)
    _, facts = link(db, incident.key, one, one.lineup.suspects[0], actor=ADA, now=NOW)
    told = view.detail(db, incident.key, now=NOW).hypotheses[0]
    assert told.cause == "component/unit"
    assert len(told.evidence) == facts >= 2
    assert any(e.reference and e.reference.startswith("changes:") for e in told.evidence)
    with pytest.raises(RefusedError):
        link(db, incident.key, one, one.lineup.suspects[0], actor=ADA, now=NOW)
    writing.action(db, incident.key, "asked the checkout team", actor=ADA, now=NOW)
    lifecycle.set_state(db, incident.key, "mitigated", reason="they fixed it", actor=ADA, now=NOW)
    writing.prevent(db, incident.key, check="unit of spend", actor=ADA, now=NOW)
    lifecycle.close(db, incident.key, cause="component/unit", text="cents", actor=ADA, now=NOW)
    again = explain(db, found.model, now=NOW).explanations[0]
    assert again.past[0].key == incident.key
    assert "same symptom: one column came in another unit" in again.past[0].why
    assert again.past[0].helped[0][0] == "asked the checkout team"
    assert again.recurrence is not None
    assert "second time" in again.recurrence


def test_a_store_without_batches_or_reference_says_so(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    found = explain(db, register(MODEL), now=NOW)
    assert found.batch is None
    assert "no serving batch" in found.words
    assert batches.newest(db, found.model.id) is None


def test_what_findings_did_to_the_metric_is_learned(db: sqlite3.Connection, churn: Model, tmp_path: Path) -> None:
    spoiled(db, churn, tmp_path, lost, bad=4)
    told = effects(db, churn, NOW)["null_burst"]
    assert told.batches == 4
    assert told.moves is False  # the scores of these rows stayed, and so did the AUC
    one = explain(db, churn, now=NOW).explanations[0]
    assert one.harmless
    assert "no effect" in one.effects[0].words
