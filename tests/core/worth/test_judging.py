"""The worth of alerts against a real store: who is never moved, what teaches, what is shown."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import alert_answers, alerts
from core.alert_raising import raise_alerts, raise_standing
from core.breaking_through import SLO_BURN
from core.stats.reliability import reliability
from core.worth import judging, tiers
from core.worth.counting import Share
from core.worth.fitted import Fitted, HeldOut, Weight
from core.worth.learning import HIGHEST_FLOOR, MINIMUM
from storage.records.alerts import Alert
from storage.records.models import CheckSpec, Model
from storage.records.results import Finding
from storage.tables import alerts as alert_table
from storage.tables import batches, results, worth
from tests.conftest import ADA, CHURN, NOW
from tests.core.test_alert_life import blank
from tests.core.test_alerts import found
from tests.core.worth.people import CAUSES, draft_of

Register = Callable[..., Model]
EMPTY = reliability((), ())


def stern(floor: float = HIGHEST_FLOOR) -> Fitted:
    """A learned model that thinks next to nothing of anything."""
    held = HeldOut(EMPTY, EMPTY, floor, 1.0, 0.96, 60, 10, 40)
    return Fitted((Weight("strength", 0.0, 1.0, 0.01),), -6.0, 1.0, 0.0, 60, 30, 0, held, True, "better than counting")


def arrive(
    db: sqlite3.Connection, model: Model, number: int, findings: Sequence[Finding], now: datetime | None = None
) -> list[Alert]:
    """Take a batch's findings the way that ``ingest`` does."""
    at = now or NOW + timedelta(hours=number)
    batch = batches.get(db, batches.insert(db, blank(model, number, at), (), b"profile"))
    ids = results.insert(db, batch.id, findings, at)
    drafts = alerts.group(findings, model=model.name)
    weighed = judging.weigh(db, model, drafts, findings, batch=batch, now=at)
    raised = raise_alerts(db, model, batch, [w.draft for w in weighed], findings, ids, at)
    judging.store(db, raised, weighed, at)
    return alert_table.of_batch(db, batch.id)


def said(alert: Alert) -> worth.Worth:
    assert alert.worth is not None
    return alert.worth


def use(db: sqlite3.Connection, fitted: Fitted) -> None:
    worth.insert_fit(db, answers=1_000, in_force=True, body=fitted.body(), now=NOW)


def hated(db: sqlite3.Connection, model: Model, times: int = tiers.KNOWN_CAUSE) -> None:
    """So many answers that call range alerts noise."""
    for number in range(times):
        (alert,) = arrive(db, model, 500 + number, [found("bounds", f"other{number}", cause="range")])
        alert_answers.give_feedback(db, alert.id, "noise", actor=ADA, now=NOW)


def test_under_fifty_answers_it_counts_and_says_so(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    first = [found("completeness", "a", cause="null burst")]
    (alert,) = arrive(db, model, 0, first)
    assert (said(alert).probability, said(alert).reasons) == (0.5, ("nobody has answered an alert of this model yet",))
    for number, verdict in enumerate(("acted", "noise", "useful", "late", "duplicate")):
        alert_answers.give_feedback(db, alert.id, verdict, actor=ADA, now=NOW)
        (alert,) = arrive(db, model, number + 1, first)
    told = said(alert)
    assert (told.method, told.worthy, told.judged, told.fit_id) == ("counts", 3, 5, None)
    assert told.reasons[0] == "3 of 5 like it were worth it (null burst on a, the same columns)"
    assert worth.latest_fit(db) is None


def test_one_noise_on_a_cause_hardly_touches_another_column(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    (alert,) = arrive(db, model, 0, [found("unit", "a", cause="unit change")])
    alert_answers.give_feedback(db, alert.id, "noise", actor=ADA, now=NOW)
    same, other = arrive(
        db, model, 1, [found("unit", "a", cause="unit change"), found("unit", "b", cause="unit change", score=1.0)]
    )
    assert (same.tier, other.tier) == ("ticket", "ticket")
    assert said(same).probability == pytest.approx(1 / 3)
    assert said(other).probability == pytest.approx(0.4)


def test_within_a_tier_the_worthy_come_first_and_pages_before_all(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    (good,) = arrive(db, model, 0, [found("unit", "a", cause="unit change")])
    alert_answers.give_feedback(db, good.id, "acted", actor=ADA, now=NOW)
    (bad,) = arrive(db, model, 1, [found("bounds", "b", cause="range")])
    alert_answers.give_feedback(db, bad.id, "noise", actor=ADA, now=NOW)
    both = [found("unit", "a", cause="unit change"), found("bounds", "b", cause="range", score=9.0)]
    arrive(db, model, 2, [*both, found("completeness", "c", cause="null burst", tier="page")])
    shown = alert_table.page(db)
    assert [a.columns[0] for a in shown] == ["c", "a", "b"]
    assert [a.tier for a in shown] == ["page", "ticket", "ticket"]
    assert [alert_table.place(db, (a.model_id, a.group_key)) for a in shown] == [0, 1, 2]


def test_drift_is_sorted_by_the_importance_of_its_column(db: sqlite3.Connection, register: Register) -> None:
    model = register(CHURN + "[alerts.importance]\nspend = 5.0\nseats = 0.2\n")
    other = register(CHURN.replace('"churn"', '"plain"'))
    for number, name in enumerate(("spend", "seats")):
        drift = found("drift", name, cause="drift", error_class="drift")
        (alert,) = arrive(db, model, number, [drift])
        told = said(alert)
        assert told.probability == 0.5
        assert (told.place > 0.5) == (name == "spend")
        assert any(name in reason and "importance" in reason for reason in told.reasons)
        (plain,) = arrive(db, other, number, [drift])
        assert said(plain).place == 0.5


def test_a_disliked_ticket_goes_to_the_digest_and_says_why(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    hated(db, model)
    use(db, stern())
    (alert,) = arrive(db, model, 0, [found("bounds", "b", cause="range")])
    assert (alert.tier, said(alert).tier_before, said(alert).method) == ("digest", "ticket", "model")
    assert said(alert).reasons[0].startswith("ticket -> digest: 0% is under the floor of 20%")
    assert [m.alert_id for m in worth.moved(db, model.id, 5)] == [alert.id]
    (unknown,) = arrive(db, model, 1, [found("unit", "b", cause="unit change")])
    assert unknown.tier == "ticket"  # nobody has judged this kind yet


def test_what_was_worth_it_once_stays_a_ticket(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    hated(db, model)
    (alert,) = arrive(db, model, 0, [found("bounds", "b", cause="range")])
    alert_answers.give_feedback(db, alert.id, "useful", actor=ADA, now=NOW)
    use(db, stern())
    assert [a.tier for a in arrive(db, model, 1, [found("bounds", "b", cause="range")])] == ["ticket"]


def test_hard_errors_named_tiers_and_incidents_are_never_moved(db: sqlite3.Connection, register: Register) -> None:
    model = register(CHURN + '[[checks]]\ncheck = "bounds"\ncolumn = "named"\ntier = "ticket"\n')
    hated(db, model)
    (linked,) = arrive(db, model, 0, [found("bounds", "linked", cause="range")])
    from core.incidents.from_alerts import open_from

    open_from(db, [linked], "seats wrong", actor=ADA, now=NOW)
    use(db, stern())
    told = arrive(
        db,
        model,
        1,
        [
            found("bounds", "hard", cause="range", error_class="hard"),
            found("bounds", "named", cause="range"),
            found("bounds", "linked", cause="range"),
            found("bounds", "free", cause="range"),
        ],
    )
    assert {a.columns[0]: a.tier for a in told} == {
        "hard": "ticket", "named": "ticket", "linked": "ticket", "free": "digest",
    }  # fmt: skip
    burn = replace(draft_of(SLO_BURN, "auc", 3.0)[0], findings=())
    standing = raise_standing(db, model, burn, NOW)
    assert standing is not None
    judging.weigh_standing(db, model, NOW)
    again = alert_table.get(db, standing.id)
    assert (again.tier, said(again).tier_before) == ("ticket", "ticket")


@given(
    cause=st.sampled_from([*CAUSES, SLO_BURN]),
    tier=st.sampled_from(["page", "ticket", "digest"]),
    error_class=st.sampled_from(["hard", "soft", "drift", "ops"]),
    probability=st.floats(0.0, 1.0),
    floor=st.floats(0.0, HIGHEST_FLOOR),
    cause_share=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    group_share=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    named=st.booleans(),
    incident=st.booleans(),
)
def test_no_rule_moves_what_is_exempt_or_lowers_without_grounds(
    cause: str,
    tier: str,
    error_class: str,
    probability: float,
    floor: float,
    cause_share: tuple[int, int],
    group_share: tuple[int, int],
    named: bool,
    incident: bool,
) -> None:
    draft, finding = draft_of(cause, "seats", 2.0, tier, error_class)  # type: ignore[arg-type]
    specs = [CheckSpec(cause, "seats", tier="ticket")] if named else []
    keeps = tiers.exempt(draft, [finding], specs, incident=incident)
    assert (keeps is not None) == (error_class == "hard" or cause == SLO_BURN or named or incident)
    of_cause = Share(cause_share[0], sum(cause_share))
    of_group = Share(group_share[0], sum(group_share))
    assert tiers.lowered(draft, probability, None, of_cause, of_group) is None
    if tiers.lowered(draft, probability, stern(floor), of_cause, of_group):
        assert tier == "ticket"
        assert probability < floor
        assert of_cause.judged >= tiers.KNOWN_CAUSE
        assert of_group.worth == 0


def test_digests_that_people_keep_acting_on_become_tickets(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    digest = [found("encoding", "a", cause="encoding", tier="digest")]
    for number in range(4):
        (alert,) = arrive(db, model, number, digest)
        assert alert.tier == "digest"
        alert_answers.give_feedback(db, alert.id, "acted", actor=ADA, now=NOW)
    (alert,) = arrive(db, model, 4, digest)
    assert (alert.tier, said(alert).tier_before) == ("ticket", "digest")
    assert said(alert).reasons[0] == "digest -> ticket: 4 of 4 such digests were acted on"


def test_silence_is_a_weak_no_but_never_where_the_program_turned_it_down(
    db: sqlite3.Connection, register: Register
) -> None:
    model = register()
    hated(db, model)
    (ignored,) = arrive(db, model, 1, [found("unit", "i", cause="unit change")])
    (acknowledged,) = arrive(db, model, 30, [found("unit", "k", cause="unit change")])
    alert_answers.acknowledge(db, acknowledged.id, actor=ADA, now=NOW)
    (hard,) = arrive(db, model, 31, [found("unit", "h", cause="unit change", error_class="hard")])
    use(db, stern())
    (lowered,) = arrive(db, model, 32, [found("bounds", "b", cause="range")])
    assert lowered.tier == "digest"
    (brief,) = arrive(db, model, 33, [found("unit", "q", cause="unit change")])
    for number in (34, 35):
        arrive(db, model, number, [])
    assert alert_table.get(db, brief.id).state == "resolved"
    later = NOW + timedelta(days=5)
    before = {e.alert_id for e in judging.examples(db, later)}
    assert not before & {ignored.id, acknowledged.id, hard.id, lowered.id}  # nobody has answered anything since
    (answered,) = arrive(db, model, 36, [found("unit", "z", cause="unit change")])
    alert_answers.give_feedback(db, answered.id, "acted", actor=ADA, now=later)
    assert ignored.id not in {e.alert_id for e in judging.examples(db, NOW + timedelta(days=2))}
    told = {e.alert_id: e for e in judging.examples(db, later)}
    assert (told[ignored.id].worth, told[ignored.id].weight) == (False, judging.SILENT_WEIGHT)
    assert not set(told) & {acknowledged.id, hard.id, lowered.id, brief.id}
    alert_answers.give_feedback(db, lowered.id, "noise", actor=ADA, now=later)
    assert {e.alert_id: e.weight for e in judging.examples(db, later)}[lowered.id] == 1.0  # a person said so


def test_it_learns_when_fifty_have_answered_and_again_after_ten(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    for number in range(MINIMUM + 10):
        cause = "unit change" if number % 2 else "range"
        (alert,) = arrive(db, model, number, [found("bounds", f"c{number % 7}", cause=cause, score=2.0 + number % 3)])
        fit = worth.latest_fit(db)
        assert (fit is None) == (number < MINIMUM), number
        alert_answers.give_feedback(db, alert.id, "acted" if number % 2 else "noise", actor=ADA, now=alert.fired_at)
    arrive(db, model, 99, [found("bounds", "c1", cause="range")])
    fit = worth.latest_fit(db)
    assert fit is not None
    assert fit.answers == MINIMUM + 10
    assert db.execute("SELECT count(*) FROM worth_fits").fetchone()[0] == 2


def test_a_program_s_own_link_is_no_answer(db: sqlite3.Connection, register: Register) -> None:
    model = register()
    (alert,) = arrive(db, model, 0, [found("bounds", "b", cause="range")])
    alert_table.event(db, alert.id, "link", by="midwatch", now=NOW, incident_id=1)
    assert worth.answered(db, 9) == []
    alert_table.event(db, alert.id, "link", by="ada", now=NOW, incident_id=1)
    (answer,) = worth.answered(db, 9)
    assert (answer.worth, answer.acted, answer.verdict) == (True, True, None)


@pytest.mark.parametrize("table", ["alert_worth", "worth_fits"])
def test_what_was_said_is_never_rewritten(db: sqlite3.Connection, register: Register, table: str) -> None:
    model = register()
    arrive(db, model, 0, [found("bounds", "b", cause="range")])
    use(db, stern())
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(f"DELETE FROM {table}")
