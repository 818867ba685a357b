"""What a back-test says of a change against what happens when the same batches come again under that change."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import alert_answers
from core.baseline import Baselines
from core.checks.registry import CHECKS
from core.ingest import Ingested, ingest
from core.tuner.answers import accept, record, revert
from core.tuner.backtest import BackTest
from core.tuner.expected import answered_by_verdicts
from core.tuner.history import read
from core.tuner.nearer import nearer
from core.tuner.proposals import Candidate
from core.tuner.rejudge import context_of, judged, rejudge
from core.tuner.replay import replay
from core.tuner.standing import tuned_specs
from storage.records.models import CheckSpec, Model
from storage.tables import alerts
from tests.conftest import ADA, NOW
from tests.core.tuner.play import fresh
from tests.rows import MODEL, write_log

NOTHING = BackTest(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ())
SPEND = (40.0, 44.0, 46.0, 40.0, 45.0, 80.0, 40.0, 47.0, 300.0, 40.0)
"""Small moves that a person calls noise, and two that were acted on."""


def serve(db: sqlite3.Connection, model: Model, logs: list[str]) -> list[Ingested]:
    """Batches as they come, each answered at once: what moved little was noise."""
    done = []
    for path, spend in zip(logs, SPEND, strict=True):
        (taken,) = ingest(db, model, [path], actor=ADA, now=NOW)
        for alert in taken.alerts:
            verdict = "acted" if spend > 50 else "noise"
            alert_answers.give_feedback(db, alert.id, verdict, actor=ADA, now=NOW)
        done.append(taken)
    return done


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """Reference and serving logs."""
    folder = tmp_path_factory.mktemp("logs")
    before = [str(write_log(folder, number)) for number in range(8)]
    return before, [str(write_log(folder, 20 + n, spend=spend)) for n, spend in enumerate(SPEND)]


def start(folder: Path, logs: list[str], text: str = MODEL) -> tuple[sqlite3.Connection, Model]:
    db, model = fresh(folder, text)
    list(ingest(db, model, logs, role="reference", actor=ADA, now=NOW))
    return db, model


def told(db: sqlite3.Connection, done: list[Ingested]) -> list[list[tuple[str, tuple[str, ...]]]]:
    """Tier and columns of the alerts of each batch."""
    return [sorted((a.tier, a.columns) for a in alerts.of_batch(db, one.batch.id)) for one in done]


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, logs: tuple[list[str], list[str]]
) -> Iterator[tuple[sqlite3.Connection, Model, list[Ingested]]]:
    """A store with every batch answered."""
    db, model = start(tmp_path_factory.mktemp("served"), logs[0])
    yield db, model, serve(db, model, logs[1])
    db.close()


@pytest.mark.parametrize(
    "change",
    [
        {"times": 2.5},
        {"times": 1.3, "minimum_touched": 50},
        {"minimum_touched": 1000},
        {"batches_in_a_row": 2},
        {"hours": "00-22"},
        {"minimum_rows": 201},
        {"enabled": False},
    ],
)
def test_verdicts_walked_again_tell_what_batches_judged_anew_tell(
    served: tuple[sqlite3.Connection, Model, list[Ingested]], change: dict[str, object]
) -> None:
    db, model, done = served
    checks = sorted({f.check for one in done for f in one.findings})
    specs = tuple(CheckSpec(check, **change) for check in checks)  # type: ignore[arg-type]
    assert answered_by_verdicts((), specs)
    walked, judged = replay(read(db, model), specs), rejudge(db, model, (), specs)
    assert [one.batch.id for one in done] == [b.id for b in judged.batches]
    for batch, before, after in zip(judged.batches, judged.before, judged.after, strict=True):
        assert sorted(t.tier for t in before) == sorted(a.tier for a in alerts.of_batch(db, batch.id))
        assert sorted(t.tier for t in walked.told.get(batch.id, ())) == sorted(t.tier for t in after)
    assert judged.after != judged.before or "minimum_touched" in change


@pytest.mark.simulation
def test_a_back_test_is_what_happens_when_the_batches_come_again(
    tmp_path: Path, logs: tuple[list[str], list[str]], served: tuple[sqlite3.Connection, Model, list[Ingested]]
) -> None:
    db, model, done = served
    checks = sorted({f.check for one in done for f in one.findings})
    estimate = replay(read(db, model), tuple(CheckSpec(check, times=2.5) for check in checks))
    text = MODEL + "".join(f'[[checks]]\ncheck = "{check}"\ntimes = 2.5\n' for check in checks)
    other, changed = start(tmp_path, logs[0], text)
    simulated = serve(other, changed, logs[1])
    assert [sorted(t.tier for t in estimate.told.get(one.batch.id, ())) for one in done] == [
        sorted(tier for tier, _ in day) for day in told(other, simulated)
    ]
    other.close()


def test_an_accepted_tuning_judges_the_next_batch_and_a_revert_judges_as_before(
    tmp_path: Path, logs: tuple[list[str], list[str]]
) -> None:
    db, model = start(tmp_path, logs[0])
    (first,) = ingest(db, model, [str(write_log(tmp_path, 50, spend=300.0))], actor=ADA, now=NOW)
    loud = {f.check for f in first.findings if f.tier != "evidence"}
    context = context_of(db, model, Baselines(db, model), first.batch)
    assert loud
    assert context is not None
    before, specs = judged(db, model, context, tuned_specs(db, model)), tuned_specs(db, model)
    assert {f.check for f in before.findings if f.tier != "evidence"} == loud
    every = sorted(check.name for check in CHECKS)
    ids = [record(db, model, Candidate(check, None, {"times": 5000.0}, NOTHING), actor=ADA, now=NOW) for check in every]
    for tuning in ids:
        accept(db, tuning, reason="a new price list", actor=ADA, now=NOW)
    (second,) = ingest(db, model, [str(write_log(tmp_path, 51, spend=310.0))], actor=ADA, now=NOW)
    assert {f.error_class for f in second.findings if f.tier != "evidence"} <= {"hard"}
    quiet = [f for f in second.findings if "quiet" in f.evidence]
    assert quiet
    assert {f.evidence["tuned"] for f in quiet} == {"tuned by ada on 2026-11-23: x5000"}
    assert {f.evidence["quiet"] for f in quiet} == {"less than 5000 times its limit"}
    after = judged(db, model, context, tuned_specs(db, model))
    assert not [f for f in after.findings if f.tier != "evidence"]
    for tuning in ids:
        revert(db, tuning, reason="it was not", actor=ADA, now=NOW)
    assert tuned_specs(db, model) == specs == model.file.checks
    assert judged(db, model, context, tuned_specs(db, model)) == before
    db.close()


@pytest.mark.simulation
def test_a_nearer_limit_tells_what_would_be_new_and_is_tested_again_when_accepted(
    tmp_path: Path, logs: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.tuner.nearer.NEARER", 0.3)
    db, model = start(tmp_path, logs[0])
    serve(db, model, logs[1])
    history = read(db, model)
    known = {a.id for a in history.every_alert() if a.known}
    found = [c for check in ("drift", "bounds", "volume") if (c := nearer(db, model, check, None, history)) is not None]
    assert known
    assert found
    for candidate in found:
        assert candidate.change == {"times": 0.3}
        assert candidate.test.new > 0
        assert (candidate.test.known, candidate.test.lost) == (len(known), ())
        assert candidate.test.alerts_after >= candidate.test.alerts_before
    kept = record(db, model, found[0], actor=ADA, now=NOW)
    assert accept(db, kept, reason="it came late", actor=ADA, now=NOW).state == "accepted"
    assert [s.times for s in tuned_specs(db, model)] == [0.3]
    db.close()
