from pathlib import Path

import pytest

from core import alert_answers
from storage import db as store
from tests.conftest import ADA, CHURN, NOW, registered
from tests.core.test_alerts import found
from tests.core.worth.people import play
from tests.core.worth.test_judging import arrive, hated, stern, use
from tests.tui.calls import Call
from tui.present.worth import act, lines

Capture = pytest.CaptureFixture[str]


def test_the_command_says_what_is_in_force_and_why(
    store_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call, at = Call(capsys), ("--store", str(store_file))
    db = store.connect(store_file)
    model = registered(db, tmp_path, CHURN)
    told = call.text("alerts", "worth", *at)
    assert "in force: counting; 0 answers of 50: counting until then" in told
    hated(db, model)
    use(db, stern())
    (alert,) = arrive(db, model, 0, [found("bounds", "b", cause="range")])
    alert_answers.give_feedback(db, alert.id, "noise", actor=ADA, now=NOW)
    told = call.text("alerts", "worth", "--model", "churn", *at)
    assert "answers to alerts of churn: 6 (6 noise)" in told
    assert "in force: what was learned; better than counting" in told
    assert "tickets turned down to the digest: 1; 1 of 1 judged since were noise, too few for a share" in told
    document = call("alerts", "worth", *at)
    assert (document["method"], document["usable"], document["lowered"]["moved"]) == ("model", 6, 1)
    assert document["fitted"]["held_out"]["floor"] == 0.2


def test_a_real_fit_is_told_with_its_table_and_weights(
    store_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call, at = Call(capsys), ("--store", str(store_file))
    from core.worth.learning import learn

    db = store.connect(store_file)
    use(db, learn([h.example for h in play(400, 2)]))
    told = call.text("alerts", "worth", *at)
    assert "on the newest 120 answers, unseen by what 280 earlier ones taught:" in told
    assert "SAID" in told
    assert "cause:unit change" in told
    assert "worthy tickets lie above it" in told


def test_lists_and_details_show_the_worth_and_its_reasons(
    store_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call, at = Call(capsys), ("--store", str(store_file))
    db = store.connect(store_file)
    model = registered(db, tmp_path, CHURN)
    (alert,) = arrive(db, model, 0, [found("unit", "a", cause="unit change")])
    assert (act(alert), lines(alert)[0]) == ("-", "P(act) unknown; seen x1, never answered")
    assert lines(alert)[1] == "  when it was raised: nobody had answered an alert of this model yet"
    alert_answers.give_feedback(db, alert.id, "acted", actor=ADA, now=NOW)
    (alert,) = arrive(db, model, 1, [found("unit", "a", cause="unit change")])
    assert act(alert) == "67% 1/1"
    listed = call.text("alerts", "list", *at)
    assert "67% 1/1" in listed
    assert "ada acted" in listed
    shown = call.text("alerts", "show", str(alert.id), *at)
    assert "P(act) 67% by counting answers; seen x2, acted on 1 of 1 answered" in shown
    assert "1 of 1 like it were worth it (unit change on a, the same columns)" in shown
    (document,) = call("alerts", "list", *at)
    assert document["worth"]["method"] == "counts"
    assert (document["worth"]["worthy"], document["worth"]["judged"], document["acted"]) == (1, 1, 1)
    hated(db, model)
    use(db, stern())
    (lowered,) = arrive(db, model, 2, [found("bounds", "b", cause="range")])
    shown = call.text("alerts", "show", str(lowered.id), *at)
    assert "was ticket, now digest" in shown
    assert "ticket -> digest: 0% is under the floor of 20%" in shown
